"""What the timer does where the platform's listener has stopped: it tells, and works a part itself."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from booking_sync.errors import TransientError
from booking_sync.ports.platform.queues import QueuedMessage
from booking_sync.sync.relief import ENOUGH_SECONDS, HIDDEN_SECONDS, PAGES, STALE, Relief, relieve

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
PAGE = 32


@dataclass
class Intake:
    """A change queue as Storage has it: what is taken is hidden for a while; fulfils `ChangeIntake`."""

    messages: list[QueuedMessage] = field(default_factory=list)
    now: datetime = START
    hidden: dict[str, datetime] = field(default_factory=dict)
    meanwhile: Callable[[], None] = lambda: None
    """Happens between two looks."""

    def put(self, count: int, age: timedelta = timedelta()) -> None:
        """Messages that were put there so long ago."""
        first, inserted = len(self.messages), self.now - age
        numbers = range(first, first + count)
        self.messages += [QueuedMessage(str(n), f"text {n}", 0, inserted=inserted) for n in numbers]

    def visible(self) -> list[QueuedMessage]:
        """Those that anybody may take."""
        return [each for each in self.messages if self.hidden.get(each.message_id, START) <= self.now]

    async def peek(self) -> Sequence[QueuedMessage]:
        """The first ones."""
        return self.visible()[:PAGE]

    async def take(self, hidden_seconds: int) -> Sequence[QueuedMessage]:
        """The first ones, hidden from now on."""
        taken = {
            each.message_id: replace(each, dequeue_count=each.dequeue_count + 1, receipt="r")
            for each in await self.peek()
        }
        self.hidden |= dict.fromkeys(taken, self.now + timedelta(seconds=hidden_seconds))
        self.messages = [taken.get(each.message_id, each) for each in self.messages]
        return list(taken.values())

    async def delete(self, message: QueuedMessage) -> None:
        """Gone, unless somebody has taken it since."""
        self.messages = [each for each in self.messages if each != message]

    async def sleep(self, seconds: float) -> None:
        """Time passes, and with it whatever happens meanwhile."""
        self.now += timedelta(seconds=seconds)
        self.meanwhile()


@dataclass
class Handler:
    """The worker, as far as this goes."""

    broken: frozenset[str] = frozenset()
    handled: list[tuple[str, int]] = field(default_factory=list)

    async def handle(self, text: str, dequeue_count: int) -> None:
        """One delivery."""
        self.handled.append((text, dequeue_count))
        if text in self.broken:
            raise TransientError("the queue is down")


async def run(intake: Intake, handler: Handler) -> Relief:
    """One run of the timer."""
    return await relieve(intake, handler.handle, lambda: intake.now, intake.sleep)


@pytest.mark.parametrize("age", [timedelta(), STALE])
async def test_a_queue_that_is_served_is_left_alone(age: timedelta) -> None:
    """Young messages, and old ones of a backlog that the listener takes while we look, are the listener's."""
    intake, handler = Intake(), Handler()
    intake.put(100, age)

    def taken() -> None:
        del intake.messages[0]

    intake.meanwhile = taken
    assert await run(intake, handler) == Relief()
    assert handler.handled == []
    assert intake.hidden == {}


async def test_young_messages_are_not_even_waited_for() -> None:
    """A burst lies there for minutes; nothing says that nobody is at work on it."""
    intake, handler = Intake(), Handler()
    intake.put(100, STALE - timedelta(seconds=1))
    assert await run(intake, handler) == Relief()
    assert (intake.now, handler.handled) == (START, [])


async def test_a_message_that_the_listener_took_meanwhile_is_served() -> None:
    """One that failed and shows again was delivered once more: the listener is there."""
    intake, handler = Intake(), Handler()
    intake.put(1, STALE * 2)

    def delivered() -> None:
        intake.messages = [replace(each, dequeue_count=1) for each in intake.messages]

    intake.meanwhile = delivered
    assert await run(intake, handler) == Relief()


async def test_where_nobody_takes_messages_the_timer_works_a_part() -> None:
    """It tells since when the oldest waits, works so many and no more, and deletes what is done."""
    intake, handler = Intake(), Handler()
    intake.put(PAGE * PAGES + 10, timedelta(minutes=40))
    relief = await run(intake, handler)
    assert relief == Relief(waiting_minutes=41, worked=PAGE * PAGES)
    assert handler.handled == [(f"text {n}", 1) for n in range(PAGE * PAGES)]
    assert len(intake.messages) == 10
    assert (await run(intake, handler)).worked == 10
    assert await run(intake, handler) == Relief()


async def test_after_slow_work_no_more_is_taken() -> None:
    """One may be a stretch of an audit, which takes minutes: the run has to end before its time limit."""
    intake = Intake()
    intake.put(PAGE * PAGES, timedelta(hours=1))

    async def slow(_text: str, _count: int) -> None:
        intake.now += timedelta(seconds=ENOUGH_SECONDS / PAGE)

    assert (await relieve(intake, slow, lambda: intake.now, intake.sleep)).worked == PAGE
    assert len(intake.visible()) == PAGE


async def test_what_fails_stays_and_shows_again_later() -> None:
    """As the host does it: others go on, and the message comes back when its time is over, counted."""
    intake, handler = Intake(), Handler(broken=frozenset({"text 1"}))
    intake.put(3, timedelta(hours=1))
    assert (await run(intake, handler)).worked == 2
    assert [each.message_id for each in intake.messages] == ["1"]
    assert intake.visible() == []
    intake.now += timedelta(seconds=HIDDEN_SECONDS)
    assert [each.dequeue_count for each in intake.visible()] == [1]


async def test_a_message_that_the_listener_has_taken_since_is_not_deleted() -> None:
    """Work that outlives its hiding is done twice, which is harmless; the other's receipt is valid."""
    intake = Intake()
    intake.put(1, timedelta(hours=1))

    async def slow(_text: str, _count: int) -> None:
        intake.now += timedelta(seconds=HIDDEN_SECONDS)
        await intake.take(HIDDEN_SECONDS)

    await relieve(intake, slow, lambda: intake.now, intake.sleep)
    assert [each.dequeue_count for each in intake.messages] == [2]


async def test_it_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """One line, which the alert looks for."""
    intake = Intake()
    intake.put(1, timedelta(hours=1))
    await run(intake, Handler())
    (line,) = [each for each in caplog.messages if "queue_waits" in each]
    assert '"minutes":61' in line
    assert '"worked":1' in line
