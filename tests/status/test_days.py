"""A technician's bookings beside the events of the calendar, and what differs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from booking_sync.audit.findings import Finding, Kind
from booking_sync.domain.record import BookingRow, SyncRecord
from booking_sync.status.days import DayEntry, Unread, day_entries, unread
from tests.audit.kit import desired, in_step, recording, shown, snapshot
from tests.support.bookings import ANNA, BERT, BOOKING_ID, CANCELED, booking, technician

OTHER_ID = "0d7c1f57-3b1e-4c8e-9a55-2f6f0d6b1a02"
ALL_READ = Unread()


def only(row: BookingRow | None, *events: object, missed: Unread = ALL_READ) -> DayEntry:
    """The one entry of one booking and its events."""
    (entry,) = day_entries(snapshot(row, *events), missed, desired)  # type: ignore[arg-type]
    return entry


def test_a_booking_that_shows_as_it_is() -> None:
    """It is in step, and its event stands beside it."""
    entry = only(in_step(), shown())
    assert (entry.state, entry.fine, entry.words) == ("in step", True, ())
    assert [each.subject for each in entry.events] == [shown().subject]


@pytest.mark.parametrize(
    ("row", "state"),
    [
        (in_step(), "missing"),
        (replace(in_step(), record=SyncRecord()), "behind"),
        (recording(in_step(), error="No mailbox."), "failing"),
    ],
)
def test_a_booking_without_its_event_says_why(row: BookingRow, state: str) -> None:
    """By the audit's own words; what the row tells people stands beside it."""
    entry = only(row)
    assert (entry.state, entry.fine, entry.error) == (state, False, row.record.error)
    assert entry.words


def test_an_event_that_somebody_moved_differs() -> None:
    """What was changed is named."""
    moved = replace(shown(), start=shown().start + timedelta(hours=1))
    entry = only(in_step(), moved)
    assert entry.state == "drift"
    assert "start" in entry.words[0]


def test_of_several_findings_the_worst_gives_the_state_its_name() -> None:
    """And all are told, the worst first."""
    row = in_step()
    moved = replace(row, booking=replace(row.booking, name="Another job"))
    entry = only(moved, shown(BERT, "E2"), shown())
    assert (entry.state, len(entry.words)) == ("behind", 2)


def test_a_copy_of_the_event_is_told_and_nothing_is_wrong() -> None:
    """A person may copy events; the booking is in step all the same."""
    entry = only(in_step(), shown(), shown(event_id="copy", generation=None))
    assert (entry.state, len(entry.events)) == ("in step", 2)
    assert "copy" in entry.words[0].lower()


def test_a_canceled_booking_needs_no_event_and_says_so() -> None:
    """Whoever misses it reads why."""
    row = BookingRow(replace(booking(), status=CANCELED), SyncRecord(), 'W/"1"')
    entry = only(row)
    assert (entry.state, entry.fine) == ("no event, and none is wanted", True)
    assert entry.words == ("No event is wanted: the booking is canceled.",)


def test_a_booking_that_makes_no_sense_says_what_is_wrong() -> None:
    """Although its row tells so already and no hint helps."""
    row = BookingRow(replace(booking(), end=None), SyncRecord(), 'W/"1"')
    told = recording(row, error="The booking has no start or no end time.")
    assert only(told).state == "failing"


def test_where_the_calendar_can_t_be_read_nothing_is_concluded() -> None:
    """The reason is told, and not that the event is missing."""
    missed = Unread(mailboxes={ANNA: "The mailbox was not audited. No such mailbox."})
    (entry,) = day_entries(snapshot(in_step(), mailboxes=()), missed, desired)
    assert (entry.state, entry.words) == ("unreadable", (missed.mailboxes[ANNA],))
    (silent,) = day_entries(snapshot(in_step(), mailboxes=()), ALL_READ, desired)
    assert silent.words == ("The calendar could not be read.",)


def test_an_event_without_a_booking_is_shown_too() -> None:
    """One whose booking is gone is an orphan; of one that is hidden that much is said."""
    both = replace(snapshot(None, shown()), gone=frozenset({BOOKING_ID}))
    (entry,) = day_entries(both, ALL_READ, desired)
    assert (entry.state, entry.booking, entry.starts) == ("orphan", None, shown().start)
    both = replace(snapshot(None, shown()), hidden=frozenset({BOOKING_ID}))
    assert day_entries(both, ALL_READ, desired)[0].state == "hidden"
    assert only(None, shown()).state == "unreadable"


def test_an_event_that_stayed_with_the_former_technician_is_told() -> None:
    """The row belongs to Bert's calendar now, and Anna still sees it."""
    row = in_step()
    given = replace(row, booking=replace(row.booking, resource=technician(BERT)))
    entry = only(given, shown())
    assert (entry.state, entry.fine) == ("orphan", False)


def test_a_row_that_can_t_be_read_is_told_with_its_event() -> None:
    """It is not taken for gone."""
    missed = Unread(bookings={BOOKING_ID: "A column holds what it can't hold."})
    entry = only(None, shown(), missed=missed)
    assert (entry.state, entry.words, len(entry.events)) == (
        "unreadable",
        (missed.bookings[BOOKING_ID],),
        1,
    )


def test_entries_come_by_start_and_what_has_none_comes_last() -> None:
    """As a day is read."""
    early = late = in_step()
    rows = {
        BOOKING_ID: early,
        OTHER_ID: replace(late, booking=replace(booking(OTHER_ID), start=None, end=None)),
    }
    entries = day_entries(replace(snapshot(None), rows=rows), ALL_READ, desired)
    assert [each.booking_id for each in entries] == [BOOKING_ID, OTHER_ID]


def test_what_a_look_could_not_read_is_sorted_by_what_it_is() -> None:
    """Bookings by id, calendars by mailbox."""
    found = (
        Finding(Kind.UNREADABLE, "The mailbox was not audited.", mailbox=ANNA),
        Finding(Kind.UNREADABLE, "The booking was not audited.", BOOKING_ID),
    )
    missed = unread(found)
    assert missed.mailboxes == {ANNA: found[0].words}
    assert missed.bookings == {BOOKING_ID: found[1].words}
