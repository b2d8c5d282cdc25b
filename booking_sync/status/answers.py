"""What the operator's page is told of bookings and technicians, as JSON values. Pure.

Texts that people wrote are cleaned and cut; the page shows them as text and keeps none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from booking_sync.audit.findings import Kind
from booking_sync.domain.outcome import OutcomeKind
from booking_sync.domain.text import clean_lines
from booking_sync.operations.overview.describe import text_of
from booking_sync.status.people import kind_of
from booking_sync.status.report import as_json
from booking_sync.status.verdict import NO_EVENT, UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from booking_sync.domain.events.event import MarkedEvent
    from booking_sync.operations.journal.values import Entry, Journal
    from booking_sync.ports.dataverse.lookup import BookingHit, Found, Technician
    from booking_sync.status.days import DayEntry
    from booking_sync.status.facts import BookingFacts
    from booking_sync.status.verdict import Verdict
    from booking_sync.status.week import Week

    Link = Callable[[str], str]
    """The address of a booking for people, by its id; empty when it can't be told."""

MAX_ENTRIES = 200
"""Bookings of one technician; more in eight days are nobody's."""
MAX_OUTCOMES = 20
_MAX_TEXT = 1000
_LEFT_ALONE: Final = "Outlook asked to leave this mailbox alone for a while: changes wait, and none is lost."


@dataclass(frozen=True, slots=True)
class Memory:
    """What the instances remember."""

    journal: Journal | None
    """None when it can't be read."""
    problem: str = ""
    """Why not."""

    def outcomes(self, booking_ids: frozenset[str]) -> dict[str, Any]:
        """How the last messages about these bookings ended, the newest first."""
        entries = self.journal.entries if self.journal else ()
        found = [each for each in entries if each.booking_id in booking_ids]
        return {"problem": self.problem, "outcomes": [_outcome(each) for each in found[:MAX_OUTCOMES]]}

    def waits(self, booking_id: str) -> str:
        """Why the booking's last message was put back, to be tried again; empty when it was not."""
        entries = self.journal.entries if self.journal else ()
        last = next((each for each in entries if each.booking_id == booking_id), None)
        return last.reason if last and last.outcome == OutcomeKind.DEFERRED else ""

    def closed_until(self, mailbox: str) -> datetime | None:
        """Until when the mailbox is left alone, since Graph asked for that; None when it is not."""
        closed = self.journal.closed if self.journal else ()
        return max((each.until for each in closed if each.mailbox.lower() in ("", mailbox)), default=None)


def search_answer(
    words: str, bookings: Found[BookingHit], technicians: Found[Technician], link: Link
) -> dict[str, Any]:
    """What a search found."""
    return _cleaned(
        {
            "words": words,
            "bookings": [_booking_hit(each, link) for each in bookings.hits],
            "moreBookings": bookings.more,
            "technicians": [_technician(each) for each in technicians.hits],
            "moreTechnicians": technicians.more,
        }
    )


def booking_answer(facts: BookingFacts, verdict: Verdict, memory: Memory, link: str) -> dict[str, Any]:
    """How one booking stands: what `booking-sync status --json` tells, and what the page needs besides."""
    order = facts.row.row.booking.work_order if facts.row else None
    return _cleaned(
        {
            **as_json(facts, verdict),
            "headline": _booking_headline(facts, verdict, memory),
            "fine": verdict.fine,
            "customer": order.account_name if order else "",
            "link": link,
            "journal": memory.outcomes(frozenset({facts.booking_id})),
        }
    )


def technician_answer(week: Week, memory: Memory, link: Link) -> dict[str, Any]:
    """How one technician stands, with the bookings and events of these days."""
    mailbox = week.standing.mailbox
    until = memory.closed_until(mailbox) if mailbox else None
    shown = week.entries[:MAX_ENTRIES]
    return _cleaned(
        {
            **_technician(week.technician),
            "headline": _headline(week, until),
            "takesPart": week.standing.takes_part,
            "why": week.standing.words,
            "mailbox": {
                "id": mailbox,
                "problem": week.calendar_problem,
                "throttledUntil": text_of(until),
            },
            "from": text_of(week.window.first),
            "until": text_of(week.window.last),
            "bookings": [_entry(each, mailbox, link, memory) for each in shown],
            "more": len(week.entries) - len(shown),
            "journal": memory.outcomes(frozenset(each.booking_id for each in week.entries)),
        }
    )


def _cleaned(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer, with every text in it cleaned and cut."""
    return {name: _clean(each) for name, each in answer.items()}


def _clean(value: Any) -> Any:
    match value:
        case str():
            return clean_lines(value, _MAX_TEXT)
        case dict():
            return _cleaned(value)
        case list():
            return [_clean(each) for each in value]
    return value


def _headline(week: Week, closed_until: datetime | None) -> dict[str, str]:
    wrong = sum(not each.fine for each in week.entries)
    bookings = _count(len(week.entries))
    if not week.standing.takes_part:
        severity, words = "warning", f"Nothing is to show in Outlook. {week.standing.words}"
    elif closed_until is not None:
        severity, words = "warning", _LEFT_ALONE
    elif week.calendar_problem:
        severity, words = "failing", "The calendar can't be read, so nobody knows what it shows."
    elif wrong:
        ends = "does not show as it should" if wrong == 1 else "do not show as they should"
        severity, words = "warning", f"{wrong} of {bookings} in these days {ends}."
    elif week.entries:
        severity, words = "ok", f"In step: {bookings} in these days, and Outlook shows what it should."
    else:
        severity, words = "ok", "There are no bookings in these days, and no events of ours."
    return {"severity": severity, "words": words}


def _booking_headline(facts: BookingFacts, verdict: Verdict, memory: Memory) -> dict[str, str]:
    if verdict.fine:
        because = f"{verdict.because[:1].upper()}{verdict.because[1:]}."
        words = because if verdict.name == NO_EVENT else f"In step. {' '.join(verdict.words)}"
        return {"severity": "ok", "words": words}
    error = facts.row.row.record.error if facts.row else ""
    if error and verdict.name == Kind.FAILING:
        return {"severity": "failing", "words": f"It can't be shown: {error}"}
    return {"severity": "warning", "words": _out_of_step(facts, verdict, memory)}


def _out_of_step(facts: BookingFacts, verdict: Verdict, memory: Memory) -> str:
    words = " ".join(verdict.words)
    if facts.row is None:
        return words
    if any(memory.closed_until(each) for each in facts.closed):
        return _LEFT_ALONE
    if verdict.name == UNREADABLE:
        return f"What Outlook shows can't be told now. {words}"
    if waits := memory.waits(facts.booking_id):
        return f"It waits, and is tried again by itself: {waits}"
    return f"Out of step. {words}"


def _count(bookings: int) -> str:
    return "1 booking" if bookings == 1 else f"{bookings} bookings"


def _technician(technician: Technician) -> dict[str, Any]:
    return {
        "technicianId": technician.resource.id,
        "name": technician.name,
        "address": technician.address,
        "kind": kind_of(technician.resource),
        "active": technician.active,
    }


def _booking_hit(hit: BookingHit, link: Link) -> dict[str, Any]:
    return {
        "bookingId": hit.booking_id,
        "name": hit.name,
        "workOrder": hit.work_order,
        "customer": hit.customer,
        "technician": {"id": hit.technician_id, "name": hit.technician},
        "status": hit.status,
        "starts": text_of(hit.starts),
        "ends": text_of(hit.ends),
        "active": hit.active,
        "link": link(hit.booking_id),
    }


def _entry(entry: DayEntry, mailbox: str, link: Link, memory: Memory) -> dict[str, Any]:
    booking = entry.booking
    order = booking.work_order if booking else None
    return {
        "bookingId": entry.booking_id,
        "name": booking.name if booking else "",
        "workOrder": order.number if order else "",
        "customer": order.account_name if order else "",
        "status": booking.status.name if booking and booking.status else "",
        "starts": text_of(booking.start if booking else None),
        "ends": text_of(booking.end if booking else None),
        "state": entry.state,
        "fine": entry.fine,
        "words": list(entry.words),
        "error": entry.error,
        "waits": "" if entry.fine else memory.waits(entry.booking_id),
        "events": [_event(each, mailbox) for each in entry.events],
        "link": link(entry.booking_id) if booking else "",
    }


def _event(event: MarkedEvent, mailbox: str) -> dict[str, Any]:
    return {
        "subject": event.subject,
        "starts": text_of(event.start),
        "ends": text_of(event.end),
        "showAs": event.show_as,
        "place": event.location_name,
        "elsewhere": "" if event.ref.mailbox == mailbox else event.ref.mailbox,
    }


def _outcome(entry: Entry) -> dict[str, Any]:
    return {
        "moment": text_of(entry.moment),
        "bookingId": entry.booking_id,
        "outcome": entry.outcome,
        "reason": entry.reason,
        "correlationId": entry.correlation_id,
        "attempt": entry.attempt,
    }
