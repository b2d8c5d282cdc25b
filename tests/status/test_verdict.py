"""What the facts of one booking mean, and what the worker would do about them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from booking_sync.domain.events.event import MarkedEvent
from booking_sync.domain.events.event_ref import EventRef
from booking_sync.domain.record import BookingRow, SyncRecord
from booking_sync.ports.dataverse.bookings import BookingDetails, Presence
from booking_sync.status.facts import BookingFacts, RowFacts
from booking_sync.status.verdict import Verdict, judge
from tests.audit.kit import EVENT, desired, generation_of, in_step, shown
from tests.support.bookings import ANNA, BERT, BOOKING_ID, CANCELED, ORGANIZATION_ID, booking, technician


def facts(
    row: BookingRow | None,
    *events: MarkedEvent,
    presence: Presence = Presence.EXISTS,
    closed: dict[str, str] | None = None,
) -> BookingFacts:
    """A row and the events of its two calendars."""
    known = RowFacts(row, BookingDetails(), desired(row.booking)) if row else None
    calendars = {
        mailbox: [event for event in events if event.ref.mailbox == mailbox]
        for mailbox in (ANNA, BERT)
        if mailbox not in (closed or {})
    }
    return BookingFacts(
        BOOKING_ID,
        ORGANIZATION_ID,
        known,
        presence,
        calendars=calendars,
        proven={event.ref: number for event in events if (number := generation_of(event))},
        closed=closed or {},
    )


def judged(row: BookingRow | None, *events: MarkedEvent) -> Verdict:
    """The verdict on a row and events."""
    return judge(facts(row, *events))


def test_in_step() -> None:
    """The event is there, shows the booking, and the worker would do nothing."""
    verdict = judged(in_step(), shown())
    assert (verdict.name, verdict.fine) == ("in step", True)
    assert verdict.would == ("nothing: the row says that all is done",)
    assert ANNA in verdict.because


def test_behind() -> None:
    """The row asks for more than was written: the worker would write it."""
    row = in_step()
    moved = replace(row, booking=replace(row.booking, name="Another job"))
    verdict = judged(moved, shown())
    assert (verdict.name, verdict.fine) == ("behind", False)
    assert verdict.would == (f"write the event in the calendar of {ANNA}", "record that on the booking's row")


def test_never_synced() -> None:
    """No record, no event: the first one would be created."""
    verdict = judged(replace(in_step(), record=SyncRecord()))
    assert verdict.name == "behind"
    assert verdict.would[0] == f"create event number 1 in the calendar of {ANNA}"


def test_removed_in_outlook() -> None:
    """The row names an event that is nowhere; the worker believes the row."""
    verdict = judged(in_step())
    assert (verdict.name, verdict.would) == ("missing", ("nothing: the row says that all is done",))


def test_moved_far_away_in_outlook() -> None:
    """The event was found by its id, however far it was moved, and its times differ."""
    event = shown()
    far = replace(event, start=event.start.replace(year=2030), end=event.end.replace(year=2030))
    verdict = judged(in_step(), far)
    assert (verdict.name, "start, end" in verdict.words[0]) == ("drift", True)


def test_an_event_in_the_wrong_calendar() -> None:
    """The booking was given to somebody else: the old event goes, a new one comes."""
    row = in_step()
    given = replace(row, booking=replace(row.booking, resource=technician(BERT)))
    verdict = judged(given, shown())
    assert verdict.name in ("behind", "orphan")
    assert verdict.would == (
        f"remove the event from the calendar of {ANNA}",
        f"create event number 4 in the calendar of {BERT}",
        "record that on the booking's row",
    )


def test_two_events() -> None:
    """Both are the booking's, and the row names one."""
    assert judged(in_step(), shown(), shown(event_id="E2", generation=2)).name == "duplicate"


def test_an_event_that_the_row_does_not_name() -> None:
    """Somebody died between creating and recording."""
    row = replace(in_step(), record=SyncRecord())
    assert judged(row, shown(generation=1)).name == "unrecorded"


def test_a_canceled_booking() -> None:
    """Without an event it is fine; with one it is an orphan that would be removed."""
    row = in_step()
    canceled = replace(row.booking, status=CANCELED)
    clean = judged(BookingRow(canceled, SyncRecord(generation=3), row.etag))
    left = judged(replace(row, booking=canceled), shown())
    assert (clean.name, clean.fine) == ("no event, and none is wanted", True)
    assert clean.because == "no event is wanted: the booking is canceled"
    assert (left.name, left.would[0]) == ("orphan", f"remove the event from the calendar of {ANNA}")


def test_a_booking_that_makes_no_sense() -> None:
    """It has no start: what is in Outlook stays."""
    verdict = judged(BookingRow(replace(booking(), start=None), SyncRecord(), 'W/"1"'))
    assert (verdict.name, verdict.because) == ("failing", "The booking has no start or no end time.")


def test_a_row_with_an_error() -> None:
    """The row says itself what is wrong."""
    row = in_step()
    failing = replace(row, record=SyncRecord(EventRef(ANNA, EVENT.event_id), 3, "", "No mailbox."))
    assert judged(failing, shown()).name == "failing"


def test_a_copy_of_the_event_is_no_matter() -> None:
    """Somebody's own copy is theirs."""
    assert judged(in_step(), shown(), shown(event_id="E9", generation=None)).fine


@pytest.mark.parametrize(
    ("presence", "name"),
    [(Presence.GONE, "gone"), (Presence.HIDDEN, "hidden"), (Presence.EXISTS, "unreadable")],
)
def test_no_row(presence: Presence, name: str) -> None:
    """What Dataverse says of the id decides."""
    verdict = judge(facts(None, presence=presence))
    assert (verdict.name, verdict.fine) == (name, False)


def test_a_mailbox_that_can_t_be_looked_into() -> None:
    """Nothing is concluded, and why is told."""
    verdict = judge(facts(in_step(), closed={ANNA: "access denied"}))
    assert (verdict.name, verdict.words, verdict.fine) == ("unreadable", ("access denied",), False)
