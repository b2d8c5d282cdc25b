"""From a changed row to hints: all its bookings, none twice without need, at a pace, again after trouble."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from booking_sync.domain.environment.watched import RelatedTable
from booking_sync.domain.messages.change import BookingChange, RelatedChange
from booking_sync.domain.outcome import OutcomeKind
from booking_sync.errors import PermanentError, TransientError
from booking_sync.sync.fan_out import HINTS_AT_ONCE, HINTS_PER_SECOND, SLICE_BOOKINGS, FanOut
from tests.support.fakes import FakeQueue, FakeRelated

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
LOOK_BACK = timedelta(days=7)
CHANGE = RelatedChange(RelatedTable.RESOURCE, "11ab22cd-3b52-4f11-bfe3-000d3a4a5b6c", "c-1", NOW)


def starts(count: int, first: datetime = NOW, step: timedelta = timedelta(hours=1)) -> dict[str, datetime]:
    """So many bookings, one after the other."""
    return {f"00000000-0000-4000-8000-{number:012}": first + number * step for number in range(count)}


class FanOutWorld:
    """A fan-out on fakes."""

    def __init__(self, bookings: dict[str, datetime]) -> None:
        self.bookings = FakeRelated(bookings)
        self.queue = FakeQueue()
        self.fan_out = FanOut(self.bookings, self.queue, LOOK_BACK, lambda: NOW)

    @property
    def hinted(self) -> list[str]:
        """The bookings hinted at so far."""
        return [hint.booking_id for hint, _ in self.queue.sent]


async def test_each_booking_of_the_row_gets_a_plain_hint() -> None:
    """Hints carry the change's correlation id and age, and no mistrust: the fingerprint decides."""
    world = FanOutWorld(starts(30))
    outcome = await world.fan_out.queue_hints(CHANGE)
    assert (outcome.kind, outcome.detail) == (OutcomeKind.SYNCED, "hints queued: 30")
    assert world.queue.sent == [(BookingChange(each, "c-1", NOW), 0.0) for each in world.bookings.starts]
    assert world.bookings.asked == [(RelatedTable.RESOURCE, CHANGE.row_id)]
    assert world.queue.related == []


async def test_a_row_without_bookings_asks_for_nothing() -> None:
    """A row that is deleted, hidden or not used yet is settled with one question."""
    world = FanOutWorld({})
    outcome = await world.fan_out.queue_hints(CHANGE)
    assert (outcome.kind, outcome.detail) == (OutcomeKind.SKIPPED, "no booking concerned")
    assert (world.queue.sent, world.queue.related) == ([], [])


async def test_history_stays_as_it_was() -> None:
    """Bookings that started before the look-back are left alone."""
    world = FanOutWorld(starts(10, NOW - LOOK_BACK - timedelta(hours=4)))
    await world.fan_out.queue_hints(CHANGE)
    assert world.hinted == list(world.bookings.starts)[4:]


async def test_many_hints_are_spread_so_that_others_go_between() -> None:
    """Beyond the first hundred hints become visible at a bounded pace."""
    world = FanOutWorld(starts(500))
    await world.fan_out.queue_hints(CHANGE)
    delays = [delay for _, delay in world.queue.sent]
    assert delays[:HINTS_AT_ONCE] == [0.0] * HINTS_AT_ONCE
    assert delays[-1] == (500 - HINTS_AT_ONCE) / HINTS_PER_SECOND == 20.0
    assert delays == sorted(delays)


async def test_very_many_bookings_are_taken_in_slices_by_continuations() -> None:
    """5,000 bookings are five messages, each leaving the next behind when all its hints are queued."""
    world = FanOutWorld(starts(5000, NOW - timedelta(days=1)))
    change, sizes, pages = CHANGE, [], []
    while True:
        before = len(world.queue.sent), world.bookings.pages
        await world.fan_out.queue_hints(change)
        sizes.append(len(world.queue.sent) - before[0])
        pages.append(world.bookings.pages - before[1])
        if not world.queue.related:
            break
        ((change, delay),) = world.queue.related
        assert (change.correlation_id, change.first_seen, change.attempt) == ("c-1", NOW, 0)
        assert delay > 45
        world.queue.related.clear()
    assert sizes == [SLICE_BOOKINGS] * 5
    assert pages == [3, 3, 3, 3, 2]
    assert world.hinted == list(world.bookings.starts)


async def test_a_slice_is_never_cut_within_one_start() -> None:
    """A continuation knows a start only, so bookings of one start stay together, however many they are."""
    crowd = starts(SLICE_BOOKINGS + 700, NOW, timedelta(0))
    world = FanOutWorld({**crowd, "later": NOW + timedelta(hours=1)})
    await world.fan_out.queue_hints(CHANGE)
    assert sorted(world.hinted) == sorted(crowd)
    ((following, _),) = world.queue.related
    assert following.starts_from == NOW + timedelta(hours=1)
    await world.fan_out.queue_hints(following)
    assert world.hinted[-1] == "later"
    assert len(world.hinted) == len(crowd) + 1


async def test_an_attempt_is_forgotten_by_the_continuation() -> None:
    """A slice that waited does not make the next one wait longer."""
    world = FanOutWorld(starts(SLICE_BOOKINGS + 1))
    await world.fan_out.queue_hints(replace(CHANGE, attempt=5, waited=80_000.0))
    (continuation, _) = world.queue.related[0]
    assert (continuation.attempt, continuation.waited) == (0, 0.0)


async def test_a_list_that_breaks_off_queues_nothing_and_is_deferred() -> None:
    """A throttled second page puts the whole slice off, for as long as was asked."""
    world = FanOutWorld(starts(600))
    world.bookings.fails = TransientError("Dynamics 365: throttled.", retry_after=17.0, untried=True)
    world.bookings.fails_at_page = 2
    outcome = await world.fan_out.queue_hints(CHANGE)
    assert (outcome.kind, outcome.detail) == (OutcomeKind.DEFERRED, "Dynamics 365: throttled.")
    assert (outcome.delay, outcome.untried) == (17.0, True)
    assert (world.queue.sent, world.queue.related) == ([], [])


async def test_a_list_that_is_refused_fails_with_the_reason() -> None:
    """An application user who may not read bookings is for a person to mend."""
    world = FanOutWorld(starts(3))
    world.bookings.fails = PermanentError("Dynamics 365: forbidden.")
    outcome = await world.fan_out.queue_hints(CHANGE)
    assert (outcome.kind, outcome.detail) == (OutcomeKind.FAILED, "Dynamics 365: forbidden.")


class LateFailure(FakeQueue):
    """A queue that goes down after some messages."""

    def __init__(self, takes: int) -> None:
        super().__init__()
        self.takes = takes

    async def send(self, change: BookingChange, delay: float = 0.0) -> None:
        """Take it, or not any more."""
        self.down = len(self.sent) >= self.takes
        await super().send(change, delay)


async def test_a_queue_that_fails_half_way_leaves_the_message_to_be_delivered_again() -> None:
    """Nothing counts as done before all is queued; done again, every booking has its hint."""
    world = FanOutWorld(starts(SLICE_BOOKINGS + 1))
    broken = LateFailure(takes=600)
    with pytest.raises(TransientError):
        await FanOut(world.bookings, broken, LOOK_BACK, lambda: NOW).queue_hints(CHANGE)
    assert len(broken.sent) == 600
    assert broken.related == []
    await world.fan_out.queue_hints(CHANGE)
    await world.fan_out.queue_hints(world.queue.related[0][0])
    assert world.hinted == list(world.bookings.starts)
