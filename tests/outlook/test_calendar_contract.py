"""What every `Calendar` must do, written against the port: any implementation can be run through it.

A new one needs a `World` around it, and an entry in the fixture `world`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

import pytest

from booking_sync.domain.events.event_ref import EventRef
from booking_sync.errors import PermanentError
from booking_sync.ports.outlook.calendars import AlreadyCreated, Written
from tests.outlook.kit import (
    BIRTH,
    BOOKING,
    CHANGED,
    CONTENT,
    DENIED_MAILBOX,
    MAILBOX,
    MARKER,
    OTHER_MAILBOX,
    OTHER_SEAL,
    SEAL,
    new_id,
)
from tests.support.fakes import FakeCalendar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from booking_sync.domain.events.event import EventContent
    from booking_sync.ports.outlook.calendars import Calendar
    from tests.outlook.kit import GraphHere


class World(Protocol):
    """A calendar, and a look behind it."""

    @property
    def calendar(self) -> Calendar:
        """What is tested; `DENIED_MAILBOX` refuses everything."""

    @property
    def keeps_deleted(self) -> bool:
        """Whether an event that was removed still answers by its id."""

    def user_deletes_for_good(self, event: EventRef) -> None:
        """A user removes it, and nothing is left of it."""

    def user_deletes(self, event: EventRef) -> None:
        """A user removes it."""

    def subjects(self, mailbox: str) -> dict[str, str]:
        """The subject of each event that is really there, by id."""

    def user_creates(self, mailbox: str, content: EventContent) -> EventRef:
        """A user's own event, without marker."""

    def user_copies(self, event: EventRef) -> EventRef:
        """A user's copy of one of ours, with everything that it carries."""


class GraphWorld:
    """The adapter on the real SDK, and the strict stand-in."""

    def __init__(self, graph: GraphHere, deleted_items: str) -> None:
        self._graph = graph
        self._deleted_items = deleted_items
        graph.configure(deleted_items=deleted_items)

    @property
    def calendar(self) -> Calendar:
        """See `World`."""
        return self._graph.calendar

    @property
    def keeps_deleted(self) -> bool:
        """See `World`."""
        return self._deleted_items == "kept"

    def user_deletes_for_good(self, event: EventRef) -> None:
        """See `World`."""
        state = self._graph.standin.state
        mailbox = state.user(event.mailbox)
        state.delete_for_good(mailbox, state.find(mailbox, event.event_id, immutable=True), by_app=False)

    def user_deletes(self, event: EventRef) -> None:
        """See `World`."""
        state = self._graph.standin.state
        mailbox = state.user(event.mailbox)
        state.delete(mailbox, mailbox.events[event.event_id], by_app=False)

    def subjects(self, mailbox: str) -> dict[str, str]:
        """See `World`."""
        return {event["id"]: event["subject"] for event in self._graph.events(mailbox)}

    def user_creates(self, mailbox: str, content: EventContent) -> EventRef:
        """See `World`."""
        return EventRef(mailbox, self._graph.user_creates(mailbox, content.subject))

    def user_copies(self, event: EventRef) -> EventRef:
        """See `World`."""
        state = self._graph.standin.state
        mailbox = state.user(event.mailbox)
        return EventRef(event.mailbox, state.copy(mailbox, mailbox.events[event.event_id]).immutable_id)


class FakeWorld:
    """The fake that the use cases' tests run on."""

    def __init__(self) -> None:
        self._fake = FakeCalendar()
        self._fake.refused[DENIED_MAILBOX] = "denied"

    @property
    def calendar(self) -> Calendar:
        """See `World`."""
        return self._fake

    @property
    def keeps_deleted(self) -> bool:
        """See `World`."""
        return True

    def user_deletes_for_good(self, event: EventRef) -> None:
        """See `World`."""
        self._fake.events.pop(event, None)

    def user_deletes(self, event: EventRef) -> None:
        """See `World`."""
        self._fake.user_deletes(event)

    def subjects(self, mailbox: str) -> dict[str, str]:
        """See `World`."""
        return {event.ref.event_id: event.content.subject for event in self._fake.of(mailbox)}

    def user_creates(self, mailbox: str, content: EventContent) -> EventRef:
        """See `World`."""
        return self._fake.user_creates(mailbox, content).ref

    def user_copies(self, event: EventRef) -> EventRef:
        """See `World`."""
        return self._fake.user_copies(self._fake.events[event]).ref


@pytest.fixture(params=["kept", "gone", "fake"])
def world(request: pytest.FixtureRequest) -> World:
    """Each implementation in turn; Graph with either fate of what is deleted."""
    if request.param == "fake":
        return FakeWorld()
    graph: GraphHere = request.getfixturevalue("graph")
    return GraphWorld(graph, request.param)


async def make(world: World, mailbox: str = MAILBOX, *, marker: str = MARKER) -> tuple[EventRef, str]:
    """A new event and its transaction id."""
    transaction = new_id()
    created = await world.calendar.create(
        mailbox, CONTENT, marker=marker, transaction_id=transaction, birth=BIRTH
    )
    assert isinstance(created, Written)
    return EventRef(mailbox, created.event_id), transaction


async def test_a_created_event_is_there(world: World) -> None:
    """`create` puts one event into the mailbox and gives its id."""
    ref, _ = await make(world)
    assert world.subjects(MAILBOX) == {ref.event_id: CONTENT.subject}


async def test_a_created_event_tells_its_identity(world: World) -> None:
    """`create` and `update` tell the event's own iCalUId, as a look does, and when it was made."""
    transaction = new_id()
    first = await world.calendar.create(
        MAILBOX, CONTENT, marker=MARKER, transaction_id=transaction, birth=BIRTH
    )
    assert isinstance(first, Written)
    seen = await world.calendar.look(EventRef(MAILBOX, first.event_id))
    assert seen is not None
    assert (seen.uid, seen.created) == (first.uid, first.created)
    assert first.uid
    assert first.created is not None
    assert first.created.utcoffset() == timedelta(0)
    changed = await world.calendar.update(EventRef(MAILBOX, first.event_id), CHANGED)
    assert changed
    assert changed.etag != first.etag
    assert replace(changed, etag=first.etag) == first
    other = await world.calendar.create(MAILBOX, CONTENT, marker=MARKER, transaction_id=new_id(), birth=BIRTH)
    assert isinstance(other, Written)
    assert other.uid != first.uid


async def test_an_identical_replay_makes_no_second_event(world: World) -> None:
    """The same creation again gives the first event."""
    ref, transaction = await make(world)
    again = await world.calendar.create(
        MAILBOX, CONTENT, marker=MARKER, transaction_id=transaction, birth=BIRTH
    )
    assert isinstance(again, Written)
    assert again.event_id == ref.event_id
    assert len(world.subjects(MAILBOX)) == 1


async def test_a_replay_with_other_content_names_the_first_event(world: World) -> None:
    """The same transaction with other content is no second event and no change, but the first one's id."""
    ref, transaction = await make(world)
    again = await world.calendar.create(
        MAILBOX, CHANGED, marker=MARKER, transaction_id=transaction, birth=BIRTH
    )
    assert again == AlreadyCreated(ref.event_id)
    assert world.subjects(MAILBOX) == {ref.event_id: CONTENT.subject}


async def test_the_same_transaction_id_in_another_mailbox_is_another_event(world: World) -> None:
    """Transaction ids are remembered per mailbox."""
    _, transaction = await make(world)
    other = await world.calendar.create(
        OTHER_MAILBOX, CONTENT, marker=MARKER, transaction_id=transaction, birth=BIRTH
    )
    assert isinstance(other, Written)
    assert set(world.subjects(OTHER_MAILBOX)) == {other.event_id}


async def test_an_update_writes_the_content(world: World) -> None:
    """`update` changes the event in place and says that it was there."""
    ref, _ = await make(world)
    written = await world.calendar.update(ref, CHANGED)
    assert written is not None
    assert written.event_id == ref.event_id
    assert world.subjects(MAILBOX) == {ref.event_id: CHANGED.subject}


async def test_an_update_of_a_missing_event_says_so(world: World) -> None:
    """`update` of an event that is gone is None and creates nothing."""
    ref, _ = await make(world)
    world.user_deletes_for_good(ref)
    assert await world.calendar.update(ref, CHANGED) is None
    assert world.subjects(MAILBOX) == {}


async def test_an_event_that_a_user_deleted_shows_nowhere(world: World) -> None:
    """Its id may answer, as the event's own; whatever is done by it, nothing is listed."""
    ref, _ = await make(world)
    world.user_deletes(ref)
    written, seen = await world.calendar.update(ref, CHANGED), await world.calendar.look(ref)
    assert (written is not None, seen is not None) == (world.keeps_deleted, world.keeps_deleted)
    assert not written or written.event_id == ref.event_id
    assert not seen or (seen.ref, seen.marker) == (ref, MARKER)
    assert list(await world.calendar.find(MAILBOX, MARKER)) == []
    await world.calendar.delete(ref)
    await world.calendar.delete(ref)
    assert world.subjects(MAILBOX) == {}


async def test_a_deletion_may_be_repeated(world: World) -> None:
    """`delete` removes the event, this one only, and is content when it is gone already."""
    ref, _ = await make(world)
    other, _ = await make(world)
    await world.calendar.delete(ref)
    await world.calendar.delete(ref)
    assert set(world.subjects(MAILBOX)) == {other.event_id}


async def test_ids_are_case_sensitive(world: World) -> None:
    """An id in other letters is another event, so nothing is changed or deleted by it."""
    ref, _ = await make(world)
    swapped = replace(ref, event_id=ref.event_id.swapcase())
    assert await world.calendar.update(swapped, CHANGED) is None
    assert await world.calendar.look(swapped) is None
    assert not await world.calendar.tag(swapped, BOOKING, SEAL)
    assert await world.calendar.read_tag(ref) == ""
    await world.calendar.delete(swapped)
    assert world.subjects(MAILBOX) == {ref.event_id: CONTENT.subject}


async def test_a_tag_may_be_repeated(world: World) -> None:
    """`tag` is True for an event that is there, tagged already or not, and False for one that is gone."""
    ref, _ = await make(world)
    assert await world.calendar.tag(ref, BOOKING, SEAL)
    assert await world.calendar.tag(ref, BOOKING, SEAL)
    world.user_deletes_for_good(ref)
    assert not await world.calendar.tag(ref, BOOKING, SEAL)


async def test_a_tag_is_read_and_overwritten(world: World) -> None:
    """`read_tag` gives the seal that was written last; it is empty without a tag or an event."""
    ref, _ = await make(world)
    other, _ = await make(world)
    assert await world.calendar.read_tag(ref) == ""
    await world.calendar.tag(ref, BOOKING, SEAL)
    assert await world.calendar.read_tag(ref) == SEAL
    await world.calendar.tag(ref, BOOKING, OTHER_SEAL)
    assert await world.calendar.read_tag(ref) == OTHER_SEAL
    assert await world.calendar.read_tag(other) == ""
    world.user_deletes_for_good(ref)
    assert await world.calendar.read_tag(ref) == ""


async def test_a_look_brings_the_evidence(world: World) -> None:
    """`look` tells marker, birth and transaction of one event, as `find` does, without its tag."""
    ref, transaction = await make(world)
    await world.calendar.tag(ref, BOOKING, SEAL)
    seen = await world.calendar.look(ref)
    assert seen is not None
    assert (seen.ref, seen.marker, seen.birth, seen.transaction_id) == (ref, MARKER, BIRTH, transaction)
    assert seen.tag == ""
    assert list(await world.calendar.find(MAILBOX, MARKER)) == [seen]
    world.user_deletes_for_good(ref)
    assert await world.calendar.look(ref) is None


async def test_a_look_at_a_foreign_event_finds_no_evidence(world: World) -> None:
    """A user's own event has neither marker nor birth."""
    seen = await world.calendar.look(world.user_creates(MAILBOX, CONTENT))
    assert seen is not None
    assert (seen.marker, seen.birth, seen.transaction_id, seen.tag) == ("", "", None, "")
    assert seen.uid


async def test_a_copy_has_an_identity_of_its_own(world: World) -> None:
    """A copy carries marker, birth and tag, but has an iCalUId of its own and was made later."""
    ref, _ = await make(world)
    await world.calendar.tag(ref, BOOKING, SEAL)
    copy = world.user_copies(ref)
    found = {each.ref: each for each in await world.calendar.find(MAILBOX, MARKER)}
    original, copied = found[ref], found[copy]
    assert (copied.birth, await world.calendar.read_tag(copy)) == (BIRTH, SEAL)
    assert original.uid != copied.uid
    assert original.created is not None
    assert copied.created is not None
    assert original.created < copied.created


async def test_a_search_finds_the_marked_events_only(world: World) -> None:
    """`find` gives each event with the marker, in this mailbox, with its evidence, and no other."""
    first, first_transaction = await make(world)
    second, second_transaction = await make(world)
    await make(world, marker=f"{MARKER}0")
    await make(world, OTHER_MAILBOX)
    world.user_creates(MAILBOX, CONTENT)
    found = await world.calendar.find(MAILBOX, MARKER)
    assert {each.ref: each.transaction_id for each in found} == {
        first: first_transaction,
        second: second_transaction,
    }
    assert {(each.marker, each.birth, each.tag) for each in found} == {(MARKER, BIRTH, "")}


async def test_a_search_minds_no_case(world: World) -> None:
    """Graph compares marker values without regard to case, and so does every implementation."""
    ref, _ = await make(world)
    found = await world.calendar.find(MAILBOX, MARKER.upper())
    assert [each.ref for each in found] == [ref]


async def test_a_search_without_result_is_empty(world: World) -> None:
    """A complete list of nothing is an empty one."""
    assert list(await world.calendar.find(MAILBOX, MARKER)) == []


@pytest.mark.parametrize("operation", ["create", "update", "delete", "tag", "read_tag", "look", "find"])
async def test_a_mailbox_out_of_reach_is_a_permanent_error(world: World, operation: str) -> None:
    """Where the app may not write, every operation says so permanently, with a reason."""
    event = EventRef(DENIED_MAILBOX, "AAMk=")
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "create": lambda: world.calendar.create(
            DENIED_MAILBOX, CONTENT, marker=MARKER, transaction_id=new_id(), birth=BIRTH
        ),
        "update": lambda: world.calendar.update(event, CONTENT),
        "delete": lambda: world.calendar.delete(event),
        "tag": lambda: world.calendar.tag(event, BOOKING, SEAL),
        "read_tag": lambda: world.calendar.read_tag(event),
        "look": lambda: world.calendar.look(event),
        "find": lambda: world.calendar.find(DENIED_MAILBOX, MARKER),
    }
    with pytest.raises(PermanentError, match="denied"):
        await calls[operation]()
    assert world.subjects(DENIED_MAILBOX) == {}
