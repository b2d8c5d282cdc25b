"""What the audit finds, case by case."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from booking_sync.audit.compare import Snapshot, compare
from booking_sync.audit.findings import Finding, Kind
from booking_sync.domain.booking import Booking
from booking_sync.domain.event import EventRef, MarkedEvent
from booking_sync.domain.record import BookingRow, SyncRecord
from tests.audit.kit import EVENT, GENERATION, WINDOW, desired, in_step, recording, shown, snapshot
from tests.support.bookings import ANNA, BERT, BOOKING_ID, CANCELED, TRAVELING, booking, technician

ROW = in_step()
SHOWN = shown()
NO_RECORD = BookingRow(booking(), SyncRecord(), 'W/"1"')
DISABLED = "The resource's user is disabled in Dynamics 365, so this booking has no Outlook event."


def of(subject: Booking, like: BookingRow = ROW) -> BookingRow:
    """The row with another booking on it, and the record as it was."""
    return replace(like, booking=subject)


def kinds(state: Snapshot) -> list[Kind]:
    """What is found, sorted."""
    return sorted(finding.kind for finding in compare(state, desired))


def only(state: Snapshot) -> Finding:
    """The one finding."""
    (finding,) = compare(state, desired)
    return finding


CASES: dict[str, tuple[Snapshot, list[Kind]]] = {
    "in step": (snapshot(ROW, SHOWN), []),
    "the row names a later event of the same booking": (
        snapshot(ROW, SHOWN, shown(event_id="E2", generation=2)),
        [Kind.DUPLICATE],
    ),
    "a later creation than the recorded one": (
        snapshot(ROW, SHOWN, shown(event_id="E4", generation=GENERATION + 5)),
        [Kind.DUPLICATE],
    ),
    "a user's copy": (snapshot(ROW, SHOWN, shown(event_id="C", generation=None)), [Kind.COPY]),
    "a copy in another mailbox, with the original's transactionId": (
        snapshot(ROW, SHOWN, replace(shown(BERT, "C"), transaction_id=SHOWN.transaction_id)),
        [Kind.COPY],
    ),
    "another organisation's event": (
        snapshot(ROW, SHOWN, shown(event_id="F", organization_id="another")),
        [Kind.FOREIGN],
    ),
    "a marker that says nothing": (
        snapshot(ROW, SHOWN, replace(SHOWN, marker="nothing")),
        [Kind.FOREIGN],
    ),
    "canceled, its webhook lost": (snapshot(of(replace(booking(), status=CANCELED)), SHOWN), [Kind.ORPHAN]),
    "canceled, recorded, an event left behind": (
        snapshot(of(replace(booking(), status=CANCELED), recording(ROW, event=None, fingerprint="")), SHOWN),
        [Kind.ORPHAN],
    ),
    "canceled and gone, but the row still names the event": (
        snapshot(of(replace(booking(), status=CANCELED))),
        [Kind.BEHIND],
    ),
    "canceled and recorded": (
        snapshot(of(replace(booking(), status=CANCELED), recording(ROW, event=None, fingerprint=""))),
        [],
    ),
    "never to be shown": (snapshot(of(replace(booking(), work_order=None), NO_RECORD)), []),
    "disabled, and the row says so": (
        snapshot(
            of(
                replace(booking(), resource=technician(ANNA, disabled=True)),
                recording(
                    NO_RECORD,
                    error=DISABLED,
                ),
            )
        ),
        [],
    ),
    "disabled, and the row does not say so": (
        snapshot(of(replace(booking(), resource=technician(ANNA, disabled=True)), NO_RECORD)),
        [Kind.BEHIND],
    ),
    "reassigned, its webhook lost": (
        snapshot(of(replace(booking(), resource=technician(BERT))), SHOWN),
        [Kind.ORPHAN],
    ),
    "reassigned and recorded, the former event left behind": (
        snapshot(in_step(booking(mailbox=BERT), EventRef(BERT, "E2")), SHOWN, shown(BERT, "E2")),
        [Kind.ORPHAN],
    ),
    "reassigned, its former event gone": (
        snapshot(of(replace(booking(), resource=technician(BERT)))),
        [Kind.BEHIND],
    ),
    "no event yet": (snapshot(NO_RECORD), [Kind.BEHIND]),
    "an event that was not recorded": (snapshot(NO_RECORD, SHOWN), [Kind.UNRECORDED]),
    "two events that were not recorded": (
        snapshot(NO_RECORD, shown(event_id="E2", generation=2), SHOWN),
        [Kind.DUPLICATE, Kind.UNRECORDED],
    ),
    "deleted by the user": (snapshot(ROW), [Kind.MISSING]),
    "deleted by the user, a copy left": (
        snapshot(ROW, shown(event_id="C", generation=None)),
        [Kind.COPY, Kind.MISSING],
    ),
    **{
        f"the row's event, and a copy named {alike}": (
            snapshot(in_step(booking(), EventRef(ANNA, "AbC-")), shown(event_id=alike, generation=None)),
            [Kind.COPY, Kind.MISSING],
        )
        for alike in ("abc-", "AbC_", "ABC-", "AbC-=")
    },
    "outside the window": (
        snapshot(
            in_step(replace(booking(), start=WINDOW.last, end=WINDOW.last + timedelta(hours=1))),
        ),
        [],
    ),
    "renamed account": (
        snapshot(recording(ROW, fingerprint="of the old name"), SHOWN),
        [Kind.BEHIND],
    ),
    "another status, its webhook lost": (
        snapshot(of(replace(booking(), status=TRAVELING)), SHOWN),
        [Kind.BEHIND],
    ),
    "rescheduled, its webhook lost": (
        snapshot(of(replace(booking(), end=WINDOW.last)), SHOWN),
        [Kind.BEHIND],
    ),
    "failing": (snapshot(recording(ROW, error="Outlook: no."), SHOWN), [Kind.FAILING]),
    "failing without an event": (snapshot(recording(NO_RECORD, error="Outlook: no.")), [Kind.FAILING]),
    "no end": (snapshot(of(replace(booking(), end=None)), SHOWN), [Kind.FAILING]),
    "its mailbox not listed": (snapshot(ROW, mailboxes=(BERT,)), []),
    "no event yet, its mailbox not listed": (snapshot(NO_RECORD, mailboxes=(BERT,)), []),
    "canceled, its mailbox not listed": (
        snapshot(of(replace(booking(), status=CANCELED)), mailboxes=(BERT,)),
        [],
    ),
    "reassigned to a mailbox that was not listed": (
        snapshot(of(replace(booking(), resource=technician(BERT))), SHOWN, mailboxes=(ANNA,)),
        [Kind.ORPHAN],
    ),
    "its row not read": (snapshot(None, SHOWN), []),
    "gone": (replace(snapshot(None, SHOWN), gone=frozenset({BOOKING_ID})), [Kind.ORPHAN]),
    "gone, a copy left": (
        replace(snapshot(None, shown(generation=None)), gone=frozenset({BOOKING_ID})),
        [Kind.COPY],
    ),
    "hidden by security": (replace(snapshot(None, SHOWN), hidden=frozenset({BOOKING_ID})), [Kind.HIDDEN]),
}


@pytest.mark.parametrize(("state", "expected"), CASES.values(), ids=CASES.keys())
def test_findings(state: Snapshot, expected: list[Kind]) -> None:
    """Each state of row and calendar leads to its findings, and to no other."""
    assert kinds(state) == sorted(expected)


@pytest.mark.parametrize(
    ("edited", "said"),
    [
        (replace(SHOWN, subject="Mine now"), "subject"),
        (replace(SHOWN, start=SHOWN.start + timedelta(minutes=1)), "start"),
        (replace(SHOWN, end=SHOWN.end - timedelta(seconds=1)), "end"),
        (replace(SHOWN, show_as="free"), "showAs"),
        (replace(SHOWN, categories=frozenset({"Private"})), "categories"),
        (replace(SHOWN, location_name="At home"), "location"),
        (
            replace(SHOWN, start=SHOWN.start + timedelta(hours=1), end=SHOWN.end + timedelta(hours=1)),
            "start, end",
        ),
    ],
)
def test_drift(edited: MarkedEvent, said: str) -> None:
    """What a user changes in Outlook is found and named, without its values."""
    finding = only(snapshot(ROW, edited))
    assert (finding.kind, finding.words) == (
        Kind.DRIFT,
        f"The event was changed in Outlook: {said}.",
    )


@pytest.mark.parametrize(
    "rewritten",
    [
        replace(SHOWN, subject=f" {SHOWN.subject}  "),
        replace(SHOWN, start=SHOWN.start.replace(microsecond=999_999)),
    ],
)
def test_what_outlook_rewrites_is_no_drift(rewritten: MarkedEvent) -> None:
    """Spaces and fractions of a second are Outlook's own doing."""
    assert kinds(snapshot(ROW, rewritten)) == []


def test_a_row_that_says_what_is_wrong_is_not_asked_again() -> None:
    """A booking that makes no sense is reported, but a hint would change nothing until somebody mends it."""
    unfinished = of(replace(booking(), end=None))
    told = recording(unfinished, error="The booking has no start or no end time.")
    assert only(snapshot(unfinished, SHOWN)).repairable
    assert not only(snapshot(told, SHOWN)).repairable


@pytest.mark.parametrize("kind", [Kind.COPY, Kind.FOREIGN, Kind.HIDDEN, Kind.UNREADABLE, Kind.GUARD])
def test_what_is_not_ours_is_never_repaired(kind: Kind) -> None:
    """Some findings are for people only."""
    assert not Finding(kind, "words").repairable


def test_findings_name_where_they_are() -> None:
    """A finding about an event names booking, mailbox and event."""
    finding = only(snapshot(ROW, SHOWN, shown(event_id="E2", generation=2)))
    assert (finding.booking_id, finding.mailbox, finding.event_id) == (BOOKING_ID, ANNA, "E2")
    assert only(snapshot(ROW)).event_id == EVENT.event_id


@pytest.mark.parametrize(
    ("start", "within"),
    [
        (WINDOW.first, True),
        (WINDOW.first - timedelta(seconds=1), False),
        (WINDOW.last - timedelta(seconds=1), True),
        (WINDOW.last, False),
        (None, False),
    ],
)
def test_a_row_that_was_read_by_its_id_is_sorted_as_a_list_does(start: datetime | None, within: bool) -> None:  # noqa: FBT001 - a table's column
    """From the window's first moment on, and before its last."""
    assert WINDOW.starts(replace(booking(), start=start)) is within
