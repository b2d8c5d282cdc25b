"""What a deletion in Outlook makes of a booking: after a sweep, and only while the plan stands."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from booking_sync.domain.events.event_ref import EventRef
from booking_sync.domain.outcome import OutcomeKind
from booking_sync.domain.return_path.missing import Missing
from booking_sync.domain.return_path.policy import MAX_CANCELS_PER_DAY, MAX_MOVES_PER_DAY, Mode
from booking_sync.domain.return_path.side import Answered, OutlookSide, ProposalAnswer, ProposalKind
from booking_sync.errors import TransientError
from booking_sync.sync.booking.task import SyncTask
from booking_sync.sync.catch_up import Standing, standing
from tests.support.bookings import ANNA, BOOKING_ID, CANCELED, booking
from tests.sync.booking.test_return_path import (
    CHANGED,
    EARLY,
    HOUR,
    LOOK,
    PLAN,
    UNTRUSTED,
    World,
    _doubled,
    _shown,
)
from tests.sync.booking.test_synchronizer import desired

CONFIRMED = SyncTask(BOOKING_ID, trusted=False, look=True, missing=Missing.CONFIRMED)
WITHHELD = SyncTask(BOOKING_ID, trusted=False, look=True, missing=Missing.WITHHELD)


async def _deleted(deleted: Mode, *, for_good: bool = False, path: Mode = Mode.APPLY) -> World:
    world = await _shown(path, deleted=deleted)
    ref = world.event.ref
    world.calendar.events[ref] = replace(world.event, created=EARLY - HOUR)  # so that searches know it
    if for_good:
        world.calendar.events.pop(ref)
    else:
        world.calendar.user_deletes(ref)
    return world


def _side(world: World) -> OutlookSide:
    side = world.rows.rows[BOOKING_ID].side
    assert side
    return side


def _answer(world: World, answer: ProposalAnswer, answer_for: str = "") -> None:
    row = world.rows.rows[BOOKING_ID]
    side = replace(_side(world), answered=Answered(answer, answer_for))
    world.rows._store(replace(row, etag=world.rows._etag(), side=side))  # noqa: SLF001 - a dispatcher's form


@pytest.mark.parametrize("for_good", [True, False], ids=["for good", "to Deleted Items"])
@pytest.mark.parametrize("mode", [Mode.PROPOSE, Mode.APPLY])
async def test_nothing_is_concluded_before_a_sweep(mode: Mode, for_good: bool) -> None:  # noqa: FBT001 - a case
    """The event is gone: nothing is written anywhere, and the mailbox is to be swept."""
    world = await _deleted(mode, for_good=for_good)
    outcome = await world.synchronizer.sync(UNTRUSTED)
    assert (outcome.kind, outcome.missing) == (OutcomeKind.UNCHANGED, ANNA)
    assert "record" not in world.rows.calls
    assert not {"create", "update", "delete"} & set(world.calendar.calls)


@pytest.mark.parametrize("for_good", [True, False], ids=["for good", "to Deleted Items"])
async def test_a_deletion_that_a_sweep_confirmed_is_proposed(for_good: bool) -> None:  # noqa: FBT001 - a case
    """The row asks a dispatcher, goes on naming the event, and no event is made anew."""
    world = await _deleted(Mode.PROPOSE, for_good=for_good)
    await world.sync(CONFIRMED)
    proposal = _side(world).proposal
    assert proposal
    assert proposal.kind is ProposalKind.CANCEL
    assert world.told == "2026-03-01 proposed: to cancel: the event was deleted in Outlook."
    assert not world.calendar.of(ANNA)
    for task in (CHANGED, LOOK, UNTRUSTED, CONFIRMED):
        outcome = await world.synchronizer.sync(task)
        assert (outcome.kind, outcome.missing) == (OutcomeKind.UNCHANGED, "")
        assert "record" not in world.rows.calls
        world.rows.calls.clear()


async def test_a_deletion_that_is_granted_cancels_the_booking() -> None:
    """In one conditional write, after which the row names no event."""
    world = await _deleted(Mode.APPLY)
    await world.sync(CONFIRMED)
    row = world.rows.rows[BOOKING_ID]
    assert row.booking.status
    assert row.booking.status.name == "Canceled"
    assert row.record.event is None
    assert world.told.startswith("2026-03-01 cancelled: ")
    assert not world.calendar.of(ANNA)
    outcome = await world.sync(CHANGED)
    assert outcome.kind is OutcomeKind.SKIPPED


async def test_more_cancellations_than_a_day_may_have_are_proposed() -> None:
    """However the deletions came about."""
    world = await _deleted(Mode.APPLY)
    world.reads.cancelled = MAX_CANCELS_PER_DAY
    await world.sync(CONFIRMED)
    assert _side(world).proposal
    assert world.rows.rows[BOOKING_ID].booking.status == booking().status


async def test_a_deletion_among_too_many_is_withheld() -> None:
    """Nothing is cancelled, proposed or made anew; the row says so, once."""
    world = await _deleted(Mode.APPLY)
    await world.sync(WITHHELD)
    assert world.told.startswith("2026-03-01 withheld: ")
    assert _side(world).proposal is None
    assert not world.calendar.of(ANNA)
    await world.synchronizer.sync(WITHHELD)
    assert "record" not in world.rows.calls


@pytest.mark.parametrize(("path", "mode"), [(Mode.APPLY, Mode.REPORT), (Mode.REPORT, Mode.APPLY)])
@pytest.mark.parametrize("task", [LOOK, UNTRUSTED])
async def test_where_a_deletion_is_no_wish_the_event_is_made_anew(
    path: Mode, mode: Mode, task: SyncTask
) -> None:
    """As without a return path, and the row says what had happened."""
    world = await _deleted(mode, for_good=True, path=path)
    await world.sync(task)
    assert world.shown == PLAN
    assert world.told == "2026-03-01 put back: the event was deleted in Outlook."
    await world.rests()


async def test_a_deletion_of_what_was_planned_otherwise_meanwhile_is_no_wish() -> None:
    """The booking was moved: its event is made anew where it belongs, at once."""
    world = await _deleted(Mode.APPLY, for_good=True)
    world.rows.put(replace(booking(), start=PLAN.start + HOUR, end=PLAN.end + HOUR))
    await world.sync(CONFIRMED)
    assert world.shown.start == PLAN.start + HOUR
    assert world.told.startswith("2026-03-01 overruled: ")
    await world.rests()


async def test_a_changed_text_makes_no_event_anew_that_somebody_deleted() -> None:
    """It is a deletion all the same, and the mailbox is to be swept."""
    world = await _deleted(Mode.PROPOSE, for_good=True)
    world.rows.put(replace(booking(), name="Boiler repair"))
    outcome = await world.sync(CHANGED)
    assert outcome.missing == ANNA
    assert not world.calendar.of(ANNA)


async def test_an_event_that_turns_up_again_ends_its_proposal() -> None:
    """Somebody restored it: nobody is asked any more."""
    world = await _deleted(Mode.PROPOSE)
    ref = next(iter(world.calendar.deleted_items))
    await world.sync(CONFIRMED)
    world.calendar.events[ref] = world.calendar.deleted_items.pop(ref)
    await world.sync(LOOK)
    assert _side(world).proposal is None
    assert world.told.startswith("2026-03-01 withdrawn: ")
    await world.rests()


async def test_a_dispatchers_yes_cancels() -> None:
    """An hour later, by the form."""
    world = await _deleted(Mode.PROPOSE)
    await world.sync(CONFIRMED)
    world.now += HOUR
    _answer(world, ProposalAnswer.ACCEPT)
    await world.sync(CHANGED)
    row = world.rows.rows[BOOKING_ID]
    assert row.booking.status
    assert row.booking.status.name == "Canceled"
    assert _side(world).proposal is None
    assert _side(world).answered is None


async def test_a_dispatchers_no_makes_the_event_anew() -> None:
    """And nobody is asked again."""
    world = await _deleted(Mode.PROPOSE)
    await world.sync(CONFIRMED)
    world.now += HOUR
    _answer(world, ProposalAnswer.REJECT)
    await world.sync(CHANGED)
    assert world.shown == PLAN
    assert world.told == "2026-03-01 put back: the event was deleted in Outlook: a dispatcher said no."
    assert _side(world).proposal is None
    assert _side(world).answered is None
    await world.rests()


async def test_a_cancellation_that_dynamics_refuses_is_put_back() -> None:
    """No is an answer: its reason is on the row, and the event is there again."""
    world = await _deleted(Mode.APPLY)
    world.rows.refuses_cancelling = "Dynamics 365: the work order is being invoiced."
    await world.sync(CONFIRMED)
    assert world.shown == PLAN
    assert world.told.startswith("2026-03-01 refused: ")
    assert "invoiced" in world.told
    await world.rests()


def _renumbered(world: World) -> None:
    """A migration gives the event another id; all else stays."""
    event = world.event
    del world.calendar.events[event.ref]
    ref = EventRef(ANNA, "imported")
    world.calendar.events[ref] = replace(event, ref=ref)


@pytest.mark.parametrize("task", [LOOK, UNTRUSTED, replace(UNTRUSTED, suspects=frozenset({ANNA})), CONFIRMED])
async def test_an_event_under_another_id_is_taken_up_by_whoever_looks(task: SyncTask) -> None:
    """It is neither a deletion nor left over from an earlier try."""
    world = await _shown(deleted=Mode.APPLY)
    _renumbered(world)
    await world.sync(task)
    assert world.record.event == world.event.ref
    assert "delete" not in world.calendar.calls
    assert world.shown == PLAN
    await world.rests()


async def test_what_is_left_over_beside_an_event_under_another_id_is_removed() -> None:
    """The latest is taken up, as anywhere else."""
    world = await _shown()
    first = world.event
    await world.sync(UNTRUSTED)
    ref = await _doubled(world, first, 2)
    del world.calendar.events[first.ref]
    moved = EventRef(ANNA, "imported")
    world.calendar.events[moved] = replace(first, ref=moved)
    await world.sync(UNTRUSTED)
    assert world.record.event == world.event.ref == ref
    await world.rests()


async def test_an_event_that_is_restored_under_another_id_ends_its_proposal() -> None:
    """The booking shows again: nobody is asked any more."""
    world = await _deleted(Mode.PROPOSE)
    await world.sync(CONFIRMED)
    (event,) = world.calendar.deleted_items.values()
    world.calendar.deleted_items.clear()
    ref = EventRef(ANNA, "restored")
    world.calendar.events[ref] = replace(event, ref=ref)
    await world.sync(LOOK)
    assert world.record.event == world.event.ref == ref
    assert _side(world).proposal is None
    await world.rests()


@pytest.mark.parametrize("begun", [True, False])
async def test_a_begun_booking_among_too_many_is_withheld_as_well(begun: bool) -> None:  # noqa: FBT001 - a case
    """A wipe or a migration says nothing of any booking, whenever it starts."""
    world = await _deleted(Mode.PROPOSE)
    world.now = PLAN.start + HOUR * begun
    await world.sync(WITHHELD)
    assert not world.calendar.of(ANNA)
    assert " withheld: " in world.told


async def test_a_begun_bookings_deletion_waits_for_the_sweep_as_well() -> None:
    """Only then it is known to be no wipe; and then its event is made anew."""
    world = await _deleted(Mode.PROPOSE, for_good=True)
    world.now = PLAN.start + HOUR
    outcome = await world.synchronizer.sync(LOOK)
    assert outcome.missing == ANNA
    assert not world.calendar.of(ANNA)
    await world.sync(CONFIRMED)
    assert world.shown == PLAN
    assert "has started" in world.told


async def test_what_removes_an_event_all_day_long_is_left_to_it() -> None:
    """A rival program: after twelve times nothing is made anew that day, and the row says so."""
    world = await _deleted(Mode.REPORT, for_good=True)
    made = 0
    for _ in range(2 * MAX_MOVES_PER_DAY):
        await world.sync(UNTRUSTED)
        if not world.calendar.events:
            break
        made += 1
        world.calendar.events.clear()
    assert made == MAX_MOVES_PER_DAY
    assert f"deleted this booking's event {MAX_MOVES_PER_DAY} times today" in world.told
    world.now += 24 * HOUR
    await world.sync(UNTRUSTED)
    assert world.calendar.events or world.now >= PLAN.start


async def test_a_no_to_a_move_is_no_word_about_a_deletion_since() -> None:
    """The dispatcher saw a move: the deletion is another wish, and is proposed."""
    world = await _shown(Mode.PROPOSE)
    world.calendar.user_moves(world.event.ref, HOUR)
    await world.sync(LOOK)
    world.now += timedelta(minutes=2)
    world.calendar.events.clear()
    _answer(world, ProposalAnswer.REJECT)
    outcome = await world.synchronizer.sync(CHANGED)
    assert outcome.missing == ANNA
    assert (_side(world).proposal, _side(world).answered) == (None, None)
    await world.sync(CONFIRMED)
    proposal = _side(world).proposal
    assert proposal
    assert proposal.kind is ProposalKind.CANCEL
    assert _side(world).answered is None


async def test_an_event_under_another_id_goes_though_somebody_else_wrote_to_its_row_meanwhile() -> None:
    """The row is read once more, and lists the former id: what was found for it is not forgotten."""
    world = await _shown()
    _renumbered(world)
    world.rows.put(replace(booking(), status=CANCELED))
    records = 0

    async def dispatcher(point: str) -> None:
        nonlocal records
        records += point == "rows.record"
        if point == "rows.record" and records == 2:
            world.rows.put(replace(booking(), status=CANCELED, name="Boiler repair"))

    world.rows.hook = dispatcher
    await world.sync(CHANGED)
    assert records > 2
    assert not world.calendar.events


async def test_all_that_is_found_for_a_former_id_goes() -> None:
    """Also where the row can list them one after the other only."""
    world = await _shown()
    first = world.event
    _renumbered(world)
    await _doubled(world, first, 2)
    await _doubled(world, first, 3)
    world.rows.put(replace(booking(), status=CANCELED))
    outcome = await world.sync(CHANGED)
    assert outcome.kind is OutcomeKind.SYNCED
    assert not world.calendar.events
    side = _side(world)
    assert not side.base.leaving


async def test_what_left_a_booking_that_shows_again_goes_under_whatever_id() -> None:
    """Called off and on again, while its event was given another id: the booking shows once."""
    world = await _shown()
    _renumbered(world)
    former = world.event.ref
    strikes = ["calendar.find"]

    async def dispatcher(point: str) -> None:
        if point in strikes:
            strikes.remove(point)
            world.rows.put(booking())
            raise TransientError("the worker was stopped")

    world.calendar.hook = dispatcher
    world.rows.put(replace(booking(), status=CANCELED))
    assert (await world.sync(CHANGED)).kind is OutcomeKind.DEFERRED
    assert _side(world).base.leaving
    await world.sync(CHANGED)
    assert world.record.event == world.event.ref != former
    assert not _side(world).base.leaving
    await world.rests()


@pytest.mark.parametrize("answers", [True, False], ids=["Deleted Items answers", "gone"])
@pytest.mark.parametrize("age", [timedelta(minutes=1), timedelta(hours=1)])
async def test_a_booking_that_comes_back_shows_again(answers: bool, age: timedelta) -> None:  # noqa: FBT001 - a case
    """Its event went with its row: by the app's hand, so that nobody has to be asked."""
    world = await _shown(deleted=Mode.APPLY)
    event = replace(world.event, created=EARLY - age)
    world.calendar.events.pop(event.ref)
    if answers:
        world.calendar.deleted_items[event.ref] = event
    await world.sync(SyncTask(BOOKING_ID, trusted=False, missing=Missing.ROW_RETURNED))
    assert world.shown == PLAN
    assert world.record.event == world.event.ref
    assert not world.told
    await world.rests()


async def test_an_operators_order_makes_an_event_anew() -> None:
    """Dynamics 365 was restored to an earlier time, or a mailbox emptied: nobody has to be asked."""
    world = await _deleted(Mode.APPLY, for_good=True)
    await world.sync(WITHHELD)
    await world.sync(SyncTask(BOOKING_ID, trusted=False, missing=Missing.ORDERED))
    assert world.shown == PLAN
    await world.rests()


async def test_a_withheld_event_that_is_there_again_is_told() -> None:
    """Somebody restored the mailbox: the operator's page counts it no more."""
    world = await _deleted(Mode.PROPOSE)
    await world.sync(WITHHELD)
    (event,) = world.calendar.deleted_items.values()
    world.calendar.deleted_items.clear()
    world.calendar.events[event.ref] = event
    await world.sync(LOOK)
    assert world.told == "2026-03-01 withdrawn: the event is there again."
    await world.rests()


async def test_a_booking_that_comes_back_keeps_an_event_that_is_there() -> None:
    """An import wrote our columns together with the booking: that is no reason to make it anew."""
    world = await _shown()
    ref = world.event.ref
    world.calendar.events[ref] = replace(world.event, created=EARLY - HOUR)
    await world.sync(SyncTask(BOOKING_ID, trusted=False, missing=Missing.ROW_RETURNED))
    assert world.record.event == world.event.ref == ref
    await world.rests()


async def test_a_booking_whose_cancellation_is_proposed_is_in_step_until_somebody_decides() -> None:
    """There is no event that could show a new text; a new plan or an answer is another matter."""
    world = await _deleted(Mode.PROPOSE, for_good=True)
    await world.sync(CONFIRMED)
    for changed, expected in (
        (replace(booking(), name="Boiler repair"), Standing.IN_STEP),
        (replace(booking(), start=PLAN.start + HOUR, end=PLAN.end + HOUR), Standing.BEHIND),
        (replace(booking(), status=CANCELED), Standing.BEHIND),
    ):
        row = replace(world.rows.rows[BOOKING_ID], booking=changed)
        assert standing(row, desired) is expected
    _answer(world, ProposalAnswer.REJECT)
    assert standing(world.rows.rows[BOOKING_ID], desired) is Standing.BEHIND


async def test_a_cancellation_that_nobody_answered_ends_when_the_booking_begins() -> None:
    """Its event is there again."""
    world = await _deleted(Mode.PROPOSE, for_good=True)
    await world.sync(CONFIRMED)
    world.now = PLAN.start
    await world.sync(LOOK)
    assert world.shown == PLAN
    assert _side(world).proposal is None


async def test_a_row_that_says_withheld_is_not_told_again_the_next_day() -> None:
    """Each day's sweep would write to every row of a wiped mailbox."""
    world = await _deleted(Mode.PROPOSE, for_good=True)
    await world.sync(WITHHELD)
    world.now += 24 * HOUR - timedelta(hours=1)
    await world.synchronizer.sync(WITHHELD)
    assert world.told.startswith("2026-03-01 withheld: ")
    assert "record" not in world.rows.calls


async def test_a_former_event_is_not_taken_up_in_place_of_one_that_is_gone() -> None:
    """Somebody restored it: it is left over, and what was deleted stays a question."""
    world = await _shown()
    former = world.event
    world.rows.put(replace(booking(), status=CANCELED))
    await world.sync(CHANGED)
    world.rows.put(booking())
    await world.sync(CHANGED)
    assert world.record.generation == 2
    world.calendar.events.clear()
    ref = EventRef(ANNA, "restored")
    world.calendar.events[ref] = replace(former, ref=ref)
    outcome = await world.synchronizer.sync(UNTRUSTED)
    assert outcome.missing == ANNA
    assert not world.calendar.events


async def _stays_behind() -> World:
    """A row whose former event could not be removed, because people are invited to it."""
    world = await _shown()
    ref = world.event.ref
    world.calendar.events[ref] = replace(world.event, attended=True)
    world.rows.put(replace(booking(), status=CANCELED))
    await world.sync(UNTRUSTED)
    assert _side(world).base.leaving == {ref}
    return world


async def test_what_shows_a_booking_stays_when_its_former_event_is_gone() -> None:
    """The search for the former event under another id finds the present one."""
    world = await _stays_behind()
    former = world.event.ref
    world.rows.put(booking())
    await world.sync(CHANGED)
    present = world.record.event
    assert present
    del world.calendar.events[former]
    world.rows.put(replace(booking(), name="Boiler repair"))
    await world.sync(CHANGED)
    assert world.record.event == world.event.ref == present
    assert not _side(world).base.leaving


async def test_what_an_earlier_try_made_anew_is_no_former_event() -> None:
    """It is of a later generation than all that left the row: it is taken up."""
    world = await _stays_behind()
    first = world.event
    made = await _doubled(world, first, 2)
    del world.calendar.events[first.ref]
    world.rows.put(booking())
    await world.sync(UNTRUSTED)
    assert world.record.event == world.event.ref == made


async def test_an_event_that_was_taken_up_stays_though_somebody_wrote_to_its_row_meanwhile() -> None:
    """It is no event of this run's making, and somebody may have moved it: it is taken up once more."""
    world = await _shown()
    _renumbered(world)
    world.calendar.user_moves(world.event.ref, HOUR)
    moved = world.shown
    strikes = ["rows.record"]

    async def dispatcher(point: str) -> None:
        if point in strikes:
            strikes.remove(point)
            world.rows.put(replace(booking(), name="Boiler repair"))

    world.rows.hook = dispatcher
    await world.sync(UNTRUSTED)
    await world.sync(LOOK)
    assert not strikes
    assert world.planned == world.shown == moved
