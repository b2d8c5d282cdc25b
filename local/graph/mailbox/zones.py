"""Event times: which zone names Graph takes, and how local times become UTC and come back.

Graph documents any Windows zone name plus a list of IANA names for `dateTimeTimeZone`; other IANA names are
refused with `TimeZoneNotSupportedException`. A wall-clock time is read by Exchange's zone rules, which may
differ from the tz database's where a law has just changed: `ZoneRules` can be told to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tzlocal.windows_tz import win_tz

from local.graph.messages import GraphError, bad_request

if TYPE_CHECKING:
    from collections.abc import Iterable

    from local.graph.config import ZoneShift

DOCUMENTED_IANA_NAMES = frozenset(
    Path(__file__).with_name("iana_zones.txt").read_text(encoding="ascii").split()
)
"""The names that Graph lists under the resource `dateTimeTimeZone`."""
LOCAL_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,7})?)?")


@dataclass(frozen=True)
class EventTime:
    """A moment, and how it was written."""

    utc: datetime
    zone: str
    wall: datetime
    """The wall clock in that zone, without offset."""


class ZoneRules:
    """Exchange's rules: the tz database's, but for what is shifted."""

    def __init__(self, shifts: Iterable[ZoneShift] = ()) -> None:
        self._shifts = [
            (resolve_zone(each.zone).key, datetime.fromisoformat(each.since), timedelta(minutes=each.minutes))
            for each in shifts
        ]

    def read(self, text: str, zone: str) -> EventTime:
        """Read a local time without offset; an ambiguous one means its first occurrence.

        Raises:
            GraphError: 400 for an offset, another form, an impossible date or an unknown zone.
        """
        resolved = resolve_zone(zone)
        if not LOCAL_TIME.fullmatch(text):
            raise bad_request(f"'{text}' is no local date and time without offset.", "RequestBodyRead")
        try:
            return self.at(datetime.fromisoformat(text[:26]), zone, resolved)
        except (ValueError, OverflowError):
            raise bad_request(f"'{text}' is no date and time.", "RequestBodyRead") from None

    def at(self, wall: datetime, zone: str, resolved: ZoneInfo | None = None) -> EventTime:
        """The moment of a wall-clock time in a zone that is known; raises OverflowError beyond year 9999."""
        resolved = resolved or resolve_zone(zone)
        utc = wall.replace(tzinfo=resolved, fold=0).astimezone(UTC)
        for key, since, by in self._shifts:
            if key == resolved.key and utc >= since:
                utc += by
        return EventTime(utc, zone, wall)

    def write(self, moment: datetime, zone: str) -> dict[str, str]:
        """A moment as Graph answers it: local to `zone`, with seven fractional digits."""
        resolved = resolve_zone(zone)
        for key, since, by in self._shifts:
            if key == resolved.key and moment - by >= since:
                moment -= by
        return {"dateTime": seven_digits(moment.astimezone(resolved)), "timeZone": zone}


TZ_DATABASE = ZoneRules()
"""The rules without a difference."""


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


@lru_cache(maxsize=8)
def rules_of(shifts: tuple[ZoneShift, ...]) -> ZoneRules:
    """The rules with these shifts.

    Raises:
        GraphError: 400 for the name of an unknown zone.
    """
    return ZoneRules(shifts) if shifts else TZ_DATABASE


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


def seven_digits(moment: datetime) -> str:
    """The wall clock with seven fractional digits and no offset."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "0"
