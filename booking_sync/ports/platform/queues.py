"""The change queue and its poison queue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from booking_sync.domain.messages.audit_progress import AuditProgress
    from booking_sync.domain.messages.change import BookingChange, RelatedChange
    from booking_sync.domain.return_path.messages import OutlookMessage


class ChangeQueue(Protocol):
    """The queue of booking changes and its poison queue."""

    async def send(self, change: BookingChange, delay: float = 0.0) -> None:
        """Put a change on the queue, visible after `delay` seconds; returns when it is durably stored."""

    async def dead_letter(self, message: str, reason: str) -> None:
        """Put a message's text on the poison queue, with a reason for people."""


class MessageQueue(ChangeQueue, Protocol):
    """The change queue for all messages: of bookings, of rows that bookings name, of Outlook, and audits."""

    async def send_related(self, change: RelatedChange, delay: float = 0.0) -> None:
        """Put a change of a row that bookings name on the queue; as `send`."""

    async def send_audit(self, progress: AuditProgress, delay: float = 0.0) -> None:
        """Put the rest of an audit on the queue; as `send`."""

    async def send_outlook(self, message: OutlookMessage, delay: float = 0.0) -> None:
        """Put on the queue what came from Outlook, or a mailbox to be swept; as `send`."""


@dataclass(frozen=True, slots=True)
class QueuedMessage:
    """A message that lies on the change queue."""

    message_id: str
    text: str
    dequeue_count: int
    """How often it was handed out, this time included when it was taken."""
    receipt: str = ""
    """Allows to delete it; empty when it was only peeked at."""
    inserted: datetime | None = None
    """When it came onto the queue: aware, UTC; None when that is not known."""


class ChangeIntake(Protocol):
    """The change queue, for whoever works its messages off; a queue that does not exist is an empty one."""

    async def peek(self) -> Sequence[QueuedMessage]:
        """The first 32 visible messages at most; they stay visible."""

    async def take(self, hidden_seconds: int) -> Sequence[QueuedMessage]:
        """Up to 32 messages, hidden from everybody else for so long; none when none is visible."""

    async def delete(self, message: QueuedMessage) -> None:
        """Delete a taken message; one that is gone, or that somebody else has taken since, is left alone."""


@dataclass(frozen=True, slots=True)
class PoisonMessage:
    """A message that lies on the poison queue."""

    message_id: str
    text: str
    receipt: str = ""
    """Allows to delete or release it; empty when it was only peeked at."""
    inserted: datetime | None = None
    """When it came onto the poison queue: aware, UTC; None when that is not known."""
    expires: datetime | None = None
    """When Storage deletes it by itself: aware, UTC; None when it never does."""
    is_base64: bool = True
    """Whether its body is Base64, as all bodies of this app are; if not, the text is the body as it is."""


class PoisonQueue(Protocol):
    """The poison queue, for people; a queue that does not exist is an empty one."""

    async def peek(self) -> Sequence[PoisonMessage]:
        """The first 32 messages at most; they stay visible."""

    async def take(self, hidden_seconds: int) -> Sequence[PoisonMessage]:
        """Up to 32 messages, hidden from everybody else for so long; none when nothing is left."""

    async def delete(self, message: PoisonMessage) -> None:
        """Delete a taken message; one that is gone, or that somebody else has taken since, is left alone."""

    async def put(self, message: str, reason: str, moment: datetime) -> None:
        """Put a message's text there as a dead letter that never expires, given up at that moment."""

    async def release(self, message: PoisonMessage) -> None:
        """Make a taken message visible again at once; one that is gone is left alone, as with `delete`."""


@dataclass(frozen=True, slots=True)
class QueueDepths:
    """How many messages there are, hidden ones included; Storage counts approximately."""

    changes: int
    poison: int


@dataclass(frozen=True, slots=True)
class QueueState:
    """How full the queues are; moments are aware, UTC."""

    changes: int
    """Hidden messages included; Storage counts approximately."""
    poison: int
    oldest_change: datetime | None = None
    """When the oldest visible message was put on the queue; None when none is visible."""
    oldest_poison: datetime | None = None


class QueueGauge(Protocol):
    """How full the queues are."""

    async def depths(self) -> QueueDepths:
        """Both depths; a queue that does not exist yet is empty."""


class QueueStates(Protocol):
    """How full the queues are, and for how long their messages have waited."""

    async def state(self) -> QueueState:
        """The state of both; a queue that does not exist yet is empty."""
