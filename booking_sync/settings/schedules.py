"""When the settings want the app's timers to run."""

from __future__ import annotations

from datetime import timedelta

from booking_sync.domain.timers import Timer, TimerSchedules
from booking_sync.plumbing import ncrontab


def timer_schedules(*, catch_up: str, audit: str, look_back_minutes: float) -> TimerSchedules:
    """The timers' schedules.

    Args:
        catch_up: CATCH_UP_SCHEDULE, checked: NCRONTAB, UTC.
        audit: AUDIT_SCHEDULE, the same.
        look_back_minutes: how far back a catch-up looks.
    """
    return TimerSchedules(
        {
            Timer.CATCH_UP: ncrontab.parse(catch_up).next_after,
            Timer.AUDIT: ncrontab.parse(audit).next_after,
        },
        timedelta(minutes=look_back_minutes),
    )
