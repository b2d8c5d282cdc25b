"""The seams between the use cases and the outside world.

Use cases are written against these Protocols; adapters (`outlook`, `dataverse`, `azure`) fulfil them and
`bootstrap` joins the two. Every method may raise `TransientError` or `PermanentError` and nothing else.
Adapters batch on their own: callers ask for one booking or one event, many at the same time.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
    from datetime import datetime

    from booking_sync.domain.booking import BookingRow
    from booking_sync.domain.change import BookingChange, RelatedChange
    from booking_sync.domain.event import EventContent, EventRef, FoundEvent, MarkedEvent
    from booking_sync.domain.record import SyncRecord
    from booking_sync.domain.watched import RelatedTable


class Recorded(Enum):
    """How a conditional write of our record ended."""

    DONE = auto()
    CONFLICT = auto()
    """The row is no longer the version that was read."""
    MISSING = auto()
    """The row is gone."""


class BookingRows(Protocol):
    """The bookings in Dataverse."""

    async def read(self, booking_id: str) -> BookingRow | None:
        """The row as it is now, with all that planning needs; None when it does not exist."""

    async def record(self, booking_id: str, etag: str, record: SyncRecord) -> Recorded:
        """Write our record, on condition that the row still is the version `etag`: the commit point."""


@dataclass(frozen=True, slots=True)
class BookingQuery:
    """Which bookings to list: those to which all that is given here applies; moments are aware."""

    modified_from: datetime | None = None
    modified_until: datetime | None = None
    """Inclusive: Dataverse keeps whole seconds, so that "before now" would miss what happened just now."""
    starts_from: datetime | None = None
    starts_before: datetime | None = None
    names_event: bool = False
    """Only rows with an event id; a row that was copied, ids and all, is among them without a record."""
    mailbox: str | None = None
    """Only rows whose record names this mailbox (an Entra object id)."""
    resource_ids: tuple[str, ...] = ()
    """Only bookings of one of these bookable resources; empty for all."""
    work_order_ids: tuple[str, ...] = ()
    """Only bookings of one of these work orders; empty for all."""
    condition: str = ""
    """A further condition on the booking's row, in the words of the Web API's `$filter`; empty for none."""
    by_start: bool = False
    """Ordered by start and then by id, so that a list can be taken up again; otherwise by id."""


@dataclass(frozen=True, slots=True)
class UnreadableRow:
    """A booking that is there, but can't be read: what is known of it is that it exists."""

    booking_id: str
    reason: str
    """In words for an administrator, as `PermanentError` has them."""


@dataclass(frozen=True, slots=True)
class BookingPage:
    """A part of a list; never empty-handed about a row that the service sent."""

    rows: tuple[BookingRow, ...]
    unreadable: tuple[UnreadableRow, ...] = ()


class BookingListing(Protocol):
    """The bookings in Dataverse, listed by what they have in common."""

    def list_bookings(self, query: BookingQuery) -> AsyncIterator[BookingPage]:
        """Every booking that the query describes, in pages of some hundred rows, ordered as it says.

        The list is complete only when the iteration ends without an error: a page that fails or is cut short
        raises. A row that stops or starts matching while the list is read may be on it or not; one that
        matches all the time is.
        """


@dataclass(frozen=True, slots=True)
class BookingStart:
    """What is known of a booking that was found by a row which it names."""

    booking_id: str
    """Lower-case GUID."""
    start: datetime
    """Aware, UTC."""


class RelatedBookings(Protocol):
    """The bookings in Dataverse, found by a row that they name."""

    def bookings_of(
        self, table: RelatedTable, row_id: str, starts_from: datetime
    ) -> AsyncGenerator[Sequence[BookingStart], None]:
        """Every booking of this row that starts then or later, in pages, ordered by start.

        The list is complete only when it ends without an error. The row itself need not exist any more.
        """


@dataclass(frozen=True, slots=True)
class Created:
    """The service answered that the event was created; on a repeated try it may mean the first one."""

    event_id: str


@dataclass(frozen=True, slots=True)
class AlreadyCreated:
    """An earlier try of ours created the event, with other content.

    `event_id` is None when the service did not name it and it could not be found.
    """

    event_id: str | None


class Calendar(Protocol):
    """The technicians' Outlook calendars."""

    async def create(
        self, mailbox: str, content: EventContent, *, marker: str, transaction_id: str
    ) -> Created | AlreadyCreated:
        """Create an event without attendees, marked as ours in the same step."""

    async def update(self, event: EventRef, content: EventContent) -> bool:
        """Write our content; False when the event is gone."""

    async def delete(self, event: EventRef) -> None:
        """Remove the event; one that is gone already is fine."""

    async def tag(self, event: EventRef, booking_id: str) -> bool:
        """Add the open extension that a return path recognises events by; False when the event is gone.

        One that is there already is fine, and so is a deployment without an extension name (no request).
        """

    async def find(self, mailbox: str, marker: str) -> Sequence[FoundEvent]:
        """Every event in the mailbox that carries the marker, completely listed."""


class MarkedEvents(Protocol):
    """Calendars, listed by stretches of time."""

    async def list_marked(self, mailbox: str, first: datetime, last: datetime) -> Sequence[MarkedEvent]:
        """Every event with a marker of ours that touches this time, from a list read to its end.

        A list that fails or breaks off raises; it is never taken for a shorter or an empty one.
        """


class MarkedAnywhere(Protocol):
    """Calendars, listed from beginning to end."""

    async def list_all_marked(self, mailbox: str) -> Sequence[MarkedEvent]:
        """Every event with a marker of ours, whenever it is; raises as `list_marked`."""


@dataclass(frozen=True, slots=True)
class ForeignEvent:
    """An event that another program made."""

    ref: EventRef
    uid: str
    """Its iCalendar UID, which is the same whatever kind of id the event is named by."""


@dataclass(frozen=True, slots=True)
class ExtendedEvent:
    """An event that carries an open extension which somebody's software put there."""

    event: ForeignEvent
    value: str
    """What the extension holds."""
    start: datetime
    """Aware, UTC."""


class ForeignEvents(Protocol):
    """Events that another program made, which are to become ours."""

    async def look_up(self, event: EventRef) -> ForeignEvent | None:
        """The event under its immutable id; under the one given when that can't be told; None when gone."""

    async def claim(self, event: EventRef, marker: str) -> EventRef | None:
        """Put our marker on the event; its immutable id, or None when it is gone."""

    async def list_extended(self, mailbox: str, extension: str, field: str) -> Sequence[ExtendedEvent]:
        """Every event with this open extension, completely listed."""


class Presence(Enum):
    """What Dataverse says when asked for one row by its id."""

    EXISTS = auto()
    GONE = auto()
    """There is no such row."""
    HIDDEN = auto()
    """There is, but we may not read it; lists leave it out without a word."""


class AuditReads(Protocol):
    """What the audit asks of Dataverse besides lists of bookings."""

    async def user_mailboxes(self) -> frozenset[str]:
        """Entra object ids of every user who is or was a resource, enabled or not."""

    async def presence(self, booking_ids: Sequence[str]) -> Mapping[str, Presence]:
        """Whether each of these bookings exists; asked by id, since a list can't tell gone from hidden."""


class Resources(Protocol):
    """The bookable resources in Dataverse."""

    async def mailboxes(self) -> Mapping[str, str]:
        """By resource id: the Entra object id of its user, for every resource that has one; lower case."""


@dataclass(frozen=True, slots=True)
class FormerRecord:
    """What another program noted on a booking's row; texts as they are."""

    booking_id: str
    event_id: str
    mailbox: str
    """Empty when it noted none."""


class FormerRecords(Protocol):
    """The columns in which another program noted its events."""

    def list_former(self, starts_from: datetime) -> AsyncIterator[Sequence[FormerRecord]]:
        """Every booking that starts then or later, in pages; complete when it ends without an error."""


@dataclass(frozen=True, slots=True)
class BookingDetails:
    """What people want to see of a row besides what planning needs; empty where Dataverse has nothing."""

    resource_id: str = ""
    resource_name: str = ""
    modified: datetime | None = None
    """Aware, UTC."""
    event_id: str = ""
    """This and the next two: our record, as the columns hold it."""
    mailbox: str = ""
    state: str = ""


class BookingDetailReads(Protocol):
    """One booking, for people."""

    async def details(self, booking_id: str) -> BookingDetails:
        """Of a row that exists."""


class ChangeQueue(Protocol):
    """The queue of booking changes and its poison queue."""

    async def send(self, change: BookingChange, delay: float = 0.0) -> None:
        """Put a change on the queue, visible after `delay` seconds; returns when it is durably stored."""

    async def dead_letter(self, message: str, reason: str) -> None:
        """Put a message's text on the poison queue beside the reason that a person will read."""


class MessageQueue(ChangeQueue, Protocol):
    """The queue with both kinds of messages."""

    async def send_related(self, change: RelatedChange, delay: float = 0.0) -> None:
        """Put a change of a row that bookings name on the queue; as `send`."""


class Clock(Protocol):
    """The time of day."""

    def __call__(self) -> datetime:
        """Now, aware, UTC."""


@dataclass(frozen=True, slots=True)
class FailingBooking:
    """A booking whose row tells people that it can't sync."""

    booking_id: str
    name: str
    starts: datetime | None
    modified: datetime | None
    error: str


@dataclass(frozen=True, slots=True)
class FailingBookings:
    """Some failing bookings, those first that changed last."""

    bookings: tuple[FailingBooking, ...]
    more: bool
    """There are others."""


class FailureListing(Protocol):
    """The bookings in Dataverse that can't sync."""

    async def failing(self, limit: int) -> FailingBookings:
        """At most `limit` of them, in one request."""


@dataclass(frozen=True, slots=True)
class PoisonMessage:
    """A message that lies on the poison queue."""

    message_id: str
    text: str
    receipt: str = ""
    """Allows to delete or release it; empty for one that was only looked at."""


class PoisonQueue(Protocol):
    """The poison queue, for people; a queue that does not exist is an empty one."""

    async def peek(self) -> Sequence[PoisonMessage]:
        """The first 32 at most, left as they are."""

    async def take(self, hidden_seconds: int) -> Sequence[PoisonMessage]:
        """Up to 32, hidden from everybody else for so long; none when nothing is left."""

    async def delete(self, message: PoisonMessage) -> None:
        """Remove one that was taken; one that is gone, or was taken by another since, is left to them."""

    async def release(self, message: PoisonMessage) -> None:
        """Show one that was taken to others again, at once; as `delete` otherwise."""


@dataclass(frozen=True, slots=True)
class QueueDepths:
    """How many messages there are, hidden ones included; Storage counts approximately."""

    changes: int
    poison: int


class QueueGauge(Protocol):
    """How full the queues are."""

    async def depths(self) -> QueueDepths:
        """Both depths; a queue that does not exist yet is empty."""


class Shelf(Protocol):
    """Small texts by name, shared by all instances; for what may be lost."""

    async def put(self, name: str, text: str) -> None:
        """Write a text, whatever was there."""

    async def get(self, name: str) -> str | None:
        """The text of that name; None when there is none."""

    async def newest(self, prefix: str, since: datetime, limit: int) -> Sequence[str]:
        """The texts written since then whose names begin so, at most `limit`, newest first."""

    async def drop(self, prefix: str, before: datetime) -> int:
        """Remove the texts written before that whose names begin so; returns how many."""
