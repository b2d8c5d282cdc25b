"""What a mailbox holds: events in the calendar and in Deleted Items, and what it remembers of creations."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from local.graph.mailbox.ids import new_change_key, new_ical_uid, new_immutable_id, new_mutable_id

if TYPE_CHECKING:
    from local.graph.mailbox.schema import Extension
    from local.graph.mailbox.zones import EventTime

MailboxKind = Literal["normal", "no_mailbox", "denied", "full", "new"]
"""`full` refuses writes for want of space, `new` refuses creations because it is not ready yet."""


@dataclass
class StoredEvent:
    """One event as the service holds it."""

    content: dict[str, Any]
    """Writable properties by their Graph names, without start and end."""
    start: EventTime
    end: EventTime
    owner_app: bool
    """Created through the API; False for what a user made."""
    transaction_id: str | None = None
    properties: dict[str, str] = field(default_factory=dict)
    extensions: dict[str, Extension] = field(default_factory=dict)
    immutable_id: str = field(default_factory=new_immutable_id)
    mutable_id: str = field(default_factory=new_mutable_id)
    ical_uid: str = field(default_factory=new_ical_uid)
    change_key: str = field(default_factory=new_change_key)
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    modified: datetime = field(default_factory=lambda: datetime.now(UTC))
    modified_count: int = 0
    missing_dates: set[str] = field(default_factory=set)
    """Of a series: dates (`2026-03-02`) whose occurrences were deleted."""
    calendar: str = ""
    """Id of the calendar that shows it; empty for the main one."""
    master: StoredEvent | None = None
    """Of an occurrence: its series."""

    def public_id(self, *, immutable: bool) -> str:
        """The id a client sees, by the kind it prefers."""
        return self.immutable_id if immutable else self.mutable_id

    @property
    def kind(self) -> str:
        """Graph's `type`."""
        if self.master is not None:
            return "occurrence"
        return "seriesMaster" if self.content["recurrence"] else "singleInstance"

    def touch(self) -> None:
        """Note a change."""
        self.modified = datetime.now(UTC)
        self.change_key = new_change_key()
        self.modified_count += 1


@dataclass(frozen=True)
class SharedCalendar:
    """A colleague's calendar, which stands in the list of the person with whom it is shared."""

    name: str
    owner: Mailbox
    readable: bool = True
    """Whether the app may see to it: it needs a right to the colleague's mailbox."""
    takes_name: bool = False
    """Whether the mailbox can't have a calendar of this name beside it. No source says which: what is shared
    lies in the mailbox as a folder, or is only linked there."""


@dataclass(frozen=True)
class Transaction:
    """What the mailbox remembers of a creation."""

    event: StoredEvent
    fingerprint: str


@dataclass
class Mailbox:
    """A user and, unless of the kind `no_mailbox`, the calendar."""

    id: str
    display_name: str
    user_principal_name: str
    kind: MailboxKind = "normal"
    mail: str = ""
    """The primary mail address; empty: the user principal name."""
    language: str = "en-US"
    """The locale that the person chose in Outlook; empty where nobody ever opened the mailbox."""
    time_zone: str = "UTC"
    """The zone's name: Windows's, IANA's where an administrator chose so, or a custom one's; may be empty."""
    events: dict[str, StoredEvent] = field(default_factory=dict)
    """By immutable id, oldest first: what the calendar shows."""
    by_mutable_id: dict[str, StoredEvent] = field(default_factory=dict)
    deleted_items: dict[str, StoredEvent] = field(default_factory=dict)
    """By immutable id."""
    deleted_once_more: set[str] = field(default_factory=set)
    """Immutable ids of those that were deleted from Deleted Items, too."""
    former_ids: set[str] = field(default_factory=set)
    """Ids from before a migration."""
    calendars: dict[str, str] = field(default_factory=dict)
    """Names by id of the calendars besides the main one, in the order of their making."""
    shared_calendars: dict[str, SharedCalendar] = field(default_factory=dict)
    """Those of colleagues by their ids here."""
    tells_owners: bool = True
    """Whether its list of calendars says whose they are. Documented; without it nobody is to be lost."""
    deleted_calendars: dict[str, str] = field(default_factory=dict)
    """The same of those that a person deleted."""
    transactions: dict[str, Transaction] = field(default_factory=dict)
    """By `transaction_key`."""
    categories: dict[str, tuple[str, str]] = field(default_factory=dict)
    """The master list by id: name and colour."""
    named_properties: set[str] = field(default_factory=set)
    """Names that extensions and extended properties have used up for good."""
    created_count: int = 0
    modified_count: int = 0
    deleted_count: int = 0

    @property
    def address(self) -> str:
        """Its primary address."""
        return self.mail or self.user_principal_name

    def shown_in(self, calendars: frozenset[str]) -> list[StoredEvent]:
        """What these calendars show, by their ids, oldest first."""
        return [each for each in self.events.values() if each.calendar in calendars]

    def add(self, event: StoredEvent) -> StoredEvent:
        """Keep a new event."""
        self.events[event.immutable_id] = event
        self.by_mutable_id[event.mutable_id] = event
        self.named_properties.update(event.properties, event.extensions)
        return event

    def drop(self, event: StoredEvent) -> None:
        """Take an event out of the calendar."""
        del self.events[event.immutable_id]
        del self.by_mutable_id[event.mutable_id]

    def discard(self, event: StoredEvent) -> None:
        """Take an event out of the calendar into Deleted Items; the immutable id stays, the other ends."""
        self.drop(event)
        event.mutable_id = new_mutable_id()
        event.change_key = new_change_key()
        self.deleted_items[event.immutable_id] = event

    def has(self, identifier: str) -> bool:
        """Whether something here has this id, of whatever kind and in whatever folder."""
        return (
            identifier in self.events or identifier in self.by_mutable_id or identifier in self.deleted_items
        )

    def is_deleted(self, event: StoredEvent) -> bool:
        """Whether the event lies in Deleted Items."""
        return event.immutable_id in self.deleted_items
