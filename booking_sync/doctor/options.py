"""What the command line asks of the doctor, and what the settings lead it to expect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from booking_sync.domain.events.event_text.columns import EventColumn
    from booking_sync.domain.timers import TimerSchedules
    from booking_sync.ports.dataverse.customizations import DesiredCustomizations


@dataclass(frozen=True, slots=True)
class DoctorOptions:
    """What the command line asks for."""

    mailboxes: tuple[str, ...] = ()
    """Entra object ids or sign-in names of people whose calendar the app should reach."""
    outside: tuple[str, ...] = ()
    """The same of people whose calendar it should not reach."""
    dry_run: bool = False
    """Write no test event."""
    signed_in_as_app: bool = True
    """Whether table definitions, steps and jobs are read as the app too."""


@dataclass(frozen=True, slots=True)
class Expectations:
    """What should be there, by the settings."""

    desired: Callable[[Sequence[EventColumn]], DesiredCustomizations]
    """By the columns that the event file names."""
    schedules: TimerSchedules
    """When timers run, and how far back each catch-up looks, and so how long a success may be missing."""
