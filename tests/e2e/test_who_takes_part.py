"""A resource joins and leaves, and equipment gets a mailbox: what each does to calendars and the queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.day.world import Booking
    from tests.e2e.crowd import Crowd

pytestmark = pytest.mark.asyncio(loop_scope="session")

RESOURCES = "bookableresources"
TAKES_PART, TAKES_NO_PART = 725_900_000, 725_900_001


async def events_in(crowd: Crowd, mailbox: str, plans: Sequence[Booking]) -> int:
    """How many events of these bookings the mailbox shows."""
    ids = {plan.id for plan in plans}
    events = (await crowd.facts()).events
    return sum(event.booking_id in ids and event.mailbox == mailbox for event in events)


async def test_who_leaves_loses_their_events_and_who_joins_gets_them(crowd: Crowd) -> None:
    """The choice on the resource is enough; bookings of those outside are skipped, none given up."""
    person = crowd.people[5]
    plans, later = crowd.plan(6, [person]), crowd.plan(2, [person])
    await crowd.book(plans)
    await crowd.settle()
    assert await events_in(crowd, person.mailbox, plans) == 6
    try:
        await crowd.stack.dataverse.update(RESOURCES, person.id, {"bsync_takespart": TAKES_NO_PART})
        await crowd.settle()
        assert await events_in(crowd, person.mailbox, plans) == 0
        await crowd.book(later)
        await crowd.settle()
        assert await events_in(crowd, person.mailbox, later) == 0
        outcomes = {
            line["outcome"] for line in crowd.log("booking_outcome") if line["bookingId"] == later[0].id
        }
        assert outcomes == {"skipped"}
        rows = await crowd.stack.dataverse.rows("bookableresourcebookings")
        assert {rows[plan.id].get("bsync_outlooksyncerror") for plan in (*plans, *later)} == {None}
    finally:
        await crowd.stack.dataverse.update(RESOURCES, person.id, {"bsync_takespart": TAKES_PART})
        await crowd.settle()
    assert await events_in(crowd, person.mailbox, [*plans, *later]) == 8
    assert crowd.poison == []
    assert await crowd.differences() == []


async def test_equipment_shows_in_the_mailbox_on_its_row(crowd: Crowd) -> None:
    """From the moment that somebody gives it one, until somebody takes it away."""
    mailbox = crowd.people[6].mailbox
    van = await crowd.stack.dataverse.create(RESOURCES, {"name": "Van 7", "resourcetype": 4})
    plans = crowd.plan(3, [crowd.people[6]])
    await crowd.book(plans)
    for plan in plans:
        await crowd.stack.dataverse.update(
            "bookableresourcebookings", plan.id, {"Resource@odata.bind": f"/{RESOURCES}({van})"}
        )
    await crowd.settle()
    assert await events_in(crowd, mailbox, plans) == 0
    await crowd.stack.dataverse.update(RESOURCES, van, {"bsync_mailbox": mailbox.upper()})
    await crowd.settle()
    assert await events_in(crowd, mailbox, plans) == 3
    await crowd.audit()
    assert await events_in(crowd, mailbox, plans) == 3
    await crowd.stack.dataverse.update(RESOURCES, van, {"bsync_mailbox": None})
    await crowd.settle()
    assert await events_in(crowd, mailbox, plans) == 0
    assert crowd.poison == []
    assert await crowd.differences() == []


async def test_equipment_shows_in_the_mailbox_whose_address_is_on_its_row(crowd: Crowd) -> None:
    """Where the app may look people up; the record names the mailbox by its object id."""
    person = crowd.people[6]
    users = await crowd.stack.graph.mailboxes()
    address = next(each["userPrincipalName"] for each in users if each["id"] == person.mailbox)
    van = await crowd.stack.dataverse.create(
        RESOURCES, {"name": "Van 8", "resourcetype": 4, "bsync_mailbox": address}
    )
    plans = crowd.plan(2, [person])
    await crowd.book(plans)
    await crowd.settle()
    await crowd.stack.graph.configure(directory="granted")
    try:
        for plan in plans:
            await crowd.stack.dataverse.update(
                "bookableresourcebookings", plan.id, {"Resource@odata.bind": f"/{RESOURCES}({van})"}
            )
        await crowd.settle()
        assert await events_in(crowd, person.mailbox, plans) == 2
        rows = await crowd.stack.dataverse.rows("bookableresourcebookings")
        assert {rows[plan.id]["bsync_originalresource"] for plan in plans} == {person.mailbox}
        assert {rows[plan.id].get("bsync_outlooksyncerror") for plan in plans} == {None}
    finally:
        await crowd.stack.graph.configure(directory="denied")
        await crowd.delete(plans)
        await crowd.settle()
    assert crowd.poison == []
    assert await crowd.differences() == []
