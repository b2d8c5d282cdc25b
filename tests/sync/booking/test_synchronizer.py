"""The protocol for one booking, against in-memory services that are as strict as the real ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from booking_sync.domain.bookings.booking import BookableResource, Booking
from booking_sync.domain.bookings.resource_type import ResourceType
from booking_sync.domain.events.event_ref import EventClaim, EventRef
from booking_sync.domain.events.event_text.renderer import EventRenderer, EventStyle
from booking_sync.domain.events.ownership import MAX_GENERATION, marker, transaction_id
from booking_sync.domain.events.zones import event_zone
from booking_sync.domain.outcome import OutcomeKind
from booking_sync.domain.plan import DesiredState, desired_state
from booking_sync.domain.record import SyncRecord, format_state, read_record
from booking_sync.errors import PermanentError, TransientError
from booking_sync.sync.booking.run import LEFT_ALONE
from booking_sync.sync.booking.synchronizer import MAX_ROUNDS, Synchronizer
from booking_sync.sync.booking.task import SyncTask
from tests.support.bookings import (
    ANNA,
    BERT,
    BOOKING_ID,
    CANCELED,
    ORGANIZATION_ID,
    TRAVELING,
    booking,
    technician,
)
from tests.support.fakes import EVENTS_BEGIN, FakeCalendar, FakeRows, events_clock
from tests.support.seals import prover, sealer

if TYPE_CHECKING:
    from booking_sync.ports.platform.clock import Clock

_RENDERER = EventRenderer(EventStyle(event_zone("UTC"), "https://contoso.crm4.dynamics.com"))
TASK = SyncTask(BOOKING_ID)
MARK = marker(ORGANIZATION_ID, BOOKING_ID)
UNTRUSTED = SyncTask(BOOKING_ID, trusted=False)


def desired(subject: Booking) -> DesiredState:
    """What Outlook should show of a booking, by the real rules."""
    return desired_state(subject, _RENDERER.render, require_work_order=True)


def synchronizer(
    rows: FakeRows,
    calendar: FakeCalendar,
    organization_id: str = ORGANIZATION_ID,
    now: Clock = events_clock,
) -> Synchronizer:
    """The protocol between these services."""
    return Synchronizer(rows, calendar, desired, prover(calendar, organization_id), now)


class World:
    """Both services and the synchronizer between them."""

    def __init__(self) -> None:
        self.rows = FakeRows()
        self.calendar = FakeCalendar()
        self.synchronizer = synchronizer(self.rows, self.calendar)

    @property
    def record(self) -> SyncRecord:
        """What the row remembers."""
        return self.rows.rows[BOOKING_ID].record

    async def synced(self, subject: Booking) -> None:
        """Have this booking in step."""
        self.rows.put(subject)
        outcome = await self.synchronizer.sync(TASK)
        assert outcome.kind is OutcomeKind.SYNCED, outcome
        self.calendar.calls.clear()
        self.rows.calls.clear()

    def let_an_hour_pass(self) -> None:
        """By now a search knows every event that there is."""
        self.synchronizer = synchronizer(
            self.rows, self.calendar, now=lambda: EVENTS_BEGIN + timedelta(hours=1)
        )

    async def used_up(self, generations: range) -> None:
        """Failed tries created the booking's events of these generations, and nothing is left of them."""
        content = next(iter(self.calendar.events.values())).content
        self.calendar.events.clear()
        for generation in generations:
            made = await self.calendar.create(
                ANNA,
                content,
                marker="",
                transaction_id=transaction_id(MARK, ANNA, generation),
                birth="",
            )
            assert made.event_id
            await self.calendar.delete(EventRef(ANNA, made.event_id))


@pytest.fixture
def world() -> World:
    """An empty world."""
    return World()


async def test_a_new_booking_gets_one_marked_and_tagged_event(world: World) -> None:
    """A new booking shows as one event that carries transactionId, marker and extension, and is recorded."""
    world.rows.put(booking())
    outcome = await world.synchronizer.sync(TASK)
    (event,) = world.calendar.events.values()
    assert outcome.kind is OutcomeKind.SYNCED
    assert event.transaction_id == transaction_id(MARK, ANNA, 1)
    assert event.marker == marker(ORGANIZATION_ID, BOOKING_ID)
    assert event.tagged
    assert world.record == SyncRecord(event.ref, 1, event.content.fingerprint())


async def test_nothing_changed_costs_one_read_and_no_request_to_graph(world: World) -> None:
    """A hint without a change reads the row and does nothing else."""
    await world.synced(booking())
    outcome = await world.synchronizer.sync(TASK)
    assert outcome.kind is OutcomeKind.UNCHANGED
    assert (world.rows.calls, world.calendar.calls) == (["read"], [])


async def test_a_redelivery_writes_again_whatever_is_recorded(world: World) -> None:
    """The recorded fingerprint is not believed on a redelivery, so stale content is overwritten."""
    await world.synced(booking())
    (event,) = world.calendar.events.values()
    world.calendar.events[event.ref] = replace(event, content=replace(event.content, subject="stale"))
    await world.synchronizer.sync(UNTRUSTED)
    assert world.calendar.events[event.ref].content == event.content


@pytest.mark.parametrize(
    "changed",
    [
        replace(booking(), name="Boiler repair"),
        replace(booking(), start=datetime(2026, 3, 2, 7, 0, tzinfo=UTC)),
        replace(booking(), status=TRAVELING),
    ],
    ids=["retitled", "rescheduled", "restatused"],
)
async def test_a_changed_booking_updates_its_event_in_place(world: World, changed: Booking) -> None:
    """A change of content is one PATCH of the same event."""
    await world.synced(booking())
    before = world.record.event
    world.rows.put(changed)
    await world.synchronizer.sync(TASK)
    (event,) = world.calendar.events.values()
    assert event.ref == before
    assert world.calendar.calls == ["update"]
    assert world.record.fingerprint == event.content.fingerprint()


@pytest.mark.parametrize(
    "ended",
    [
        replace(booking(), status=CANCELED),
        replace(booking(), active=False),
        replace(booking(), work_order=None),
        replace(booking(), resource=None),
        replace(booking(), resource=BookableResource(ResourceType.EQUIPMENT)),
        replace(booking(), resource=technician(ANNA, disabled=True)),
    ],
    ids=["canceled", "inactive", "no work order", "no resource", "equipment", "disabled user"],
)
async def test_a_booking_that_should_not_show_loses_its_event(world: World, ended: Booking) -> None:
    """Whatever ends a booking's claim removes the event and forgets it, keeping the generation."""
    await world.synced(booking())
    world.rows.put(ended)
    outcome = await world.synchronizer.sync(TASK)
    assert outcome.kind is OutcomeKind.SYNCED
    assert not world.calendar.events
    assert (world.record.event, world.record.generation) == (None, 1)


async def test_a_booking_that_never_should_show_is_skipped_without_a_write(world: World) -> None:
    """A canceled booking without an event costs one read."""
    world.rows.put(replace(booking(), status=CANCELED))
    outcome = await world.synchronizer.sync(TASK)
    assert (outcome.kind, outcome.detail) == (OutcomeKind.SKIPPED, "the booking is canceled")
    assert (world.rows.calls, world.calendar.calls) == (["read"], [])


async def test_a_reactivated_booking_gets_an_event_of_the_next_generation(world: World) -> None:
    """A re-creation never meets the transactionId of the deleted event."""
    await world.synced(booking())
    await world.synced(replace(booking(), status=CANCELED))
    await world.synced(booking())
    (event,) = world.calendar.events.values()
    assert event.transaction_id == transaction_id(MARK, ANNA, 2)


async def test_a_reassigned_booking_moves_to_the_other_mailbox(world: World) -> None:
    """The former technician's event goes, the new one's comes."""
    await world.synced(booking())
    world.rows.put(booking(mailbox=BERT))
    outcome = await world.synchronizer.sync(TASK)
    assert outcome.detail == "event moved"
    assert not world.calendar.of(ANNA)
    assert world.record.event == world.calendar.of(BERT)[0].ref


async def test_a_deleted_booking_loses_its_event(world: World) -> None:
    """A deletion removes the event that the row named."""
    await world.synced(booking())
    row = world.rows.remove(BOOKING_ID)
    assert row.record.event
    state = format_state(BOOKING_ID, row.record, sealer(ORGANIZATION_ID))
    claim = EventClaim(row.record.event, state)
    await world.synchronizer.sync(SyncTask(BOOKING_ID, deleted=frozenset({claim})))
    assert world.calendar.calls == ["delete"]
    assert not world.calendar.events


@pytest.mark.parametrize("ours", [True, False])
async def test_a_deleted_row_s_event_goes_only_if_it_is_proven_and_else_is_told(
    world: World,
    ours: bool,  # noqa: FBT001 - a case
) -> None:
    """Whoever writes another event's id into the row does not get that one removed."""
    await world.synced(booking())
    row = world.rows.remove(BOOKING_ID)
    assert row.record.event
    if not ours:
        event = world.calendar.events[row.record.event]
        world.calendar.events[event.ref] = replace(event, marker="", transaction_id=None, tag="", birth="")
    claims = frozenset({EventClaim(row.record.event)})
    outcome = await world.synchronizer.sync(SyncTask(BOOKING_ID, deleted=claims))
    assert bool(world.calendar.events) is not ours
    assert (LEFT_ALONE in outcome.detail) is not ours


@pytest.mark.parametrize("ours", [True, False])
async def test_an_event_that_people_wrote_into_the_row_is_proven_or_told(world: World, ours: bool) -> None:  # noqa: FBT001 - a case
    """The columns hold no valid seal, as from before there were seals."""
    await world.synced(booking())
    row = world.rows.rows[BOOKING_ID]
    own = row.record.event
    assert own
    claim = own if ours else EventRef(ANNA, "theirs")
    event = world.calendar.events[own]
    theirs = replace(event, ref=claim, marker="", transaction_id=None, tag="", birth="", uid="theirs")
    world.calendar.events[claim] = event if ours else theirs
    world.rows.rows[BOOKING_ID] = replace(row, record=SyncRecord(), claim=claim, intact=False)
    outcome = await world.synchronizer.sync(TASK)
    assert world.record.event == own
    assert world.calendar.events.keys() == {own, claim}
    assert ours or world.calendar.events[claim] == theirs
    assert (LEFT_ALONE in outcome.detail) is not ours


async def test_a_mailbox_that_may_be_read_later_is_not_held_to_be_without_the_row_s_event(
    world: World,
) -> None:
    """The columns are the only trace of the event, and stay until Graph answers."""
    await world.synced(booking())
    row = world.rows.rows[BOOKING_ID]
    claim = row.record.event
    claimed = replace(row, record=SyncRecord(), claim=claim, intact=False)
    world.rows.rows[BOOKING_ID] = claimed
    world.calendar.refused[ANNA], world.calendar.patience = "not in the app's scope", timedelta(hours=4)
    outcome = await world.synchronizer.sync(TASK)
    assert outcome.patience == timedelta(hours=4)
    assert world.rows.rows[BOOKING_ID].claim == claim
    world.calendar.patience = None
    await world.synchronizer.sync(TASK)
    assert world.rows.rows[BOOKING_ID].claim is None


async def test_a_deleted_booking_s_event_in_a_mailbox_that_refuses_is_told(world: World) -> None:
    """Nothing can be proven there, nor changed."""
    await world.synced(booking())
    row = world.rows.remove(BOOKING_ID)
    assert row.record.event
    world.calendar.refused[ANNA] = "no such mailbox"
    claims = frozenset({EventClaim(row.record.event)})
    outcome = await world.synchronizer.sync(SyncTask(BOOKING_ID, deleted=claims))
    assert outcome.kind is OutcomeKind.SKIPPED
    assert LEFT_ALONE in outcome.detail


async def test_a_deletion_of_a_booking_that_exists_deletes_nothing(world: World) -> None:
    """A deletion told by a copied environment does not touch the event of the booking that is still here."""
    await world.synced(booking())
    event = world.record.event
    assert event
    outcome = await world.synchronizer.sync(SyncTask(BOOKING_ID, deleted=frozenset({EventClaim(event)})))
    assert outcome.kind is OutcomeKind.UNCHANGED
    assert event in world.calendar.events


async def test_an_event_that_the_user_removed_is_created_anew_at_the_next_change(world: World) -> None:
    """A PATCH that meets no event creates the next generation."""
    await world.synced(booking())
    world.calendar.events.clear()
    world.rows.put(replace(booking(), name="Boiler repair"))
    await world.synchronizer.sync(TASK)
    (event,) = world.calendar.events.values()
    assert event.transaction_id == transaction_id(MARK, ANNA, 2)
    assert world.record.generation == 2


async def test_a_creation_whose_answer_was_lost_is_not_doubled(world: World) -> None:
    """The retry after a lost answer meets its own transactionId and adopts the event."""
    world.rows.put(booking())
    world.calendar.faults.after["create"] = [TransientError("timeout", maybe_applied=True)]
    first = await world.synchronizer.sync(TASK)
    assert (first.kind, first.uncertain, first.suspects) == (OutcomeKind.DEFERRED, True, frozenset({ANNA}))
    second = await world.synchronizer.sync(SyncTask(BOOKING_ID, trusted=False, suspects=first.suspects))
    (event,) = world.calendar.events.values()
    assert second.kind is OutcomeKind.SYNCED
    assert world.record.event == event.ref


async def test_a_lost_creation_of_changed_content_is_adopted_and_updated(world: World) -> None:
    """When the booking changed before the retry, the first try's event is found and brought up to date."""
    world.rows.put(booking())
    world.calendar.faults.after["create"] = [TransientError("timeout", maybe_applied=True)]
    first = await world.synchronizer.sync(TASK)
    world.rows.put(replace(booking(), name="Boiler repair"))
    await world.synchronizer.sync(SyncTask(BOOKING_ID, trusted=False, suspects=first.suspects))
    (event,) = world.calendar.events.values()
    assert "Boiler repair" in event.content.subject


@pytest.mark.parametrize("after", [CANCELED, None], ids=["canceled", "reassigned"])
async def test_a_lost_creation_of_a_booking_that_left_is_removed(world: World, after: object) -> None:
    """An event whose creation was answered into the void is removed when the booking no longer wants it."""
    world.rows.put(booking())
    world.calendar.faults.after["create"] = [TransientError("timeout", maybe_applied=True)]
    first = await world.synchronizer.sync(TASK)
    world.rows.put(replace(booking(), status=CANCELED) if after else booking(mailbox=BERT))
    await world.synchronizer.sync(SyncTask(BOOKING_ID, trusted=False, suspects=first.suspects))
    assert not world.calendar.of(ANNA)
    assert len(world.calendar.of(BERT)) == (0 if after else 1)


async def test_a_lost_creation_of_a_deleted_booking_is_removed(world: World) -> None:
    """The suspects of an uncertain try are searched even when the row is gone."""
    world.rows.put(booking())
    world.calendar.faults.after["create"] = [TransientError("timeout", maybe_applied=True)]
    first = await world.synchronizer.sync(TASK)
    world.rows.remove(BOOKING_ID)
    await world.synchronizer.sync(SyncTask(BOOKING_ID, trusted=False, suspects=first.suspects))
    assert not world.calendar.events


async def test_a_users_copy_with_our_marker_is_never_removed(world: World) -> None:
    """A marker copied along by a user's own copy does not make the copy ours."""
    await world.synced(booking())
    (event,) = world.calendar.events.values()
    copy = world.calendar.user_creates(ANNA, event.content, event.marker)
    world.rows.put(replace(booking(), status=CANCELED))
    await world.synchronizer.sync(SyncTask(BOOKING_ID, trusted=False, suspects=frozenset({ANNA, BERT})))
    assert list(world.calendar.events.values()) == [copy]


async def test_a_change_under_way_is_taken_up_in_the_next_round(world: World) -> None:
    """A row that changes between reading and recording is done again, on the event just created."""
    changed = replace(booking(), name="Changed meanwhile")

    async def change_before_recording(point: str) -> None:
        if point == "rows.record" and world.rows.calls.count("record") == 1:
            world.rows.put(changed)

    world.rows = FakeRows(change_before_recording)
    world.synchronizer = synchronizer(world.rows, world.calendar)
    world.rows.put(booking())
    outcome = await world.synchronizer.sync(TASK)
    (event,) = world.calendar.events.values()
    assert outcome.rounds == 2
    assert "Changed meanwhile" in event.content.subject
    assert world.record.event == event.ref


@pytest.mark.parametrize("fate", ["canceled", "reassigned", "deleted"])
async def test_an_event_created_for_a_booking_that_left_meanwhile_is_undone(world: World, fate: str) -> None:
    """When the record fails, an event no longer wanted does not stay, nor is its id used again."""

    async def leave(point: str) -> None:
        if point != "rows.record" or world.rows.calls.count("record") != 1:
            return
        if fate == "deleted":
            world.rows.remove(BOOKING_ID)
        else:
            world.rows.put(
                replace(booking(), status=CANCELED) if fate == "canceled" else booking(mailbox=BERT)
            )

    world.rows = FakeRows(leave)
    world.synchronizer = synchronizer(world.rows, world.calendar)
    world.rows.put(booking())
    await world.synchronizer.sync(TASK)
    assert not world.calendar.of(ANNA)
    assert len(world.calendar.of(BERT)) == (1 if fate == "reassigned" else 0)
    if fate == "canceled":
        assert world.record.generation == 1


async def test_an_event_created_while_another_is_undone_is_not_forgotten(world: World) -> None:
    """Two changes under one run, a reassignment and a cancellation, leave no event in either mailbox.

    Found by a random schedule: undoing the first event also forgot the second, created at the same time.
    """
    changes = [booking(mailbox=BERT), replace(booking(mailbox=BERT), status=CANCELED)]

    async def change_before_recording(point: str) -> None:
        if point == "rows.record" and changes:
            world.rows.put(changes.pop(0))

    world.rows = FakeRows(change_before_recording)
    world.synchronizer = synchronizer(world.rows, world.calendar)
    world.rows.put(booking())
    await world.synchronizer.sync(TASK)
    assert not world.calendar.events


async def test_the_loser_of_a_race_removes_its_own_second_event(world: World) -> None:
    """When Outlook gives two events for one transactionId, the one that no row names is removed."""
    world.calendar.doubles = True
    other = synchronizer(world.rows, world.calendar)

    async def let_other_win(point: str) -> None:
        if point == "rows.record" and world.rows.calls.count("record") == 1:
            await other.sync(TASK)

    world.rows.hook = let_other_win
    world.rows.put(booking())
    await world.synchronizer.sync(TASK)
    (event,) = world.calendar.events.values()
    assert world.record.event == event.ref


async def test_a_copied_row_does_not_touch_the_originals_event(world: World) -> None:
    """A booking copied in Dynamics 365 with our columns gets an event of its own."""
    await world.synced(booking())
    original = world.record
    assert original.event
    copy_id = "0d7c1f57-3b1e-4c8e-9a55-2f6f0d6b1a02"
    world.rows.put(booking(copy_id))
    seals = sealer(ORGANIZATION_ID)
    copied = read_record(
        copy_id,
        seals,
        event_id=original.event.event_id,
        mailbox=original.event.mailbox,
        state=format_state(BOOKING_ID, original, seals),
    )
    row = world.rows.rows[copy_id]
    world.rows.rows[copy_id] = replace(row, record=copied.record, claim=copied.claim, intact=copied.intact)
    await world.synchronizer.sync(SyncTask(copy_id))
    assert len(world.calendar.events) == 2
    assert world.rows.rows[copy_id].record.event != original.event


async def test_a_mailbox_that_refuses_is_told_on_the_row_and_cleared_when_solved(world: World) -> None:
    """A permanent refusal is a failure with its reason in the error column, gone with the next success."""
    world.calendar.refused[ANNA] = "Outlook: this person has no Exchange Online mailbox."
    world.rows.put(booking())
    outcome = await world.synchronizer.sync(TASK)
    assert (outcome.kind, outcome.detail) == (OutcomeKind.FAILED, world.calendar.refused[ANNA])
    assert world.record.error == world.calendar.refused[ANNA]
    assert world.record.event is None
    world.calendar.refused.clear()
    await world.synchronizer.sync(TASK)
    assert world.record.error == ""
    assert len(world.calendar.events) == 1


@pytest.mark.parametrize("known", [False, True])
async def test_a_refusal_that_may_pass_is_told_at_once_and_says_how_long(world: World, known: bool) -> None:  # noqa: FBT001 - a table's column
    """People read on the row what only a person can mend, while the message is tried on."""
    if known:
        await world.synced(booking())
        world.rows.put(replace(booking(), name="Another name"))
    else:
        world.rows.put(booking())
    world.calendar.refused[ANNA] = "Outlook: access denied."
    world.calendar.patience = timedelta(hours=4)
    outcome = await world.synchronizer.sync(TASK)
    assert (outcome.kind, outcome.patience) == (OutcomeKind.FAILED, timedelta(hours=4))
    assert world.record.error == "Outlook: access denied."
    world.calendar.refused.clear()
    outcome = await world.synchronizer.sync(TASK)
    assert (outcome.kind, outcome.patience) == (OutcomeKind.SYNCED, None)
    assert world.record.error == ""


async def test_what_waits_until_it_is_mended_says_so(world: World) -> None:
    """A service that refuses the app as a whole gives no booking up."""
    world.rows.put(booking())
    world.rows.faults.before["read"] = [TransientError("no role", retry_after=60, until_mended=True)]
    outcome = await world.synchronizer.sync(TASK)
    assert (outcome.kind, outcome.until_mended, outcome.delay) == (OutcomeKind.DEFERRED, True, 60)


async def test_the_same_failure_again_writes_nothing(world: World) -> None:
    """A failure that the row already tells of is not written again, so it can't echo for ever."""
    world.calendar.refused[ANNA] = "Outlook: no mailbox."
    world.rows.put(booking())
    await world.synchronizer.sync(TASK)
    world.rows.calls.clear()
    await world.synchronizer.sync(TASK)
    assert world.rows.calls == ["read"]


async def test_the_new_technician_sees_the_booking_although_the_former_mailbox_refuses(world: World) -> None:
    """A move whose removal is refused still arrives, and says what is left behind."""
    await world.synced(booking())
    world.calendar.refused[ANNA] = "Outlook: access denied."
    world.rows.put(booking(mailbox=BERT))
    outcome = await world.synchronizer.sync(TASK)
    assert outcome.kind is OutcomeKind.FAILED
    assert f"the calendar of {ANNA}" in world.record.error
    assert world.record.event == world.calendar.of(BERT)[0].ref


async def test_a_refused_removal_keeps_the_event_on_record(world: World) -> None:
    """A canceled booking whose event can't be removed remembers it, to remove it later."""
    await world.synced(booking())
    event = world.record.event
    world.calendar.refused[ANNA] = "Outlook: access denied."
    world.rows.put(replace(booking(), status=CANCELED))
    assert (await world.synchronizer.sync(TASK)).kind is OutcomeKind.FAILED
    assert world.record.event == event
    world.calendar.refused.clear()
    await world.synchronizer.sync(TASK)
    assert not world.calendar.events
    assert world.record.event is None


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (replace(booking(), end=booking().start, start=booking().end), "ends before it starts"),
        (replace(booking(), start=None), "no start or no end"),
        (replace(booking(), resource=technician(None)), "no Microsoft Entra account"),
    ],
)
async def test_a_booking_that_makes_no_sense_fails_and_leaves_its_event(
    world: World, broken: Booking, says: str
) -> None:
    """Data that can't be an event is told to people; what Outlook shows stays as it was."""
    await world.synced(booking())
    before = dict(world.calendar.events)
    world.rows.put(broken)
    outcome = await world.synchronizer.sync(TASK)
    assert outcome.kind is OutcomeKind.FAILED
    assert says in world.record.error
    assert world.calendar.events == before


async def test_a_record_that_dataverse_refuses_for_good_leaves_no_event_behind(world: World) -> None:
    """When the row can never name the event, the event just created is removed again."""
    world.rows.put(booking())
    world.rows.faults.before["record"] = [PermanentError("Dynamics 365: a column is missing.")]
    outcome = await world.synchronizer.sync(TASK)
    assert outcome.kind is OutcomeKind.FAILED
    assert not world.calendar.events


async def test_a_refused_extension_is_told_and_tried_again_with_the_next_change(world: World) -> None:
    """An event without its extension is recorded as unfinished, and finished by the next hint."""
    world.rows.put(booking())
    world.calendar.faults.before["tag"] = [PermanentError("Outlook: quota.")]
    assert (await world.synchronizer.sync(TASK)).kind is OutcomeKind.FAILED
    (event,) = world.calendar.events.values()
    assert world.record.event == event.ref
    assert (await world.synchronizer.sync(TASK)).kind is OutcomeKind.SYNCED
    assert world.calendar.events[event.ref].tagged
    assert world.record.error == ""


async def test_an_extension_that_was_not_added_in_time_is_added_by_the_message_that_comes_back(
    world: World,
) -> None:
    """The record may be made without the extension, since an untrusted delivery always adds it."""
    world.rows.put(booking())
    world.calendar.faults.before["tag"] = [TransientError("throttled", retry_after=3)]
    outcome = await world.synchronizer.sync(TASK)
    assert (outcome.kind, outcome.delay, outcome.uncertain) == (OutcomeKind.DEFERRED, 3, True)
    (event,) = world.calendar.events.values()
    assert world.record.event == event.ref
    assert not event.tagged
    assert (await world.synchronizer.sync(UNTRUSTED)).kind is OutcomeKind.SYNCED
    assert world.calendar.events[event.ref].tagged


async def test_an_event_in_deleted_items_is_shown_again_when_somebody_missed_it(world: World) -> None:
    """Its immutable id still answers, so only a list tells; a second look writes nothing."""
    await world.synced(booking())
    event = world.record.event
    assert event
    world.calendar.events[event] = replace(
        world.calendar.events[event], created=EVENTS_BEGIN - timedelta(hours=1)
    )
    world.calendar.user_deletes(event)
    missed = SyncTask(BOOKING_ID, trusted=False, suspects=frozenset({ANNA}))
    outcome = await world.synchronizer.sync(missed)
    (shown,) = world.calendar.events.values()
    assert (outcome.kind, world.record.event, world.record.generation) == (OutcomeKind.SYNCED, shown.ref, 2)
    assert not world.calendar.deleted_items
    world.calendar.calls.clear()
    await world.synchronizer.sync(missed)
    assert [each.ref for each in world.calendar.events.values()] == [shown.ref]


async def test_an_uncertain_run_searches_once_however_often_the_row_changes(world: World) -> None:
    """What an earlier try left is found in the first round; a row that keeps moving costs no search more."""
    await world.synced(booking())
    changes = iter(range(3))

    async def dispatcher(point: str) -> None:
        if point == "rows.record" and next(changes, None) is not None:
            world.rows.put(replace(booking(), name="Changed again"))

    world.rows.hook = dispatcher
    world.calendar.calls.clear()
    await world.synchronizer.sync(UNTRUSTED)
    assert world.calendar.calls.count("find") == 1


async def test_what_was_removed_under_another_id_is_not_made_again_by_the_same_run(world: World) -> None:
    """A cancellation removes the second generation, which no row names; taken back, it makes the third."""
    await world.synced(booking())
    first = world.rows.rows[BOOKING_ID].record.event
    assert first
    del world.calendar.events[first]
    await world.synchronizer.sync(UNTRUSTED)
    second = world.rows.rows[BOOKING_ID]
    assert second.record.generation == 2
    older = replace(second.record, event=first, generation=1)
    world.rows.rows[BOOKING_ID] = replace(second, record=older)
    world.rows.put(replace(booking(), status=CANCELED))

    async def take_back(point: str) -> None:
        if point == "rows.record" and world.rows.calls.count("record") == 1:
            world.rows.put(booking())

    world.rows.calls.clear()
    world.rows.hook = take_back
    world.calendar.calls.clear()
    await world.synchronizer.sync(TASK)
    assert (world.record.generation, world.calendar.calls.count("create")) == (3, 1)


async def test_what_is_removed_beside_a_write_is_not_made_again_by_it(world: World) -> None:
    """Another worker recorded an event that got another id and then goes; this run made the second one."""
    await world.synced(booking())
    former = world.rows.rows[BOOKING_ID]
    assert former.record.event
    moved = replace(world.calendar.events.pop(former.record.event), ref=EventRef(ANNA, "under another id"))
    world.calendar.events[moved.ref] = moved
    world.rows.rows[BOOKING_ID] = replace(former, record=SyncRecord(None, 1))

    async def others(point: str) -> None:
        if point == "rows.record" and world.rows.calls.count("record") == 1:
            world.rows.rows[BOOKING_ID] = replace(world.rows.rows[BOOKING_ID], record=former.record)
            world.rows.put(booking())
        if point == "calendar.update" and world.calendar.calls.count("update") == 2:
            world.calendar.events.pop(moved.ref, None)

    world.rows.hook = world.calendar.hook = others
    world.rows.calls.clear()
    world.calendar.calls.clear()
    await world.synchronizer.sync(TASK)
    assert (world.record.generation, world.calendar.calls.count("create")) == (3, 2)


async def test_a_mailbox_is_the_same_by_its_id(world: World) -> None:
    """The row's and the resource's come from different answers: they are compared, letter by letter."""
    await world.synced(booking())
    event = world.record.event
    assert event
    again = EventRef("".join(list(event.mailbox)), event.event_id)
    stored = world.rows.rows[BOOKING_ID]
    world.rows.rows[BOOKING_ID] = replace(stored, record=replace(stored.record, event=again))
    world.rows.put(replace(booking(), name="Renamed"))
    await world.synchronizer.sync(SyncTask(BOOKING_ID))
    assert [each.ref for each in world.calendar.events.values()] == [event]


async def test_a_row_forgets_an_event_that_is_gone_when_nothing_is_to_be_shown(world: World) -> None:
    """Somebody missed it, and the booking is canceled: the row must not go on naming it."""
    await world.synced(booking())
    event = world.record.event
    assert event
    del world.calendar.events[event]
    world.rows.put(replace(booking(), status=CANCELED))
    await world.synchronizer.sync(SyncTask(BOOKING_ID, trusted=False, suspects=frozenset({ANNA})))
    assert world.record.event is None


async def test_a_look_keeps_the_event_that_got_another_id(world: World) -> None:
    """A migration renamed it, or an older row names its predecessor: it is taken over and not made anew."""
    await world.synced(booking())
    former = world.record.event
    assert former
    moved = replace(world.calendar.events.pop(former), ref=EventRef(ANNA, "under another id"))
    world.calendar.events[moved.ref] = moved
    for _ in range(2):
        await world.synchronizer.sync(SyncTask(BOOKING_ID, trusted=False, suspects=frozenset({ANNA})))
        assert list(world.calendar.events) == [moved.ref]
        assert (world.record.event, world.record.generation) == (moved.ref, 1)
    assert not {"create", "delete"} & set(world.calendar.calls)


@pytest.mark.parametrize("intact", [True, False])
async def test_an_event_that_a_list_shows_under_an_id_of_the_other_kind_is_kept(
    world: World,
    intact: bool,  # noqa: FBT001 - a case
) -> None:
    """The row's id answers, the list shows another one with the same iCalUId: they are one event.

    Also where nobody missed it, and the list was asked for since somebody wrote over the row's columns.
    """
    await world.synced(booking())
    world.rows.rows[BOOKING_ID] = replace(world.rows.rows[BOOKING_ID], intact=intact)
    event = world.record.event
    assert event
    shown = world.calendar.events[event]
    uid = "".join(list(shown.uid))  # equal, and not the same object
    alias = replace(shown, ref=EventRef(ANNA, "of the other kind"), uid=uid)
    world.calendar.user_deletes(event)  # as far as a list goes by ids
    world.calendar.events[alias.ref] = alias
    world.let_an_hour_pass()
    in_doubt = SyncTask(BOOKING_ID, trusted=False, suspects=frozenset({ANNA}))
    await world.synchronizer.sync(in_doubt if intact else TASK)
    assert not {"create", "delete"} & set(world.calendar.calls)
    assert world.record.event == event


@pytest.mark.parametrize("uid", ["uid-0", "uid-9"])
async def test_another_event_of_the_bookings_takes_the_place_of_a_deleted_one(world: World, uid: str) -> None:
    """It is no other name of that one, whether its iCalUId is smaller or larger."""
    await world.synced(booking())
    event = world.record.event
    assert event
    second = EventRef(ANNA, "second")
    seals = sealer(ORGANIZATION_ID)
    world.calendar.events[second] = replace(
        world.calendar.events[event],
        ref=second,
        uid=uid,
        transaction_id=transaction_id(MARK, ANNA, 2),
        tag=seals.tag(BOOKING_ID, second, uid, 2),
    )
    world.calendar.user_deletes(event)
    world.let_an_hour_pass()
    await world.synchronizer.sync(SyncTask(BOOKING_ID, trusted=False, suspects=frozenset({ANNA})))
    assert (list(world.calendar.events), world.record.event) == ([second], second)
    assert not world.calendar.deleted_items


async def test_a_creation_that_a_search_does_not_know_yet_is_not_made_again(world: World) -> None:
    """An earlier try made it a moment ago; the answer to the creation tells of it, and is believed."""
    world.rows.put(booking())
    world.rows.faults.before["record"] = [TransientError("killed")]
    await world.synchronizer.sync(TASK)
    (made,) = world.calendar.events
    hidden = world.calendar.events[made]

    async def index(point: str) -> None:
        world.calendar.events.pop(made, None) if point == "calendar.find" else None
        if point != "calendar.find" and made not in world.calendar.events:
            world.calendar.events[made] = hidden

    world.calendar.hook = index
    await world.synchronizer.sync(UNTRUSTED)
    assert (world.record.event, world.record.generation) == (made, 1)


def test_hints_of_one_booking_make_one_task() -> None:
    """What either knows is kept, what both know stays known, and trust needs both."""
    claim, other = (EventClaim(EventRef(ANNA, name), "") for name in ("E1", "E2"))
    one = SyncTask(BOOKING_ID, True, frozenset({claim}), frozenset({ANNA}))  # noqa: FBT003 - the whole task
    two = SyncTask(BOOKING_ID, False, frozenset({claim, other}), frozenset({ANNA, BERT}))  # noqa: FBT003
    assert one.merge(two) == two.merge(one) == two
    assert one.merge(one) == one


async def test_an_event_with_another_id_that_was_made_anew_goes_with_the_next_look(world: World) -> None:
    """Its row lost its record and Graph the creation: each of the two is proven by its own iCalUId."""
    await world.synced(booking())
    former = world.record.event
    assert former
    moved = replace(world.calendar.events.pop(former), ref=EventRef(ANNA, "under another id"))
    world.calendar.events[moved.ref] = moved
    world.calendar.forget_creations()
    world.rows.rows[BOOKING_ID] = replace(world.rows.rows[BOOKING_ID], record=SyncRecord())
    await world.synchronizer.sync(TASK)
    made = world.record.event
    assert made
    assert set(world.calendar.events) == {made, moved.ref}
    await world.synchronizer.sync(SyncTask(BOOKING_ID, trusted=False, suspects=frozenset({ANNA})))
    assert list(world.calendar.events) == [made]
    assert world.record.event == made


async def test_a_canceled_booking_s_event_goes_under_whatever_id(world: World) -> None:
    """And the row forgets the id that leads nowhere."""
    await world.synced(booking())
    former = world.record.event
    assert former
    moved = replace(world.calendar.events.pop(former), ref=EventRef(ANNA, "under another id"))
    world.calendar.events[moved.ref] = moved
    world.rows.put(replace(booking(), status=CANCELED))
    await world.synchronizer.sync(SyncTask(BOOKING_ID, trusted=False, suspects=frozenset({ANNA})))
    assert not world.calendar.events
    assert world.record == SyncRecord(None, 1)


async def _created_unrecorded(world: World, *, deleted: bool = True) -> EventRef:
    """The event of a try that died before it recorded, long ago; a technician may have deleted it."""
    world.rows.faults.before["record"] = [TransientError("killed")]
    known = set(world.calendar.events)
    await world.synchronizer.sync(UNTRUSTED)
    (made,) = set(world.calendar.events) - known
    world.let_an_hour_pass()
    if deleted:
        world.calendar.user_deletes(made)
    return made


async def test_a_search_that_does_not_know_the_row_s_event_yet_takes_nothing_from_it(world: World) -> None:
    """Somebody wrote over the row's columns right after its event was made; nobody missed that event."""
    await world.synced(booking())
    event = world.record.event
    assert event
    world.calendar.events[event] = replace(world.calendar.events[event], marker="")  # for searches alone
    world.rows.rows[BOOKING_ID] = replace(world.rows.rows[BOOKING_ID], intact=False)
    await world.synchronizer.sync(TASK)
    assert list(world.calendar.events) == [event]
    assert world.record.event == event


async def test_a_mailbox_that_refuses_keeps_no_other_from_being_searched(world: World) -> None:
    """Both may hold what an earlier try left."""
    world.rows.put(booking(mailbox=BERT))
    made = await _created_unrecorded(world, deleted=False)
    world.rows.put(replace(booking(mailbox=BERT), status=CANCELED))
    world.calendar.refused[ANNA] = "no such mailbox"
    assert made.mailbox == BERT > ANNA
    await world.synchronizer.sync(SyncTask(BOOKING_ID, trusted=False, suspects=frozenset({ANNA, BERT})))
    assert not world.calendar.events


async def test_a_record_that_is_refused_takes_away_only_an_event_of_this_run(world: World) -> None:
    """The row goes on naming one that was there before; one that is new it will never name."""
    await world.synced(booking())
    world.rows.put(replace(booking(), name="Boiler repair"))
    world.rows.faults.before["record"] = [PermanentError("a plug-in does not like it")]
    outcome = await world.synchronizer.sync(TASK)
    assert (outcome.kind, outcome.detail) == (OutcomeKind.FAILED, "a plug-in does not like it")
    assert len(world.calendar.events) == 1
    world.rows.put(booking())
    world.calendar.events.clear()
    world.rows.faults.before["record"] = [PermanentError("a plug-in does not like it")]
    outcome = await world.synchronizer.sync(UNTRUSTED)
    assert outcome.kind is OutcomeKind.FAILED
    assert not world.calendar.events


async def test_an_event_that_no_row_names_goes_with_its_canceled_booking(world: World) -> None:
    """Who is in doubt looks into the technician's mailbox, though neither row nor hint names it."""
    world.rows.put(booking())
    await _created_unrecorded(world, deleted=False)
    world.rows.put(replace(booking(), status=CANCELED))
    await world.synchronizer.sync(UNTRUSTED)
    assert not world.calendar.events


async def test_an_event_that_gets_another_id_before_its_update_is_not_made_twice(world: World) -> None:
    """A migration renames what an earlier try created, just when it was found: the next try takes it over."""
    world.rows.put(booking())
    found = await _created_unrecorded(world, deleted=False)
    moved = replace(world.calendar.events[found], ref=EventRef(ANNA, "under another id"))

    async def migration(point: str) -> None:
        if point == "calendar.update" and found in world.calendar.events:
            del world.calendar.events[found]
            world.calendar.events[moved.ref] = moved

    world.calendar.hook = migration
    assert (await world.synchronizer.sync(TASK)).kind is OutcomeKind.DEFERRED
    assert list(world.calendar.events) == [moved.ref]
    assert (await world.synchronizer.sync(UNTRUSTED)).kind is OutcomeKind.SYNCED
    assert (list(world.calendar.events), world.record.event) == ([moved.ref], moved.ref)


async def test_an_event_in_deleted_items_is_not_taken_over(world: World) -> None:
    """Graph answers its transactionId and its id for as long as it lies there; the next one is shown."""
    world.rows.put(booking())
    deleted = await _created_unrecorded(world)
    await world.synchronizer.sync(UNTRUSTED)
    (shown,) = world.calendar.events.values()
    assert shown.ref != deleted
    assert (world.record.event, world.record.generation) == (shown.ref, 2)


@pytest.mark.parametrize("change", ["canceled", "reassigned", "deleted"])
async def test_a_former_event_goes_under_whatever_id(world: World, change: str) -> None:
    """An archive gave it another one, so its removal finds nothing under the id that the row names."""
    await world.synced(booking())
    former = world.record.event
    assert former
    state = format_state(BOOKING_ID, world.record, sealer(ORGANIZATION_ID))
    moved = replace(world.calendar.events.pop(former), ref=EventRef(ANNA, "under another id"))
    world.calendar.events[moved.ref] = moved
    task = TASK
    if change == "deleted":
        world.rows.remove(BOOKING_ID)
        task = SyncTask(BOOKING_ID, deleted=frozenset({EventClaim(former, state)}))
    elif change == "canceled":
        world.rows.put(replace(booking(), status=CANCELED))
    else:
        world.rows.put(replace(booking(), resource=technician(BERT)))
    await world.synchronizer.sync(task)
    assert world.calendar.of(ANNA) == []
    assert len(world.calendar.events) == (change == "reassigned")


async def test_what_another_try_left_is_taken_over_before_anything_is_created(world: World) -> None:
    """An uncertain run whose row names no event looks for one, since Graph may have forgotten creations."""
    world.rows.put(booking())
    await _created_unrecorded(world)
    second = await _created_unrecorded(world, deleted=False)
    world.calendar.doubles = True
    world.calendar.calls.clear()
    await world.synchronizer.sync(UNTRUSTED)
    assert list(world.calendar.events) == [second]
    assert (world.record.event, world.record.generation) == (second, 2)
    assert "create" not in world.calendar.calls


async def test_what_another_try_left_is_removed_when_the_creation_is_looked_at(world: World) -> None:
    """A search did not know the second try's event yet, and Graph made the first one's again: that stays."""
    world.rows.put(booking())
    await _created_unrecorded(world)
    second = await _created_unrecorded(world, deleted=False)
    world.calendar.doubles = True
    late = {second: world.calendar.events.pop(second)}

    async def known_later(point: str) -> None:
        if point == "calendar.create":
            world.calendar.events.update(late)
            late.clear()

    world.calendar.hook = known_later
    await world.synchronizer.sync(UNTRUSTED)
    (shown,) = world.calendar.events.values()
    assert (world.record.event, world.record.generation) == (shown.ref, 1)


async def test_an_event_that_a_search_does_not_know_yet_is_kept(world: World) -> None:
    """What was made a moment ago is not taken for deleted because a list lacks it."""
    await world.synced(booking())
    event = world.record.event
    assert event
    world.calendar.user_deletes(event)  # as far as a list can tell
    await world.synchronizer.sync(SyncTask(BOOKING_ID, trusted=False, suspects=frozenset({ANNA})))
    assert world.record.event == event
    assert "delete" not in world.calendar.calls


async def test_an_event_that_a_migration_gave_another_id_is_found_before_it_is_made_again(
    world: World,
) -> None:
    """The id on the row is unknown to Outlook, the event is there: it is updated, not doubled."""
    await world.synced(booking())
    event = world.record.event
    assert event
    moved = replace(world.calendar.events.pop(event), ref=EventRef(ANNA, "MOVED"))
    world.calendar.events[moved.ref] = moved
    world.rows.put(replace(booking(), name="Boiler repair"))
    outcome = await world.synchronizer.sync(TASK)
    (shown,) = world.calendar.events.values()
    assert (outcome.detail, world.record.event, world.record.generation) == ("event updated", moved.ref, 1)
    assert "Boiler repair" in shown.content.subject


async def test_an_event_that_is_removed_before_it_gets_its_extension_is_created_anew(world: World) -> None:
    """The next generation takes its place, in the same run."""
    world.rows.put(booking())
    strikes = ["calendar.tag"]

    async def remove(operation: str) -> None:
        if operation in strikes:
            strikes.remove(operation)
            world.calendar.events.clear()

    world.calendar.hook = remove
    assert (await world.synchronizer.sync(TASK)).kind is OutcomeKind.SYNCED
    (event,) = world.calendar.events.values()
    assert world.record.event == event.ref
    assert world.record.generation == 2
    assert event.tagged


async def test_a_booking_deleted_before_a_refused_extension_is_told_leaves_no_event(world: World) -> None:
    """What happens between record and note is noticed by the note's own reading."""
    world.rows.put(booking())
    world.calendar.faults.before["tag"] = [PermanentError("Outlook: quota.")]
    seen: list[str] = []

    async def delete(operation: str) -> None:
        seen.append(operation)
        if seen.count("rows.read") == 2 and BOOKING_ID in world.rows.rows:
            world.rows.remove(BOOKING_ID)

    world.rows.hook = delete
    assert (await world.synchronizer.sync(TASK)).kind is OutcomeKind.SYNCED
    assert not world.calendar.events


async def test_a_throttled_mailbox_defers_by_what_it_asked_for_and_stays_certain(world: World) -> None:
    """A refusal that wrote nothing leaves the message as trustworthy as it was."""
    world.rows.put(booking())
    world.calendar.faults.before["create"] = [TransientError("throttled", retry_after=17.5)]
    outcome = await world.synchronizer.sync(TASK)
    assert (outcome.kind, outcome.delay, outcome.uncertain) == (OutcomeKind.DEFERRED, 17.5, False)
    assert not outcome.suspects


async def test_a_booking_that_never_rests_is_put_back(world: World) -> None:
    """Endless conflicts end in a deferral, not in an endless loop."""

    async def always_change(point: str) -> None:
        if point == "rows.record":
            world.rows.put(replace(booking(), name=f"Change {len(world.rows.calls)}"))

    world.rows.hook = always_change
    world.rows.put(booking())
    outcome = await world.synchronizer.sync(TASK)
    assert (outcome.kind, outcome.uncertain) == (OutcomeKind.DEFERRED, True)


async def test_giving_up_tells_the_row_why_and_forgets_the_fingerprint(world: World) -> None:
    """A booking given up says so on its row, and its next change writes whatever is recorded."""
    await world.synced(booking())
    await world.synchronizer.note_failure(BOOKING_ID, "Given up.")
    assert (world.record.error, world.record.fingerprint) == ("Given up.", "")
    await world.synchronizer.sync(TASK)
    assert world.calendar.calls[:2] == ["look", "update"]
    assert world.record.error == ""


def test_merging_tasks_keeps_the_cautious_side_of_each() -> None:
    """Two hints of one booking make a task that is trusted only if both are."""
    event = EventClaim(EventRef(ANNA, "E1"))
    merged = TASK.merge(
        SyncTask(BOOKING_ID, trusted=False, deleted=frozenset({event}), suspects=frozenset({BERT}))
    )
    assert merged == SyncTask(
        BOOKING_ID, trusted=False, deleted=frozenset({event}), suspects=frozenset({BERT})
    )


def test_merged_looks_are_about_all_their_versions_or_about_whatever_there_is() -> None:
    """One that is about no version in particular may end with none."""
    one, two = (SyncTask(BOOKING_ID, look=True, versions=frozenset({each})) for each in "12")
    assert one.merge(two).versions == {"1", "2"}
    assert one.merge(TASK) == one == TASK.merge(one)
    assert one.merge(SyncTask(BOOKING_ID, look=True)) == SyncTask(BOOKING_ID, look=True)


async def test_generations_used_up_in_vain_are_passed_over_for_good(world: World) -> None:
    """Events that failed tries created and removed again stand in the way once, however many they are."""
    await world.synced(booking())
    await world.used_up(range(2, 9))
    outcome = await world.synchronizer.sync(UNTRUSTED)
    (event,) = world.calendar.events.values()
    assert outcome.kind is OutcomeKind.SYNCED
    assert world.record.event == event.ref
    assert event.transaction_id == transaction_id(MARK, ANNA, 9)


async def test_how_far_generations_are_used_up_is_remembered_between_tries(world: World) -> None:
    """A try that meets nothing but dead events leaves the next one further on, not where it began."""
    await world.synced(booking())
    await world.used_up(range(2, 41))
    first, second = [await world.synchronizer.sync(UNTRUSTED) for _ in range(2)]
    assert (first.kind, second.kind) == (OutcomeKind.DEFERRED, OutcomeKind.SYNCED)
    assert world.record.generation == 41


async def test_a_copied_environment_does_not_adopt_the_originals_event(world: World) -> None:
    """Its bookings have the same ids; with the same transactionId Graph would name the original's event."""
    await world.synced(booking())
    (original,) = world.calendar.events.values()
    copy = FakeRows()
    copy.put(replace(booking(), name="Tried out in the sandbox"))
    sandbox = synchronizer(copy, world.calendar, "99990000-0000-4000-8000-000000000009")
    assert (await sandbox.sync(TASK)).kind is OutcomeKind.SYNCED
    assert world.calendar.events[original.ref] == original
    assert len(world.calendar.of(ANNA)) == 2


@pytest.mark.parametrize("longer", ["tag", "record"])
async def test_of_two_waits_the_longer_one_counts(world: World, longer: str) -> None:
    """Outlook and Dynamics 365 are asked side by side, and both ask to wait."""
    for operation in ("tag", "record"):
        seconds = 30.0 if operation == longer else 5.0
        where = world.calendar.faults if operation == "tag" else world.rows.faults
        where.before[operation] = [TransientError("throttled", retry_after=seconds)]
    world.rows.put(booking())
    outcome = await world.synchronizer.sync(TASK)
    assert (outcome.kind, outcome.delay) == (OutcomeKind.DEFERRED, 30.0)


async def test_the_last_generation_is_made_and_none_after_it(world: World) -> None:
    """A booking whose event somebody removes without end is given up, with the reason."""
    await world.synced(booking())
    stored = world.rows.rows[BOOKING_ID]
    for generation, kind in ((MAX_GENERATION - 1, OutcomeKind.SYNCED), (MAX_GENERATION, OutcomeKind.FAILED)):
        world.calendar.events.clear()
        world.rows.rows[BOOKING_ID] = replace(stored, record=SyncRecord(None, generation))
        world.rows.put(booking())
        assert (await world.synchronizer.sync(TASK)).kind is kind


async def test_a_booking_that_never_rests_is_put_back_after_some_rounds(world: World) -> None:
    """So many, and not one more: others wait."""

    async def dispatcher(point: str) -> None:
        if point == "rows.record":
            world.rows.put(booking())

    world.rows.put(booking())
    world.rows.hook = dispatcher
    outcome = await world.synchronizer.sync(TASK)
    assert (outcome.kind, outcome.rounds) == (OutcomeKind.DEFERRED, MAX_ROUNDS)


@pytest.mark.parametrize("wanted", ["Jobs", ""])
async def test_an_event_that_was_dragged_to_another_calendar_comes_back(world: World, wanted: str) -> None:
    """A look finds it elsewhere than it should be: it is removed there, and made where it belongs."""

    def in_calendar(subject: Booking) -> DesiredState:
        return desired_state(subject, _RENDERER.render, require_work_order=True, calendar=wanted)

    world.calendar.tells_calendars = True
    seals = prover(world.calendar, ORGANIZATION_ID)
    world.synchronizer = Synchronizer(world.rows, world.calendar, in_calendar, seals, events_clock)
    await world.synced(booking())
    (event,) = world.calendar.events.values()
    look = SyncTask(BOOKING_ID, trusted=False, suspects=frozenset({ANNA}))
    await world.synchronizer.sync(look)
    assert list(world.calendar.events) == [event.ref]
    dragged = replace(event, content=replace(event.content, calendar="" if wanted else "Family"))
    world.calendar.events[event.ref] = dragged
    await world.synchronizer.sync(look)
    (shown,) = world.calendar.events.values()
    assert shown.content.calendar == wanted
    assert (shown.ref != event.ref, world.record.event) == (True, shown.ref)
