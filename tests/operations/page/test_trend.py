"""What happened when, counted and put together."""

from __future__ import annotations

from datetime import timedelta

import pytest

from booking_sync.domain.messages.change import BookingChange
from booking_sync.domain.outcome import Outcome, OutcomeKind
from booking_sync.errors import TransientError
from booking_sync.operations.journal.store import JournalStore
from booking_sync.operations.journal.trend import (
    BOUNDS,
    HOUR,
    PLACES,
    QUARTER,
    WEEK,
    Slot,
    begin_of,
    decode_slots,
    encode_slots,
    gathered,
    kept,
    noted,
    percentile,
)
from tests.operations.kit import START, FakeTextStore, HandClock
from tests.support.bookings import BOOKING_ID

BY_WEBHOOK = "0d1e2f30-1111-4222-8333-444455556666"


def slot(hours: float = 0, lags: list[float] | None = None, **counts: int) -> Slot:
    """A slot that begins so many hours after the start."""
    made = Slot(START + timedelta(hours=hours), counts)
    for lag in lags or []:
        made = noted(made, "synced", lag, throttled=False)
    return made


def test_slots_of_all_instances_add_up() -> None:
    """Quarters become hours, and counts of the same name are one."""
    one, other = slot(0, [1.0], failed=1), slot(0.25, [1.0, 9.0], throttled=2)
    (hour,) = gathered([one, other], HOUR)
    assert hour.counts == {"synced": 3, "failed": 1, "throttled": 2}
    assert sum(hour.lags) == 3
    assert (hour.changes, hour.start) == (4, START)
    assert [each.start for each in gathered([slot(1), slot(0)], HOUR)] == [START, START + HOUR]


def test_a_percentile_lies_between_the_bounds_where_it_must() -> None:
    """Half of ten changes took less than the median, 95 of 100 less than the 95th percentile."""
    took = slot(0, [1.2] * 60 + [25.0] * 40)
    median, slowest = percentile([took], 0.5), percentile([took], 0.95)
    assert median is not None
    assert slowest is not None
    assert 1.0 < median <= 1.5
    assert 20.0 < slowest <= 30.0
    assert percentile([slot()], 0.5) is None
    assert percentile([slot(0, [99_999.0])], 0.5) == BOUNDS[-1]


@pytest.mark.parametrize(("minutes", "begins"), [(0, 0), (14, 0), (15, 15), (59, 45)])
def test_a_moment_lies_in_its_quarter(minutes: int, begins: int) -> None:
    """A slot begins at the full quarter."""
    moment = START + timedelta(minutes=minutes, seconds=3)
    assert begin_of(moment, QUARTER) == START + timedelta(minutes=begins)


def test_a_week_is_kept_and_is_small() -> None:
    """What is older goes, and a full week is a text of some ten kilobytes."""
    lags = [0.3 + place for place in range(40)]
    hours = [slot(-each, lags, failed=12345, throttled=12345, unchanged=12345) for each in range(200)]
    week = kept(hours, [slot(0, failed=1)], START)
    assert len(week) == WEEK // HOUR + 1
    assert week[-1].counts == {"failed": 1}
    assert len(encode_slots(week)) < 40_000
    assert decode_slots(encode_slots(week)) == week


@pytest.mark.parametrize(
    "text",
    [
        *("", "{}", "7", "null", "[7]", "[" * 100_000),
        '[{"start": "x", "counts": {}, "lags": []}]',
        f'[{{"start": "2026-01-01T00:00:00+00:00", "counts": {{}}, "lags": {[1] * (PLACES + 1)}}}]',
    ],
)
def test_what_is_no_trend_is_none(text: str) -> None:
    """A text of another version, or a damaged one."""
    assert decode_slots(text) == ()


class Harness:
    """Instances that share a text store."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.text_store = FakeTextStore(self.clock)

    def instance(self, name: str) -> JournalStore:
        """One of them."""
        return JournalStore(lambda: self.text_store, name, self.clock, dict, save_seconds=3600)

    async def work(self, name: str, outcomes: int, kind: OutcomeKind = OutcomeKind.SYNCED) -> None:
        """Have an instance deal with so many changes, which took two seconds each, and end."""
        instance = self.instance(name)
        for _ in range(outcomes):
            first_seen = self.clock() - timedelta(seconds=2)
            instance.outcome(BookingChange(BOOKING_ID, BY_WEBHOOK, first_seen), Outcome(kind))
        await instance.aclose()


async def test_hours_that_are_over_are_kept_whoever_counted_them() -> None:
    """Their instances' journals are gone after a day, and the week still knows them, each once."""
    harness = Harness()
    await harness.work("one", 3)
    await harness.work("two", 2, OutcomeKind.FAILED)
    for _ in range(3):  # twice is as good as once
        harness.clock.advance(3600 + 900)
        await harness.instance("timer").keep_hours()
    (hour,) = await harness.instance("page").hours()
    assert (hour.start, hour.counts, sum(hour.lags)) == (START, {"synced": 3, "failed": 2}, 3)
    harness.clock.advance(2 * 24 * 3600)
    await harness.work("three", 1)
    harness.clock.advance(2 * 3600)
    await harness.instance("timer").keep_hours()
    assert [each.changes for each in await harness.instance("page").hours()] == [5, 1]
    harness.clock.advance(7 * 24 * 3600)
    await harness.work("four", 1)
    harness.clock.advance(2 * 3600)
    await harness.instance("timer").keep_hours()
    assert [each.changes for each in await harness.instance("page").hours()] == [1]


async def test_an_hour_that_is_not_over_is_not_kept_yet() -> None:
    """Ten minutes later no instance that lives has anything to add to it."""
    harness = Harness()
    await harness.work("one", 1)
    harness.clock.advance(3600 + 540)
    await harness.instance("timer").keep_hours()
    assert await harness.instance("page").hours() == ()
    assert [each.changes for each in (await harness.instance("page").everything()).slots] == [1]


async def test_only_what_came_by_webhook_tells_how_long_changes_take() -> None:
    """A backfill queues with delays of its own; what was put back by a service's wish counts as throttled."""
    harness = Harness()
    instance = harness.instance("one")
    instance.outcome(BookingChange(BOOKING_ID, "backfill-1", START), Outcome(OutcomeKind.SYNCED))
    throttled = Outcome(OutcomeKind.DEFERRED, "Graph asked to be left alone", delay=7.0)
    instance.outcome(BookingChange(BOOKING_ID, BY_WEBHOOK, START), throttled)
    refused = Outcome(OutcomeKind.DEFERRED, "access denied", delay=900.0, patience=timedelta(hours=4))
    instance.outcome(BookingChange(BOOKING_ID, BY_WEBHOOK, START), refused)
    (quarter,) = (await instance.everything()).slots
    await instance.aclose()
    assert quarter.counts == {"synced": 1, "deferred": 2, "throttled": 1}
    assert percentile([quarter], 0.5) is None


async def test_a_text_store_that_is_down_costs_the_hours_only() -> None:
    """Nothing else fails for them, and the next run makes up for it."""
    harness = Harness()
    await harness.work("one", 1)
    harness.clock.advance(2 * 3600)
    timer = harness.instance("timer")
    harness.text_store.broken = TransientError("no role")
    await timer.keep_hours()
    harness.text_store.broken = None
    await timer.keep_hours()
    assert len(await timer.hours()) == 1
