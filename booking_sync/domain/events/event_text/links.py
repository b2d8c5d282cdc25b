"""Addresses that an event leads to, made of nothing but what can't lead elsewhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from booking_sync.domain.bookings.booking import Address

MAP_PLACE = "{address}"
"""Stands in a map's address for the place."""
DEFAULT_MAP_LINK = f"https://www.bing.com/maps/default.aspx?where1={MAP_PLACE}"
"""Microsoft's "Create a Custom Map URL"; phones offer their map for it."""

_TRUNK = re.compile(r"\(0\)")
_EXTENSION = re.compile(r"[^\W\d_]|[#;,*]")
_FEWEST_DIGITS, _MOST_DIGITS = 3, 20


def booking_url(dataverse_url: str, booking_id: str) -> str:
    """Where people open the booking in Dynamics 365."""
    return f"{dataverse_url}/main.aspx?pagetype=entityrecord&etn=bookableresourcebooking&id={booking_id}"


def map_url(map_link: str, address: str) -> str:
    """Where a map shows the address; empty without one.

    Args:
        map_link: a map's address with `{address}` in it.
        address: on one line.
    """
    return map_link.replace(MAP_PLACE, quote(address, safe="", errors="replace")) if address else ""


def dialled(phone: str) -> str:
    """What a phone would dial of a number as people write it; empty when that can't be told.

    An extension is left to the person: `+49 30 123-0 ext. 5` dials `+49301230`. Nobody dials the `(0)` behind
    a country's code.
    """
    text = phone.strip()
    international = text.startswith("+")
    if international:
        text = _TRUNK.sub("", text)
    digits = "".join(each for each in _EXTENSION.split(text)[0] if each in "0123456789")
    if not _FEWEST_DIGITS <= len(digits) <= _MOST_DIGITS:
        return ""
    return f"+{digits}" if international else digits


def one_line_address(address: Address) -> str:
    """The address as a map search understands it; empty when there is none."""
    town = " ".join(part for part in (address.postal_code, address.city) if part)
    return ", ".join(part for part in (*address.lines, town, address.state, address.country) if part)
