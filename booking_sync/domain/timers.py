"""The app's timers: what is known of their runs, and whether they run as their schedules say. Pure.

The Functions host does not load a timer whose schedule it refuses, and tells only its own log. So a timer
that never ran is judged too, from when any instance of the app was first seen. Health, the operator's page
and the doctor judge by this.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

MARGIN = timedelta(hours=1)
"""How long a run may take or be late, beside what the catch-up looks back: more than `functionTimeout`."""

NextRun = Callable[[datetime], datetime | None]
"""By a schedule, the first time after an aware moment; None when it never comes."""


class Timer(StrEnum):
    """The timers whose last runs the journal remembers."""

    CATCH_UP = "catch-up"
    AUDIT = "audit"
    NEAR_AUDIT = "near-audit"
    WATCH = "watch"
    """Sees to what Graph reports; only where the app has an address for that."""
    SWEEP = "sweep"
    """Has mailboxes swept; only where changes in Outlook go back."""


@dataclass(frozen=True, slots=True)
class TimerRun:
    """The last run of a timer's work."""

    finished: datetime
    """Aware, UTC."""
    tally: Mapping[str, int] = field(default_factory=dict)
    problem: str = ""
    """Why it failed; empty when it did not."""
    succeeded: datetime | None = None
    """When a run last succeeded: this one, or an earlier one; None when none is known."""


@dataclass(frozen=True, slots=True)
class TimerSchedules:
    """What the settings say of the timers."""

    next_runs: Mapping[Timer, NextRun]
    look_back: timedelta
    """How far back a catch-up looks."""


@dataclass(frozen=True, slots=True)
class TimerState:
    """How a timer stands; moments are aware, UTC."""

    timer: Timer
    last: datetime | None
    """When it last ended a run; None when none is known."""
    due: datetime | None
    """When it was or is due after that, or after the app was first seen; None when that is not known."""
    is_overdue: bool


def timer_state(
    timer: Timer, next_run: NextRun, run: TimerRun | None, seen_since: datetime | None, *, now: datetime
) -> TimerState:
    """How a timer stands.

    Args:
        timer: which.
        next_run: by its schedule.
        run: its last run, failed or not; None when none is known.
        seen_since: when any instance of the app was first seen; None when that is not known.
        now: aware.
    """
    last = run.finished if run else None
    reference = last or seen_since
    due = next_run(reference) if reference else None
    return TimerState(timer, last, due, is_overdue=due is not None and now > due + MARGIN)


def overdue_words(state: TimerState) -> str:
    """What is said of a timer that is overdue."""
    ran = f"last ran {state.last:%Y-%m-%d %H:%M} UTC" if state.last else "never ran since the app came up"
    due = f" and was due {state.due:%Y-%m-%d %H:%M} UTC" if state.due else ""
    return f"The {state.timer} is overdue: it {ran}{due}."


def overdue_remedy(timer: Timer) -> str:
    """What to do about it."""
    return (
        f"See whether the function {timer.replace('-', '_')} is loaded and enabled, and what the host's log "
        "says of its schedule."
    )
