"""The facts and the verdict as JSON, and as the lines that people read. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from booking_sync.audit.compare import differences
from booking_sync.domain.events.event import is_same_content, tells_content
from booking_sync.domain.ids import read_moment
from booking_sync.domain.plan import Wanted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from booking_sync.domain.events.event import MarkedEvent
    from booking_sync.status.facts import BookingFacts, RowFacts
    from booking_sync.status.verdict import Verdict

Line = tuple[str, str]
"""A name and its value."""


@dataclass(frozen=True, slots=True)
class Section:
    """Some lines under a heading."""

    title: str
    lines: tuple[Line, ...]


def sections(facts: BookingFacts, verdict: Verdict) -> list[Section]:
    """The sections that people read, the verdict last."""
    parts = [
        *([_row(facts.row), _record(facts.row)] if facts.row else []),
        *([Section("way back from Outlook", facts.row.back.lines())] if facts.row and facts.row.back else []),
        *(_event(facts, mailbox, event) for mailbox, event in _events(facts)),
        *([_without_events(facts)] if facts.row and not any(facts.calendars.values()) else []),
        *(
            Section("poison queue", ((_shown(read_moment(each.dead_lettered_at)), each.reason),))
            for each in facts.dead_letters
        ),
    ]
    steps = [("the worker would", step) for step in verdict.would]
    words = [("", text) for text in verdict.words]
    because = [("because", verdict.because)] if verdict.because else []
    return [*parts, Section(f"verdict: {verdict.name}", (*words, *steps, *because))]


def as_json(facts: BookingFacts, verdict: Verdict) -> dict[str, Any]:
    """The result for `--json`."""
    return {
        "bookingId": facts.booking_id,
        "verdict": verdict.name,
        "words": list(verdict.words),
        "workerWould": list(verdict.would),
        "because": verdict.because,
        "row": _row_json(facts.row) if facts.row else None,
        "record": _record_json(facts.row) if facts.row else None,
        "events": [_event_json(facts, mailbox, event) for mailbox, event in _events(facts)],
        "wayBack": facts.row.back.as_json() if facts.row and facts.row.back else None,
        "closedMailboxes": dict(facts.closed),
        "poison": [
            {"messageId": each.message_id, "at": each.dead_lettered_at, "reason": each.reason}
            for each in facts.dead_letters
        ],
    }


def _row(known: RowFacts) -> Section:
    shown = _row_json(known)
    resource = (
        f"{shown['resource']['name']} ({shown['resource']['id']})" if shown["resource"]["id"] else "none"
    )
    return Section(
        "booking",
        (
            ("id", known.row.booking.id),
            ("name", known.row.booking.name),
            ("time", _span(known.row.booking.start, known.row.booking.end)),
            ("resource", resource),
            ("status", str(shown["status"] or "none")),
            ("work order", str(shown["workOrder"] or "none")),
            ("active", "yes" if shown["active"] else "no"),
            ("changed", _shown(known.details.modified) or "unknown"),
        ),
    )


def _row_json(known: RowFacts) -> dict[str, Any]:
    booking, details = known.row.booking, known.details
    return {
        "name": booking.name,
        "start": _moment(booking.start),
        "end": _moment(booking.end),
        "resource": {"id": details.resource_id, "name": details.resource_name},
        "status": booking.status.name if booking.status else None,
        "workOrder": booking.work_order.number if booking.work_order else None,
        "active": booking.active,
        "modified": _moment(details.modified),
    }


def _record(known: RowFacts) -> Section:
    record = _record_json(known)
    lines = (
        ("event id", record["eventId"] or "none"),
        ("mailbox", record["mailbox"] or "none"),
        ("generation", str(record["generation"])),
        ("fingerprint", f"{record['fingerprint'] or 'none'} ({record['fingerprintIs']})"),
        ("seal", _SEALS[record["seal"]]),
        ("error", record["error"] or "none"),
    )
    return Section("record on the row", lines)


_SEALS = {
    "valid": "valid",
    "wrong": "wrong: the row or its environment is a copy, or its columns were edited; it counts as none",
    "unknown key": "made with a key that is not in the vault any more; it counts as none",
    "none": "none: never synced, or filled by hand, by a migration or by version 0.1",
}


def _record_json(known: RowFacts) -> dict[str, Any]:
    record, details = known.row.record, known.details
    return {
        "eventId": details.event_id,
        "mailbox": details.mailbox,
        "generation": record.generation,
        "fingerprint": record.fingerprint,
        "fingerprintIs": _fingerprint(known),
        "seal": str(known.seal),
        "error": record.error,
    }


def _fingerprint(known: RowFacts) -> str:
    if not tells_content(known.row.record.fingerprint):
        return "nothing is known to be written"
    if not isinstance(known.desired, Wanted):
        return "of what was written last"
    same = is_same_content(known.row.record.fingerprint, known.desired.content.fingerprint())
    return "of the booking as it is" if same else "of an earlier content"


def _events(facts: BookingFacts) -> Iterator[tuple[str, MarkedEvent]]:
    for mailbox, events in facts.calendars.items():
        yield from ((mailbox, event) for event in events)


def _event(facts: BookingFacts, mailbox: str, event: MarkedEvent) -> Section:
    shown = _event_json(facts, mailbox, event)
    return Section(
        "event in Outlook",
        (
            ("id", event.ref.event_id),
            ("mailbox", mailbox),
            ("recorded", "yes" if shown["recorded"] else "no: the row does not name it"),
            ("subject", event.subject),
            ("time", _span(event.start, event.end)),
            ("shows as", event.show_as),
            ("differs in", ", ".join(shown["differences"]) or "nothing"),
        ),
    )


def _without_events(facts: BookingFacts) -> Section:
    searched = [(mailbox, "no event of this booking") for mailbox in facts.calendars]
    closed = list(facts.closed.items())
    return Section("event in Outlook", tuple(searched + closed) or (("", "no mailbox to look into"),))


def _event_json(facts: BookingFacts, mailbox: str, event: MarkedEvent) -> dict[str, Any]:
    row = facts.row
    differing: list[str] = []
    if row is not None and isinstance(row.desired, Wanted):
        differing = differences(event, row.desired.content, row.row.booking)
    return {
        "id": event.ref.event_id,
        "mailbox": mailbox,
        "recorded": row is not None and row.row.record.event == event.ref,
        "subject": event.subject,
        "start": _moment(event.start),
        "end": _moment(event.end),
        "showAs": event.show_as,
        "differences": differing,
    }


def _span(first: datetime | None, last: datetime | None) -> str:
    return f"{_shown(first) or 'none'} to {_shown(last) or 'none'}"


def _shown(moment: datetime | None) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC") if moment else ""


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
