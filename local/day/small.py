"""A small day, played in some seconds: a plan, four changes of it, and the same verdict as ever."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from local.day.facts import gather_facts
from local.day.moves import BOOKINGS, Day
from local.day.run import PATIENCE_SECONDS, DayOptions
from local.day.verdict import compare
from local.day.world import WorldMaker, bind_resource, bind_status, booking_row, times

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from local.day.verdict import Difference, Facts
    from local.day.world import Booking, World
    from local.stack import LocalStack

TECHNICIANS, PLANNED, SEED = 5, 20, 7
LATER = timedelta(minutes=45)


@dataclass(frozen=True, slots=True)
class Change:
    """What a dispatcher or technician does to a booking."""

    words: str
    booking_id: str
    columns: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SmallDay:
    """What became of the plan and of its changes."""

    planned: Facts
    """When the plan was in Outlook."""
    plan_seconds: float
    """From the first booking's creation until all was quiet."""
    changes: Sequence[Change]
    now: Facts
    change_seconds: float
    differences: Sequence[Difference]
    """Between rows and calendars, then and now; none: in step."""

    @property
    def words(self) -> str:
        """What it found, in one sentence."""
        shown = sum(bool(event.booking_id) for event in self.planned.events)
        verdict = f"{len(self.differences)} differences" if self.differences else "in step"
        return (
            f"{shown} bookings in Outlook after {self.plan_seconds:.1f} s, "
            f"{len(self.changes)} changes after {self.change_seconds:.1f} s; {verdict}"
        )


def small_world(seed: int = SEED, technicians: int = TECHNICIANS, bookings: int = PLANNED) -> World:
    """Today's plan of some technicians."""
    return WorldMaker(seed).make(technicians=technicians, bookings=bookings, day=DayOptions().day)


async def play(stack: LocalStack, world: World, seed: int = SEED) -> SmallDay:
    """Publish the plan, change it, and look at both worlds after each.

    Args:
        stack: runs, and holds nothing yet; its event file has the rules of `EVENT_FILE`.
        world: what is planned; at least three technicians with two bookings each.
        seed: of private appointments.

    Raises:
        NotQuietError: the app did not get done.
    """
    day = Day(stack, world, seed)
    await day.furnish()
    started = time.monotonic()
    await stack.dataverse.create_many(BOOKINGS, [booking_row(each) for each in world.bookings])
    await stack.wait_until_quiet(PATIENCE_SECONDS)
    plan_seconds = time.monotonic() - started
    planned = replace(await gather_facts(stack, day.private), expects_rules=True)
    changes = changes_of(world)
    started = time.monotonic()
    for change in changes:
        await stack.dataverse.update(BOOKINGS, change.booking_id, change.columns)
    await stack.wait_until_quiet(PATIENCE_SECONDS)
    change_seconds = time.monotonic() - started
    poison = await stack.queue.take_poison()
    now = replace(await gather_facts(stack, day.private, poison), expects_rules=True)
    differences = [*compare(planned), *compare(now)]
    return SmallDay(planned, plan_seconds, changes, now, change_seconds, differences)


def changes_of(world: World) -> list[Change]:
    """One booking goes to a colleague, one is moved, one is canceled, and one technician sets out."""
    by_person: dict[str, list[Booking]] = {}
    for booking in world.bookings:
        by_person.setdefault(booking.resource_id, []).append(booking)
    names = {each.id: each.name for each in world.technicians}
    in_order = sorted(by_person, key=lambda person: by_person[person][-1].end)  # who is free first
    early, second, *_, late = in_order
    given, moved = by_person[late][-1], by_person[second][-1].moved(LATER)
    canceled, started = by_person[late][1], by_person[early][0]
    statuses = {name: bind_status(world.status(name).id) for name in ("Canceled", "Traveling")}
    return [
        Change(f"{given.name} goes from {names[late]} to {names[early]}", given.id, bind_resource(early)),
        Change(f"{moved.name} is 45 minutes later", moved.id, times(moved.start, moved.end)),
        Change(f"{canceled.name} of {names[late]} is canceled", canceled.id, statuses["Canceled"]),
        Change(f"{names[early]} sets out to {started.name}", started.id, statuses["Traveling"]),
    ]
