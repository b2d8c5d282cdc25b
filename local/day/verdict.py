"""Says whether Outlook is in step with Dataverse, in a straight line from the rows and without the product.

The rule: a booking shows as exactly one event when it is active, not canceled, has a work order and its
resource takes part: in the mailbox on the resource's row, or in that of its enabled user. Else it doesn't
show. A booking that can't be shown (no mailbox, an end before its start) has to say so on its row. Everything
else in the calendars stays as it was.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from enum import StrEnum, auto
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime


URGENT_CATEGORY = "Field Service: Urgent"
CUSTOMER = {"de": "Kunde", "fi": "Asiakas"}
"""What the line with the customer begins with, by language."""


@dataclass(frozen=True)
class BookingFact:
    """What Dataverse says of one booking, joined with the rows it points to."""

    id: str
    name: str
    start: datetime | None
    """Aware, UTC."""
    end: datetime | None
    active: bool
    canceled: bool
    proposed: bool
    traveling: bool
    urgent: bool
    """The work order's priority is High."""
    status: str
    account: str
    has_work_order: bool
    resource: str
    is_user: bool
    user_enabled: bool
    takes_part: bool
    """False: somebody took the resource out."""
    own_mailbox: bool
    """The resource's row names the mailbox."""
    mailbox: str
    """Entra object id of the mailbox on the resource's row, or of its user; empty for none."""
    has_mailbox: bool
    """Whether Exchange has that mailbox."""
    recorded_event: str
    recorded_mailbox: str
    error: str
    version: int
    asked_to_cancel: bool = False
    """Somebody deleted the event, and a dispatcher has to say whether the booking is canceled."""
    asked_to_move: tuple[datetime, datetime] | None = None
    """Where somebody put the event, and a dispatcher has to say whether the booking goes there."""
    told: str = ""
    """What became of the last change in Outlook."""

    @property
    def shown_at(self) -> tuple[datetime | None, datetime | None]:
        """When its event begins and ends."""
        return self.asked_to_move or (self.start, self.end)


@dataclass(frozen=True)
class EventFact:
    """What Outlook says of one event."""

    id: str
    mailbox: str
    subject: str
    start: datetime
    """Aware, UTC."""
    end: datetime
    show_as: str
    attendees: int
    booking_id: str
    """From our marker; empty for an event without one."""
    tag: str | None
    """The booking id in the open extension; None without the extension."""
    raw: Mapping[str, Any]
    """All that Outlook holds of it."""


@dataclass(frozen=True)
class PoisonFact:
    """A message that was given up."""

    booking_id: str
    reason: str


@dataclass(frozen=True)
class Facts:
    """The two worlds to be compared, at a quiet moment."""

    bookings: Sequence[BookingFact]
    events: Sequence[EventFact]
    private: Mapping[str, Mapping[str, Any]]
    """The technicians' own events by id, as they were put in."""
    mails_sent: int = 0
    poison: Sequence[PoisonFact] = ()
    expects_tags: bool = True
    """Whether the app runs with an open extension's name."""
    expects_rules: bool = False
    """Whether the app runs with the day's event file."""
    languages: Mapping[str, str] = field(default_factory=dict)
    """By mailbox, the language in which its events are expected; empty: nothing is expected."""


class Expected(StrEnum):
    """What a booking should look like in Outlook."""

    SHOWN = auto()
    HIDDEN = auto()
    FAILING = auto()
    """Can't be shown, and has to say so."""


class Kind(StrEnum):
    """The ways to differ."""

    MISSING = auto()
    DOUBLED = auto()
    MISPLACED = auto()
    STALE = auto()
    LEFT_OVER = auto()
    UNKNOWN_EVENT = auto()
    WRONG_RECORD = auto()
    SILENT_FAILURE = auto()
    FALSE_ALARM = auto()
    PRIVATE_TOUCHED = auto()
    MAIL_SENT = auto()
    POISON = auto()


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it should be."""

    kind: Kind
    about: str
    """The booking or event in question."""
    text: str


def expected(booking: BookingFact) -> Expected:
    """What this booking should look like in Outlook."""
    if not booking.active or booking.canceled or not booking.has_work_order:
        return Expected.HIDDEN
    if not booking.takes_part:
        return Expected.HIDDEN
    if not booking.own_mailbox and not (booking.is_user and booking.user_enabled):
        return Expected.HIDDEN
    if not booking.mailbox or not booking.has_mailbox:
        return Expected.FAILING
    if booking.start is None or booking.end is None or booking.end < booking.start:
        return Expected.FAILING
    return Expected.SHOWN


def compare(facts: Facts, left_to_audit: Collection[str] = ()) -> list[Difference]:
    """Everything that differs; empty means "in step".

    Args:
        facts: the two worlds.
        left_to_audit: bookings that may show no event until an audit has looked.
    """
    ours: dict[str, list[EventFact]] = defaultdict(list)
    strangers: list[EventFact] = []
    for event in facts.events:
        if event.id in facts.private:
            continue
        (ours[event.booking_id] if event.booking_id else strangers).append(event)
    found = [
        difference
        for booking in facts.bookings
        for difference in _judge(booking, ours.pop(booking.id, []), facts)
        if booking.id not in left_to_audit or difference.kind not in (Kind.MISSING, Kind.WRONG_RECORD)
    ]
    for booking_id, events in ours.items():
        found += [
            Difference(Kind.LEFT_OVER, booking_id, f"the booking is gone, its event {event.subject!r} is not")
            for event in events
        ]
    found += [
        Difference(Kind.UNKNOWN_EVENT, event.id, f"nobody knows where {event.subject!r} comes from")
        for event in strangers
    ]
    found += _judge_private(facts)
    found += _judge_poison(facts)
    if facts.mails_sent:
        found.append(Difference(Kind.MAIL_SENT, "", f"{facts.mails_sent} mails were sent"))
    return found


def _judge(booking: BookingFact, events: Sequence[EventFact], facts: Facts) -> Iterable[Difference]:
    wanted = expected(booking)
    if len(events) > 1:
        yield Difference(Kind.DOUBLED, booking.id, f"{booking.name!r} shows {len(events)} times")
    if wanted is Expected.HIDDEN and events:
        yield Difference(Kind.LEFT_OVER, booking.id, f"{booking.name!r} should not show")
    if wanted is Expected.FAILING and not booking.error:
        yield Difference(Kind.SILENT_FAILURE, booking.id, f"{booking.name!r} can't show and does not say why")
    if wanted is Expected.SHOWN and booking.error:
        yield Difference(Kind.FALSE_ALARM, booking.id, f"{booking.name!r} complains: {booking.error}")
    if wanted is Expected.SHOWN and not events and not booking.asked_to_cancel:
        yield Difference(Kind.MISSING, booking.id, f"{booking.name!r} of {booking.resource} does not show")
    if wanted is Expected.SHOWN:
        for event in events:
            yield from _judge_event(booking, event, facts)
    if booking.asked_to_cancel:
        return  # its row goes on naming the event that somebody deleted
    recorded = [(event.id, event.mailbox) for event in events] or [("", "")]
    if (booking.recorded_event, booking.recorded_mailbox) not in recorded:
        yield Difference(
            Kind.WRONG_RECORD, booking.id, f"the row of {booking.name!r} names another event than Outlook has"
        )


def _judge_event(booking: BookingFact, event: EventFact, facts: Facts) -> Iterable[Difference]:
    if event.mailbox != booking.mailbox:
        yield Difference(
            Kind.MISPLACED, booking.id, f"{booking.name!r} is not in the calendar of {booking.resource}"
        )
    start, end = booking.shown_at
    wrong = [
        what
        for what, right in (
            (f"starts at {event.start}, not {start}", event.start == start),
            (f"ends at {event.end}, not {end}", event.end == end),
            (f"says {event.subject!r}, without the booking's name", booking.name in event.subject),
            (f"says {event.subject!r}, without {booking.account!r}", booking.account in event.subject),
            (f"shows as {event.show_as}", event.show_as == _show_as(booking, facts)),
            (f"has {event.attendees} attendees", not event.attendees),
            (f"is tagged {event.tag}", event.tag == (booking.id if facts.expects_tags else None)),
            *_by_rules(booking, event, facts),
            *_in_language(event, facts),
        )
        if not right
    ]
    if wrong:
        yield Difference(Kind.STALE, booking.id, f"the event of {booking.name!r} " + "; ".join(wrong))


def _show_as(booking: BookingFact, facts: Facts) -> str:
    if facts.expects_rules and booking.traveling:
        return "oof"
    return "tentative" if booking.proposed else "busy"


def _by_rules(booking: BookingFact, event: EventFact, facts: Facts) -> Iterable[tuple[str, bool]]:
    """What the day's event file says of urgent bookings, and of no others."""
    if not facts.expects_rules:
        return
    urgent = (
        event.raw["importance"] == "high",
        URGENT_CATEGORY in event.raw["categories"],
        (event.raw["isReminderOn"], event.raw["reminderMinutesBeforeStart"]) == (True, 30),
    )
    told = f"is {event.raw['importance']}, {event.raw['categories']}, reminder {event.raw['isReminderOn']}"
    yield told, all(urgent) if booking.urgent else not any(urgent)


def _in_language(event: EventFact, facts: Facts) -> Iterable[tuple[str, bool]]:
    """Whether the built-in words are those of the reader's language."""
    word = CUSTOMER.get(facts.languages.get(event.mailbox, "")[:2])
    if word:
        yield f"does not say {word!r}", f"<b>{word}" in event.raw["body"]["content"]


def _judge_private(facts: Facts) -> Iterable[Difference]:
    now = {event.id: event.raw for event in facts.events}
    for event_id, before in facts.private.items():
        if event_id not in now:
            yield Difference(Kind.PRIVATE_TOUCHED, event_id, f"{before.get('subject')!r} was deleted")
        elif now[event_id] != before:
            yield Difference(Kind.PRIVATE_TOUCHED, event_id, f"{before.get('subject')!r} was changed")


def _judge_poison(facts: Facts) -> Iterable[Difference]:
    failing = {booking.id for booking in facts.bookings if expected(booking) is Expected.FAILING}
    for message in facts.poison:
        if message.booking_id not in failing or not message.reason:
            yield Difference(
                Kind.POISON, message.booking_id, f"given up: {message.reason or 'no reason given'}"
            )
