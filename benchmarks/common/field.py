"""A field service in a running local stack: technicians, customers and as many bookings as are asked for."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from local.day.world import WorldMaker, booking_row, mailbox, rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.common.figures import Latency
    from local.day.world import Booking
    from local.stack import LocalStack

BOOKINGS = "bookableresourcebookings"
DAY = date(2026, 3, 2)
SEED = 7
BOOKINGS_A_DAY = 10
"""Per technician, before the next day is planned."""


class Field:
    """Everybody and everything but bookings, and a planner of bookings.

    Args:
        stack: runs, and holds nothing yet.
        technicians: how many have a mailbox.
    """

    def __init__(self, stack: LocalStack, technicians: int) -> None:
        self._stack = stack
        self._maker = WorldMaker(SEED)
        self._world = self._maker.make(technicians=technicians, bookings=1, day=DAY)
        self._days = 0

    async def furnish(self) -> None:
        """Put them in."""
        for entity_set, body in rows(self._world):
            await self._stack.dataverse.create(entity_set, body, webhooks=False)
        await self._stack.graph.add_mailboxes([mailbox(person) for person in self._world.people])

    async def book(self, count: int, *, webhooks: bool = False) -> list[str]:
        """Create bookings, dealt round to the technicians; returns their ids."""
        ids: list[str] = []
        while len(ids) < count:
            bookings = self._a_day(count - len(ids))
            rows_of_day = [booking_row(booking) for booking in bookings]
            await self._stack.dataverse.create_many(BOOKINGS, rows_of_day, webhooks=webhooks)
            ids += [booking.id for booking in bookings]
        return ids

    def _a_day(self, at_most: int) -> Sequence[Booking]:
        world = self._world
        self._days += 1
        return self._maker.bookings(
            world.technicians,
            world.work_orders[:1],
            world.statuses,
            DAY + timedelta(days=self._days % 300),
            min(at_most, BOOKINGS_A_DAY * len(world.technicians)),
        )


async def set_latency(stack: LocalStack, latency: Latency) -> None:
    """Have Graph and Dataverse take this from now on."""
    await stack.graph.configure(item_seconds=latency.service)
    await stack.dataverse.configure(service_seconds=latency.service)
    for service in (stack.graph, stack.dataverse):
        await service.set_latency(latency.round_trip)


def messages(booking_ids: Iterable[str]) -> list[str]:
    """Queue messages as the webhook writes them."""
    return [
        json.dumps(
            {
                "version": 1,
                "bookingId": booking_id,
                "correlationId": str(uuid.uuid4()),
                "firstSeen": datetime.now(UTC).isoformat(),
            }
        )
        for booking_id in booking_ids
    ]
