"""Judges queues and timers. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from booking_sync.doctor.report import Area, CheckResult, CheckStatus
from booking_sync.domain.arrival import missed_words
from booking_sync.domain.timers import Timer, overdue_remedy, overdue_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from booking_sync.domain.timers import TimerRun, TimerState
    from booking_sync.ports.diagnosis import QueueState

LONGEST_WAIT = timedelta(minutes=10)
"""A visible message is taken within seconds by an app that runs; a cold start takes less than a minute."""

_WORKER = (
    "See whether the function app runs and what it says: `az functionapp show --name <app> --resource-group "
    "<group> --query state`, and its log stream. It needs the settings that were checked here."
)
_POISON = "`booking-sync poison list` says why, `booking-sync poison replay` tries them again."

_WEBHOOK = (
    "What this report says of the webhook comes first; `booking-sync provision` mends its registration."
)
_NEVER_SEEN = "Ask the app for its health (docs/operations.md), and it notes that it runs; then look again."


def judge_queues(state: QueueState, now: datetime) -> Iterator[CheckResult]:
    """Whether messages are worked on, and whether some were given up."""
    yield _changes(state, now)
    if not state.poison:
        yield CheckResult(Area.STORAGE, "poison queue", CheckStatus.OK, "empty")
        return
    since = f", the oldest for {_span(now - state.oldest_poison)}" if state.oldest_poison else ""
    words = f"{state.poison} given-up {_messages(state.poison)}{since}"
    yield CheckResult(Area.STORAGE, "poison queue", CheckStatus.WARNING, words, _POISON)


def judge_timer(state: TimerState, run: TimerRun | None, now: datetime, look_back: timedelta) -> CheckResult:
    """Whether a timer runs as its schedule says, and how its last run ended.

    Args:
        state: how it stands.
        run: its last one.
        now: aware.
        look_back: how long a catch-up's success may be ago.
    """
    is_catch_up = state.timer is Timer.CATCH_UP

    def result(status: CheckStatus, words: str, remedy: str = "") -> CheckResult:
        return CheckResult(Area.STORAGE, f"last {state.timer}", status, words, remedy)

    cause = f"; the last one failed: {run.problem}" if run and run.problem else ""
    if state.is_overdue:
        # As health has it: without catch-ups changes get lost, without audits they are found later.
        status = CheckStatus.ERROR if is_catch_up else CheckStatus.WARNING
        return result(status, overdue_words(state) + cause, overdue_remedy(state.timer))
    if run is None and state.due is None:
        words = "none is known, nor since when the app runs: it has noted neither in its journal"
        return result(CheckStatus.SKIPPED, words, f"{_NEVER_SEEN} {overdue_remedy(state.timer)}")
    if run is None:
        return result(CheckStatus.OK, f"none yet: the first is due {state.due:%Y-%m-%d %H:%M} UTC")
    if is_catch_up and (run.succeeded is None or now - run.succeeded > look_back):
        words = f"none has succeeded for {_span(now - run.succeeded)}" if run.succeeded else "none succeeded"
        return result(CheckStatus.ERROR, words + cause, _WORKER)
    return result(*_last_run(run, now, missed_words(run) if is_catch_up else ""))


def _last_run(run: TimerRun, now: datetime, missed: str) -> tuple[CheckStatus, str, str]:
    """How a run that came in time ended; `missed` says what it found that had not arrived."""
    ago = f"{_span(now - run.finished)} ago"
    if run.problem:
        remedy = "The next run tries again; if that fails too, mend what the reason names."
        return CheckStatus.WARNING, f"failed {ago}: {run.problem}", remedy
    if missed:
        return CheckStatus.WARNING, f"succeeded {ago}. {missed}", _WEBHOOK
    return CheckStatus.OK, f"succeeded {ago}", ""


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
