"""Service protection: Dataverse's limits per user, and its way of punishing those who go on.

Documented: 6,000 requests and 1,200 s of execution time per 5 minutes, 52 concurrent requests; a 429 carries
Retry-After, which grows while requests keep coming.
"""

from __future__ import annotations

import math
import time
from collections import deque
from typing import TYPE_CHECKING

from local.dataverse.errors import DataverseError

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.dataverse.config import Config

MAX_PENALTY_SECONDS = 300.0

_REQUESTS = (
    "0x80072322",
    "Number of requests exceeded the limit of {limit} over time window of {window} seconds.",
)
_EXECUTION = (
    "0x80072321",
    (
        "Combined execution time of incoming requests exceeded limit of {limit} milliseconds over time "
        "window of {window} seconds. Decrease number of concurrent requests or reduce the duration of "
        "requests and try again later."
    ),
)
_CONCURRENT = ("0x80072326", "Number of concurrent requests exceeded the limit of {limit}.")


class Throttle:
    """The limits of the one application user on the one web server there is."""

    def __init__(self, config: Config, clock: Callable[[], float] = time.monotonic) -> None:
        self._config = config
        self._clock = clock
        self._running = 0
        self._started: deque[float] = deque()
        self._executed: deque[tuple[float, float]] = deque()
        self._executed_seconds = 0.0
        self._blocked_until = 0.0
        self._reason = _REQUESTS

    @property
    def remaining(self) -> int:
        """Requests left in the window."""
        return max(0, self._config.max_requests - len(self._started))

    def clear(self) -> None:
        """Forget the past; requests under way stay counted."""
        self._started.clear()
        self._executed.clear()
        self._executed_seconds = 0.0
        self._blocked_until = 0.0

    def enter(self) -> float:
        """Let a request in; hand the moment returned to `leave`.

        Raises:
            DataverseError: 429 with Retry-After in whole seconds.
        """
        now = self._clock()
        self._forget(now - self._config.window_seconds)
        if now < self._blocked_until:
            longer = self._blocked_until + self._config.lengthen_seconds
            self._blocked_until = min(longer, now + MAX_PENALTY_SECONDS)
            raise self._refusal(now)
        exceeded = self._exceeded()
        if exceeded is not None:
            self._reason = exceeded
            self._blocked_until = now + self._config.retry_after_seconds
            raise self._refusal(now)
        self._running += 1
        self._started.append(now)
        return now

    def leave(self, started: float) -> None:
        """Book a request's execution time."""
        self._running -= 1
        now = self._clock()
        self._executed.append((now, now - started))
        self._executed_seconds += now - started

    def _forget(self, before: float) -> None:
        while self._started and self._started[0] < before:
            self._started.popleft()
        while self._executed and self._executed[0][0] < before:
            _end, seconds = self._executed.popleft()
            self._executed_seconds -= seconds

    def _exceeded(self) -> tuple[str, str] | None:
        if self._running >= self._config.max_concurrent:
            return _CONCURRENT
        if len(self._started) >= self._config.max_requests:
            return _REQUESTS
        if self._executed_seconds >= self._config.max_execution_seconds:
            return _EXECUTION
        return None

    def _refusal(self, now: float) -> DataverseError:
        code, text = self._reason
        limits = {
            _REQUESTS[0]: self._config.max_requests,
            _EXECUTION[0]: round(self._config.max_execution_seconds * 1000),
            _CONCURRENT[0]: self._config.max_concurrent,
        }
        message = text.format(limit=limits[code], window=round(self._config.window_seconds))
        seconds = max(1, math.ceil(self._blocked_until - now))
        return DataverseError(429, code, message, {"Retry-After": str(seconds)})
