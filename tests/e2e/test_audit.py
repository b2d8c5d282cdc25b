"""The audit in the running app: ordered over HTTP or by its timer, worked off by the queue's function.

Each test has a technician of its own and audits only that mailbox, so that other tests' bookings don't count.
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from local.day.world import Resource, ResourceKind, bind_resource, booking_row, mailbox, resource_rows
from local.functions_host.keys import HEADER
from local.standin.faults import Fault
from tests.e2e.office import BOOKINGS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from local.day.verdict import EventFact
    from local.day.world import Booking as Plan
    from tests.e2e.office import Office

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROUTE = "/api/operations/audit"


@dataclass
class AuditedDay:
    """A technician, the dispatcher, and the operator who orders audits."""

    office: Office
    person: Resource

    async def plan(self, count: int = 1) -> list[Plan]:
        """Bookings in the days to come, in step."""
        tomorrow = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
        plans = []
        for hour in range(count):
            start = tomorrow + timedelta(hours=hour)
            plan = self.office.plan(self.person)
            plans.append(replace(plan, start=start, end=start + timedelta(hours=1)))
        await self.office.stack.dataverse.create_many(BOOKINGS, [booking_row(plan) for plan in plans])
        await self.office.settle()
        return plans

    async def delete_quietly(self, plan: Plan) -> None:
        """Delete a booking; its webhook is lost."""
        await self.office.stack.dataverse.delete(BOOKINGS, plan.id, webhooks=False)

    async def forget_the_event(self, plan: Plan) -> None:
        """Leave the row as a process leaves it that died before recording."""
        columns = ("bsync_outlookeventid", "bsync_originalresource", "bsync_outlooksyncstate")
        await self.office.stack.dataverse.update(BOOKINGS, plan.id, dict.fromkeys(columns), webhooks=False)

    async def user(self, action: str, which: EventFact, **order: Any) -> None:
        """The technician does something in Outlook."""
        await self.office.stack.graph.user(action, which.mailbox, id=which.id, **order)

    async def audit(self, *, settle: bool = True, **order: Any) -> dict[str, Any]:
        """Order an audit of the technician's mailbox, and wait until its hints are worked off."""
        status, report = await order_audit(
            self.office, {"fix": True, "mailboxes": [self.person.mailbox], **order}
        )
        assert status == 200
        if settle:
            await self.office.settle()
        return report

    async def count_events(self) -> int:
        """How many events the technician has."""
        return len(await self.office.stack.graph.events(self.person.mailbox))

    async def until_an_event_shows(self) -> None:
        """Wait for the technician's first event."""
        while not await self.count_events():  # noqa: ASYNC110 - another process's calendar has no event for us
            await asyncio.sleep(0.05)


async def order_audit(office: Office, body: Any, key: str | None = None) -> tuple[int, dict[str, Any]]:
    """What the route answers."""
    stack = office.stack
    headers = {HEADER: stack.keys.function if key is None else key}
    async with stack.session.post(stack.host_url + ROUTE, json=body, headers=headers) as answer:
        is_json = answer.content_type == "application/json"
        return answer.status, (await answer.json() if is_json else {})


def _outlook_time(moment: datetime) -> dict[str, str]:
    return {"dateTime": f"{moment:%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"}


async def hire(office: Office) -> Resource:
    """One more technician."""
    ids = [str(uuid.uuid4()) for _ in range(3)]
    person = Resource(
        ids[0], "New Colleague", ResourceKind.USER, ids[1], ids[2], f"{ids[2]}@technicians.example"
    )
    for entity_set, body in resource_rows(person):
        await office.stack.dataverse.create(entity_set, body, webhooks=False)
    await office.stack.graph.add_mailboxes([mailbox(person)])
    return person


@pytest_asyncio.fixture(loop_scope="session")
async def world(office: Office) -> AsyncIterator[AuditedDay]:
    """A technician without bookings; nothing is hidden afterwards."""
    yield AuditedDay(office, await hire(office))
    await office.stack.dataverse.configure(hidden_bookings=[])


async def test_a_lost_deletion_is_made_up_for(office: Office, world: AuditedDay) -> None:
    """A booking deleted without a webhook: its event goes, the others stay."""
    gone, kept = await world.plan(2)
    await world.delete_quietly(gone)

    report = await world.audit()

    assert (report["counts"], report["enqueued"]) == ({"orphan": 1}, 1)
    assert await office.events(gone) == []
    assert (await office.event(kept)).id
    assert (await world.audit())["counts"] == {}


async def test_an_orphan_of_a_crash_is_removed(office: Office, world: AuditedDay) -> None:
    """Killed between creating and recording, then reassigned: the first technician's event goes."""
    stack, other = office.stack, await hire(office)
    slow = Fault(path="bookableresourcebookings", method="PATCH", delay_seconds=20)
    await stack.dataverse.add_fault(slow)
    plan = office.plan(world.person)
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
    plan = replace(plan, start=start, end=start + timedelta(hours=1))
    await stack.dataverse.create(BOOKINGS, booking_row(plan))
    await world.until_an_event_shows()
    await stack.kill_host()
    await stack.dataverse.clear_faults()
    await stack.dataverse.update(BOOKINGS, plan.id, bind_resource(other.id), webhooks=False)
    await stack.restart_host()
    await office.settle()
    assert {event.mailbox for event in await office.events(plan)} == {world.person.mailbox, other.mailbox}

    report = await world.audit()

    assert report["counts"] == {"orphan": 1}
    assert (await office.event(plan)).mailbox == other.mailbox


async def test_an_event_that_was_never_recorded_is_adopted(office: Office, world: AuditedDay) -> None:
    """The row names the very event afterwards; no second one was made."""
    (plan,) = await world.plan()
    event = await office.event(plan)
    await world.forget_the_event(plan)

    assert (await world.audit())["counts"] == {"unrecorded": 1}

    assert (await office.event(plan)).id == event.id
    assert (await office.row(plan)).recorded_event == event.id


async def test_a_duplicate_is_removed(office: Office, world: AuditedDay) -> None:
    """Two events of one booking, as Graph may make of two creations at once: the unnamed one goes."""
    (plan,) = await world.plan()
    first = await office.event(plan)
    await world.forget_the_event(plan)
    # Graph says that there is an event already, names none, and finds none: so a second one is made.
    graph = office.stack.graph
    await graph.configure(duplicate_names_existing=False)
    await graph.add_fault(Fault(path=r"/events\?", method="GET", status=200, body={"value": []}))
    await office.change(plan, name="Boiler inspection again")
    await graph.configure(duplicate_names_existing=True)
    assert len(await office.events(plan)) == 2

    assert (await world.audit())["counts"] == {"duplicate": 1}

    left = await office.event(plan)
    assert left.id != first.id
    assert (await office.row(plan)).recorded_event == left.id


async def test_a_users_move_is_undone(office: Office, world: AuditedDay) -> None:
    """An event dragged to another hour goes back to its booking's time."""
    (plan,) = await world.plan()
    event = await office.event(plan)
    dragged = {"start": _outlook_time(plan.end), "end": _outlook_time(plan.end + timedelta(hours=1))}
    await world.user("edit", event, event=dragged)

    report = await world.audit()

    assert report["counts"] == {"drift": 1}
    assert report["findings"][0]["words"] == "The event was changed in Outlook: start, end."
    mended = await office.event(plan)
    assert (mended.id, mended.start, mended.end) == (event.id, event.start, event.end)


async def test_a_users_deletion_is_undone(office: Office, world: AuditedDay) -> None:
    """A deleted event is made anew."""
    (plan,) = await world.plan()
    await office.stack.graph.age(world.person.mailbox)
    await world.user("delete", await office.event(plan))

    assert (await world.audit())["counts"] == {"missing": 1}

    assert (await office.event(plan)).id == (await office.row(plan)).recorded_event


async def test_a_users_copy_stays(office: Office, world: AuditedDay) -> None:
    """A copy is reported and left alone, even when its booking is gone and the audit is forced."""
    (plan,) = await world.plan()
    event = await office.event(plan)
    await world.user("copy", event)
    assert (await world.audit())["counts"] == {"copy": 1}
    await world.delete_quietly(plan)

    report = await world.audit(force=True)

    assert report["counts"] == {"orphan": 1, "copy": 1}
    (left,) = await office.events(plan)
    assert left.id != event.id


async def test_hidden_bookings_and_too_many_deletions_stop_the_audit(
    office: Office, world: AuditedDay
) -> None:
    """Rows that we may not read are never orphans; many deleted ones are, but wait for somebody's word."""
    plans = await world.plan(12)
    await office.stack.dataverse.configure(hidden_bookings=[plan.id for plan in plans])
    hidden = await world.audit(force=True)
    await office.stack.dataverse.configure(hidden_bookings=[])
    assert (hidden["counts"], hidden["enqueued"]) == ({"hidden": 12}, 0)
    assert await world.count_events() == 12

    for plan in plans[1:]:
        await world.delete_quietly(plan)
    guarded = await world.audit()
    assert guarded["counts"] == {"orphan": 11, "guard": 1}
    assert (guarded["withheld"], guarded["enqueued"]) == (11, 0)
    assert await world.count_events() == 12

    forced = await world.audit(force=True)
    assert forced["enqueued"] == 11
    assert await world.count_events() == 1


async def test_a_failed_page_concludes_nothing(office: Office, world: AuditedDay) -> None:
    """When the calendar can't be listed, its events are not missing, and it is named."""
    await world.plan()
    for _ in range(4):
        await office.stack.graph.add_fault(Fault(path="calendarView", status=500, times=4))

    report = await world.audit()

    assert (report["counts"], report["enqueued"], report["mailboxes"]) == ({"unreadable": 1}, 0, 0)
    assert report["findings"][0]["mailbox"] == world.person.mailbox


async def test_the_timer_repairs_by_itself(office: Office, world: AuditedDay) -> None:
    """The scheduled audit covers every technician of Dataverse and mends what it finds."""
    (plan,) = await world.plan()
    await office.stack.graph.age(world.person.mailbox)
    await world.user("delete", await office.event(plan))

    async with office.stack.session.post(
        f"{office.stack.host_url}/admin/functions/audit",
        json={"input": ""},
        headers={HEADER: office.stack.keys.master},
    ) as answer:
        assert answer.status == 202
    await world.until_an_event_shows()
    await office.settle()

    assert (await office.event(plan)).id == (await office.row(plan)).recorded_event


async def test_the_route_is_for_operators(office: Office) -> None:
    """No key, no audit; an order that says something unknown is refused before anything is read."""
    assert (await order_audit(office, {}, key=""))[0] == 401
    assert (await order_audit(office, {"mailbox": []}))[0] == 400
    assert (await order_audit(office, {"mailboxes": []}))[0] == 400
    assert (await order_audit(office, {"fix": "yes"}))[0] == 400
