"""One burst on the real local stack: new bookings whose messages become visible at one moment, and its end.

The rows are put into Dataverse without webhooks, and the messages on the queue while the Functions host is
held (SIGSTOP). Let go, it finds all of them at once, as if that many webhooks had just been taken: neither
the speed of the webhooks nor the pause of the host's polling is in the figure. The burst ends with the answer
to the last request that it caused, by the stand-ins' own logs, whose clock is the machine's monotonic one.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from benchmarks.contenders.judge import Judgement, judge
from benchmarks.contenders.seams import BOOKINGS
from booking_sync.domain.messages.change import BookingChange, encode_change
from local.day.facts import gather_facts
from local.day.world import WorldMaker, booking_row, mailbox, rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.day.world import Booking
    from local.stack import LocalStack
    from local.stack.control import Counts

PATIENCE_SECONDS = 1200.0
PUT_TOGETHER = 16
"""Messages that are put on the queue at the same time."""
WORK_ORDERS = 100


@dataclass(frozen=True, slots=True)
class BurstSize:
    """How much work."""

    bookings: int
    mailboxes: int


@dataclass(frozen=True, slots=True)
class Burst:
    """One measured burst."""

    size: BurstSize
    seconds: float
    graph: Counts
    dataverse: Counts
    judgement: Judgement


async def measure_burst(stack: LocalStack, size: BurstSize, seed: int) -> Burst:
    """Play one burst on an empty world of its own.

    Args:
        stack: runs; everything in it is replaced.
        size: how much.
        seed: decides the world.

    Raises:
        NotQuietError: the contender did not get done.
    """
    bookings = await _furnish(stack, size, seed)
    with _held(stack):
        await _put_messages(stack, bookings)
        await stack.graph.clear_requests()
        await stack.dataverse.clear_requests()
        started = time.monotonic()
    await stack.wait_until_quiet(PATIENCE_SECONDS)
    graph, dataverse = await stack.graph.counts(), await stack.dataverse.counts()
    facts = await gather_facts(stack, {}, await stack.queue.take_poison())
    seconds = max(graph.last_ended, dataverse.last_ended) - started
    return Burst(size, seconds, graph, dataverse, judge(facts))


async def _furnish(stack: LocalStack, size: BurstSize, seed: int) -> tuple[Booking, ...]:
    """Empty the stand-ins, and put in people, customers and the new bookings."""
    maker = WorldMaker(seed)
    today = datetime.now(UTC).date()
    world = maker.make(technicians=size.mailboxes, bookings=WORK_ORDERS, day=today)
    bookings = maker.bookings(world.technicians, world.work_orders, world.statuses, today, size.bookings)
    await stack.dataverse.call("DELETE", "everything")
    await stack.graph.call("DELETE", "state")
    await stack.graph.add_mailboxes([mailbox(person) for person in world.people])
    furniture = rows(world)
    for entity_set in dict.fromkeys(name for name, _body in furniture):
        bodies = [body for name, body in furniture if name == entity_set]
        await stack.dataverse.create_many(entity_set, bodies, webhooks=False)
    await stack.dataverse.create_many(BOOKINGS, [booking_row(each) for each in bookings], webhooks=False)
    return bookings


async def _put_messages(stack: LocalStack, bookings: tuple[Booking, ...]) -> None:
    texts = [_message(booking) for booking in bookings]
    for first in range(0, len(texts), PUT_TOGETHER):
        await asyncio.gather(*(stack.queue.send(text) for text in texts[first : first + PUT_TOGETHER]))


def _message(booking: Booking) -> str:
    return encode_change(BookingChange(booking.id, str(uuid.uuid4()), datetime.now(UTC)))


@contextlib.contextmanager
def _held(stack: LocalStack) -> Iterator[None]:
    """Keep the first host from running."""
    group = stack.hosts[0].process_id
    os.killpg(group, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(group, signal.SIGCONT)
