"""Ids and moments as texts, read in one place. Pure.

Services and our own messages write them in one form each, and anything else there is a mistake: `read_…`.
People paste them from wherever they see them: `typed_…`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from booking_sync.domain.text import trim

NO_GUID = "00000000-0000-0000-0000-000000000000"
"""What .NET's services write for "none"."""

_GUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_TYPED_GUID = re.compile(
    r"(?:urn:uuid:)?(?P<open>[{(])?([0-9a-f]{8})(-?)([0-9a-f]{4})\3([0-9a-f]{4})\3([0-9a-f]{4})\3([0-9a-f]{12})"
    r"(?(open)[})])",
    re.IGNORECASE | re.ASCII,
)
_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?"
_MOMENT = re.compile(rf"{_TIME}(?:Z|[+-][0-9]{{2}}:[0-9]{{2}})")
_WALL_CLOCK = re.compile(_TIME)


def read_guid(value: object) -> str | None:
    """The GUID that a service or a message names, in lower case; None when that is none.

    Five groups of hexadecimal digits with hyphens, as Dataverse and Graph write it: no braces, no prefix.
    """
    return value.lower() if isinstance(value, str) and _GUID.fullmatch(value) else None


def typed_guid(text: str) -> str | None:
    """The GUID that a person names, in lower case; None when that is none.

    Also in braces or brackets, without hyphens, or as `urn:uuid:`; what can't be seen around it is ignored.
    """
    match = _TYPED_GUID.fullmatch(trim(text))
    return "-".join(match.group(2, 4, 5, 6, 7)).lower() if match else None


def read_moment(value: object) -> datetime | None:
    """The moment that a service or a message names, in UTC; None when that is none.

    ISO 8601 with seconds and an offset, as Dataverse writes it and `datetime.isoformat`. Of a fraction six
    digits are read. A moment that UTC has before the year 1 or after 9999 is none.
    """
    return _moment(value) if isinstance(value, str) and _MOMENT.fullmatch(value) else None


def read_utc_time(value: object) -> datetime | None:
    """The moment of a time that is known to be in UTC and does not say so, as Graph writes it; else None."""
    return _moment(value) if isinstance(value, str) and _WALL_CLOCK.fullmatch(value) else None


def typed_moment(text: str) -> datetime | None:
    """The moment that a person names, in UTC; None when that is none.

    Whatever ISO 8601 allows. Without an offset it is UTC, without a time it is midnight.
    """
    text = trim(text)
    return _moment(text) if text.isascii() else None


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
