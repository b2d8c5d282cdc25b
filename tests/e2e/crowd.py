"""Many technicians and bookings in a running stack, for storms in which something breaks."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from local.day.facts import gather_facts
from local.day.verdict import Difference, Facts, compare
from local.day.world import (
    bind_resource,
    bind_status,
    booking_row,
    local_time,
    mailbox,
    rows,
    times,
)
from local.functions_host.keys import HEADER
from tests.e2e.office import BOOKINGS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.day.world import Booking, Resource, World, WorldMaker
    from local.stack import LocalStack
    from local.stack.control import PoisonMessage

PATIENCE_SECONDS = 45.0


class Crowd:
    """Plans bookings for many technicians, stirs them, and compares the calendars in the end.

    Each test works on bookings of its own; the comparison is of everything, so a test leaves nothing behind.
    """

    def __init__(self, stack: LocalStack, maker: WorldMaker, world: World) -> None:
        self.stack = stack
        self.world = world
        self.people = world.technicians
        self.poison: list[PoisonMessage] = []
        """What was given up since the last `plan`."""
        self._maker = maker
        self._days = 0

    async def furnish(self) -> None:
        """Put in everybody and everything but bookings."""
        for entity_set, body in rows(self.world):
            await self.stack.dataverse.create(entity_set, body, webhooks=False)
        await self.stack.graph.add_mailboxes([mailbox(person) for person in self.world.people])

    def plan(self, count: int, people: Sequence[Resource] = ()) -> list[Booking]:
        """Bookings of a day that is nobody else's, dealt round to these people or to all."""
        self.poison = []
        self._days += 1
        day = self.world.day + timedelta(days=self._days)
        made = self._maker.bookings(
            tuple(people) or self.people, self.world.work_orders[:1], self.world.statuses, day, count
        )
        return [
            replace(
                booking,
                start=local_time(day, 6) + timedelta(minutes=5 * (number % 180)),
                end=local_time(day, 22),
            )
            for number, booking in enumerate(made)
        ]

    async def book(self, plans: Sequence[Booking]) -> None:
        """Create the rows at one go; their webhooks follow."""
        await self.stack.dataverse.create_many(BOOKINGS, [booking_row(plan) for plan in plans])

    async def delete(self, plans: Sequence[Booking]) -> None:
        """Delete the rows."""
        for plan in plans:
            await self.stack.dataverse.delete(BOOKINGS, plan.id)

    async def stir(self, plans: Sequence[Booking], random: Random) -> None:
        """Change each booking once, in one of the ways that a dispatcher has."""
        for plan in plans:
            await self.stack.dataverse.update(BOOKINGS, plan.id, self._some_change(plan, random))

    async def settle(self) -> None:
        """Wait until no webhook and no message is left, put-backs included."""
        await self.stack.wait_until_quiet(PATIENCE_SECONDS)

    async def catch_up(self) -> None:
        """Run the timer that looks for missed webhooks, and wait until what it found is settled."""
        runs = len(self.log("catch_up"))
        async with self.stack.session.post(
            f"{self.stack.host_url}/admin/functions/catch_up",
            json={"input": ""},
            headers={HEADER: self.stack.keys.master},
        ) as answer:
            assert answer.status == 202

        async def ran() -> bool:
            return len(self.log("catch_up")) > runs

        await poll(ran)
        await self.settle()

    async def audit(self) -> None:
        """Have the audit repair what it finds in anybody's mailbox, and wait until that is settled."""
        await self.stack.audit()
        await self.settle()

    async def facts(self) -> Facts:
        """Everything there is now, with what was given up since the last plan."""
        self.poison += await self.stack.queue.take_poison()
        return await gather_facts(self.stack, {}, self.poison)

    async def differences(self) -> list[Difference]:
        """What is not in step, by the verdict that knows nothing of the product."""
        return compare(await self.facts())

    def log(self, event: str, host: int = 0) -> list[dict[str, Any]]:
        """The app's structured log lines of one kind."""
        mark = f'"event":"{event}"'
        text = (self.stack.options.folder / f"host-{host}.log").read_text()
        return [json.loads(line[line.index("{") :]) for line in text.splitlines() if mark in line]

    def _some_change(self, plan: Booking, random: Random) -> dict[str, Any]:
        moved = plan.moved(timedelta(minutes=random.choice((-30, 15, 45))))
        status = self.world.status(random.choice(("Canceled", "Scheduled", "Scheduled", "Proposed")))
        return random.choice(
            (
                times(moved.start, moved.end),
                {"name": f"{plan.name}, change {random.randrange(1000)}"},
                bind_resource(random.choice(self.people).id),
                bind_status(status.id),
                {**bind_status(self.world.status("Scheduled").id), "statecode": 0},
            )
        )


async def crash(stack: LocalStack, seconds: float) -> int:
    """Kill the host after so many seconds of work and start it again; how many messages were left then.

    Meanwhile Dataverse holds its webhooks back, as if the platform had another instance to take them; those
    under way are lost.
    """
    await asyncio.sleep(seconds)
    await stack.kill_host()
    await stack.dataverse.configure(webhooks_paused=True)
    left = await stack.queue.waiting()
    await stack.restart_host()
    await stack.dataverse.configure(webhooks_paused=False)
    return left


async def poll(condition: Any, seconds: float = 20.0) -> None:
    """Wait until an asynchronous condition holds.

    Raises:
        TimeoutError: it did not hold in time.
    """
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - another process has no event to wait for
            await asyncio.sleep(0.02)
