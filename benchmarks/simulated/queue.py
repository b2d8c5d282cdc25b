"""A storage queue and the Functions host's queue trigger, in virtual time: work "as the host would run it".

One instance of the host. The semantics are those of `local.functions_host.queue_trigger`, whose sources are
Microsoft's pages: a fetch of up to `batchSize` (at most 32) messages when no more than `newBatchThreshold`
are in work, polls of an empty queue that grow rarer, deletion after success, hiding for `visibilityTimeout`
after a failure, the poison queue after `maxDequeueCount`. The host's renewal of its lease is taken to work,
so a message in work never comes back meanwhile. What the host itself needs of processor time is left out.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from local.functions_host.queue_trigger import Backoff

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from local.functions_host.configuration import QueueOptions

MOST_PER_FETCH = 32
"""Azure Storage hands out no more at a time."""


@dataclass(order=True, slots=True)
class Message:
    """One message."""

    visible_at: float
    """Loop time."""
    number: int
    body: bytes = field(compare=False)
    dequeue_count: int = field(default=0, compare=False)


class SimulatedQueue:
    """A queue and its poison queue.

    Args:
        round_trip: seconds that each request to it takes; half before it takes effect, half after.
    """

    def __init__(self, round_trip: float) -> None:
        self._half = round_trip / 2
        self._numbers = itertools.count()
        self._waiting: list[Message] = []
        self._hidden = 0
        self.poison: list[bytes] = []
        self.requests = 0

    @property
    def is_empty(self) -> bool:
        """Whether no message is waiting, hidden or in work."""
        return not self._waiting and not self._hidden

    def fill(self, bodies: Iterable[bytes]) -> None:
        """Messages that are there already; takes no time."""
        for body in bodies:
            self._store(body, 0.0)

    async def put(self, body: bytes, delay: float = 0.0) -> None:
        """Store a message, visible after `delay` seconds."""
        await self._travel()
        self._store(body, delay)
        await self._travel_back()

    async def put_poison(self, body: bytes) -> None:
        """Store a message on the poison queue."""
        await self._travel()
        self.poison.append(body)
        await self._travel_back()

    async def fetch(self, most: int) -> list[Message]:
        """Up to so many visible messages, which are hidden from now on."""
        await self._travel()
        now = asyncio.get_running_loop().time()
        taken: list[Message] = []
        while self._waiting and self._waiting[0].visible_at <= now and len(taken) < min(most, MOST_PER_FETCH):
            message = heapq.heappop(self._waiting)
            message.dequeue_count += 1
            taken.append(message)
        self._hidden += len(taken)
        await self._travel_back()
        return taken

    async def delete(self, _message: Message) -> None:
        """A message in work is done with."""
        await self._travel()
        self._hidden -= 1
        await self._travel_back()

    async def hide(self, message: Message, seconds: float) -> None:
        """A message in work is to come back."""
        await self._travel()
        self._hidden -= 1
        message.visible_at = asyncio.get_running_loop().time() + seconds
        heapq.heappush(self._waiting, message)
        await self._travel_back()

    def _store(self, body: bytes, delay: float) -> None:
        visible_at = asyncio.get_running_loop().time() + delay
        heapq.heappush(self._waiting, Message(visible_at, next(self._numbers), body))

    async def _travel(self) -> None:
        self.requests += 1
        await asyncio.sleep(self._half)

    async def _travel_back(self) -> None:
        await asyncio.sleep(self._half)


class QueueTrigger:
    """One instance of the host, which feeds one function.

    Args:
        queue: where messages come from.
        options: from `host.json`.
        handle: the function: a message's body and its dequeue count; returning acknowledges, raising has the
            message come back.
    """

    def __init__(
        self, queue: SimulatedQueue, options: QueueOptions, handle: Callable[[bytes, int], Awaitable[None]]
    ) -> None:
        self._queue = queue
        self._options = options
        self._handle = handle
        self._in_work: set[asyncio.Task[None]] = set()
        self.failures = 0
        """Invocations that raised."""

    async def drain(self) -> None:
        """Run until no message is left, hidden ones included."""
        backoff = Backoff(self._options.max_polling_seconds)
        while not self._queue.is_empty or self._in_work:
            if len(self._in_work) > self._options.new_batch_threshold:
                await asyncio.wait(self._in_work, return_when=asyncio.FIRST_COMPLETED)
                continue
            messages = await self._queue.fetch(self._options.batch_size)
            for message in messages:
                task = asyncio.create_task(self._work(message))
                self._in_work.add(task)
                task.add_done_callback(self._in_work.discard)
            await self._pause(backoff.pause(found=bool(messages)))

    async def _pause(self, seconds: float) -> None:
        """Wait until the next poll; cut short by the end of the last message, after which nobody looks."""
        if not seconds:
            await asyncio.sleep(0)
            return
        sleeping = asyncio.create_task(asyncio.sleep(seconds))
        while not sleeping.done() and not (self._queue.is_empty and not self._in_work):
            await asyncio.wait({sleeping, *self._in_work}, return_when=asyncio.FIRST_COMPLETED)
        sleeping.cancel()

    async def _work(self, message: Message) -> None:
        try:
            await self._handle(message.body, message.dequeue_count)
        except Exception:  # noqa: BLE001 - as in the host: whatever is raised is a failed try
            self.failures += 1
            if message.dequeue_count < self._options.max_dequeue_count:
                await self._queue.hide(message, self._options.visibility_seconds)
                return
            await self._queue.put_poison(message.body)
        await self._queue.delete(message)
