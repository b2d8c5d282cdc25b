"""What the operator's page is told of a technician, as JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from booking_sync.domain.record import BookingRow, SyncRecord
from booking_sync.operations.journal.values import ClosedMailbox, Journal, make_entry
from booking_sync.ports.dataverse.bookings import Presence
from booking_sync.ports.dataverse.lookup import BookingHit, Found, Technician
from booking_sync.status.answers import (
    MAX_ENTRIES,
    MAX_OUTCOMES,
    Memory,
    booking_answer,
    search_answer,
    technician_answer,
)
from booking_sync.status.days import DayEntry
from booking_sync.status.people import PersonStanding
from booking_sync.status.verdict import judge
from booking_sync.status.week import Week
from tests.audit.kit import WINDOW, in_step, recording, shown
from tests.status.test_verdict import facts
from tests.support.bookings import ANNA, BERT, BOOKING_ID, CANCELED, booking, technician

if TYPE_CHECKING:
    from datetime import datetime

    from booking_sync.status.facts import BookingFacts

HOSTILE = "<b>\u202e\x00" + "x" * 5000
ANNAS = Technician("Anna", replace(technician(ANNA), id=BOOKING_ID), "anna@contoso.com")
SHOWS = PersonStanding(takes_part=True, words="By the settings everybody takes part.", mailbox=ANNA)
FINE = DayEntry(BOOKING_ID, "in step", booking=booking(), events=(shown(),))
WRONG = DayEntry("2", "missing", ("The event is not there.",), replace(booking("2"), name=HOSTILE))
NOTHING = Memory(Journal(""))


def link(booking_id: str) -> str:
    """The booking's address."""
    return f"https://org.example/{booking_id}"


def told(
    *entries: DayEntry, memory: Memory = NOTHING, problem: str = "", stands: PersonStanding = SHOWS
) -> Any:
    """What the page is told of Anna, as it gets there."""
    week = Week(ANNAS, stands, WINDOW, entries, problem)
    return json.loads(json.dumps(technician_answer(week, memory, link)))


def closed(until: datetime, mailbox: str = ANNA) -> Memory:
    """Graph asked to leave a mailbox alone."""
    return Memory(Journal("", closed=(ClosedMailbox(mailbox, until),)))


def test_a_technician_is_told_with_bookings_and_events() -> None:
    """Names, times with their zone, why the person takes part, and each booking's event beside it."""
    answer = told(FINE)
    assert {name: answer[name] for name in ("technicianId", "name", "address", "kind", "active")} == {
        "technicianId": BOOKING_ID,
        "name": "Anna",
        "address": "anna@contoso.com",
        "kind": "User",
        "active": True,
    }
    assert (answer["takesPart"], answer["why"]) == (True, SHOWS.words)
    (entry,) = answer["bookings"]
    assert (entry["name"], entry["workOrder"], entry["customer"]) == (
        "Boiler service",
        "WO-00017",
        "Adatum Bakery",
    )
    assert entry["starts"] == "2026-03-02T08:00:00+00:00"
    assert (entry["link"], entry["fine"]) == (f"https://org.example/{BOOKING_ID}", True)
    (event,) = entry["events"]
    assert (event["subject"], event["elsewhere"]) == (shown().subject, "")
    assert answer["headline"] == {
        "severity": "ok",
        "words": "In step: 1 booking in these days, and Outlook shows what it should.",
    }


@pytest.mark.parametrize(
    ("arguments", "severity", "words"),
    [
        ({"stands": replace(SHOWS, takes_part=False, words="Not named.")}, "warning", "Not named."),
        ({"problem": "No such mailbox."}, "failing", "can't be read"),
        ({"memory": closed(WINDOW.last), "problem": "429"}, "warning", "leave this mailbox alone"),
        ({"memory": closed(WINDOW.last, "")}, "warning", "leave this mailbox alone"),
        ({"memory": closed(WINDOW.last, BERT)}, "warning", "1 of 2 bookings in these days does not show"),
        ({}, "warning", "1 of 2 bookings in these days does not show as it should."),
    ],
)
def test_the_first_sentence_tells_the_worst(arguments: dict[str, Any], severity: str, words: str) -> None:
    """Whoever takes no part comes before a calendar that can't be read now, and that before what differs."""
    headline = told(FINE, WRONG, **arguments)["headline"]
    assert headline["severity"] == severity
    assert words in headline["words"]


def test_several_and_none() -> None:
    """In good English."""
    assert (
        "2 of 2 bookings in these days do not show as they should." in told(WRONG, WRONG)["headline"]["words"]
    )
    assert told()["headline"] == {
        "severity": "ok",
        "words": "There are no bookings in these days, and no events of ours.",
    }


def test_whoever_throttles_says_until_when() -> None:
    """With the zone, as every time."""
    assert told(FINE, memory=closed(WINDOW.last))["mailbox"]["throttledUntil"] == WINDOW.last.isoformat()


def deferred(outcome: str = "deferred") -> Memory:
    """The booking's last message was put back."""
    entry = make_entry(
        WINDOW.first, BOOKING_ID, outcome=outcome, reason="Graph is down.", correlation_id="", attempt=1
    )
    return Memory(Journal("", (entry,)))


@pytest.mark.parametrize(
    ("subject", "memory", "severity", "words"),
    [
        (facts(in_step(), shown()), deferred(), "ok", "In step. The event shows the booking as it is."),
        (
            facts(BookingRow(replace(booking(), status=CANCELED), SyncRecord(), "")),
            NOTHING,
            "ok",
            "No event is wanted: the booking is canceled.",
        ),
        (
            facts(recording(in_step(), error="No mailbox.")),
            NOTHING,
            "failing",
            "It can't be shown: No mailbox.",
        ),
        (facts(None, presence=Presence.GONE), NOTHING, "warning", "There is no such booking (any more)."),
        (facts(in_step(), closed={ANNA: "No."}), closed(WINDOW.last), "warning", "leave this mailbox alone"),
        (facts(in_step(), closed={ANNA: "No."}), NOTHING, "warning", "can't be told now. No."),
        (facts(in_step()), deferred(), "warning", "It waits, and is tried again by itself: Graph is down."),
        (facts(in_step()), deferred("synced"), "warning", "Out of step. The event is not in the calendar"),
    ],
)
def test_a_booking_s_first_sentence(subject: BookingFacts, memory: Memory, severity: str, words: str) -> None:
    """How it stands; what waits says so before what is out of step, and what can't be read claims nothing."""
    answer = booking_answer(subject, judge(subject), memory, "")
    assert answer["headline"]["severity"] == severity
    assert words in answer["headline"]["words"]
    assert answer["fine"] is (severity == "ok")


def test_texts_are_cleaned_and_cut_and_lists_bounded() -> None:
    """Whatever stands on rows and events, and however many."""
    answer = told(*[WRONG] * (MAX_ENTRIES + 3))
    assert len(answer["bookings"]) == MAX_ENTRIES
    assert answer["more"] == 3
    name = answer["bookings"][0]["name"]
    assert len(name) <= 1000
    assert "\u202e" not in name
    found = search_answer("x", Found((BookingHit("1", HOSTILE),), more=True), Found(), link)
    assert "\x00" not in found["bookings"][0]["name"]
    assert (found["moreBookings"], found["moreTechnicians"]) == (True, False)


@pytest.mark.parametrize(
    ("outcomes", "waits"),
    [(("deferred", "synced"), "Outlook: throttled."), (("synced", "deferred"), ""), ((), "")],
)
def test_a_booking_that_waits_says_why(outcomes: tuple[str, ...], waits: str) -> None:
    """By its last message alone, and only while it does not show as it should."""
    entries = tuple(
        make_entry(
            WINDOW.first,
            booking_id,
            outcome=outcome,
            reason="Outlook: throttled.",
            correlation_id="",
            attempt=1,
        )
        for booking_id in ("2", BOOKING_ID)
        for outcome in outcomes
    )
    fine, wrong = told(FINE, WRONG, memory=Memory(Journal("", entries)))["bookings"]
    assert (fine["waits"], wrong["waits"]) == ("", waits)


def test_a_booking_without_a_row_leads_nowhere_in_dynamics() -> None:
    """There would be nothing to open."""
    gone = DayEntry(BOOKING_ID, "orphan", ("Its booking is gone.",), events=(shown(),))
    (entry,) = told(gone)["bookings"]
    assert (entry["link"], entry["name"], entry["starts"]) == ("", "", "")


def test_an_event_in_another_calendar_names_it() -> None:
    """What stayed with somebody else."""
    entry = replace(FINE, events=(shown(BERT),))
    assert told(entry)["bookings"][0]["events"][0]["elsewhere"] == BERT


def test_the_last_outcomes_of_these_bookings_are_told() -> None:
    """Some, the newest first, and none of anybody else's; a journal that can't be read says so."""
    start = WINDOW.first
    entries = [
        make_entry(
            start + timedelta(minutes=place),
            BOOKING_ID if place % 2 else BERT,
            outcome="synced",
            reason="",
            correlation_id=str(place),
            attempt=0,
        )
        for place in range(100, 0, -1)
    ]
    journal = told(FINE, memory=Memory(Journal("", tuple(entries))))["journal"]
    assert [each["correlationId"] for each in journal["outcomes"]] == [
        str(place) for place in range(99, 99 - 2 * MAX_OUTCOMES, -2)
    ]
    assert told(FINE, memory=Memory(None, "no role"))["journal"] == {"problem": "no role", "outcomes": []}
