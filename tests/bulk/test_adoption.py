"""Adoption's use case: a former sync's events become ours, under a conditional write, and none by a guess."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from booking_sync.bulk.adoption import Adopter, Adoption, AdoptionSources, Extension, Fate
from booking_sync.domain.events.event_ref import EventRef
from booking_sync.domain.events.ownership import Own, marker
from booking_sync.domain.outcome import OutcomeKind
from booking_sync.domain.plan import Wanted
from booking_sync.domain.record import SyncRecord
from booking_sync.errors import PermanentError, TransientError
from booking_sync.plumbing.patience import Patience
from booking_sync.ports.dataverse.bookings import FormerRecord
from booking_sync.sync.booking.synchronizer import Synchronizer
from booking_sync.sync.booking.task import SyncTask
from tests.audit.kit import desired
from tests.support.bookings import ANNA, BERT, BOOKING_ID, ORGANIZATION_ID, booking, technician
from tests.support.calendars import REGULAR, START, WholeCalendar
from tests.support.fakes import FakeRows, events_clock
from tests.support.pacing import Sleeper
from tests.support.seals import prover, sealer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from datetime import datetime

BERTS_RESOURCE = "bbbbbbbb-0000-4000-8000-000000000000"


class Columns:
    """What the former sync noted."""

    def __init__(self) -> None:
        self.noted: list[FormerRecord] = []

    async def list_former(self, starts_from: datetime) -> AsyncIterator[Sequence[FormerRecord]]:
        """See the port."""
        assert starts_from == START
        yield self.noted


class People:
    """Whose resource is whose."""

    async def mailboxes(self) -> Mapping[str, str]:
        """See the port."""
        return {BERTS_RESOURCE: BERT, "aaaaaaaa-0000-4000-8000-000000000000": ANNA}


class World:
    """One booking of Anna's."""

    def __init__(self) -> None:
        self.rows = FakeRows()
        self.calendar = WholeCalendar()
        self.columns = Columns()
        self.rows.put(booking())
        wanted = desired(booking())
        assert isinstance(wanted, Wanted)
        self.content = wanted.content

    def flow_event(self, mailbox: str = ANNA, *, tagged: bool = False) -> EventRef:
        """An event of the former sync's."""
        ref = self.calendar.user_creates(mailbox, self.content).ref
        if tagged:
            self.calendar.extensions[ref] = f"{{{BOOKING_ID.upper()}}}"
        return ref

    def note(self, event_id: str, mailbox: str = "") -> None:
        """The row's columns name an event."""
        self.columns.noted = [FormerRecord(BOOKING_ID, event_id, mailbox)]

    async def adopt(self, *, dry_run: bool = False) -> Adoption:
        """What becomes of the booking's event."""
        extension = Extension("com.contoso.flow", "booking")
        sources = AdoptionSources(self.rows, self.calendar, self.calendar, People(), self.columns, extension)
        patience = Patience(sleep=Sleeper())
        done = await Adopter(sources, desired, sealer(ORGANIZATION_ID), patience, dry_run=dry_run).run(START)
        (adoption,) = done.adoptions
        assert adoption.booking_id == BOOKING_ID
        return adoption

    @property
    def record(self) -> SyncRecord:
        """What the row remembers."""
        return self.rows.rows[BOOKING_ID].record


def synchronizer(world: World) -> Synchronizer:
    """The app's protocol, once it runs."""
    proof = prover(world.calendar, ORGANIZATION_ID)
    return Synchronizer(world.rows, world.calendar, desired, proof, events_clock)


@pytest.mark.parametrize("kind", ["", REGULAR])
async def test_a_noted_event_is_adopted_and_updated_in_place(kind: str) -> None:
    """Under its immutable id, marked, with the content unknown; the next hint writes it."""
    world = World()
    event = world.flow_event()
    world.note(kind + event.event_id)
    assert (await world.adopt(dry_run=True)).fate is Fate.ADOPTED
    assert world.record == SyncRecord()
    assert (await world.adopt()).fate is Fate.ADOPTED
    assert world.record == SyncRecord(event, generation=1)
    assert world.calendar.events[event].marker == marker(ORGANIZATION_ID, BOOKING_ID)
    again = await world.adopt()
    assert (again.fate, again.settled) == (Fate.RECORDED, True)
    outcome = await synchronizer(world).sync(SyncTask(BOOKING_ID))
    assert (outcome.kind, outcome.detail) == (OutcomeKind.SYNCED, "event updated")
    assert list(world.calendar.events) == [event]


@pytest.mark.parametrize("noted", [BERT, BERT.upper(), BERTS_RESOURCE])
async def test_the_noted_mailbox_may_be_a_user_or_a_resource(noted: str) -> None:
    """An event in a former technician's calendar is adopted there, and moved by the next hint."""
    world = World()
    event = world.flow_event(BERT)
    world.note(event.event_id, noted)
    assert (await world.adopt()).event == event


@pytest.mark.parametrize("mailbox", [ANNA, BERT], ids=["of the user, as before", "of the resource itself"])
async def test_a_resources_own_mailbox_is_looked_into_as_well_as_its_users(mailbox: str) -> None:
    """None was noted: bookings show in the one today, and may have shown in the other."""
    world = World()
    owner = technician(ANNA)
    world.rows.put(replace(booking(), resource=replace(owner, mailbox=BERT)))
    event = world.flow_event(mailbox)
    world.note(event.event_id)
    assert (await world.adopt()).fate is Fate.ADOPTED
    assert world.record.event == event


async def test_an_event_is_found_by_the_extension_alone() -> None:
    """Whatever braces and case the booking's id has there."""
    world = World()
    event = world.flow_event(tagged=True)
    assert (await world.adopt()).event == event


async def test_one_event_under_two_ids_is_one() -> None:
    """Noted by its regular id, found by the extension under its immutable one."""
    world = World()
    event = world.flow_event(tagged=True)
    world.note(REGULAR + event.event_id)
    adoption = await world.adopt()
    assert (adoption.fate, adoption.event, adoption.others) == (Fate.ADOPTED, event, ())


async def test_of_several_events_the_noted_one_is_adopted_and_the_others_are_told() -> None:
    """The former sync doubled some; nothing of them is removed."""
    world = World()
    double, event = world.flow_event(tagged=True), world.flow_event(tagged=True)
    world.note(event.event_id)
    adoption = await world.adopt()
    assert (adoption.event, adoption.others, adoption.settled) == (event, (double,), False)
    assert len(world.calendar.events) == 2


async def test_of_several_events_none_is_chosen_by_a_guess() -> None:
    """A person has to."""
    world = World()
    events = {world.flow_event(tagged=True), world.flow_event(tagged=True)}
    adoption = await world.adopt()
    assert (adoption.fate, set(adoption.others)) == (Fate.SEVERAL, events)
    assert world.record == SyncRecord()


@pytest.mark.parametrize(
    ("noted", "fate"), [("gone", Fate.GONE), ("../../me", Fate.UNUSABLE), ("", Fate.GONE)]
)
async def test_what_can_t_be_adopted_is_told(noted: str, fate: Fate) -> None:
    """And the row stays as it is."""
    world = World()
    world.note(noted)
    assert (await world.adopt()).fate is fate
    assert world.record == SyncRecord()


async def test_a_mailbox_that_refuses_is_told() -> None:
    """With its reason; others go on."""
    world = World()
    world.note("E1")
    world.calendar.faults.before["look_up"] = [PermanentError("closed")]
    adoption = await world.adopt()
    assert (adoption.fate, adoption.detail) == (Fate.FAILED, "closed")


async def test_a_booking_that_should_not_show_is_adopted_to_be_removed() -> None:
    """And named, since people will see an event vanish."""
    world = World()
    world.rows.put(replace(booking(), active=False))
    world.note(world.flow_event().event_id)
    adoption = await world.adopt()
    assert (adoption.fate, adoption.removed_next) == (Fate.ADOPTED, True)


async def test_the_app_that_is_faster_leaves_a_double_that_is_told() -> None:
    """The row changed while the event was marked: its record is not overwritten."""
    world = World()
    event = world.flow_event()
    world.note(event.event_id)

    async def app(point: str) -> None:
        if point == "calendar.claim":
            await synchronizer(world).sync(SyncTask(BOOKING_ID))

    world.calendar.hook = app
    adoption = await world.adopt()
    assert (adoption.fate, adoption.others) == (Fate.DOUBLE, (event,))
    assert world.record.event not in (None, event)


async def test_a_record_that_is_lost_after_the_mark_is_made_by_the_next_run() -> None:
    """Marking twice changes nothing."""
    world = World()
    event = world.flow_event()
    world.note(event.event_id)
    world.rows.faults.before["record"] = [TransientError("busy", retry_after=9999)]
    assert (await world.adopt()).fate is Fate.FAILED
    assert (await world.adopt()).fate is Fate.ADOPTED
    assert world.record.event == event


async def test_columns_filled_by_others_are_no_record_of_ours() -> None:
    """A former sync that wrote into our very columns is verified like any other."""
    world = World()
    event = world.flow_event()
    row = world.rows.rows[BOOKING_ID]
    claim = EventRef(ANNA, REGULAR + event.event_id)
    world.rows.rows[BOOKING_ID] = replace(row, claim=claim, intact=False)
    world.note(REGULAR + event.event_id)
    assert (await world.adopt()).fate is Fate.ADOPTED
    assert world.record == SyncRecord(event, generation=1)


async def test_an_adopted_event_proves_itself() -> None:
    """It is sealed like one that we made: an edited row can't lose it, and a copy of it is not ours."""
    world = World()
    event = world.flow_event()
    world.note(event.event_id)
    await world.adopt()
    world.calendar.user_copies(world.calendar.events[event])
    proof = prover(world.calendar, ORGANIZATION_ID)
    assert await proof.own_events(BOOKING_ID, ANNA) == [Own(event, 1)]
    row = world.rows.rows[BOOKING_ID]
    world.rows.rows[BOOKING_ID] = replace(row, record=SyncRecord(), claim=EventRef(BERT, "E9"), intact=False)
    await synchronizer(world).sync(SyncTask(BOOKING_ID))
    assert world.record.event == event
    assert len(world.calendar.events) == 2


async def test_a_dry_run_touches_no_event() -> None:
    """Neither mark nor seal is put on it."""
    world = World()
    event = world.flow_event()
    before = world.calendar.events[event]
    world.note(event.event_id)
    await world.adopt(dry_run=True)
    assert world.calendar.events == {event: before}


async def test_an_event_that_vanishes_before_it_is_sealed_is_gone() -> None:
    """Then nothing is recorded."""
    world = World()
    event = world.flow_event()
    world.note(event.event_id)

    async def vanish(point: str) -> None:
        if point == "calendar.tag":
            world.calendar.events.pop(event, None)

    world.calendar.hook = vanish
    assert (await world.adopt()).fate is Fate.GONE
    assert world.record == SyncRecord()


async def test_a_seal_that_is_refused_is_told_and_made_by_the_next_run() -> None:
    """Nothing is recorded that the event could not prove."""
    world = World()
    event = world.flow_event()
    world.note(event.event_id)
    world.calendar.faults.before["tag"] = [PermanentError("refused")]
    assert (await world.adopt()).fate is Fate.FAILED
    assert world.record == SyncRecord()
    assert (await world.adopt()).fate is Fate.ADOPTED
    assert world.record.event == event


async def test_an_event_without_its_booking_is_told() -> None:
    """It stays; somebody has to look."""
    world = World()
    event = world.flow_event(tagged=True)
    world.rows.remove(BOOKING_ID)
    adoption = await world.adopt()
    assert (adoption.fate, adoption.others) == (Fate.WITHOUT_BOOKING, (event,))
