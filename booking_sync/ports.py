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
    from collections.abc import Sequence
    from datetime import datetime

    from booking_sync.domain.booking import BookingRow
    from booking_sync.domain.change import BookingChange
    from booking_sync.domain.event import EventContent, EventRef, FoundEvent
    from booking_sync.domain.record import SyncRecord


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


class ChangeQueue(Protocol):
    """The queue of booking changes and its poison queue."""

    async def send(self, change: BookingChange, delay: float = 0.0) -> None:
        """Put a change on the queue, visible after `delay` seconds; returns when it is durably stored."""

    async def dead_letter(self, message: str, reason: str) -> None:
        """Put a message's text on the poison queue beside the reason that a person will read."""


class Clock(Protocol):
    """The time of day."""

    def __call__(self) -> datetime:
        """Now, aware, UTC."""
