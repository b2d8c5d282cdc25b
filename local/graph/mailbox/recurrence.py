"""A series: the occurrences of its master within a stretch of time. Daily and weekly patterns only.

Documented for `recurrencePattern` and `recurrenceRange`: a weekly pattern names its days, `interval` counts
days or weeks, the range begins with `startDate` and ends by date, by number or not at all.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MOST_DAYS = 366 * 10
"""How far a series without an end is looked at."""


def occurrence_dates(recurrence: dict[str, Any], until: date) -> Iterator[date]:
    """The dates of a series from its first one up to `until`, deleted ones included.

    Args:
        recurrence: a checked `patternedRecurrence`.
        until: the last date to be looked at.
    """
    pattern, span = recurrence["pattern"], recurrence["range"]
    first = date.fromisoformat(span["startDate"])
    last = min(until, first + timedelta(days=MOST_DAYS))
    if span["type"] == "endDate":
        last = min(last, date.fromisoformat(span["endDate"]))
    left = int(span["numberOfOccurrences"]) if span["type"] == "numbered" else MOST_DAYS
    day = first
    while day <= last and left > 0:
        if _falls_on(pattern, first, day):
            left -= 1
            yield day
        day += timedelta(days=1)


def _falls_on(pattern: dict[str, Any], first: date, day: date) -> bool:
    interval = max(1, int(pattern["interval"]))
    if pattern["type"] == "daily":
        return (day - first).days % interval == 0
    days = pattern.get("daysOfWeek") or [WEEKDAYS[first.weekday()]]
    starts_on = WEEKDAYS.index(pattern.get("firstDayOfWeek", "sunday"))
    weeks = (_week_start(day, starts_on) - _week_start(first, starts_on)).days // 7
    return weeks % interval == 0 and WEEKDAYS[day.weekday()] in days


def _week_start(day: date, starts_on: int) -> date:
    return day - timedelta(days=(day.weekday() - starts_on) % 7)
