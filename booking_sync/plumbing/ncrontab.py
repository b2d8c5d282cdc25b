"""NCRONTAB schedules, read as the Functions host reads them.

A timer whose schedule the host refuses is not loaded, and only the host's log says so. Cron libraries join
the two day fields by "or", take 7 for Sunday and refuse ranges that run backwards; the host does none of
that. So this module does what `NCrontab.Signed` 3.4.0 does, the parser of the host's timers, whose answers to
400 expressions are in tests/plumbing/ncrontab.tsv. What nobody has seen it take, such as a sign in a step, is
refused.
"""

from __future__ import annotations

import re
from calendar import isleap
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CYCLE_YEARS = 400
"""After so many years the Gregorian calendar repeats itself, weekdays included."""

_NUMBER = re.compile(r"[0-9]{1,9}")
_MAX_SHOWN = 30


class NcrontabError(ValueError):
    """The host would not load a timer with this expression; the text names the field and what it takes."""


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    lowest: int
    highest: int
    names: tuple[str, ...] = ()
    """Of the values from the lowest on; each is known by its beginning, in any case."""

    def parse(self, text: str) -> tuple[int, ...]:
        """Every value that the text stands for, in order."""
        return tuple(sorted({value for entry in text.split(",") for value in self._entry(entry)}))

    def _entry(self, text: str) -> range:
        if not text:
            raise NcrontabError(
                f"{self.name} is a list with an empty place; one comma stands between two values"
            )
        body, slash, step_text = text.partition("/")
        step = self._step(step_text) if slash else 1
        if body == "*":
            return range(self.lowest, self.highest + 1, step)
        if "-" in body:
            first, last = sorted(self._value(part, text) for part in body.split("-", 1))
            return range(first, last + 1, step)
        first = self._value(body, text)
        return range(first, (self.highest if slash else first) + 1, step)

    def _step(self, text: str) -> int:
        if not _NUMBER.fullmatch(text):
            step = _shown(text) or "nothing"
            raise NcrontabError(f"{self.name} has {step} after its /; a step is a whole number")
        return max(1, int(text))

    def _value(self, text: str, entry: str) -> int:
        """A number or a name; `entry` is shown where the text is empty."""
        if _NUMBER.fullmatch(text) and self.lowest <= int(text) <= self.highest:
            return int(text)
        for number, name in enumerate(self.names, self.lowest):
            if text and name.lower().startswith(text.lower()):
                return number
        raise NcrontabError(f"{self.name} is {_shown(text or entry)}; {self._may(text)}")

    def _may(self, text: str) -> str:
        called = f" ({self.names[0]})" if self.names else ""
        bounds = f"it goes from {self.lowest}{called} to {self.highest}"
        if not self.names or text.isdigit():
            return bounds
        return f"{bounds}, or is a name such as {self.names[1]} or {self.names[1][:3].lower()}"


_FIELDS = (
    _Field("second", 0, 59),
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of month", 1, 31),
    _Field(
        "month",
        1,
        12,
        (
            *("January", "February", "March", "April", "May", "June"),
            *("July", "August", "September", "October", "November", "December"),
        ),
    ),
    _Field(
        "day of week",
        0,
        6,
        ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"),
    ),
)


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a timer runs, in UTC. Each field has its values in order; all fields have to match."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    """Of the month."""
    months: tuple[int, ...]
    weekdays: tuple[int, ...]
    """0 is Sunday."""

    @property
    def comes(self) -> bool:
        """Whether there is such a day at all; in 400 years each day of a month falls on every weekday."""
        return any(self.days[0] <= _month_length(2000, month) for month in self.months)

    def next_after(self, moment: datetime) -> datetime | None:
        """The first time later than an aware moment, in UTC and whole seconds; None when it never comes."""
        start = moment.astimezone(UTC)
        for day in self._days_from(start.date()):
            earliest = start.time() if day == start.date() else None
            if (found := self._first_time(earliest)) is not None:
                return datetime.combine(day, found, UTC)
        return None

    def longest_pause(self) -> timedelta | None:
        """The longest time between two runs that follow each other; None when it never comes."""
        days = self._longest_pause_in_days()
        if days is None:
            return None
        day = _Stretch.of(self.seconds, 1).repeated(self.minutes, 60).repeated(self.hours, 60 * 60)
        overnight = timedelta(days=days, seconds=day.first - day.last)
        return max(timedelta(seconds=day.pause), overnight)

    def _days_from(self, first: date) -> Iterator[date]:
        for year in range(first.year, min(first.year + CYCLE_YEARS, MAXYEAR) + 1):
            yield from (day for day in self._days_of(year) if day >= first)

    def _days_of(self, year: int) -> Iterator[date]:
        for month in self.months:
            for number in self.days:
                if number <= _month_length(year, month):
                    day = date(year, month, number)
                    if day.isoweekday() % 7 in self.weekdays:
                        yield day

    def _first_time(self, after: time | None) -> time | None:
        """The day's first time that is later than `after`."""
        for hour in self.hours:
            for minute in self.minutes:
                if after is not None and (hour, minute) < (after.hour, after.minute):
                    continue
                for second in self.seconds:
                    found = time(hour, minute, second)
                    if after is None or found > after:
                        return found
        return None

    def _longest_pause_in_days(self) -> int | None:
        """Over a whole cycle and the next; only 14 kinds of year differ."""
        stretches: dict[tuple[bool, int], _Stretch | None] = {}
        pause, last = 0, None
        for year in range(2000, 2000 + 2 * CYCLE_YEARS):
            start = date(year, 1, 1).toordinal()
            kind = isleap(year), start % 7
            if kind not in stretches:
                days = [day.toordinal() - start for day in self._days_of(year)]
                stretches[kind] = _Stretch.of(days, 1) if days else None
            if stretch := stretches[kind]:
                between = 0 if last is None else start + stretch.first - last
                pause, last = max(pause, stretch.pause, between), start + stretch.last
        return pause if last is not None else None


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Runs in a stretch of time: the first, the last, and the longest pause between two of them."""

    first: int
    last: int
    pause: int

    @staticmethod
    def of(moments: Sequence[int], unit: int) -> _Stretch:
        return _Stretch(0, 0, 0).repeated(moments, unit)

    def repeated(self, moments: Sequence[int], unit: int) -> _Stretch:
        """This stretch at each of these moments, which are counted in `unit`."""
        between = [(later - earlier) * unit + self.first - self.last for earlier, later in pairwise(moments)]
        return _Stretch(
            moments[0] * unit + self.first, moments[-1] * unit + self.last, max([self.pause, *between])
        )


def parse(expression: str) -> Schedule:
    """Read an expression of six fields (second, minute, hour, day of month, month, day of week).

    With five fields there is no second, and it is 0. A range that runs backwards is turned round (`22-2` is
    `2-22`), `5/15` goes from 5 to the field's end by 15, and a step of 0 is 1. That a schedule is read says
    not that it ever comes: `0 0 0 31 2 *` does not.

    Raises:
        NcrontabError: the host refuses it; the text says why.
    """
    texts = [text for text in expression.split(" ") if text]
    if len(texts) not in (len(_FIELDS), len(_FIELDS) - 1):
        tab = " separated by spaces, not tabs" if "\t" in expression else ""
        count = "1 field" if len(texts) == 1 else f"{len(texts)} fields"
        names = ", ".join(field.name for field in _FIELDS)
        raise NcrontabError(
            f"it has {count}; there are six{tab} ({names}), such as 0 */5 * * * *, or five without the second"
        )
    padded = texts if len(texts) == len(_FIELDS) else ["0", *texts]
    return Schedule(*(field.parse(text) for field, text in zip(_FIELDS, padded, strict=True)))


def _month_length(year: int, month: int) -> int:
    if month == 2:  # noqa: PLR2004 - February
        return 29 if isleap(year) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def _shown(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"
