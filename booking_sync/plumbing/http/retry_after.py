"""How long an answer asks us to stay away: `Retry-After`, read the same for every service.

The header comes from whoever answered, be it a gateway or a broken proxy, and the app obeys it by silence. So
it is never believed beyond a bound, and what is no such header at all counts as none: then callers use a
delay of their own.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz
from typing import Any, Final

LONGEST_SECONDS: Final = 3600.0
"""What is obeyed at most.

The services count over five minutes (Dataverse: "Service protection API limits") or ten (Graph, for Outlook);
Entra, Key Vault and Storage over seconds. An hour leaves room for maintenance. Asking again after an hour
costs a service one request; a garbled header that is obeyed for a day costs people their calendars.
"""

_SECONDS = re.compile(r"[0-9]+(?:\.[0-9]+)?")
"""RFC 9110 allows whole seconds; Graph sends fractions too. `float` alone would take `inf` and `1_0`."""
_LONGEST_DATE = 64
_LAST_YEAR = 9999


def read_retry_after(text: str | None, now: datetime) -> float | None:
    """Seconds to wait, from 0 to `LONGEST_SECONDS`; None when there is no readable header.

    Args:
        text: the header's value: seconds, or a date in one of HTTP's forms (RFC 9110, 5.6.7).
        now: aware; what a date is compared with.
    """
    value = (text or "").strip(" \t")
    if _SECONDS.fullmatch(value):
        return min(float(value), LONGEST_SECONDS)
    return _until(value, now)


def read_http_date(text: str) -> datetime | None:
    """The moment of a date in one of HTTP's forms (RFC 9110, 5.6.7); None for what is none.

    Without a zone it is UTC, as in the oldest of the forms.
    """
    parts = _date_parts(text)
    if parts is None:
        return None
    year, month, day, hour, minute, second = parts[:6]
    try:
        zone = timezone(timedelta(seconds=parts[9])) if parts[9] else UTC
        return datetime(year, month, day, hour, minute, second, tzinfo=zone)
    except (ValueError, OverflowError):
        return None


def _date_parts(text: str) -> tuple[Any, ...] | None:
    if not text.isascii() or len(text) > _LONGEST_DATE:
        return None
    try:
        return parsedate_tz(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _until(value: str, now: datetime) -> float | None:
    parts = _date_parts(value)
    if parts is not None and parts[0] > _LAST_YEAR:
        return LONGEST_SECONDS  # further away than a date can say
    moment = read_http_date(value)
    if moment is None:
        return None
    return min(max((moment - now).total_seconds(), 0.0), LONGEST_SECONDS)
