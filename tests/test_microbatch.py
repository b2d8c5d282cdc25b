"""Single requests joined into one, each with its own answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from booking_sync.microbatch import MicroBatcher


class Service:
    """Doubles numbers; refuses odd ones above ten; fails as a whole when told."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.down = False

    async def __call__(self, items: Sequence[int]) -> Sequence[int | Exception]:
        """Answer a batch."""
        self.batches.append(list(items))
        await asyncio.sleep(0)
        if self.down:
            raise ConnectionError("down")
        return [ValueError(str(item)) if item > 10 and item % 2 else item * 2 for item in items]


async def test_what_comes_together_goes_together_and_each_gets_its_own_answer() -> None:
    """One request serves all callers of a window, in their order."""
    service = Service()
    batcher = MicroBatcher(service, max_items=100)
    assert await asyncio.gather(*(batcher.submit(n) for n in range(5))) == [0, 2, 4, 6, 8]
    assert service.batches == [[0, 1, 2, 3, 4]]


async def test_a_batch_is_never_larger_than_the_limit() -> None:
    """More callers than one batch holds become several batches."""
    service = Service()
    batcher = MicroBatcher(service, max_items=2)
    await asyncio.gather(*(batcher.submit(n) for n in range(5)))
    assert service.batches == [[0, 1], [2, 3], [4]]


async def test_one_refused_item_fails_alone() -> None:
    """An error among the answers is its own caller's only."""
    batcher = MicroBatcher(Service(), max_items=100)
    good, bad = await asyncio.gather(batcher.submit(4), batcher.submit(13), return_exceptions=True)
    assert good == 8
    assert isinstance(bad, ValueError)


async def test_a_failed_request_fails_every_caller_of_its_batch_only() -> None:
    """When the request as a whole fails each caller is told; the next batch is a new try."""
    service = Service()
    batcher = MicroBatcher(service, max_items=100)
    service.down = True
    results = await asyncio.gather(*(batcher.submit(n) for n in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [ConnectionError] * 3
    service.down = False
    assert await batcher.submit(1) == 2


async def test_a_caller_that_went_away_is_not_asked_for() -> None:
    """An item whose caller was cancelled before the window closed is not sent."""
    service = Service()
    batcher = MicroBatcher(service, max_items=100, window=0.01)
    gone = asyncio.create_task(batcher.submit(1))
    stays = asyncio.create_task(batcher.submit(2))
    await asyncio.sleep(0)
    gone.cancel()
    assert await stays == 4
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert service.batches == [[2]]
