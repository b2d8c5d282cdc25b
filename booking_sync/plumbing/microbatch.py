"""Joins single requests that come at about the same time into one request to a service.

The protocol is written for one booking at a time, which keeps it readable. What makes it cheap is here: each
caller asks for its one item, and everything asked within a short window goes out together.

How large a batch is depends on how much waits: a service that works a batch off item by item is quicker with
several small ones side by side, and cheaper with few large ones. So what waits is spread evenly over as many
batches as there are places for, small ones in a burst and larger ones in a flood (`busy_time`).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from booking_sync.errors import SyncError
from booking_sync.plumbing import telemetry
from booking_sync.plumbing.busy_time import BusyTime

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from booking_sync.plumbing.telemetry import Origin

Item = TypeVar("Item")
Result = TypeVar("Result")


def batch_sizes(waiting: int, free: int, places: int, usual: int, largest: int) -> list[int]:
    """The sizes of the batches to send now; what finds no place waits for one.

    With few places free the batches are none the larger, since the others are free again soon.

    Args:
        waiting: how many items there are.
        free: how many more batches may be under way.
        places: how many batches may be under way altogether.
        usual: how many items a batch holds at most, as long as that takes no more batches than places.
        largest: how many it holds at most then.
    """
    if not waiting:
        return []
    batches = max(min(places, -(-waiting // usual)), -(-waiting // largest))
    return [waiting // batches + (number < waiting % batches) for number in range(min(batches, free))]


class _Entry(NamedTuple, Generic[Item, Result]):
    item: Item
    future: asyncio.Future[Result]
    origin: Origin
    """Whose trace it is a part of."""


class MicroBatcher(Generic[Item, Result]):
    """Gathers items until the window closes, then executes them in as many batches as `batch_sizes` says.

    Args:
        execute: answers a batch; one result or exception per item, in the same order. A `SyncError` that it
            raises is every item's; after any other error the items are tried again in halves, so it must
            bear that an item comes twice.
        largest: how many items one batch holds at most.
        places: how many batches run side by side.
        usual: how many items one batch holds while there are places for more; None for `largest`.
        in_burst: the same in a burst; None for `usual`.
        window: seconds that a batch's first item waits for company; zero gathers what the loop has ready.
    """

    def __init__(
        self,
        execute: Callable[[Sequence[Item]], Awaitable[Sequence[Result | Exception]]],
        *,
        largest: int,
        places: int,
        usual: int | None = None,
        in_burst: int | None = None,
        window: float = 0.0,
    ) -> None:
        self._execute = execute
        self._largest = largest
        self._usual = usual or largest
        self._in_burst = in_burst or self._usual
        self._places = places
        self._window = window
        self._waiting: list[_Entry[Item, Result]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._running: set[asyncio.Task[None]] = set()
        self._busy = BusyTime()

    async def submit(self, item: Item) -> Result:
        """The item's own result.

        Raises:
            Exception: what `execute` gave or raised for this item.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        self._waiting.append(_Entry(item, future, telemetry.here()))
        if self._timer is None:
            self._timer = loop.call_later(self._window, self._flush)
        return await future

    def _flush(self) -> None:
        self._timer = None
        # A caller that was cancelled meanwhile wants no answer, and the service need not be asked.
        waiting = [entry for entry in self._waiting if not entry.future.done()]
        loop = asyncio.get_running_loop()
        taken = 0
        free = self._places - len(self._running)
        usual = self._in_burst if self._busy.is_burst(loop.time()) else self._usual
        for size in batch_sizes(len(waiting), free, self._places, usual, self._largest):
            self._busy.begin(loop.time())
            batch = waiting[taken : taken + size]
            task = loop.create_task(
                self._run(batch), context=telemetry.shared_by([entry.origin for entry in batch])
            )
            self._running.add(task)  # the loop itself holds tasks only weakly
            task.add_done_callback(self._ended)
            taken += size
        self._waiting = waiting[taken:]

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._busy.end(asyncio.get_running_loop().time())
        if self._waiting and self._timer is None:  # nothing but a place was missing
            self._flush()

    async def _run(self, batch: list[_Entry[Item, Result]]) -> None:
        try:
            results = await self._results([entry.item for entry in batch])
        except BaseException:
            for entry in batch:
                entry.future.cancel()  # nobody is left waiting for what nobody works on
            raise
        for entry, result in zip(batch, results, strict=True):
            if entry.future.done():
                continue
            if isinstance(result, Exception):
                entry.future.set_exception(result)
            else:
                entry.future.set_result(result)

    async def _results(self, items: Sequence[Item]) -> list[Result | Exception]:
        """One result per item; a bug is narrowed down, so that it strikes the item that it is about only."""
        try:
            results = _checked(await self._execute(items), len(items))
        except SyncError as error:
            return [error] * len(items)
        except Exception as error:  # noqa: BLE001 - handed to the waiting caller, which raises it
            if len(items) == 1:
                return [error]
        else:
            return results
        middle = len(items) // 2
        return await self._results(items[:middle]) + await self._results(items[middle:])


def _checked(results: Sequence[Result | Exception], expected: int) -> list[Result | Exception]:
    if len(results) != expected:
        raise RuntimeError(f"{len(results)} results for {expected} items")
    return list(results)
