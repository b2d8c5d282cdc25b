"""What OpenTelemetry costs the worker: processor time per booking without an SDK and with one.

`python -m benchmarks.probes.telemetry`. Each run is a process of its own, since a process has one SDK for
good: 1,000 new bookings over 50 mailboxes through the worker, in virtual time, after as many to warm up. The
processor time holds the simulated services' too, which is the same in all; so the differences count.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import statistics
import subprocess
import sys
import time
from enum import StrEnum
from typing import Any

BOOKINGS = 1_000
MAILBOXES = 50
REPEATS = 5
ROUND_TRIP_SECONDS = 0.02


class Kept(StrEnum):
    """Which traces the SDK keeps."""

    NONE = "no SDK"
    SOME = "one trace in ten"
    ALL = "every trace"


def _start_sdk(kept: Kept) -> Any:
    """An SDK that keeps spans and metrics in memory; returns where the spans are."""
    from opentelemetry import metrics, trace
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

    exporter = InMemorySpanExporter()
    tracers = TracerProvider(sampler=ParentBased(TraceIdRatioBased(1.0 if kept is Kept.ALL else 0.1)))
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(tracers)
    metrics.set_meter_provider(MeterProvider([InMemoryMetricReader()]))
    return exporter


async def _work() -> float:
    """Milliseconds of processor time for each booking."""
    from benchmarks.common.figures import Latency
    from benchmarks.simulated.load import Office
    from benchmarks.simulated.product import open_product
    from benchmarks.simulated.queue import SimulatedQueue
    from benchmarks.simulated.world import SimulatedWorld

    world = SimulatedWorld(Latency.parse("20/80"))
    office = Office(world, technicians=MAILBOXES, bookings=2 * BOOKINGS)
    async with open_product(world) as product:
        worker = product.worker(SimulatedQueue(ROUND_TRIP_SECONDS))
        for _ in range(2):
            messages = [product.message(change).decode() for change in office.book(BOOKINGS)]
            started = time.process_time()
            await asyncio.gather(*(worker.handle(message, 1) for message in messages))
            spent = time.process_time() - started
    return spent * 1000 / BOOKINGS


def _measure(kept: Kept) -> dict[str, float]:
    from local.standin.virtual_time import run_virtually

    logging.disable(logging.CRITICAL)
    exporter = None if kept is Kept.NONE else _start_sdk(kept)
    spent = run_virtually(_work())
    return {"milliseconds": spent, "spans": len(exporter.get_finished_spans()) / 2 if exporter else 0}


def _in_a_process(kept: Kept) -> dict[str, float]:
    done = subprocess.run(  # noqa: S603 - our own module in our own interpreter
        [sys.executable, "-m", __spec__.name, kept.name], capture_output=True, check=True
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    """Print a line for each way, or be one of their processes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kept", nargs="?", choices=[kept.name for kept in Kept])
    chosen = parser.parse_args().kept
    if chosen:
        print(json.dumps(_measure(Kept[chosen])))
        return
    runs = [{kept: _in_a_process(kept) for kept in Kept} for _ in range(REPEATS)]
    for kept in Kept:
        spent = [run[kept]["milliseconds"] for run in runs]
        spans = statistics.median(run[kept]["spans"] for run in runs)
        print(
            f"{kept.value}: {statistics.median(spent):.2f} ms of processor time per booking "
            f"({min(spent):.2f} to {max(spent):.2f}), {spans / BOOKINGS:.2f} spans"
        )


if __name__ == "__main__":
    main()
