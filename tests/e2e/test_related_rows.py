"""What hangs on other rows: a work order and a resource change, and the events of their bookings follow."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.day.verdict import EventFact
    from local.day.world import Booking
    from tests.e2e.crowd import Crowd

pytestmark = pytest.mark.asyncio(loop_scope="session")

BOOKINGS = 30


async def events_of(crowd: Crowd, plans: list[Booking]) -> Mapping[str, EventFact]:
    """The only event of each booking, by the booking's id."""
    ids = {plan.id for plan in plans}
    found = [event for event in (await crowd.facts()).events if event.booking_id in ids]
    assert len(found) == len(plans)
    return {event.booking_id: event for event in found}


async def test_a_work_order_that_moves_takes_all_its_events_along(crowd: Crowd) -> None:
    """Thirty bookings of three technicians show the new place in the same events, for few requests."""
    order = crowd.world.work_orders[-1]  # no other test's
    plans = [replace(plan, work_order_id=order.id) for plan in crowd.plan(BOOKINGS, crowd.people[:3])]
    await crowd.book(plans)
    await crowd.settle()
    before = await events_of(crowd, plans)
    for service in (crowd.stack.dataverse, crowd.stack.graph):
        await service.clear_requests()

    for street in ("Harbour Street 1", "Harbour Street 2"):  # saved twice, as people do
        await crowd.stack.dataverse.update(
            "msdyn_workorders", order.id, {"msdyn_address1": street, "msdyn_city": "Hanko"}
        )
    await crowd.settle()

    dataverse, graph = await crowd.stack.dataverse.counts(), await crowd.stack.graph.counts()
    after = await events_of(crowd, plans)
    places = {event.raw["location"]["displayName"] for event in after.values()}
    assert len(places) == 1
    assert places.pop().startswith("Harbour Street 2, ")
    assert {key: event.id for key, event in after.items()} == {key: event.id for key, event in before.items()}
    assert {event.mailbox for event in after.values()} == {person.mailbox for person in crowd.people[:3]}
    joined = [line for line in crowd.log("webhook") if line.get("rowId") == order.id]
    assert [line["status"] for line in joined] == ["queued", "joined"]
    fan_outs = [line for line in crowd.log("fan_out") if line["rowId"] == order.id]
    assert [line["detail"] for line in fan_outs] == [f"hints queued: {BOOKINGS}"]
    # Measured: 7 and 3. One list; a read and a few batches of records for each wave that the hints come in.
    assert dataverse.requests <= 1 + 4 + 10
    assert (dataverse.writes, graph.writes) == (BOOKINGS, BOOKINGS)
    assert graph.requests <= 12
    assert dataverse.throttled == graph.throttled == 0


async def test_a_resource_that_gets_another_user_moves_to_that_calendar(crowd: Crowd) -> None:
    """When somebody else takes over a resource, its bookings leave the one calendar and show in the other.

    When the webhook of the way back is lost, the audit moves them.
    """
    resource, successor = crowd.people[3], crowd.people[4]
    plans = crowd.plan(10, [resource])
    await crowd.book(plans)
    await crowd.settle()
    rows = await crowd.stack.dataverse.rows("bookableresources")
    former, new = (str(rows[each.id]["userid"]) for each in (resource, successor))
    try:
        await crowd.stack.dataverse.update(
            "bookableresources", resource.id, {"UserId@odata.bind": f"/systemusers({new})"}
        )
        await crowd.settle()
        assert {event.mailbox for event in (await events_of(crowd, plans)).values()} == {successor.mailbox}
    finally:
        await crowd.stack.dataverse.update(
            "bookableresources", resource.id, {"UserId@odata.bind": f"/systemusers({former})"}, webhooks=False
        )
        await crowd.audit()
    assert {event.mailbox for event in (await events_of(crowd, plans)).values()} == {resource.mailbox}
    assert await crowd.differences() == []


async def test_a_change_that_no_event_shows_asks_for_nothing(crowd: Crowd) -> None:
    """A work order's progress and a resource's name raise no webhook and cost no request."""
    for service in (crowd.stack.dataverse, crowd.stack.graph):
        await service.clear_requests()
    await crowd.stack.dataverse.update(
        "msdyn_workorders", crowd.world.work_orders[0].id, {"msdyn_systemstatus": 690970003}
    )
    await crowd.stack.dataverse.update("bookableresources", crowd.people[0].id, {"name": "Renamed"})
    await crowd.settle()
    assert (await crowd.stack.dataverse.counts()).requests == 0
    assert (await crowd.stack.graph.counts()).requests == 0
