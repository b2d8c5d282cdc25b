"""What Graph counts per app and mailbox: requests in flight, and requests within a stretch of time."""

from __future__ import annotations

import contextlib
import math
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from local.graph.messages import GraphError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local.graph.config import GraphConfig


@dataclass
class MailboxMeter:
    """The counters of one mailbox."""

    in_flight: int = 0
    most_in_flight: int = 0
    concurrency_rejections: int = 0
    other_rejections: int = 0
    admitted: deque[float] = field(default_factory=deque)
    """When the requests of the current stretch were admitted, on the monotonic clock."""
    throttled_until: float = 0.0


class Limits:
    """The meters of all mailboxes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.meters: dict[str, MailboxMeter] = {}

    def meter(self, mailbox_id: str) -> MailboxMeter:
        """The counters of a mailbox, made at first use."""
        return self.meters.setdefault(mailbox_id, MailboxMeter())

    @property
    def concurrency_rejections(self) -> int:
        """How many requests of all mailboxes were one too many in flight."""
        return sum(meter.concurrency_rejections for meter in self.meters.values())

    def throttle(self, mailbox_id: str, seconds: float) -> None:
        """Refuse every request to a mailbox for some seconds from now."""
        self.meter(mailbox_id).throttled_until = self._clock() + seconds

    def clear(self) -> None:
        """Start counting anew; requests in flight keep their own meters."""
        self.meters.clear()

    @contextlib.contextmanager
    def admit(self, mailbox_id: str, config: GraphConfig) -> Iterator[None]:
        """Hold one of the mailbox's places for as long as the context lasts.

        Raises:
            GraphError: 429 `ApplicationThrottled` when a limit is reached. For concurrency `Retry-After` is
                1, whatever the truth; for the others it is exact and a fraction, as seen on real answers.
        """
        meter = self.meter(mailbox_id)
        self._check(meter, config)
        meter.admitted.append(self._clock())
        meter.in_flight += 1
        meter.most_in_flight = max(meter.most_in_flight, meter.in_flight)
        try:
            yield
        finally:
            meter.in_flight -= 1

    def _check(self, meter: MailboxMeter, config: GraphConfig) -> None:
        now = self._clock()
        while meter.admitted and meter.admitted[0] <= now - config.budget_seconds:
            meter.admitted.popleft()
        wait = meter.throttled_until - now
        if len(meter.admitted) >= config.budget_requests:
            oldest = meter.admitted[0] if meter.admitted else now
            wait = max(wait, oldest + config.budget_seconds - now)
        if wait > 0:
            meter.other_rejections += 1
            raise _throttled("RequestBudget", f"{math.ceil(wait * 1000) / 1000:.3f}")
        if meter.in_flight >= config.mailbox_concurrency:
            meter.concurrency_rejections += 1
            raise _throttled("MailboxConcurrency", "1")


def _throttled(limit: str, retry_after: str) -> GraphError:
    message = f"Application is over its {limit} limit."
    return GraphError(429, "ApplicationThrottled", message, headers={"Retry-After": retry_after})
