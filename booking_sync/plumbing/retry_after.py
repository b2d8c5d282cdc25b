"""How long an answer asks us to stay away: `Retry-After`, read the same for every service.

The header comes from whoever answered, be it a gateway or a broken proxy, and the app obeys it by silence. So
it is never believed beyond a bound, and what is no such header at all counts as none: then callers use a
delay of their own.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz
from typing import Final

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
    return _until(value, now) if value.isascii() and len(value) <= _LONGEST_DATE else None


def _until(value: str, now: datetime) -> float | None:
    try:
        parts = parsedate_tz(value)
        if parts is None:
            return None
        if parts[0] > _LAST_YEAR:
            return LONGEST_SECONDS  # further away than a date can say
        zone = timezone(timedelta(seconds=parts[9] or 0)) if parts[9] else UTC
        seconds = (datetime(*parts[:6], tzinfo=zone) - now).total_seconds()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return min(max(seconds, 0.0), LONGEST_SECONDS)
