"""What templates may name: text from Dataverse, cleaned of what no service should be sent, and cut."""

from __future__ import annotations

from booking_sync.domain.booking import Address, Booking, WorkOrder
from booking_sync.domain.event_text.links import booking_url, one_line_address
from booking_sync.domain.text import clean_line, clean_lines

LINE_MAX_CHARACTERS = 255
"""Of each text of one line: names, numbers, the parts of an address."""
TEXT_MAX_CHARACTERS = 4000
"""Of a summary or of instructions, which may have a million in Dynamics 365. More than a technician reads."""


def names_of(booking: Booking, work_order: WorkOrder, dataverse_url: str) -> dict[str, str]:
    """The names and their texts.

    Args:
        booking: as it was read.
        work_order: its work order, cleaned.
        dataverse_url: base URL of the link to the booking, without a trailing slash.
    """
    return {
        "account": work_order.account_name,
        "booking_name": clean_line(booking.name, LINE_MAX_CHARACTERS),
        "work_order_number": work_order.number,
        "status": clean_line(booking.status.name, LINE_MAX_CHARACTERS) if booking.status else "",
        "summary": work_order.summary,
        "instructions": work_order.instructions,
        "address": one_line_address(work_order.address),
        "booking_url": booking_url(dataverse_url, booking.id),
    }


def clean_work_order(order: WorkOrder) -> WorkOrder:
    """The work order with texts that are fit for Outlook."""
    place = order.address
    lines = (clean_line(line, LINE_MAX_CHARACTERS) for line in place.lines)
    return WorkOrder(
        number=clean_line(order.number, LINE_MAX_CHARACTERS),
        account_name=clean_line(order.account_name, LINE_MAX_CHARACTERS),
        summary=clean_lines(order.summary, TEXT_MAX_CHARACTERS),
        instructions=clean_lines(order.instructions, TEXT_MAX_CHARACTERS),
        address=Address(
            lines=tuple(line for line in lines if line),
            city=clean_line(place.city, LINE_MAX_CHARACTERS),
            state=clean_line(place.state, LINE_MAX_CHARACTERS),
            postal_code=clean_line(place.postal_code, LINE_MAX_CHARACTERS),
            country=clean_line(place.country, LINE_MAX_CHARACTERS),
            latitude=place.latitude,
            longitude=place.longitude,
        ),
    )
