"""What `booking-sync doctor` reads of each service, without judging it.

Every method may raise `TransientError` or `PermanentError`; the doctor reports the reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from booking_sync.domain.events.event_text.columns import EventColumn
    from booking_sync.domain.timers import Timer, TimerRun
    from booking_sync.ports.dataverse.bookings import FailingBookings, NamedResource
    from booking_sync.ports.dataverse.customizations import DesiredCustomizations, FoundCustomizations
    from booking_sync.ports.platform.queues import QueueState


class StorageReads(Protocol):
    """What the storage account tells of the queues and of the timers' last runs."""

    async def queues(self) -> QueueState:
        """The state of both queues."""

    async def last_run(self, timer: Timer) -> TimerRun | None:
        """The last run that was noted; None when none is known."""

    async def seen_since(self) -> datetime | None:
        """When the app was first seen; aware, UTC; None where the app has not noted it. Writes nothing."""


@dataclass(frozen=True, slots=True)
class SecretState:
    """What the doctor knows of the client secret: never its text."""

    expires: datetime | None
    """Aware, UTC; None when whoever stored it set no date."""


class SecretReads(Protocol):
    """What Key Vault tells of the client secret."""

    async def state(self) -> SecretState:
        """Read the secret, and forget all but its date."""


class Audience(StrEnum):
    """What tokens are for."""

    GRAPH = "Graph"
    DATAVERSE = "Dataverse"


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """Claims of a token; nothing of the token itself."""

    application: str
    """The app registration's client id."""
    roles: frozenset[str] = frozenset()
    """Application permissions that were consented to in Entra for the whole tenant."""


class TokenReads(Protocol):
    """Tokens of the app registration."""

    async def token(self, audience: Audience) -> TokenFacts:
        """Get a token, and read its claims."""


@dataclass(frozen=True, slots=True)
class ClockReading:
    """A service's clock compared with ours."""

    service: str
    ahead_seconds: float | None
    """How far the service's clock is ahead of ours; None when it did not tell."""


class ClockReads(Protocol):
    """The services' clocks."""

    async def read(self) -> Sequence[ClockReading]:
        """One reading per service; one that does not answer has no number."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the app is to Dataverse, and who the settings say it is; GUIDs in lower case, empty when unset."""

    user_id: str
    organization_id: str
    expected_user_id: str
    expected_organization_id: str


@dataclass(frozen=True, slots=True)
class Person:
    """A bookable resource."""

    resource_id: str
    name: str


@dataclass(frozen=True, slots=True)
class ForeignMarks:
    """Recent bookings that another sync has marked as its own."""

    bookings: int
    more: bool
    """There are others."""
    people: tuple[Person, ...]
    """Whose bookings these are, by name."""


class AppAccessReads(Protocol):
    """What Dataverse lets the app do and shows it; asked as the app."""

    async def identity(self) -> Identity:
        """The application user and the organisation."""

    async def privileges(self, user_id: str) -> Mapping[str, str]:
        """By the privilege's name how far it reaches: `Basic`, `Local`, `Deep` or `Global`."""

    async def read_one(self, table: str) -> None:
        """Read at most one row of a table with all columns that the sync uses."""

    async def read_columns(self, columns: Sequence[EventColumn]) -> None:
        """Read at most one booking with these columns as well."""

    async def failing(self) -> FailingBookings:
        """Bookings with a text in the error column, the latest first."""

    async def foreign_marks(self, since: datetime) -> ForeignMarks:
        """Bookings made since then that Microsoft's own sync has marked."""

    async def mailbox_of(self, name: str) -> str:
        """The Entra object id of the user with this sign-in name or address; empty for nobody."""


class PeopleReads(Protocol):
    """The bookable resources; asked as the app."""

    async def everybody(self) -> Sequence[NamedResource]:
        """Every active one, in the order of the names."""


@dataclass(frozen=True, slots=True)
class TableFacts:
    """How the booking table is set up."""

    optimistic_concurrency: bool
    secured: frozenset[str] = frozenset()
    """Of our columns: those that column security is on for."""
    unusable: frozenset[str] = frozenset()
    """Of our columns: those that can't be read or can't be written."""


@dataclass(frozen=True, slots=True)
class FailedJobs:
    """Webhooks that did not get through."""

    count: int
    more: bool
    """There are others."""
    newest: datetime | None = None
    """Aware, UTC."""
    reason: str = ""
    """Of the newest, as Dataverse tells it."""


class RegistrationReads(Protocol):
    """How columns, webhook and steps are set up in Dataverse; asked as whoever the command line signs in."""

    async def table(self) -> TableFacts:
        """The booking table's definition."""

    async def registration(self, desired: DesiredCustomizations) -> FoundCustomizations:
        """What there is of what `provision` makes."""

    async def failed_jobs(self, step_ids: Sequence[str], since: datetime) -> FailedJobs:
        """System jobs of these steps that ended in failure since then."""


class WayBackReads(Protocol):
    """What the way back from Outlook depends on; asked as the app."""

    async def canceled_statuses(self) -> Mapping[str, str]:
        """By id the names of the active booking statuses of type Canceled."""

    async def notification_keys(self) -> int:
        """How many versions of the key of notifications the vault has that are accepted."""

    async def subscriptions(self) -> int:
        """How many mailboxes Graph reports changes of to this app."""


class MailboxAccess(Enum):
    """What Graph lets the app do with a mailbox."""

    ALLOWED = auto()
    DENIED = auto()
    NO_MAILBOX = auto()


class MailboxAccessReads(Protocol):
    """What Graph lets the app do with mailboxes."""

    async def access(self, mailbox: str) -> MailboxAccess:
        """Try to read a calendar; no event is looked at."""
