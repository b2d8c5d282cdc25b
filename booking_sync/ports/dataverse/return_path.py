"""What the way back from Outlook asks Dataverse besides the booking itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from booking_sync.domain.bookings.booking import Booking
    from booking_sync.domain.return_path.side import ProposalKind
    from booking_sync.domain.return_path.times import Times


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What stands in the way of moving a booking without asking anybody."""

    overlaps: bool = False
    """Another booking of its resource lies there."""
    outside_window: bool = False
    """The technician would arrive outside the time that the work order promises."""
    time_locked: bool = False
    """Somebody locked its time for the optimizer."""
    crew: bool = False
    """It is a crew's, whose other bookings hang on it."""
    moved_of_resource: int = 0
    """How many bookings of its resource were moved from Outlook since then; counted up to some 50."""


class ReturnReads(Protocol):
    """What is read before a booking is moved or canceled from Outlook."""

    async def surroundings(self, booking: Booking, wished: Times, since: datetime) -> Surroundings:
        """What stands in the way of a move, in one request.

        Args:
            booking: as it was read, with its resource.
            wished: where it is to be moved.
            since: the beginning of the day (UTC) for which moves are counted.
        """

    async def cancelled_today(self, resource_id: str, since: datetime) -> int:
        """How many bookings of a resource were canceled from Outlook since the beginning of that day (UTC).

        Counted up to some 50.
        """

    async def cancel_status(self) -> str:
        """The booking status that a booking gets which is canceled from Outlook; empty while none is certain.

        It is the one that the settings name, else the only active one of type Canceled.
        """


@dataclass(frozen=True, slots=True)
class ReturnedChange:
    """A booking of which somebody wanted something in Outlook, for people."""

    booking_id: str
    name: str
    resource_id: str
    """Of its bookable resource, lower case; empty when it names none."""
    resource_name: str
    mailbox: str
    """Whose calendar holds, or held, its event: an Entra object id in lower case; empty for none."""
    starts: datetime | None
    modified: datetime | None
    told: str
    """What its row tells of the last change."""
    proposal: ProposalKind | None = None
    """What waits for a dispatcher."""
    proposed: Times | None = None
    """Where the event was put, of a proposed move."""
    answered: bool = False
    """A dispatcher has said something to it, which is not carried out yet."""

    @property
    def kind(self) -> str:
        """What became of the last change, by the words on the row: a value of `Told`."""
        return self.told.partition(":")[0][len("2026-11-28 ") :]


@dataclass(frozen=True, slots=True)
class ReturnedChanges:
    """Some of them, those first that changed last."""

    changes: tuple[ReturnedChange, ...]
    more: bool
    """There are others."""


class ReturnListing(Protocol):
    """The bookings in Dataverse of which an operator should know what somebody wanted in Outlook."""

    async def changes(self, limit: int, since: datetime) -> ReturnedChanges:
        """At most `limit`: open proposals, withheld deletions, and moves that were overruled since then."""
