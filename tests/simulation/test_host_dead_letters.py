"""Messages that the Functions host gave up, over more than the week after which Storage deletes them.

The catch-up's own code takes them over, while its process dies at any step and the queue fails before and
after it did what it was asked for; the seed decides when.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from booking_sync.domain.messages.change import BookingChange
from booking_sync.operations.dead_letters import read_dead_letter
from booking_sync.operations.host_dead_letters import take_over_host_dead_letters
from booking_sync.operations.operator_actions import OperatorActions
from tests.simulation.chance.clock import now
from tests.simulation.chance.conductor import OWNER, Choice, Conductor
from tests.simulation.chance.trouble import Troubles, draw_profile
from tests.simulation.services.poison import HOST_KEEPS, PoisonModel, ProcessPoison
from tests.simulation.services.queue import QueueModel
from tests.support.fakes import FakeQueue

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Sequence

    from booking_sync.operations.dead_letters import DeadLetter
    from booking_sync.ports.platform.clock import Clock
    from booking_sync.ports.platform.queues import PoisonMessage, PoisonQueue
    from tests.simulation.services.queue import Delivery

    TakeOver = Callable[[PoisonQueue, Clock], Coroutine[Any, Any, object]]

SEEDS = range(60)
PLAYED = HOST_KEEPS + timedelta(days=2)
LONGEST_PAUSE = timedelta(days=1)
"""Between two catch-ups: the app may be down for a while."""
KILLS = 4
FAILURES = 4


class _Crashing:
    """A process that dies of each message; fulfils `Host`."""

    def __init__(self, queue: Callable[[], QueueModel]) -> None:
        self.name = "crashing"
        self.at_work: list[Delivery] = []
        self._queue = queue

    @property
    def worker(self) -> Any:
        """Never asked: no function gets as far."""
        raise NotImplementedError

    def start(self, delivery: Delivery, invocation: Coroutine[Any, Any, None]) -> None:
        """The message goes back when its lease ends."""
        invocation.close()
        self.at_work.append(delivery)
        self._queue().return_from(self)

    def finish(self, delivery: Delivery) -> None:
        """Nothing ends by itself."""


class _CatchUp:
    """The process of one catch-up's run; fulfils `Owner`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.dead = False
        self.task: asyncio.Task[Any] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    def adopt(self, task: asyncio.Task[Any]) -> None:
        """See `Owner`."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def kill(self) -> None:
        """Nothing of it runs on, no error handler either."""
        self.dead = True
        for task in list(self._tasks):
            task.cancel()


class Week:
    """Bookings whose messages crash every process, then catch-ups for nine days."""

    def __init__(self, seed: int, take_over: TakeOver) -> None:
        self.conductor = Conductor(seed, (PLAYED + LONGEST_PAUSE).total_seconds())
        profile = replace(draw_profile(self.conductor.random), queue_faults=FAILURES, redeliveries=0)
        self.troubles = Troubles(self.conductor, profile)
        self.crashing = _Crashing(lambda: self.queue)
        self.queue = QueueModel(self.conductor, self.troubles, lambda: [self.crashing])
        self.bookings = [f"5b3f8f0e-0000-4000-8000-{number:012d}" for number in range(1 + seed % 5)]
        self.killed: Counter[str] = Counter()
        """By what the process was in the middle of."""
        self._take_over = take_over
        self._running: _CatchUp | None = None

    @property
    def poison(self) -> PoisonModel:
        """The poison queue."""
        return self.queue.poison

    def choices(self) -> Iterable[Choice]:
        """The catch-up's process may die whenever it is at work."""
        if self._running and not self._running.dead and self.killed.total() < KILLS:
            yield Choice(0.5, self._kill)

    def play(self) -> list[DeadLetter]:
        """What is on the poison queue in the end."""
        return self.conductor.run(self._play())

    async def _play(self) -> list[DeadLetter]:
        self.conductor.actors += [self.queue, self]
        for booking_id in self.bookings:
            self.queue.put(BookingChange(booking_id, "correlation", now()))
        runs = 0
        while self.conductor.time < PLAYED.total_seconds():
            await asyncio.sleep(self.conductor.random.uniform(300, LONGEST_PAUSE.total_seconds()))
            runs += 1
            await self._catch_up(f"catch-up {runs}")
        assert self.queue.messages == []
        return [read_dead_letter(each) for each in self.poison.everything()]

    async def _catch_up(self, name: str) -> None:
        self._running = process = _CatchUp(name)
        context = contextvars.Context()
        context.run(OWNER.set, process)
        poison = ProcessPoison(self.poison, self.conductor, self.troubles, name)
        loop = asyncio.get_running_loop()
        await asyncio.wait([loop.create_task(self._take_over(poison, now), context=context)])
        self._running = None

    def _kill(self) -> None:
        assert self._running
        self.killed.update(self.conductor.stages(self._running) or ["between requests"])
        self._running.kill()


@pytest.mark.parametrize("seed", SEEDS)
def test_letters_of_the_host_survive_the_week(seed: int) -> None:
    """Each booking's letter is there for good with its reason; a crash or failure doubles one at most."""
    week = Week(seed, take_over_host_dead_letters)
    found = week.play()
    copies = Counter(letter.booking_id for letter in found)
    assert set(copies) == set(week.bookings)
    assert copies.total() - len(week.bookings) <= week.killed.total() + week.troubles.struck.total()
    assert {letter.expires for letter in found} == {None}
    assert all(letter.reason.startswith("The host gave up after five deliveries") for letter in found)


@pytest.mark.parametrize("seed", SEEDS[:10])
def test_what_survived_is_replayed_for_each_booking(seed: int) -> None:
    """Doubles do no harm: each is a hint to look at the booking, and nothing is left on the poison queue."""
    week = Week(seed, take_over_host_dead_letters)
    queue = FakeQueue()

    async def play_and_replay() -> Sequence[PoisonMessage]:
        await week._play()  # noqa: SLF001 - goes on in the same virtual time
        week.troubles.healthy = True
        poison = ProcessPoison(week.poison, week.conductor, week.troubles, "operator")
        await OperatorActions(poison, queue, now, lambda: "id").replay(None)
        return week.poison.everything()

    assert week.conductor.run(play_and_replay()) == []
    assert {(change.booking_id, change.uncertain) for change, _ in queue.sent} == {
        (booking_id, True) for booking_id in week.bookings
    }


def test_crashes_meet_every_step() -> None:
    """Between put and delete, too: each step of the take-over was the last of some process."""
    killed: Counter[str] = Counter()
    for seed in SEEDS:
        week = Week(seed, take_over_host_dead_letters)
        week.play()
        killed += week.killed
    steps = {"took letters", "puts a letter", "put a letter", "deletes a letter", "deleted a letter"}
    assert steps <= set(killed)


async def _not_at_all(_poison: PoisonQueue, _now: Clock) -> None:
    """No take-over."""


async def _deleting_first(poison: PoisonQueue, moment: Clock) -> None:
    """The two requests in the other order."""
    for message in await poison.take(120):
        if message.expires is not None:
            await poison.delete(message)
            await poison.put(message.text, "The host gave up.", moment())


@pytest.mark.parametrize("take_over", [_not_at_all, _deleting_first])
def test_a_letter_is_lost_without_the_rule(take_over: TakeOver) -> None:
    """A test of the test: without the take-over, or deleting before copying, some booking is missing."""
    for seed in SEEDS:
        week = Week(seed, take_over)
        if {letter.booking_id for letter in week.play()} != set(week.bookings):
            return
    pytest.fail("no schedule lost a letter")
