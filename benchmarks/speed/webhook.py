"""What a webhook costs: time inside our code, throughput against the bare message, memory.

The registered function takes real `HttpRequest` objects, in a process of its own
(`benchmarks.probes.webhook`), and puts its messages on real Azurite over TLS.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import uuid
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.common.figures import Cell, Chart, ChartKind, Options, Result, Spread, Table, Target
from benchmarks.common.flatness import growth
from benchmarks.probes.run import run_module
from local.stack.azurite import azurite, random_account
from local.stack.certificates import make_certificates

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

AIM_MEDIAN_MS = 2.0
AIM_RATIO = 1.5
AIM_GROWTH_MB = 1.5
"""Between the first and the last quarter of 20,000 webhooks, so over 15,000 of them: 100 bytes each, hardly
more than what keeping just the booking's id would take."""
KINDS = {
    "whole": "one webhook, answered",
    "steps": "inside the process, waiting left out (our code, storage SDK, HTTP client)",
    "receiver": "our code alone (everything but the queue's send)",
    "cpu": "processor time of the whole process, event loop and TLS included",
}
NOTES = (
    (
        "Time inside the process is the sum of the steps of the function's coroutine, from one await to the "
        "next. It includes what the storage SDK and aiohttp do in them, and leaves out what the event loop "
        "does on its own account, such as reading the answer from the socket: that is in the processor time."
    ),
    (
        "The bare message is one send_message of the same SDK with the same options, in the same process, "
        "block by block in turn with the function. Azurite runs on the same machine and takes most of the "
        "time, so the ratio hides how much the function itself takes: see the first table for that."
    ),
    "Growth: the median of the last quarter of the samples minus that of the first, after a warm-up.",
)


def run(options: Options) -> Result:
    """Measure all three."""
    return asyncio.run(_run(options))


async def _run(options: Options) -> Result:
    single, block, many = (100, 64, 800) if options.quick else (1500, 400, 20_000)
    repeats = 1 if options.quick else options.repeats
    costs = await _probe("cost", single)
    blocks = [await _probe("throughput", block) for _ in range(repeats)]
    memory = await _probe("memory", many)
    sizes: dict[str, Cell] = {"one at a time": single, "in a block": block, "repeats": repeats}
    return _result(
        {**sizes, "for memory": many, "answered 503 meanwhile": memory["refused"]},
        costs,
        blocks,
        memory["samples"],
    )


async def _probe(what: str, count: int) -> Any:
    """One probe on an Azurite of its own, so that none finds what another has left."""
    async with storage_settings() as environment:
        return await run_module("webhook", what, str(count), environment=environment)


@asynccontextmanager
async def storage_settings() -> AsyncIterator[dict[str, str]]:
    """An Azurite while it lasts, as app settings."""
    with tempfile.TemporaryDirectory() as folder:
        certificates = make_certificates(Path(folder))
        async with azurite(certificates, random_account()) as storage:
            yield {
                "AzureWebJobsStorage": storage.url,
                "DATAVERSE_ORGANIZATION_ID": str(uuid.uuid4()),
                "DATAVERSE_APP_USER_ID": str(uuid.uuid4()),
                "SSL_CERT_FILE": str(certificates.authority),
                "NO_PROXY": "localhost,127.0.0.1",
            }


def _result(
    parameters: Mapping[str, Cell],
    costs: Mapping[str, Sequence[float]],
    blocks: Sequence[Mapping[str, Sequence[float]]],
    samples: Sequence[tuple[int, float]],
) -> Result:
    ratios = {level: Spread.of([b[level][0] / b[level][1] for b in blocks]) for level in blocks[0]}
    grown = growth(samples)
    inside = statistics.median(costs["steps"])
    worst = max(ratios.values(), key=lambda each: each.median)
    return Result(
        "webhook",
        "What does a webhook cost, beyond the message that it puts on the queue?",
        parameters,
        tables=(_cost_table(costs), _throughput_table(blocks, ratios)),
        charts=(
            Chart(
                "webhook-memory",
                "Resident memory of the process that takes webhooks",
                ChartKind.LINES,
                "webhooks",
                "MB",
                {"function app": tuple((done, size) for done, size in samples)},
            ),
        ),
        targets=(
            Target(
                f"below {AIM_MEDIAN_MS:g} ms inside the process at the median",
                f"{inside:.2f} ms ({statistics.median(costs['receiver']):.2f} ms without the storage SDK)",
                inside < AIM_MEDIAN_MS,
            ),
            Target(
                f"throughput within {AIM_RATIO:g}x of the bare message, at every concurrency",
                f"{worst.text(2)}x at worst",
                worst.median <= AIM_RATIO,
            ),
            Target(
                f"memory flat: at most {AIM_GROWTH_MB:g} MB more in the last quarter than in the first",
                f"{grown:+.2f} MB, {samples[-1][1]:.0f} MB in the end",
                grown <= AIM_GROWTH_MB,
            ),
        ),
        notes=NOTES,
    )


def _cost_table(costs: Mapping[str, Sequence[float]]) -> Table:
    rows = tuple(
        (label, statistics.median(costs[kind]), _percentile(costs[kind], 99)) for kind, label in KINDS.items()
    )
    return Table("One webhook at a time, milliseconds", ("what", "median", "99th percentile"), rows)


def _throughput_table(blocks: Sequence[Mapping[str, Sequence[float]]], ratios: Mapping[str, Spread]) -> Table:
    def per_second(level: str, which: int) -> str:
        return Spread.of([block[level][which] for block in blocks]).text(0)

    rows = tuple(
        (int(level), per_second(level, 0), per_second(level, 1), ratio.text(2))
        for level, ratio in ratios.items()
    )
    return Table(
        "Throughput: median and range over the repeats",
        ("at a time", "bare messages/s", "webhooks/s", "bare / webhooks"),
        rows,
    )


def _percentile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
