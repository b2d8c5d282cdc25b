"""Rows and events → findings: the audit's judgement, pure.

Only complete listings are judged: a mailbox that is not among the listed ones was not audited, and nothing is
concluded from events that are not seen in it. A booking counts as gone only when Dataverse said of that very
id that it does not exist; rows that security hides from us are missing from lists just the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from booking_sync.audit.findings import Finding, Kind
from booking_sync.domain.events.event import EventState, is_same_content
from booking_sync.domain.events.event_calendars import is_same_calendar
from booking_sync.domain.events.ownership import marked_booking
from booking_sync.domain.plan import Invalid, Unwanted, Wanted
from booking_sync.domain.record import SyncRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from booking_sync.domain.bookings.booking import Booking
    from booking_sync.domain.events.event import EventContent, MarkedEvent
    from booking_sync.domain.events.event_ref import EventRef
    from booking_sync.domain.plan import DesiredState, DesiredStateRule
    from booking_sync.domain.record import BookingRow


@dataclass(frozen=True, slots=True)
class AuditWindow:
    """The stretch of time whose events are listed."""

    first: datetime
    """Aware, UTC."""
    last: datetime
    """Aware, UTC; itself outside."""

    def shows(self, booking: Booking) -> bool:
        """Whether an event at the booking's time is within the listing, as calendarView decides it."""
        if booking.start is None or booking.end is None:
            return False
        return booking.start < self.last and booking.end > self.first

    def starts(self, booking: Booking) -> bool:
        """Whether the booking starts within the window, as Dataverse's lists decide it."""
        return booking.start is not None and self.first <= booking.start < self.last


FACE = frozenset({"subject", "showAs", "location"})
"""Of the parts by which `differences` calls them, those that people may be allowed to edit."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Both sides, as they were listed."""

    organization_id: str
    window: AuditWindow
    rows: Mapping[str, BookingRow]
    """By booking id: those of the window, and those that a listed event names."""
    calendars: Mapping[str, Sequence[MarkedEvent]]
    """By lower-case mailbox: the marked events, completely listed."""
    proven: Mapping[EventRef, int] = field(default_factory=dict)
    """Events that no row's record names and that prove to be ours by themselves, with their generation."""
    gone: frozenset[str] = frozenset()
    """Bookings of which Dataverse said that they do not exist."""
    hidden: frozenset[str] = frozenset()
    """Bookings that exist, but that our application user may not read."""
    edits_stay: bool = False
    """What people made of subject, place and availability is theirs until the booking's own changes."""


def booking_of(event: MarkedEvent, organization_id: str) -> str | None:
    """The id of the booking that the event's marker names; None when it is not this organisation's."""
    return marked_booking(event.marker, organization_id)


def compare(snapshot: Snapshot, desired_state: DesiredStateRule) -> list[Finding]:
    """Everything that is not as it should be, in no particular order.

    Args:
        snapshot: both sides.
        desired_state: what Outlook should show of a booking.
    """
    findings: list[Finding] = []
    events: dict[str, list[MarkedEvent]] = {booking_id: [] for booking_id in snapshot.rows}
    for event in (event for listed in snapshot.calendars.values() for event in listed):
        booking_id = booking_of(event, snapshot.organization_id)
        if booking_id is None:
            findings.append(_about(event, Kind.FOREIGN, "", "The event was made by another organisation."))
        else:
            events.setdefault(booking_id, []).append(event)
    for booking_id, listed in events.items():
        row = snapshot.rows.get(booking_id)
        if row is not None:
            findings += _RowAudit(snapshot, row, desired_state(row.booking), listed).findings()
        elif booking_id in snapshot.gone:
            findings += _without_row(snapshot, booking_id, listed)
        elif booking_id in snapshot.hidden:
            findings += [_about(event, Kind.HIDDEN, booking_id, _HIDDEN) for event in listed]
    return findings


_HIDDEN = (
    "The booking exists, but the app may not read it; an administrator must check the security role of its "
    "application user."
)
_FAILING = "The booking could not be synced; its error column says why."
_COPY = "A copy of the booking's event, or one that nothing proves to be ours; it is left alone."
_GONE = "The booking no longer exists, but its event does."
_STAYS = "People are invited to it: it stays until they are removed from it, or it is deleted in Outlook."


def _without_row(snapshot: Snapshot, booking_id: str, listed: Iterable[MarkedEvent]) -> Iterator[Finding]:
    for event in listed:
        if event.ref in snapshot.proven:
            # With people it stays, and there is no row any more that could say so.
            yield _removal(event, Kind.ORPHAN, booking_id, _GONE, stays=event.attended)
        else:
            yield _about(event, Kind.COPY, booking_id, _COPY)


def _about(event: MarkedEvent, kind: Kind, booking_id: str, words: str) -> Finding:
    return Finding(kind, words, booking_id, event.ref.mailbox, event.ref.event_id)


def _removal(event: MarkedEvent, kind: Kind, booking_id: str, words: str, *, stays: bool) -> Finding:
    found = _about(event, kind, booking_id, f"{words} {_STAYS}" if stays else words)
    return replace(found, retry=not stays)


@dataclass(slots=True)
class _RowAudit:
    """Judges one booking whose row is known."""

    snapshot: Snapshot
    row: BookingRow
    desired: DesiredState
    listed: Sequence[MarkedEvent]
    _shown: MarkedEvent | None = field(default=None, init=False)
    """The event that the row names, if it was listed."""
    _others: list[MarkedEvent] = field(default_factory=list, init=False)
    """Events that are provably this booking's, but that the row does not name, oldest creation first."""

    def findings(self) -> list[Finding]:
        copies = self._sort()
        match self.desired:
            case Invalid(reason):
                found = self._invalid(reason)
            case Unwanted():
                found = self._unwanted(self.desired)
            case Wanted():
                found = self._wanted(self.desired)
        return [*copies, *found]

    @property
    def _recorded(self) -> EventRef | None:
        return self.row.record.event

    @property
    def _told(self) -> bool:
        """The row says that people are invited to an event of ours, and nothing says otherwise.

        They are, or the event is in a calendar that this audit does not list: no hint helps.
        """
        record = self.row.record
        unseen = any(not self._is_listed(mailbox) for mailbox in record.left_in)
        return record.tells_of_people and (unseen or any(each.attended for each in self._all_own()))

    def _sort(self) -> list[Finding]:
        """Tell the row's event, our other ones and people's copies apart; only copies are findings yet."""
        record = self.row.record
        ranked: list[tuple[int, MarkedEvent]] = []
        copies: list[Finding] = []
        for event in self.listed:
            if event.ref == record.event:
                self._shown = event
            elif generation := self.snapshot.proven.get(event.ref):
                ranked.append((generation, event))
            else:
                copies.append(self._event(event, Kind.COPY, _COPY))
        self._others = [event for _, event in sorted(ranked, key=lambda entry: entry[0])]
        return copies

    def _invalid(self, reason: str) -> list[Finding]:
        """What is in Outlook stays as it is; asking again helps only if the row does not say so yet."""
        words = "The booking makes no sense as an event; its error column says why."
        return [self._row(Kind.FAILING, words, retry=self.row.record.error != reason)]

    def _unwanted(self, desired: Unwanted) -> list[Finding]:
        words = f"The booking should not show in Outlook, but its event does: {desired.reason}."
        kind = Kind.LEFT if desired.left else Kind.ORPHAN
        found = [self._surplus(event, kind, words) for event in self._all_own()]
        if self._shown or (self._recorded and not self._is_listed(self._recorded.mailbox)):
            return found
        notice = self.row.record.error if self._told else desired.notice
        if self.row.record != SyncRecord(generation=self.row.record.generation, error=notice):
            found.append(self._row(Kind.BEHIND, "The row's record does not say that there is no event."))
        return found

    def _wanted(self, desired: Wanted) -> list[Finding]:
        mailbox = desired.mailbox.lower()
        here = [event for event in self._others if event.ref.mailbox == mailbox]
        strays = [event for event in self._all_own() if event.ref.mailbox != mailbox]
        found = [
            self._surplus(event, Kind.ORPHAN, "The event's booking belongs to another calendar.")
            for event in strays
        ]
        if not self._is_listed(mailbox):
            return found
        if self._recorded and self._recorded.mailbox == mailbox:
            found += [
                self._surplus(event, Kind.DUPLICATE, "The booking's row names another event.")
                for event in here
            ]
            return [*found, *self._recorded_state(desired.content)]
        if here:
            *older, newest = here
            found += [
                self._surplus(event, Kind.DUPLICATE, "The booking has a later event as well.")
                for event in older
            ]
            return [
                *found,
                self._event(newest, Kind.UNRECORDED, "The booking's row does not name its event."),
            ]
        if self._shown is None:
            found.append(self._without_event(mailbox))
        return found

    def _without_event(self, mailbox: str) -> Finding:
        if self.row.record.error:
            return self._row(Kind.FAILING, _FAILING, mailbox)
        return self._row(Kind.BEHIND, "The booking has no event in its technician's calendar yet.", mailbox)

    def _recorded_state(self, content: EventContent) -> Iterator[Finding]:
        """At most one finding about the event that the row names, in the calendar where it should be."""
        record = self.row.record
        mailbox = record.event.mailbox if record.event else ""
        if record.error and not self._told:
            yield self._row(Kind.FAILING, _FAILING, mailbox)
        elif self._shown and self._shown.attended and self._told:
            yield self._row(Kind.FAILING, _FAILING, mailbox, retry=False)
        elif self._shown is None and self.row.asks_to_cancel:
            return  # there is no event that could show more, until a dispatcher has decided
        elif not is_same_content(record.fingerprint, content.fingerprint()):
            yield self._row(Kind.BEHIND, "The event does not show the booking as it is now.", mailbox)
        elif wrong := self._shown_state(content, mailbox):
            yield wrong
        elif self._told:
            yield self._row(Kind.FAILING, _FAILING, mailbox, retry=False)

    def _shown_state(self, content: EventContent, mailbox: str) -> Finding | None:
        """What is wrong with the calendar's side of an event whose row is as it should be."""
        side = self.row.side
        if self._shown is None:
            asked = side is not None and side.waits_for_cancellation
            if asked or not self.snapshot.window.shows(self.row.booking):
                return None
            return self._row(
                Kind.MISSING, "The event is not in the calendar at the time of its booking.", mailbox
            )
        times = side.proposal.times if side and side.proposal else None
        booking = replace(self.row.booking, start=times.start, end=times.end) if times else self.row.booking
        changed = differences(self._shown, content, booking)
        if self.snapshot.edits_stay:
            changed = [each for each in changed if each not in FACE]
        if not changed:
            return None
        return self._event(
            self._shown, Kind.DRIFT, f"The event was changed in Outlook: {', '.join(changed)}."
        )

    def _all_own(self) -> list[MarkedEvent]:
        return [*self._others, *([self._shown] if self._shown else [])]

    def _is_listed(self, mailbox: str) -> bool:
        return mailbox in self.snapshot.calendars

    def _surplus(self, event: MarkedEvent, kind: Kind, words: str) -> Finding:
        """An event that should go; one with people does not, which the row has to say once."""
        stays = event.attended and self._told
        return _removal(event, kind, self.row.booking.id, words, stays=stays)

    def _event(self, event: MarkedEvent, kind: Kind, words: str) -> Finding:
        return _about(event, kind, self.row.booking.id, words)

    def _row(self, kind: Kind, words: str, mailbox: str = "", *, retry: bool = True) -> Finding:
        event = self._recorded
        return Finding(kind, words, self.row.booking.id, mailbox, event.event_id if event else "", retry)


def differences(event: MarkedEvent, content: EventContent, booking: Booking) -> list[str]:
    """Which of the parts that we write a user has changed; never the body, which Outlook rewrites.

    Args:
        event: as the calendar shows it.
        content: as it was last written.
        booking: whose times the content shows; as instants, since Outlook answers in UTC.
    """
    same = {
        "subject": _words(event.subject) == _words(content.subject),
        "start": _is_at(event.start, booking.start),
        "end": _is_at(event.end, booking.end),
        "showAs": event.show_as == content.show_as,
        "categories": _ours(event, content) == frozenset(content.categories),
        "location": _words(event.location_name) == _words(content.location_name),
        "isAllDay": not event.all_day,
        "recurrence": not event.repeats,
        "attendees": not event.attended,
        "calendar": is_same_calendar(event.calendar, content.calendar),
        **_as_ruled(event, content),
    }
    return [name for name, equal in same.items() if not equal]


def _as_ruled(event: MarkedEvent, content: EventContent) -> Mapping[str, bool]:
    """Of what a rule set; the rest is the technician's."""
    return {name: getattr(event, name) == value for name, value in content.options.said.items()}


def _ours(event: MarkedEvent, content: EventContent) -> frozenset[str]:
    theirs = EventState(categories=tuple(event.categories)).own_categories(content)
    return event.categories - frozenset(theirs)


def _words(text: str) -> list[str]:
    """Spaces don't count: Outlook trims them."""
    return text.split()


def _is_at(shown: datetime, booked: datetime | None) -> bool:
    """Whether both are the same second; events are written in whole seconds."""
    return booked is not None and shown.replace(microsecond=0) == booked.replace(microsecond=0)
