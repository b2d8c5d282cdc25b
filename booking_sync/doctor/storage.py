"""Judges queues and timers. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from booking_sync.doctor.report import Area, CheckResult, CheckStatus
from booking_sync.domain.findings import queues, timers
from booking_sync.domain.findings.finding import FindingTopic, Severity
from booking_sync.domain.timers import Timer, overdue_remedy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from booking_sync.domain.findings.finding import AppFinding
    from booking_sync.domain.timers import TimerRun, TimerState
    from booking_sync.ports.platform.queues import QueueState

_WORKER = (
    "See whether the function app runs and what it says: `az functionapp show --name <app> --resource-group "
    "<group> --query state`, and its log stream. It needs the settings that were checked here."
)
_POISON = "`booking-sync poison list` says why, `booking-sync poison replay` tries them again."

_WEBHOOK = (
    "What this report says of the webhook comes first; `booking-sync provision` mends its registration."
)
_COLUMNS_CAME = (
    "If `booking-sync provision` has made them since, the next catch-up goes on by itself: look again then."
)
_NEVER_SEEN = "Ask the app for its health (docs/operations.md), and it notes that it runs; then look again."


def judge_queues(state: QueueState, now: datetime) -> Iterator[CheckResult]:
    """Whether messages are worked on, and whether some were given up."""
    yield _changes(state, now)
    found = tuple(queues.given_up(state.poison, state.oldest_poison))
    for finding in found:
        since = f" The oldest came {_span(now - finding.since)} ago." if finding.since else ""
        yield CheckResult(Area.STORAGE, "poison queue", _status(finding), f"{finding.words}{since}", _POISON)
    if not found:
        yield CheckResult(Area.STORAGE, "poison queue", CheckStatus.OK, "empty")


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
    for finding in timers.overdue(state):
        return result(_status(finding), finding.words + cause, finding.remedy)
    if run is None and state.due is None:
        words = "none is known, nor since when the app runs: it has noted neither in its journal"
        return result(CheckStatus.SKIPPED, words, f"{_NEVER_SEEN} {overdue_remedy(state.timer)}")
    if run is None:
        return result(CheckStatus.OK, f"none yet: the first is due {state.due:%Y-%m-%d %H:%M} UTC")
    if is_catch_up and (run.succeeded is None or now - run.succeeded > look_back):
        if run.succeeded is None and _lacked_columns(run):
            words = f"none succeeded yet: the columns were missing {_span(now - run.finished)} ago"
            return result(CheckStatus.WARNING, words, _COLUMNS_CAME)
        words = f"none has succeeded for {_span(now - run.succeeded)}" if run.succeeded else "none succeeded"
        return result(CheckStatus.ERROR, words + cause, _WORKER)
    return result(*_last_run(state.timer, run, now))


def _lacked_columns(run: TimerRun) -> bool:
    """The app ran before `provision` did."""
    return any(each.topic is FindingTopic.COLUMNS for each in timers.failed(Timer.CATCH_UP, run))


def _last_run(timer: Timer, run: TimerRun, now: datetime) -> tuple[CheckStatus, str, str]:
    """How a run that came in time ended, and what it found that had not arrived."""
    ago = f"{_span(now - run.finished)} ago"
    for finding in timers.failed(timer, run):
        return _status(finding), f"failed {ago}: {run.problem}", finding.remedy
    for finding in timers.missed(run) if timer is Timer.CATCH_UP else ():
        return _status(finding), f"succeeded {ago}. {finding.words}", _WEBHOOK
    return CheckStatus.OK, f"succeeded {ago}", ""


def _status(finding: AppFinding) -> CheckStatus:
    return CheckStatus.ERROR if finding.severity is Severity.FAILING else CheckStatus.WARNING


def _changes(state: QueueState, now: datetime) -> CheckResult:
    words = f"reachable, {state.changes} {_messages(state.changes)}" if state.changes else "reachable, empty"
    if state.oldest_change is None or not queues.waits_too_long(state.oldest_change, now):
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
