"""From what a person gives for a booking to its id. Pure."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, unquote, urlsplit

_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def read_booking_id(text: str) -> str | None:
    """The id in lower case; None for what names no booking.

    Args:
        text: a GUID, bare or in braces, or the address of the booking's form in Dynamics 365.
    """
    text = text.strip().lower()
    if "://" not in text:
        bare = text.strip("{}")
        return bare if _GUID.fullmatch(bare) else None
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    options = {**parse_qs(parts.query), **parse_qs(parts.fragment)}
    if options.get("etn", ["bookableresourcebooking"]) != ["bookableresourcebooking"]:
        return None
    found = unquote(options.get("id", [""])[0]).strip("{}")
    return found if _GUID.fullmatch(found) else None
