"""What a deletion in Outlook makes of a booking: after a sweep, and only while the plan stands."""

from __future__ import annotations

from dataclasses import replace

import pytest

from booking_sync.domain.outcome import OutcomeKind
from booking_sync.domain.return_path.policy import MAX_CANCELS_PER_DAY, Mode
from booking_sync.domain.return_path.side import Answered, Missing, OutlookSide, ProposalAnswer, ProposalKind
from booking_sync.sync.booking.task import SyncTask
from tests.support.bookings import ANNA, BOOKING_ID, booking
from tests.sync.booking.test_return_path import CHANGED, EARLY, HOUR, LOOK, PLAN, UNTRUSTED, World, _shown

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
