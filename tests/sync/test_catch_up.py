"""Bookings whose webhooks were missed: which count as behind, what is queued, what is logged, what raises."""

from __future__ import annotations

import asyncio
import functools
import itertools
import json
import logging
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from booking_sync.domain.bookings.booking import BookableResource, Booking
from booking_sync.domain.bookings.resource_type import ResourceType
from booking_sync.domain.events.event_ref import EventRef
from booking_sync.domain.events.event_text.renderer import EventRenderer, EventStyle
from booking_sync.domain.events.zones import event_zone
from booking_sync.domain.messages.change import BookingChange
from booking_sync.domain.plan import DesiredState, desired_state
from booking_sync.domain.record import BookingRow, SyncRecord
from booking_sync.errors import PermanentError, SyncError, TransientError
from booking_sync.ports.dataverse.bookings import BookingPage, BookingQuery
from booking_sync.sync.booking.synchronizer import Synchronizer
from booking_sync.sync.booking.task import SyncTask
from booking_sync.sync.catch_up import RUN_SECONDS, CatchUp, CatchUpWindow, Standing, Tally, standing
from booking_sync.sync.sending import SENDS_AT_ONCE
from tests.support.bookings import ANNA, BERT, BOOKING_ID, CANCELED, ORGANIZATION_ID, booking, technician
from tests.support.fakes import FakeCalendar, FakeQueue, FakeRows, events_clock
from tests.support.seals import prover

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SETTLE = timedelta(minutes=2)
LOOK_BACK = timedelta(minutes=60)
EVENT = EventRef(ANNA, "E1")
_RENDERER = EventRenderer(EventStyle(event_zone("UTC"), "https://contoso.crm4.dynamics.com"))
desired = functools.partial(desired_state, render=_RENDERER.render, require_work_order=True)


def fingerprint(start: datetime, end: datetime) -> str:
    """What a record remembers of the plain booking at this time."""
    return _RENDERER.render(booking(), start, end).fingerprint()


SHOWN = fingerprint(START, START + timedelta(hours=2, minutes=30))
"""Of the plain booking as it is."""
IN_STEP = SyncRecord(EVENT, 1, SHOWN)


@pytest.mark.parametrize(
    ("subject", "record", "expected"),
    [
        pytest.param(booking(), SyncRecord(), Standing.BEHIND, id="new"),
        pytest.param(booking(), IN_STEP, Standing.IN_STEP, id="shown as it is"),
        pytest.param(replace(booking(), end=START), IN_STEP, Standing.BEHIND, id="rescheduled"),
        pytest.param(booking(mailbox=BERT), IN_STEP, Standing.BEHIND, id="given to another"),
        pytest.param(replace(booking(), status=CANCELED), IN_STEP, Standing.BEHIND, id="canceled"),
        pytest.param(replace(booking(), active=False), SyncRecord(), Standing.IN_STEP, id="never shown"),
        pytest.param(replace(booking(), active=False), SyncRecord(None, 3), Standing.IN_STEP, id="removed"),
        pytest.param(replace(booking(), work_order=None), SyncRecord(), Standing.IN_STEP, id="no job"),
        pytest.param(booking(), SyncRecord(EVENT, 1), Standing.BEHIND, id="content unknown"),
        pytest.param(booking(), SyncRecord(None, 1, SHOWN), Standing.BEHIND, id="event lost"),
        pytest.param(
            replace(booking(), resource=BookableResource(ResourceType.USER)),
            SyncRecord(),
            Standing.BEHIND,
            id="to be told that there is no user",
        ),
        pytest.param(
            replace(booking(), resource=technician(None)),
            SyncRecord(),
            Standing.BEHIND,
            id="to be told that there is no account",
        ),
        pytest.param(booking(), SyncRecord(error="Outlook: no."), Standing.FAILING, id="refused"),
        pytest.param(booking(), replace(IN_STEP, error="Tags: no."), Standing.FAILING, id="half refused"),
        pytest.param(
            replace(booking(), active=False),
            SyncRecord(EVENT, 1, error="Outlook: no."),
            Standing.FAILING,
            id="removal refused",
        ),
    ],
)
def test_standing_by_the_row_alone(subject: Booking, record: SyncRecord, expected: Standing) -> None:
    """A booking is behind when a first delivery would do anything, unless its row says why that failed."""
    assert standing(BookingRow(subject, record, 'W/"1"'), desired) is expected


def test_row_that_can_not_be_planned_is_unreadable() -> None:
    """A row on which the rules themselves stumble is nobody's but its own trouble."""

    def stumble(_: Booking) -> DesiredState:
        raise OverflowError("date value out of range")

    assert standing(BookingRow(booking(), SyncRecord(), 'W/"1"'), stumble) is Standing.UNREADABLE


class CatchUpWorld:
    """A catch-up on fakes, with a clock that is set by hand."""

    def __init__(self, queue: FakeQueue | None = None) -> None:
        self.time = START
        self.rows = FakeRows(now=lambda: self.time)
        self.queue = queue or FakeQueue()
        self.seconds_per_page = 0.0
        self.restart()

    async def list_bookings(self, query: BookingQuery) -> AsyncIterator[BookingPage]:
        """The rows' lists, each page of which takes so long."""
        async for page in self.rows.list_bookings(query):
            self.time += timedelta(seconds=self.seconds_per_page)
            yield page

    def restart(self) -> None:
        """Another process takes over."""
        numbers = itertools.count(1)
        self.catch_up = CatchUp(
            self,
            self.queue,
            desired,
            CatchUpWindow(LOOK_BACK, SETTLE),
            now=lambda: self.time,
            new_id=lambda: f"correlation-{next(numbers)}",
        )

    async def run_after(self, minutes: float = 5) -> Tally:
        """Let time pass, then run."""
        self.time += timedelta(minutes=minutes)
        return await self.catch_up.run()

    def take_queued(self) -> list[str]:
        """The ids that were queued since the last time, sorted."""
        ids = sorted(change.booking_id for change, _ in self.queue.sent)
        self.queue.sent.clear()
        return ids

    def fill(self, count: int) -> list[str]:
        """So many bookings, just changed; their ids, sorted."""
        ids = sorted(str(uuid.uuid4()) for _ in range(count))
        for booking_id in ids:
            self.rows.put(booking(booking_id))
        return ids

    def fill_days(self, count: int) -> list[str]:
        """One booking a day, just changed; their ids in the order of their starts."""
        ids = [str(uuid.uuid4()) for _ in range(count)]
        for place, booking_id in enumerate(ids):
            start = START + timedelta(days=place)
            self.rows.put(replace(booking(booking_id), start=start, end=start + timedelta(hours=1)))
        return ids


async def test_missed_bookings_are_queued() -> None:
    """Each booking that is behind gets one hint, stamped now, with a correlation id of its own."""
    world = CatchUpWorld()
    ids = world.fill(5)
    tally = await world.run_after()
    assert tally == Tally(pages=3, rows=5, behind=5, queued=5)
    assert {change for change, _ in world.queue.sent} == {
        BookingChange(booking_id, f"catch-up-correlation-{number}", world.time)
        for number, booking_id in enumerate(ids, 1)
    }
    assert {delay for _, delay in world.queue.sent} == {0.0}


async def test_a_run_that_has_taken_its_time_is_gone_on_with() -> None:
    """More rows than a run has time for: it stops between pages, and the next looks at the others first."""
    world = CatchUpWorld()
    ids = world.fill_days(6)
    world.seconds_per_page = RUN_SECONDS
    first = await world.run_after()
    assert (first.rows, first.unfinished) == (2, 1)
    assert world.take_queued() == sorted(ids[:2])
    second = await world.run_after()
    assert second.unfinished == 1
    assert set(world.take_queued()) == {ids[2]}  # the row where the first one stopped is looked at again
    world.seconds_per_page = 0
    rest = await world.run_after()
    assert rest.unfinished == 0
    assert set(world.take_queued()) == set(ids[3:])


async def test_what_was_left_is_found_even_when_it_is_older_than_a_run_looks_back() -> None:
    """The next run keeps to the time that the unfinished one looked back to."""
    world = CatchUpWorld()
    ids = world.fill_days(4)
    world.seconds_per_page = RUN_SECONDS
    await world.run_after()
    world.seconds_per_page = 0
    world.take_queued()
    await world.run_after(minutes=120)
    assert set(world.take_queued()) == set(ids[2:])


async def test_hints_bring_everything_in_step() -> None:
    """What is queued is enough for the synchronizer, and the next run finds nothing behind."""
    world = CatchUpWorld()
    world.fill(4)
    await world.run_after()
    calendar = FakeCalendar()
    synchronizer = Synchronizer(
        world.rows, calendar, desired, prover(calendar, ORGANIZATION_ID), events_clock
    )
    for booking_id in world.take_queued():
        await synchronizer.sync(SyncTask(booking_id))
    assert len(calendar.events) == 4
    assert await world.run_after() == Tally(pages=2, rows=4)
    assert world.take_queued() == []


async def test_change_is_left_to_its_webhook_for_a_while() -> None:
    """A booking that changed a moment ago is not looked at yet, and found by a later run."""
    world = CatchUpWorld()
    ids = world.fill(1)
    assert await world.run_after(minutes=1.9) == Tally(pages=1)
    assert world.take_queued() == []
    await world.run_after(minutes=0.1)
    assert world.take_queued() == ids


async def test_look_back_covers_runs_that_did_not_happen() -> None:
    """A change is found as long as it lies in the look-back, and is the audit's from then on."""
    world = CatchUpWorld()
    ids = world.fill(1)
    await world.run_after(minutes=60)
    assert world.take_queued() == ids
    world.restart()
    assert await world.run_after(minutes=1) == Tally(pages=1)


async def test_booking_that_waits_is_queued_once_per_version() -> None:
    """While a booking is put back again and again, only the first run queues it; a change counts anew."""
    world = CatchUpWorld()
    ids = world.fill(2)
    await world.run_after()
    assert world.take_queued() == ids
    assert await world.run_after() == Tally(pages=1, rows=2, behind=2)
    assert await world.run_after() == Tally(pages=1, rows=2, behind=2)
    assert world.take_queued() == []
    world.rows.put(booking(ids[0], BERT))
    await world.run_after()
    assert world.take_queued() == ids[:1]


async def test_forgetting_costs_one_hint() -> None:
    """Another process knows nothing of what was queued, queues it once more, and no harm is done."""
    world = CatchUpWorld()
    ids = world.fill(1)
    await world.run_after()
    world.restart()
    await world.run_after()
    assert world.take_queued() == ids * 2


async def test_failing_rows_are_counted_and_not_queued(caplog: pytest.LogCaptureFixture) -> None:
    """A row that says why it can't be synced is not tried by the timer, and is no reason for a warning."""
    world = CatchUpWorld()
    world.rows.put(booking())
    row = world.rows.rows[BOOKING_ID]
    await world.rows.record(BOOKING_ID, row.etag, SyncRecord(error="Outlook: no mailbox."))
    with caplog.at_level(logging.INFO, "booking_sync.sync.catch_up"):
        assert await world.run_after() == Tally(pages=1, rows=1, failing=1)
    assert world.take_queued() == []
    assert [record.levelname for record in caplog.records] == ["INFO"]


async def test_unreadable_row_does_not_hide_the_others(caplog: pytest.LogCaptureFixture) -> None:
    """A row that we may not see whole is counted with a warning; its neighbours are queued."""
    world = CatchUpWorld()
    ids = world.fill(3)
    world.rows.unreadable[ids[0]] = "Dynamics 365: the booking's Resource is set, but we may not read it."
    with caplog.at_level(logging.INFO, "booking_sync.sync.catch_up"):
        assert await world.run_after() == Tally(pages=2, rows=3, behind=2, queued=2, unreadable=1)
    assert world.take_queued() == ids[1:]
    assert [record.levelname for record in caplog.records] == ["WARNING"]


@pytest.mark.parametrize("behind", [0, 3])
async def test_run_logs_one_line(caplog: pytest.LogCaptureFixture, behind: int) -> None:
    """Each run is one line of JSON; a warning when webhooks were missed."""
    world = CatchUpWorld()
    world.fill(behind)
    with caplog.at_level(logging.INFO, "booking_sync.sync.catch_up"):
        await world.run_after()
    (record,) = caplog.records
    assert record.levelname == ("WARNING" if behind else "INFO")
    assert json.loads(record.getMessage()) == {
        "event": "catch_up",
        "pages": 2 if behind else 1,
        "rows": behind,
        "behind": behind,
        "queued": behind,
        "failing": 0,
        "unreadable": 0,
        "unfinished": 0,
    }


@pytest.mark.parametrize("error", [TransientError("throttled"), PermanentError("no privilege")])
async def test_partial_list_raises(error: SyncError, caplog: pytest.LogCaptureFixture) -> None:
    """When a page fails, the run fails; what was found is queued, the rest is left to the next run."""
    world = CatchUpWorld()
    ids = world.fill(4)
    world.rows.faults.after["list"] = [error]
    with caplog.at_level(logging.INFO, "booking_sync.sync.catch_up"), pytest.raises(type(error)):
        await world.run_after()
    assert world.take_queued() == ids[:2]
    line = json.loads(caplog.records[0].getMessage())
    assert (caplog.records[0].levelname, line["problem"]) == ("WARNING", error.reason)
    await world.run_after()
    assert world.take_queued() == ids[2:]


async def test_queue_that_is_down_fails_the_run() -> None:
    """Nothing counts as queued that the queue did not take, so the next run repeats it."""
    world = CatchUpWorld()
    ids = world.fill(3)
    world.queue.down = True
    with pytest.raises(TransientError):
        await world.run_after()
    world.queue.down = False
    assert await world.run_after() == Tally(pages=2, rows=3, behind=3, queued=3)
    assert world.take_queued() == ids


class SlowQueue(FakeQueue):
    """Counts how many messages are on their way at once."""

    def __init__(self) -> None:
        super().__init__()
        self.under_way = self.most = 0

    async def send(self, change: BookingChange, delay: float = 0.0) -> None:
        """Take a few turns of the loop to do it."""
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        for _ in range(5):
            await asyncio.sleep(0)
        self.under_way -= 1
        await super().send(change, delay)


async def test_messages_are_sent_side_by_side_within_a_bound() -> None:
    """Many hints go out together, but never more than the bound at once."""
    queue = SlowQueue()
    world = CatchUpWorld(queue)
    ids = world.fill(3 * SENDS_AT_ONCE)
    world.rows.page_rows = 1000
    await world.run_after()
    assert world.take_queued() == ids
    assert queue.most == SENDS_AT_ONCE


async def test_long_page_lets_others_work() -> None:
    """While a long page is planned, the event loop gets round to other tasks many times."""
    world = CatchUpWorld()
    world.fill(500)
    world.rows.page_rows = 500
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(count())
    world.queue.down = True  # sending takes no part in this
    with pytest.raises(TransientError):
        await world.run_after()
    other.cancel()
    assert turns >= 10
