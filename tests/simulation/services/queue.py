"""The storage queue and the Functions host in front of each process.

As Azure has it: a message in work is hidden and comes back when its process dies or its lease is lost; one
whose function raised comes back after 30 seconds; the sixth delivery is the poison queue's; a deletion with a
receipt that a later delivery outdated fails, so the message stays.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from booking_sync.domain.messages.change import encode_change, encode_related
from booking_sync.domain.return_path.messages import encode_outlook
from booking_sync.errors import TransientError
from booking_sync.sync.worker import MAX_DEQUEUE_COUNT
from tests.simulation.chance.clock import now
from tests.simulation.chance.conductor import Choice
from tests.simulation.services.poison import PoisonModel

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Sequence

    from booking_sync.domain.messages.audit_progress import AuditProgress
    from booking_sync.domain.messages.change import BookingChange, RelatedChange
    from booking_sync.domain.return_path.messages import OutlookMessage
    from tests.simulation.chance.conductor import Conductor
    from tests.simulation.chance.trouble import Troubles

VISIBILITY_SECONDS = 30.0
"""`visibilityTimeout` in host.json: how long a message whose function raised stays hidden."""
LEASE_SECONDS = 600.0
"""How long the host hides a message in work, at most, before it renews."""
MOST_SPOILED_DELIVERIES = 2
"""Of one message, by crashes and lost receipts. The host itself gives a message up after five, with no fault
of ours, and the queue's own failures need some of those."""
MOST_PER_PROCESS = 6
"""Messages in work at once; fewer than the host's, so that several processes get some."""

DELIVER_WEIGHT = 1.5
LEASE_WEIGHT = 0.1

_TIMER_SLACK = 1e-6
"""Seconds; the loop lets a timer go that rounding brought this close."""


@dataclass(eq=False)
class Message:
    """One message on the queue."""

    number: int
    text: str
    visible_at: float
    dequeue_count: int = 0


@dataclass(frozen=True)
class Delivery:
    """A message in work; the receipt is the delivery's number, and void once there was a later one."""

    message: Message
    receipt: int

    @property
    def valid(self) -> bool:
        """Whether the message is still this delivery's."""
        return self.message.dequeue_count == self.receipt

    @property
    def may_spoil(self) -> bool:
        """Whether the message bears another delivery."""
        return self.valid and self.receipt <= MOST_SPOILED_DELIVERIES


class Worker(Protocol):
    """What handles a message."""

    async def handle(self, text: str, dequeue_count: int) -> None:
        """Do what the message asks for."""


class Host(Protocol):
    """A process with the Functions host in front of it, as far as the queue knows it."""

    name: str
    at_work: list[Delivery]

    @property
    def worker(self) -> Worker:
        """What handles messages in it."""

    def start(self, delivery: Delivery, invocation: Coroutine[Any, Any, None]) -> None:
        """Run a function."""

    def finish(self, delivery: Delivery) -> None:
        """A function ended."""


class QueueModel:
    """The change queue and its poison queue.

    Args:
        conductor: the order of things.
        troubles: what fails.
        processes: the live ones, which take messages.
    """

    def __init__(
        self, conductor: Conductor, troubles: Troubles, processes: Callable[[], Sequence[Host]]
    ) -> None:
        self._conductor = conductor
        self._troubles = troubles
        self._processes = processes
        self._numbers = 0
        self.messages: list[Message] = []
        self.poison = PoisonModel()
        self.ill_settled = 0
        """Deliveries that ended without their put-back or dead letter stored for certain."""

    def put(self, change: BookingChange, delay: float = 0.0) -> None:
        """A message is stored."""
        flags = " uncertain" if change.uncertain else ""
        flags += f" suspects {len(change.suspects)}" if change.suspects else ""
        self._store(encode_change(change), delay, f"{change.booking_id[-4:]}{flags}")

    def put_related(self, change: RelatedChange, delay: float = 0.0) -> None:
        """A message about a row that bookings name is stored."""
        self._store(encode_related(change), delay, f"{change.table} {change.row_id[-4:]}")

    def put_outlook(self, message: OutlookMessage, delay: float = 0.0) -> None:
        """A message of what comes from Outlook is stored."""
        self._store(encode_outlook(message), delay, f"{type(message).__name__} of {message.mailbox[:2]}")

    def _store(self, text: str, delay: float, about: str) -> None:
        self._numbers += 1
        self._conductor.wake_at(delay)
        self.messages.append(Message(self._numbers, text, self._conductor.time + delay))
        self._conductor.note(f"queue: #{self._numbers} about {about}, in {delay:.1f} s")

    def choices(self) -> Iterable[Choice]:
        """Any visible message may go to any process that has room; leases may get lost."""
        by_now = self._conductor.time + _TIMER_SLACK
        for message in self.messages:
            if message.visible_at <= by_now:
                for process in self._processes():
                    if len(process.at_work) < MOST_PER_PROCESS:
                        yield Choice(DELIVER_WEIGHT, functools.partial(self.deliver, process, message))
        if self._troubles.may("redelivery"):
            for process in self._processes():
                for delivery in process.at_work:
                    if delivery.may_spoil:
                        yield Choice(LEASE_WEIGHT, functools.partial(self.lose_lease, delivery.message))

    def return_from(self, process: Host) -> None:
        """What a dead process had in work comes back when its lease ends."""
        for delivery in process.at_work:
            if delivery.valid:
                lease = self._conductor.random.uniform(VISIBILITY_SECONDS, LEASE_SECONDS)
                self._hide(delivery.message, lease)
        process.at_work.clear()

    def deliver(self, process: Host, message: Message) -> None:
        """A process gets a message, or the poison queue does when it came too often."""
        message.dequeue_count += 1
        if message.dequeue_count > MAX_DEQUEUE_COUNT:
            self.messages.remove(message)
            self.poison.lay_as_host(message.text)
            return
        delivery = Delivery(message, message.dequeue_count)
        message.visible_at = float("inf")
        self._conductor.note(
            f"queue: {process.name} takes #{message.number}, delivery {message.dequeue_count}"
        )
        process.start(delivery, self._invoke(process, delivery))

    async def _invoke(self, process: Host, delivery: Delivery) -> None:
        message = delivery.message
        try:
            await process.worker.handle(message.text, delivery.receipt)
        except Exception as error:  # noqa: BLE001 - as the host: whatever it is, the message comes back
            self._conductor.note(f"queue: #{message.number} failed in {process.name}: {error!r}")
            self.ill_settled += 1
            if delivery.valid:
                self._hide(message, VISIBILITY_SECONDS)
        else:
            self._acknowledge(process, delivery)
        process.finish(delivery)

    def _acknowledge(self, process: Host, delivery: Delivery) -> None:
        message = delivery.message
        if not delivery.valid or message not in self.messages:
            self._conductor.note(f"queue: #{message.number} done by {process.name}, but not its any more")
        elif delivery.may_spoil and self._troubles.strikes("redelivery", 0.1):
            self._troubles.tell("queue acknowledgement lost")
            self._hide(message, VISIBILITY_SECONDS)
        else:
            self._conductor.note(f"queue: #{message.number} done by {process.name}")
            self.messages.remove(message)

    def lose_lease(self, message: Message) -> None:
        """A message in work shows again, though its process is alive."""
        self._troubles.use("redelivery")
        self._troubles.tell("queue lease lost")
        self._hide(message, 0.0)

    def _hide(self, message: Message, seconds: float) -> None:
        message.visible_at = self._conductor.time + seconds
        self._conductor.wake_at(seconds)


class ProcessQueue:
    """One process's way to the queue; fulfils `MessageQueue`."""

    def __init__(
        self,
        model: QueueModel,
        conductor: Conductor,
        troubles: Troubles,
        name: str,
        told: Callable[[BookingChange], BookingChange] | None = None,
    ) -> None:
        self._model = model
        self._conductor = conductor
        self._troubles = troubles
        self._name = name
        self._told = told

    async def send(self, change: BookingChange, delay: float = 0.0) -> None:
        """Put a change on the queue."""
        change = self._told(change) if self._told else change
        with self._conductor.stage("queue: putting back"):
            when = await self._before(f"{self._name} puts a message back")
        self._model.put(change, delay)
        self._after(when)
        if not change.attempt and self._troubles.strikes("doubled", 0.3):
            self._troubles.tell("queue message doubled")
            self._model.put(change, self._conductor.random.choice((0.0, 0.5, 20.0)))

    async def send_related(self, change: RelatedChange, delay: float = 0.0) -> None:
        """Put a change of a row that bookings name on the queue."""
        with self._conductor.stage("queue: announcing a row"):
            when = await self._before(f"{self._name} announces a row")
        self._model.put_related(change, delay)
        self._after(when)

    async def send_audit(self, progress: AuditProgress, delay: float = 0.0) -> None:
        """The simulation plays what an audit does, not its parts: none comes here."""
        raise AssertionError((progress, delay))

    async def send_outlook(self, message: OutlookMessage, delay: float = 0.0) -> None:
        """Put what comes from Outlook on the queue: sweeps, here."""
        with self._conductor.stage("queue: asking for a sweep"):
            when = await self._before(f"{self._name} asks for a sweep")
        self._model.put_outlook(message, delay)
        self._after(when)

    async def dead_letter(self, message: str, reason: str) -> None:
        """Lay a message on the poison queue."""
        with self._conductor.stage("queue: dead-lettering"):
            when = await self._before(f"{self._name} dead-letters a message")
        self._conductor.note(f"queue: {self._name} dead-letters: {reason}")
        self._model.poison.lay(message, reason, now())
        self._after(when)

    async def _before(self, point: str) -> str:
        await self._conductor.turn(point)
        when = self._troubles.pick(("before", "after")) if self._troubles.strikes("queue", 0.25) else ""
        if when:
            self._troubles.tell(f"queue down {when} it stored a message")
        if when == "before":
            raise TransientError("the storage queue can't be reached")
        return when

    def _after(self, when: str) -> None:
        if when == "after":
            raise TransientError("the storage queue did not answer in time", maybe_applied=True)
