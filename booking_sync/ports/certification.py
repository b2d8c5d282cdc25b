"""What `booking-sync certify` tries on the services, and their answers as they are.

Other ports hide statuses and codes; here they are what is asked for. Every method may raise `TransientError`
or `PermanentError` when there is no answer at all, or not from the service itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from booking_sync.domain.events.event import EventContent
    from booking_sync.domain.events.event_ref import EventRef
    from booking_sync.domain.messages.change import BookingChange
    from booking_sync.ports.outlook.subscriptions import WantedSubscription
    from booking_sync.ports.platform.queues import QueueState

_FIRST_SUCCESS, _FIRST_REDIRECTION = 200, 300


@dataclass(frozen=True, slots=True)
class ServiceAnswer:
    """One answer of a service."""

    status: int
    code: str = ""
    """The service's own code for a refusal; empty when there is none."""
    body: Any = None
    """JSON value; None for none. May hold personal data."""
    seconds: float = 0.0
    """How long it took, with the way there and back."""

    @property
    def ok(self) -> bool:
        """Any 2xx."""
        return _FIRST_SUCCESS <= self.status < _FIRST_REDIRECTION

    @property
    def verdict(self) -> str:
        """Status and code, as the register of assumptions names refusals."""
        return f"{self.status} {self.code}".rstrip()


@dataclass(frozen=True, slots=True)
class TrialEvent:
    """An event to be made."""

    content: EventContent
    marker: str
    birth: str
    transaction_id: str
    generation: int
    """Of the creation, which its birth and its tag name."""
    weekly: bool = False
    """A series of two weeks instead of a single event."""
    all_day: bool = False
    """The whole day of its start instead of some minutes."""
    calendar_id: str = ""
    """Of the calendar to show it; empty for the main one."""


class CalendarTrials(Protocol):
    """Requests to Graph, in the words of the app's own."""

    async def create(self, mailbox: str, *events: TrialEvent) -> Sequence[ServiceAnswer]:
        """Make events, all in one batch; the answers in their order."""

    async def get(self, event: EventRef, *, immutable: bool = True) -> ServiceAnswer:
        """The whole event with its marker; the id of either kind, and asked for by that kind."""

    async def folder(self, event: EventRef) -> ServiceAnswer:
        """The event with the extended property that names its folder."""

    async def update(self, event: EventRef, content: EventContent, *, version: str = "") -> ServiceAnswer:
        """Write over the event.

        Args:
            event: which.
            content: what.
            version: sent as `If-Match`; empty sends none.
        """

    async def stamp(self, event: EventRef, content: EventContent, text: str) -> ServiceAnswer:
        """Write over the event, times and the property of our last write of them in one request."""

    async def see(self, event: EventRef) -> ServiceAnswer:
        """The event's times, in UTC, with that property."""

    async def move(self, event: EventRef, content: EventContent) -> ServiceAnswer:
        """Write the content's times and nothing else."""

    async def seal(self, event: EventRef, text: str) -> ServiceAnswer:
        """Write an extended property by PATCH."""

    async def read_sealed(self, event: EventRef) -> ServiceAnswer:
        """The event with all our extended properties."""

    async def tag(self, event: EventRef, text: str) -> ServiceAnswer:
        """Add an open extension."""

    async def read_tag(self, event: EventRef) -> ServiceAnswer:
        """The event's open extension."""

    async def delete(self, event: EventRef) -> ServiceAnswer:
        """Delete the event."""

    async def delete_for_good(self, event: EventRef) -> ServiceAnswer:
        """Delete the event, so that Deleted Items does not keep it."""

    async def find(self, mailbox: str, marker: str) -> ServiceAnswer:
        """The first page of the events with this marker."""

    async def make_calendar(self, mailbox: str, name: str) -> ServiceAnswer:
        """Make a calendar."""

    async def delete_calendar(self, mailbox: str, calendar_id: str) -> ServiceAnswer:
        """Delete a calendar with all that it shows."""

    async def shown_in(self, mailbox: str, calendar_id: str, marker: str) -> ServiceAnswer:
        """The first page of the events with this marker in one calendar."""

    async def view(self, mailbox: str, first: datetime, last: datetime) -> ServiceAnswer:
        """The first page of a calendarView with markers; moments are aware."""

    async def read_together(self, mailbox: str, count: int) -> Sequence[ServiceAnswer]:
        """So many reads of one mailbox in one batch; raises `ValueError` for more than a batch holds."""

    async def oversized_batch(self, mailbox: str, count: int) -> ServiceAnswer:
        """The answer to a batch of so many reads as a whole, however many."""

    async def categories(self, mailbox: str) -> ServiceAnswer:
        """The mailbox's list of categories."""

    async def settings(self, mailbox: str) -> ServiceAnswer:
        """The language and the zone that the mailbox is set to."""

    async def add_category(self, mailbox: str, name: str) -> ServiceAnswer:
        """Add a category to it."""

    async def remove_category(self, mailbox: str, category_id: str) -> ServiceAnswer:
        """Take a category out of it again."""


class SubscriptionTrials(Protocol):
    """Requests about subscriptions, in the words of the app's own."""

    async def subscribe(self, wanted: WantedSubscription, changes: str) -> ServiceAnswer:
        """Ask for one, to changes such as `deleted`."""

    async def subscription(self, subscription_id: str) -> ServiceAnswer:
        """One of them."""

    async def subscriptions(self, page: str = "") -> ServiceAnswer:
        """A page of the list of all that the app has made; by default the first.

        Args:
            page: its address, as the page before names it.
        """

    async def prolong(self, subscription_id: str, expires: datetime) -> ServiceAnswer:
        """Have one live until a moment, which is aware."""

    async def unsubscribe(self, subscription_id: str) -> ServiceAnswer:
        """End one."""


class DynamicsTrials(Protocol):
    """Requests to Dataverse, in the words of the app's own."""

    async def read_many(self, booking_ids: Sequence[str]) -> ServiceAnswer:
        """One query for all of these bookings; the body is the list of rows."""

    async def read_columns(self, names: Sequence[str]) -> ServiceAnswer:
        """At most one booking with these columns."""

    async def rewrite(self, *writes: tuple[str, str]) -> Sequence[ServiceAnswer]:
        """Conditional writes that change nothing, all in one batch: the error text as it is now.

        Args:
            writes: ids of bookings, each with the version that the write is conditional on.
        """


@dataclass(frozen=True, slots=True)
class Posted:
    """What became of webhooks that were posted at once."""

    statuses: Mapping[int, int]
    """How many got which status; 0 for those without an answer."""
    slowest: float
    """Seconds."""
    first: float = field(default=0.0)
    """Seconds that a single one took before, when the app may have been idle."""


class AppTrials(Protocol):
    """The deployed app."""

    async def post_webhooks(self, count: int) -> Posted:
        """Post one webhook, then so many at once; the app ignores them all."""

    async def queue_message(self, change: BookingChange) -> None:
        """Put a message on the app's queue."""

    async def queue(self) -> QueueState:
        """How full the queue is; a message in work is counted, and not among the visible ones."""


@dataclass(frozen=True, slots=True)
class OwnLine:
    """A line that the deployed app must have logged."""

    text: str
    """Words of it, whole ones; no secret and nothing personal, since services log queries."""
    since: datetime
    """It was written then or later; aware."""


@dataclass(frozen=True, slots=True)
class Telemetry:
    """How much the app's telemetry of some time holds."""

    lines: int = 0
    """Log lines of the app's own form."""
    requests: int = 0
    """The host's spans: functions that ran."""
    own: int = 0
    """Lines that are the one that was asked for."""
    newest: datetime | None = None
    """When the newest of the lines was written; UTC."""


class TelemetryTrials(Protocol):
    """The workspace that the app's telemetry goes to."""

    async def telemetry(self, since: datetime, own: OwnLine | None) -> ServiceAnswer:
        """What was written since a moment, which is aware.

        Args:
            since: when.
            own: counted besides.

        Returns:
            the answer, whose body is a `Telemetry` when it is a success.

        Raises:
            TransientError: there is no answer, or it can't be read.
            PermanentError: nobody could be signed in.
        """
