"""What the queues tell, as findings with their remedies; pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from booking_sync.domain.findings.finding import AppFinding, FindingTopic, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from booking_sync.domain.timers import TimerRun

LONGEST_WAIT: Final = timedelta(minutes=10)
"""A visible message is taken within seconds by an app that runs; a cold start takes less than a minute."""

_GIVEN_UP: Final = (
    "See their reasons under “Messages given up” or by `booking-sync poison list`; mend, then try again."
)
_STALLED: Final = (
    "Restart the app; until then each catch-up works off a few. If that does not help, look at the Functions "
    "host's log."
)


def given_up(count: int, oldest: datetime | None) -> Iterator[AppFinding]:
    """Messages on the poison queue.

    Args:
        count: how many.
        oldest: when the oldest that was seen came there; None when that is not known.
    """
    if count:
        words = "1 message was" if count == 1 else f"{count} messages were"
        yield AppFinding(
            FindingTopic.GIVEN_UP,
            Severity.WARNING,
            f"{words} given up: see the poison queue.",
            _GIVEN_UP,
            oldest,
        )


def stalled(waiting_since: datetime | None, catch_up: TimerRun | None, now: datetime) -> Iterator[AppFinding]:
    """Whether nothing takes changes off the queue, told once.

    Args:
        waiting_since: when the oldest message that nobody takes was put on the queue; None without one.
        catch_up: the last one, which looks for this too.
        now: aware.
    """
    if waits_too_long(waiting_since, now) and waiting_since is not None:
        minutes = (now - waiting_since) // timedelta(minutes=1)
    elif catch_up and (minutes := catch_up.tally.get("waiting_minutes", 0)):
        waiting_since = catch_up.finished - timedelta(minutes=minutes)
    else:
        return
    yield AppFinding(
        FindingTopic.STALLED,
        Severity.FAILING,
        f"The platform hands out no changes: the oldest has waited on the queue for {minutes} minutes.",
        _STALLED,
        waiting_since,
    )


def waits_too_long(oldest: datetime | None, now: datetime) -> bool:
    """Whether a visible message that was put on the queue then would long be taken by an app that runs."""
    return oldest is not None and now - oldest > LONGEST_WAIT
