"""What is looked at before an event counts as ours, on an in-memory Outlook."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from booking_sync.domain.events.event_ref import EventClaim, EventRef
from booking_sync.domain.events.event_text.renderer import EventRenderer, EventStyle
from booking_sync.domain.events.ownership import Own, marker, transaction_id
from booking_sync.domain.events.zones import event_zone
from booking_sync.domain.record import SyncRecord, format_state
from booking_sync.sync.booking.proof import EventProver
from tests.support.bookings import ANNA, BOOKING_ID, ORGANIZATION_ID, booking
from tests.support.fakes import EVENTS_BEGIN, FakeCalendar, StoredEvent
from tests.support.seals import KEYRING, sealer

if TYPE_CHECKING:
    from collections.abc import Iterable

SEALS = sealer(ORGANIZATION_ID)
MARK = marker(ORGANIZATION_ID, BOOKING_ID)
_SUBJECT = booking()
assert _SUBJECT.start
assert _SUBJECT.end
CONTENT = EventRenderer(EventStyle(event_zone("UTC"), "https://contoso.example")).render(
    _SUBJECT, _SUBJECT.start, _SUBJECT.end
)
LONG_AGO, JUST_NOW = EVENTS_BEGIN - timedelta(hours=1), EVENTS_BEGIN
SEARCHABLE = EVENTS_BEGIN - timedelta(minutes=10)


def event(name: str, generation: int = 1, uid: str = "", *, new: bool = False) -> StoredEvent:
    """One of ours with its tag; made long ago, or just now."""
    ref, uid = EventRef(ANNA, name), uid or f"uid of {name}"
    return StoredEvent(
        ref,
        CONTENT,
        MARK,
        transaction_id(MARK, ANNA, generation),
        JUST_NOW if new else LONG_AGO,
        uid=uid,
        tag=SEALS.tag(BOOKING_ID, ref, uid, generation),
    )


class World:
    """A calendar and who proves events in it."""

    def __init__(self, shown: Iterable[StoredEvent] = (), hidden: Iterable[StoredEvent] = ()) -> None:
        self.calendar = FakeCalendar()
        self.calendar.events = {each.ref: each for each in shown}
        self.calendar.deleted_items = {each.ref: each for each in hidden}
        self.prover = EventProver(self.calendar, SEALS, KEYRING)

    async def answer(self, event_id: str | None, generation: int = 1) -> tuple[str, list[str]]:
        """What Graph's word of an existing event proves: that event, and the others."""
        found = await self.prover.proven_answer(
            BOOKING_ID, ANNA, event_id, generation, searchable_before=SEARCHABLE
        )
        return found.own.event.event_id if found.own else "", [each.event.event_id for each in found.others]


@pytest.mark.parametrize("others", [("A",), ("z",), ("A", "z"), ()])
async def test_the_named_event_is_told_from_the_bookings_others(others: tuple[str, ...]) -> None:
    """Whether their ids are smaller or larger; each of them is told once."""
    world = World([event("M", 2), *(event(name, 1) for name in others)])
    found = await world.prover.proven(BOOKING_ID, EventRef(ANNA, "M"))
    assert found.own == Own(EventRef(ANNA, "M"), 2)
    assert {each.event.event_id for each in found.others} == set(others)


async def test_an_event_that_no_search_shows_is_not_proven() -> None:
    """The others are told all the same."""
    found = await World([event("A")]).prover.proven(BOOKING_ID, EventRef(ANNA, "M"))
    assert (found.own, [each.event.event_id for each in found.others]) == (None, ["A"])


async def test_a_tag_that_a_search_told_is_not_asked_for() -> None:
    """It is read only where the list left it out."""
    world = World([event("A")])
    await world.prover.own_events(BOOKING_ID, ANNA)
    assert world.calendar.calls == ["find", "read_tag"]


@pytest.mark.parametrize("event_id", ["M", None])
async def test_what_a_search_shows_is_not_looked_at_again(event_id: str | None) -> None:
    """Graph named an event that the list has, or none at all: the one of this creation counts."""
    world = World([event("M", 2), event("A", 1)])
    assert await world.answer(event_id, 2) == ("M", ["A"])
    assert "look" not in world.calendar.calls


@pytest.mark.parametrize("named", ["A", "z"])
async def test_an_event_that_was_made_a_moment_ago_is_believed_by_its_id(named: str) -> None:
    """A search may not know it yet, whatever else it shows."""
    world = World([event("M", 1)], [event(named, 2, new=True)])
    assert await world.answer(named, 2) == (named, ["M"])


@pytest.mark.parametrize("named", ["A", "z"])
async def test_an_event_that_a_search_should_know_and_does_not_is_not_there(named: str) -> None:
    """It lies in Deleted Items, where its id goes on answering."""
    assert await World([event("M", 1)], [event(named, 2)]).answer(named, 2) == ("", ["M"])
    at_the_edge = replace(event(named, 2), created=SEARCHABLE)
    assert await World([], [at_the_edge]).answer(named, 2) == (named, [])


async def test_an_event_that_is_gone_by_its_id_is_not_there() -> None:
    """Nothing answers."""
    assert await World([event("M", 1)]).answer("gone", 2) == ("", ["M"])


@pytest.mark.parametrize("names", [("A", "z"), ("z", "A")])
async def test_one_event_under_two_kinds_of_ids_stays_one(names: tuple[str, str]) -> None:
    """The list shows one id, Graph named the other: the same iCalUId says so, however old it is."""
    listed, named = names
    shown = replace(event(named, 2, uid="uid"), ref=EventRef(ANNA, listed), uid=f"{named[:0]}uid")
    assert await World([shown], [event(named, 2, uid="uid")]).answer(named, 2) == (named, [])


@pytest.mark.parametrize("uid", ["aaa", "zzz"])
async def test_an_event_with_another_icaluid_stays_beside_the_named_one(uid: str) -> None:
    """A smaller or a larger one; an empty one is nobody's."""
    world = World([event("M", 1, uid=uid)], [event("N", 2, uid="mmm", new=True)])
    assert await world.answer("N", 2) == ("N", ["M"])
    nameless = replace(event("N", 2), uid="", created=JUST_NOW)
    nameless = replace(nameless, tag=SEALS.tag(BOOKING_ID, nameless.ref, "", 2))
    assert await World([event("M", 1, uid=uid)], [nameless]).answer("N", 2) == ("N", ["M"])


@pytest.mark.parametrize("generation", [1, 2, 3])
async def test_only_an_event_of_this_very_creation_is_its_answer(generation: int) -> None:
    """One of an earlier or a later creation is another event of the booking's."""
    world = World([event("A", 1), event("B", 2), event("C", 3)])
    own, others = await world.answer(None, generation)
    assert own == "ABC"[generation - 1]
    assert set(others) == set("ABC") - {own}


async def test_of_two_events_of_one_creation_the_named_one_counts_and_else_the_first() -> None:
    """Graph was seen to make two at once."""
    both = [event("A", 2), event("M", 2), event("z", 2)]
    assert await World(both).answer("M", 2) == ("M", ["A", "z"])
    assert await World(both).answer("z", 2) == ("z", ["A", "M"])
    assert await World(both).answer(None, 2) == ("A", ["M", "z"])


async def test_a_deleted_rows_sealed_record_proves_its_event_without_a_request() -> None:
    """One that is not sealed for this row is looked up."""
    ref, record = EventRef(ANNA, "M"), SyncRecord(EventRef(ANNA, "M"), 3, "f")
    world = World([event("M", 2)])
    sealed = format_state(BOOKING_ID, record, SEALS)
    assert await world.prover.claimed(BOOKING_ID, EventClaim(ref, sealed)) == Own(ref, 3)
    assert world.calendar.calls == []
    for state in ("", "3:f:2.00000000.0", format_state(BOOKING_ID, record, sealer("another"))):
        assert await world.prover.claimed(BOOKING_ID, EventClaim(ref, state)) == Own(ref, 2)
