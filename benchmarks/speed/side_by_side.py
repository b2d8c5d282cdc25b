"""Wall time of 1,000 new bookings on the real local stack: booking_sync beside the plain worker.

Real processes, TLS and Azurite; only Graph and Dataverse are stand-ins, with stated latencies. How a burst is
timed: `contenders.burst`.
"""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.common.figures import Chart, ChartKind, Result, Spread, Table, Target
from benchmarks.contenders.burst import Burst, BurstSize, measure_burst
from benchmarks.contenders.plain_app.variant import FOLDER, app_with_concurrency
from local.processes import REPOSITORY
from local.stack import NO_TIMERS, LocalStack, StackOptions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.common.figures import Cell, Latency, Options

BOOKING_SYNC, PLAIN, ONE_BY_ONE = "booking_sync", "plain, 24 at once", "plain, 1 at a time"
BURST, QUICK_BURST = BurstSize(1000, 50), BurstSize(100, 10)
SAMPLE, QUICK_SAMPLE = BurstSize(60, 50), BurstSize(10, 10)
"""What the worker that takes one booking at a time is measured on; scaled linearly to the burst."""
WARM_UP = BurstSize(100, 50)
LEAST_SPEED_UP = {ONE_BY_ONE: 20.0, PLAIN: 2.0}


@dataclass(frozen=True, slots=True)
class Contender:
    """An app on the local stack."""

    name: str
    app_folder: Path
    size: BurstSize


@dataclass(frozen=True, slots=True)
class Measured:
    """A contender's bursts at one latency."""

    contender: str
    scale: float
    """By which its seconds are multiplied, because it was measured on fewer bookings."""
    bursts: tuple[Burst, ...]

    @property
    def seconds(self) -> Spread:
        """For the whole burst."""
        return Spread.of([burst.seconds * self.scale for burst in self.bursts])


def run(options: Options) -> Result:
    """Measure all contenders at all latencies."""
    with tempfile.TemporaryDirectory(prefix="side-by-side-") as folder:
        measured = asyncio.run(_measure(options, Path(folder)))
    return to_result(measured, *_sizes(options))


def _sizes(options: Options) -> tuple[BurstSize, BurstSize]:
    """Of the burst, and of the sample that one at a time is measured on."""
    return (QUICK_BURST, QUICK_SAMPLE) if options.quick else (BURST, SAMPLE)


async def _measure(options: Options, folder: Path) -> dict[Latency, list[Measured]]:
    contenders = _contenders(options, folder)
    return {
        latency: [await _measure_one(each, latency, options, folder) for each in contenders]
        for latency in options.latencies
    }


def _contenders(options: Options, folder: Path) -> tuple[Contender, ...]:
    burst, sample = _sizes(options)
    one_by_one = app_with_concurrency(folder / "one-by-one", batch_size=1, new_batch_threshold=0)
    return (
        Contender(BOOKING_SYNC, REPOSITORY, burst),
        Contender(PLAIN, FOLDER, burst),
        Contender(ONE_BY_ONE, one_by_one, sample),
    )


async def _measure_one(contender: Contender, latency: Latency, options: Options, folder: Path) -> Measured:
    stack_options = StackOptions(
        Path(tempfile.mkdtemp(dir=folder)),
        app_folder=contender.app_folder,
        round_trip_seconds=latency.round_trip,
        service_seconds=latency.service,
        settings=NO_TIMERS,
    )
    async with LocalStack(stack_options) as stack:
        # The half-failures of extensions inside a POST are `requests_per_change`'s: here nothing goes wrong.
        await stack.graph.configure(inline_extension_failure_every=0)
        warm_up = BurstSize(min(WARM_UP.bookings, contender.size.bookings), contender.size.mailboxes)
        await measure_burst(stack, warm_up, seed=0)
        bursts = [
            await measure_burst(stack, contender.size, seed=1 + number) for number in range(options.repeats)
        ]
    full, _sample = _sizes(options)
    return Measured(contender.name, full.bookings / contender.size.bookings, tuple(bursts))


def to_result(measured: Mapping[Latency, Sequence[Measured]], size: BurstSize, sample: BurstSize) -> Result:
    """The answer.

    Args:
        measured: booking_sync's first.
        size: of the burst.
        sample: what one at a time was measured on.
    """
    repeats = len(next(iter(measured.values()))[0].bursts)
    return Result(
        name="side_by_side",
        question=f"How long do {size.bookings:,} new bookings for {size.mailboxes} technicians take?",
        parameters={
            "bookings": size.bookings,
            "mailboxes": size.mailboxes,
            "repeats": repeats,
            "latencies": ", ".join(latency.label for latency in measured),
        },
        tables=tuple(_table(latency, rows) for latency, rows in measured.items()),
        charts=(_chart(size, measured),),
        targets=tuple(target for latency, rows in measured.items() for target in _targets(latency, rows)),
        notes=_notes(size, sample),
    )


def _notes(size: BurstSize, sample: BurstSize) -> tuple[str, ...]:
    surroundings = (
        "Real processes over TLS, Azurite for the queue; the work of Azurite and the stand-ins shares the "
        "machine's processors with the contender's."
    )
    clock = (
        "The host is held while all messages are put on the queue, so that they are there at one moment; "
        "time runs from its release to the answer to the last request. A smaller burst went before, to warm "
        "it up."
    )
    scaled = (
        f"One at a time was measured on {sample.bookings} bookings, and its seconds scaled linearly to "
        f"{size.bookings:,}; requests and bytes are those measured."
    )
    plain = (
        "The plain worker is the Graph SDK with its own retries, `requests` on 32 threads, one GET with all "
        "that the booking points to and one PATCH; 24 at once is the Functions host's default."
    )
    return surroundings, clock, scaled, plain


def _table(latency: Latency, rows: Sequence[Measured]) -> Table:
    fastest = rows[0].seconds.median
    return Table(
        title=f"At {latency.label} (round trip/service time)",
        columns=(
            *("contender", "seconds: median (low-high)", "times booking_sync's", "bookings per second"),
            *("Graph requests", "of which batch items", "Dataverse requests", "requests per booking"),
            *("bytes up per booking", "bytes down per booking", "answers 429", "wrong events"),
        ),
        rows=tuple(_row(each, fastest) for each in rows),
        note="Requests, bytes, 429s and wrong events are of the median repeat.",
    )


def _row(measured: Measured, fastest: float) -> tuple[Cell, ...]:
    burst = sorted(measured.bursts, key=lambda each: each.seconds)[len(measured.bursts) // 2]
    bookings, services = burst.size.bookings, (burst.graph, burst.dataverse)
    return (
        measured.contender,
        measured.seconds.text(),
        measured.seconds.median / fastest,
        bookings / burst.seconds,
        burst.graph.requests,
        burst.graph.items,
        burst.dataverse.requests,
        sum(service.requests for service in services) / bookings,
        sum(service.bytes_up for service in services) / bookings,
        sum(service.bytes_down for service in services) / bookings,
        sum(service.throttled for service in services),
        burst.judgement.text(),
    )


def _targets(latency: Latency, rows: Sequence[Measured]) -> list[Target]:
    """A figure of a contender whose events are wrong is no figure."""
    fastest, *others = rows
    right = all(burst.judgement.faultless for each in rows for burst in each.bursts)
    return [_target(latency, other, fastest, right=right) for other in reversed(others)]


def _target(latency: Latency, other: Measured, fastest: Measured, *, right: bool) -> Target:
    times, least = _times(other, fastest), LEAST_SPEED_UP[other.contender]
    return Target(
        aim=f"at least {least:g}x faster than {other.contender}, {latency.label}",
        measured=f"{times:.1f}x" + ("" if right else ", but events are wrong"),
        met=right and times >= least,
    )


def _times(slower: Measured, faster: Measured) -> float:
    return slower.seconds.median / faster.seconds.median


def _chart(size: BurstSize, measured: Mapping[Latency, Sequence[Measured]]) -> Chart:
    return Chart(
        name="side-by-side",
        title=f"{size.bookings:,} new bookings over {size.mailboxes} mailboxes",
        kind=ChartKind.BARS,
        x_label="round trip/service time",
        y_label="seconds",
        series={
            name: tuple(
                (latency.label, row.seconds.median)
                for latency, rows in measured.items()
                for row in rows
                if row.contender == name
            )
            for name in (BOOKING_SYNC, PLAIN, ONE_BY_ONE)
        },
        log_y=True,
    )
