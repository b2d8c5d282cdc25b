"""What is concluded from the events that a search found, before anything is written."""

from __future__ import annotations

import pytest

from booking_sync.domain.events.event_calendars import calendar_part
from booking_sync.domain.events.event_ref import EventRef
from booking_sync.domain.events.ownership import Own
from booking_sync.domain.record import BookingRow, SyncRecord
from booking_sync.sync.booking.finding import adopted, where_it_was_found
from tests.support.bookings import ANNA, booking

NAMED, ANOTHER = EventRef(ANNA, "E1"), EventRef(ANNA, "E2")
MAIN, WORK = "", "Work"


def row(calendar: str, content: str = "abc") -> BookingRow:
    """One that names the first event, recorded in this calendar."""
    return BookingRow(booking(), SyncRecord(NAMED, 1, content + calendar_part(calendar)), 'W/"1"')


def test_a_row_learns_where_its_own_event_is() -> None:
    """Where another one lies says nothing of it, found before it or after."""
    named, another = Own(NAMED, 1, calendar=WORK), Own(ANOTHER, 2, calendar=MAIN)
    for found in ([named, another], [another, named]):
        assert where_it_was_found(row(MAIN), found).record == SyncRecord(NAMED, 1, calendar_part(WORK))


@pytest.mark.parametrize(
    "found",
    [
        [],
        [Own(ANOTHER, 2, calendar=WORK)],
        [Own(NAMED, 1, calendar=None)],
        [Own(NAMED, 1, calendar=MAIN), Own(ANOTHER, 2, calendar=WORK)],
    ],
    ids=["nothing", "another event", "where, nobody told", "where it was"],
)
def test_a_row_that_learns_nothing_stays_as_it_is(found: list[Own]) -> None:
    """What its event holds stays known."""
    assert where_it_was_found(row(MAIN), found) == row(MAIN)


def test_the_latest_event_is_adopted() -> None:
    """Of those in the right calendar, if there are any; nothing of nothing."""
    old, late = Own(NAMED, 1, calendar=WORK), Own(ANOTHER, 2, calendar=MAIN)
    assert adopted([old, late], MAIN) == late
    assert adopted([old, late], WORK) == old
    assert adopted([old, late], "Elsewhere") == late
    assert adopted([], MAIN) is None
