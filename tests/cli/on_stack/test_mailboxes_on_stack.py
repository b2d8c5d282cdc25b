"""`audit`, `purge` and `adopt` on a stack with the app, in calendars with people's own events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from local.day.facts import gather_facts
from local.day.verdict import EventFact
from local.day.world import Booking as Plan
from local.day.world import Resource, WorldMaker, booking_row
from local.stack import LocalStack, StackOptions
from local.standin.faults import Fault
from tests.cli.commands import CommandLine
from tests.e2e.conftest import TIMERS
from tests.e2e.crowd import Crowd
from tests.e2e.office import BOOKINGS

pytestmark = pytest.mark.asyncio(loop_scope="module")
OLD_EXTENSION = "com.contoso.flow"
DENIED = {"error": {"code": "ErrorAccessDenied", "message": "Access is denied."}}
NO_EVENT = {"bsync_outlookeventid": None, "bsync_originalresource": None, "bsync_outlooksyncstate": None}


class Place:
    """A stack with the app, four technicians a test each, and the command line."""

    def __init__(self, crowd: Crowd) -> None:
        self.crowd = crowd
        self.stack = crowd.stack
        self.cli = CommandLine(self.stack.options.folder / "settings.json", self.stack.options.folder)

    async def events(self, who: Resource) -> list[EventFact]:
        """The events of a person that name a booking, people's copies included."""
        facts = await gather_facts(self.stack, {})
        return [each for each in facts.events if each.mailbox == who.mailbox and each.booking_id]

    async def row(self, plan: Plan) -> dict[str, Any]:
        """A booking's row, by logical names."""
        return (await self.stack.dataverse.rows(BOOKINGS))[plan.id]

    async def booked(self, who: Resource, count: int) -> list[Plan]:
        """Bookings of a person, with their events."""
        plans = self.crowd.plan(count, [who])
        await self.crowd.book(plans)
        await self.crowd.settle()
        return plans

    async def quiet_row(self, plan: Plan, **columns: Any) -> None:
        """Change columns of a row without a webhook."""
        await self.stack.dataverse.update(BOOKINGS, plan.id, columns, webhooks=False)

    async def flow_event(self, who: Resource, plan: Plan, *, tagged: bool = False) -> dict[str, Any]:
        """What the former sync would have made of a booking: an event without our marks."""
        event: dict[str, Any] = {
            "subject": f"Flow: {plan.name}",
            "start": {
                "dateTime": plan.start.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
                "timeZone": "UTC",
            },
            "end": {"dateTime": plan.end.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"), "timeZone": "UTC"},
        }
        if tagged:
            event["extensions"] = [
                {
                    "@odata.type": "microsoft.graph.openTypeExtension",
                    "extensionName": OLD_EXTENSION,
                    "bookingSyncGuid": plan.id.upper(),
                }
            ]
        return await self.stack.graph.user("create", who.mailbox, event=event)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    """A furnished stack with the app."""
    options = StackOptions(tmp_path_factory.mktemp("mailboxes"), settings=TIMERS)
    maker = WorldMaker(seed=12)
    world = maker.make(technicians=8, bookings=1, day=datetime.now(UTC).date())
    async with LocalStack(options) as stack:
        crowd = Crowd(stack, maker, world)
        await crowd.furnish()
        await stack.graph.configure(inline_extension_failure_every=0)
        yield Place(crowd)


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def faultless(place: Place) -> AsyncIterator[None]:
    """Take back faults that a test left."""
    yield
    for service in (place.stack.graph, place.stack.dataverse):
        await service.clear_faults()


async def test_audit_reports_and_has_the_app_mend(place: Place) -> None:
    """Findings with exit code 1; --fix queues them; then all is as it should be."""
    who = place.crowd.people[0]
    plans = await place.booked(who, 3)
    events = await place.events(who)
    await place.stack.graph.age(who.mailbox)
    await place.stack.graph.user("delete", who.mailbox, id=events[0].id)
    await place.stack.graph.user("edit", who.mailbox, id=events[1].id, event={"subject": "Mine"})
    await place.stack.graph.user("copy", who.mailbox, id=events[2].id)
    command = ("audit", "--mailbox", who.name)
    looked = await place.cli.run(*command, "--json")
    assert looked.code == 1
    assert looked.json()["counts"] == {"missing": 1, "drift": 1, "copy": 1}
    assert looked.json()["enqueued"] == 0
    tried = await place.cli.run(*command, "--fix", "--dry-run", "--json")
    assert (tried.json()["enqueued"], "--dry-run" in tried.notes) == (0, True)

    fixed = await place.cli.run(*command, "--fix")
    assert (fixed.code, "2 bookings queued" in fixed.notes) == (1, True), fixed.notes
    await place.crowd.settle()
    again = await place.cli.run(*command, "--json")
    assert (again.code, again.json()["counts"]) == (0, {"copy": 1})
    assert len(await place.events(who)) == len(plans) + 1


async def test_purge_removes_what_is_ours_and_nothing_else(place: Place) -> None:
    """Past events, unrecorded ones and orphans go; a copy, a stranger's and people's own events stay."""
    who, other = place.crowd.people[1:3]
    plans = await place.booked(who, 5)
    await place.booked(other, 2)
    long_ago = {
        "starttime": "2020-01-06T08:00:00Z",
        "endtime": "2020-01-06T09:00:00Z",
    }
    await place.stack.dataverse.update(BOOKINGS, plans[0].id, long_ago)
    await place.crowd.settle()
    await place.quiet_row(plans[1], **NO_EVENT)
    await place.stack.dataverse.delete(BOOKINGS, plans[2].id, webhooks=False)
    events = await place.events(who)
    copied = await place.stack.graph.user("copy", who.mailbox, id=events[3].id)
    own = await place.flow_event(who, plans[4])
    # A row that was copied, support columns and all, names the other's event without being believed.
    theirs = (await place.events(other))[0]
    await place.quiet_row(
        plans[1],
        bsync_outlookeventid=theirs.id,
        bsync_originalresource=who.mailbox,
        bsync_outlooksyncstate="1:abc:def",
    )
    command = ("purge", "--mailbox", who.mailbox)

    looked = await place.cli.run(*command, "--dry-run", "--json")
    (line,) = looked.json()["mailboxes"]
    assert (looked.code, line["events"], line["copies"]) == (0, 5, 1), looked.notes
    assert "still wanted" in looked.notes
    refused = await place.cli.run(*command)
    assert (refused.code, "--yes" in refused.notes) == (2, True)
    assert len(await place.events(who)) == 6

    await place.stack.graph.add_fault(Fault("events/", "DELETE", status=429, headers={"Retry-After": "1"}))
    purged = await place.cli.run(*command, "--yes", "--json")
    assert purged.code == 0, purged.output + purged.notes
    assert purged.json()["clean"]
    left = {each["immutableId"] for each in await place.stack.graph.events(who.mailbox)}
    assert copied["immutableId"] in left
    assert own["immutableId"] in left
    assert not left & {each.id for each in events}
    for plan in (plans[0], plans[1], plans[3], plans[4]):
        row = await place.row(plan)
        assert (row["bsync_outlookeventid"], row["bsync_originalresource"]) == (None, None)
    assert len(await place.events(other)) == 2


async def test_a_purge_that_can_t_do_all_says_so_and_is_completed_by_the_next(place: Place) -> None:
    """A mailbox that refuses is told, its rows keep what they know, and another run finishes."""
    who = place.crowd.people[3]
    plans = await place.booked(who, 3)
    command = ("purge", "--mailbox", who.mailbox, "--yes", "--json")
    await place.stack.graph.add_mailboxes([{"id": who.mailbox, "kind": "denied"}])
    denied = await place.cli.run(*command)
    assert denied.code == 1
    assert "access denied" in " ".join(denied.json()["mailboxes"][0]["problems"])
    assert (await place.row(plans[0]))["bsync_outlookeventid"]

    await place.stack.graph.add_mailboxes([{"id": who.mailbox, "kind": "normal"}])
    await place.stack.graph.add_fault(Fault("events/", "DELETE", status=403, body=DENIED, times=1))
    partly = await place.cli.run(*command)
    assert (partly.code, partly.json()["mailboxes"][0]["left"]) == (1, 2), partly.output
    assert (await place.cli.run(*command)).code == 0
    assert await place.events(who) == []


async def test_a_purge_whose_calendar_list_breaks_off_removes_no_unseen_event(place: Place) -> None:
    """A part of a list is no list: only what rows name is removed, and the run does not call itself clean."""
    who = place.crowd.people[4]
    plans = await place.booked(who, 2)
    await place.quiet_row(plans[0], **NO_EVENT)
    await place.stack.graph.add_fault(Fault(r"events\?", "GET", status=403, times=-1, body=DENIED))
    ended = await place.cli.run("purge", "--mailbox", who.mailbox, "--yes", "--json")
    assert ended.code == 1
    assert "could not be listed" in " ".join(ended.json()["mailboxes"][0]["problems"])
    assert len(await place.events(who)) == 1


async def test_adopted_events_are_updated_in_place(place: Place) -> None:
    """By column with regular and immutable ids, and by extension; nobody gets a second event."""
    who = place.crowd.people[5]
    plans = place.crowd.plan(5, [who])
    await place.stack.dataverse.create_many(BOOKINGS, [booking_row(plan) for plan in plans], webhooks=False)
    made = [await place.flow_event(who, plan) for plan in plans[:2]]
    made.append(await place.flow_event(who, plans[2], tagged=True))
    await place.quiet_row(plans[0], msdyn_globalobjectid=made[0]["mutableId"])
    await place.quiet_row(plans[1], msdyn_globalobjectid=made[1]["immutableId"])
    await place.quiet_row(plans[3], msdyn_globalobjectid="AAMkGone")
    doubles = [await place.flow_event(who, plans[4], tagged=True) for _ in range(2)]
    command = ("adopt", "--event-column", "msdyn_globalobjectid", "--extension", OLD_EXTENSION)

    looked = await place.cli.run(*command, "--dry-run", "--json")
    assert looked.json()["counts"] == {"adopted": 3, "several events": 1, "event is gone": 1}, looked.notes
    assert (await place.row(plans[0]))["bsync_outlookeventid"] is None
    done = await place.cli.run(*command, "--yes", "--json")
    assert done.json()["counts"] == looked.json()["counts"], done.output
    assert done.code == 1
    told = next(each for each in done.json()["bookings"] if each["booking"] == plans[4].id)
    assert {each["eventId"] for each in told["otherEvents"]} == {each["immutableId"] for each in doubles}
    again = await place.cli.run(*command, "--yes", "--json")
    assert again.json()["counts"] == {"already ours": 3, "several events": 1, "event is gone": 1}

    for plan in plans[:4]:
        await place.stack.dataverse.update(BOOKINGS, plan.id, {"name": f"{plan.name}, now ours"})
    await place.crowd.settle()
    events = {each["immutableId"]: each for each in await place.stack.graph.events(who.mailbox)}
    for plan, event in zip(plans[:3], made, strict=True):
        assert (await place.row(plan))["bsync_outlookeventid"] == event["immutableId"]
        assert not events[event["immutableId"]]["subject"].startswith("Flow")
    assert len(events) == 3 + 1 + 2  # adopted, made anew for the one that was gone, and the doubles
    audited = await place.cli.run("audit", "--mailbox", who.mailbox, "--json")
    kinds = {each["kind"] for each in audited.json()["findings"] if each.get("bookingId") != plans[4].id}
    assert kinds == set(), audited.output


async def test_adopting_tells_of_doubles_that_the_app_made(place: Place) -> None:
    """Where the app was faster, the former event is named and left."""
    who = place.crowd.people[6]
    (plan,) = await place.booked(who, 1)
    event = await place.flow_event(who, plan)
    await place.quiet_row(plan, msdyn_globalobjectid=event["immutableId"])
    done = await place.cli.run("adopt", "--event-column", "msdyn_globalobjectid", "--yes", "--json")
    (told,) = [each for each in done.json()["bookings"] if each["booking"] == plan.id]
    assert (done.code, told["fate"]) == (1, "two events")
    assert [each["eventId"] for each in told["otherEvents"]] == [event["immutableId"]]


async def test_columns_that_are_ours_already_are_adopted_too(place: Place) -> None:
    """A flow that wrote into the columns that the settings name: verified, marked and sealed."""
    who = place.crowd.people[7]
    (plan,) = place.crowd.plan(1, [who])
    await place.stack.dataverse.create(BOOKINGS, booking_row(plan), webhooks=False)
    event = await place.flow_event(who, plan)
    await place.quiet_row(
        plan, bsync_outlookeventid=event["mutableId"], bsync_originalresource=plan.resource_id
    )
    columns = ("--event-column", "bsync_outlookeventid", "--mailbox-column", "bsync_originalresource")
    done = await place.cli.run("adopt", *columns, "--yes", "--json")
    told = next(each for each in done.json()["bookings"] if each["booking"] == plan.id)
    assert told["fate"] == "adopted", done.output
    row = await place.row(plan)
    assert (row["bsync_outlookeventid"], row["bsync_originalresource"]) == (
        event["immutableId"],
        who.mailbox,
    )
    await place.stack.dataverse.update(BOOKINGS, plan.id, {"name": "Ours"})
    await place.crowd.settle()
    assert [each["immutableId"] for each in await place.stack.graph.events(who.mailbox)] == [
        event["immutableId"]
    ]


async def test_purge_of_all_leaves_nothing(place: Place) -> None:
    """Every mailbox, with a row that names no usable record; run twice, the second has nothing to do."""
    (plan,) = place.crowd.plan(1)
    await place.stack.dataverse.create(BOOKINGS, booking_row(plan), webhooks=False)
    forged = {"bsync_outlookeventid": "AAMkX", "bsync_originalresource": "nobody"}
    await place.quiet_row(plan, **forged, bsync_outlooksyncstate="1:abc:def")
    done = await place.cli.run("purge", "--all", "--yes", "--json")
    assert done.code == 0, done.output + done.notes
    rows = await place.stack.dataverse.rows(BOOKINGS)
    assert not any(row["bsync_outlookeventid"] for row in rows.values())
    again = await place.cli.run("purge", "--all", "--json")
    assert (again.code, again.json()["clean"]) == (0, True), again.notes


async def test_purge_tells_of_mailboxes_that_are_closed(place: Place) -> None:
    """One that no booking names is no obstacle to a purge of all; one that was asked for is a finding."""
    closed = place.crowd.world.without_mailbox.mailbox
    everything = await place.cli.run("purge", "--all", "--dry-run", "--json")
    assert closed in everything.json()["closedMailboxes"]
    asked = await place.cli.run("purge", "--mailbox", closed, "--yes", "--json")
    assert (asked.code, asked.json()["clean"], asked.json()["closedMailboxes"]) == (1, False, [])
    assert "no Exchange Online mailbox" in asked.output
