"""The way back: what a technician's move of an event makes of its booking, on in-memory services."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from booking_sync.domain.events.event_ref import EventClaim, EventRef
from booking_sync.domain.events.ownership import transaction_id
from booking_sync.domain.outcome import OutcomeKind
from booking_sync.domain.record import ATTENDED_REASON, format_state
from booking_sync.domain.return_path.missing import Missing
from booking_sync.domain.return_path.policy import MAX_MOVES_PER_DAY, Mode, ReturnPolicy
from booking_sync.domain.return_path.times import Times
from booking_sync.domain.return_path.version import version_of
from booking_sync.errors import PermanentError, TransientError
from booking_sync.ports.outlook.calendars import Written
from booking_sync.sync.booking.return_path import ReturnPath
from booking_sync.sync.booking.synchronizer import Synchronizer
from booking_sync.sync.booking.task import SyncTask
from tests.support.bookings import ANNA, BERT, BOOKING_ID, CANCELED, ORGANIZATION_ID, booking, technician
from tests.support.fakes import FakeCalendar, FakeRows, etag_of
from tests.support.return_reads import CANCEL_STATUS, FakeReturnReads
from tests.support.seals import prover, sealer
from tests.sync.booking.test_synchronizer import desired

if TYPE_CHECKING:
    from booking_sync.domain.outcome import Outcome
    from booking_sync.domain.record import SyncRecord
    from tests.support.fakes import StoredEvent

EARLY = datetime(2026, 3, 1, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)
CHANGED = SyncTask(BOOKING_ID)
LOOK = SyncTask(BOOKING_ID, look=True)
UNTRUSTED = SyncTask(BOOKING_ID, trusted=False)
HINTS = [LOOK, UNTRUSTED]
PLAN = Times(booking().start or EARLY, booking().end or EARLY)


class World:
    """Both services, with the return path between them."""

    def __init__(
        self,
        path: Mode = Mode.APPLY,
        far: Mode = Mode.APPLY,
        deleted: Mode = Mode.PROPOSE,
        *,
        repairs_face: bool = True,
    ) -> None:
        self.rows, self.calendar = FakeRows(), FakeCalendar(now=lambda: EARLY)
        self.rows.tells_side = True
        self.reads = FakeReturnReads()
        self.rows.statuses[CANCEL_STATUS] = CANCELED
        self.now = EARLY
        self.connect(ReturnPolicy(path, far=far, delete=deleted, repairs_face=repairs_face))

    def connect(self, policy: ReturnPolicy) -> None:
        """Both services, by a process that begins with this policy."""
        returns = ReturnPath(
            self.rows, self.calendar, desired, self.reads, policy, zone=UTC, now=lambda: self.now
        )
        seals = prover(self.calendar, ORGANIZATION_ID, lambda: EARLY)
        self.synchronizer = Synchronizer(
            self.rows, self.calendar, desired, seals, lambda: EARLY, returns=returns
        )

    @property
    def event(self) -> StoredEvent:
        """The one that there is."""
        (event,) = self.calendar.events.values()
        return event

    @property
    def planned(self) -> Times:
        """By the row."""
        subject = self.rows.rows[BOOKING_ID].booking
        assert subject.start
        assert subject.end
        return Times(subject.start, subject.end)

    @property
    def shown(self) -> Times:
        """By the event."""
        start, end = (
            datetime.fromisoformat(each.date_time).replace(tzinfo=UTC)
            for each in (self.event.content.start, self.event.content.end)
        )
        return Times(start, end)

    @property
    def record(self) -> SyncRecord:
        """What the row says of its event."""
        return self.rows.rows[BOOKING_ID].record

    @property
    def told(self) -> str:
        """What the row says of Outlook."""
        side = self.rows.rows[BOOKING_ID].side
        return side.told if side else ""

    async def sync(self, task: SyncTask) -> Outcome:
        """One hint, after which all is forgotten that was asked."""
        outcome = await self.synchronizer.sync(task)
        self.calendar.calls.clear()
        self.rows.calls.clear()
        return outcome

    async def rests(self) -> None:
        """Whoever looks again writes nothing."""
        for task in (CHANGED, LOOK):
            outcome = await self.synchronizer.sync(task)
            assert outcome.kind is OutcomeKind.UNCHANGED, outcome
            assert not {"create", "update", "delete", "tag"} & set(self.calendar.calls)
            assert "record" not in self.rows.calls
            self.calendar.calls.clear()
            self.rows.calls.clear()


async def _nothing(point: str) -> None:
    """Nothing happens meanwhile."""


async def _shown(path: Mode = Mode.APPLY, deleted: Mode = Mode.PROPOSE) -> World:
    world = World(path, deleted=deleted)
    world.rows.put(booking())
    assert (await world.sync(CHANGED)).kind is OutcomeKind.SYNCED
    await world.rests()
    return world


def _notified(world: World, *etags: str) -> SyncTask:
    """A look at these versions; at the present one where none is given."""
    etags = etags or (etag_of(world.event),)
    return SyncTask(BOOKING_ID, look=True, versions=frozenset(version_of(each) for each in etags))


async def _sees(world: World, task: SyncTask) -> bool:
    """Whether the event is asked for."""
    await world.synchronizer.sync(task)
    calls = list(world.calendar.calls)
    world.calendar.calls.clear()
    assert "see" in calls or not calls
    return "see" in calls


async def test_the_echo_of_our_own_write_asks_outlook_nothing() -> None:
    """The row knows the version that its last write left, of a change as of the creation."""
    world = World()
    world.rows.put(booking())
    await world.sync(CHANGED)
    assert not await _sees(world, _notified(world))
    world.rows.put(replace(booking(), start=PLAN.start + HOUR, end=PLAN.end + HOUR))
    await world.sync(CHANGED)
    assert not await _sees(world, _notified(world))


async def test_a_version_that_was_seen_and_recorded_is_seen_once() -> None:
    """A move is notified up to three times."""
    world = await _shown()
    world.calendar.user_moves(world.event.ref, HOUR)
    await world.sync(_notified(world))
    assert world.planned == world.shown
    assert not await _sees(world, _notified(world))


@pytest.mark.parametrize(
    "task",
    [
        LOOK,
        SyncTask(BOOKING_ID, look=True, versions=frozenset({version_of("another")})),
        UNTRUSTED,
        SyncTask(BOOKING_ID, look=True, missing=Missing.CONFIRMED),
    ],
)
async def test_whoever_does_not_name_the_known_version_looks(task: SyncTask) -> None:
    """So does whoever trusts nothing, and a sweep that missed the event."""
    world = await _shown()
    known = _notified(world).versions
    assert await _sees(world, task)
    assert await _sees(world, replace(task, look=True, versions=task.versions | known)) is bool(
        task.versions or not task.trusted or task.missing
    )


async def test_a_write_of_text_is_no_sight_of_a_move_before_it() -> None:
    """What is notified of the move may be lost, or be one with our own write's, and name its version."""
    world = await _shown()
    world.calendar.user_moves(world.event.ref, HOUR)
    wanted = world.shown
    world.rows.put(replace(booking(), name="Boiler repair"))
    await world.sync(CHANGED)
    await world.sync(_notified(world))
    assert world.planned == wanted
    await world.rests()


async def test_a_move_that_was_notified_beside_our_own_write_counts() -> None:
    """The hint names both versions, and one of them is news."""
    world = await _shown()
    ours = etag_of(world.event)
    world.calendar.user_moves(world.event.ref, HOUR)
    wanted = world.shown
    await world.sync(_notified(world, ours, etag_of(world.event)))
    assert world.planned == wanted


@pytest.mark.parametrize("hint", HINTS)
async def test_a_move_moves_the_booking(hint: SyncTask) -> None:
    """One write of the row, none of the event's times."""
    world = await _shown()
    world.calendar.user_moves(world.event.ref, HOUR)
    wanted = world.shown
    await world.sync(hint)
    assert world.planned == world.shown == wanted
    assert world.told.startswith("2026-03-01 moved: to 2026-03-02")
    await world.rests()


async def test_a_move_and_back_is_two_moves() -> None:
    """Back to where we had written it: the row remembers that both had agreed on something else."""
    world = await _shown()
    for by in (HOUR, -HOUR):
        world.calendar.user_moves(world.event.ref, by)
        await world.sync(LOOK)
    assert world.planned == world.shown == PLAN
    await world.rests()


async def test_a_move_where_it_is_only_reported_is_put_back() -> None:
    """And the row says what was wanted."""
    world = await _shown(Mode.REPORT)
    world.calendar.user_moves(world.event.ref, HOUR)
    await world.sync(LOOK)
    assert world.planned == world.shown == PLAN
    assert world.told.startswith("2026-03-01 put back: ")
    await world.rests()


async def test_a_dispatcher_who_moved_it_too_has_the_last_word() -> None:
    """The event follows, and the row says what Outlook had wanted."""
    world = await _shown()
    world.calendar.user_moves(world.event.ref, HOUR)
    later = replace(booking(), start=PLAN.start + 3 * HOUR, end=PLAN.end + 3 * HOUR)
    world.rows.put(later)
    await world.sync(CHANGED)
    assert world.planned == world.shown == Times(PLAN.start + 3 * HOUR, PLAN.end + 3 * HOUR)
    assert "changed in Dynamics 365 meanwhile" in world.told
    await world.rests()


async def test_what_both_moved_alike_is_agreed() -> None:
    """Nothing is written to Outlook."""
    world = await _shown()
    world.calendar.user_moves(world.event.ref, HOUR)
    world.rows.put(replace(booking(), start=PLAN.start + HOUR, end=PLAN.end + HOUR))
    await world.sync(CHANGED)
    assert world.planned == world.shown == Times(PLAN.start + HOUR, PLAN.end + HOUR)
    await world.rests()


async def test_a_change_of_text_leaves_a_move_alone() -> None:
    """The hint of the move comes later; until then no write carries the old times over it."""
    world = await _shown()
    world.calendar.user_moves(world.event.ref, HOUR)
    wanted = world.shown
    world.rows.put(replace(booking(), name="Boiler repair"))
    await world.sync(CHANGED)
    assert world.shown == wanted
    assert "Boiler repair" in world.event.content.subject
    await world.sync(LOOK)
    assert world.planned == wanted
    await world.rests()


@pytest.mark.parametrize("stays", [True, False])
async def test_an_edited_subject_stays_where_that_is_allowed(stays: bool) -> None:  # noqa: FBT001 - a case
    """A change of times leaves it; a change of the booking's own subject does not."""
    world = World(repairs_face=not stays)
    world.rows.put(booking())
    await world.sync(CHANGED)
    ref = world.event.ref
    edited = replace(world.event.content, subject="Call before you come")
    world.calendar.events[ref] = replace(world.event, content=edited)
    later = replace(booking(), start=PLAN.start + HOUR, end=PLAN.end + HOUR)
    world.rows.put(later)
    await world.sync(CHANGED)
    assert (world.event.content.subject == "Call before you come") is stays
    assert world.shown.start == PLAN.start + HOUR
    world.rows.put(replace(later, name="Boiler repair"))
    await world.sync(CHANGED)
    assert "Boiler repair" in world.event.content.subject
    await world.rests()


async def test_a_write_that_is_carried_out_late_is_no_persons_move() -> None:
    """A dead worker's stale times are put right by their own echo, and the booking stays."""
    world = await _shown()
    stale = world.event
    world.rows.put(replace(booking(), start=PLAN.start + HOUR, end=PLAN.end + HOUR))
    await world.sync(CHANGED)
    late = replace(
        world.event, content=replace(world.event.content, start=stale.content.start, end=stale.content.end)
    )
    stamp = f"{stale.stamp.rpartition('/')[0]}/00000000000000aa"
    world.calendar.events[stale.ref] = replace(late, stamp=stamp, version=99)
    await world.sync(LOOK)
    assert world.planned == world.shown == Times(PLAN.start + HOUR, PLAN.end + HOUR)
    await world.rests()


async def test_what_dynamics_refuses_is_put_back_with_its_reason() -> None:
    """And not tried again unchanged."""
    world = await _shown()
    world.rows.refuses_times = "Dynamics 365: the resource is on leave."
    world.calendar.user_moves(world.event.ref, HOUR)
    await world.sync(LOOK)
    assert world.planned == world.shown == PLAN
    assert "on leave" in world.told
    await world.rests()


async def test_what_a_plug_in_makes_of_a_move_counts() -> None:
    """Dynamics 365 has the last word: the event follows it."""
    world = await _shown()
    quarter = timedelta(minutes=15)
    world.rows.makes_of_times = lambda times: Times(times.start + quarter, times.end + quarter)
    world.calendar.user_moves(world.event.ref, HOUR)
    await world.sync(LOOK)
    assert world.planned == world.shown == Times(PLAN.start + HOUR + quarter, PLAN.end + HOUR + quarter)
    await world.rests()


async def test_a_move_while_its_times_are_written_is_not_overwritten() -> None:
    """The event has another version by then: what happened is looked at again."""
    world = await _shown(Mode.REPORT)
    world.calendar.user_moves(world.event.ref, HOUR)
    ref = world.event.ref
    strikes = ["calendar.update"]

    async def technician_again(point: str) -> None:
        if point in strikes:
            strikes.remove(point)
            world.calendar.user_moves(ref, HOUR)

    world.calendar.hook = technician_again
    await world.sync(LOOK)
    assert world.shown == PLAN
    assert f"{PLAN.start + 2 * HOUR:%H:%M}" in world.told
    await world.rests()


@pytest.mark.parametrize("change", ["canceled", "reassigned"])
async def test_an_event_is_withdrawn_before_it_is_removed(change: str) -> None:
    """The row names it no more when it goes, so that nobody takes our removal for a person's."""
    world = await _shown()
    ref = world.event.ref
    named: list[EventRef | None] = []

    async def watch(point: str) -> None:
        if point == "calendar.delete":
            named.append(world.rows.rows[BOOKING_ID].record.event)

    world.calendar.hook = watch
    world.rows.put(
        replace(booking(), status=CANCELED)
        if change == "canceled"
        else replace(booking(), resource=technician(BERT))
    )
    assert (await world.synchronizer.sync(CHANGED)).kind is OutcomeKind.SYNCED
    assert named == [None]
    assert not world.calendar.of(ANNA)
    assert len(world.calendar.of(BERT)) == (change == "reassigned")
    assert ref not in world.calendar.events
    side = world.rows.rows[BOOKING_ID].side
    assert side
    assert not side.base.leaving


async def _doubled(world: World, first: StoredEvent, generation: int, mailbox: str = ANNA) -> EventRef:
    """Another event of the booking, which no row names."""
    world.calendar.doubles = True
    seals = sealer(ORGANIZATION_ID)
    transaction = transaction_id(first.marker, mailbox, generation)
    birth = seals.birth(BOOKING_ID, mailbox, generation)
    made = await world.calendar.create(
        mailbox, first.content, marker=first.marker, transaction_id=transaction, birth=birth
    )
    assert isinstance(made, Written)
    ref = EventRef(mailbox, made.event_id)
    await world.calendar.tag(ref, BOOKING_ID, seals.tag(BOOKING_ID, ref, made.uid, generation))
    return ref


async def test_what_no_row_named_uses_its_generation_up_when_it_is_withdrawn() -> None:
    """Planned again while its first event left, then cancelled before anybody recorded its second one."""
    world = await _shown()
    planned = booking()
    strikes: list[str] = ["calendar.delete", "calendar.create"]
    recorded: list[int] = []

    async def dispatcher(point: str) -> None:
        if point == "calendar.delete":
            recorded.append(world.record.generation)
        if point in strikes:
            strikes.remove(point)
            world.rows.put(planned)

    async def worker_dies(point: str) -> None:
        if point == "rows.record" and not strikes:
            world.rows.hook = world.calendar.hook = _nothing
            raise TransientError("the worker was stopped")

    world.calendar.hook, world.rows.hook = dispatcher, worker_dies
    world.rows.put(replace(planned, status=CANCELED))
    assert (await world.synchronizer.sync(CHANGED)).kind is OutcomeKind.DEFERRED
    world.calendar.hook = dispatcher
    world.rows.put(replace(planned, status=CANCELED))
    await world.synchronizer.sync(UNTRUSTED)
    assert not world.calendar.of(ANNA)
    assert recorded == [1, 2]


async def test_a_run_that_lost_the_race_to_record_remembers_no_stamp_of_its_own() -> None:
    """Another run stamped the event since, and granted a move; the next move is one as well."""
    world = World()
    world.rows.put(booking())
    others = ["rows.record"]

    async def another_run(point: str) -> None:
        if point in others:
            others.remove(point)
            world.rows.put(replace(booking(), start=PLAN.start + HOUR, end=PLAN.end + HOUR))
            await world.synchronizer.sync(UNTRUSTED)
            world.calendar.user_moves(world.event.ref, HOUR)
            await world.synchronizer.sync(LOOK)

    world.rows.hook = another_run
    await world.sync(CHANGED)
    assert not others
    assert world.planned == world.shown
    world.calendar.user_moves(world.event.ref, HOUR)
    wanted = world.shown
    await world.sync(LOOK)
    assert world.planned == world.shown == wanted, world.told
    await world.rests()


async def _invited(world: World) -> None:
    """The technician invites somebody to the event."""
    world.calendar.events[world.event.ref] = replace(world.event, attended=True)


async def test_a_look_at_an_event_with_attendees_mails_nobody() -> None:
    """Nothing is to be said to Outlook: the booking is as it was, and so is the event."""
    world = await _shown()
    await _invited(world)
    outcome = await world.synchronizer.sync(LOOK)
    assert outcome.kind is OutcomeKind.UNCHANGED
    assert not world.calendar.mails
    assert not world.record.error


async def test_a_move_of_an_event_with_attendees_moves_the_booking() -> None:
    """The technician's invitation is their own; the event is where it was put already."""
    world = await _shown()
    await _invited(world)
    world.calendar.user_moves(world.event.ref, HOUR)
    wanted = world.shown
    await world.sync(LOOK)
    assert world.planned == world.shown == wanted
    assert not world.calendar.mails


async def test_what_can_not_be_put_back_without_mail_says_so() -> None:
    """A move that is only reported, of an event to which people are invited."""
    world = await _shown(Mode.REPORT)
    await _invited(world)
    world.calendar.user_moves(world.event.ref, HOUR)
    await world.sync(LOOK)
    assert world.planned == PLAN
    assert not world.calendar.mails
    assert world.record.error == ATTENDED_REASON


async def test_a_plan_that_changed_is_not_written_over_attendees_that_were_just_seen() -> None:
    """The row says why the event is behind."""
    world = await _shown()
    await _invited(world)
    world.rows.put(replace(booking(), start=PLAN.start + HOUR, end=PLAN.end + HOUR))
    outcome = await world.sync(CHANGED)
    assert outcome.kind is OutcomeKind.FAILED
    assert not world.calendar.mails
    assert world.record.error == ATTENDED_REASON


async def test_a_mailbox_that_can_not_be_read_is_told_on_the_row() -> None:
    """As without a way back: who looks there learns why the event is behind."""
    world = await _shown()
    world.rows.put(replace(booking(), start=PLAN.start + HOUR, end=PLAN.end + HOUR))
    world.calendar.refused[ANNA] = "Outlook: the mailbox is gone."
    outcome = await world.sync(CHANGED)
    assert outcome.kind is OutcomeKind.FAILED
    assert world.record.error == "Outlook: the mailbox is gone."
    assert world.record.event
    world.calendar.refused.clear()
    await world.sync(CHANGED)
    assert world.planned == world.shown
    await world.rests()


@pytest.mark.parametrize("named", [True, False])
async def test_a_booking_that_is_deleted_before_its_record_leaves_no_event(named: bool) -> None:  # noqa: FBT001 - a case
    """Whether its row had named the event already or not."""
    world = World()
    world.rows.put(booking())
    if named:
        await world.sync(CHANGED)
        world.rows.put(replace(booking(), start=PLAN.start + HOUR, end=PLAN.end + HOUR))

    async def dispatcher(point: str) -> None:
        if point == "rows.record" and BOOKING_ID in world.rows.rows:
            world.rows.remove(BOOKING_ID)

    world.rows.hook = dispatcher
    outcome = await world.sync(CHANGED)
    assert outcome.kind is OutcomeKind.SYNCED
    assert not world.calendar.events


async def test_more_doubles_than_a_row_can_list_all_go() -> None:
    """Those that went make room for the others."""
    world = await _shown()
    first = world.event
    for generation in range(2, 12):
        await _doubled(world, first, generation)
    await world.sync(UNTRUSTED)
    assert world.shown == PLAN
    await world.rests()


async def test_a_row_lists_no_more_leaving_events_than_it_has_room_for() -> None:
    """Those that Outlook does not let go keep their room while more are found."""
    world = await _shown()
    first = world.event
    stuck = [await _doubled(world, first, generation, BERT) for generation in (2, 3, 4)]

    async def outlook_is_down(point: str) -> None:
        if point == "calendar.delete":
            raise TransientError("no answer")

    world.calendar.hook = outlook_is_down
    in_both = SyncTask(BOOKING_ID, trusted=False, suspects=frozenset({BERT}))
    assert (await world.sync(in_both)).kind is OutcomeKind.DEFERRED
    world.calendar.hook = _nothing
    world.calendar.refused[BERT] = "no such mailbox"
    for generation in range(5, 15):
        await _doubled(world, first, generation)
    await world.sync(UNTRUSTED)
    side = world.rows.rows[BOOKING_ID].side
    assert side
    assert side.base.leaving == set(stuck)
    assert [each.ref for each in world.calendar.of(ANNA)] == [first.ref]


@pytest.mark.parametrize("generation", [1, 2, 3])
async def test_what_was_withdrawn_is_not_named_again(generation: int) -> None:
    """Of what a search finds only events that no row has named yet are taken up; the others still leave."""
    world = await _shown()
    first = world.event
    ref = await _doubled(world, first, generation + 10)
    del world.calendar.events[first.ref]
    row = world.rows.rows[BOOKING_ID]
    withdrawn = replace(row.record, event=None, fingerprint="", generation=12)
    assert row.side
    side = replace(row.side, base=replace(row.side.base, agreement=None))
    world.rows.rows[BOOKING_ID] = replace(row, record=withdrawn, side=side)
    await world.sync(UNTRUSTED)
    assert (world.event.ref == ref) is (generation + 10 > 12)
    assert world.record.event == world.event.ref
    await world.rests()


@pytest.mark.parametrize(("planned", "other"), [(ANNA, BERT), (BERT, ANNA)])
async def test_an_event_in_another_calendar_is_not_taken_up(planned: str, other: str) -> None:
    """It leaves, whichever of the two mailboxes' ids comes first."""
    world = await _shown()
    first = world.event
    await _doubled(world, first, 2, other)
    del world.calendar.events[first.ref]
    world.rows.rows.clear()
    world.rows.put(replace(booking(), resource=technician(planned)))
    await world.sync(SyncTask(BOOKING_ID, trusted=False, suspects=frozenset({other})))
    assert world.event.ref.mailbox == planned
    await world.rests()


async def test_an_event_under_another_id_is_sealed_anew_and_no_deletion() -> None:
    """A sweep missed it: its seal names the id that it had, and would prove nothing any more."""
    world = await _shown(deleted=Mode.APPLY)
    former = world.event
    moved = replace(world.calendar.events.pop(former.ref), ref=EventRef(ANNA, "under another id"))
    world.calendar.events[moved.ref] = moved
    await world.sync(SyncTask(BOOKING_ID, look=True, missing=Missing.CONFIRMED))
    assert world.record.event == moved.ref
    assert world.planned == PLAN
    seals = sealer(ORGANIZATION_ID)
    assert world.event.tag == seals.tag(BOOKING_ID, moved.ref, moved.uid, world.record.generation)
    await world.rests()


async def test_with_two_ways_a_refused_record_leaves_the_new_event() -> None:
    """Another run may have had it named: its end would look like a technician's deletion."""
    world = World()
    world.rows.put(booking())
    world.rows.faults.before["record"] = [PermanentError("a plug-in does not like it")]
    assert (await world.sync(CHANGED)).kind is OutcomeKind.FAILED
    made = world.event.ref
    await world.sync(CHANGED)
    assert world.record.event == world.event.ref == made
    await world.rests()


async def test_the_row_s_event_under_another_id_is_no_former_one() -> None:
    """A former event leaves, which is gone; a search for it meets what a migration renamed just now."""
    world = await _shown()
    first = world.event
    second = await _doubled(world, first, 2)
    del world.calendar.events[first.ref]
    row = world.rows.rows[BOOKING_ID]
    assert row.side
    leaving = replace(row.side.base, leaving=frozenset({first.ref}))
    record = replace(row.record, event=second, generation=2)
    world.rows.rows[BOOKING_ID] = replace(row, record=record, side=replace(row.side, base=leaving))
    renamed = replace(world.calendar.events.pop(second), ref=EventRef(ANNA, "under another id"))
    world.calendar.events[renamed.ref] = renamed
    await world.sync(UNTRUSTED)
    assert list(world.calendar.events) == [renamed.ref]
    assert world.record.event == renamed.ref
    await world.rests()


async def test_what_another_run_could_not_remove_is_looked_at_again() -> None:
    """It had met people who were invited meanwhile; this run had read a row that knew of none."""
    world = await _shown()
    others = ["rows.record"]

    async def another_run(point: str) -> None:
        if point in others:
            others.remove(point)
            await _invited(world)
            await world.synchronizer.sync(UNTRUSTED)

    world.rows.hook = another_run
    world.rows.put(replace(booking(), status=CANCELED))
    await world.sync(CHANGED)
    assert not others
    assert world.event.attended
    assert not world.calendar.mails


@pytest.mark.parametrize("task", [CHANGED, UNTRUSTED])
async def test_people_that_a_look_has_met_are_remembered_by_the_row(task: SyncTask) -> None:
    """Another run, which trusts the row, looks before it writes; a plan of before is no reason to."""
    world = await _shown()
    await _invited(world)
    await world.sync(LOOK)
    await world.rests()
    world.rows.put(replace(booking(), name="Boiler repair"))
    await world.sync(task)
    assert not world.calendar.mails
    assert world.record.error == ATTENDED_REASON
    world.calendar.events[world.event.ref] = replace(world.event, attended=False)
    await world.sync(UNTRUSTED)
    assert "Boiler repair" in world.event.content.subject
    assert not world.record.error
    await world.rests()


async def test_people_that_left_an_event_are_forgotten_by_the_next_write() -> None:
    """It looks once, and no more afterwards."""
    world = await _shown()
    await _invited(world)
    await world.sync(LOOK)
    world.calendar.events[world.event.ref] = replace(world.event, attended=False)
    for name, looks in (("Boiler repair", 1), ("Boiler", 0)):
        world.rows.put(replace(booking(), name=name))
        await world.synchronizer.sync(CHANGED)
        assert world.calendar.calls.count("look") == looks
        world.calendar.calls.clear()
        world.rows.calls.clear()
    assert "Boiler" in world.event.content.subject


async def test_what_could_not_be_put_back_does_not_count_as_put_back() -> None:
    """However often it is looked at while people are invited: without them it is put back."""
    world = await _shown(Mode.REPORT)
    await _invited(world)
    world.calendar.user_moves(world.event.ref, HOUR)
    for _ in range(MAX_MOVES_PER_DAY + 1):
        await world.sync(LOOK)
        assert not world.told
    world.calendar.events[world.event.ref] = replace(world.event, attended=False)
    await world.sync(LOOK)
    assert world.shown == PLAN
    assert world.told.startswith("2026-03-01 put back: ")
    await world.rests()


async def test_a_deleted_bookings_event_is_looked_at_where_its_row_knew_of_people() -> None:
    """The deletion's message brings what the row had recorded, the mark included."""
    world = await _shown()
    ref = world.event.ref
    await _invited(world)
    await world.sync(LOOK)
    state = format_state(BOOKING_ID, world.record, sealer(ORGANIZATION_ID))
    world.rows.remove(BOOKING_ID)
    outcome = await world.sync(SyncTask(BOOKING_ID, deleted=frozenset({EventClaim(ref, state)})))
    assert outcome.kind is OutcomeKind.FAILED
    assert world.event.ref == ref
    assert not world.calendar.mails
