"""Reports on Dataverse, as docs/field-cases.md numbers them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from booking_sync.domain.outcome import OutcomeKind
from local.standin.faults import Fault
from tests.audit.world import FORCE

if TYPE_CHECKING:
    from booking_sync.domain.bookings.booking import Booking
    from tests.audit.world import AuditWorld


async def in_step(world: AuditWorld, count: int) -> list[Booking]:
    """Bookings that show as they are."""
    return list(await asyncio.gather(*(world.book(days=1 + number / 24) for number in range(count))))


STOPS = ["with_200", "with_its_status"]


@pytest.mark.parametrize("stops", STOPS)
@pytest.mark.parametrize("place", range(4))
async def test_b1_a_batch_that_ends_with_its_first_failure_holds_up_nobody(
    world: AuditWorld, stops: str, place: int
) -> None:
    """Whoever came behind the part that failed is recorded at once, and nobody is blamed for it."""
    made = await in_step(world, 4)
    world.dataverse.standin.state.configure(batch_stops=stops)
    for each in made:
        world.dataverse.put(replace(each, name=f"{each.name} later"))
    refusal = {"error": {"code": "0x80040220", "message": "no"}}
    world.dataverse.standin.faults.add(Fault(path=made[place].id, method="PATCH", status=403, body=refusal))
    outcomes = [each.kind for each in await asyncio.gather(*(world.sync(each.id) for each in made))]
    refused = outcomes.pop(place)
    assert (refused, outcomes) == (OutcomeKind.FAILED, [OutcomeKind.SYNCED] * 3)


@pytest.mark.parametrize("stops", STOPS)
async def test_b1_the_audit_learns_of_each_lost_booking(world: AuditWorld, stops: str) -> None:
    """Each answer of 404 ends the batch; those behind it are asked for again."""
    made = await in_step(world, 4)
    world.dataverse.standin.state.configure(batch_stops=stops)
    for each in made:
        world.dataverse.remove(each.id)
    report = await world.audit(FORCE)
    assert report.counts() == {"orphan": 4}


@pytest.mark.parametrize("stops", STOPS)
async def test_b1_a_service_that_asks_for_a_rest_is_asked_no_further(world: AuditWorld, stops: str) -> None:
    """What had no answer waits with the part that was throttled."""
    made = await in_step(world, 4)
    world.dataverse.standin.state.configure(batch_stops=stops)
    for each in made:
        world.dataverse.put(replace(each, name=f"{each.name} later"))
    throttle = Fault(path=made[0].id, method="PATCH", status=429, headers={"Retry-After": "7"})
    world.dataverse.standin.faults.add(throttle)
    sent = len(world.dataverse.requests)
    outcomes = [each.kind for each in await asyncio.gather(*(world.sync(each.id) for each in made))]
    assert outcomes == [OutcomeKind.DEFERRED] * 4
    batches = [each for each in world.dataverse.requests[sent:] if each.path.endswith("$batch")]
    assert len(batches) == 1
