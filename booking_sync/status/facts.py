"""What was read of one booking, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from booking_sync.domain.events.ownership import Seal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from booking_sync.domain.events.event import MarkedEvent
    from booking_sync.domain.events.event_ref import EventRef
    from booking_sync.domain.plan import DesiredState
    from booking_sync.domain.record import BookingRow
    from booking_sync.operations.dead_letters import DeadLetter
    from booking_sync.ports.dataverse.bookings import BookingDetails, Presence
    from booking_sync.status.way_back import WayBack


@dataclass(frozen=True, slots=True)
class RowFacts:
    """The row, and what Outlook should show of it."""

    row: BookingRow
    details: BookingDetails
    desired: DesiredState
    seal: Seal = Seal.NONE
    """What the seal of the record on the row says."""
    back: WayBack | None = None
    """How it stands with the way back from Outlook; None where that is off."""


@dataclass(frozen=True, slots=True)
class BookingFacts:
    """Row, events and dead letters of one booking."""

    booking_id: str
    organization_id: str
    row: RowFacts | None
    """None when it can't be read."""
    presence: Presence
    """Whether there is a row at all."""
    calendars: Mapping[str, Sequence[MarkedEvent]] = field(default_factory=dict)
    """By mailbox that was searched: the events with the booking's marker, and the one that the row names."""
    proven: Mapping[EventRef, int] = field(default_factory=dict)
    """Those of them that prove to be ours by themselves, with their generation."""
    closed: Mapping[str, str] = field(default_factory=dict)
    """By mailbox that could not be searched: why."""
    dead_letters: tuple[DeadLetter, ...] = ()
    """Those about it among the first 32 messages of the poison queue."""
