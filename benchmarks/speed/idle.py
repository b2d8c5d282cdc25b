"""How long one booking takes when nothing else is going on, from its webhook to the event and to the record.

On the whole local stack, one booking at a time with pauses in which the host's polling slows down, as it does
at idle. What happened when is read off the stand-ins' request logs; the monotonic clock is one for all
processes (Linux). The worker's own share, and what batching adds to it, comes from processes without a host
(`benchmarks.probes.bookings`, `benchmarks.probes.plain`).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.common.field import Field, messages, set_latency
from benchmarks.common.figures import Cell, Chart, ChartKind, Latency, Options, Result, Spread, Table, Target
from benchmarks.common.timeline import LABELS, Timeline, part, timeline
from benchmarks.probes.run import run_module
from local.processes import REPOSITORY
from local.stack import LocalStack, StackOptions, booking_webhook

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

OURS = "booking_sync"
CONTENDERS = {OURS: REPOSITORY, "plain worker": REPOSITORY / "benchmarks" / "contenders" / "plain_app"}
AIM_MS = 300.0
"""What "a few hundred milliseconds" is taken for."""
SLOWEST_POLL_SECONDS = 1.0
"""`maxPollingInterval` of host.json."""
QUIET_SECONDS = 1.6
"""After which the host polls as rarely as it ever does: 0.1 + 0.2 + 0.4 + 0.8."""
PATIENCE_SECONDS = 30.0
ACCEPTED = 202
LATER = 5
"""Bookings after the first in each process."""
PARTS = {
    "queued": "webhook to queue, answered",
    "picked_up": "in the queue until the host's next poll, then linger, until the first request arrives",
    "worked": "from that request until the event is in Outlook",
    "event": "webhook to event in Outlook",
    "record": "webhook to record on the row",
}


@dataclass(frozen=True, slots=True)
class Passage:
    """One booking's way through the whole chain; milliseconds since the webhook left."""

    queued: float
    reached: float
    """When the worker's first request for it arrived at Dataverse."""
    event: float
    record: float

    @property
    def picked_up(self) -> float:
        """Between the queue and the first request."""
        return self.reached - self.queued

    @property
    def worked(self) -> float:
        """Between the first request and the event."""
        return self.event - self.reached


@dataclass(frozen=True, slots=True)
class Measured:
    """One contender at one latency."""

    contender: str
    latency: Latency
    first: Passage
    later: tuple[Passage, ...]


@dataclass(frozen=True, slots=True)
class Alone:
    """The workers without a host at one latency: processes started afresh."""

    cold: tuple[Timeline, ...]
    warm: tuple[Timeline, ...]
    plain_cold: tuple[float, ...]
    """Milliseconds of the first call, imports not included."""
    plain_warm: tuple[float, ...]

    @property
    def plain_first_call(self) -> float:
        """What the plain worker's first call costs beyond a later one."""
        return statistics.median(self.plain_cold) - statistics.median(self.plain_warm)


def run(options: Options) -> Result:
    """Measure both workers at every latency, on their hosts and without."""
    return asyncio.run(_run(options))


async def _run(options: Options) -> Result:
    singles = 2 if options.quick else 3 * options.repeats
    measured = await _through_hosts(options.latencies, singles)
    repeats = 1 if options.quick else options.repeats
    alone = {latency: await _alone(latency, repeats) for latency in options.latencies}
    return _result(singles, measured, alone)


async def _through_hosts(latencies: Sequence[Latency], singles: int) -> list[Measured]:
    """First bookings one stack after the other, since a start takes a whole core; later ones side by side."""
    async with contextlib.AsyncExitStack() as running:
        firsts: list[tuple[str, Latency, LocalStack, Field, Passage]] = []
        for (name, app), latency in itertools.product(CONTENDERS.items(), latencies):
            folder = Path(running.enter_context(tempfile.TemporaryDirectory()))
            stack = await running.enter_async_context(LocalStack(StackOptions(folder, app_folder=app)))
            field = Field(stack, technicians=3)
            await field.furnish()
            await set_latency(stack, latency)
            first = await _pass(stack, (await field.book(1))[0], webhook=name == OURS)
            firsts.append((name, latency, stack, field, first))
        later = await asyncio.gather(
            *(_later(stack, field, singles, webhook=name == OURS) for name, _, stack, field, _ in firsts)
        )
    return [
        Measured(name, latency, first, tuple(passages))
        for (name, latency, _, _, first), passages in zip(firsts, later, strict=True)
    ]


async def _later(stack: LocalStack, field: Field, singles: int, *, webhook: bool) -> list[Passage]:
    chance = random.Random(1)  # noqa: S311 - only spreads the bookings over the host's polling
    passages = []
    for booking_id in await field.book(singles):
        await asyncio.sleep(QUIET_SECONDS + SLOWEST_POLL_SECONDS * chance.random())
        passages.append(await _pass(stack, booking_id, webhook=webhook))
    return passages


async def _pass(stack: LocalStack, booking_id: str, *, webhook: bool) -> Passage:
    """Let one booking through; a worker without a webhook finds its message on the queue.

    Raises:
        RuntimeError: the webhook was refused, or the booking was not synced.
    """
    for service in (stack.graph, stack.dataverse):
        await service.clear_requests()
    left = time.monotonic()
    if webhook:
        status = await stack.post_webhook(booking_webhook(stack.identities, "Update", booking_id))
        if status != ACCEPTED:
            raise RuntimeError(f"the webhook was answered {status}")
    else:
        await stack.queue.send(messages([booking_id])[0])
    queued = time.monotonic()
    await stack.wait_until_quiet(PATIENCE_SECONDS)
    dataverse, graph = await stack.dataverse.requests(), await stack.graph.requests()
    return passage(left, queued, dataverse, graph)


def passage(
    left: float, queued: float, dataverse: Sequence[Mapping[str, Any]], graph: Sequence[Mapping[str, Any]]
) -> Passage:
    """What the request logs tell of the only booking in them; moments in seconds of the monotonic clock.

    Raises:
        RuntimeError: no event was created, or nothing was recorded.
    """
    events = [_end(entry) for entry in graph if _does(entry, "POST", "/events")]
    records = [_end(entry) for entry in dataverse if _does(entry, "PATCH", "")]
    if not events or not records:
        raise RuntimeError(
            f"{len(events)} events were created and {len(records)} records written for a booking"
        )
    moments = (queued, min(entry["started"] for entry in dataverse), min(events), max(records))
    return Passage(*((moment - left) * 1000 for moment in moments))


def _does(entry: Mapping[str, Any], method: str, path_end: str) -> bool:
    """Whether the request, or a part of it, is this."""
    units = entry["items"] or [entry]
    return any(unit["method"] == method and str(unit["path"]).endswith(path_end) for unit in units)


def _end(entry: Mapping[str, Any]) -> float:
    return float(entry["started"]) + float(entry["seconds"])


async def _alone(latency: Latency, repeats: int) -> Alone:
    """Both workers in processes of their own, each with a first booking and some more."""
    cold: list[Timeline] = []
    warm: list[Timeline] = []
    plain_cold: list[float] = []
    plain_warm: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        async with LocalStack(StackOptions(Path(folder), hosts=0)) as stack:
            field = Field(stack, technicians=3)
            await field.furnish()
            await set_latency(stack, latency)
            for _ in range(repeats):
                ids = await field.book(1 + LATER)
                ours = await run_module("bookings", *ids, environment=stack.settings)
                cold.append(timeline(ours["bookings"][0]))
                warm += [timeline(spans) for spans in ours["bookings"][1:]]
                ids = await field.book(1 + LATER)
                plain = await run_module("plain", *ids, environment=stack.settings)
                plain_cold.append(plain["calls"][0])
                plain_warm += plain["calls"][1:]
    return Alone(tuple(cold), tuple(warm), tuple(plain_cold), tuple(plain_warm))


def _result(singles: int, measured: Sequence[Measured], alone: Mapping[Latency, Alone]) -> Result:
    added = {latency: statistics.median(part(each.warm, "batching")) for latency, each in alone.items()}
    slowest = max(added.values())
    first_calls = [each.plain_first_call for each in alone.values()]
    return Result(
        "idle",
        "How long does a single booking take when nothing else is going on?",
        {"single bookings": singles, "polling interval of both hosts, s": SLOWEST_POLL_SECONDS},
        tables=(_chain_table(measured), *(_alone_table(latency, each) for latency, each in alone.items())),
        charts=(_chart(measured),),
        targets=(
            Target(
                f"batching (linger and windows) adds at most {AIM_MS:g} ms to a booking at idle",
                f"{slowest:.0f} ms",
                slowest <= AIM_MS,
            ),
            Target(
                "which is less than the plain worker's own first call costs it",
                f"{slowest:.0f} ms against {min(first_calls):.0f} ms",
                slowest < min(first_calls),
            ),
        ),
        notes=NOTES,
    )


NOTES = (
    (
        "The wait for the host's poll is the host's and the same for both workers: up to the longest polling "
        "interval at idle, half of it on average. The plain worker's host has no webhook, so its message is "
        "put on the queue directly."
    ),
    (
        "Batching is all the time between what the protocol asks for and the request that carries it, so it "
        "includes building the requests; on a first booking that is mostly the Graph SDK's own imports."
    ),
    (
        "The plain worker's first call: opening what it needs and its first message, beyond a later message; "
        "imports at the host's start not included."
    ),
)


def _chain_table(measured: Sequence[Measured]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for each in measured:
        for name, label in PARTS.items():
            later = Spread.of([float(getattr(passage, name)) for passage in each.later])
            first = float(getattr(each.first, name))
            rows.append((each.contender, each.latency.label, label, later.text(0), first))
    return Table(
        "Through the whole chain, ms: median and range, and the first after the host's start",
        ("worker", "latency", "part", "later bookings", "first"),
        tuple(rows),
    )


def _alone_table(latency: Latency, alone: Alone) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (label, Spread.of(part(alone.warm, name)).text(0), Spread.of(part(alone.cold, name)).text(0))
        for name, label in LABELS.items()
    ]
    plain = (Spread.of(alone.plain_warm).text(0), Spread.of(alone.plain_cold).text(0))
    rows.append(("plain worker: until the message is acknowledged", *plain))
    return Table(
        f"In the worker, without host and queue, at {latency.label}: ms",
        ("part", "later bookings", "first"),
        tuple(rows),
    )


def _chart(measured: Sequence[Measured]) -> Chart:
    return Chart(
        "idle",
        "One booking at idle: webhook to event",
        ChartKind.BARS,
        "",
        "ms, median",
        {
            name: tuple(
                (
                    each.latency.label,
                    statistics.median(passage.event for passage in each.later),
                )
                for each in measured
                if each.contender == name
            )
            for name in CONTENDERS
        },
    )
