"""A booking that nobody has, to try on a service how bookings are shown. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from booking_sync.domain.bookings.booking import (
    Address,
    Booking,
    BookingStatus,
    CommitType,
    FieldServiceStatus,
    WorkOrder,
)

if TYPE_CHECKING:
    from datetime import datetime

SCHEDULED: Final = BookingStatus("Scheduled", CommitType.COMMITTED, FieldServiceStatus.SCHEDULED)
PROPOSED: Final = BookingStatus("Proposed", CommitType.PROPOSED)


def example_booking(
    booking_id: str, name: str, start: datetime, end: datetime, status: BookingStatus = SCHEDULED
) -> Booking:
    """A booking with everything that an event may show.

    Args:
        booking_id: a GUID that no row has.
        name: what the event is called by the built-in template, behind the customer.
        start: aware.
        end: aware.
        status: decides category and availability.
    """
    place = Address(("1 Example Street",), "Exampletown", "", "12345", "")
    order = WorkOrder("WO-0000", "Example customer", "Example", "Example", place)
    return Booking(booking_id, name, start, end, active=True, status=status, work_order=order)
