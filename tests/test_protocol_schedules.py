"""Random schedules of several workers, crashes and lost answers: the protocol converges under each of them.

Every await on a service is a point at which anything else may happen first. A schedule is made by its seed
alone, so a failing one replays exactly: `pytest tests/test_protocol_schedules.py -k <seed>` after adding the
seed to `KNOWN_SEEDS`.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from booking_sync.domain.booking import Booking
from booking_sync.domain.change import BookingChange, encode_change
from booking_sync.domain.event import own_generation
from booking_sync.domain.outcome import Outcome
from booking_sync.domain.plan import Desire, Wanted, desire
from booking_sync.domain.rendering import EventRenderer, EventStyle
from booking_sync.domain.zones import event_zone
from booking_sync.errors import TransientError
from booking_sync.synchronizer import Synchronizer, SyncTask
from booking_sync.worker import BackOff, ChangeWorker, Work
from tests.support.bookings import (
    ANNA,
    BERT,
    BOOKING_ID,
    CANCELED,
    ORGANIZATION_ID,
    SCHEDULED,
    booking,
    technician,
)
from tests.support.fakes import FakeCalendar, FakeQueue, FakeRows

SCHEDULES = 600
KNOWN_SEEDS: tuple[int, ...] = ()
START = datetime(2026, 3, 2, tzinfo=UTC)
MAX_STEPS = 3000
MAX_WORKERS = 3
MAX_CRASHES = 3

_RENDERER = EventRenderer(EventStyle(event_zone("UTC"), "https://contoso.crm4.dynamics.com"))


def _wish(subject: Booking) -> Desire:
    return desire(subject, _RENDERER.render, require_work_order=True)


@dataclass
class Message:
    """A queue message and how often it was delivered."""

    text: str
    deliveries: int = 0


@dataclass
class Wait:
    """A worker about to do I/O."""

    point: str
    go: asyncio.Future[None]


@dataclass(frozen=True)
class Trouble:
    """What may go wrong in a schedule."""

    crashes: bool = True
    lost_answers: bool = True
    deletions: bool = True
    user_deletes: bool = True
    doubles: bool = False


@dataclass
class Schedule:
    """One random run."""

    seed: int
    trouble: Trouble
    waits: list[Wait] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    running: dict[asyncio.Task[None], Message] = field(default_factory=dict)
    crashes: int = 0
    lost: int = 0
    user_deleted: bool = False

    def __post_init__(self) -> None:
        """Set the world up with one booking."""
        self.rng = random.Random(self.seed)  # noqa: S311 - schedules must replay
        self.rows = FakeRows(self._wait)
        self.calendar = FakeCalendar(self._wait, extension=self.rng.random() < 0.5)
        self.calendar.doubles = self.trouble.doubles
        self.queue = FakeQueue()
        self.changes_left = self.rng.randint(1, 6)
        self.booking = booking()
        self.change()

    async def _wait(self, point: str) -> None:
        wait = Wait(point, asyncio.get_running_loop().create_future())
        self.waits.append(wait)
        try:
            await wait.go
        finally:
            if wait in self.waits:
                self.waits.remove(wait)

    def hint(self, change: BookingChange) -> None:
        """A message comes in, sometimes twice."""
        for _ in range(2 if self.rng.random() < 0.1 else 1):
            self.messages.append(Message(encode_change(change)))

    def change(self, **fields: object) -> None:
        """A dispatcher writes the booking."""
        self.booking = replace(self.booking, **fields)  # type: ignore[arg-type]  # schedules name the fields
        self.rows.put(self.booking)
        self.hint(BookingChange(BOOKING_ID, "c", START))

    def delete(self) -> None:
        """A dispatcher deletes the booking; the hint carries what the row named."""
        if BOOKING_ID in self.rows.rows:
            row = self.rows.remove(BOOKING_ID)
            self.hint(BookingChange(BOOKING_ID, "c", START, deleted=True, event=row.record.event))

    def mutate(self) -> None:
        """Something changes in Dynamics 365 or Outlook."""
        self.changes_left -= 1
        dice = self.rng.random()
        if BOOKING_ID not in self.rows.rows:
            return
        if dice < 0.35:
            self.change(name=self._title())
        elif dice < 0.6:
            self.change(resource=technician(self.rng.choice([ANNA, BERT])))
        elif dice < 0.85:
            canceled = self.booking.status == CANCELED
            self.change(status=SCHEDULED if canceled else CANCELED)
        elif dice < 0.93:
            if self.trouble.user_deletes and self.calendar.events:
                self.calendar.events.pop(self.rng.choice(list(self.calendar.events)))
                self.user_deleted = True
                self.change(name=self._title())
        elif self.trouble.deletions:
            self.delete()

    def _title(self) -> str:
        # A user's removal is repaired at the next real change of content: none may restore the former one.
        return f"Title {self.rng.randint(4, 10**9) if self.user_deleted else self.rng.randint(1, 3)}"

    def start(self) -> None:
        """A worker takes any message, as a process of its own would."""
        message = self.messages.pop(self.rng.randrange(len(self.messages)))
        message.deliveries += 1
        synchronizer = Synchronizer(self.rows, self.calendar, _wish, ORGANIZATION_ID)
        worker = ChangeWorker(
            lambda: _ready(_Direct(synchronizer)),
            self.queue,
            lambda: START,
            timedelta(hours=1),
            BackOff(lambda: 0.0),
        )
        task = asyncio.get_running_loop().create_task(worker.handle(message.text, message.deliveries))
        self.running[task] = message

    def step(self) -> None:
        """One worker's next I/O happens, and its answer may get lost."""
        wait = self.rng.choice(self.waits)
        self.waits.remove(wait)
        if self.trouble.lost_answers and self.lost < 3 and self.rng.random() < 0.1:
            self._spoil(wait.point)
        wait.go.set_result(None)

    def _spoil(self, point: str) -> None:
        service, operation = point.split(".")
        faults = self.rows.faults if service == "rows" else self.calendar.faults
        applied = self.rng.random() < 0.6 and operation not in ("read", "find")
        error = TransientError("lost", maybe_applied=True if applied else self.rng.random() < 0.5)
        (faults.after if applied else faults.before).setdefault(operation, []).append(error)
        self.lost += 1

    async def crash(self) -> None:
        """A worker's process dies; its message is delivered again."""
        self.crashes += 1
        task = self.rng.choice(list(self.running))
        message = self.running.pop(task)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        self.messages.append(message)

    async def run(self) -> None:
        """Until nothing is left to do."""
        for _ in range(MAX_STEPS):
            await self._settle()
            actions = self._possible()
            if not actions:
                return
            match self.rng.choice(actions):
                case "mutate":
                    self.mutate()
                case "start":
                    self.start()
                case "step":
                    self.step()
                case "crash":
                    await self.crash()
        raise AssertionError("livelock")

    def _possible(self) -> list[str]:
        actions = ["mutate"] if self.changes_left > 0 else []
        if self.messages and len(self.running) < MAX_WORKERS:
            actions.append("start")
        if self.waits:
            actions += ["step"] * 4
        may_crash = self.trouble.crashes and self.crashes < MAX_CRASHES and self.running
        return actions + (["crash"] if may_crash and self.rng.random() < 0.15 else [])

    async def _settle(self) -> None:
        for _ in range(12):
            await asyncio.sleep(0)
        for task in [task for task in self.running if task.done()]:
            message = self.running.pop(task)
            if task.exception():  # the host delivers the message again
                self.messages.append(message)
        self.messages += [Message(encode_change(change)) for change, _ in self.queue.sent]
        self.queue.sent.clear()

    def expected(self) -> list[tuple[str, object]]:
        """Mailbox and content of the events that should be there."""
        if BOOKING_ID not in self.rows.rows:
            return []
        wish = _wish(self.rows.rows[BOOKING_ID].booking)
        return [(wish.mailbox, wish.content)] if isinstance(wish, Wanted) else []

    def check(self) -> None:
        """One right event where there should be one; anything more only after a crash, and provably ours."""
        assert not self.queue.poison
        row = self.rows.rows.get(BOOKING_ID)
        named = row.record.event if row else None
        shown = [(e.ref.mailbox, e.content) for e in self.calendar.events.values() if e.ref == named]
        assert shown == self.expected()
        orphans = [e for e in self.calendar.events.values() if e.ref != named]
        for event in orphans:
            assert own_generation(event.transaction_id, BOOKING_ID, event.ref.mailbox, 100)
        assert not orphans or self.crashes or self.trouble.doubles


class _Direct:
    """Work without batching: each worker stands for a process of its own."""

    def __init__(self, synchronizer: Synchronizer) -> None:
        self._synchronizer = synchronizer

    async def submit(self, task: SyncTask) -> Outcome:
        """See `Work`."""
        return await self._synchronizer.sync(task)

    async def give_up(self, booking_id: str, reason: str) -> None:
        """See `Work`."""
        await self._synchronizer.note_failure(booking_id, reason)


async def _ready(work: Work) -> Work:
    return work


TROUBLES = {
    "everything": Trouble(),
    "no crashes": Trouble(crashes=False),
    "no crashes, no deletions": Trouble(crashes=False, deletions=False, user_deletes=False),
    "two events for one transactionId": Trouble(doubles=True),
}


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES.keys())
async def test_every_schedule_converges(trouble: Trouble) -> None:
    """Whatever the order of steps, lost answers and crashes, the calendar ends equal to the booking."""
    for seed in (*KNOWN_SEEDS, *range(SCHEDULES)):
        schedule = Schedule(seed, trouble)
        await schedule.run()
        try:
            schedule.check()
        except AssertionError as error:
            raise AssertionError(f"seed {seed} of {trouble}") from error
