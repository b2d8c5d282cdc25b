"""What the timers' runs tell, as findings with their remedies; pure."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from booking_sync.domain.findings.arrival import REMEDY, SILENT, missed_words
from booking_sync.domain.findings.finding import AppFinding, FindingTopic, Severity
from booking_sync.domain.timers import Timer, overdue_remedy, overdue_words

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from booking_sync.domain.timers import TimerRun, TimerState

_TOPICS: Final = {
    Timer.CATCH_UP: FindingTopic.CATCH_UP,
    Timer.AUDIT: FindingTopic.AUDIT,
    Timer.NEAR_AUDIT: FindingTopic.NEAR_AUDIT,
    Timer.WATCH: FindingTopic.WATCH,
    Timer.SWEEP: FindingTopic.SWEEP,
}
_COLUMN: Final = re.compile(r"\bcolumn\b.* (does not exist|is too short)", re.IGNORECASE | re.DOTALL)
"""As the adapter of Dataverse has it; the journal leaves the name out."""
_PROVISION: Final = (
    "Run `booking-sync provision`, which makes the columns; the next run then goes on by itself."
)
_PASSES: Final = (
    "Wait for the next catch-up: it ends with one that finds nothing. If it stays, run `booking-sync doctor`."
)
_AGAIN: Final = "The next run tries again; if that fails too, mend what the reason names."


def overdue(state: TimerState) -> Iterator[AppFinding]:
    """That a timer does not run as its schedule says.

    Without catch-ups changes get lost, without audits they are found later.
    """
    if state.is_overdue:
        severity = Severity.FAILING if state.timer is Timer.CATCH_UP else Severity.WARNING
        words, remedy = overdue_words(state), overdue_remedy(state.timer)
        yield AppFinding(_TOPICS[state.timer], severity, words, remedy, state.due)


def too_few(run: TimerRun | None, look_back: timedelta | None, now: datetime) -> Iterator[AppFinding]:
    """That no catch-up has succeeded for longer than each looks back; one that never did is `overdue`'s.

    Args:
        run: the last catch-up.
        look_back: how far back each looks; None when the settings don't tell.
        now: aware.
    """
    if run is None or run.succeeded is None or look_back is None or now - run.succeeded <= look_back:
        return
    age, reach = (span // timedelta(minutes=1) for span in (now - run.succeeded, look_back))
    yield AppFinding(
        FindingTopic.CATCH_UP,
        Severity.FAILING,
        f"No catch-up has succeeded for {age} minutes, and each looks back {reach} minutes only: changes "
        "whose webhooks were lost in between wait for the audit.",
        "Check the function catch_up.",
        run.succeeded,
    )


def failed(timer: Timer, run: TimerRun | None) -> Iterator[AppFinding]:
    """That a timer's last run failed, and where columns are missing, that they are."""
    if run is None or not run.problem:
        return
    is_column = _COLUMN.search(run.problem) is not None
    yield AppFinding(
        FindingTopic.COLUMNS if is_column else _TOPICS[timer],
        Severity.WARNING,
        f"The last {timer} failed: {run.problem}",
        _PROVISION if is_column else _AGAIN,
        run.succeeded,
    )


def missed(run: TimerRun | None) -> Iterator[AppFinding]:
    """What the last catch-up found that no webhook had told."""
    if run and (words := missed_words(run)):
        yield AppFinding(
            FindingTopic.WEBHOOK, Severity.WARNING, words, REMEDY if run.tally.get(SILENT) else _PASSES
        )
