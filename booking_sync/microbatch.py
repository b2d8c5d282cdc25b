"""Joins single requests that come at about the same time into one request to a service.

The protocol is written for one booking at a time, which keeps it readable. What makes it cheap is here: each
caller asks for its one item, and everything asked within a short window goes out together.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

Item = TypeVar("Item")
Result = TypeVar("Result")


class MicroBatcher(Generic[Item, Result]):
    """Gathers items until the window closes or the batch is full, then executes them together.

    Args:
        execute: answers a batch; one result or exception per item, in the same order. An exception that it
            raises is every item's.
        max_items: how many items one batch holds at most.
        window: seconds that a batch's first item waits for company; zero gathers what the loop has ready.
    """

    def __init__(
        self,
        execute: Callable[[Sequence[Item]], Awaitable[Sequence[Result | Exception]]],
        *,
        max_items: int,
        window: float = 0.0,
    ) -> None:
        self._execute = execute
        self._max_items = max_items
        self._window = window
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._running: set[asyncio.Task[None]] = set()

    async def submit(self, item: Item) -> Result:
        """The item's own result.

        Raises:
            Exception: what `execute` gave or raised for this item.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        self._waiting.append((item, future))
        if len(self._waiting) >= self._max_items:
            self._flush()
        elif self._timer is None:
            self._timer = loop.call_later(self._window, self._flush)
        return await future

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        # A caller that was cancelled meanwhile wants no answer, and the service need not be asked.
        batch = [entry for entry in self._waiting if not entry[1].done()]
        self._waiting = []
        if batch:
            task = asyncio.get_running_loop().create_task(self._run(batch))
            self._running.add(task)  # the loop itself holds tasks only weakly
            task.add_done_callback(self._running.discard)

    async def _run(self, batch: list[tuple[Item, asyncio.Future[Result]]]) -> None:
        results: Sequence[Result | Exception]
        try:
            results = await self._execute([item for item, _ in batch])
        except Exception as error:  # noqa: BLE001 - handed to every waiting caller, which raises it
            results = [error] * len(batch)
        for (_, future), result in zip(batch, results, strict=True):
            if future.done():
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)
