"""The bookings in Dataverse, and the rows around them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Protocol

from booking_sync.errors import PermanentError, TransientError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
    from datetime import datetime

    from booking_sync.domain.bookings.booking import BookableResource
    from booking_sync.domain.environment.watched import RelatedTable
    from booking_sync.domain.record import BookingRow, SyncRecord
    from booking_sync.domain.return_path.side import Returned


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
        """The row as it is now, with all that planning needs; None when it does not exist.

        Raises:
            HiddenBookingError: it does, but we may not read it.
            UntoldBookingError: whether it does was not told.
        """

    async def record(
        self, booking_id: str, etag: str, record: SyncRecord, returned: Returned | None = None
    ) -> Recorded:
        """Write our record, on condition that the row still is the version `etag`: the commit point.

        What is returned from Outlook goes into the same request; None leaves the return path's columns alone.
        """


@dataclass(frozen=True, slots=True)
class BookingQuery:
    """Which bookings to list: those that meet every condition given here; moments are aware."""

    modified_from: datetime | None = None
    modified_until: datetime | None = None
    """Inclusive: Dataverse keeps whole seconds, so "before now" would miss changes of this second."""
    starts_from: datetime | None = None
    starts_before: datetime | None = None
    names_event: bool = False
    """Only rows with an event id. A copied row has one too; its record counts as none."""
    mailbox: str | None = None
    """Only rows whose record names this mailbox (an Entra object id)."""
    resource_ids: tuple[str, ...] = ()
    """Only bookings of one of these bookable resources; empty for all."""
    work_order_ids: tuple[str, ...] = ()
    """Only bookings of one of these work orders; empty for all."""
    condition: str = ""
    """A further condition on the booking's row, in the words of the Web API's `$filter`; empty for none."""
    by_start: bool = False
    """Ordered by start and then by id, so that a list can be continued later; otherwise by id."""


@dataclass(frozen=True, slots=True)
class UnreadableRow:
    """A booking that exists, but whose row can't be read."""

    booking_id: str
    reason: str
    """In words for an administrator, as `PermanentError` has them."""


@dataclass(frozen=True, slots=True)
class BookingPage:
    """A part of a list; every row that Dataverse sent is in one of the two."""

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


class BookingCounts(Protocol):
    """How many bookings there are in Dataverse, for people who wait."""

    async def count_bookings(self, query: BookingQuery) -> int:
        """How many bookings the query describes, those that can't be read included; one list of ids."""


class Bookings(BookingRows, BookingListing, BookingCounts, Protocol):
    """The bookings in Dataverse, one by one and listed."""


@dataclass(frozen=True, slots=True)
class BookingStart:
    """A booking that was found by a row which it names."""

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


class HiddenBookingError(PermanentError):
    """The booking is there, but our application user may not read it: lists leave it out without a word."""


class UntoldBookingError(TransientError):
    """A list left the booking out, and Dataverse does not say whether there is one: its trouble alone."""


class Presence(Enum):
    """What Dataverse says when asked for one row by its id."""

    EXISTS = auto()
    GONE = auto()
    """There is no such row."""
    HIDDEN = auto()
    """There is, but we may not read it; lists leave it out silently."""
    UNKNOWN = auto()
    """No answer that can be believed; another time may tell."""


@dataclass(frozen=True, slots=True)
class BookingOwner:
    """Whose a booking is, by its row."""

    booking_id: str
    """Lower-case GUID."""
    resource_id: str
    """Of its bookable resource, lower case; empty when it names none."""
    tells_of_event: bool
    """Its columns name an event, or tell of one that stays for its people's sake."""
    start: datetime
    """Aware, UTC."""

    def is_stray(self, resources: Mapping[str, str]) -> bool:
        """Whether it is found by no resource that has a mailbox, and may still concern a calendar.

        Args:
            resources: all that we may see, with the mailbox of each one's user, if any.
        """
        if self.resource_id and self.resource_id not in resources:
            return True
        return self.tells_of_event and not resources.get(self.resource_id)


class AuditReads(Protocol):
    """What the audit reads of Dataverse besides lists of bookings."""

    async def resources(self) -> Mapping[str, str]:
        """By id, every bookable resource: the Entra object id of the mailbox that shows its bookings.

        Empty for one that takes no part or has none; a user's counts whether the user is enabled or not. One
        whose mailbox nobody can know is not in it.
        """

    def whose(
        self, starts_from: datetime, starts_before: datetime
    ) -> AsyncGenerator[Sequence[BookingOwner], None]:
        """Whose each booking is that starts in this time, in pages, ordered by start.

        The list is complete only when it ends without an error.
        """

    async def presence(self, booking_ids: Sequence[str]) -> Mapping[str, Presence]:
        """Whether each of these bookings exists; asked by id, since a list can't tell gone from hidden."""


@dataclass(frozen=True, slots=True)
class NamedResource:
    """A bookable resource, for people."""

    name: str
    resource: BookableResource


class Resources(Protocol):
    """The bookable resources in Dataverse."""

    async def mailboxes(self) -> Mapping[str, str]:
        """By resource id: the mailbox that shows its bookings, for all that take part and have one.

        Entra object ids in lower case.
        """


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
    """What people want to see of a row and planning does not need; empty where Dataverse has nothing."""

    resource_id: str = ""
    resource_name: str = ""
    modified: datetime | None = None
    """Aware, UTC."""
    event_id: str = ""
    """This and the next two: our record, as the columns hold it."""
    mailbox: str = ""
    state: str = ""


class BookingDetailReads(Protocol):
    """Details of one booking, for people."""

    async def details(self, booking_id: str) -> BookingDetails:
        """The details of a row that exists."""


@dataclass(frozen=True, slots=True)
class FailingBooking:
    """A booking whose row tells people that it can't sync."""

    booking_id: str
    name: str
    starts: datetime | None
    modified: datetime | None
    error: str
    resource_id: str = ""
    """Of its bookable resource, lower case; empty when it names none."""
    resource_name: str = ""


@dataclass(frozen=True, slots=True)
class FailingBookings:
    """Some failing bookings, those first that changed last."""

    bookings: tuple[FailingBooking, ...]
    more: bool
    """There are others."""


class FailureListing(Protocol):
    """The bookings in Dataverse that can't sync."""

    async def failing(self, limit: int) -> FailingBookings:
        """At most `limit` of them, in as few requests as Dataverse allows: 5,000 rows each."""
