"""The change queue and its poison queue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from booking_sync.domain.change import BookingChange, RelatedChange


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
