"""Single requests joined into one, each with its own answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_sync.errors import TransientError
from booking_sync.plumbing.microbatch import MicroBatcher, batch_sizes
from local.standin.virtual_time import run_virtually


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
    batcher = MicroBatcher(service, largest=100, places=8)
    assert await asyncio.gather(*(batcher.submit(n) for n in range(5))) == [0, 2, 4, 6, 8]
    assert service.batches == [[0, 1, 2, 3, 4]]


async def test_a_batch_is_never_larger_than_the_limit() -> None:
    """More callers than one batch holds become several batches."""
    service = Service()
    batcher = MicroBatcher(service, largest=2, places=8)
    await asyncio.gather(*(batcher.submit(n) for n in range(5)))
    assert service.batches == [[0, 1], [2, 3], [4]]


async def test_one_refused_item_fails_alone() -> None:
    """An error among the answers is its own caller's only."""
    batcher = MicroBatcher(Service(), largest=100, places=8)
    good, bad = await asyncio.gather(batcher.submit(4), batcher.submit(13), return_exceptions=True)
    assert good == 8
    assert isinstance(bad, ValueError)


async def test_a_bug_that_one_item_strikes_strikes_that_item_only() -> None:
    """Whatever an item does to the code that sends it, the others of its batch are worked on."""
    batches: list[list[int]] = []

    async def execute(items: Sequence[int]) -> list[int | Exception]:
        batches.append(list(items))
        if 13 in items:
            raise RecursionError
        return [item * 2 for item in items]

    batcher: MicroBatcher[int, int] = MicroBatcher(execute, largest=100, places=8)
    results = await asyncio.gather(*(batcher.submit(n) for n in range(16)), return_exceptions=True)
    assert [n for n, result in enumerate(results) if isinstance(result, RecursionError)] == [13]
    assert [result for result in results if isinstance(result, int)] == [n * 2 for n in range(16) if n != 13]
    assert len(batches) == 9


async def test_a_refused_request_is_not_made_again() -> None:
    """What the service says of a batch as a whole is every item's, and not asked for twice."""
    asked: list[int] = []

    async def execute(items: Sequence[int]) -> list[int | Exception]:
        asked.append(len(items))
        raise TransientError("throttled", retry_after=1)

    batcher: MicroBatcher[int, int] = MicroBatcher(execute, largest=100, places=8)
    results = await asyncio.gather(*(batcher.submit(n) for n in range(4)), return_exceptions=True)
    assert [type(result) for result in results] == [TransientError] * 4
    assert asked == [4]


async def test_too_few_answers_leave_nobody_waiting() -> None:
    """A batch that is answered with the wrong number of results is a bug, and its callers are told."""

    async def execute(_items: Sequence[int]) -> list[int | Exception]:
        return []

    batcher: MicroBatcher[int, int] = MicroBatcher(execute, largest=100, places=8)
    with pytest.raises(RuntimeError, match="0 results for 1 items"):
        await batcher.submit(1)


async def test_a_failed_request_fails_every_caller_of_its_batch_only() -> None:
    """When the request as a whole fails each caller is told; the next batch is a new try."""
    service = Service()
    batcher = MicroBatcher(service, largest=100, places=8)
    service.down = True
    results = await asyncio.gather(*(batcher.submit(n) for n in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [ConnectionError] * 3
    service.down = False
    assert await batcher.submit(1) == 2


async def test_a_caller_that_went_away_is_not_asked_for() -> None:
    """An item whose caller was cancelled before the window closed is not sent."""
    service = Service()
    batcher = MicroBatcher(service, largest=100, places=8, window=0.01)
    gone = asyncio.create_task(batcher.submit(1))
    stays = asyncio.create_task(batcher.submit(2))
    await asyncio.sleep(0)
    gone.cancel()
    assert await stays == 4
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert service.batches == [[2]]


@given(
    waiting=st.integers(0, 3000),
    places=st.integers(1, 50),
    busy=st.integers(0, 50),
    usual=st.integers(1, 60),
    more=st.integers(0, 60),
)
def test_batches_are_even_within_bounds_and_leave_nobody_without_need(
    waiting: int, places: int, busy: int, usual: int, more: int
) -> None:
    """Sizes differ by one at most, none is too large, and something waits only when every place is taken."""
    largest, free = usual + more, max(0, places - busy)
    sizes = batch_sizes(waiting, free, places, usual, largest)
    assert len(sizes) <= free
    assert sum(sizes) <= waiting
    if sizes:
        assert max(sizes) <= largest
        assert max(sizes) - min(sizes) <= 1
    if sum(sizes) < waiting:
        assert len(sizes) == free
    if sizes and -(-waiting // usual) <= places:
        assert max(sizes) <= usual


def test_what_waits_is_spread_over_the_places() -> None:
    """A few share one batch, many use every place, a flood fills batches; few free places are not stuffed."""
    assert batch_sizes(11, 48, 48, 12, 50) == [11]
    assert batch_sizes(20, 48, 48, 12, 50) == [10, 10]
    assert batch_sizes(36, 48, 48, 12, 50) == [12, 12, 12]
    assert batch_sizes(1000, 48, 48, 12, 50) == [21] * 40 + [20] * 8
    assert batch_sizes(5000, 48, 48, 12, 50) == [50] * 48
    assert batch_sizes(300, 2, 48, 12, 50) == [12, 12]
    assert batch_sizes(5, 0, 48, 12, 50) == []


async def timed_batches(waiting: Sequence[float]) -> list[int]:
    """The sizes of the batches for 40 items at each of these moments, each batch a second long."""
    sizes: list[int] = []

    async def execute(items: Sequence[int]) -> list[int | Exception]:
        sizes.append(len(items))
        await asyncio.sleep(1)
        return list(items)

    async def come(moment: float, number: int) -> None:
        await asyncio.sleep(moment)
        await batcher.submit(number)

    batcher: MicroBatcher[int, int] = MicroBatcher(execute, largest=50, places=48, usual=20, in_burst=8)
    await asyncio.gather(*(come(moment, number) for moment in waiting for number in range(40)))
    return sizes


def test_batches_are_small_in_a_burst_and_larger_in_a_flood() -> None:
    """After some seconds without a break requests count more than the wait for each; a calm ends that."""
    assert run_virtually(timed_batches([0.0])) == [8] * 5
    assert run_virtually(timed_batches([0.0, 0.9, 1.8, 2.7])) == [8] * 15 + [20] * 2
    assert run_virtually(timed_batches([0.0, 0.9, 1.8, 6.0])) == [8] * 20


class SlowService:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gates: list[asyncio.Event] = []

    async def __call__(self, items: Sequence[int]) -> Sequence[int | Exception]:
        """Wait at the gate."""
        self.batches.append(list(items))
        self.gates.append(asyncio.Event())
        await self.gates[-1].wait()
        return list(items)


async def test_what_finds_no_place_leaves_as_soon_as_there_is_one() -> None:
    """With every place taken items gather, and go out together when a batch ends."""
    service = SlowService()
    batcher = MicroBatcher(service, largest=2, places=2)
    callers = [asyncio.create_task(batcher.submit(n)) for n in range(6)]
    await asyncio.sleep(0.01)
    assert service.batches == [[0, 1], [2, 3]]
    service.gates[0].set()
    await asyncio.gather(callers[0], callers[1])
    await asyncio.sleep(0)
    assert service.batches == [[0, 1], [2, 3], [4, 5]]
    for gate in service.gates:
        gate.set()
    assert await asyncio.gather(*callers) == [0, 1, 2, 3, 4, 5]
