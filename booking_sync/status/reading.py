"""Reads what a person gives for a booking: its id, or the address of its form. Pure."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

from booking_sync.domain.ids import typed_guid
from booking_sync.domain.text import trim


def read_booking_id(text: str) -> str | None:
    """The id in lower case; None for what names no booking.

    Args:
        text: a GUID, bare or in braces, or the address of the booking's form in Dynamics 365.
    """
    text = trim(text).lower()
    if "://" not in text:
        return typed_guid(text)
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    options = {**parse_qs(parts.query), **parse_qs(parts.fragment)}
    if options.get("etn", ["bookableresourcebooking"]) != ["bookableresourcebooking"]:
        return None
    return typed_guid(unquote(options.get("id", [""])[0]))
