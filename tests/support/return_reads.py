"""What lies around a booking, as a test says it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from booking_sync.ports.dataverse.return_path import Surroundings

if TYPE_CHECKING:
    from datetime import datetime

    from booking_sync.domain.bookings.booking import Booking
    from booking_sync.domain.return_path.times import Times

CANCEL_STATUS = "c0000000-0000-4000-8000-00000000000c"


class FakeReturnReads:
    """Answers what it was given."""

    def __init__(self) -> None:
        self.around = Surroundings()
        self.cancelled = 0
        self.asked: list[str] = []
        """Whose cancellations were counted."""
        self.status = CANCEL_STATUS
        """Empty: there is none."""

    async def surroundings(self, booking: Booking, wished: Times, since: datetime) -> Surroundings:
        """See the port."""
        assert booking.resource
        assert wished.start.tzinfo
        assert since.tzinfo
        return self.around

    async def cancelled_today(self, resource_id: str, since: datetime) -> int:
        """See the port."""
        assert since.tzinfo
        self.asked.append(resource_id)
        return self.cancelled

    async def cancel_status(self) -> str:
        """See the port."""
        return self.status
