"""Settings that can be used, but not for what somebody will have meant by them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from booking_sync.plumbing import ncrontab
from booking_sync.settings.table import MAX_LOOK_BACK_MINUTES

if TYPE_CHECKING:
    from booking_sync.settings.table import Settings

_UNITS = (
    (timedelta(days=1), "days"),
    (timedelta(hours=1), "h"),
    (timedelta(minutes=1), "min"),
    (timedelta(seconds=1), "s"),
)


@dataclass(frozen=True, slots=True)
class Caution:
    """What a person should know of a setting."""

    setting: str
    """Its name."""
    words: str
    remedy: str


def cautions(settings: Settings) -> tuple[Caution, ...]:
    """All there are."""
    seldom = _seldom_catch_up(settings)
    return (seldom,) if seldom else ()


def _seldom_catch_up(settings: Settings) -> Caution | None:
    """A run looks at changes that settled and are younger than its look-back; a longer pause leaves a gap."""
    pause = ncrontab.parse(settings.catch_up_schedule).longest_pause()
    settle = timedelta(seconds=settings.catch_up_settle_seconds)
    covered = timedelta(minutes=settings.catch_up_look_back_minutes) - settle
    if pause is None or pause <= covered:
        return None
    needed = math.ceil((pause + settle) / timedelta(minutes=1))
    longer = f", or set CATCH_UP_LOOK_BACK_MINUTES to {needed} or more"
    return Caution(
        "CATCH_UP_SCHEDULE",
        f"it pauses for up to {_span(pause)}, and a run covers {_span(covered)} (CATCH_UP_LOOK_BACK_MINUTES "
        "less CATCH_UP_SETTLE_SECONDS): a change between, whose webhook is lost, waits for the audit",
        f"Let the catch-up run more often{longer if needed <= MAX_LOOK_BACK_MINUTES else ''}.",
    )


def _span(span: timedelta) -> str:
    """Its two greatest units."""
    parts = []
    for unit, name in _UNITS:
        count, span = divmod(span, unit)
        if count:
            parts.append(f"{count} {name}")
    return " ".join(parts[:2])
