"""Event times: which zone names Graph takes, and how local times become UTC and come back.

Graph documents any Windows zone name plus a list of IANA names for `dateTimeTimeZone`; other IANA names are
refused with `TimeZoneNotSupportedException`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from tzlocal.windows_tz import win_tz

from local.graph.messages import GraphError, bad_request

DOCUMENTED_IANA_NAMES = frozenset(
    Path(__file__).with_name("iana_zones.txt").read_text(encoding="ascii").split()
)
"""The names that Graph lists under the resource `dateTimeTimeZone`."""
LOCAL_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,7})?)?")


@dataclass(frozen=True)
class EventTime:
    """A moment and the zone it was written in."""

    utc: datetime
    zone: str

    @property
    def local(self) -> datetime:
        """The wall clock in the zone it was written in."""
        return self.utc.astimezone(resolve_zone(self.zone))


@lru_cache(maxsize=512)
def resolve_zone(name: str) -> ZoneInfo:
    """The zone of a Windows or a documented IANA name, spelt exactly.

    Raises:
        GraphError: 400 `TimeZoneNotSupportedException`.
    """
    if name in DOCUMENTED_IANA_NAMES:
        return ZoneInfo(name)
    if name in win_tz:
        return ZoneInfo(win_tz[name])
    raise GraphError(
        400,
        "TimeZoneNotSupportedException",
        f"A valid TimeZone value must be specified. The following TimeZone value is not supported: '{name}'.",
    )


def parse_event_time(text: str, zone: str) -> EventTime:
    """Read a local time without offset; an ambiguous one means its first occurrence.

    Raises:
        GraphError: 400 for an offset, another form, an impossible date or an unknown zone.
    """
    resolved = resolve_zone(zone)
    if not LOCAL_TIME.fullmatch(text):
        raise bad_request(f"'{text}' is no local date and time without offset.", "RequestBodyRead")
    try:
        local = datetime.fromisoformat(text[:26]).replace(tzinfo=resolved, fold=0)
        return EventTime(local.astimezone(UTC), zone)
    except (ValueError, OverflowError):
        raise bad_request(f"'{text}' is no date and time.", "RequestBodyRead") from None


def parse_query_time(text: str) -> datetime:
    """A bound of a calendar view in UTC; without offset it counts as UTC, as Graph documents.

    Raises:
        GraphError: 400 for anything that is no ISO 8601 date and time.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise bad_request(f"'{text}' is no date and time.", "ErrorInvalidParameter") from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def write_event_time(moment: datetime, zone: str) -> dict[str, str]:
    """A moment as Graph answers it: local to `zone`, with seven fractional digits."""
    local = moment.astimezone(resolve_zone(zone))
    return {"dateTime": seven_digits(local), "timeZone": zone}


def seven_digits(moment: datetime) -> str:
    """The wall clock with seven fractional digits and no offset."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "0"
