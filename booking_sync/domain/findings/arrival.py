"""Whether changes arrive by webhook, judged by what the catch-up finds. Pure.

A webhook that is registered with a wrong key or address is refused before the app hears of it. So the app
concludes it: the catch-up finds bookings that nothing had told it of, while no change comes by a webhook.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from booking_sync.domain.timers import TimerRun

MISSED: Final = "missed"
"""In a catch-up's tally: the bookings that were found behind since a change last came by webhook."""
SILENT: Final = "silent"
"""In a catch-up's tally: 1 while no change comes by webhook."""

REMEDY: Final = (
    "Run `booking-sync doctor`: it compares the webhook's registration, address and key with the app's."
)


def arrival(
    queued: int, latest: datetime | None, former: TimerRun | None, *, now: datetime, look_back: timedelta
) -> Mapping[str, int]:
    """What a catch-up's tally says of webhooks.

    Args:
        queued: bookings that this run found behind, and had not queued before.
        latest: when a change last came by webhook.
        former: the run before.
        now: aware.
        look_back: how far back a catch-up looks: what it found was changed since.
    """
    before = former.tally if former else {}
    if queued:
        silent = latest is None or latest < now - look_back
        return {MISSED: queued + (before.get(MISSED, 0) if silent else 0), SILENT: int(silent)}
    if former and before.get(SILENT) and (latest is None or latest < former.finished):
        return {MISSED: before.get(MISSED, 0), SILENT: 1}
    return {}


def needs_latest(queued: int, former: TimerRun | None) -> bool:
    """Whether `arrival` depends on when a change last came by webhook, which has to be read."""
    return queued > 0 or bool(former and former.tally.get(SILENT))


def missed_words(run: TimerRun | None) -> str:
    """What people should know about it, from the last catch-up; empty when all is well."""
    missed = run.tally.get(MISSED, 0) if run else 0
    if not run or not missed:
        return ""
    count = "1 booking was" if missed == 1 else f"{missed} bookings were"
    if run.tally.get(SILENT):
        return (
            f"No change arrives by webhook: {count} behind, and only the catch-up found that, so changes "
            "show minutes late."
        )
    return (
        f"{count} behind when the last catch-up looked: a webhook did not arrive in time, or the change has "
        "to wait for Outlook or Dynamics 365."
    )
