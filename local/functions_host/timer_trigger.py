"""Timer triggers: NCRONTAB schedules in UTC, one run at a time, and runs on demand.

How runs follow each other was seen on the real timer of Microsoft.Azure.WebJobs.Extensions 3.0.6. One thing
of it is left out: it remembers its runs in a blob, and makes up at its start for one that fell due while
nothing was up. Nothing is kept here from one start to the next.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from azure.functions.timer import TimerRequest

from booking_sync.plumbing import ncrontab
from local.functions_host.configuration import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from local.functions_host.functions import Function, TimerTrigger

logger = logging.getLogger("local.functions_host.timer")


def next_run(schedule: str, after: datetime) -> datetime | None:
    """The next time of an NCRONTAB expression in UTC; None when it never comes, which the host takes.

    Raises:
        ConfigurationError: the host refuses it.
    """
    try:
        return ncrontab.parse(schedule).next_after(after)
    except ncrontab.NcrontabError as error:
        raise ConfigurationError(f"{schedule!r} is no NCRONTAB expression: {error}") from error


class Runs(Protocol):
    """What runs functions."""

    async def call(self, function: Function, request: TimerRequest, /) -> object:
        """Run it; raises what it raises."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class TimerListener:
    """Runs one timer function, never twice at once.

    A run that takes longer than its interval is followed by one more at once, however many were missed.

    Args:
        function: to run.
        trigger: when.
        invoker: runs it.
        now: the time of day, aware, UTC.
        sleep: waits for so many seconds.
    """

    def __init__(
        self,
        function: Function,
        trigger: TimerTrigger,
        invoker: Runs,
        now: Callable[[], datetime] = _utc_now,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        next_run(trigger.schedule, now())  # a bad schedule is told at the host's start
        self._now = now
        self._sleep = sleep
        self.function = function
        self._trigger = trigger
        self._invoker = invoker
        self._last: datetime | None = None
        self._one_at_a_time = asyncio.Lock()
        self._waiting: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Wait for the schedule from now on, after a first run when the trigger asks for one."""
        self._waiting = asyncio.create_task(self._keep_time())

    async def stop(self) -> None:
        """Start no more runs; one that is running goes on."""
        if self._waiting is not None:
            self._waiting.cancel()
            await asyncio.wait({self._waiting})

    async def run(self) -> None:
        """Run the function once. What it raises ends here: it was logged, and the schedule goes on."""
        async with self._one_at_a_time:
            now = self._now()
            upcoming = next_run(self._trigger.schedule, now) or datetime.max.replace(tzinfo=UTC)
            status = {
                "Last": (self._last or datetime.min.replace(tzinfo=UTC)).isoformat(),
                "Next": upcoming.isoformat(),
                "LastUpdated": now.isoformat(),
            }
            self._last = now
            request = TimerRequest(past_due=False, schedule_status=status, schedule={"AdjustForDST": True})
            try:
                await self._invoker.call(self.function, request)
            except Exception:  # noqa: BLE001 - a failed run must not end the schedule; the invoker has logged it
                logger.info("timer %s runs next at %s", self.function.name, upcoming.isoformat())

    async def _keep_time(self) -> None:
        if self._trigger.run_on_startup:
            await self.run()
        due = self._now()
        while (upcoming := next_run(self._trigger.schedule, due)) is not None:
            now = self._now()
            if upcoming > now:
                await self._sleep((upcoming - now).total_seconds())
            # From the due time, also where the sleep ended a little early; what else was missed is dropped.
            due = max(upcoming, now)
            await self.run()
