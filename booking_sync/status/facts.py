"""What was found of one booking."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from booking_sync.domain.event import MarkedEvent
    from booking_sync.domain.plan import DesiredState
    from booking_sync.domain.record import BookingRow
    from booking_sync.operations.dead_letters import DeadLetter
    from booking_sync.ports.bookings import BookingDetails, Presence


@dataclass(frozen=True, slots=True)
class RowFacts:
    """The row, and what it asks for."""

    row: BookingRow
    details: BookingDetails
    desired: DesiredState


@dataclass(frozen=True, slots=True)
class BookingFacts:
    """All of it."""

    booking_id: str
    organization_id: str
    row: RowFacts | None
    """None when it can't be read."""
    presence: Presence
    """Whether there is a row at all."""
    calendars: Mapping[str, Sequence[MarkedEvent]] = field(default_factory=dict)
    """By mailbox that was searched: the events with the booking's marker, and the one that the row names."""
    closed: Mapping[str, str] = field(default_factory=dict)
    """By mailbox that could not be searched: why."""
    dead_letters: tuple[DeadLetter, ...] = ()
    """Messages about it among the first of the poison queue."""
