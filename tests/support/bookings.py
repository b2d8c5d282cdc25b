"""Bookings for tests: a plain one, to be varied with `dataclasses.replace`."""

from __future__ import annotations

from datetime import UTC, datetime

from booking_sync.domain.bookings.booking import (
    Address,
    BookableResource,
    Booking,
    BookingStatus,
    CommitType,
    FieldServiceStatus,
    SystemUser,
    WorkOrder,
)
from booking_sync.domain.bookings.resource_type import ResourceType

BOOKING_ID = "0d7c1f57-3b1e-4c8e-9a55-2f6f0d6b1a01"
ORGANIZATION_ID = "5b2d9f0e-7a4c-4f44-8a3c-0f6f3f1f7a10"
ANNA = "a0000000-0000-4000-8000-00000000000a"
BERT = "b0000000-0000-4000-8000-00000000000b"

SCHEDULED = BookingStatus("Scheduled", CommitType.COMMITTED, FieldServiceStatus.SCHEDULED)
TRAVELING = BookingStatus("Traveling", CommitType.COMMITTED, FieldServiceStatus.TRAVELING)
PROPOSED = BookingStatus("Proposed", CommitType.PROPOSED)
CANCELED = BookingStatus("Canceled", CommitType.CANCELED, FieldServiceStatus.CANCELED)


def technician(mailbox: str | None, *, disabled: bool = False) -> BookableResource:
    """A resource that is a user."""
    return BookableResource(ResourceType.USER, SystemUser(mailbox, disabled))


def booking(booking_id: str = BOOKING_ID, mailbox: str = ANNA) -> Booking:
    """A committed booking of a work order."""
    return Booking(
        id=booking_id,
        name="Boiler service",
        start=datetime(2026, 3, 2, 8, 0, tzinfo=UTC),
        end=datetime(2026, 3, 2, 10, 30, tzinfo=UTC),
        active=True,
        status=SCHEDULED,
        resource=technician(mailbox),
        work_order=WorkOrder(
            number="WO-00017",
            account_name="Adatum Bakery",
            summary="Yearly boiler service",
            address=Address(("Harbour Street 4",), "Helsinki", "", "00100", "Finland", 60.17, 24.94),
        ),
    )
