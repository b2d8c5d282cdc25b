"""What a change writes into telemetry, and how many requests it takes when nobody shares them.

What Azure bills by the gigabyte is counted here as the product hands it over: spans as OpenTelemetry's JSON,
log lines as they are written. What the Functions host adds is not in it, nor what Azure Monitor makes of it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
from typing import Any

from benchmarks.common.figures import Options, Result, Table

ALONE, BURST, MAILBOXES = 100, 1_000, 50
QUICK_ALONE, QUICK_BURST = 10, 100
APART_SECONDS = 30.0
"""Between two changes that are alone: long enough that nothing of the one before is in work."""
NOTE = (
    "Spans are counted as OpenTelemetry's JSON, which names everything; what Azure Monitor bills is smaller "
    "by a quarter on average, as Microsoft says. The host's own lines come on top."
)
COLUMNS = (
    "changes are",
    "requests to Graph per change",
    "to Dataverse",
    "spans per change",
    "bytes of spans",
    "log lines per change",
    "bytes of log lines",
)


def run(options: Options) -> Result:
    """Mixed changes one by one, and as many new bookings at once."""
    counts = (QUICK_ALONE, QUICK_BURST) if options.quick else (ALONE, BURST)
    done = subprocess.run(  # noqa: S603 - our own module; a process has one telemetry SDK for good
        [sys.executable, "-m", __name__, *map(str, counts)], capture_output=True, check=True
    )
    rows = json.loads(done.stdout)
    return Result(
        "volume",
        "What does a change write into telemetry, and what does it ask the services when it is alone?",
        {"changes alone": counts[0], "new bookings at once": counts[1], "mailboxes": MAILBOXES},
        tables=(Table("Per change, every trace kept", COLUMNS, tuple(map(tuple, rows))),),
        notes=(NOTE,),
    )


class _Lines(logging.Handler):
    """Counts log lines and their bytes."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines = self.bytes = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.lines += 1
        self.bytes += len(record.getMessage().encode())


def _start_telemetry() -> Any:
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import (
        InMemorySpanExporter,
    )

    exporter = InMemorySpanExporter()
    tracers = TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(tracers)
    return exporter


async def _measure(alone: int, burst: int) -> list[list[Any]]:
    from benchmarks.common.figures import Latency
    from benchmarks.simulated.load import Office
    from benchmarks.simulated.product import open_product
    from benchmarks.simulated.queue import SimulatedQueue
    from benchmarks.simulated.world import SimulatedWorld

    exporter, lines = _start_telemetry(), _Lines()
    logging.getLogger("booking_sync").addHandler(lines)
    logging.getLogger("booking_sync").setLevel(logging.INFO)
    world = SimulatedWorld(Latency.parse("20/80"))
    office = Office(world, technicians=MAILBOXES, bookings=3 * (alone + burst))
    rows: list[list[Any]] = []

    def note(name: str, count: int) -> None:
        spans = exporter.get_finished_spans()
        size = sum(len(span.to_json(indent=None).encode()) for span in spans)
        asked = (world.graph_link.traffic.requests, world.dataverse_link.traffic.requests)
        told = (*asked, len(spans), size, lines.lines, lines.bytes)
        rows.append([name, *(round(each / count, 3) for each in told)])

    def clear() -> None:
        exporter.clear()
        lines.lines = lines.bytes = 0
        world.clear_traffic()

    async with open_product(world) as product:
        worker = product.worker(SimulatedQueue(0.02))

        async def handle(changes: list[Any]) -> None:
            await asyncio.gather(*(worker.handle(product.message(each).decode(), 1) for each in changes))

        await handle(office.book(alone))
        clear()
        for change in office.mix(alone):
            await handle([change])
            await asyncio.sleep(APART_SECONDS)
        note("alone", alone)
        await asyncio.sleep(60)
        clear()
        await handle(office.book(burst))
        note("new, all at once", burst)
    return rows


def main() -> None:
    """Print the rows as JSON: the process that measures."""
    from local.standin.virtual_time import run_virtually

    alone, burst = map(int, sys.argv[1:])
    sys.stdout.write(json.dumps(run_virtually(_measure(alone, burst))))


if __name__ == "__main__":
    main()
