"""Many are sent so many at once and at their pace; services that are busy are waited for within reason."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from booking_sync.domain.messages.change import BookingChange
from booking_sync.errors import PermanentError, TransientError
from booking_sync.plumbing.patience import Patience
from booking_sync.sync import sending
from booking_sync.sync.sending import DEPTH_SECONDS, Pace, PacedSender, do_all
from tests.support.fakes import FakeQueue
from tests.support.pacing import Gauge, Sleeper

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)


def hints(count: int) -> list[BookingChange]:
    """So many of them."""
    return [BookingChange(f"{each:08}-0000-4000-8000-000000000000", "c", NOW) for each in range(count)]


class Busy:
    """Takes numbers and answers their doubles, the later ones sooner; refuses some."""

    def __init__(self, *refused: int) -> None:
        self.refused = refused
        self.begun: list[int] = []
        self.ended: list[int] = []
        self.most = 0

    async def __call__(self, number: int) -> int:
        """Be busy with it."""
        self.begun.append(number)
        self.most = max(self.most, len(self.begun) - len(self.ended))
        for _ in range(5 - number % 5):
            await asyncio.sleep(0)
        self.ended.append(number)
        if number in self.refused:
            raise TransientError(f"refused {number}")
        return 2 * number


def test_there_is_one_such_loop() -> None:
    """Who needs a bound on how many at once takes `do_all`; the one to Dataverse is about no list."""
    package = Path(sending.__file__).parents[1]
    bounded = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if "Semaphore(" in path.read_text(encoding="utf-8")
    }
    assert bounded == {"sync/sending.py", "dataverse/web_api/breaker.py"}


async def test_many_are_done_so_many_side_by_side() -> None:
    """Begun in their order, never more at once than were asked for; the results are in the same order."""
    busy, told = Busy(), list[int]()
    results = await do_all(iter(range(20)), busy, at_once=4, progress=told.append)
    assert results == [2 * number for number in range(20)]
    assert busy.begun == list(range(20))
    assert busy.ended != busy.begun
    assert busy.most == 4
    assert told == list(range(1, 21))


async def test_one_that_fails_keeps_no_other_from_being_done() -> None:
    """The first of the failures is told, by the items' order, once all have been tried."""
    busy = Busy(7, 3)
    with pytest.raises(TransientError, match="refused 3"):
        await do_all(range(20), busy, at_once=4)
    assert sorted(busy.ended) == list(range(20))


async def test_an_error_that_is_a_result_is_no_failure() -> None:
    """Who collects problems returns them: nothing is raised, and each is in its item's place."""
    problem = TransientError("this mailbox is closed")

    async def look(number: int) -> int | TransientError:
        await asyncio.sleep(0)
        return problem if number == 1 else number

    assert await do_all(range(3), look) == [0, problem, 2]


async def test_who_stops_waiting_stops_all() -> None:
    """A command that is interrupted leaves nothing running behind."""
    busy = Busy()
    task = asyncio.ensure_future(do_all(range(20), busy, at_once=4))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    for _ in range(10):
        await asyncio.sleep(0)
    assert (len(busy.begun), busy.ended) == (4, [])


async def test_nothing_is_done_about_nothing() -> None:
    """An empty list has no results."""
    assert await do_all([], Busy()) == []


async def test_a_handful_becomes_visible_spread_over_its_time() -> None:
    """And the next one waits until that time is over."""
    queue, sleeper = FakeQueue(), Sleeper()
    sender = PacedSender(queue, Gauge(0), Pace(per_second=10), sleep=sleeper)
    await sender.send(hints(sender.pace.handful))
    await sender.send(hints(5))
    assert [delay for _, delay in queue.sent[:3]] == [0.0, 0.1, 0.2]
    assert sleeper.slept == [0.0, 2.0]
    assert len(queue.sent) == 25


async def test_nothing_is_added_to_a_deep_queue() -> None:
    """It is looked at again and again, and whoever asked is told."""
    queue, sleeper, told = FakeQueue(), Sleeper(), list[int]()
    sender = PacedSender(queue, Gauge(700, 500, 499), Pace(deepest=500), sleep=sleeper, waiting=told.append)
    await sender.send(hints(1))
    assert told == [700, 500]
    assert sleeper.slept == [0.0, DEPTH_SECONDS, DEPTH_SECONDS]
    assert len(queue.sent) == 1


async def test_a_queue_that_fails_is_told() -> None:
    """After all were tried."""
    queue = FakeQueue()
    queue.down = True
    with pytest.raises(TransientError):
        await PacedSender(queue, Gauge(0), Pace(), sleep=Sleeper()).send(hints(3))


async def test_patience_waits_as_asked_and_longer_each_time() -> None:
    """What the service asks for counts; without that the waits double."""
    sleeper = Sleeper()
    errors: list[Exception] = [TransientError("a"), TransientError("b", retry_after=7), TransientError("c")]

    async def call() -> str:
        if errors:
            raise errors.pop(0)
        return "done"

    assert await Patience(sleep=sleeper).insist(call) == "done"
    assert sleeper.slept == [1.0, 7, 4.0]


@pytest.mark.parametrize(
    ("error", "tries"),
    [(TransientError("busy"), 5), (TransientError("busy", retry_after=3600), 1), (PermanentError("no"), 1)],
)
async def test_patience_ends(error: Exception, tries: int) -> None:
    """After some tries, with a wait too long to sit through, and at once with a refusal."""
    calls = 0

    async def call() -> None:
        nonlocal calls
        calls += 1
        raise error

    with pytest.raises(type(error)):
        await Patience(sleep=Sleeper()).insist(call)
    assert calls == tries
