"""Requests, bytes, time and damage of the flow, the plain worker and booking_sync on the same work.

In virtual time: counts are exact, seconds are scheduling and latency only. Whoever stands behind a Functions
host is run by the simulated one. Bookings that a workload changes were made by the contender itself before,
without limits or latency, and are not counted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from benchmarks.common.figures import Chart, ChartKind, Latency, Result, Table, Target
from benchmarks.contenders.judge import Judgement, judge
from benchmarks.contenders.virtual import Name, open_contender
from benchmarks.simulated.load import SHARES, Kind, Office
from benchmarks.simulated.verdict import facts_of
from benchmarks.simulated.world import SimulatedWorld
from local.dataverse.config import Config
from local.standin.virtual_time import run_virtually, virtual_seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.common.figures import Cell, Options

HALF_FAILURE_EVERY = 25
"""Of creations with the open extension inside; one in 20 to 30 was reported (an issue of Graph, 2019)."""
LEAST_FEWER = {Name.FLOW: 20.0, Name.PLAIN: 10.0}
NO_LATENCY = Latency(0.0, 0.0)
BOUNDLESS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Workload:
    """A burst: all its changes at one moment."""

    name: str
    technicians: int
    changes: int
    mixed: bool = False
    """All kinds of changes; otherwise new bookings."""
    half_failures: bool = False
    """Whether Graph makes every so-manieth event without its open extension, and answers 503."""


THOUSAND = "1,000 creates over 50"
WORKLOADS = (
    Workload("100 mixed over 10", 10, 100, mixed=True),
    Workload(THOUSAND, 50, 1000),
    Workload("5,000 mixed over 500", 500, 5000, mixed=True),
    Workload("300 creates of one resource", 1, 300),
    Workload("1,000 creates over 50, half-failures", 50, 1000, half_failures=True),
)
QUICK_WORKLOADS = (
    Workload("100 mixed over 10", 10, 100, mixed=True),
    Workload(THOUSAND, 50, 1000),
)
CONTENDERS = (Name.FLOW, Name.PLAIN, Name.BOOKING_SYNC)


@dataclass(frozen=True, slots=True)
class Run:
    """What one contender did with one workload."""

    contender: Name
    workload: Workload
    seconds: float
    """Virtual."""
    graph_requests: int
    batch_items: int
    dataverse_requests: int
    bytes_up: int
    bytes_down: int
    throttled: int
    """Answers 429 of both services, those of batch items among them."""
    lost: int
    """Changes given up: failed runs of the flow, messages on the poison queue."""
    judgement: Judgement

    @property
    def per_change(self) -> float:
        """Requests to Graph and Dataverse per booking change."""
        return (self.graph_requests + self.dataverse_requests) / self.workload.changes


def run(options: Options) -> Result:
    """Play every workload with every contender at every latency."""
    workloads = QUICK_WORKLOADS if options.quick else WORKLOADS
    runs = {
        latency: [play(name, each, latency) for each in workloads for name in _contenders(each)]
        for latency in options.latencies
    }
    return Result(
        name="requests_per_change",
        question="How many requests does a booking change cost, and what else does a burst do?",
        parameters={
            "latencies": ", ".join(latency.label for latency in runs),
            "half-failures": f"every {HALF_FAILURE_EVERY}th creation, in one workload",
        },
        tables=tuple(_table(latency, found) for latency, found in runs.items()),
        charts=(_chart(options.latencies[0], runs[options.latencies[0]]),),
        targets=tuple(target for latency, found in runs.items() for target in _targets(latency, found)),
        notes=_notes(),
    )


def _contenders(workload: Workload) -> tuple[Name, ...]:
    """The flow without concurrency control is played once: what befalls it does not hang on the work."""
    return (Name.FLOW_UNLIMITED, *CONTENDERS) if workload.name == THOUSAND else CONTENDERS


def play(name: Name, workload: Workload, latency: Latency) -> Run:
    """One run in a world of its own."""
    return run_virtually(_play(name, workload, latency))


async def _play(name: Name, workload: Workload, latency: Latency) -> Run:
    world = SimulatedWorld(NO_LATENCY)
    office = Office(world, technicians=workload.technicians, bookings=2 * workload.changes)
    async with open_contender(name, world) as contender:
        _lift_limits(world)
        if workload.mixed:
            contender.take(office.book(workload.changes - int(SHARES[Kind.CREATE] * workload.changes)))
            await contender.work()
        _restore_limits(world, half_failures=workload.half_failures)
        world.set_latency(latency)
        world.clear_traffic()
    async with open_contender(name, world) as contender:
        world.clear_traffic()
        started = virtual_seconds()
        changes = office.mix(workload.changes) if workload.mixed else office.book(workload.changes)
        contender.take(changes)
        await contender.work()
        seconds = virtual_seconds() - started
        graph, dataverse = world.graph_link.traffic, world.dataverse_link.traffic
    return Run(
        contender=name,
        workload=workload,
        seconds=seconds,
        graph_requests=graph.requests,
        batch_items=graph.batch_items,
        dataverse_requests=dataverse.requests,
        bytes_up=graph.bytes_up + dataverse.bytes_up,
        bytes_down=graph.bytes_down + dataverse.bytes_down,
        throttled=graph.throttled + dataverse.throttled,
        lost=contender.lost,
        judgement=judge(facts_of(world, office)),
    )


def _lift_limits(world: SimulatedWorld) -> None:
    state = world.graph.state
    state.config = replace(
        state.config,
        mailbox_concurrency=BOUNDLESS,
        budget_requests=BOUNDLESS,
        inline_extension_failure_every=0,
    )
    world.dataverse.state.configure(
        max_concurrent=BOUNDLESS, max_requests=BOUNDLESS, max_execution_seconds=float(BOUNDLESS)
    )


def _restore_limits(world: SimulatedWorld, *, half_failures: bool) -> None:
    """The documented ones; how much requests during a throttle lengthen it is not."""
    state, usual = world.graph.state, type(world.graph.state.config)()
    state.config = replace(
        state.config,
        mailbox_concurrency=usual.mailbox_concurrency,
        budget_requests=usual.budget_requests,
        inline_extension_failure_every=HALF_FAILURE_EVERY if half_failures else 0,
    )
    limits = Config()
    world.dataverse.state.configure(
        max_concurrent=limits.max_concurrent,
        max_requests=limits.max_requests,
        max_execution_seconds=limits.max_execution_seconds,
        lengthen_seconds=0.0,
    )


def _table(latency: Latency, runs: Sequence[Run]) -> Table:
    return Table(
        title=f"At {latency.label} (round trip/service time), virtual time",
        columns=(
            *("workload", "contender", "requests per change", "Graph", "of which batch items", "Dataverse"),
            *("bytes up per change", "bytes down per change", "virtual seconds"),
            *("answers 429", "changes lost", "wrong events"),
        ),
        rows=tuple(_row(each) for each in runs),
        note="Requests, retries among them; bytes with headers, without TLS.",
    )


def _row(run: Run) -> tuple[Cell, ...]:
    changes = run.workload.changes
    return (
        run.workload.name,
        run.contender.value,
        run.per_change,
        run.graph_requests,
        run.batch_items,
        run.dataverse_requests,
        run.bytes_up / changes,
        run.bytes_down / changes,
        run.seconds,
        run.throttled,
        run.lost,
        run.judgement.text(),
    )


def _targets(latency: Latency, runs: Sequence[Run]) -> list[Target]:
    """Of the burst of new bookings; a figure of booking_sync with wrong events would be none."""
    burst = {each.contender: each for each in runs if each.workload.name == THOUSAND}
    ours = burst[Name.BOOKING_SYNC]
    return [_target(latency, burst[other], ours) for other in LEAST_FEWER]


def _target(latency: Latency, other: Run, ours: Run) -> Target:
    times, least = other.per_change / ours.per_change, LEAST_FEWER[other.contender]
    right = ours.judgement.faultless and not ours.lost
    return Target(
        aim=f"at least {least:g}x fewer requests than {other.contender.value}, {latency.label}",
        measured=f"{times:.1f}x ({other.per_change:.2f} and {ours.per_change:.3f} per new booking)"
        + ("" if right else ", but events are wrong"),
        met=right and times >= least,
    )


def _chart(latency: Latency, runs: Sequence[Run]) -> Chart:
    return Chart(
        name="requests-per-change",
        title=f"Requests to Graph and Dataverse per booking change, {latency.label}",
        kind=ChartKind.BARS,
        x_label="workload",
        y_label="requests",
        series={
            name.value: tuple(
                (each.workload.name, each.per_change) for each in runs if each.contender is name
            )
            for name in (Name.FLOW, Name.PLAIN, Name.BOOKING_SYNC)
        },
        log_y=True,
    )


def _notes() -> tuple[str, ...]:
    return (_FLOW, _UNLIMITED, _PLAIN, _HALF_FAILURES, _WRONG)


_FLOW = (
    "The flow runs 25 at once, the default of its trigger's concurrency control, or without limit, as when "
    "that control is off. Each action is retried ten times, then the run fails and its change is lost."
)
_UNLIMITED = (
    "Without concurrency control a burst exceeds Dataverse's 52 requests at a time at once. Microsoft says "
    "that requests during a throttle lengthen it, but not by how much; that is left out here, in the favour "
    "of whoever gets throttled."
)
_PLAIN = (
    "The plain worker runs 24 at once, the Functions host's default; it and booking_sync are started by the "
    "simulated host with their own host.json."
)
_HALF_FAILURES = (
    "Half-failures: Graph answers 503 to some creations with an open extension inside, having made the event "
    "without it. They are off but in the workload that names them; booking_sync adds extensions afterwards."
)
_WRONG = (
    "Wrong events: bookings without their event, with more than one, or wrong in any other way, when all is "
    "quiet; the verdict knows no contender."
)
