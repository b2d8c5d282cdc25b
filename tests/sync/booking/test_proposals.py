"""A move that waits for a dispatcher: opened, changed, withdrawn, overruled, answered."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from booking_sync.domain.outcome import OutcomeKind
from booking_sync.domain.record import ATTENDED_REASON
from booking_sync.domain.return_path.missing import Missing
from booking_sync.domain.return_path.policy import Mode, ReturnPolicy
from booking_sync.domain.return_path.side import ProposalAnswer, ProposalKind
from booking_sync.domain.return_path.times import Times
from booking_sync.errors import PermanentError
from booking_sync.ports.dataverse.return_path import Surroundings
from booking_sync.sync.booking.task import SyncTask
from tests.support.bookings import ANNA, BOOKING_ID, booking
from tests.sync.booking.test_return_deletions import CONFIRMED, _answer, _deleted, _side
from tests.sync.booking.test_return_path import CHANGED, HOUR, LOOK, PLAN, UNTRUSTED, World, _shown

MOVED = Times(PLAN.start + HOUR, PLAN.end + HOUR)


async def _proposed() -> World:
    world = await _shown(Mode.PROPOSE)
    world.calendar.user_moves(world.event.ref, HOUR)
    await world.sync(LOOK)
    return world


def _form(times: Times) -> str:
    return f"{times.start:%Y-%m-%dT%H:%M:%SZ}/{times.end:%Y-%m-%dT%H:%M:%SZ}"


async def test_a_proposal_leaves_both_sides_as_they_are() -> None:
    """The event stays where it was put, the booking where it was planned, and the row asks."""
    world = await _proposed()
    assert (world.planned, world.shown) == (PLAN, MOVED)
    proposal = _side(world).proposal
    assert proposal
    assert (proposal.kind, proposal.times) == (ProposalKind.MOVE, MOVED)
    assert world.told.startswith("2026-03-01 proposed: to move it to 2026-03-02")
    assert world.event.content.categories == ("Field Service: Awaiting dispatcher",)
    await world.rests()


async def test_an_untrusted_look_repairs_the_text_and_leaves_the_times() -> None:
    """A proposal that is open is no drift."""
    world = await _proposed()
    await world.sync(UNTRUSTED)
    assert (world.planned, world.shown) == (PLAN, MOVED)
    assert _side(world).proposal


async def test_an_event_that_is_moved_on_is_another_proposal() -> None:
    """Its former answer, if any, is gone."""
    world = await _proposed()
    _answer(world, ProposalAnswer.REJECT, _form(MOVED))
    world.calendar.user_moves(world.event.ref, HOUR)
    await world.sync(LOOK)
    proposal = _side(world).proposal
    assert proposal
    assert proposal.times == Times(MOVED.start + HOUR, MOVED.end + HOUR)
    assert _side(world).answered is None
    assert world.planned == PLAN
    await world.rests()


async def test_an_event_that_is_moved_back_ends_the_proposal() -> None:
    """Nobody is asked any more."""
    world = await _proposed()
    world.calendar.user_moves(world.event.ref, -HOUR)
    await world.sync(LOOK)
    assert _side(world).proposal is None
    assert world.told.startswith("2026-03-01 withdrawn: ")
    await world.rests()


async def test_a_dispatcher_who_moves_the_booking_overrules_a_proposal() -> None:
    """The event follows the booking."""
    world = await _proposed()
    world.rows.put(replace(booking(), start=PLAN.start + 3 * HOUR, end=PLAN.end + 3 * HOUR))
    await world.sync(CHANGED)
    assert world.shown.start == PLAN.start + 3 * HOUR
    assert _side(world).proposal is None
    assert world.told.startswith("2026-03-01 overruled: ")
    await world.rests()


async def test_a_dispatcher_who_moves_the_booking_there_agrees() -> None:
    """Nothing is written to Outlook but the text."""
    world = await _proposed()
    world.rows.put(replace(booking(), start=MOVED.start, end=MOVED.end))
    await world.sync(CHANGED)
    assert world.planned == world.shown == MOVED
    assert _side(world).proposal is None
    await world.rests()


@pytest.mark.parametrize("answer_for", ["", _form(MOVED)], ids=["unnamed", "named"])
async def test_a_yes_moves_the_booking(answer_for: str) -> None:
    """Without a look at the event."""
    world = await _proposed()
    world.now += timedelta(minutes=2)
    _answer(world, ProposalAnswer.ACCEPT, answer_for)
    await world.sync(CHANGED)
    assert world.planned == world.shown == MOVED
    assert world.told.startswith("2026-03-01 moved: ")
    assert _side(world).proposal is None
    assert _side(world).answered is None
    await world.rests()


async def test_a_yes_counts_where_the_last_write_was_never_recorded() -> None:
    """A process wrote a plan and died; the event was moved from there, which was proposed and agreed to."""
    world = await _shown(Mode.PROPOSE)
    before = world.rows.rows[BOOKING_ID]
    plan = Times(PLAN.start + 2 * HOUR, PLAN.end + 2 * HOUR)
    world.rows.put(replace(booking(), start=plan.start, end=plan.end))
    await world.sync(CHANGED)
    written = world.rows.rows[BOOKING_ID]
    world.rows.rows[BOOKING_ID] = replace(written, record=before.record, side=before.side)
    world.calendar.user_moves(world.event.ref, HOUR)
    await world.sync(LOOK)
    wish = Times(plan.start + HOUR, plan.end + HOUR)
    proposal = _side(world).proposal
    assert proposal
    assert proposal.times == wish
    _answer(world, ProposalAnswer.ACCEPT, _form(wish))
    await world.sync(CHANGED)
    assert world.planned == world.shown == wish
    assert _side(world).answered is None
    await world.rests()


async def test_a_yes_to_what_was_moved_on_meanwhile_moves_the_booking_and_asks_again() -> None:
    """The dispatcher's word counts for what they saw; the next wish is another one."""
    world = await _proposed()
    world.now += timedelta(minutes=2)
    world.calendar.user_moves(world.event.ref, HOUR)
    _answer(world, ProposalAnswer.ACCEPT, _form(MOVED))
    await world.sync(CHANGED)
    assert world.planned == MOVED
    await world.sync(LOOK)
    proposal = _side(world).proposal
    assert proposal
    assert proposal.times == Times(MOVED.start + HOUR, MOVED.end + HOUR)


async def test_a_no_puts_the_event_back() -> None:
    """And nobody is asked again."""
    world = await _proposed()
    world.now += timedelta(minutes=2)
    _answer(world, ProposalAnswer.REJECT)
    await world.sync(CHANGED)
    assert world.planned == world.shown == PLAN
    assert world.told.startswith("2026-03-01 put back: ")
    assert "a dispatcher said no" in world.told
    assert "Field Service: Awaiting dispatcher" not in world.event.content.categories
    assert _side(world).proposal is None
    assert _side(world).answered is None
    await world.rests()


@pytest.mark.parametrize("answer", ProposalAnswer)
@pytest.mark.parametrize("answer_for", ["", "nonsense", _form(PLAN)])
async def test_an_answer_to_an_earlier_proposal_is_none(answer: ProposalAnswer, answer_for: str) -> None:
    """The form was older than the row: the proposal stays open, and the answer is taken away."""
    world = await _proposed()
    _answer(world, answer, answer_for)
    await world.sync(CHANGED)
    assert (world.planned, world.shown) == (PLAN, MOVED)
    assert _side(world).proposal
    assert _side(world).answered is None
    await world.rests()


async def test_a_yes_that_dynamics_refuses_is_a_no() -> None:
    """With its reason on the row."""
    world = await _proposed()
    world.now += timedelta(minutes=2)
    world.rows.refuses_times = "Dynamics 365: the resource is on leave."
    _answer(world, ProposalAnswer.ACCEPT)
    await world.sync(CHANGED)
    assert world.planned == world.shown == PLAN
    assert "on leave" in world.told
    assert _side(world).proposal is None
    await world.rests()


async def test_a_proposal_ends_before_its_booking_begins() -> None:
    """Unanswered in the last half hour, the event is put back."""
    world = await _proposed()
    world.now = PLAN.start - timedelta(minutes=29)
    await world.sync(LOOK)
    assert world.planned == world.shown == PLAN
    assert _side(world).proposal is None
    await world.rests()


async def test_what_stands_against_a_move_asks_a_dispatcher() -> None:
    """Another booking of the resource lies there: the move is proposed, with its reason."""
    world = await _shown(Mode.APPLY)
    world.reads.around = Surroundings(overlaps=True)
    world.calendar.user_moves(world.event.ref, HOUR)
    await world.sync(LOOK)
    assert world.planned == PLAN
    assert "another booking of the resource lies there" in world.told
    assert _side(world).proposal


async def test_a_reassigned_booking_has_no_proposal() -> None:
    """What was wanted of its former event went with it."""
    world = await _proposed()
    world.rows.put(replace(booking(), status=None, resource=None))
    await world.sync(CHANGED)
    assert _side(world).proposal is None
    assert world.rows.rows[BOOKING_ID].record.event is None


def _lowered(world: World, path: Mode) -> World:
    """The same world, after an administrator allowed less."""
    lower = World(path)
    lower.rows, lower.calendar, lower.now = world.rows, world.calendar, world.now
    lower.connect(ReturnPolicy(path))
    return lower


@pytest.mark.parametrize("answered", [True, False])
@pytest.mark.parametrize("task", [CHANGED, LOOK, UNTRUSTED])
async def test_a_proposal_ends_where_nothing_is_proposed_any_more(task: SyncTask, answered: bool) -> None:  # noqa: FBT001 - a case
    """Whatever its dispatcher says by then: with `report` nothing from Outlook changes a booking."""
    world = await _proposed()
    world.now += timedelta(minutes=2)
    world = _lowered(world, Mode.REPORT)
    if answered:
        _answer(world, ProposalAnswer.ACCEPT, _form(MOVED))
    await world.sync(task)
    assert world.planned == world.shown == PLAN
    assert _side(world).proposal is None
    assert _side(world).answered is None
    await world.rests()


async def test_a_proposed_cancellation_ends_where_nothing_is_proposed_any_more() -> None:
    """Its event is there again."""
    world = await _deleted(Mode.PROPOSE)
    await world.sync(CONFIRMED)
    world.now += timedelta(minutes=2)
    world = _lowered(world, Mode.REPORT)
    _answer(world, ProposalAnswer.ACCEPT)
    await world.sync(CHANGED)
    assert world.planned == world.shown == PLAN
    assert _side(world).proposal is None
    await world.rests()


async def test_a_proposal_at_an_event_with_attendees_ends_before_the_booking_begins() -> None:
    """It can't be put back without mail, which the row says; nobody is asked any more."""
    world = await _proposed()
    world.calendar.events[world.event.ref] = replace(world.event, attended=True)
    world.now = PLAN.start - timedelta(minutes=20)
    await world.sync(LOOK)
    assert _side(world).proposal is None
    assert world.record.error == ATTENDED_REASON
    assert not world.calendar.mails


async def test_a_proposal_of_a_booking_that_can_not_show_ends() -> None:
    """Its times were taken away: there is nothing that could be moved."""
    world = await _proposed()
    world.rows.put(replace(booking(), start=None))
    await world.sync(CHANGED)
    assert _side(world).proposal is None


async def test_a_proposal_in_a_mailbox_that_is_gone_ends() -> None:
    """Or each look at it would be another message that is given up."""
    world = await _proposed()
    world.calendar.refused[ANNA] = "Outlook: the mailbox is gone."
    await world.sync(LOOK)
    assert _side(world).proposal is None
    assert world.record.error == "Outlook: the mailbox is gone."


async def test_a_move_of_an_event_with_attendees_is_proposed_as_any_other() -> None:
    """Only the category that says so can't be written, and the row says why."""
    world = await _shown(Mode.PROPOSE)
    world.calendar.events[world.event.ref] = replace(world.event, attended=True)
    world.calendar.user_moves(world.event.ref, HOUR)
    await world.sync(LOOK)
    proposal = _side(world).proposal
    assert proposal
    assert proposal.times == MOVED
    assert world.record.error == ATTENDED_REASON
    assert not world.calendar.mails


async def test_a_proposal_ends_where_its_event_became_a_series() -> None:
    """People are invited to it as well, so that it can't be made anew either."""
    world = await _proposed()
    world.calendar.events[world.event.ref] = replace(world.event, attended=True, reshaped=True)
    await world.sync(LOOK)
    assert _side(world).proposal is None
    assert world.record.error == ATTENDED_REASON


async def test_a_refusal_to_look_that_may_pass_is_waited_for() -> None:
    """As long as the same refusal of a write is."""
    world = await _proposed()
    patience = timedelta(hours=1)

    async def refuse(point: str) -> None:
        if point == "calendar.see":
            raise PermanentError("Outlook: not yet in the app's scope.", patience=patience)

    world.calendar.hook = refuse
    outcome = await world.sync(LOOK)
    assert (outcome.kind, outcome.patience) == (OutcomeKind.FAILED, patience)


@pytest.mark.parametrize("missing", [Missing.ROW_RETURNED, Missing.ORDERED])
async def test_a_yes_counts_whatever_would_become_of_a_missing_event(missing: Missing) -> None:
    """The hint says something of the event's end, and nothing of what a dispatcher said."""
    world = await _proposed()
    world.now += timedelta(minutes=2)
    _answer(world, ProposalAnswer.ACCEPT, _form(MOVED))
    await world.sync(SyncTask(BOOKING_ID, trusted=False, missing=missing))
    assert world.planned == world.shown == MOVED
