"""How a booking stands, by the audit's comparison, and what the worker would do, by its own plan. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from booking_sync.audit.compare import AuditWindow, Snapshot, compare
from booking_sync.audit.findings import REPAIRABLE, Kind
from booking_sync.domain.plan import CreateEvent, Invalid, Knowledge, Unwanted, Wanted, plan
from booking_sync.ports.dataverse.bookings import Presence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from booking_sync.audit.findings import Finding
    from booking_sync.domain.events.event import EventContent
    from booking_sync.domain.plan import DesiredState, Plan
    from booking_sync.status.facts import BookingFacts, RowFacts

IN_STEP = "in step"
NO_EVENT = "no event, and none is wanted"
GONE = "gone"
HIDDEN = str(Kind.HIDDEN)
UNREADABLE = str(Kind.UNREADABLE)

_ORDER = [kind for kind in Kind if kind in REPAIRABLE]
_MARGIN = timedelta(days=1)
_LONG_AGO, _FAR_AHEAD = (
    datetime(1900, 1, 1, tzinfo=UTC),
    datetime(2200, 1, 1, tzinfo=UTC),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a booking stands."""

    name: str
    """One of the constants, or the name of the worst kind of finding an audit would report."""
    words: tuple[str, ...]
    would: tuple[str, ...] = ()
    """What the worker would do about a hint."""
    because: str = ""
    """Why it would do that."""

    @property
    def fine(self) -> bool:
        """Nothing is left to do."""
        return self.name in (IN_STEP, NO_EVENT)


def judge(facts: BookingFacts) -> Verdict:
    """How the booking stands, and what the worker would do."""
    if facts.row is None:
        return _without_row(facts)
    would, because = _would(facts.row), _because(facts.row.desired)
    findings = _findings(facts, facts.row)
    if findings:
        words = tuple(dict.fromkeys(each.words for each in findings))
        return Verdict(str(findings[0].kind), words, would, because)
    if facts.closed:
        return Verdict(UNREADABLE, tuple(facts.closed.values()), would, because)
    if isinstance(facts.row.desired, Unwanted):
        return Verdict(NO_EVENT, (), would, because)
    return Verdict(IN_STEP, ("The event shows the booking as it is.",), would, because)


def _without_row(facts: BookingFacts) -> Verdict:
    if facts.presence is Presence.HIDDEN:
        words = "The booking exists, but the application user may not read it: check its security role."
        return Verdict(HIDDEN, (words,))
    if facts.presence is Presence.GONE:
        words = "There is no such booking (any more). Should an event be left, `booking-sync audit` finds it."
        return Verdict(GONE, (words,))
    return Verdict(UNREADABLE, ("The booking was not in the list, but is there: ask again.",))


def _findings(facts: BookingFacts, known: RowFacts) -> list[Finding]:
    """What an audit of these mailboxes would report of this booking, the worst first."""
    snapshot = Snapshot(
        organization_id=facts.organization_id,
        window=_window(known),
        rows={facts.booking_id: known.row},
        calendars=facts.calendars,
        proven=facts.proven,
    )
    found = [each for each in compare(snapshot, lambda _: known.desired) if each.kind in REPAIRABLE]
    return sorted(found, key=lambda each: _ORDER.index(each.kind))


def _window(known: RowFacts) -> AuditWindow:
    """Events were asked for by marker and by id, so the listing is complete wherever the booking lies."""
    start, end = known.row.booking.start, known.row.booking.end
    if start is None or end is None or end < start:
        return AuditWindow(_LONG_AGO, _FAR_AHEAD)
    return AuditWindow(start - _MARGIN, end + _MARGIN)


def _because(desired: DesiredState) -> str:
    match desired:
        case Wanted(mailbox, content):
            return f"one event is wanted in the calendar of {mailbox}: {_shown(content)}"
        case Unwanted(reason):
            return f"no event is wanted: {reason}"
        case Invalid(reason):
            return reason


def _shown(content: EventContent) -> str:
    times = f"{content.start.date_time} to {content.end.date_time} ({content.start.time_zone})"
    calendar = f", in the calendar «{content.calendar}»" if content.calendar else ""
    return f"«{content.subject}», {times}, {content.show_as}{calendar}"


def _would(known: RowFacts) -> tuple[str, ...]:
    steps = plan(known.row.record, known.desired, Knowledge(trusted=True))
    return tuple(_steps(steps)) or ("nothing: the row says that all is done",)


def _steps(steps: Plan) -> Iterator[str]:
    for event in steps.remove:
        yield f"remove the event from the calendar of {event.mailbox}"
    if isinstance(steps.write, CreateEvent):
        yield f"create event number {steps.write.generation} in the calendar of {steps.write.mailbox}"
    elif steps.write is not None and steps.write.misplaced:
        yield f"move the event to another calendar of {steps.write.event.mailbox}: remove it and make it anew"
    elif steps.write is not None:
        yield f"write the event in the calendar of {steps.write.event.mailbox}"
    if steps.must_record:
        yield "record that on the booking's row"
