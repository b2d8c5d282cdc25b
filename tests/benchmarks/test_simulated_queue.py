"""The simulated queue trigger: as the host would run it, in virtual time."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from benchmarks.simulated.queue import QueueTrigger, SimulatedQueue
from local.functions_host.configuration import QueueOptions
from local.standin.virtual_time import run_virtually, virtual_seconds

OPTIONS = QueueOptions(
    batch_size=4, new_batch_threshold=2, max_dequeue_count=3, visibility_seconds=30.0, max_polling_seconds=2.0
)
ROUND_TRIP = 0.02
WORK, MORE = 1.0, 0.1


class Function:
    """Takes a little longer for each message than for the one before; fails as often as told."""

    def __init__(self, failures: int = 0) -> None:
        self.calls: list[tuple[bytes, int, float]] = []
        self.at_once = self.most_at_once = 0
        self._failures = failures

    async def __call__(self, body: bytes, dequeue_count: int) -> None:
        """One invocation."""
        self.calls.append((body, dequeue_count, virtual_seconds()))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(WORK + len(self.calls) * MORE)
        self.at_once -= 1
        if dequeue_count <= self._failures:
            raise ValueError("as told")


def drain(count: int, function: Function, options: QueueOptions = OPTIONS) -> tuple[float, SimulatedQueue]:
    """Seconds that a full queue takes, and the queue."""

    async def main() -> tuple[float, SimulatedQueue]:
        queue = SimulatedQueue(ROUND_TRIP)
        queue.fill(str(number).encode() for number in range(count))
        await QueueTrigger(queue, options, function).drain()
        return virtual_seconds(), queue

    return run_virtually(main())


def test_one_message_costs_a_fetch_its_work_and_a_deletion() -> None:
    """The clock stands when the deletion is answered."""
    seconds, queue = drain(1, Function())
    assert seconds == pytest.approx(2 * ROUND_TRIP + WORK + MORE)
    assert queue.is_empty


def test_no_more_are_in_work_than_batch_and_threshold() -> None:
    """A fetch is made when two or fewer are in work, and brings four at most."""
    function = Function()
    drain(40, function)
    assert function.most_at_once == 6
    assert len(function.calls) == 40


def test_a_failed_message_comes_back_after_its_visibility_time() -> None:
    """The second delivery says that it is the second."""
    function = Function(failures=1)
    drain(1, function)
    assert [count for _, count, _ in function.calls] == [1, 2]
    assert function.calls[1][2] - function.calls[0][2] >= OPTIONS.visibility_seconds


def test_the_poison_queue_takes_what_failed_on_every_delivery() -> None:
    """Three tries as the options say, and then no more."""
    function = Function(failures=99)
    _, queue = drain(1, function)
    assert len(function.calls) == 3
    assert queue.poison == [b"0"]
    assert queue.is_empty


def test_storage_hands_out_32_messages_at_most() -> None:
    """Whatever the host asks for."""
    function = Function()
    drain(40, function, replace(OPTIONS, batch_size=64, new_batch_threshold=0))
    first = function.calls[0][2]
    assert sum(moment == first for _, _, moment in function.calls) == 32


def test_a_message_put_back_with_a_delay_is_not_seen_before() -> None:
    """What a function puts on its own queue comes after the delay."""
    moments: list[float] = []

    async def main() -> None:
        queue = SimulatedQueue(ROUND_TRIP)

        async def handle(body: bytes, _dequeue_count: int) -> None:
            moments.append(virtual_seconds())
            if body == b"first":
                await queue.put(b"again", 10.0)

        queue.fill([b"first"])
        await QueueTrigger(queue, OPTIONS, handle).drain()

    run_virtually(main())
    assert moments[1] - moments[0] >= 10.0
