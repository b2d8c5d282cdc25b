"""How near booking_sync comes to the bound: virtual time, so that only scheduling and latency count.

Each load is measured twice: all changes submitted to the `PerBookingRunner` at once, without a host, and from
a full queue through one simulated instance of the Functions host with the numbers of `host.json`. A third
table tells what it costs in requests to be sooner: the two bursts with other sizes of batches.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.common.bound import HostLimits, bound, host_bound, host_in_outlook, in_outlook
from benchmarks.common.figures import Chart, ChartKind, Result, Table, Target
from benchmarks.simulated.load import SHARES, Kind, Office, work_of
from benchmarks.simulated.product import open_product
from benchmarks.simulated.queue import QueueTrigger, SimulatedQueue
from benchmarks.simulated.verdict import judge
from benchmarks.simulated.world import SimulatedWorld
from booking_sync.plumbing.busy_time import BURST_SIZES, BurstSizes
from local.functions_host.configuration import read_host_settings
from local.processes import REPOSITORY
from local.standin.virtual_time import run_virtually, virtual_seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.common.bound import Work
    from benchmarks.common.figures import Cell, Latency, Options
    from benchmarks.simulated.load import Change
    from benchmarks.simulated.product import Product
    from local.functions_host.configuration import QueueOptions

QUICK_DIVISOR = 10
"""How much smaller loads are in a quick run, in changes and in mailboxes."""
COLUMNS = (
    "latency",
    "load",
    "bound, s",
    "set by",
    "time, s",
    "time / bound",
    "in Outlook, s",
    "of its bound",
    "Graph requests",
    "Dataverse requests",
    "requests per change",
    "answers 429",
    "CPU, s",
    "wrong in the end",
)

CURVE = (
    BurstSizes(20, 20),
    BurstSizes(20, 8),
    BurstSizes(10, 20),
    BurstSizes(8, 20),
    BurstSizes(8, 10),
    BURST_SIZES,
    BurstSizes(8, 6),
    BurstSizes(4, 6),
)
"""Sizes of a burst's batches, from few requests to many."""
CURVE_NOTE = (
    "20, 20 is how batches were made before, but for the extensions, which go behind other events now. Times "
    "the bound; the sizes hold for the first two seconds without a break, as long as places are free."
)
CURVE_COLUMNS = (
    "latency",
    "load",
    "items to Graph, records to Dataverse",
    "recorded / bound",
    "in Outlook / its bound",
    "Graph requests",
    "Dataverse requests",
    "requests per change",
)

NOTES = (
    """Virtual time: the real machinery and the stand-ins' own code on a loop whose clock jumps from timer to
    timer. It is the same on every run, so one run is enough, and the machine's speed does not enter
    into it.""",
    """CPU is process_time of the measured part: booking_sync, the Graph SDK, and the stand-ins that answer;
    once, warm.""",
    """A request to the storage queue takes the services' round trip and no service time. The host's own
    processor time is left out.""",
    """`benchmarks/common/bound.py` derives the bound. In the end every calendar is compared with the
    bookings; `wrong in the end` counts differences.""",
    """In Outlook: when the last answer tells that an event is written. Its bound leaves out records and
    extensions: a read, and the writes of the busiest mailbox.""",
)


@dataclass(frozen=True, slots=True)
class Load:
    """What is measured."""

    changes: int
    mailboxes: int
    mixed: bool = False
    """Changes of all kinds; else creations."""
    limit: float | None = None
    """Times the bound that are allowed, without the host."""
    is_burst: bool = False
    """A part of the curve; what is allowed through the host is in `BURST_LIMITS`."""

    @property
    def title(self) -> str:
        """For a table."""
        kind = "mixed" if self.mixed else "creations"
        where = f"{self.mailboxes} mailboxes" if self.mailboxes > 1 else "1 mailbox"
        return f"{self.changes:,} {kind}, {where}"

    @property
    def booked_before(self) -> int:
        """Bookings that have their events when the clock starts; as many as get changed."""
        return self.changes - int(SHARES[Kind.CREATE] * self.changes) if self.mixed else 0

    def smaller(self) -> Load:
        """For a quick run."""
        mailboxes = max(self.mailboxes // QUICK_DIVISOR, 2 if self.mixed else 1)
        return Load(self.changes // QUICK_DIVISOR, mailboxes, self.mixed, self.limit, self.is_burst)


LOADS = (
    Load(100, 10, is_burst=True),
    Load(1_000, 50, limit=1.3, is_burst=True),
    Load(5_000, 500, mixed=True, limit=1.5),
    Load(300, 1),
)
BURST_LIMITS = {100: 2.0, 1_000: 1.5}
"""By changes: times the bound until recorded that are allowed through the host, at the first latency."""
BURST_IN_OUTLOOK = 1.2
"""Times the bound until all events are in Outlook, likewise."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One load, done."""

    load: Load
    latency: Latency
    hosted: bool
    bound: float
    """Seconds, as the next four."""
    seconds: float
    outlook_bound: float
    in_outlook: float
    cpu: float
    set_by: str
    graph_requests: int
    dataverse_requests: int
    throttled: int
    differences: int

    @property
    def ratio(self) -> float:
        """Of the time to the bound."""
        return self.seconds / self.bound

    @property
    def outlook_ratio(self) -> float:
        """Of the time until all events are in Outlook to its bound."""
        return self.in_outlook / self.outlook_bound

    @property
    def requests_per_change(self) -> float:
        """To both services."""
        return (self.graph_requests + self.dataverse_requests) / self.load.changes

    def curve_row(self, sizes: BurstSizes) -> tuple[Cell, ...]:
        """By `CURVE_COLUMNS`."""
        used = " (used)" if sizes == BURST_SIZES else ""
        return (
            self.latency.label,
            self.load.title,
            f"{sizes.events}, {sizes.records}{used}",
            self.ratio,
            self.outlook_ratio,
            self.graph_requests,
            self.dataverse_requests,
            self.requests_per_change,
        )

    def row(self) -> tuple[Cell, ...]:
        """By `COLUMNS`."""
        return (
            self.latency.label,
            self.load.title,
            self.bound,
            self.set_by,
            self.seconds,
            self.ratio,
            self.in_outlook,
            self.outlook_ratio,
            self.graph_requests,
            self.dataverse_requests,
            self.requests_per_change,
            self.throttled,
            self.cpu,
            self.differences,
        )


def run(options: Options) -> Result:
    """Measure every load at every latency, without the host and through the host."""
    loads = tuple(load.smaller() if options.quick else load for load in LOADS)
    queue_options = read_host_settings(REPOSITORY).queues
    alone, hosted = (
        [
            measure(load, latency, queue_options if through_host else None)
            for latency in options.latencies
            for load in loads
        ]
        for through_host in (False, True)
    )
    curve = [
        measure(load, latency, queue_options, sizes).curve_row(sizes)
        for latency in options.latencies
        for load in loads
        if load.is_burst
        for sizes in CURVE
    ]
    at_once = queue_options.batch_size + queue_options.new_batch_threshold
    return Result(
        name="scheduling",
        question="How near does booking_sync come to the least time that the services' limits allow?",
        parameters={
            "latencies": ", ".join(latency.label for latency in options.latencies),
            "messages in work at once (host.json)": at_once,
        },
        tables=(
            Table("Submitted at once, without the host", COLUMNS, tuple(each.row() for each in alone)),
            Table(
                "From a full queue through one instance of the host",
                COLUMNS,
                tuple(each.row() for each in hosted),
                note=f"The bound includes the host's own: {at_once} messages at a time.",
            ),
            Table(
                "What sooner costs: bursts through the host, by the sizes of batches",
                CURVE_COLUMNS,
                tuple(curve),
                note=CURVE_NOTE,
            ),
        ),
        charts=(_chart(alone, hosted, options.latencies[0]),),
        targets=(
            *(_target(load, alone) for load in loads if load.limit),
            *(
                target
                for each in hosted
                if each.latency == options.latencies[0]
                for target in _burst_targets(each)
            ),
        ),
        notes=tuple(" ".join(note.split()) for note in NOTES),
    )


def measure(
    load: Load, latency: Latency, host: QueueOptions | None = None, sizes: BurstSizes = BURST_SIZES
) -> Measured:
    """One load in a world of its own.

    Args:
        load: what to do.
        latency: of both services, and of the queue its round trip.
        host: puts the queue trigger with these options in front; None submits without a host.
        sizes: of batches in a burst.
    """
    return run_virtually(_measure(load, latency, host, sizes))


async def _measure(load: Load, latency: Latency, host: QueueOptions | None, sizes: BurstSizes) -> Measured:
    world = SimulatedWorld(latency)
    office = Office(world, technicians=load.mailboxes, bookings=load.booked_before + load.changes)
    async with open_product(world, burst=sizes) as product:
        await product.submit_all(office.book(load.booked_before))
        changes = office.mix(load.changes) if load.mixed else office.book(load.changes)
        world.clear_traffic()
        began, cpu_began = virtual_seconds(), time.process_time()
        await _do(product, changes, latency, host)
        seconds, cpu = virtual_seconds() - began, time.process_time() - cpu_began
    work = work_of(changes)
    least, set_by = _least(work, latency, host)
    graph, dataverse = world.graph_link.traffic, world.dataverse_link.traffic
    return Measured(
        load,
        latency,
        host is not None,
        bound=least,
        seconds=seconds,
        outlook_bound=_least_in_outlook(work, latency, host),
        in_outlook=graph.last_event - began,
        cpu=cpu,
        set_by=set_by,
        graph_requests=graph.requests,
        dataverse_requests=dataverse.requests,
        throttled=graph.throttled + dataverse.throttled,
        differences=len(judge(world, office)),
    )


async def _do(
    product: Product, changes: Sequence[Change], latency: Latency, host: QueueOptions | None
) -> None:
    if host is None:
        await product.submit_all(changes)
        return
    queue = SimulatedQueue(latency.round_trip)
    queue.fill(product.message(change) for change in changes)
    worker = product.worker(queue)
    trigger = QueueTrigger(queue, host, lambda body, count: worker.handle(body.decode(), count))
    await trigger.drain()
    if trigger.failures or queue.poison:
        raise RuntimeError(f"{trigger.failures} invocations failed, {len(queue.poison)} messages are poison")


def _least(work: Work, latency: Latency, host: QueueOptions | None) -> tuple[float, str]:
    """The bound and what sets it."""
    services = bound(work, latency)
    if host is None:
        return services.seconds, services.binding
    limits = HostLimits(host.batch_size, host.new_batch_threshold)
    least = host_bound(work, latency, limits, latency.round_trip)
    by_services = services.seconds + 2 * latency.round_trip
    return least, services.binding if least <= by_services else "host"


def _least_in_outlook(work: Work, latency: Latency, host: QueueOptions | None) -> float:
    if host is None:
        return in_outlook(work, latency)
    return host_in_outlook(
        work, latency, HostLimits(host.batch_size, host.new_batch_threshold), latency.round_trip
    )


def _burst_targets(measured: Measured) -> list[Target]:
    limit = BURST_LIMITS.get(measured.load.changes)
    if limit is None:
        return []
    where = f"of {measured.load.title} through the host, {measured.latency.label}"
    return [
        Target(
            f"a burst {where}: recorded within {limit:g}x of the bound",
            f"{measured.ratio:.2f}x",
            measured.ratio <= limit,
        ),
        Target(
            f"a burst {where}: in Outlook within {BURST_IN_OUTLOOK:g}x of its bound",
            f"{measured.outlook_ratio:.2f}x",
            measured.outlook_ratio <= BURST_IN_OUTLOOK,
        ),
    ]


def _chart(alone: Sequence[Measured], hosted: Sequence[Measured], latency: Latency) -> Chart:
    def points(measured: Sequence[Measured], *, least: bool = False) -> tuple[tuple[Cell, float], ...]:
        return tuple(
            (each.load.title, each.bound if least else each.seconds)
            for each in measured
            if each.latency == latency
        )

    return Chart(
        name="scheduling",
        title=f"Virtual time against the bound, {latency.label}",
        kind=ChartKind.BARS,
        x_label="load",
        y_label="seconds",
        series={
            "bound": points(alone, least=True),
            "booking_sync, without the host": points(alone),
            "host's bound": points(hosted, least=True),
            "booking_sync through the host": points(hosted),
        },
    )


def _target(load: Load, measured: Sequence[Measured]) -> Target:
    runs = [each for each in measured if each.load == load]
    limit = load.limit or 0.0
    met = all(each.ratio <= limit and not each.differences for each in runs)
    terms = ", ".join(sorted({each.set_by for each in runs}))
    return Target(
        aim=f"within {limit:g}x of the bound in virtual time: {load.title}",
        measured=", ".join(f"{each.ratio:.2f}x at {each.latency.label}" for each in runs),
        met=met,
        bound="" if met else f"the bound itself is set by: {terms}",
    )
