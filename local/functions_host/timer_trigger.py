"""Timer triggers: NCRONTAB schedules in UTC, one run at a time, and runs on demand."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from azure.functions.timer import TimerRequest

from booking_sync.plumbing import ncrontab
from local.functions_host.configuration import ConfigurationError

if TYPE_CHECKING:
    from local.functions_host.functions import Function, TimerTrigger
    from local.functions_host.invocation import Invoker

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


class TimerListener:
    """Runs one timer function; a run that takes longer than its interval delays the next one."""

    def __init__(self, function: Function, trigger: TimerTrigger, invoker: Invoker) -> None:
        next_run(trigger.schedule, datetime.now(UTC))  # a bad schedule is told at the host's start
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
            now = datetime.now(UTC)
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
        due = datetime.now(UTC)
        while True:
            # From the last due time at least: a sleep that ends a little early must not repeat it.
            upcoming = next_run(self._trigger.schedule, max(due, datetime.now(UTC)))
            if upcoming is None:
                return
            due = upcoming
            await asyncio.sleep((due - datetime.now(UTC)).total_seconds())
            await self.run()
