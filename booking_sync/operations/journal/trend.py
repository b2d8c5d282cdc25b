"""What happened when: counted, in small slots, so that the page can show a day and a week. Pure.

An instance counts by the quarter of an hour, for a day. What all instances counted is put together by the
hour, and kept for a week in one text: closed hours only, each made anew from what every instance has, so
that doing it twice changes nothing and an instance that was killed loses its last seconds. A week is 168
hours of some hundred bytes.

How long changes took is kept as counts between fixed bounds, since those can be added up, which medians
can't. A percentile is read off them: no finer than the bounds, which are about a third apart where it
matters.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from booking_sync.domain.ids import read_moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

QUARTER: Final = timedelta(minutes=15)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
WEEK: Final = timedelta(days=7)
BOUNDS: Final = (
    0.5,
    0.75,
    1.0,
    1.5,
    2.0,
    3.0,
    4.0,
    6.0,
    8.0,
    12.0,
    20.0,
    30.0,
    60.0,
    120.0,
    300.0,
    900.0,
    3600.0,
)
"""Seconds; a change that took longer than the last is in one more place."""
PLACES: Final = len(BOUNDS) + 1
THROTTLED: Final = "throttled"
"""In a slot's counts: changes that were put back because a service asked to wait."""
MAX_SLOTS: Final = 200
_SETTLED: Final = timedelta(minutes=10)
"""How long after an hour's end every instance that lives has written what it counted in it."""


@dataclass(frozen=True, slots=True)
class Slot:
    """What was counted from a moment on."""

    start: datetime
    """Aware, UTC."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """By outcome, an `OutcomeKind`'s value, and `THROTTLED`."""
    lags: tuple[int, ...] = ()
    """How many changes took how long, by place between `BOUNDS`; empty where none is known."""

    @property
    def changes(self) -> int:
        """Changes that were dealt with."""
        return sum(self.counts.get(each, 0) for each in ("synced", "unchanged", "skipped", "failed"))


def noted(slot: Slot, outcome: str, lag: float | None, *, throttled: bool) -> Slot:
    """The slot with one more outcome.

    Args:
        slot: before.
        outcome: an `OutcomeKind`'s value.
        lag: seconds from the change to its event; None where that says nothing.
        throttled: it was put back because a service asked to wait.
    """
    counts = {**slot.counts, outcome: slot.counts.get(outcome, 0) + 1}
    if throttled:
        counts[THROTTLED] = counts.get(THROTTLED, 0) + 1
    if lag is None:
        return Slot(slot.start, counts, slot.lags)
    lags = list(slot.lags or (0,) * PLACES)
    lags[bisect_left(BOUNDS, lag)] += 1
    return Slot(slot.start, counts, tuple(lags))


def begin_of(moment: datetime, width: timedelta) -> datetime:
    """When the slot of this width begins that the moment lies in.

    Args:
        moment: aware.
        width: a part of a day.
    """
    day = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day + (moment - day) // width * width


def gathered(slots: Iterable[Slot], width: timedelta) -> tuple[Slot, ...]:
    """The slots added up to this width, the first first."""
    found: dict[datetime, Slot] = {}
    for each in slots:
        start = begin_of(each.start, width)
        found[start] = _sum(found.get(start, Slot(start)), each)
    return tuple(found[start] for start in sorted(found))


def closed_hours(slots: Iterable[Slot], now: datetime) -> tuple[Slot, ...]:
    """The hours of the last day of which nothing more will be heard, by what all instances have now."""
    since = begin_of(now - DAY, HOUR) + HOUR
    return tuple(
        each for each in gathered(slots, HOUR) if each.start >= since and each.start + HOUR + _SETTLED <= now
    )


def kept(known: Iterable[Slot], newer: Iterable[Slot], now: datetime) -> tuple[Slot, ...]:
    """A week of hours; what is newer counts for its hour."""
    hours = {each.start: each for each in known} | {each.start: each for each in newer}
    return tuple(hours[start] for start in sorted(hours) if start > now - WEEK - HOUR)


def percentile(slots: Iterable[Slot], part: float) -> float | None:
    """Within how many seconds this part of all changes was in Outlook; None when none is known.

    Args:
        slots: of the time that counts.
        part: 0.5 for the median.
    """
    places = [0] * PLACES
    for each in slots:
        for place, count in enumerate(each.lags):
            places[place] += count
    total = sum(places)
    if not total:
        return None
    below, wanted = 0, part * total
    for place, count in enumerate(places):
        if count and below + count >= wanted:
            low = BOUNDS[place - 1] if place else 0.0
            high = BOUNDS[min(place, len(BOUNDS) - 1)]
            return low + (high - low) * (wanted - below) / count
        below += count
    return BOUNDS[-1]


def encode_slots(slots: Sequence[Slot]) -> str:
    """The slots as JSON text."""
    return json.dumps([slot_json(each) for each in slots], separators=(",", ":"))


def decode_slots(text: str) -> tuple[Slot, ...]:
    """The slots that `encode_slots` wrote; none for any other text."""
    try:
        return read_slots(json.loads(text))
    except (ValueError, RecursionError):
        return ()


def slot_json(slot: Slot) -> dict[str, Any]:
    """One slot as JSON values."""
    return {"start": slot.start.isoformat(), "counts": dict(slot.counts), "lags": list(slot.lags)}


def read_slots(found: object) -> tuple[Slot, ...]:
    """The slots of which `slot_json` made these values; none for anything else."""
    try:
        return tuple(_slot(each) for each in found[:MAX_SLOTS])  # type: ignore[index]  # what has no index raises TypeError
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return ()


def _slot(found: Mapping[str, Any]) -> Slot:
    start = read_moment(found["start"])
    lags = tuple(int(each) for each in found["lags"])
    if start is None or len(lags) not in (0, PLACES):
        raise ValueError("no slot of this version")
    return Slot(start, {str(name): int(count) for name, count in found["counts"].items()}, lags)


def _sum(one: Slot, other: Slot) -> Slot:
    names = {**one.counts, **other.counts}
    counts = {name: one.counts.get(name, 0) + other.counts.get(name, 0) for name in names}
    if not (one.lags and other.lags):
        return Slot(one.start, counts, one.lags or other.lags)
    return Slot(one.start, counts, tuple(a + b for a, b in zip(one.lags, other.lags, strict=True)))
