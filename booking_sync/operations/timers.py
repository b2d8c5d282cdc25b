"""Judges whether a timer runs as its schedule says. Pure.

The Functions host does not load a timer whose schedule it refuses, and tells only its own log. So a timer
that never ran is judged too, from when any instance of the app was first seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from booking_sync.plumbing import ncrontab

if TYPE_CHECKING:
    from datetime import datetime

    from booking_sync.operations.journal import Run, RunKind

MARGIN = timedelta(hours=1)
"""How long a run may take or be late, beside what the catch-up looks back: more than `functionTimeout`."""


@dataclass(frozen=True, slots=True)
class TimerSchedules:
    """What the settings say of the timers."""

    catch_up: str
    """NCRONTAB, UTC."""
    audit: str
    """NCRONTAB, UTC."""
    look_back: timedelta
    """How far back a catch-up looks."""


@dataclass(frozen=True, slots=True)
class TimerState:
    """How a timer stands; moments are aware, UTC."""

    kind: RunKind
    last: datetime | None
    """When it last ended a run; None when none is known."""
    due: datetime | None
    """When it was or is due after that, or after the app was first seen; None when that is not known."""
    is_overdue: bool


def timer_state(
    kind: RunKind, schedule: str, run: Run | None, seen_since: datetime | None, *, now: datetime
) -> TimerState:
    """How a timer stands.

    Args:
        kind: which.
        schedule: a checked NCRONTAB expression.
        run: its last run, failed or not; None when none is known.
        seen_since: when any instance of the app was first seen; None when that is not known.
        now: aware.
    """
    last = run.finished if run else None
    reference = last or seen_since
    due = ncrontab.parse(schedule).next_after(reference) if reference else None
    return TimerState(kind, last, due, is_overdue=due is not None and now > due + MARGIN)


def overdue_words(state: TimerState) -> str:
    """What is said of a timer that is overdue."""
    ran = f"last ran {state.last:%Y-%m-%d %H:%M} UTC" if state.last else "never ran since the app came up"
    due = f" and was due {state.due:%Y-%m-%d %H:%M} UTC" if state.due else ""
    function = state.kind.value.replace("-", "_")
    return (
        f"The {state.kind.value} is overdue: it {ran}{due}. See whether the function {function} is loaded "
        "and enabled, and what the host's log says of its schedule."
    )
