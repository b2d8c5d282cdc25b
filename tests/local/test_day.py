"""The verdict of the played day: it finds each kind of difference, and finds none where there is none."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from local.day.report import BurstReport, DayReport, PhaseReport, SecondRunReport, show
from local.day.verdict import (
    BookingFact,
    Difference,
    EventFact,
    Expected,
    Facts,
    Kind,
    PoisonFact,
    compare,
    expected,
)
from local.day.world import TIME_ZONE, WorldMaker
from local.stack.control import Counts

if TYPE_CHECKING:
    from collections.abc import Callable

START = datetime(2027, 3, 26, 8, tzinfo=UTC)
DENTIST = {"subject": "Dentist", "modifiedCount": 0}

BOOKING = BookingFact(
    id="b1",
    name="Boiler inspection",
    start=START,
    end=START + timedelta(hours=1),
    active=True,
    canceled=False,
    proposed=False,
    traveling=False,
    urgent=False,
    status="Scheduled",
    account="Elbtal Maschinenbau",
    has_work_order=True,
    resource="Anna",
    is_user=True,
    user_enabled=True,
    takes_part=True,
    own_mailbox=False,
    mailbox="anna",
    has_mailbox=True,
    recorded_event="e1",
    recorded_mailbox="anna",
    error="",
    version=1,
)
EVENT = EventFact(
    id="e1",
    mailbox="anna",
    subject="Elbtal Maschinenbau: Boiler inspection",
    start=START,
    end=START + timedelta(hours=1),
    show_as="busy",
    attendees=0,
    booking_id="b1",
    tag="b1",
    raw={},
)
OWN_EVENT = replace(EVENT, id="p1", subject="Dentist", booking_id="", tag=None, raw=DENTIST)
IN_STEP = Facts(bookings=[BOOKING], events=[EVENT, OWN_EVENT], private={"p1": DENTIST})


def _unlinked(**changes: object) -> BookingFact:
    """The booking with changes, without an event on its row."""
    return replace(BOOKING, recorded_event="", recorded_mailbox="", **changes)  # type: ignore[arg-type]


def test_in_step_has_no_difference() -> None:
    """A booking with its one right event, beside an untouched private one, differs in nothing."""
    assert compare(IN_STEP) == []


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (lambda facts: replace(facts, events=[OWN_EVENT]), Kind.MISSING),
        (lambda facts: replace(facts, events=[EVENT, replace(EVENT, id="e2"), OWN_EVENT]), Kind.DOUBLED),
        (lambda facts: replace(facts, events=[replace(EVENT, mailbox="ben"), OWN_EVENT]), Kind.MISPLACED),
        (lambda facts: replace(facts, bookings=[]), Kind.LEFT_OVER),
        (lambda facts: replace(facts, bookings=[replace(BOOKING, canceled=True)]), Kind.LEFT_OVER),
        (
            lambda facts: replace(facts, events=[*facts.events, replace(OWN_EVENT, id="p2")]),
            Kind.UNKNOWN_EVENT,
        ),
        (
            lambda facts: replace(facts, bookings=[replace(BOOKING, recorded_event="other")]),
            Kind.WRONG_RECORD,
        ),
        (lambda facts: replace(facts, bookings=[replace(BOOKING, error="Outlook: no")]), Kind.FALSE_ALARM),
        (
            lambda facts: replace(facts, events=[OWN_EVENT], bookings=[_unlinked(has_mailbox=False)]),
            Kind.SILENT_FAILURE,
        ),
        (lambda facts: replace(facts, events=[EVENT]), Kind.PRIVATE_TOUCHED),
        (
            lambda facts: replace(
                facts, events=[EVENT, replace(OWN_EVENT, raw={**DENTIST, "modifiedCount": 1})]
            ),
            Kind.PRIVATE_TOUCHED,
        ),
        (lambda facts: replace(facts, mails_sent=1), Kind.MAIL_SENT),
        (lambda facts: replace(facts, poison=[PoisonFact("b1", "gave up")]), Kind.POISON),
    ],
)
def test_each_kind_of_difference_is_found(spoil: Callable[[Facts], Facts], kind: Kind) -> None:
    """One thing spoiled gives a difference of its kind."""
    assert kind in [difference.kind for difference in compare(spoil(IN_STEP))]


@pytest.mark.parametrize(
    "event",
    [
        replace(EVENT, start=START + timedelta(minutes=1)),
        replace(EVENT, end=START + timedelta(hours=2)),
        replace(EVENT, subject="Elbtal Maschinenbau: Leak search"),
        replace(EVENT, subject="Boiler inspection"),
        replace(EVENT, show_as="free"),
        replace(EVENT, attendees=1),
        replace(EVENT, tag=None),
        replace(EVENT, tag="b2"),
    ],
)
def test_stale_content_is_found(event: EventFact) -> None:
    """A wrong time, subject, availability, attendee or tag makes the event stale, and nothing else."""
    found = compare(replace(IN_STEP, events=[event, OWN_EVENT]))

    assert [difference.kind for difference in found] == [Kind.STALE]


@pytest.mark.parametrize(
    ("booking", "wanted"),
    [
        (BOOKING, Expected.SHOWN),
        (replace(BOOKING, proposed=True), Expected.SHOWN),
        (replace(BOOKING, active=False), Expected.HIDDEN),
        (replace(BOOKING, canceled=True), Expected.HIDDEN),
        (replace(BOOKING, has_work_order=False), Expected.HIDDEN),
        (replace(BOOKING, is_user=False), Expected.HIDDEN),
        (replace(BOOKING, is_user=False, own_mailbox=True), Expected.SHOWN),
        (replace(BOOKING, is_user=False, own_mailbox=True, has_mailbox=False), Expected.FAILING),
        (replace(BOOKING, is_user=False, own_mailbox=True, takes_part=False), Expected.HIDDEN),
        (replace(BOOKING, takes_part=False), Expected.HIDDEN),
        (replace(BOOKING, user_enabled=False), Expected.HIDDEN),
        (replace(BOOKING, mailbox=""), Expected.FAILING),
        (replace(BOOKING, has_mailbox=False), Expected.FAILING),
        (replace(BOOKING, end=START - timedelta(hours=1)), Expected.FAILING),
        (replace(BOOKING, start=None), Expected.FAILING),
        (replace(BOOKING, has_mailbox=False, canceled=True), Expected.HIDDEN),
    ],
)
def test_what_a_booking_wants(booking: BookingFact, wanted: Expected) -> None:
    """Only active, firm or proposed work of an enabled user shows; what can't be shown is a failure."""
    assert expected(booking) is wanted


def test_a_failure_that_says_why_is_no_difference() -> None:
    """A booking without a mailbox that says so, on its row and on the poison queue, is as it should be."""
    failing = _unlinked(has_mailbox=False, error="no mailbox")
    facts = Facts([failing], [], {}, poison=[PoisonFact("b1", "no mailbox")])

    assert compare(facts) == []


def test_without_an_extension_no_event_may_have_one() -> None:
    """Where the app runs without an open extension, a tagged event is stale and an untagged one is fine."""
    untagged = replace(IN_STEP, expects_tags=False, events=[replace(EVENT, tag=None), OWN_EVENT])

    assert compare(untagged) == []
    assert [each.kind for each in compare(replace(IN_STEP, expects_tags=False))] == [Kind.STALE]


def _report(
    differences: list[Difference] | None = None,
    *,
    second: SecondRunReport | None = None,
    burst: BurstReport | None = None,
) -> DayReport:
    return DayReport(
        phases=[PhaseReport("Morning", 3, 1.0, differences or [], [])],
        tally={"created": 3},
        counts={name: Counts(1, 2, 1, 0, 0) for name in ("graph", "dataverse")},
        deliveries={"delivered": 3, "retried": 0, "lost": 0},
        facts=IN_STEP,
        second_run=second or SecondRunReport(1, 0, 0, 0, 0),
        burst=burst,
        seed=7,
    )


GOOD_BURST = BurstReport(10, 5, 10, 1.0, 0, 0.1, 0.1, [])
DIFFERENCE = Difference(Kind.MISSING, "b1", "[bold] does not show")


@pytest.mark.parametrize(
    ("report", "in_step"),
    [
        (_report(), True),
        (_report(burst=GOOD_BURST), True),
        (_report([DIFFERENCE]), False),
        (_report(second=SecondRunReport(1, 1, 0, 0, 0)), False),
        (_report(second=SecondRunReport(1, 0, 0, 1, 0)), False),
        (_report(second=SecondRunReport(1, 0, 0, 0, 1)), False),
        (_report(burst=replace(GOOD_BURST, events=11)), False),
        (_report(burst=replace(GOOD_BURST, throttled=1)), False),
        (_report(burst=replace(GOOD_BURST, differences=[DIFFERENCE])), False),
    ],
)
def test_the_report_says_in_step_only_when_everything_is(report: DayReport, *, in_step: bool) -> None:
    """A difference in any phase, a second run that changes something or a bad burst spoils the verdict."""
    text = StringIO()

    show(Console(file=text, width=120), report, TIME_ZONE)

    assert report.in_step is in_step
    assert report.as_json()["verdict"] == ("in step" if in_step else "differs")
    assert json.loads(json.dumps(report.as_json()))
    assert text.getvalue().strip().splitlines()[-1].startswith("in step" if in_step else "differs")


def test_differences_are_listed_by_name() -> None:
    """The printed report names what differs, with text from outside taken literally."""
    text = StringIO()

    show(Console(file=text, width=120), _report([DIFFERENCE]), TIME_ZONE)

    assert "missing: [bold] does not show" in text.getvalue()


def test_the_same_seed_makes_the_same_world() -> None:
    """A run can be repeated exactly: people, ids, times and all follow from the seed."""
    one, same, other = (
        WorldMaker(seed).make(technicians=3, bookings=20, day=date(2027, 3, 26)) for seed in (7, 7, 8)
    )

    assert one == same
    assert one.bookings != other.bookings
