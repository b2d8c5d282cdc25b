"""Events that another program made, and calendars listed from end to end, against the strict stand-in."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from booking_sync.domain.events.event_ref import EventRef
from booking_sync.errors import PermanentError, TransientError
from booking_sync.outlook import requests
from booking_sync.outlook.listing import extended_events
from booking_sync.ports.outlook.calendars import ExtendedEvent, ForeignEvent, Written
from local.graph.mailbox.schema import Extension
from local.standin.faults import Fault
from tests.outlook.kit import (
    BIRTH,
    BOOKING,
    CONTENT,
    DENIED_MAILBOX,
    MAILBOX,
    MARKER,
    MISSING_MAILBOX,
    GraphHere,
    new_id,
)

FLOW = "com.contoso.flow"
START = datetime(2026, 3, 2, 9, tzinfo=UTC)


async def made_by_us(graph: GraphHere) -> str:
    """An event with our marker; its id."""
    made = await graph.calendar.create(MAILBOX, CONTENT, marker=MARKER, transaction_id=new_id(), birth=BIRTH)
    assert isinstance(made, Written)
    assert made.event_id
    return made.event_id


@pytest.mark.parametrize("immutable", [True, False])
async def test_an_event_is_found_and_claimed_by_either_kind_of_id(graph: GraphHere, immutable: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """It gets our marker and nothing else, and is known by its immutable id from then on."""
    event_id = graph.user_creates(MAILBOX, "Flow: pump")
    stored = graph.standin.state.user(MAILBOX).events[event_id]
    given = EventRef(MAILBOX, stored.public_id(immutable=immutable))
    found = await graph.calendar.look_up(given)
    assert found == ForeignEvent(given, stored.ical_uid)
    claimed = await graph.calendar.claim(given, MARKER)
    assert claimed == ForeignEvent(EventRef(MAILBOX, event_id), stored.ical_uid)
    assert list(stored.properties.values()) == [MARKER]
    assert stored.content["subject"] == "Flow: pump"
    assert stored.modified_count == 1


async def test_an_event_that_is_gone_is_none(graph: GraphHere) -> None:
    """Whichever way it is asked for."""
    gone = EventRef(MAILBOX, "AAMkGone")
    assert await graph.calendar.look_up(gone) is None
    assert await graph.calendar.claim(gone, MARKER) is None


async def test_an_id_that_outlook_can_t_read_names_no_event(graph: GraphHere) -> None:
    """The former sync's column may hold anything."""
    refusal = {"error": {"code": "ErrorInvalidIdMalformed", "message": "Id is malformed."}}
    graph.standin.faults.add(Fault("/events/", "GET", times=2, status=400, body=refusal))
    assert await graph.calendar.look_up(EventRef(MAILBOX, "rubbish")) is None


async def test_two_events_with_our_mark_are_left_to_a_person(graph: GraphHere) -> None:
    """By a regular id the event is found by its mark, which must be unambiguous."""
    await made_by_us(graph)
    event_id = graph.user_creates(MAILBOX, "Flow: pump")
    regular = graph.standin.state.user(MAILBOX).events[event_id].mutable_id
    with pytest.raises(PermanentError, match="several events"):
        await graph.calendar.claim(EventRef(MAILBOX, regular), MARKER)


@pytest.mark.parametrize("mailbox", [MISSING_MAILBOX, DENIED_MAILBOX])
async def test_a_mailbox_that_refuses_raises(graph: GraphHere, mailbox: str) -> None:
    """It is never taken for one without events."""
    for call in (
        graph.calendar.look_up(EventRef(mailbox, "E1")),
        graph.calendar.claim(EventRef(mailbox, "E1"), MARKER),
        graph.calendar.list_all_marked(mailbox),
        graph.calendar.list_extended(mailbox, FLOW, "booking"),
    ):
        with pytest.raises(PermanentError):
            await call


async def test_all_marked_events_are_listed_over_all_pages(
    graph: GraphHere, monkeypatch: pytest.MonkeyPatch
) -> None:
    """People's own events lie between them; a page that fails fails the list."""
    monkeypatch.setattr(requests, "VIEW_PAGE_SIZE", 2)
    ours = set()
    for number in range(3):
        ours.add(await made_by_us(graph))
        graph.user_creates(MAILBOX, f"Dentist {number}")
    listed = await graph.calendar.list_all_marked(MAILBOX)
    assert {each.ref.event_id for each in listed} == ours
    assert {each.marker for each in listed} == {MARKER}
    graph.standin.faults.add(Fault("skip", "GET"))
    with pytest.raises(TransientError):
        await graph.calendar.list_all_marked(MAILBOX)


async def test_events_are_listed_by_an_open_extension(graph: GraphHere) -> None:
    """Only this one, and only where it holds a text in that field."""
    stored = graph.standin.state.user(MAILBOX).events
    tagged, other, empty = (graph.user_creates(MAILBOX, name) for name in ("tagged", "other", "empty"))
    stored[tagged].extensions[FLOW] = Extension(FLOW, {"booking": BOOKING})
    stored[other].extensions["com.else"] = Extension("com.else", {"booking": BOOKING})
    stored[empty].extensions[FLOW] = Extension(FLOW, {"booking": 7})
    found = await graph.calendar.list_extended(MAILBOX, FLOW, "booking")
    assert found == [
        ExtendedEvent(ForeignEvent(EventRef(MAILBOX, tagged), stored[tagged].ical_uid), BOOKING, START)
    ]


@pytest.mark.parametrize("entry", [None, {}, {"id": "E1", "extensions": [{"booking": BOOKING}]}])
def test_an_entry_that_can_t_be_read_makes_the_list_unreadable(entry: object) -> None:
    """An event that is overlooked would be doubled."""
    with pytest.raises(TransientError):
        list(extended_events([entry], MAILBOX, "booking"))
