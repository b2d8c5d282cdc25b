"""What the audit finds, case by case."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from booking_sync.audit.compare import Snapshot, compare, differences
from booking_sync.audit.findings import Finding, Kind
from booking_sync.audit.guard import GUARDED
from booking_sync.domain.bookings.booking import Booking
from booking_sync.domain.bookings.participation import TakesPart
from booking_sync.domain.events.event import NO_REMINDER, EventOptions, MarkedEvent
from booking_sync.domain.events.event_ref import EventRef
from booking_sync.domain.events.event_text.rules import EventRule, EventRules
from booking_sync.domain.plan import DesiredState, Wanted, desired_state
from booking_sync.domain.record import (
    ATTENDED_REASON,
    MAILED_REASON,
    BookingRow,
    SyncRecord,
    left_behind,
)
from tests.audit.kit import EVENT, GENERATION, WINDOW, desired, in_step, recording, shown, snapshot
from tests.support.bookings import ANNA, BERT, BOOKING_ID, CANCELED, TRAVELING, booking, technician

ROW = in_step()
SHOWN = shown()
WANTED = desired(booking())
assert isinstance(WANTED, Wanted)
CONTENT = WANTED.content
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
    "its resource taken out, on its row": (
        snapshot(of(replace(booking(), resource=replace(technician(ANNA), takes_part=TakesPart.NO))), SHOWN),
        [Kind.LEFT],
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
    assert not only(snapshot(told, SHOWN)).repairable
    for other in ("", "A word that sorts before.", "Words that sort behind."):
        assert only(snapshot(recording(unfinished, error=other), SHOWN)).repairable


@pytest.mark.parametrize(("here", "elsewhere"), [(ANNA, BERT), (BERT, ANNA)])
def test_an_event_in_another_calendar_is_surplus_whichever_sorts_first(here: str, elsewhere: str) -> None:
    """Beside the row's own event, beside one that was not recorded, and where the row names it."""
    subject = booking(mailbox=here)
    stray, own = shown(elsewhere, "E2", generation=2), shown(here)
    recorded = in_step(subject, EventRef(here, "E1"))
    found = compare(snapshot(recorded, own, stray), desired)
    assert [(each.kind, each.mailbox) for each in found] == [(Kind.ORPHAN, elsewhere)]
    found = compare(snapshot(BookingRow(subject, SyncRecord(), 'W/"1"'), own, stray), desired)
    assert {(each.kind, each.mailbox) for each in found} == {
        (Kind.ORPHAN, elsewhere),
        (Kind.UNRECORDED, here),
    }
    former = recording(in_step(subject, EventRef(elsewhere, "E2")), fingerprint="of the former")
    found = compare(snapshot(former, own, stray), desired)
    assert {(each.kind, each.mailbox) for each in found} == {
        (Kind.ORPHAN, elsewhere),
        (Kind.UNRECORDED, here),
    }


FORMER = replace(shown(event_id="E2", generation=2), attended=True)
MEETING = replace(SHOWN, attended=True)
BY_PEOPLE = left_behind([ANNA], ATTENDED_REASON)
CANCELED_ROW = of(replace(booking(), status=CANCELED), recording(ROW, event=None, fingerprint=""))
BERTS_ROW = in_step(booking(mailbox=BERT), EventRef(BERT, "E3"))
WITH_PEOPLE: dict[str, tuple[BookingRow, list[MarkedEvent], list[Kind]]] = {
    "at the booking's event": (ROW, [MEETING], [Kind.FAILING]),
    "at an event more": (ROW, [SHOWN, FORMER], [Kind.DUPLICATE, Kind.FAILING]),
    "at an event of a canceled booking": (CANCELED_ROW, [FORMER], [Kind.ORPHAN]),
    "at a canceled booking's own event": (
        of(replace(booking(), status=CANCELED)),
        [MEETING],
        [Kind.ORPHAN],
    ),
    "in the former calendar": (BERTS_ROW, [FORMER, shown(BERT, "E3")], [Kind.FAILING, Kind.ORPHAN]),
}


@pytest.mark.parametrize("told", [ATTENDED_REASON, MAILED_REASON, BY_PEOPLE])
@pytest.mark.parametrize(("row", "events", "expected"), WITH_PEOPLE.values(), ids=WITH_PEOPLE)
def test_what_people_keep_from_being_mended_is_asked_for_once(
    row: BookingRow, events: list[MarkedEvent], expected: list[Kind], told: str
) -> None:
    """Once the row tells of the people at an event, a hint can't mend more: it is reported, that is all."""
    assert any(each.repairable for each in compare(snapshot(row, *events), desired))
    findings = compare(snapshot(recording(row, error=told), *events), desired)
    assert sorted(each.kind for each in findings) == expected
    assert not any(each.repairable for each in findings)


@pytest.mark.parametrize(("row", "events", "expected"), WITH_PEOPLE.values(), ids=WITH_PEOPLE)
def test_once_the_people_are_gone_it_is_mended(
    row: BookingRow, events: list[MarkedEvent], expected: list[Kind]
) -> None:
    """The row still tells of people whom no event shows: a hint is due."""
    alone = [replace(each, attended=False) for each in events]
    findings = compare(snapshot(recording(row, error=BY_PEOPLE), *alone), desired)
    assert {each.kind for each in findings} >= set(expected)
    assert all(each.repairable for each in findings)


@pytest.mark.parametrize(
    ("row", "own", "kind"),
    [
        (recording(ROW, fingerprint="of before"), SHOWN, Kind.BEHIND),
        (ROW, replace(SHOWN, subject="Mine now"), Kind.DRIFT),
        (ROW, None, Kind.MISSING),
    ],
)
def test_people_at_a_former_event_hide_nothing_else(
    row: BookingRow, own: MarkedEvent | None, kind: Kind
) -> None:
    """What is wrong with the booking's own event is found although the row tells of another."""
    listed = [FORMER, *([own] if own else [])]
    findings = compare(snapshot(recording(row, error=BY_PEOPLE), *listed), desired)
    assert [each.kind for each in findings if each.repairable] == [kind]


@pytest.mark.parametrize(
    ("row", "events"), [(CANCELED_ROW, []), (BERTS_ROW, [shown(BERT, "E3")])], ids=["canceled", "reassigned"]
)
def test_people_in_a_calendar_that_is_not_looked_at_may_still_be_there(
    row: BookingRow, events: list[MarkedEvent]
) -> None:
    """An audit of one mailbox leaves what the row tells of another one to the audit of that one."""
    told = recording(row, error=BY_PEOPLE)
    beside = compare(snapshot(told, *events, mailboxes=(BERT,)), desired)
    assert not any(each.repairable for each in beside)
    looked = compare(snapshot(told, *events), desired)
    assert any(each.repairable for each in looked)


def test_people_at_an_event_of_a_deleted_booking_are_reported() -> None:
    """There is no row to say it, and a hint could not remove it."""
    finding = only(replace(snapshot(None, MEETING), gone=frozenset({BOOKING_ID})))
    assert (finding.kind, finding.repairable) == (Kind.ORPHAN, False)
    assert "People are invited" in finding.words


@pytest.mark.parametrize("kind", [Kind.COPY, Kind.FOREIGN, Kind.HIDDEN, Kind.UNREADABLE, Kind.GUARD])
def test_what_is_not_ours_is_never_repaired(kind: Kind) -> None:
    """Some findings are for people only."""
    assert not Finding(kind, "words").repairable


def test_findings_name_where_they_are() -> None:
    """A finding about an event names booking, mailbox and event."""
    finding = only(snapshot(ROW, SHOWN, shown(event_id="E2", generation=2)))
    assert (finding.booking_id, finding.mailbox, finding.event_id) == (BOOKING_ID, ANNA, "E2")
    assert only(snapshot(ROW)).event_id == EVENT.event_id
    for row in (recording(ROW, fingerprint="of the old name"), recording(ROW, error="Outlook: no.")):
        assert only(snapshot(row, SHOWN)).mailbox == ANNA


@pytest.mark.parametrize(
    ("start", "within"),
    [
        (WINDOW.first, True),
        (WINDOW.first - timedelta(seconds=1), False),
        (WINDOW.last - timedelta(seconds=1), True),
        (WINDOW.last, False),
        (WINDOW.last + timedelta(days=1), False),
        (None, False),
    ],
)
def test_a_row_that_was_read_by_its_id_is_sorted_as_a_list_does(start: datetime | None, within: bool) -> None:  # noqa: FBT001 - a table's column
    """From the window's first moment on, and before its last."""
    assert WINDOW.starts(replace(booking(), start=start)) is within


def test_what_a_rule_takes_away_is_weighed_like_what_a_setting_does() -> None:
    """A rule that empties calendars by a slip must stop at the guard: an orphan, and nobody's leaving."""
    rules = EventRules((EventRule(event=False),))

    def ruled(subject: Booking) -> DesiredState:
        return desired_state(subject, lambda *_: CONTENT, require_work_order=True, rules=rules)

    (finding,) = compare(snapshot(ROW, SHOWN), ruled)
    assert finding.kind is Kind.ORPHAN
    assert finding.kind in GUARDED
    assert "rule 1 of the event file wants no event" in finding.words


@pytest.mark.parametrize(
    ("options", "edited", "said"),
    [
        (EventOptions(), {"sensitivity": "private", "reminder": 5, "importance": "high"}, []),
        (EventOptions(sensitivity="private"), {}, ["sensitivity"]),
        (EventOptions(sensitivity="private"), {"sensitivity": "private", "reminder": 5}, []),
        (EventOptions(sensitivity="normal"), {"sensitivity": "confidential"}, ["sensitivity"]),
        (EventOptions(reminder=15), {"reminder": 30}, ["reminder"]),
        (EventOptions(reminder=NO_REMINDER), {"reminder": 0}, ["reminder"]),
        (EventOptions(importance="normal"), {"importance": "low"}, ["importance"]),
    ],
)
def test_of_an_event_s_options_only_those_are_compared_that_a_rule_says(
    options: EventOptions, edited: dict[str, object], said: list[str]
) -> None:
    """The others are the technician's."""
    content = replace(CONTENT, options=options)
    assert differences(replace(SHOWN, **edited), content, booking()) == said  # type: ignore[arg-type]  # each is the field's own type


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("start", "end", "within"),
    [
        (None, WINDOW.last - HOUR, False),
        (WINDOW.first + HOUR, None, False),
        (WINDOW.first - HOUR, WINDOW.first, False),
        (WINDOW.first - HOUR, WINDOW.first + HOUR, True),
        (WINDOW.last - HOUR, WINDOW.last + HOUR, True),
        (WINDOW.last, WINDOW.last + HOUR, False),
        (WINDOW.last + HOUR, WINDOW.last + 2 * HOUR, False),
        (WINDOW.first - 2 * HOUR, WINDOW.first - HOUR, False),
    ],
)
def test_a_calendar_lists_what_touches_the_time(
    start: datetime | None, end: datetime | None, *, within: bool
) -> None:
    """An event that ends when it begins, or begins when it ends, does not; nor does one without times."""
    assert WINDOW.shows(replace(booking(), start=start, end=end)) is within


def _around(text: str) -> list[str]:
    """Texts that sort before and behind it."""
    return [f"!{text}", f"~{text}"]


@pytest.mark.parametrize(
    ("part", "edited"),
    [
        *(("subject", replace(SHOWN, subject=each)) for each in _around(SHOWN.subject)),
        *(("location", replace(SHOWN, location_name=each)) for each in _around(SHOWN.location_name)),
        *(("showAs", replace(SHOWN, show_as=each)) for each in ("aaa", "zzz")),
        ("categories", replace(SHOWN, categories=frozenset())),
        ("categories", replace(SHOWN, categories=SHOWN.categories | {"Field Service: Another"})),
    ],
)
def test_a_changed_part_is_told_whichever_way_it_sorts(part: str, edited: MarkedEvent) -> None:
    """More as well as less."""
    assert differences(edited, CONTENT, booking()) == [part]


def test_people_s_own_categories_and_equal_texts_are_no_difference() -> None:
    """Texts come from an answer, and are never the same objects as ours."""
    again = replace(
        SHOWN,
        subject="".join(list(SHOWN.subject)),
        show_as="".join(list(SHOWN.show_as)),
        categories=SHOWN.categories | {"Family"},
    )
    assert differences(again, CONTENT, booking()) == []
