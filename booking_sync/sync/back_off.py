"""How long a message waits that is put back because a service could not do its work now.

When a service says how long, that is the delay: an exponential one on top would keep bookings out of step
long after the service is well again. What was deferred together is only spread a little, by how many wait.
Where nothing was said, each try waits about twice as long as the one before.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

BASE_SECONDS: Final = 2.0
CAP_SECONDS: Final = 300.0

SPREAD_SECONDS: Final = 0.5
"""The least by which messages are spread that were told the same delay."""
SPREAD_EACH_SECONDS: Final = 0.01
"""More for each message that waits: a hundred come back per second, which fill some twenty batches."""


@dataclass(frozen=True, slots=True)
class BackOff:
    """How long a put-back message waits."""

    random: Callable[[], float]
    """A number in [0, 1)."""

    def delay(self, attempt: int, asked: float | None, waiting: int = 0) -> float:
        """Seconds until the next try.

        Args:
            attempt: how many tries have failed before this one.
            asked: the seconds that the service asked for; None or 0 when it did not say.
            waiting: how many other messages wait for services as well.
        """
        if not asked:
            span = min(BASE_SECONDS * 2.0 ** min(attempt, 16), CAP_SECONDS)
            return span * (0.5 + 0.5 * self.random())
        # Never more than the delay itself, so that all are back within twice of what was asked for.
        spread = SPREAD_SECONDS + min(asked, SPREAD_EACH_SECONDS * waiting)
        return asked + spread * self.random()


@dataclass(slots=True)
class WaitingMessages:
    """How many messages this process has put back whose time has not come yet."""

    _due: list[datetime] = field(default_factory=list)

    def count(self, now: datetime) -> int:
        """As of `now` (aware)."""
        while self._due and self._due[0] <= now:
            heapq.heappop(self._due)
        return len(self._due)

    def add(self, now: datetime, delay: float) -> None:
        """One more, for `delay` seconds."""
        heapq.heappush(self._due, now + timedelta(seconds=delay))
