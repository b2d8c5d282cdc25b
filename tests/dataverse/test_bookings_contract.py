"""What every implementation of `BookingRows` and `BookingListing` must do.

The test double is held to it as the adapter is.

To run another implementation through it, add a `World` to the fixture.
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

import pytest

from booking_sync.domain.events.event_ref import EventRef
from booking_sync.domain.record import BookingRow, SyncRecord
from booking_sync.ports.dataverse.bookings import BookingListing, BookingQuery, BookingRows, Recorded
from tests.support.bookings import ANNA, BERT, BOOKING_ID, CANCELED, booking, technician
from tests.support.fakes import FakeRows

if TYPE_CHECKING:
    from booking_sync.domain.bookings.booking import Booking

RECORD = SyncRecord(EventRef(ANNA, "AAMkAGI1-case_SENSITIVE="), 3, "f00d", "")


class Bookings(BookingRows, BookingListing, Protocol):
    """Both ports in one object."""


class World(Protocol):
    """Bookings behind the port, and the dispatcher who changes them."""

    @property
    def rows(self) -> Bookings:
        """The implementation under test."""

    def put(self, booking: Booking) -> None:
        """Create or change a booking."""

    def remove(self, booking_id: str) -> None:
        """Delete a booking."""

    def exists(self, booking_id: str) -> bool:
        """Whether the row is there, asked past the implementation under test."""


class FakeWorld:
    """The test double and its dispatcher."""

    def __init__(self) -> None:
        self.rows = FakeRows()

    def put(self, booking: Booking) -> None:
        """Create or change a booking."""
        self.rows.put(booking)

    def remove(self, booking_id: str) -> None:
        """Delete a booking."""
        self.rows.remove(booking_id)

    def exists(self, booking_id: str) -> bool:
        """Whether the row is there."""
        return booking_id in self.rows.rows


@pytest.fixture(params=["fake", "dataverse"])
def world(request: pytest.FixtureRequest) -> World:
    """Each implementation in turn."""
    if request.param == "fake":
        return FakeWorld()
    made: World = request.getfixturevalue("dataverse")
    return made


async def must_read(world: World, booking_id: str = BOOKING_ID) -> BookingRow:
    """The row, which must be there."""
    row = await world.rows.read(booking_id)
    assert row is not None
    return row


async def test_reads_the_booking_with_all_it_points_to(world: World) -> None:
    """Everything that planning needs comes with one read."""
    world.put(booking())
    row = await must_read(world)
    assert row.booking == booking()
    assert row.record == SyncRecord()


@pytest.mark.parametrize(
    "changed",
    [
        replace(booking(), work_order=None),
        replace(booking(), resource=None),
        replace(booking(), status=None),
        replace(booking(), status=CANCELED, active=False),
        replace(booking(), resource=technician(None, disabled=True)),
        replace(booking(), start=None, end=None),
    ],
)
async def test_reads_sparse_bookings(world: World, changed: Booking) -> None:
    """What is empty in Dynamics 365 is empty in the domain."""
    world.put(changed)
    assert (await must_read(world)).booking == changed


async def test_row_that_does_not_exist_is_none(world: World) -> None:
    """A booking nobody has made, and one that was deleted, read as None."""
    world.put(booking())
    world.remove(BOOKING_ID)
    assert await world.rows.read(BOOKING_ID) is None
    assert await world.rows.read(str(uuid.uuid4())) is None


async def test_version_changes_with_the_row_only(world: World) -> None:
    """Reading twice gives one version; a dispatcher's change gives another."""
    world.put(booking())
    first, second = await must_read(world), await must_read(world)
    world.put(replace(booking(), name="Other"))
    third = await must_read(world)
    assert first.etag == second.etag != third.etag


async def test_record_reads_back(world: World) -> None:
    """What was recorded is what the next reader finds, and the booking is untouched."""
    world.put(booking())
    row = await must_read(world)
    assert await world.rows.record(BOOKING_ID, row.etag, RECORD) is Recorded.DONE
    found = await must_read(world)
    assert (found.booking, found.record) == (row.booking, RECORD)
    assert found.etag != row.etag


async def test_record_can_be_cleared(world: World) -> None:
    """A record without an event and without an error replaces one that has both."""
    world.put(booking())
    await world.rows.record(BOOKING_ID, (await must_read(world)).etag, replace(RECORD, error="Oh."))
    cleared = SyncRecord(generation=4)
    assert await world.rows.record(BOOKING_ID, (await must_read(world)).etag, cleared) is Recorded.DONE
    assert (await must_read(world)).record == cleared


async def test_stale_version_conflicts_and_writes_nothing(world: World) -> None:
    """A record for a version that is gone is refused, and the row keeps the dispatcher's change."""
    world.put(booking())
    stale = await must_read(world)
    world.put(booking(mailbox=BERT))
    changed = await must_read(world)
    assert await world.rows.record(BOOKING_ID, stale.etag, RECORD) is Recorded.CONFLICT
    assert await must_read(world) == changed


async def test_only_one_of_two_writers_wins(world: World) -> None:
    """Two records for the same version: one is done, the other conflicts, whichever comes first."""
    world.put(booking())
    etag = (await must_read(world)).etag
    other = replace(RECORD, generation=9)
    outcomes = await asyncio.gather(
        world.rows.record(BOOKING_ID, etag, RECORD), world.rows.record(BOOKING_ID, etag, other)
    )
    assert sorted(outcome.name for outcome in outcomes) == ["CONFLICT", "DONE"]
    winner = RECORD if outcomes[0] is Recorded.DONE else other
    assert (await must_read(world)).record == winner


async def test_record_never_recreates_a_deleted_booking(world: World) -> None:
    """A record for a row that is gone is MISSING, and the row stays gone."""
    world.put(booking())
    row = await must_read(world)
    world.remove(BOOKING_ID)
    assert await world.rows.record(BOOKING_ID, row.etag, RECORD) is Recorded.MISSING
    assert not world.exists(BOOKING_ID)


async def test_each_of_many_gets_its_own_answer(world: World) -> None:
    """Reads and records made at the same time don't mix up their outcomes."""
    ids = [str(uuid.uuid4()) for _ in range(30)]
    for number, booking_id in enumerate(ids):
        world.put(replace(booking(booking_id), name=f"Booking {number}"))
    rows = await asyncio.gather(*(must_read(world, booking_id) for booking_id in ids))
    assert [row.booking.name for row in rows] == [f"Booking {number}" for number in range(30)]
    for booking_id in ids[0::3]:
        world.remove(booking_id)
    for booking_id in ids[1::3]:
        world.put(replace(booking(booking_id), name="Changed"))
    outcomes = await asyncio.gather(*(world.rows.record(row.booking.id, row.etag, RECORD) for row in rows))
    assert outcomes == [Recorded.MISSING, Recorded.CONFLICT, Recorded.DONE] * 10


# Lists


START = datetime(2026, 3, 2, 8, tzinfo=UTC)
"""Of the plain booking."""
HOUR = timedelta(hours=1)


async def listed(world: World, query: BookingQuery) -> list[BookingRow]:
    """All the rows of a list, none of which may be unreadable."""
    pages = [page async for page in world.rows.list_bookings(query)]
    assert not any(page.unreadable for page in pages)
    return [row for page in pages for row in page.rows]


async def test_lists_rows_as_a_read_gives_them(world: World) -> None:
    """A listed row has the same content, record and version as one that was asked for by its id."""
    world.put(booking())
    await world.rows.record(BOOKING_ID, (await must_read(world)).etag, RECORD)
    assert await listed(world, BookingQuery()) == [await must_read(world)]


async def test_lists_every_row_once(world: World) -> None:
    """A list over several pages holds each booking once, in the order of the ids."""
    ids = sorted(str(uuid.uuid4()) for _ in range(5))
    for booking_id in ids:
        world.put(booking(booking_id))
    assert [row.booking.id for row in await listed(world, BookingQuery())] == ids


async def test_lists_nothing_of_nothing(world: World) -> None:
    """Without bookings a list ends without rows."""
    assert await listed(world, BookingQuery()) == []


@pytest.mark.parametrize(
    ("since", "until", "found"), [(-HOUR, HOUR, True), (-HOUR, -HOUR / 2, False), (HOUR / 2, HOUR, False)]
)
async def test_lists_by_time_of_change(
    world: World, since: timedelta, until: timedelta, *, found: bool
) -> None:
    """A booking is listed when it was changed within the window."""
    now = datetime.now(UTC)
    world.put(booking())
    query = BookingQuery(modified_from=now + since, modified_until=now + until)
    assert bool(await listed(world, query)) is found


async def test_recording_counts_as_a_change(world: World) -> None:
    """Our own record moves the time of change, so that it lies within the window once more."""
    before = datetime.now(UTC).replace(microsecond=0)
    world.put(booking())
    await world.rows.record(BOOKING_ID, (await must_read(world)).etag, RECORD)
    assert await listed(world, BookingQuery(modified_from=before))


@pytest.mark.parametrize(
    ("since", "before", "found"),
    [
        (START, START + HOUR, True),
        (START - HOUR, START, False),
        (START + HOUR, None, False),
        (None, START + HOUR, True),
    ],
)
async def test_lists_by_start(
    world: World, since: datetime | None, before: datetime | None, *, found: bool
) -> None:
    """A booking is listed when it starts at or after the first moment and before the last."""
    world.put(booking())
    assert bool(await listed(world, BookingQuery(starts_from=since, starts_before=before))) is found


async def test_booking_without_start_starts_in_no_window(world: World) -> None:
    """A booking that lacks its start is on no list that asks for one."""
    world.put(replace(booking(), start=None))
    assert await listed(world, BookingQuery(starts_from=START - HOUR)) == []


async def test_lists_by_event_and_mailbox(world: World) -> None:
    """Only bookings whose record names an event, or an event in that very mailbox, are listed."""
    ids = sorted(str(uuid.uuid4()) for _ in range(3))
    for booking_id in ids:
        world.put(booking(booking_id))
    for booking_id, mailbox in zip(ids, (ANNA, BERT), strict=False):
        record = replace(RECORD, event=EventRef(mailbox, f"event-{booking_id}"))
        await world.rows.record(booking_id, (await must_read(world, booking_id)).etag, record)

    async def found(query: BookingQuery) -> list[str]:
        return [row.booking.id for row in await listed(world, query)]

    assert await found(BookingQuery(names_event=True)) == ids[:2]
    assert await found(BookingQuery(mailbox=BERT.upper())) == [ids[1]]
    assert await found(BookingQuery(mailbox="o'neill")) == []
