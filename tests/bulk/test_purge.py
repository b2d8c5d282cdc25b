"""Purge's use case: only what is ours, nothing by half a list, and completed by another run."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from booking_sync.bulk.purge import MAX_ROUNDS, Purge, PurgeSources, Survey
from booking_sync.domain.events.event_ref import EventRef
from booking_sync.domain.events.ownership import SealKeys, marker, transaction_id
from booking_sync.domain.record import SyncRecord
from booking_sync.domain.return_path.base import Base
from booking_sync.domain.return_path.comparison import Agreement
from booking_sync.domain.return_path.side import (
    Answered,
    OutlookSide,
    Proposal,
    ProposalAnswer,
    ProposalKind,
)
from booking_sync.domain.return_path.times import Times
from booking_sync.errors import PermanentError, TransientError
from booking_sync.plumbing.patience import Patience
from booking_sync.ports.dataverse.bookings import Presence
from booking_sync.sync.booking.proof import EventProver
from booking_sync.sync.booking.synchronizer import Synchronizer
from booking_sync.sync.booking.task import SyncTask
from tests.audit.kit import desired
from tests.support.bookings import ANNA, BERT, BOOKING_ID, ORGANIZATION_ID, booking
from tests.support.calendars import START, WholeCalendar
from tests.support.fakes import FakeRows, events_clock
from tests.support.pacing import Sleeper
from tests.support.seals import KEYRING, prover, sealer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence
    from datetime import datetime

    from booking_sync.ports.dataverse.bookings import BookingOwner

SECOND = "0d7c1f57-3b1e-4c8e-9a55-2f6f0d6b1a02"
EVERYBODY: frozenset[str] = frozenset()


@dataclass
class Reads:
    """What Dataverse says of mailboxes and of bookings that are in no list."""

    hidden: set[str] = field(default_factory=set)

    async def resources(self) -> Mapping[str, str]:
        """See the port."""
        return {"anna": ANNA, "bert": BERT, "van": ""}

    async def whose(
        self, starts_from: datetime, starts_before: datetime
    ) -> AsyncGenerator[Sequence[BookingOwner], None]:
        """See the port; purge does not ask."""
        raise AssertionError((starts_from, starts_before))
        yield []

    async def presence(self, booking_ids: Sequence[str]) -> Mapping[str, Presence]:
        """See the port."""
        return {each: Presence.HIDDEN if each in self.hidden else Presence.GONE for each in booking_ids}


class World:
    """Rows and calendars, brought in step by the real synchronizer."""

    def __init__(self) -> None:
        self.rows = FakeRows()
        self.calendar = WholeCalendar()
        self.reads = Reads()
        self.sleeper = Sleeper()
        sources = PurgeSources(
            self.rows,
            self.rows,
            self.reads,
            self.calendar,
            self.calendar,
            prover(self.calendar, ORGANIZATION_ID),
        )
        self.purge = Purge(sources, desired, ORGANIZATION_ID, Patience(sleep=self.sleeper))

    async def book(self, booking_id: str = BOOKING_ID, mailbox: str = ANNA) -> EventRef:
        """A booking in step; its event."""
        self.rows.put(booking(booking_id, mailbox))
        await synchronizer(self).sync(SyncTask(booking_id))
        event = self.rows.rows[booking_id].record.event
        assert event
        return event

    async def run(self, mailboxes: frozenset[str] = EVERYBODY) -> Survey:
        """Purge and look again."""
        await self.purge.carry_out(await self.purge.survey(mailboxes))
        return await self.purge.survey(mailboxes)

    def record(self, booking_id: str = BOOKING_ID) -> SyncRecord:
        """What a row remembers."""
        return self.rows.rows[booking_id].record


def synchronizer(world: World) -> Synchronizer:
    """What brings bookings in step."""
    proof = prover(world.calendar, ORGANIZATION_ID)
    return Synchronizer(world.rows, world.calendar, desired, proof, events_clock)


async def test_an_event_and_its_record_go_and_the_generation_stays() -> None:
    """An event made later must not meet the dead one's transactionId."""
    world = World()
    await world.book()
    survey = await world.purge.survey(EVERYBODY)
    assert (survey.wanted, survey.clean) == (1, False)
    left = await world.run()
    assert left.clean
    assert world.calendar.events == {}
    assert world.calendar.calls.count("delete") == 1
    assert world.record() == SyncRecord(generation=1)
    again = await world.book()
    assert again in world.calendar.events


async def test_what_came_back_from_outlook_is_forgotten_but_not_an_event_that_stays_elsewhere() -> None:
    """Nobody answers a proposal for an event that is gone; what is leaving another calendar is not lost."""
    world = World()
    world.rows.tells_side = True
    await world.book()
    row = world.rows.rows[BOOKING_ID]
    there = EventRef(BERT, "former")
    moved = Times(START, START + timedelta(hours=1))
    world.rows.rows[BOOKING_ID] = replace(
        row,
        side=OutlookSide(
            Base(Agreement(moved, ""), face="f", leaving=frozenset({there})),
            told="Outlook: proposed.",
            proposal=Proposal(ProposalKind.MOVE, moved),
            answered=Answered(ProposalAnswer.REJECT),
        ),
    )
    assert (await world.run(frozenset({ANNA}))).clean
    assert world.rows.rows[BOOKING_ID].side == OutlookSide(Base(leaving=frozenset({there})))


async def test_without_the_return_path_its_columns_are_left_alone() -> None:
    """They need not exist."""
    world = World()
    await world.book()
    assert (await world.run()).clean
    assert world.rows.rows[BOOKING_ID].side is None


async def test_only_the_mailboxes_that_were_named_are_emptied() -> None:
    """Others stay as they are."""
    world = World()
    await world.book()
    theirs = await world.book(SECOND, BERT)
    assert (await world.run(frozenset({ANNA.upper()}))).clean
    assert list(world.calendar.events) == [theirs]
    assert world.record(SECOND).event == theirs


async def test_copies_and_foreign_events_stay() -> None:
    """A marker alone proves nothing."""
    world = World()
    event = await world.book()
    content = world.calendar.events[event].content
    copy = world.calendar.user_creates(ANNA, content, marker(ORGANIZATION_ID, BOOKING_ID))
    foreign = world.calendar.user_creates(ANNA, content, marker(SECOND, BOOKING_ID))
    own = world.calendar.user_creates(ANNA, content)
    left = await world.run()
    assert left.clean
    assert set(world.calendar.events) == {copy.ref, foreign.ref, own.ref}
    (anna,) = [each for each in left.mailboxes if each.mailbox == ANNA]
    assert (anna.copies, anna.foreign) == (1, 1)


async def test_a_copy_with_everything_stays() -> None:
    """Marker, birth, transactionId and seal travel with a copy; its own identity does not match them."""
    world = World()
    event = await world.book()
    copy = world.calendar.user_copies(world.calendar.events[event])
    left = await world.run()
    assert set(world.calendar.events) == {copy.ref}
    assert sum(each.copies for each in left.mailboxes) == 1


async def test_a_copy_stays_when_its_original_is_gone() -> None:
    """That nothing else has this seal makes the copy no original."""
    world = World()
    event = await world.book()
    copy = world.calendar.user_copies(world.calendar.events[event])
    await world.calendar.delete(event)
    await world.run()
    assert set(world.calendar.events) == {copy.ref}


async def test_an_event_that_an_edited_row_names_stays() -> None:
    """Somebody put another event into our columns: it is left, and the columns are cleared."""
    world = World()
    event = await world.book()
    private = world.calendar.user_creates(ANNA, world.calendar.events[event].content)
    row = world.rows.rows[BOOKING_ID]
    edited = replace(row, record=SyncRecord(), claim=private.ref, intact=False)
    world.rows.rows[BOOKING_ID] = edited
    assert (await world.run(frozenset({ANNA}))).clean
    assert set(world.calendar.events) == {private.ref}
    assert world.rows.rows[BOOKING_ID].claim is None


@pytest.mark.parametrize("days_before_the_key", [1, -1])
async def test_an_event_from_before_the_seals_goes(days_before_the_key: int) -> None:
    """It can't carry a seal and is known by its transactionId; one made since then must be sealed."""
    world = World()
    event = await world.book()
    mark = marker(ORGANIZATION_ID, BOOKING_ID)
    world.calendar.events[event] = replace(
        world.calendar.events[event], tag="", birth="", transaction_id=transaction_id(mark, ANNA, 1)
    )
    world.rows.rows[BOOKING_ID] = replace(world.rows.rows[BOOKING_ID], record=SyncRecord(), claim=event)
    since = events_clock() + timedelta(days=days_before_the_key)
    keys = SealKeys(KEYRING.keys().accepted, since)
    proof = EventProver(world.calendar, sealer(ORGANIZATION_ID, keys=lambda: keys), KEYRING)
    sources = PurgeSources(world.rows, world.rows, world.reads, world.calendar, world.calendar, proof)
    purge = Purge(sources, desired, ORGANIZATION_ID, Patience(sleep=world.sleeper))
    await purge.carry_out(await purge.survey(EVERYBODY))
    assert (event in world.calendar.events) is (days_before_the_key < 0)


async def test_an_orphan_goes_and_an_event_of_a_hidden_booking_stays() -> None:
    """Gone is what Dataverse says of the very id; hidden rows are missing from lists just the same."""
    world = World()
    orphan = await world.book()
    hidden = await world.book(SECOND)
    for each in (BOOKING_ID, SECOND):
        world.rows.remove(each)
    world.reads.hidden.add(SECOND)
    left = await world.run()
    assert set(world.calendar.events) == {hidden}
    assert orphan not in world.calendar.events
    assert not left.clean
    assert sum(each.withheld for each in left.mailboxes) == 1


async def test_a_list_that_fails_removes_what_rows_name_and_is_told() -> None:
    """Nothing is concluded from a calendar that could not be listed."""
    world = World()
    await world.book()
    unrecorded = await world.book(SECOND)
    row = world.rows.rows[SECOND]
    await world.rows.record(SECOND, row.etag, SyncRecord(generation=1))
    world.calendar.faults.before["list_all"] = [PermanentError("closed")] * 9
    left = await world.run(frozenset({ANNA}))
    assert set(world.calendar.events) == {unrecorded}
    assert [each.problem for each in left.mailboxes] == ["closed"]
    assert not left.clean


async def test_a_list_of_rows_that_fails_leaves_everything() -> None:
    """Without the rows nothing can be told apart."""
    world = World()
    event = await world.book()
    world.rows.faults.after["list"] = [TransientError("cut short", retry_after=9999)]
    with pytest.raises(TransientError):
        await world.purge.survey(EVERYBODY)
    assert list(world.calendar.events) == [event]


async def test_a_busy_service_is_waited_for() -> None:
    """As long as it asks for."""
    world = World()
    await world.book()
    world.calendar.faults.before["delete"] = [TransientError("busy", retry_after=3)]
    assert (await world.run()).clean
    assert 3 in world.sleeper.slept


async def test_an_event_that_can_t_be_removed_keeps_its_record() -> None:
    """So that the next run finds it."""
    world = World()
    event = await world.book()
    world.calendar.faults.before["delete"] = [PermanentError("refused")]
    (purged,) = await world.purge.carry_out(await world.purge.survey(EVERYBODY))
    assert (purged.problems, purged.events, purged.rows) == (["refused"], 0, 0)
    assert world.record().event == event
    assert (await world.run()).clean


async def test_a_row_that_names_another_event_by_then_loses_that_one_too() -> None:
    """Its record is cleared under the version that was read."""
    world = World()
    event = await world.book()
    survey = await world.purge.survey(EVERYBODY)
    await world.calendar.delete(event)
    await synchronizer(world).sync(SyncTask(BOOKING_ID, False))  # noqa: FBT003 - trusted or not
    assert world.record().event not in (None, event)
    await world.purge.carry_out(survey)
    assert world.calendar.events == {}
    assert world.record().event is None


async def test_a_row_that_keeps_changing_is_told() -> None:
    """Somebody is at work: the app, most likely."""
    world = World()
    await world.book()
    survey = await world.purge.survey(EVERYBODY)

    async def meddle(point: str) -> None:
        if point == "rows.record":
            world.rows.put(booking())

    world.rows.hook = meddle
    (purged,) = await world.purge.carry_out(survey)
    assert "app running" in purged.problems[0]
    assert world.rows.calls.count("record") == 1 + MAX_ROUNDS  # the first one booked it


def _agreed(world: World) -> None:
    """Technicians' changes come back: both sides agree on the booking's times."""
    world.rows.tells_side = True
    row = world.rows.rows[BOOKING_ID]
    assert row.booking.start
    assert row.booking.end
    base = Base(Agreement(Times(row.booking.start, row.booking.end), "0" * 16), face="f")
    world.rows.rows[BOOKING_ID] = replace(row, side=OutlookSide(base))


async def test_a_purge_that_breaks_off_leaves_nothing_that_looks_like_a_persons_deletion() -> None:
    """Both sides agree on nothing before the first event goes."""
    world = World()
    event = await world.book()
    _agreed(world)
    found: list[Agreement | None] = []

    async def look_at_the_row(point: str) -> None:
        side = world.rows.rows[BOOKING_ID].side
        if point == "calendar.delete" and side:
            found.append(side.base.agreement)

    world.calendar.hook = look_at_the_row
    assert (await world.run()).clean
    assert found == [None]
    assert event not in world.calendar.events


async def test_events_stay_where_a_row_can_not_say_so_first() -> None:
    """The next run completes it."""
    world = World()
    event = await world.book()
    _agreed(world)
    survey = await world.purge.survey(EVERYBODY)

    async def refuse(point: str) -> None:
        if point == "rows.record":
            raise PermanentError("Dynamics 365: the work order is being invoiced.")

    world.rows.hook = refuse
    await world.purge.carry_out(survey)
    assert event in world.calendar.events
    world.rows.hook = _nothing
    assert (await world.run()).clean
    assert event not in world.calendar.events


async def _nothing(point: str) -> None:
    """Nothing happens meanwhile."""
