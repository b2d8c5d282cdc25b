"""What templates may name: text from Dataverse, cleaned of what no service should be sent, and cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

from booking_sync.domain.bookings.booking import Address, Booking, WorkOrder
from booking_sync.domain.events.event_text.links import booking_url, map_url, one_line_address
from booking_sync.domain.events.event_text.values import (
    LINE_MAX_CHARACTERS,
    TEXT_MAX_CHARACTERS,
    value_text,
)
from booking_sync.domain.text import clean_line, clean_lines

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from booking_sync.domain.events.event_text.values import Wording

BUILT_IN_NAMES = (
    "account",
    "address",
    "arrival",
    "booking_name",
    "booking_url",
    "contact",
    "duration",
    "incident_type",
    "instructions",
    "map_url",
    "phone",
    "priority",
    "status",
    "summary",
    "travel",
    "work_order_number",
    "work_order_type",
)
"""Known to every template. A column that is called so by an administrator takes its place; `phone` is empty
otherwise."""


def names_of(
    booking: Booking,
    work_order: WorkOrder,
    wording: Wording,
    *,
    dataverse_url: str,
    map_link: str,
    columns: Sequence[str],
) -> dict[str, str]:
    """The names and their texts.

    Args:
        booking: as it was read.
        work_order: its work order, cleaned.
        wording: for dates, times and choices.
        dataverse_url: base URL of the link to the booking, without a trailing slash.
        map_link: a map's address with `{address}` in it.
        columns: the names of the columns that an administrator chose.
    """
    address = one_line_address(work_order.address)
    return {
        "account": work_order.account_name,
        "address": address,
        "arrival": _arrival(booking.arrival, booking.start, wording),
        "booking_name": clean_line(booking.name, LINE_MAX_CHARACTERS),
        "booking_url": booking_url(dataverse_url, booking.id),
        "contact": work_order.contact,
        "duration": _duration(booking.start, booking.end, wording),
        "incident_type": work_order.incident_type,
        "instructions": work_order.instructions,
        "map_url": map_url(map_link, address),
        "phone": "",
        "priority": work_order.priority,
        "status": clean_line(booking.status.name, LINE_MAX_CHARACTERS) if booking.status else "",
        "summary": work_order.summary,
        "travel": wording.span(booking.travel_minutes or 0),
        "work_order_number": work_order.number,
        "work_order_type": work_order.type,
        **dict.fromkeys(columns, ""),
        **{name: value_text(value, wording) for name, value in booking.values.items()},
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
        priority=clean_line(order.priority, LINE_MAX_CHARACTERS),
        type=clean_line(order.type, LINE_MAX_CHARACTERS),
        incident_type=clean_line(order.incident_type, LINE_MAX_CHARACTERS),
        contact=clean_line(order.contact, LINE_MAX_CHARACTERS),
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


def _arrival(arrival: datetime | None, start: datetime | None, wording: Wording) -> str:
    """The time of day; with its date when that is another than the start's."""
    if arrival is None:
        return ""
    same_day = start is not None and wording.local(arrival).date() == wording.local(start).date()
    return wording.clock(arrival) if same_day else wording.moment(arrival)


def _duration(start: datetime | None, end: datetime | None, wording: Wording) -> str:
    return wording.span(round((end - start).total_seconds() / 60)) if start and end else ""
