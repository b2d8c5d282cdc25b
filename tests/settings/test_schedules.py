"""Which timers there are, by the settings."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from booking_sync.domain.return_path.policy import Mode, ReturnPolicy
from booking_sync.domain.timers import Timer
from booking_sync.settings.schedules import TimerSettings, timer_schedules
from booking_sync.sync.from_outlook.rounds import EVERY

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

ALWAYS = {Timer.CATCH_UP, Timer.AUDIT, Timer.NEAR_AUDIT}
ADDRESS = "https://contoso.azurewebsites.net/api/outlook/notifications"
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def schedules(path: Mode, url: str = "") -> TimerSettings:
    """Settings with a return path."""
    return TimerSettings("0 */5 * * * *", "0 30 2 * * *", "0 10,40 * * * *", 60, ReturnPolicy(path), url)


@pytest.mark.parametrize(
    ("path", "url", "more"),
    [
        (Mode.OFF, "", set()),
        (Mode.OFF, ADDRESS, set()),
        (Mode.REPORT, "", {Timer.SWEEP}),
        (Mode.APPLY, ADDRESS, {Timer.SWEEP, Timer.WATCH}),
    ],
)
def test_timers_of_the_way_back_are_waited_for_where_there_are_any(
    path: Mode, url: str, more: AbstractSet[Timer]
) -> None:
    """Off is off: nothing is overdue that was never registered."""
    assert timer_schedules(schedules(path, url)).next_runs.keys() == ALWAYS | more


def test_sweeps_are_due_as_often_as_their_shares_reckon() -> None:
    """Else some mailboxes would have no turn."""
    due = timer_schedules(schedules(Mode.APPLY, ADDRESS)).next_runs[Timer.SWEEP]
    moments = [NOON]
    while len(moments) < 49:
        moments.append(due(moments[-1]) or NOON)
    assert {later - earlier for earlier, later in itertools.pairwise(moments[1:])} == {EVERY}
    turns = {int(each.timestamp() // EVERY.total_seconds()) for each in moments[1:]}
    assert len(turns) == 48
    assert timedelta(minutes=30) == EVERY
