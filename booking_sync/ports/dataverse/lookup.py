"""Finding bookings and technicians by what people call them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from booking_sync.domain.bookings.booking import BookableResource

MAX_WORDS: Final = 100
"""Characters that are searched by; names in Dataverse are hardly longer."""

Hit = TypeVar("Hit")


@dataclass(frozen=True, slots=True)
class Found(Generic[Hit]):
    """Some of what fits; texts are as people wrote them, and not cleaned."""

    hits: tuple[Hit, ...] = ()
    more: bool = False
    """There are others."""


@dataclass(frozen=True, slots=True)
class Technician:
    """A bookable resource as people know it."""

    name: str
    resource: BookableResource
    """Its `id` is told; `domain.bookings.participation` says whose mailbox shows its bookings, if any."""
    address: str = ""
    """Its user's mail address, or else sign-in name; empty for none."""
    active: bool = True


@dataclass(frozen=True, slots=True)
class BookingHit:
    """A booking as people know it."""

    booking_id: str
    """Lower-case GUID."""
    name: str = ""
    work_order: str = ""
    """Its number; empty for none, as all the others."""
    customer: str = ""
    technician_id: str = ""
    """Of the bookable resource, a lower-case GUID."""
    technician: str = ""
    status: str = ""
    starts: datetime | None = None
    """Aware, UTC."""
    ends: datetime | None = None
    """Aware, UTC."""
    active: bool = True


class NameSearch(Protocol):
    """Finds rows by the beginning of a name or number, in whatever case; a search is a handful of requests.

    Every method may raise `TransientError` or `PermanentError`.
    """

    async def bookings(self, words: str, limit: int) -> Found[BookingHit]:
        """Bookings whose name, work order's number or customer's name begins so.

        Those that are under way or come next first, then the latest of the past.
        """

    async def booking(self, booking_id: str) -> BookingHit | None:
        """The booking with this id; None when there is none to be seen."""

    async def named(self, booking_ids: Sequence[str]) -> Mapping[str, BookingHit]:
        """By id those of these bookings that are there to be seen; 100 at most are asked for."""

    async def technicians(self, words: str, limit: int) -> Found[Technician]:
        """Bookable resources whose name holds the words, or whose user's address begins so; by name."""

    async def technician(self, resource_id: str) -> Technician | None:
        """The bookable resource with this id; None when there is none to be seen."""
