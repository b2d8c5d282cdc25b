"""Timer triggers: NCRONTAB schedules in UTC, one run at a time, and runs on demand."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from azure.functions.timer import TimerRequest
from croniter import croniter
from croniter.croniter import CroniterError

from local.functions_host.configuration import ConfigurationError

if TYPE_CHECKING:
    from local.functions_host.functions import Function, TimerTrigger
    from local.functions_host.invocation import Invoker

logger = logging.getLogger("local.functions_host.timer")


def next_run(schedule: str, after: datetime) -> datetime:
    """The next time of an NCRONTAB expression (six fields, seconds first; or five without seconds), in UTC.

    Raises:
        ConfigurationError: it isn't one.
    """
    fields = schedule.split()
    if len(fields) not in (5, 6):
        raise ConfigurationError(f"{schedule!r} is no NCRONTAB expression of five or six fields")
    expression = " ".join(fields if len(fields) == 6 else ["0", *fields])
    try:
        found: datetime = croniter(expression, after, second_at_beginning=True).get_next(datetime)
    except CroniterError as error:
        raise ConfigurationError(f"{schedule!r} is no NCRONTAB expression: {error}") from error
    return found


class TimerListener:
    """Runs one timer function; a run that takes longer than its interval delays the next one."""

    def __init__(self, function: Function, trigger: TimerTrigger, invoker: Invoker) -> None:
        next_run(trigger.schedule, datetime.now(UTC))  # a bad schedule must stop the host's start
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
            upcoming = next_run(self._trigger.schedule, now)
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
            due = next_run(self._trigger.schedule, max(due, datetime.now(UTC)))
            await asyncio.sleep((due - datetime.now(UTC)).total_seconds())
            await self.run()
