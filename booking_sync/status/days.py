"""A technician's bookings beside the events in the calendar, and what differs. Pure.

The audit's comparison decides, as it does for a single booking's status.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from booking_sync.audit.compare import booking_of, compare
from booking_sync.audit.findings import REPAIRABLE, Kind
from booking_sync.domain.plan import Invalid, Unwanted, Wanted
from booking_sync.status.verdict import GONE, HIDDEN, IN_STEP, NO_EVENT, UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from booking_sync.audit.compare import Snapshot
    from booking_sync.audit.findings import Finding
    from booking_sync.domain.bookings.booking import Booking
    from booking_sync.domain.events.event import MarkedEvent
    from booking_sync.domain.plan import DesiredState, DesiredStateRule
    from booking_sync.domain.record import BookingRow

_ORDER = list(Kind)
_LAST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class DayEntry:
    """One booking and its events."""

    booking_id: str
    state: str
    """A constant of `verdict`, or the name of the worst kind of finding an audit would report."""
    words: tuple[str, ...] = ()
    booking: Booking | None = None
    """None when there is no row any more, or none to be seen."""
    error: str = ""
    """What the row's error column says."""
    events: tuple[MarkedEvent, ...] = ()

    @property
    def fine(self) -> bool:
        """Outlook shows what it should."""
        return self.state in (IN_STEP, NO_EVENT)

    @property
    def starts(self) -> datetime:
        """When it begins, for the order; aware, UTC."""
        if self.booking is not None and self.booking.start is not None:
            return self.booking.start
        return min((event.start for event in self.events), default=_LAST)


@dataclass(frozen=True, slots=True)
class Unread:
    """What could not be read, with the reason."""

    bookings: Mapping[str, str] = field(default_factory=dict)
    """By id."""
    mailboxes: Mapping[str, str] = field(default_factory=dict)
    """By Entra object id, lower case."""


def unread(findings: tuple[Finding, ...]) -> Unread:
    """The findings of a look about what it could not read."""
    return Unread(
        {each.booking_id: each.words for each in findings if each.booking_id},
        {each.mailbox: each.words for each in findings if each.mailbox},
    )


def day_entries(snapshot: Snapshot, missed: Unread, rule: DesiredStateRule) -> list[DayEntry]:
    """Each booking of the snapshot, and each of which an event was found without it; by start."""
    days = _Days(snapshot, missed, rule)
    return sorted(days.entries(), key=lambda each: (each.starts, each.booking_id))


class _Days:
    """Both sides, sorted by booking."""

    def __init__(self, snapshot: Snapshot, missed: Unread, rule: DesiredStateRule) -> None:
        self._snapshot = snapshot
        self._missed = missed
        self._rule = rule
        self._findings: defaultdict[str, tuple[Finding, ...]] = defaultdict(tuple)
        for each in sorted(compare(snapshot, rule), key=lambda finding: _ORDER.index(finding.kind)):
            self._findings[each.booking_id] += (each,)
        self._events: defaultdict[str, tuple[MarkedEvent, ...]] = defaultdict(tuple)
        for event in (event for listed in snapshot.calendars.values() for event in listed):
            if booking_id := booking_of(event, snapshot.organization_id):
                self._events[booking_id] += (event,)

    def entries(self) -> Iterator[DayEntry]:
        """In no particular order."""
        rows, unread_bookings = self._snapshot.rows, self._missed.bookings
        for row in rows.values():
            yield self._with_row(row)
        for booking_id, reason in unread_bookings.items():
            yield DayEntry(booking_id, UNREADABLE, (reason,), events=self._events[booking_id])
        for booking_id in self._events.keys() - rows.keys() - unread_bookings.keys():
            yield self._without_row(booking_id)

    def _with_row(self, row: BookingRow) -> DayEntry:
        booking_id = row.booking.id
        state, words = self._state(booking_id, self._rule(row.booking))
        return DayEntry(booking_id, state, words, row.booking, row.record.error, self._events[booking_id])

    def _state(self, booking_id: str, desired: DesiredState) -> tuple[str, tuple[str, ...]]:
        findings, told = self._findings[booking_id], self._told(booking_id)
        if wrong := next((each for each in findings if each.kind in REPAIRABLE), None):
            return str(wrong.kind), told
        match desired:
            case Wanted(mailbox) if mailbox.lower() not in self._snapshot.calendars:
                why = self._missed.mailboxes.get(mailbox.lower(), "The calendar could not be read.")
                return UNREADABLE, (why, *told)
            case Wanted():
                return IN_STEP, told
            case Unwanted(reason):
                return NO_EVENT, (f"No event is wanted: {reason}.", *told)
            case Invalid(reason):
                return str(Kind.FAILING), (reason, *told)

    def _without_row(self, booking_id: str) -> DayEntry:
        findings = self._findings[booking_id]
        if booking_id in self._snapshot.gone:
            state = str(findings[0].kind) if findings else GONE
        else:
            state = HIDDEN if booking_id in self._snapshot.hidden else UNREADABLE
        return DayEntry(booking_id, state, self._told(booking_id), events=self._events[booking_id])

    def _told(self, booking_id: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(each.words for each in self._findings[booking_id]))
