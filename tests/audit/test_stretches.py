"""Audits in parts: what they find and mend is what one look at the whole would, and no part runs for long."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from booking_sync.audit.auditor import AuditRequest, AuditScope
from booking_sync.audit.inspection import Inspected, InspectionLimits
from booking_sync.audit.mending import Mender
from booking_sync.audit.stretches import AuditEnded, AuditStretches
from booking_sync.domain.bookings.booking import BookableResource
from booking_sync.domain.bookings.resource_type import ResourceType
from booking_sync.domain.messages.audit_progress import AuditPass, AuditReach
from booking_sync.domain.outcome import OutcomeKind
from booking_sync.errors import PermanentError, TransientError
from booking_sync.sync.booking.task import SyncTask
from local.standin.faults import Fault
from tests.audit.world import REPAIR, REPORT_ONLY, AuditWorld, make_auditor
from tests.dataverse.world import BOOKINGS
from tests.outlook.kit import MAILBOX, NOW, OTHER_MAILBOX
from tests.support.bookings import technician

if TYPE_CHECKING:
    from collections.abc import Iterable

    from booking_sync.audit.report import AuditReport

NEAR = AuditRequest(fix=True, reach=AuditReach.NEAR)


VAN = BookableResource(ResourceType.EQUIPMENT)


async def troubled(world: AuditWorld) -> None:
    """Some of each finding, in two mailboxes and in none."""
    for mailbox in (MAILBOX, OTHER_MAILBOX):
        gone, _, _, _, given_away = [await world.book(mailbox, days) for days in (1, 2, 3, 4, 5)]
        _, moved, deleted, copied, _ = sorted(world.events(mailbox), key=lambda each: each.start.utc)
        world.dataverse.remove(gone.id)
        world.user_edits(moved, subject="Mine now")
        world.user_deletes(deleted)
        world.user_copies(copied)
        world.dataverse.put(replace(given_away, resource=VAN))
    reassigned = await world.book(MAILBOX, 6)
    world.dataverse.put(replace(reassigned, resource=technician(OTHER_MAILBOX)))
    nobody = await world.book(OTHER_MAILBOX, 7)
    world.dataverse.put(replace(nobody, resource=None))
    forgotten = await world.book(MAILBOX, 8)
    nothing = {"bsync_outlooksyncstate": None, "bsync_outlookeventid": None, "bsync_originalresource": None}
    world.dataverse.standin.state.update(BOOKINGS, forgotten.id, nothing, webhooks=False)


def told(
    world: AuditWorld, report: AuditReport
) -> tuple[dict[str, int], set[tuple[str, bool, frozenset[str]]]]:
    """What was found, and which hints were queued."""
    hints = {(change.booking_id, change.uncertain, change.suspects) for change, _ in world.queue.sent}
    return report.counts(), hints


async def test_parts_find_and_mend_what_a_look_at_the_whole_does(world: AuditWorld) -> None:
    """Equipment, orphans, drift, copies, missing events, lost records: the same counts and hints."""
    await troubled(world)
    whole = told(world, await world.audit())
    world.queue.sent.clear()
    in_parts = told(world, await world.in_parts(1).run(REPAIR))
    assert in_parts == whole
    assert {"orphan", "drift", "missing", "unrecorded", "copy"} <= whole[0].keys()


@pytest.mark.parametrize("now", ["reassigned", "resource without a mailbox"])
@pytest.mark.parametrize("size", [1, 60])
async def test_what_stays_for_its_peoples_sake_in_another_part_is_told_once(
    world: AuditWorld, size: int, now: str
) -> None:
    """The part with the booking's row does not take back what the part with the event has told."""
    made = await world.book(MAILBOX)
    (event,) = world.events(MAILBOX)
    await world.book(OTHER_MAILBOX)
    somebody = {"emailAddress": {"address": "customer@adatum.example", "name": "A customer"}}
    world.user_edits(event, attendees=[{**somebody, "type": "required"}])
    nothing = {"bsync_outlooksyncstate": None, "bsync_outlookeventid": None, "bsync_originalresource": None}
    resource = technician(OTHER_MAILBOX) if now == "reassigned" else VAN
    world.dataverse.put(replace(made, resource=resource))
    world.dataverse.standin.state.update(BOOKINGS, made.id, nothing, webhooks=False)
    auditor = world.in_parts(size)
    for _ in range(2):  # the second looks at what the first one's hints have made of the row
        await auditor.run(REPAIR)
        await world.work_off()
    row = await world.dataverse.rows.read(made.id)
    assert row
    assert row.record.left_in == {MAILBOX}
    await auditor.run(REPAIR)
    assert world.queue.sent == []
    world.user_deletes(event)
    await auditor.run(REPAIR)
    assert [hint.booking_id for hint in await world.work_off()] == [made.id]
    cleared = await world.dataverse.rows.read(made.id)
    assert cleared
    assert (cleared.record.error, cleared.record.event is not None) == ("", now == "reassigned")
    await auditor.run(REPAIR)
    assert world.queue.sent == []


async def test_a_wiped_tenant_is_stopped_before_its_first_event(world: AuditWorld) -> None:
    """Each part alone has few enough removals to be believed; the whole has not."""
    made = [await world.book(mailbox, 1 + n / 24) for n in range(7) for mailbox in (MAILBOX, OTHER_MAILBOX)]
    kept = [await world.book(MAILBOX, 2 + n / 24) for n in range(7)]
    for each in made:
        world.dataverse.remove(each.id)
    report = await world.in_parts(1).run(REPAIR)
    assert report.counts() == {"orphan": 14, "guard": 1}
    assert (report.withheld, report.enqueued, world.queue.sent) == (14, 0, [])
    assert kept
    forced = await world.in_parts(1).run(AuditRequest(force=True))
    assert (forced.withheld, forced.enqueued) == (0, 14)


async def test_what_the_whole_allows_is_removed_in_the_second_pass(world: AuditWorld) -> None:
    """Twelve of sixty: more than a share of one mailbox, less than one of both."""
    made = [await world.book(MAILBOX, 1 + n / 24) for n in range(20)]
    for n in range(50):
        await world.book(OTHER_MAILBOX, 1 + n / 24)
    for each in made[:12]:
        world.dataverse.remove(each.id)
    report = await world.in_parts(1).run(REPAIR)
    assert (report.counts(), report.withheld, report.enqueued) == ({"orphan": 12}, 0, 12)


async def test_what_has_become_too_much_meanwhile_is_not_removed(world: AuditWorld) -> None:
    """Between the passes a calendar's rows vanish: the second look believes no more than the first."""
    made = [await world.book(MAILBOX, 1 + n / 24) for n in range(12)]
    world.dataverse.remove(made[0].id)
    auditor = world.in_parts(1)
    await world.book(OTHER_MAILBOX)
    progress = auditor.start(REPAIR)
    while not progress.is_passed:
        report = await auditor.go_on(progress, 0)
        assert report.rest
        progress = report.rest
    for each in made[1:]:
        world.dataverse.remove(each.id)
    report = await auditor.go_on(progress)
    assert (report.counts()["guard"], report.enqueued, world.queue.sent) == (1, 0, [])
    assert report.withheld == 12


async def test_what_grew_in_several_parts_meanwhile_is_counted_together(world: AuditWorld) -> None:
    """Eight here and eight there are sixteen: what the second pass has removed so far is remembered."""
    made = {
        mailbox: [await world.book(mailbox, 1 + n / 24) for n in range(12)]
        for mailbox in (MAILBOX, OTHER_MAILBOX)
    }
    for bookings in made.values():
        world.dataverse.remove(bookings[0].id)
    auditor = world.in_parts(1)
    progress = auditor.start(REPAIR)
    while not progress.is_passed:
        report = await auditor.go_on(progress, 0)
        assert report.rest
        progress = report.rest
    for bookings in made.values():
        for each in bookings[1:8]:
            world.dataverse.remove(each.id)
    report = await auditor.go_on(progress)
    assert (report.counts()["guard"], report.enqueued, report.withheld) == (1, 8, 8)


async def test_an_audit_goes_on_by_the_queue_to_the_same_end(world: AuditWorld) -> None:
    """Each message does a part and leaves the rest; only the last one tells the journal."""
    await troubled(world)
    whole = told(world, await world.audit())
    world.queue.sent.clear()
    ended: list[AuditEnded] = []

    async def tell(end: AuditEnded) -> None:
        ended.append(end)

    times = iter(range(0, 100_000, 1000))
    auditor = world.in_parts(1, now=lambda: NOW + timedelta(seconds=next(times)))
    stretches = AuditStretches(auditor, world.queue, lambda: NOW, tell)
    report = await stretches.begin(REPAIR, 1)
    assert report.rest
    messages = 0
    while world.queue.audits:
        assert not ended
        progress, delay = world.queue.audits.pop()
        assert delay == 0
        outcome = await stretches.go_on(progress)
        assert outcome.kind is OutcomeKind.SYNCED
        messages += 1
    assert messages > 2
    ((end,),) = (ended,)
    assert end.report is not None
    assert told(world, end.report) == whole


async def test_hints_of_later_parts_wait_behind_those_of_earlier_ones(world: AuditWorld) -> None:
    """Five a second over the whole audit, however many parts it has."""
    for mailbox in (MAILBOX, OTHER_MAILBOX):
        for n in range(5):
            await world.book(mailbox, 1 + n / 24)
        for event in world.events(mailbox):
            world.user_edits(event, subject="Mine")
    await world.in_parts(1).run(REPAIR)
    assert [delay for _, delay in world.queue.sent] == pytest.approx([n / 5 for n in range(10)])


async def test_a_part_that_takes_too_long_is_halved(world: AuditWorld) -> None:
    """A mailbox that never answers costs its own part; the others are audited, and it is told."""
    here, there = await world.book(MAILBOX), await world.book(OTHER_MAILBOX)
    await world.book(OTHER_MAILBOX, 2)
    for each in (here, there):
        world.dataverse.remove(each.id)
    world.calendars.endless = frozenset({MAILBOX})
    report = await world.in_parts(60, part_seconds=0.5).run(AuditRequest(fix=False))
    assert report.counts() == {"orphan": 1, "unreadable": 1}
    (unreadable,) = [each for each in report.findings if each.kind.value == "unreadable"]
    assert (unreadable.mailbox, "in time" in unreadable.words) == (MAILBOX, True)


async def test_a_part_with_too_many_bookings_is_halved(world: AuditWorld) -> None:
    """No more rows are held at once than fit into memory."""
    for mailbox in (MAILBOX, OTHER_MAILBOX):
        for n in range(3):
            await world.book(mailbox, 1 + n / 24)
    report = await world.in_parts(60, limits=InspectionLimits(most_rows=4)).run(REPAIR)
    assert (report.counts(), report.listed.rows, report.listed.events) == ({}, 6, 6)


async def test_trouble_after_a_part_leaves_the_rest_for_later(world: AuditWorld) -> None:
    """What is done stays done, and the rest waits as long as Dataverse asks."""
    await world.book(MAILBOX)
    await world.book(OTHER_MAILBOX)
    auditor = world.in_parts(1)
    world.calendars.meanwhile = lambda: world.dataverse.standin.faults.add(
        Fault(path=f"{BOOKINGS}\\?", status=429, headers={"Retry-After": "7"}, times=1)
    )
    report = await auditor.go_on(auditor.start(REPAIR), 3600)
    assert report.rest
    assert (report.mailboxes, report.delay) == (1, 7.0)


async def test_an_audit_that_can_not_begin_is_tried_again_as_a_whole(world: AuditWorld) -> None:
    """With nothing done there is no rest: whoever asked is told, and a message is put back."""
    await world.book(MAILBOX)
    world.dataverse.standin.faults.add(Fault(path="bookableresources", status=503, times=-1))
    auditor = world.in_parts(1)
    with pytest.raises(TransientError):
        await auditor.go_on(auditor.start(REPAIR), 3600)


async def test_an_audit_that_dataverse_refuses_is_told(world: AuditWorld) -> None:
    """The journal has the reason, and the message goes to the poison queue beside it."""
    ended: list[AuditEnded] = []

    async def tell(end: AuditEnded) -> None:
        ended.append(end)

    auditor = world.in_parts(1)
    stretches = AuditStretches(auditor, world.queue, lambda: NOW, tell)
    world.dataverse.standin.faults.add(
        Fault(
            path="bookableresources",
            status=403,
            body={"error": {"code": "0x80040220", "message": "missing prvReadResource"}},
            times=-1,
        )
    )
    outcome = await stretches.go_on(auditor.start(REPAIR))
    assert outcome.kind is OutcomeKind.FAILED
    assert [end.problem for end in ended] == [outcome.detail]
    with pytest.raises(PermanentError):
        await stretches.begin(REPAIR, 60)
    assert len(ended) == 2


# --- these days ----------------------------------------------------------------------------------------


async def test_an_audit_of_these_days_finds_what_is_near(world: AuditWorld) -> None:
    """Yesterday to three days ahead; what is further away is left to the night."""
    near, far = await world.book(days=2), await world.book(days=10)
    await world.book(days=1)
    for each in (near, far):
        world.dataverse.remove(each.id)
    report = await world.audit(NEAR)
    assert [each.booking_id for each in report.findings] == [near.id]
    assert report.enqueued == 1


async def test_days_without_bookings_are_no_alarm_several_times_an_hour(world: AuditWorld) -> None:
    """A small office has none for some days; whether that is too little to be true, the whole tells."""
    gone = await world.book(days=1)
    await world.book(days=10)
    world.dataverse.remove(gone.id)
    report = await world.audit(NEAR)
    assert (report.counts(), report.withheld, report.enqueued) == ({"orphan": 1}, 1, 0)
    assert (await world.audit()).enqueued == 1


async def test_a_failing_booking_is_not_tried_every_half_hour(world: AuditWorld) -> None:
    """It had its try, and would be dead-lettered each time; the audit of the whole tries it again."""
    made = await world.book()
    world.dataverse.standin.state.update(
        BOOKINGS, made.id, {"bsync_outlooksyncerror": "No mailbox."}, webhooks=False
    )
    assert ((await world.audit(NEAR)).counts(), world.queue.sent) == ({"failing": 1}, [])
    assert (await world.audit()).enqueued == 1


async def test_an_event_in_another_calendar_is_not_written_every_half_hour(
    world: AuditWorld,
) -> None:
    """It is missing again for the same record; once it was made anew, its record names another event."""
    hours = [0.0]
    auditor = world.in_parts(60, now=lambda: NOW + timedelta(hours=hours[0]))
    await world.book()
    (event,) = world.events()
    world.age(event)
    world.user_deletes(event)
    queued: list[int] = []
    for hours[0] in (0.0, 0.1, 0.5, 1.0, 1.5):
        report = await auditor.run(NEAR)
        assert report.counts() == {"missing": 1}
        queued.append(report.enqueued)
    # The first ones may have come before every search knew the event.
    assert queued == [1, 1, 1, 0, 0]
    await world.work_off()
    (event,) = world.events()
    world.user_deletes(event)
    assert (await auditor.run(NEAR)).enqueued == 1


async def test_each_event_that_was_made_anew_is_missed_for_itself(world: AuditWorld) -> None:
    """Whether its id sorts before the former one's or behind it."""
    hours = [0.0]
    auditor = world.in_parts(60, now=lambda: NOW + timedelta(hours=hours[0]))
    await world.book()
    (event,) = world.events()
    before, orders = event.immutable_id, set[bool]()
    while len(orders) < 2:
        world.age(event)
        world.user_deletes(event)
        queued: list[int] = []
        for _ in range(3):
            queued.append((await auditor.run(NEAR)).enqueued)
            hours[0] += 0.5
        assert queued == [1, 1, 0]
        if event.immutable_id != before:
            orders.add(event.immutable_id < before)
        before = event.immutable_id
        await world.work_off()
        (event,) = world.events()


async def test_an_event_that_was_deleted_while_it_was_young_shows_after_a_near_audit(
    world: AuditWorld,
) -> None:
    """Taken over from Deleted Items by a repeated creation, it is made anew once searches know of it.

    Nothing in Outlook's answers sets it apart before. An audit that comes too early leaves it to the next.
    """
    world.graph.configure(deleted_items="kept", deleted_transactions="ghost")
    minutes = [0.0]
    auditor = world.in_parts(60, now=lambda: NOW + timedelta(minutes=minutes[0]))
    made = await world.book()
    (event,) = world.events()
    world.user_deletes(event)
    nothing = {"bsync_outlooksyncstate": None, "bsync_outlookeventid": None, "bsync_originalresource": None}
    # The process that created it died before it recorded: its message is delivered again.
    world.dataverse.standin.state.update(BOOKINGS, made.id, nothing, webhooks=False)
    await world.synchronizer.sync(SyncTask(made.id, trusted=False))
    assert world.events() == []
    for minutes[0] in (5.0, 35.0):
        assert world.events() == []
        assert (await auditor.run(NEAR)).enqueued == 1
        await world.work_off()
        world.age(event)
    (shown,) = world.events()
    assert shown.immutable_id != event.immutable_id
    assert (await auditor.run(NEAR)).counts() == {}


async def test_what_moves_under_the_second_look_is_told(world: AuditWorld) -> None:
    """It is left to the next audit, and counted in either pass."""
    progress = replace(world.auditor.start(REPAIR), undivided=False, stage=AuditPass.MEND, ranges=())
    seen = Inspected((), (), 1, 1, 1, 1, 1, frozenset())
    after, _ = await Mender(world.queue, 0.2, lambda: NOW).settle(progress, seen, None)
    assert (after.sums.in_motion, after.sums.rows) == (1, 0)


@pytest.mark.parametrize("size", [1, 60])
async def test_an_audit_of_the_whole_sees_to_more_once_in_each_mailbox(world: AuditWorld, size: int) -> None:
    """Though a second pass goes there again; near audits, reports and audits of some mailboxes do not."""
    await troubled(world)
    seen: list[str] = []

    async def beside(mailboxes: Iterable[str]) -> None:
        seen.extend(mailboxes)

    auditor = make_auditor(
        world.sources,
        world.queue,
        world.organization_id,
        AuditScope(days_back=7, days_ahead=60, part_size=size),
        beside=beside,
    )
    report = await auditor.run(REPAIR)
    assert sorted(seen) == [MAILBOX, OTHER_MAILBOX]
    assert report.progress.sums.mended or size > 1
    seen.clear()
    for request in (NEAR, REPORT_ONLY, AuditRequest(fix=True, mailboxes=frozenset({MAILBOX}))):
        await auditor.run(request)
    assert seen == []
