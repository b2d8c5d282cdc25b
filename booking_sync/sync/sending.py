"""Sends many: so many side by side, and without burying the changes of the day under hints of ours.

`do_all` bounds how many are on their way at once. `PacedSender` bounds what lies on the queue: so many hints
a second, and none while the queue is deeper than what is soon worked off. Storage queues are worked off
roughly in order, so the depth is how long a dispatcher's change has to wait behind hints of ours.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from booking_sync.domain.messages.change import BookingChange
    from booking_sync.ports.platform.queues import ChangeQueue, QueueGauge

SENDS_AT_ONCE = 16
"""Messages on their way to the queue side by side."""
SPAN_SECONDS = 2.0
"""One handful is what may be queued in so long; it becomes visible spread over this time."""
DEPTH_SECONDS = 2.0
"""How soon a queue that is too deep is looked at again."""

Item = TypeVar("Item")
Result = TypeVar("Result")


async def do_all(
    items: Iterable[Item],
    act: Callable[[Item], Awaitable[Result]],
    *,
    at_once: int = SENDS_AT_ONCE,
    progress: Callable[[int], None] = lambda _done: None,
) -> list[Result]:
    """Act on every item, begun in their order and so many side by side; the results, in the same order.

    Args:
        items: on what.
        act: what to do; one that fails keeps no other from being done.
        at_once: how many side by side.
        progress: told how many are done, each time that one more is.

    Raises:
        BaseException: once all have been tried, what the first item raised of those that failed.
    """
    gate = asyncio.Semaphore(at_once)
    done = 0

    async def one(item: Item) -> Result:
        nonlocal done
        async with gate:
            result = await act(item)
        done += 1
        progress(done)
        return result

    tasks = [asyncio.ensure_future(one(each)) for each in items]
    await asyncio.gather(*tasks, return_exceptions=True)
    return [task.result() for task in tasks]  # raises what was raised; an error that was returned is a result


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast hints go to the queue."""

    per_second: float = 20.0
    """A part of what one instance works off."""
    deepest: int = 500
    """No hint is added to a queue that holds as many messages, hidden ones included."""

    @property
    def handful(self) -> int:
        """How many hints are sent at a time."""
        return max(1, int(self.per_second * SPAN_SECONDS))


class PacedSender:
    """Sends hints by handfuls.

    Args:
        queue: where they go.
        gauge: how deep it is.
        pace: how fast.
        sleep: waits between handfuls.
        waiting: told the depth each time that it is too deep to go on.
    """

    def __init__(
        self,
        queue: ChangeQueue,
        gauge: QueueGauge,
        pace: Pace,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        waiting: Callable[[int], None] = lambda _depth: None,
    ) -> None:
        self._queue = queue
        self._gauge = gauge
        self.pace = pace
        self._sleep = sleep
        self._waiting = waiting
        self._owed = 0.0
        """Seconds to wait before the next handful."""

    async def send(self, handful: Sequence[BookingChange]) -> None:
        """Queue these, once it is their time; returns when all are durably stored.

        Raises:
            SyncError: not all could be queued; the others may have been.
        """
        await self._sleep(self._owed)
        self._owed = 0.0
        while (depth := (await self._gauge.depths()).changes) >= self.pace.deepest:
            self._waiting(depth)
            await self._sleep(DEPTH_SECONDS)

        async def send(place: int) -> None:
            await self._queue.send(handful[place], place / self.pace.per_second)

        await do_all(range(len(handful)), send)
        self._owed = len(handful) / self.pace.per_second
