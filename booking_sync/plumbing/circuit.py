"""Keeps a service that is down from being asked by thousands of messages.

Closed: everything passes. After some failures of the whole service in a row it opens: calls fail at once,
unsent, with the time that is left. Then one call at a time may try (half-open); an answer closes the circuit,
another failure opens it for about twice as long.

Why our own: purgatory 3.0 and circuitbreaker 2.1 take neither a clock nor a random number, don't grow or
spread their delay, and let everybody through who comes while they are half-open; aiobreaker was last released
in 2021, and pybreaker's asynchronous calls are Tornado's.
"""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from booking_sync.errors import TransientError
from booking_sync.plumbing import telemetry
from booking_sync.plumbing.log import log_event
from booking_sync.plumbing.telemetry import Attribute, Metric

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FAILURES_TO_OPEN = 5
FIRST_DELAY_SECONDS = 1.0
LONGEST_DELAY_SECONDS = 60.0

_logger = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Call:
    """One call that was let through; whoever makes it says how it ended, or nothing about the service."""

    era: int
    """Calls from before the circuit last opened or closed come too late to tell anything."""
    up: bool | None = None
    reason: str = ""

    def answered(self) -> None:
        """The service is there, be it with a refusal."""
        self.up = True

    def failed(self, reason: str) -> None:
        """The service as a whole does not work; the reason is for the log."""
        self.up, self.reason = False, reason


class Circuit:
    """The circuit in front of one service; used on one event loop.

    Args:
        service: its name, for reasons and the log.
        clock: seconds, never going back: the loop's `time`.
        random: a number in [0, 1), so that several instances don't come back in step.
        failures_to_open: how many in a row.
    """

    def __init__(
        self,
        service: str,
        clock: Callable[[], float],
        random: Callable[[], float],
        *,
        failures_to_open: int = FAILURES_TO_OPEN,
    ) -> None:
        self._service = service
        self._clock = clock
        self._random = random
        self._failures_to_open = failures_to_open
        self._failures = 0
        self._reason = ""
        self._openings = 0
        """In a row; 0 is closed."""
        self._delay = 0.0
        self._until = 0.0
        self._probe: Call | None = None
        self._era = 0

    @contextlib.contextmanager
    def call(self) -> Iterator[Call]:
        """Around one call to the service.

        Raises:
            TransientError: the circuit is open; `untried`, and `retry_after` is the time that is left.
        """
        call = self._admit()
        try:
            yield call
        finally:
            self._settle(call)

    def _admit(self) -> Call:
        call = Call(self._era)
        if self._openings:
            left = self._until - self._clock()
            if left > 0 or self._probe is not None:
                raise TransientError(
                    f"{self._service} is not asked for a while: {self._reason}",
                    retry_after=left if left > 0 else self._delay,
                    untried=True,
                )
            self._probe = call
        return call

    def _settle(self, call: Call) -> None:
        if call.era != self._era:
            return
        self._probe = None
        if call.up is None:
            return
        if call.up:
            self._close()
            return
        self._failures += 1
        self._reason = call.reason
        if self._openings or self._failures >= self._failures_to_open:
            self._open()

    def _open(self) -> None:
        span = min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2.0 ** min(self._openings, 16))
        self._delay = span * (0.5 + 0.5 * self._random())
        self._until = self._clock() + self._delay
        self._openings += 1
        self._era += 1
        telemetry.count(Metric.CIRCUIT_OPENINGS, 1, {Attribute.SERVICE: self._service})
        log_event(
            _logger,
            "circuit_opened",
            level=logging.WARNING,
            service=self._service,
            reason=self._reason,
            failures=self._failures,
            seconds=round(self._delay, 1),
        )

    def _close(self) -> None:
        self._failures = 0
        if self._openings:
            self._openings = 0
            self._era += 1
            log_event(_logger, "circuit_closed", service=self._service)
