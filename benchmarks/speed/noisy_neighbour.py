"""What a throttled mailbox does to the others: a steady load, then ten times as much, in virtual time.

New bookings are dealt round to the technicians. As the burst begins, Graph throttles one mailbox (429 with
Retry-After) for longer than the burst lasts. Told are the lags of all other mailboxes' bookings, from the row
in Dataverse to the event in the calendar, and what became of the throttled one's.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from statistics import quantiles
from typing import TYPE_CHECKING

from benchmarks.common.figures import Chart, ChartKind, Result, Table, Target
from benchmarks.contenders.flow import EXTENSION_NAME, EXTENSION_PROPERTY
from benchmarks.contenders.judge import Judgement, judge
from benchmarks.contenders.virtual import Contender, Name, open_contender
from benchmarks.simulated.load import Office
from benchmarks.simulated.verdict import facts_of
from benchmarks.simulated.world import SimulatedWorld
from local.standin.virtual_time import run_virtually, virtual_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.common.figures import Cell, Latency, Options
    from benchmarks.simulated.load import Change
    from local.graph.mailbox.events import Mailbox, StoredEvent

CONTENDERS = (Name.FLOW, Name.PLAIN, Name.BOOKING_SYNC)
WATCH_SECONDS = 0.05
"""How often calendars are looked at, and so how exact a lag is."""


@dataclass(frozen=True, slots=True)
class Story:
    """What happens; seconds."""

    technicians: int = 20
    steady_per_second: float = 2.0
    steady_seconds: float = 60.0
    burst_factor: int = 10
    burst_seconds: float = 40.0
    throttle_seconds: float = 120.0

    @property
    def steady(self) -> int:
        """Bookings before the burst."""
        return int(self.steady_per_second * self.steady_seconds)

    @property
    def burst(self) -> int:
        """Bookings in the burst."""
        return int(self.steady_per_second * self.burst_factor * self.burst_seconds)

    @property
    def end(self) -> float:
        """When the last booking is made."""
        return self.steady_seconds + self.burst_seconds


QUICK_STORY = Story(steady_seconds=10.0, burst_seconds=10.0, throttle_seconds=30.0)


@dataclass(frozen=True, slots=True)
class Run:
    """How one contender fared."""

    contender: Name
    steady: tuple[float, ...]
    """Lags before the burst, in seconds, of all mailboxes."""
    others: tuple[float, ...]
    """Lags in the burst, of all mailboxes but the throttled one."""
    throttled: tuple[float, ...]
    """Lags in the burst, of the throttled mailbox."""
    throttled_bookings: int
    throttled_answers: int
    """429s of both services."""
    lost: int
    judgement: Judgement


@dataclass(frozen=True, slots=True)
class _Made:
    """A booking that was made."""

    moment: float
    mailbox: str
    in_burst: bool


@dataclass(slots=True)
class _Watch:
    """Sees when each booking's event appears."""

    world: SimulatedWorld
    made: dict[str, _Made] = field(default_factory=dict)
    appeared: dict[str, float] = field(default_factory=dict)
    _seen: dict[str, int] = field(default_factory=dict)

    async def run(self) -> None:
        """Look at all calendars again and again, until cancelled."""
        while True:
            for mailbox in self.world.graph.state.mailboxes.values():
                self._look(mailbox)
            await asyncio.sleep(WATCH_SECONDS)

    def note(self, change: Change, *, in_burst: bool) -> None:
        """A booking is made now."""
        self.made[change.booking_id] = _Made(virtual_seconds(), change.mailbox, in_burst)

    def lags(self, which: Callable[[_Made], bool]) -> tuple[float, ...]:
        """Of these bookings, as far as they show."""
        return tuple(
            self.appeared[booking_id] - made.moment
            for booking_id, made in self.made.items()
            if which(made) and booking_id in self.appeared
        )

    def _look(self, mailbox: Mailbox) -> None:
        if mailbox.created_count == self._seen.get(mailbox.id, 0):
            return
        self._seen[mailbox.id] = mailbox.created_count
        for event in mailbox.events.values():
            if booking_id := _booking_of(event):
                self.appeared.setdefault(booking_id, virtual_seconds())


def run(options: Options) -> Result:
    """Play the story with every contender at every latency."""
    story = QUICK_STORY if options.quick else Story()
    runs = {latency: [play(name, story, latency) for name in CONTENDERS] for latency in options.latencies}
    return Result(
        name="noisy_neighbour",
        question="How long do other technicians wait while one mailbox is throttled during a burst?",
        parameters={
            "technicians": story.technicians,
            "steady bookings per second": story.steady_per_second,
            "burst": f"{story.burst_factor}x for {story.burst_seconds:g} s",
            "throttled": f"one mailbox for {story.throttle_seconds:g} s",
            "latencies": ", ".join(latency.label for latency in runs),
        },
        tables=tuple(_table(latency, found) for latency, found in runs.items()),
        charts=(_chart(options.latencies[0], runs[options.latencies[0]]),),
        targets=tuple(target for latency, found in runs.items() for target in _targets(latency, found)),
        notes=(_STORY, _AIM),
    )


def play(name: Name, story: Story, latency: Latency) -> Run:
    """One run in a world of its own."""
    return run_virtually(_play(name, story, latency))


async def _play(name: Name, story: Story, latency: Latency) -> Run:
    world = SimulatedWorld(latency)
    world.graph.state.config = replace(world.graph.state.config, inline_extension_failure_every=0)
    office = Office(world, technicians=story.technicians, bookings=story.steady + story.burst)
    watch = _Watch(world)
    watching = asyncio.create_task(watch.run())
    async with open_contender(name, world) as contender:
        world.clear_traffic()
        working = asyncio.create_task(contender.work(until=virtual_seconds() + story.end))
        victim = await _tell(story, office, contender, watch)
        await working
        lost = contender.lost
    await asyncio.sleep(WATCH_SECONDS)
    watching.cancel()
    traffic = (world.graph_link.traffic, world.dataverse_link.traffic)
    return Run(
        contender=name,
        steady=watch.lags(lambda made: not made.in_burst),
        others=watch.lags(lambda made: made.in_burst and made.mailbox != victim),
        throttled=watch.lags(lambda made: made.in_burst and made.mailbox == victim),
        throttled_bookings=sum(made.in_burst and made.mailbox == victim for made in watch.made.values()),
        throttled_answers=sum(each.throttled for each in traffic),
        lost=lost,
        judgement=judge(facts_of(world, office)),
    )


async def _tell(story: Story, office: Office, contender: Contender, watch: _Watch) -> str:
    """Make the bookings, each at its moment; returns the mailbox that was throttled."""
    victim = ""
    for number in range(story.steady + story.burst):
        in_burst = number >= story.steady
        if number == story.steady:
            victim = next(iter(watch.made.values())).mailbox
            watch.world.graph.limits.throttle(victim, story.throttle_seconds)
        changes = office.book(1)
        watch.note(changes[0], in_burst=in_burst)
        contender.take(changes)
        await asyncio.sleep(1 / (story.steady_per_second * (story.burst_factor if in_burst else 1)))
    return victim


def _booking_of(event: StoredEvent) -> str:
    """Which booking an event shows, by the extension of the others or by booking_sync's marker."""
    extension = event.extensions.get(EXTENSION_NAME)
    if extension is not None:
        return str(extension.values.get(EXTENSION_PROPERTY, ""))
    return next((value.partition("/")[2] for value in event.properties.values()), "")


def _table(latency: Latency, runs: Sequence[Run]) -> Table:
    return Table(
        title=f"At {latency.label} (round trip/service time), virtual time",
        columns=(
            *("contender", "steady: median lag, s", "burst, others: median lag, s", "95th percentile, s"),
            *(
                "longest, s",
                "throttled mailbox: bookings",
                "of which shown in the end",
                "their median lag, s",
            ),
            *("answers 429", "changes lost", "wrong events"),
        ),
        rows=tuple(_row(each) for each in runs),
        note="Lag: from the row in Dataverse to the event in the calendar.",
    )


def _row(run: Run) -> tuple[Cell, ...]:
    return (
        run.contender.value,
        _percentile(run.steady, 50),
        _percentile(run.others, 50),
        _percentile(run.others, 95),
        max(run.others, default=0.0),
        run.throttled_bookings,
        len(run.throttled),
        _percentile(run.throttled, 50) if run.throttled else "-",
        run.throttled_answers,
        run.lost,
        run.judgement.text(),
    )


def _percentile(values: Sequence[float], percent: int) -> float:
    return quantiles(values, n=100, method="inclusive")[percent - 1] if len(values) > 1 else sum(values)


def _targets(latency: Latency, runs: Sequence[Run]) -> list[Target]:
    ours = next(each for each in runs if each.contender is Name.BOOKING_SYNC)
    shown = f"{len(ours.throttled)} of {ours.throttled_bookings} shown, {ours.lost} lost"
    return [
        Target(
            aim=f"booking_sync loses and doubles nothing, the throttled mailbox included, {latency.label}",
            measured=f"{shown}, wrong events: {ours.judgement.text()}",
            met=not ours.lost and ours.judgement.faultless,
        )
    ]


def _chart(latency: Latency, runs: Sequence[Run]) -> Chart:
    measures = {"median": 50, "95th percentile": 95}
    return Chart(
        name="noisy-neighbour",
        title=f"Lag of the other mailboxes while one is throttled, {latency.label}",
        kind=ChartKind.BARS,
        x_label="contender",
        y_label="seconds",
        series={
            label: tuple((each.contender.value, _percentile(each.others, percent)) for each in runs)
            for label, percent in measures.items()
        },
        log_y=True,
    )


_STORY = (
    "New bookings one after the other, dealt round to the technicians; as the burst begins, Graph answers "
    "429 to everything for one mailbox, with the time left as Retry-After. The pauses of the hosts' polling "
    "are in the lags."
)
_AIM = "No number was set for this; the target is that nothing is lost or doubled."
