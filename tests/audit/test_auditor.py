"""The audit between both services: what it finds, what it mends, and what it must not believe."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from booking_sync.audit.auditor import AuditRequest
from booking_sync.audit.inspection import InspectionLimits
from booking_sync.domain.events.event_ref import EventRef
from booking_sync.errors import SyncError, TransientError
from booking_sync.outlook.bodies import BIRTH_PROPERTY
from local.standin.faults import Fault
from tests.audit.world import FORCE, REPORT_ONLY, AuditWorld
from tests.dataverse.world import BOOKINGS
from tests.outlook.kit import DENIED_MAILBOX, MAILBOX, OTHER_MAILBOX
from tests.support.bookings import CANCELED, booking, technician

if TYPE_CHECKING:
    from local.graph.mailbox.events import StoredEvent


async def mended(world: AuditWorld) -> bool:
    """Whether the hints, worked off, leave nothing to repair."""
    await world.work_off()
    report = await world.audit()
    return report.enqueued == 0 and not any(each.repairable for each in report.findings)


async def some_bookings(world: AuditWorld, count: int, mailbox: str = MAILBOX) -> list[str]:
    """Bookings in step."""
    made = await asyncio.gather(*(world.book(mailbox, 1 + number / 24) for number in range(count)))
    return [each.id for each in made]


def write(world: AuditWorld, booking_id: str, **columns: object) -> None:
    """A dispatcher, or chance, changes columns, and the webhook is lost."""
    world.dataverse.standin.state.update(BOOKINGS, booking_id, columns, webhooks=False)


async def test_nothing_is_found_where_all_is_in_step(world: AuditWorld) -> None:
    """Events of bookings, before, within and after the window, and people's own: no finding, no hint."""
    for days in (-30, -6.99, 1, 59.9, 90):
        await world.book(days=days)
    world.graph.user_creates(MAILBOX, "Dentist")
    report = await world.audit()
    assert (report.counts(), report.enqueued, world.queue.sent) == ({}, 0, [])
    assert (report.mailboxes, report.listed.rows, report.listed.events) == (1, 3, 3)


async def test_an_orphan_of_a_lost_deletion_is_removed(world: AuditWorld) -> None:
    """The booking is deleted, its webhook lost: the event is found by its marker, and removed."""
    gone, kept = await world.book(), await world.book(days=2)
    world.dataverse.remove(gone.id)
    report = await world.audit()
    assert report.counts() == {"orphan": 1}
    (hint, _), *_ = world.queue.sent
    assert (hint.booking_id, hint.uncertain, hint.deleted) == (gone.id, True, False)
    assert await mended(world)
    (left,) = world.events()
    assert kept.id in next(iter(left.properties.values()))


async def test_an_orphan_of_a_crash_is_removed(world: AuditWorld) -> None:
    """Created, not recorded, and the booking given to somebody else: the first calendar is cleaned."""
    made = await world.book()
    write(world, made.id, bsync_outlookeventid=None, bsync_originalresource=None, bsync_outlooksyncstate=None)
    world.dataverse.put(replace(made, resource=technician(OTHER_MAILBOX)))
    await world.sync(made.id)
    report = await world.audit()
    assert report.counts() == {"orphan": 1}
    assert await mended(world)
    assert (len(world.events()), len(world.events(OTHER_MAILBOX))) == (0, 1)


async def test_an_event_that_was_not_recorded_is_adopted(world: AuditWorld) -> None:
    """Created, not recorded: the row names it after the audit, and no second one was made."""
    made = await world.book()
    (event,) = world.events()
    write(world, made.id, bsync_outlookeventid=None, bsync_originalresource=None, bsync_outlooksyncstate=None)
    assert (await world.audit()).counts() == {"unrecorded": 1}
    assert await mended(world)
    assert [each.immutable_id for each in world.events()] == [event.immutable_id]


async def test_a_duplicate_is_removed(world: AuditWorld) -> None:
    """Graph made two events for one creation: the one that no row names goes."""
    made = await world.book()
    (event,) = world.events()
    twin = second_creation(world, made.id, event)
    assert (await world.audit()).counts() == {"duplicate": 1}
    assert await mended(world)
    row = await world.dataverse.rows.read(made.id)
    assert row
    assert row.record.event == EventRef(MAILBOX, event.immutable_id)
    assert twin.immutable_id not in {each.immutable_id for each in world.events()}


async def test_a_copy_that_carries_everything_is_nobodys_but_the_persons(world: AuditWorld) -> None:
    """Copy and paste takes marker, transactionId, birth and tag along; the audit leaves it."""
    await world.book()
    copy = world.user_copies(world.events()[0])
    assert (await world.audit()).counts() == {"copy": 1}
    assert await world.work_off() == []
    assert copy in world.events()


def second_creation(world: AuditWorld, booking_id: str, event: StoredEvent) -> StoredEvent:
    """A second event of the same transaction, as two creations at once can make."""
    twin = world.user_copies(event)
    birth = next(name for name in twin.properties if name.lower() == BIRTH_PROPERTY.lower())
    twin.properties[birth] = world.sealer.birth(booking_id, MAILBOX, 1)
    twin.extensions.clear()
    return twin


@pytest.mark.parametrize(
    "edit",
    [
        {"subject": "Mine"},
        {"showAs": "free"},
        {"categories": []},
        {"location": {"displayName": "Home"}},
        {"start": {"dateTime": "2026-03-03T07:00:00", "timeZone": "UTC"}},
        {
            "start": {"dateTime": "2026-06-03T07:00:00", "timeZone": "UTC"},
            "end": {"dateTime": "2026-06-03T08:00:00", "timeZone": "UTC"},
        },
    ],
)
async def test_what_a_user_edits_is_written_back(world: AuditWorld, edit: dict[str, object]) -> None:
    """Moved within the window, out of it, or edited: found, and put right in the same event."""
    made = await world.book()
    (event,) = world.events()
    before = (event.start.utc, event.end.utc, dict(event.content))
    world.user_edits(event, **edit)
    report = await world.audit()
    assert sum(report.counts().get(kind, 0) for kind in ("drift", "missing")) == 1
    assert await mended(world)
    (after,) = world.events()
    assert (after.start.utc, after.end.utc) == before[:2]
    assert after.content["subject"] == before[2]["subject"]
    assert after.immutable_id == event.immutable_id
    assert made.id


@pytest.mark.parametrize("deleted_items", ["kept", "gone"])
async def test_what_a_user_deletes_comes_back(world: AuditWorld, deleted_items: str) -> None:
    """A deleted event is missing, and made anew, once, whether or not its id still answers."""
    world.graph.configure(deleted_items=deleted_items)
    await world.book()
    (event,) = world.events()
    world.age(event)
    world.user_deletes(event)
    assert (await world.audit()).counts() == {"missing": 1}
    assert await mended(world)
    assert len(world.events()) == 1


async def test_what_a_user_deletes_at_once_comes_back_with_a_later_audit(world: AuditWorld) -> None:
    """A search may not know so young an event yet, so that none is taken for deleted: the next audit does."""
    world.graph.configure(deleted_items="kept")
    await world.book()
    (event,) = world.events()
    world.user_deletes(event)
    await world.audit()
    await world.work_off()
    assert world.events() == []
    world.age(event)
    assert (await world.audit()).counts() == {"missing": 1}
    assert await mended(world)
    assert len(world.events()) == 1


async def test_a_users_copy_stays(world: AuditWorld) -> None:
    """A copy carries the marker, but is theirs: reported, untouched, even when its booking is gone."""
    made = await world.book()
    copy = world.user_copies(world.events()[0])
    report = await world.audit()
    assert (report.counts(), report.enqueued) == ({"copy": 1}, 0)
    world.dataverse.remove(made.id)
    await world.audit(FORCE)
    await world.work_off()
    assert [each.immutable_id for each in world.events()] == [copy.immutable_id]


async def test_another_organisations_event_stays(world: AuditWorld) -> None:
    """A copied environment leaves the original's events alone."""
    await world.book()
    (event,) = world.events()
    name = next(iter(event.properties))
    stranger = world.user_copies(event)
    stranger.properties[name] = f"another-organisation/{booking().id}"
    report = await world.audit()
    assert (report.counts(), report.enqueued) == ({"foreign": 1}, 0)


async def test_a_lost_cancellation_and_a_renamed_account_are_caught(world: AuditWorld) -> None:
    """What no webhook told, and what none would tell."""
    canceled, renamed = await world.book(), await world.book(days=2)
    world.dataverse.put(replace(canceled, status=CANCELED))
    assert renamed.work_order
    for account_id in world.dataverse.standin.state.rows("accounts"):
        world.dataverse.standin.state.update("accounts", account_id, {"name": "New name"}, webhooks=False)
    report = await world.audit()
    assert report.counts() == {"behind": 1, "orphan": 1}
    assert await mended(world)
    assert [each.content["subject"].split()[0] for each in world.events()] == ["New"]


async def test_a_renamed_status_and_a_moved_work_order_are_caught(world: AuditWorld) -> None:
    """A status has no webhook, and a work order's may be lost: the fingerprint shows what events show."""
    for days in (1, 2):
        await world.book(days=days)
    status, order = (
        next(iter(world.dataverse.standin.state.rows(each)))
        for each in ("bookingstatuses", "msdyn_workorders")
    )
    world.dataverse.standin.state.update("bookingstatuses", status, {"name": "Planned"}, webhooks=False)
    assert (await world.audit()).counts() == {"behind": 1}
    assert await mended(world)
    world.dataverse.standin.state.update("msdyn_workorders", order, {"msdyn_city": "Espoo"}, webhooks=False)
    assert (await world.audit()).counts() == {"behind": 1}
    assert await mended(world)
    assert len([each for each in world.events() if "Planned" in each.content["body"]["content"]]) == 1
    assert len([each for each in world.events() if "Espoo" in each.content["location"]["displayName"]]) == 1


async def test_a_failing_row_is_tried_again(world: AuditWorld) -> None:
    """An error that has passed is cleared by the audit's hint."""
    made = await world.book()
    write(world, made.id, bsync_outlooksyncerror="Outlook: it was not possible.")
    assert (await world.audit()).counts() == {"failing": 1}
    assert await mended(world)


async def test_a_row_that_changes_meanwhile_is_left_to_the_worker(world: AuditWorld) -> None:
    """Between the two looks the dispatcher writes: the finding is dropped, since it may be stale."""
    made = await world.book()
    world.user_deletes(world.events()[0])
    world.calendars.meanwhile = lambda: write(world, made.id, name="Changed meanwhile")
    report = await world.audit()
    assert (report.counts(), report.in_motion, report.enqueued) == ({}, 1, 0)


async def test_reporting_changes_nothing(world: AuditWorld) -> None:
    """Without `fix` nothing is queued."""
    made = await world.book()
    world.dataverse.remove(made.id)
    report = await world.audit(replace(REPORT_ONLY, force=True))
    assert (report.counts(), report.enqueued, world.queue.sent) == ({"orphan": 1}, 0, [])


async def test_only_the_named_mailboxes_are_audited(world: AuditWorld) -> None:
    """Bookings and calendars of others are not looked at."""
    here, there = await world.book(), await world.book(OTHER_MAILBOX)
    for made in (here, there):
        world.dataverse.remove(made.id)
    await world.book()
    unfinished = await world.book(OTHER_MAILBOX)
    world.dataverse.put(replace(unfinished, end=None))
    report = await world.audit(AuditRequest(mailboxes=frozenset({MAILBOX})))
    assert [each.booking_id for each in report.findings] == [here.id]
    assert report.mailboxes == 1


# --- what must not be believed -------------------------------------------------------------------------


@pytest.mark.parametrize("status", [503, 500, 404, 200])
async def test_a_failed_page_is_not_an_empty_one(world: AuditWorld, status: int) -> None:
    """When a later page fails, or is no page, nothing is concluded about that mailbox, and others go on."""
    for number in range(260):
        world.graph.user_creates(MAILBOX, f"Private {number}")
    await world.book()
    await world.book(OTHER_MAILBOX)
    for mailbox in (MAILBOX, OTHER_MAILBOX):
        for event in world.events(mailbox):
            if event.owner_app:
                world.user_deletes(event)
    world.graph.standin.faults.add(Fault(path=r"\$skip=", status=status, body={}, times=100))
    report = await world.audit()
    assert report.counts() == {"missing": 1, "unreadable": 1}
    (unreadable,) = [each for each in report.findings if each.kind == "unreadable"]
    assert unreadable.mailbox == MAILBOX
    assert {each.mailbox for each in report.findings if each.kind == "missing"} == {OTHER_MAILBOX}


async def test_a_calendar_full_of_marked_events_costs_the_others_nothing(world: AuditWorld) -> None:
    """Anybody can mark events of their own; beyond what can be, that calendar is told and left out."""
    world.auditor = world.in_parts(60, limits=InspectionLimits(max_unrecorded=5))
    orphan = await world.book(OTHER_MAILBOX)
    world.dataverse.remove(orphan.id)
    made = await world.book()
    (event,) = world.events()
    for _ in range(5):
        world.user_copies(event)
    assert (await world.audit(REPORT_ONLY)).counts() == {"copy": 5, "orphan": 1}
    world.user_copies(event)
    world.user_edits(event, subject="Mine")
    report = await world.audit()
    assert report.counts() == {"orphan": 1, "unreadable": 1}
    (unreadable,) = [each for each in report.findings if each.kind == "unreadable"]
    assert (unreadable.mailbox, "more than 5 events" in unreadable.words) == (MAILBOX, True)
    assert [hint.booking_id for hint in await world.work_off()] == [orphan.id]
    assert made.id not in {each.booking_id for each in report.findings}


async def test_a_calendar_that_takes_too_long_costs_the_others_nothing(world: AuditWorld) -> None:
    """Half a million events of one person take longer than a run may: they are told and left out."""
    world.auditor = world.in_parts(60, limits=InspectionLimits(listing_seconds=0.5))
    world.calendars.endless = frozenset({MAILBOX})
    await world.book()
    orphan = await world.book(OTHER_MAILBOX)
    world.dataverse.remove(orphan.id)
    report = await world.audit()
    assert report.counts() == {"orphan": 1, "unreadable": 1}
    (unreadable,) = [each for each in report.findings if each.kind == "unreadable"]
    assert (unreadable.mailbox, "could not be listed within" in unreadable.words) == (MAILBOX, True)


async def test_a_mailbox_out_of_scope_is_reported(world: AuditWorld) -> None:
    """No access: the mailbox is named, and its bookings are not touched."""
    await world.book(DENIED_MAILBOX)
    report = await world.audit()
    assert (report.counts(), report.enqueued) == ({"unreadable": 1}, 0)
    assert "access denied" in report.findings[0].words


async def test_a_closed_mailbox_that_concerns_no_booking_is_no_finding(world: AuditWorld) -> None:
    """A resource without bookings may be out of scope, or no audit would be clean; asked for, it is told."""
    made = await world.book(DENIED_MAILBOX)
    world.dataverse.remove(made.id)
    assert (await world.audit()).counts() == {}
    asked = await world.audit(AuditRequest(mailboxes=frozenset({DENIED_MAILBOX})))
    assert asked.counts() == {"unreadable": 1}


async def test_a_short_throttle_is_waited_for_and_a_long_one_is_not(world: AuditWorld) -> None:
    """Seconds are slept, minutes are reported."""
    await world.book()
    world.graph.standin.faults.add(
        Fault(path="calendarView", status=429, headers={"Retry-After": "0.01"}, times=1)
    )
    assert (await world.audit()).counts() == {}
    assert len(world.naps) == 1
    world.graph.standin.faults.add(
        Fault(path="calendarView", status=429, headers={"Retry-After": "300"}, times=1)
    )
    assert (await world.audit()).counts() == {"unreadable": 1}
    assert len(world.naps) == 1


@pytest.mark.parametrize("path", ["bookableresourcebookings", "bookableresources", r"\$batch"])
@pytest.mark.parametrize("status", [503, 403])
async def test_without_dataverse_there_is_no_audit(world: AuditWorld, path: str, status: int) -> None:
    """A list of rows that fails ends the run with an error, and nothing is queued."""
    made = await world.book()
    world.dataverse.remove(made.id)
    body = {"error": {"code": "0x80040220", "message": "no"}} if status < 500 else None
    world.dataverse.standin.faults.add(Fault(path=path, status=status, body=body, times=100))
    with pytest.raises(SyncError):
        await world.audit(FORCE)
    assert world.queue.sent == []


async def test_hidden_rows_are_no_deleted_ones(world: AuditWorld) -> None:
    """Rows that security filters out of the lists: their events are reported as hidden, none is an orphan."""
    ids = await some_bookings(world, 15)
    world.hide(*ids[:3])
    report = await world.audit(FORCE)
    assert (report.counts(), report.enqueued) == ({"hidden": 3}, 0)
    world.hide()
    assert (await world.audit()).counts() == {}
    assert len(world.events()) == 15


@pytest.mark.parametrize("status", [429, 500])
async def test_a_row_of_which_dataverse_tells_nothing_keeps_no_other_from_the_audit(
    world: AuditWorld, status: int
) -> None:
    """A list leaves it out, and the question for it alone is not answered: nothing is concluded of it."""
    untold, gone, *_ = await some_bookings(world, 15)
    world.dataverse.remove(untold)
    world.dataverse.remove(gone)
    single = Fault(path=rf"\({untold}\)", method="GET", status=status, times=-1)
    world.dataverse.standin.faults.add(single)
    assert (await world.audit()).counts() == {"orphan": 1}


async def test_without_any_readable_row_nothing_is_repaired(world: AuditWorld) -> None:
    """All rows hidden at once, as after a changed security role: no hint, whatever else is found."""
    ids = await some_bookings(world, 15)
    world.hide(*ids)
    report = await world.audit()
    assert (report.enqueued, world.queue.sent) == (0, [])
    assert report.counts() == {"hidden": 15, "guard": 1}


async def test_too_many_deletions_wait_for_somebody(world: AuditWorld) -> None:
    """Eleven of forty bookings gone without a word: the guard holds the removals until it is forced."""
    ids = await some_bookings(world, 40)
    for booking_id in ids[:11]:
        world.dataverse.remove(booking_id)
    world.age(world.events()[-1])
    world.user_deletes(world.events()[-1])
    report = await world.audit()
    assert report.counts() == {"missing": 1, "orphan": 11, "guard": 1}
    assert (report.withheld, report.enqueued) == (11, 1)
    await world.work_off()
    assert len(world.events()) == 40

    forced = await world.audit(FORCE)
    assert (forced.counts(), forced.enqueued) == ({"orphan": 11}, 11)
    assert await mended(world)
    assert len(world.events()) == 29


async def test_an_unreadable_row_stands_in_nobodys_way(world: AuditWorld) -> None:
    """A row that can't be read is reported; its event is no orphan."""
    bad, gone = await world.book(), await world.book(days=2)
    world.dataverse.standin.state.rows(BOOKINGS)[bad.id]["statecode"] = "broken"
    world.dataverse.remove(gone.id)
    await world.book(days=3)
    report = await world.audit()
    assert report.counts() == {"orphan": 1, "unreadable": 1}
    assert {each.booking_id for each in report.findings} == {bad.id, gone.id}


async def test_a_row_outside_the_window_is_read_by_its_id(world: AuditWorld) -> None:
    """An event moved into the window is its booking's; if that can't be read, nothing is concluded."""
    far, other = await world.book(days=90), await world.book(days=3)
    (event, _) = world.events()
    when = {"dateTime": "2026-03-03T07:00:00", "timeZone": "UTC"}
    world.user_edits(event, start=when, end=when)
    assert (await world.audit(REPORT_ONLY)).counts() == {"drift": 1}

    world.dataverse.standin.state.rows(BOOKINGS)[far.id]["statecode"] = "broken"
    report = await world.audit(FORCE)
    assert (report.counts(), report.enqueued) == ({"unreadable": 1}, 0)
    assert other.id not in {each.booking_id for each in report.findings}

    world.dataverse.standin.faults.add(Fault(path="PropertyValues", status=503))
    with pytest.raises(TransientError):
        await world.audit(FORCE)


async def test_a_queue_that_is_down_fails_the_run(world: AuditWorld) -> None:
    """Hints that can't be sent are an error, not a success."""
    world.dataverse.remove((await world.book()).id)
    await world.book(days=2)
    world.queue.down = True
    with pytest.raises(TransientError):
        await world.audit()


async def test_the_report_names_no_people(world: AuditWorld) -> None:
    """Ids and our own words: nothing of what people wrote, neither in Dynamics 365 nor in Outlook."""
    made = await world.book()
    failing = await world.book(days=2)
    write(world, failing.id, bsync_outlooksyncerror="Outlook: Secret Person has no mailbox.")
    world.user_edits(world.events()[0], subject="Secret appointment")
    world.user_copies(world.events()[0])
    text = json.dumps((await world.audit(REPORT_ONLY)).payload())
    assert made.id in text
    assert "Secret" not in text
    assert "Adatum" not in text


async def test_costs(world: AuditWorld) -> None:
    """Twenty mailboxes are one request to Graph, 500 bookings one to Dataverse, and all people one more.

    1,000 bookings of 50 technicians, each of whom has five private events: 3 + 3 requests.
    """
    mailboxes = [f"0a6c0000-0000-4000-8000-0000000001{number:02}" for number in range(50)]
    for mailbox in mailboxes:
        world.graph.standin.state.add_mailbox(mailbox)
        for number in range(5):
            world.graph.user_creates(mailbox, f"Private {number}")
    for hour in range(20):
        await asyncio.gather(*(world.book(mailbox, 1 + hour / 24) for mailbox in mailboxes))
    world.dataverse.requests.clear()
    world.graph.standin.requests.clear()

    report = await world.audit()

    assert (report.mailboxes, report.listed.rows, report.listed.events) == (50, 1000, 1000)
    assert report.counts() == {}
    assert len(world.graph.batches) == 3
    assert len(world.dataverse.requests) == 3
