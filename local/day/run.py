"""Runs a day on a stack: play, look after each phase, send everything again, then a burst."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from local.day.facts import gather_facts
from local.day.moves import BOOKINGS, Day
from local.day.report import BurstReport, DayReport, PhaseReport, SecondRunReport
from local.day.verdict import compare
from local.day.world import TIME_ZONE, WorldMaker, booking_row, mailbox, resource_rows
from local.stack import booking_webhook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rich.console import Console

    from local.day.moves import Phase
    from local.day.verdict import Facts
    from local.day.world import World
    from local.stack import LocalStack
    from local.stack.control import Counts, StandInControl

PATIENCE_SECONDS = 120.0


def _today() -> date:
    return datetime.now(UTC).astimezone(ZoneInfo(TIME_ZONE)).date()


@dataclass(frozen=True)
class DayOptions:
    """How large a day."""

    bookings: int = 100
    technicians: int = 12
    burst: int = 1000
    """New bookings at the end; 0 leaves the burst out."""
    burst_mailboxes: int = 50
    seed: int = 7
    day: date = field(default_factory=_today)


class DayRun:
    """One run.

    Args:
        stack: runs, and holds nothing yet.
        options: how large.
        console: shows the progress.
    """

    def __init__(self, stack: LocalStack, options: DayOptions, console: Console) -> None:
        self._stack = stack
        self._options = options
        self._console = console
        self._maker = WorldMaker(options.seed)
        self._world: World = self._maker.make(
            technicians=options.technicians, bookings=options.bookings, day=options.day
        )
        self._day = Day(stack, self._world, options.seed)

    async def run(self) -> DayReport:
        """Play everything and say what was found.

        Raises:
            NotQuietError: the app did not get done.
        """
        await self._day.furnish()
        await self._clear_requests()
        phases = [await self._play(phase) for phase in self._day.phases]
        counts = await self._counts()
        facts = await self._facts()
        second = await self._run_again(facts)
        burst = await self._burst() if self._options.burst else None
        return DayReport(
            phases=phases,
            tally=dict(self._day.tally),
            counts=counts,
            deliveries=await self._stack.dataverse.deliveries(),
            facts=facts,
            second_run=second,
            burst=burst,
            seed=self._options.seed,
            planned=phases[0].facts,
        )

    async def first_plan(self) -> Facts:
        """Play no more than the publishing of the plan; what there is then."""
        await self._day.furnish()
        await self._play(self._day.phases[0])
        return await self._facts()

    async def _play(self, phase: Phase) -> PhaseReport:
        before, started = self._day.tally.total(), time.monotonic()
        with self._progress(phase.title) as watch:
            await phase.play()
            await self._stack.wait_until_quiet(PATIENCE_SECONDS, watch)
        seconds, changes = time.monotonic() - started, self._day.tally.total() - before
        facts = await self._facts()
        differences = compare(facts, self._day.left_to_audit)
        mark = "[red]✗[/]" if differences else "[green]✓[/]"
        self._console.print(f"{mark} {phase.title}: {changes} changes, quiet after {seconds:.1f} s")
        return PhaseReport(phase.title, changes, seconds, differences, facts.poison, facts)

    async def _run_again(self, facts: Facts) -> SecondRunReport:
        """Send a webhook for every booking there is or was, as if Dataverse had lost its memory."""
        await self._stack.graph.clear_requests()
        who = self._stack.identities
        webhooks = [booking_webhook(who, "Update", booking.id) for booking in facts.bookings]
        webhooks += [booking_webhook(who, "Delete", key, image) for key, image in self._day.removed.items()]
        with self._progress("The same messages once more") as watch:
            for webhook in webhooks:
                await self._stack.post_webhook(webhook)
            await self._stack.wait_until_quiet(PATIENCE_SECONDS, watch)
        after, counts = await self._facts(), await self._stack.graph.counts()
        return SecondRunReport(
            webhooks=len(webhooks),
            graph_writes=counts.writes,
            graph_refused=counts.refused,
            rows_changed=_changed(
                {each.id: each.version for each in facts.bookings},
                {each.id: each.version for each in after.bookings},
            ),
            events_changed=_changed(
                {each.id: each.raw for each in facts.events}, {each.id: each.raw for each in after.events}
            ),
        )

    async def _burst(self) -> BurstReport:
        options, world, maker = self._options, self._world, self._maker
        gone = set(world.leavers) - set(world.returners)
        staff = [person for person in world.technicians if person not in gone]
        newcomers = maker.people(max(options.burst_mailboxes - len(staff), 0))
        people = (*staff, *newcomers)[: options.burst_mailboxes]
        for person in newcomers:
            for entity_set, body in resource_rows(person):
                await self._stack.dataverse.create(entity_set, body, webhooks=False)
        await self._stack.graph.add_mailboxes([mailbox(person) for person in newcomers])
        known = set(await self._stack.dataverse.rows("msdyn_workorders"))
        work_orders = tuple(each for each in world.work_orders if each.id in known)
        tomorrow = options.day + timedelta(days=1)
        bookings = maker.bookings(people, work_orders, world.statuses, tomorrow, options.burst)
        new = {booking.id for booking in bookings}
        await self._clear_requests()
        started = time.monotonic()
        with self._progress(f"Burst of {options.burst} bookings") as watch:
            await self._stack.dataverse.create_many(BOOKINGS, [booking_row(each) for each in bookings])
            await self._stack.wait_until_quiet(PATIENCE_SECONDS, watch)
        seconds = time.monotonic() - started
        counts, facts = await self._counts(), await self._facts()
        return BurstReport(
            bookings=len(bookings),
            mailboxes=len(people),
            events=sum(event.booking_id in new for event in facts.events),
            seconds=seconds,
            throttled=sum(each.throttled for each in counts.values()),
            graph_per_booking=counts["graph"].requests / len(bookings),
            dataverse_per_booking=counts["dataverse"].requests / len(bookings),
            differences=compare(facts),
        )

    async def _facts(self) -> Facts:
        return await gather_facts(self._stack, self._day.private, await self._stack.queue.take_poison())

    def _services(self) -> Mapping[str, StandInControl]:
        stack = self._stack
        return {
            "graph": stack.graph,
            "dataverse": stack.dataverse,
            "key vault": stack.vault,
            "entra": stack.entra,
            "managed identity": stack.managed_identity,
        }

    async def _counts(self) -> dict[str, Counts]:
        return {name: await service.counts() for name, service in self._services().items()}

    async def _clear_requests(self) -> None:
        for service in self._services().values():
            await service.clear_requests()

    @contextlib.contextmanager
    def _progress(self, title: str) -> Iterator[Callable[[int, int], None]]:
        with self._console.status(title) as status:
            yield lambda webhooks, messages: status.update(
                f"{title}: {webhooks} webhooks and {messages} messages left"
            )


def _changed(before: Mapping[str, object], after: Mapping[str, object]) -> int:
    """How many entries were added, removed or changed."""
    return sum(before.get(key) != after.get(key) for key in before.keys() | after.keys())
