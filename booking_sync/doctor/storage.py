"""Judges queues and timers. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from booking_sync.doctor.report import Area, CheckResult, CheckStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from booking_sync.ports.diagnosis import QueueState, Timer, TimerRun

LONGEST_WAIT = timedelta(minutes=10)
"""A visible message is taken within seconds by an app that runs; a cold start takes less than a minute."""

_WORKER = (
    "See whether the function app runs and what it says: `az functionapp show --name <app> --resource-group "
    "<group> --query state`, and its log stream. It needs the settings that were checked here."
)
_POISON = "`booking-sync poison list` says why, `booking-sync poison replay` tries them again."


def judge_queues(state: QueueState, now: datetime) -> Iterator[CheckResult]:
    """Whether messages are worked on, and whether some were given up."""
    yield _changes(state, now)
    if not state.poison:
        yield CheckResult(Area.STORAGE, "poison queue", CheckStatus.OK, "empty")
        return
    since = f", the oldest for {_span(now - state.oldest_poison)}" if state.oldest_poison else ""
    words = f"{state.poison} given-up {_messages(state.poison)}{since}"
    yield CheckResult(Area.STORAGE, "poison queue", CheckStatus.WARNING, words, _POISON)


def judge_timer(
    timer: Timer, run: TimerRun | None, now: datetime, late_after: timedelta | None
) -> CheckResult:
    """How a timer's last run ended.

    Args:
        timer: which.
        run: its last one.
        now: aware.
        late_after: how long a success may be ago; None when its schedule is the deployment's own affair.
    """
    check = f"last {timer}"
    if run is None:
        words = "none noted yet: the app is new, or has run none since its journal was cleared"
        return CheckResult(Area.STORAGE, check, CheckStatus.OK, words)
    if late_after is not None and (run.succeeded is None or now - run.succeeded > late_after):
        words = f"none has succeeded for {_span(now - run.succeeded)}" if run.succeeded else "none succeeded"
        cause = f"; the last one failed: {run.problem}" if run.problem else ""
        return CheckResult(Area.STORAGE, check, CheckStatus.ERROR, words + cause, _WORKER)
    ago = f"{_span(now - run.finished)} ago"
    if run.problem:
        remedy = "The next run tries again; if that fails too, mend what the reason names."
        return CheckResult(Area.STORAGE, check, CheckStatus.WARNING, f"failed {ago}: {run.problem}", remedy)
    return CheckResult(Area.STORAGE, check, CheckStatus.OK, f"succeeded {ago}")


def _changes(state: QueueState, now: datetime) -> CheckResult:
    words = f"reachable, {state.changes} {_messages(state.changes)}" if state.changes else "reachable, empty"
    if state.oldest_change is None or now - state.oldest_change <= LONGEST_WAIT:
        return CheckResult(Area.STORAGE, "change queue", CheckStatus.OK, words)
    words += f", and nobody takes them: the oldest waits for {_span(now - state.oldest_change)}"
    return CheckResult(Area.STORAGE, "change queue", CheckStatus.ERROR, words, _WORKER)


def _messages(count: int) -> str:
    return "message" if count == 1 else "messages"


def _span(span: timedelta) -> str:
    minutes = max(0, span // timedelta(minutes=1))
    if minutes < 2 * 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 2 * 24 * 60 else f"{minutes // (24 * 60)} days"
