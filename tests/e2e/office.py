"""An office of technicians in a running stack: what end-to-end tests do and look at."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from local.day.facts import gather_facts
from local.day.world import Booking as Plan
from local.day.world import bind_resource, bind_status, booking_row, local_time, mailbox, rows, times

if TYPE_CHECKING:
    from local.day.verdict import BookingFact, EventFact
    from local.day.world import Resource, World, WorldMaker
    from local.stack import LocalStack

BOOKINGS = "bookableresourcebookings"


class Office:
    """Technicians and a dispatcher: plans bookings, changes them and looks into calendars.

    Each test plans bookings of its own, so tests don't disturb each other.
    """

    def __init__(self, stack: LocalStack, maker: WorldMaker, world: World) -> None:
        self.stack = stack
        self.world = world
        self.anna, self.ben = world.technicians
        self._maker = maker
        self._hours = count(8)

    async def furnish(self) -> None:
        """Put in everybody and everything but bookings."""
        for entity_set, body in rows(self.world):
            await self.stack.dataverse.create(entity_set, body, webhooks=False)
        await self.stack.graph.add_mailboxes([mailbox(person) for person in self.world.people])

    def plan(self, who: Resource | None = None, name: str = "Boiler inspection") -> Plan:
        """An hour of somebody's day, not booked yet."""
        start = local_time(self.world.day, 0) + timedelta(hours=next(self._hours))
        return Plan(
            id=self._maker.new_id(),
            name=name,
            start=start,
            end=start + timedelta(hours=1),
            resource_id=(who or self.anna).id,
            status_id=self.world.status("Scheduled").id,
            work_order_id=self.world.work_orders[0].id,
        )

    async def book(self, who: Resource | None = None, name: str = "Boiler inspection") -> Plan:
        """Book it, and wait until that is settled."""
        plan = self.plan(who, name)
        await self.stack.dataverse.create(BOOKINGS, booking_row(plan))
        await self.settle()
        return plan

    async def change(self, plan: Plan, **columns: Any) -> None:
        """Change columns of a booking as the dispatcher, and wait until that is settled."""
        await self.stack.dataverse.update(BOOKINGS, plan.id, columns)
        await self.settle()

    async def move(self, plan: Plan, by: timedelta) -> Plan:
        """Reschedule, and wait until that is settled."""
        moved = plan.moved(by)
        await self.change(plan, **times(moved.start, moved.end))
        return moved

    async def give_to(self, plan: Plan, who: Resource) -> None:
        """Reassign, and wait until that is settled."""
        await self.change(plan, **bind_resource(who.id))

    async def set_status(self, plan: Plan, name: str) -> None:
        """Change the booking status, and wait until that is settled."""
        await self.change(plan, **bind_status(self.world.status(name).id))

    async def settle(self) -> None:
        """Wait until no webhook and no message is left."""
        await self.stack.wait_until_quiet(30)

    async def events(self, plan: Plan) -> list[EventFact]:
        """All events of a booking, in whatever calendar."""
        facts = await gather_facts(self.stack, {})
        return [event for event in facts.events if event.booking_id == plan.id]

    async def event(self, plan: Plan) -> EventFact:
        """The only event of a booking."""
        (event,) = await self.events(plan)
        return event

    async def state(self, plan: Plan) -> str:
        """The booking's state column."""
        found = await self.stack.dataverse.rows(BOOKINGS)
        return str(found[plan.id]["bsync_outlooksyncstate"])

    async def row(self, plan: Plan) -> BookingFact:
        """The booking's row as it is now."""
        facts = await gather_facts(self.stack, {})
        return next(booking for booking in facts.bookings if booking.id == plan.id)
