"""Runs the work on bookings, of each booking one piece at a time, without touching delivery guarantees.

The host hands each queue message to an invocation of its own. All of them meet here, in the one
`PerBookingRunner` of the process: messages of the same booking become one task, tasks linger a moment so that
the requests they make can be joined, and every message still gets an outcome of its own to be acknowledged or
retried by. A booking is never worked on twice at once by one process: a change that comes in meanwhile waits
until the work under way has ended, since that may have read the row before the change.
"""

from __future__ import annotations

import asyncio
import contextvars
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from booking_sync.domain.outcome import Outcome
    from booking_sync.sync.booking.task import SyncTask


@dataclass(slots=True)
class _Gathered:
    """One booking's task and everyone who waits for its outcome."""

    task: SyncTask
    waiting: list[asyncio.Future[Outcome]] = field(default_factory=list)
    context: contextvars.Context = field(default_factory=contextvars.copy_context)
    """Of the first message: its trace and log lines tell of the work."""


class PerBookingRunner:
    """Joins the tasks of each booking, runs them one after the other, and starts bookings together.

    Args:
        sync: works on one task.
        max_bookings: how many bookings start at once without lingering any longer.
        linger: seconds that the first task waits for company.
    """

    def __init__(
        self, sync: Callable[[SyncTask], Awaitable[Outcome]], *, max_bookings: int, linger: float
    ) -> None:
        self._sync = sync
        self._max_bookings = max_bookings
        self._linger = linger
        self._gathered: dict[str, _Gathered] = {}
        self._held_back: dict[str, _Gathered] = {}
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._timer: asyncio.TimerHandle | None = None

    async def submit(self, task: SyncTask) -> Outcome:
        """The outcome for this task, worked on from a moment not before this call.

        Raises:
            Exception: what the work raised; a bug, since every expected failure is an outcome.
        """
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        busy = task.booking_id in self._under_way
        self._gather(self._held_back if busy else self._gathered, _Gathered(task, [future]))
        if not busy:
            self._schedule()
        return await future

    @staticmethod
    def _gather(where: dict[str, _Gathered], new: _Gathered) -> None:
        known = where.get(new.task.booking_id)
        if known is None:
            where[new.task.booking_id] = new
        else:
            known.task = known.task.merge(new.task)
            known.waiting += new.waiting

    def _schedule(self) -> None:
        if len(self._gathered) >= self._max_bookings:
            self._flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._linger, self._flush)

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        batch, self._gathered = self._gathered, {}
        loop = asyncio.get_running_loop()
        for booking_id, gathered in batch.items():
            self._under_way[booking_id] = loop.create_task(self._work(gathered), context=gathered.context)

    async def _work(self, gathered: _Gathered) -> None:
        try:
            outcome = await self._sync(gathered.task)
        except asyncio.CancelledError:
            for future in gathered.waiting:
                future.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - handed to every waiting message, which raises it
            for future in gathered.waiting:
                if not future.done():
                    future.set_exception(error)
        else:
            for future in gathered.waiting:
                if not future.done():
                    future.set_result(outcome)
        finally:
            self._release(gathered.task.booking_id)

    def _release(self, booking_id: str) -> None:
        del self._under_way[booking_id]
        held_back = self._held_back.pop(booking_id, None)
        if held_back is not None:
            self._gather(self._gathered, held_back)
            self._schedule()
