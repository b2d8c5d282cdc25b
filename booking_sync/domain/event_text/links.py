"""Addresses that an event leads to, made of nothing but what can't lead elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from booking_sync.domain.booking import Address


def booking_url(dataverse_url: str, booking_id: str) -> str:
    """Where people open the booking in Dynamics 365."""
    return f"{dataverse_url}/main.aspx?pagetype=entityrecord&etn=bookableresourcebooking&id={booking_id}"


def one_line_address(address: Address) -> str:
    """The address as a map search understands it; empty when there is none."""
    town = " ".join(part for part in (address.postal_code, address.city) if part)
    return ", ".join(part for part in (*address.lines, town, address.state, address.country) if part)
