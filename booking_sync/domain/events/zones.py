"""Turns Dataverse's UTC instants into the wall-clock times that Outlook is given.

The zone's rules come from the IANA database, the names that Graph is sent are the Windows ones, which every
mailbox knows (Graph documents Windows names and a subset of IANA's). Exchange reads a wall-clock time by the
rules of the Windows zone. Where those are known to differ from the configured zone's, the time is written in
UTC; where they turn out to differ, `sync.booking.zone_differences` sees to it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from tzlocal.windows_tz import tz_win, win_tz

from booking_sync.domain.events.event import EventContent, EventTime

UTC_NAME = "UTC"

_ALIASES = {
    "CST6CDT": "America/Chicago",
    "EST5EDT": "America/New_York",
    "MST7MDT": "America/Denver",
    "PST8PDT": "America/Los_Angeles",
    "US/East-Indiana": "America/Indiana/Indianapolis",
    "Europe/Uzhgorod": "Europe/Kyiv",
    "Europe/Zaporozhye": "Europe/Kyiv",
    "GMT": "Etc/UTC",
}
"""Links of the IANA database that CLDR gives no Windows name, to the zones that have one."""
_NOT_A_PLACE = frozenset({"Factory", "localtime"})
"""Names in the database that stand for whatever the machine is set to, or for nothing."""


class UnknownZoneError(ValueError):
    """The name is neither an IANA nor a Windows zone name."""


@dataclass(frozen=True, slots=True)
class EventZone:
    """The zone that events are written in."""

    graph_name: str
    rules: tzinfo
    exchange_rules: tzinfo
    """Those of the Windows zone, as the IANA database has them."""

    def write(self, start: datetime, end: datetime) -> tuple[EventTime, EventTime]:
        """The two ends of an event as Graph wants them.

        An hour that the clocks pass twice in autumn names two instants, and a wall-clock time without offset
        can't say which: such an event is written in UTC instead. So is one at a time when the Windows zone
        that carries the name has other rules than the configured one.

        Args:
            start: aware.
            end: aware.
        """
        if not (self._is_certain(start) and self._is_certain(end)):
            return _event_time(start, UTC, UTC_NAME), _event_time(end, UTC, UTC_NAME)
        return (
            _event_time(start, self.rules, self.graph_name),
            _event_time(end, self.rules, self.graph_name),
        )

    def instant(self, time: EventTime) -> datetime:
        """The moment that `write` wrote, in UTC and whole seconds."""
        rules = UTC if time.time_zone == UTC_NAME else self.rules
        return datetime.fromisoformat(time.date_time).replace(tzinfo=rules).astimezone(UTC)

    def in_utc(self, content: EventContent) -> EventContent:
        """The same event with its times in UTC, which nobody can read in two ways."""
        return replace(
            content,
            start=_event_time(self.instant(content.start), UTC, UTC_NAME),
            end=_event_time(self.instant(content.end), UTC, UTC_NAME),
        )

    def _is_certain(self, moment: datetime) -> bool:
        local = moment.astimezone(self.rules)
        readings = {
            local.replace(tzinfo=rules, fold=fold).utcoffset()
            for rules in (self.rules, self.exchange_rules)
            for fold in (0, 1)
        }
        return readings == {local.utcoffset()}


@dataclass(frozen=True, slots=True)
class ZoneDifference:
    """Exchange read a wall-clock time at another instant than was meant."""

    zone: str
    """Its Windows name."""
    meant: datetime
    """Aware, UTC."""
    minutes: int
    """How much later than meant Exchange read it; negative: earlier."""
    seen: datetime
    """Aware, UTC: when it was noticed."""


def event_zone(name: str) -> EventZone:
    """The zone with this IANA or Windows name.

    A zone of the IANA database that has no Windows name is written in UTC.

    Raises:
        UnknownZoneError: there is no such zone.
    """
    if name.upper() in (UTC_NAME, "ETC/UTC"):
        return _UTC
    windows = name if name in win_tz else tz_win.get(_ALIASES.get(name, name), "")
    try:
        if name and windows == UTC_NAME:
            return _UTC
        if name and windows:
            iana = win_tz.get(name) or _ALIASES.get(name, name)
            return EventZone(windows, ZoneInfo(iana), ZoneInfo(win_tz[windows]))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UnknownZoneError(_unknown(name)) from error
    if name not in _NOT_A_PLACE and name in available_timezones():
        return _UTC
    raise UnknownZoneError(_unknown(name))


@lru_cache(maxsize=1_000)
def zone_of(name: str) -> EventZone | None:
    """The zone that a person's mailbox names; None for no zone's name, such as one that somebody made up."""
    try:
        return event_zone(name)
    except UnknownZoneError:
        return None


def describe_differences(differences: tuple[ZoneDifference, ...]) -> tuple[str, ...]:
    """The differences in words for an operator, one sentence for each zone and size."""
    days: dict[tuple[str, int], list[str]] = {}
    for each in sorted(differences, key=lambda each: each.meant):
        days.setdefault((each.zone, each.minutes), []).append(each.meant.date().isoformat())
    return tuple(
        f"Exchange reads {zone} {_amount(minutes)} differently on {_span(found)} than this app does: events "
        "around that time are written in UTC, and are right. If the law of the zone has changed, update the "
        "app's package tzdata."
        for (zone, minutes), found in days.items()
    )


def _amount(minutes: int) -> str:
    return "an hour" if abs(minutes) == 60 else f"{abs(minutes)} minutes"  # noqa: PLR2004 - minutes of an hour


def _span(days: list[str]) -> str:
    first, last = days[0], days[-1]
    return first if first == last else f"days from {first} to {last}"


def _unknown(name: str) -> str:
    return f"{name!r} is neither an IANA nor a Windows time zone name"


def _event_time(moment: datetime, rules: tzinfo, name: str) -> EventTime:
    local = moment.astimezone(rules).replace(tzinfo=None)
    return EventTime(local.isoformat(timespec="seconds"), name)


_UTC = EventZone(UTC_NAME, UTC, UTC)
