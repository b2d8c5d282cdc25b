"""Whether the worker's memory stays flat over 10,000 bookings, and what it is made of.

One Functions host process of the local stack, without latency, works the queue off. It is looked at from
outside, each time that it has caught up.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from benchmarks.field import Field, messages
from benchmarks.figures import Chart, ChartKind, Options, Result, Table, Target
from benchmarks.flatness import growth
from benchmarks.probes.run import run_module
from local.stack import LocalStack, StackOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.stack import LocalStack as Stack

BOOKINGS = 10_000
QUICK_BOOKINGS = 400
SAMPLES = 20
TECHNICIANS = 100
SENDERS = 16
PATIENCE_SECONDS = 120.0
AIM_MB = 200.0
AIM_GROWTH_MB = 3.0
"""From the second quarter to the last, so over 5,000 bookings: 600 bytes each, less than keeping one booking
and its event would take."""
NO_LIMIT = 10**9
"""Of requests in five minutes: the question is memory."""


def run(options: Options) -> Result:
    """Book, wait until all is synced, look; again and again."""
    count = QUICK_BOOKINGS if options.quick else BOOKINGS
    samples, steps = asyncio.run(_run(count))
    return _result(samples, steps)


async def _run(count: int) -> tuple[list[tuple[int, float]], list[tuple[str, float]]]:
    with tempfile.TemporaryDirectory() as folder:
        async with LocalStack(StackOptions(Path(folder))) as stack:
            await stack.dataverse.configure(max_requests=NO_LIMIT, max_execution_seconds=float(NO_LIMIT))
            field = Field(stack, TECHNICIANS)
            await field.furnish()
            process = psutil.Process(stack.hosts[0].process_id)
            samples = [(0, _megabytes(process))]
            step = count // SAMPLES
            for done in range(step, count + 1, step):
                await _sync(stack, await field.book(step))
                samples.append((done, _megabytes(process)))
            steps = await run_module("footprint", environment=stack.settings)
    return samples, [(str(label), float(size)) for label, size in steps]


async def _sync(stack: Stack, booking_ids: Sequence[str]) -> None:
    """Queue them and wait until the queue is empty.

    Raises:
        RuntimeError: a booking was given up.
    """
    left = iter(messages(booking_ids))

    async def send() -> None:
        for text in left:
            await stack.queue.send(text)

    await asyncio.gather(*(send() for _ in range(SENDERS)))
    await stack.wait_until_quiet(PATIENCE_SECONDS)
    if given_up := await stack.queue.poisoned():
        raise RuntimeError(f"{given_up} bookings were given up")


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
        {"bookings": count, "technicians": TECHNICIANS, "sample after each": working[0][0]},
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
