"""Hints go to the queue at their pace, and services that are busy are waited for within reason."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from booking_sync.domain.change import BookingChange
from booking_sync.errors import PermanentError, TransientError
from booking_sync.plumbing.patience import Patience
from booking_sync.sync.sending import DEPTH_SECONDS, Pace, PacedSender
from tests.support.fakes import FakeQueue
from tests.support.pacing import Gauge, Sleeper

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)


def hints(count: int) -> list[BookingChange]:
    """So many of them."""
    return [BookingChange(f"{each:08}-0000-4000-8000-000000000000", "c", NOW) for each in range(count)]


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
