"""Turns Dataverse's UTC instants into the wall-clock times that Outlook is given.

The zone's rules come from the IANA database, the names that Graph is sent are the Windows ones, which every
mailbox knows (Graph documents Windows names and a subset of IANA's). A zone without one is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tzlocal.windows_tz import tz_win, win_tz

from booking_sync.domain.event import EventTime

UTC_NAME = "UTC"


class UnknownZoneError(ValueError):
    """The name is neither a Windows zone name nor an IANA one that has one."""


@dataclass(frozen=True, slots=True)
class EventZone:
    """The zone that events are written in."""

    graph_name: str
    rules: tzinfo

    def write(self, start: datetime, end: datetime) -> tuple[EventTime, EventTime]:
        """The two ends of an event as Graph wants them.

        An hour that the clocks pass twice in autumn names two instants, and a wall-clock time without offset
        can't say which: such an event is written in UTC instead.

        Args:
            start: aware.
            end: aware.
        """
        if self._is_ambiguous(start) or self._is_ambiguous(end):
            return _event_time(start, UTC, UTC_NAME), _event_time(end, UTC, UTC_NAME)
        return (
            _event_time(start, self.rules, self.graph_name),
            _event_time(end, self.rules, self.graph_name),
        )

    def _is_ambiguous(self, moment: datetime) -> bool:
        local = moment.astimezone(self.rules)
        return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


def event_zone(name: str) -> EventZone:
    """The zone with this IANA or Windows name.

    Raises:
        UnknownZoneError: there is no such zone, or mailboxes don't know it.
    """
    if name.upper() in (UTC_NAME, "ETC/UTC"):
        return EventZone(UTC_NAME, UTC)
    iana = win_tz.get(name, name)
    try:
        rules = ZoneInfo(iana)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UnknownZoneError(f"{name!r} is neither an IANA nor a Windows time zone name") from error
    graph_name = name if name in win_tz else tz_win.get(name)
    if graph_name is None:  # aliases such as GMT or US/East-Indiana, which no mailbox knows
        raise UnknownZoneError(f"{name!r} has no Windows name")
    return EventZone(graph_name, rules)


def _event_time(moment: datetime, rules: tzinfo, name: str) -> EventTime:
    local = moment.astimezone(rules).replace(tzinfo=None)
    return EventTime(local.isoformat(timespec="seconds"), name)
