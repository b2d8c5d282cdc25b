"""Whether the worker's memory stays flat over 10,000 bookings, and what it is made of.

One Functions host process of the local stack, without latency, works the queue off. It is looked at from
outside while it does.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from benchmarks.common.field import Field, messages
from benchmarks.common.figures import Chart, ChartKind, Options, Result, Table, Target
from benchmarks.common.flatness import growth
from benchmarks.probes.run import run_module
from local.stack import NO_TIMERS, LocalStack, StackOptions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from local.stack import LocalStack as Stack

BOOKINGS = 10_000
QUICK_BOOKINGS = 400
SAMPLES = 20
TECHNICIANS = 100
SENDERS = 16
LOOK_SECONDS = 0.1
PATIENCE_SECONDS = 450.0
ANSWER_SECONDS = 10.0
AIM_MB = 200.0
AIM_GROWTH_MB = 3.0
"""From the second quarter to the last, so over 5,000 bookings: 600 bytes each, less than keeping one booking
and its event would take."""
NO_LIMIT = 10**9
"""Of requests in five minutes: the question is memory."""


def run(options: Options) -> Result:
    """Book, queue everything, and look while it is worked off."""
    count = QUICK_BOOKINGS if options.quick else BOOKINGS
    samples, steps = asyncio.run(_run(count))
    return _result(samples, steps)


async def _run(count: int) -> tuple[list[tuple[int, float]], list[tuple[str, float]]]:
    with tempfile.TemporaryDirectory() as folder:
        # With timers `catch_up` would find the bookings that still wait, and queue them once more.
        async with LocalStack(StackOptions(Path(folder), settings=NO_TIMERS)) as stack:
            await stack.dataverse.configure(max_requests=NO_LIMIT, max_execution_seconds=float(NO_LIMIT))
            field = Field(stack, TECHNICIANS)
            await field.furnish()
            samples = await _work_off(stack, messages(await field.book(count)))
            steps = await run_module("footprint", environment=stack.settings)
    return samples, [(str(label), float(size)) for label, size in steps]


async def _work_off(stack: Stack, texts: Sequence[str]) -> list[tuple[int, float]]:
    """Queue the messages, and look at the host each time that so many more are done.

    Raises:
        RuntimeError: a booking was given up, or the host did not get done.
    """
    process = psutil.Process(stack.hosts[0].process_id)
    samples, step = [(0, _megabytes(process))], len(texts) // SAMPLES
    sender = _Sender(stack, texts)
    async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as group:
        group.create_task(sender.send_all())
        while samples[-1][0] < len(texts):
            await asyncio.sleep(LOOK_SECONDS)
            done = sender.sent - await stack.queue.waiting()
            if done >= min(samples[-1][0] + step, len(texts)):
                samples.append((done, _megabytes(process)))
    if given_up := await stack.queue.poisoned():
        raise RuntimeError(f"{given_up} bookings were given up")
    return samples


class _Sender:
    """Puts messages on the queue, and knows how many are there or were."""

    def __init__(self, stack: Stack, texts: Sequence[str]) -> None:
        self._stack = stack
        self._texts = texts
        self.sent = 0

    async def send_all(self) -> None:
        left = iter(self._texts)
        await asyncio.gather(*(self._send(left) for _ in range(SENDERS)))

    async def _send(self, left: Iterator[str]) -> None:
        for text in left:
            while not await self._sent(text):
                pass  # perhaps it is there twice now, which is harmless
            self.sent += 1

    async def _sent(self, text: str) -> bool:
        """False when Azurite leaves it unanswered, as it does at times while much is deleted."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._stack.queue.send(text)
        except TimeoutError:
            return False
        return True


def _megabytes(process: psutil.Process) -> float:
    return float(process.memory_info().rss) / 1e6


def _result(samples: Sequence[tuple[int, float]], steps: Sequence[tuple[str, float]]) -> Result:
    working = samples[1:]
    grown, highest = growth(working, since=1), max(size for _, size in working)
    last, count = working[-1][1], working[-1][0]
    before = 0.0
    rows = []
    for label, size in steps:
        rows.append((label, size - before, size))
        before = size
    rows.append((f"clients, caches and buffers after {count:,} bookings", last - before, last))
    return Result(
        "memory",
        "Does the worker's memory stay flat, and what is it made of?",
        {"bookings": count, "technicians": TECHNICIANS, "samples": len(working)},
        tables=(
            Table("Resident memory of the Functions host process, MB", ("of", "MB", "sum"), tuple(rows)),
        ),
        charts=(
            Chart(
                "memory",
                "Resident memory of one Functions host process",
                ChartKind.LINES,
                "bookings",
                "MB",
                {"host with booking_sync": tuple(samples)},
            ),
        ),
        targets=(
            Target(f"below {AIM_MB:g} MB", f"{highest:.0f} MB at most", highest < AIM_MB),
            Target(
                f"flat: at most {AIM_GROWTH_MB:g} MB more in the last quarter than in the second",
                f"{grown:+.2f} MB",
                grown <= AIM_GROWTH_MB,
            ),
        ),
        notes=(
            (
                "Resident set size, as the kernel counts it, shared pages of Python and its libraries "
                "included. It is the local Functions host's process, in which the app runs; in Azure the app "
                "has a worker process of its own, without the second line of the table but with its own gRPC."
            ),
            (
                "Growth compares the medians of the second and the last quarter: in the first quarter pools, "
                "caches and the allocator reach their size. The steps before the first booking come from a "
                "process that imports the same and does nothing."
            ),
        ),
    )
