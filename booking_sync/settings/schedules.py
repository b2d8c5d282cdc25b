"""When the settings want the app's timers to run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from booking_sync.domain.return_path.policy import Mode, ReturnPolicy
from booking_sync.domain.timers import Timer, TimerSchedules
from booking_sync.plumbing import ncrontab
from booking_sync.settings.registration import SWEEP_SCHEDULE, WATCH_SCHEDULE

if TYPE_CHECKING:
    from booking_sync.settings.table import Settings


@dataclass(frozen=True, slots=True)
class TimerSettings:
    """When timers run, and how far the catch-up looks back; a part for `load_part`."""

    catch_up_schedule: str
    audit_schedule: str
    near_audit_schedule: str
    catch_up_look_back_minutes: float
    return_policy: ReturnPolicy
    notification_url: str


def timer_schedules(settings: Settings | TimerSettings) -> TimerSchedules:
    """The schedules of those timers that there are, by checked settings."""
    schedules = {
        Timer.CATCH_UP: settings.catch_up_schedule,
        Timer.AUDIT: settings.audit_schedule,
        Timer.NEAR_AUDIT: settings.near_audit_schedule,
    }
    if settings.return_policy.path is not Mode.OFF:
        schedules[Timer.SWEEP] = SWEEP_SCHEDULE
        if settings.notification_url:
            schedules[Timer.WATCH] = WATCH_SCHEDULE
    return TimerSchedules(
        {timer: ncrontab.parse(text).next_after for timer, text in schedules.items()},
        timedelta(minutes=settings.catch_up_look_back_minutes),
    )
