"""When the settings want the app's timers to run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from booking_sync.domain.timers import Timer, TimerSchedules
from booking_sync.plumbing import ncrontab

if TYPE_CHECKING:
    from booking_sync.settings.table import Settings


@dataclass(frozen=True, slots=True)
class TimerSettings:
    """When timers run, and how far the catch-up looks back; a part for `load_part`."""

    catch_up_schedule: str
    audit_schedule: str
    near_audit_schedule: str
    catch_up_look_back_minutes: float


def timer_schedules(settings: Settings | TimerSettings) -> TimerSchedules:
    """The timers' schedules, by checked settings."""
    return TimerSchedules(
        {
            Timer.CATCH_UP: ncrontab.parse(settings.catch_up_schedule).next_after,
            Timer.AUDIT: ncrontab.parse(settings.audit_schedule).next_after,
            Timer.NEAR_AUDIT: ncrontab.parse(settings.near_audit_schedule).next_after,
        },
        timedelta(minutes=settings.catch_up_look_back_minutes),
    )
