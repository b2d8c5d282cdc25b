"""The Functions host killed (SIGKILL) at seeded moments in a storm of changes, and started again each time.

Webhooks under way at a kill are lost and what a kill cut off comes back from Azurite's queue. Afterwards the
two timers that exist for this have their turn: the catch-up for missed webhooks, the audit for orphans.
"""

from __future__ import annotations

import asyncio
from random import Random
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from booking_sync.domain.events.ownership import marker, own_generation
from tests.e2e.crowd import crash

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from local.day.verdict import EventFact, Facts
    from local.day.world import Booking
    from tests.e2e.crowd import Crowd

pytestmark = pytest.mark.asyncio(loop_scope="session")

BOOKINGS_IN_THE_STORM = 150
ROUNDS = 3
CRASHES = 5
HIGHEST_GENERATION = 64


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def calm(crowd: Crowd) -> AsyncIterator[None]:
    """Everything at full speed again after each test."""
    yield
    await crowd.stack.graph.configure(item_seconds=0.0)
    await crowd.stack.dataverse.configure(webhooks_paused=False)


@pytest.mark.parametrize("seed", [8])
async def test_a_storm_with_crashes_ends_in_step(crowd: Crowd, seed: int) -> None:
    """150 bookings, several changes of each, five crashes: in step, and what was left is provably ours."""
    random = Random(seed)  # noqa: S311 - reproducible on purpose
    plans = crowd.plan(BOOKINGS_IN_THE_STORM)
    await crowd.stack.graph.configure(item_seconds=0.02)
    storm = asyncio.create_task(change_everything(crowd, plans, Random(seed)))  # noqa: S311 - as above
    cut = [await crash(crowd.stack, random.uniform(0.2, 1.2)) for _ in range(CRASHES)]
    await storm
    await crowd.stack.graph.configure(item_seconds=0.0)
    await crowd.settle()
    await crowd.catch_up()

    left = orphans(await crowd.facts())
    assert sum(count > 0 for count in cut) >= CRASHES - 1
    organization = crowd.stack.identities.organization_id
    assert all(provably_ours(event, organization) for event in left)
    assert {each.about for each in await crowd.differences()} <= {event.booking_id for event in left}
    await crowd.audit()
    assert await crowd.differences() == []


async def change_everything(crowd: Crowd, plans: Sequence[Booking], random: Random) -> None:
    """The storm: everything is booked, then changed again and again, and some of it deleted in the end."""
    await crowd.book(plans)
    for number in range(ROUNDS):
        await crowd.stir(plans, random)
        await asyncio.sleep(0.5)
        if number == ROUNDS - 1:
            await crowd.delete(random.sample(list(plans), len(plans) // 10))


def orphans(facts: Facts) -> list[EventFact]:
    """Events of ours that no row names."""
    recorded = {booking.recorded_event for booking in facts.bookings}
    return [event for event in facts.events if event.booking_id and event.id not in recorded]


def provably_ours(event: EventFact, organization_id: str) -> bool:
    """Whether marker and transactionId say that it is this booking's event in this mailbox."""
    transaction = event.raw["transactionId"]
    return (
        own_generation(
            transaction, marker(organization_id, event.booking_id), event.mailbox, HIGHEST_GENERATION
        )
        > 0
    )
