"""Mailboxes with all of their calendars: the real SDK against the strict stand-in."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from booking_sync.errors import PermanentError, TransientError
from booking_sync.outlook.mailboxes.whole_mailbox import MAX_CALENDARS
from booking_sync.ports.outlook.calendars import Written
from booking_sync.ports.outlook.sweeps import TooManyCalendarsError
from local.graph.mailbox.events import SharedCalendar
from local.standin.faults import Fault
from tests.outlook.kit import BIRTH, CONTENT, DENIED_MAILBOX, MAILBOX, MARKER, NOW, OTHER_MAILBOX, new_id

if TYPE_CHECKING:
    from booking_sync.ports.outlook.sweeps import CalendarContents
    from tests.outlook.kit import GraphHere

FIRST, LAST = NOW - timedelta(days=1), NOW + timedelta(days=7)


async def create(graph: GraphHere, marker: str = MARKER) -> str:
    """An event of ours; its id."""
    made = await graph.calendar.create(MAILBOX, CONTENT, marker=marker, transaction_id=new_id(), birth=BIRTH)
    assert isinstance(made, Written)
    return made.event_id


def drag(graph: GraphHere, event_id: str, name: str = "Jobs") -> str:
    """Somebody drags the event to another calendar; the calendar's id."""
    state = graph.standin.state
    box = state.user(MAILBOX)
    calendar = state.make_calendar(box, name)
    state.drag(box, state.find(box, event_id, immutable=True), calendar)
    return calendar


def ids(contents: CalendarContents) -> list[str]:
    """Of the events with a marker."""
    return [each.ref.event_id for each in contents.events]


async def test_calendars_are_listed_with_all_that_they_show(graph: GraphHere) -> None:
    """People's own events count as entries, so that an empty calendar is told from a private one."""
    made = await create(graph)
    graph.user_creates(MAILBOX, "dentist")
    shown = await graph.calendar.whole_mailboxes.list_shown(MAILBOX, FIRST, LAST)
    assert (ids(shown), shown.entries) == ([made], 2)
    elsewhere = await graph.calendar.whole_mailboxes.list_elsewhere(MAILBOX, FIRST, LAST)
    assert elsewhere == []
    later = await graph.calendar.whole_mailboxes.list_shown(MAILBOX, LAST, LAST + timedelta(days=1))
    assert (ids(later), later.entries) == ([], 0)


async def test_an_event_that_was_dragged_elsewhere_is_found_under_its_id(graph: GraphHere) -> None:
    """In the other calendars, the main one left out; and by its marker wherever it is."""
    made, stays = await create(graph), await create(graph, MARKER + "2")
    drag(graph, made)
    whole = graph.calendar.whole_mailboxes
    assert ids(await whole.list_shown(MAILBOX, FIRST, LAST)) == [stays]
    elsewhere = await whole.list_elsewhere(MAILBOX, FIRST, LAST)
    assert [(each.ref.event_id, each.calendar) for each in elsewhere] == [(made, "Jobs")]
    assert [each.ref.event_id for each in await whole.find_everywhere(MAILBOX, MARKER)] == [made]
    assert [each.ref.event_id for each in await whole.find_everywhere(MAILBOX, MARKER + "2")] == [stays]


async def test_somebody_else_s_calendar_is_left_out(graph: GraphHere) -> None:
    """It stands in the list, and the app may not read it."""
    made = await create(graph)
    calendar = drag(graph, made, "Shared")
    body = {"error": {"code": "ErrorAccessDenied", "message": "no"}}
    graph.standin.faults.add(Fault(f"/calendars/{calendar[:20]}", times=-1, status=403, body=body))
    whole = graph.calendar.whole_mailboxes
    assert await whole.list_elsewhere(MAILBOX, FIRST, LAST) == []
    assert await whole.find_everywhere(MAILBOX, MARKER) == []


@pytest.mark.parametrize("count", [1, MAX_CALENDARS + 1])
async def test_what_colleagues_share_is_not_even_asked_for(graph: GraphHere, count: int) -> None:
    """However many calendars of theirs are in the list, and whatever answers for them."""
    made = await create(graph)
    drag(graph, made)
    state = graph.standin.state
    box = state.user(MAILBOX)
    for number in range(count):
        shared = state.share(box, SharedCalendar(f"Theirs {number}", state.user(OTHER_MAILBOX)))
        graph.standin.faults.add(Fault(f"/calendars/{quote(shared, safe='')}", times=-1, status=503))
    whole = graph.calendar.whole_mailboxes
    assert [each.ref.event_id for each in await whole.list_elsewhere(MAILBOX, FIRST, LAST)] == [made]
    assert [each.ref.event_id for each in await whole.find_everywhere(MAILBOX, MARKER)] == [made]


async def test_very_many_own_calendars_are_told(graph: GraphHere) -> None:
    """None of them is looked into: whoever asks has to conclude nothing, and say so."""
    drag(graph, await create(graph))
    state = graph.standin.state
    for number in range(MAX_CALENDARS):
        state.make_calendar(state.user(MAILBOX), f"Mine {number}")
    with pytest.raises(TooManyCalendarsError):
        await graph.calendar.whole_mailboxes.list_elsewhere(MAILBOX, FIRST, LAST)


@pytest.mark.parametrize("path", ["calendarView", r"/calendars($|\?)", "/calendars/"])
async def test_half_a_list_is_none(graph: GraphHere, path: str) -> None:
    """A page that fails fails the whole."""
    drag(graph, await create(graph))
    graph.standin.faults.add(Fault(path, "GET", times=-1, status=503))
    whole = graph.calendar.whole_mailboxes

    async def list_all() -> None:
        await whole.list_shown(MAILBOX, FIRST, LAST)
        await whole.list_elsewhere(MAILBOX, FIRST, LAST)

    with pytest.raises(TransientError):
        await list_all()


async def test_a_mailbox_out_of_reach_is_told(graph: GraphHere) -> None:
    """By the main calendar, which must be readable."""
    whole = graph.calendar.whole_mailboxes
    for asking in (whole.list_shown, whole.list_elsewhere):
        with pytest.raises(PermanentError):
            await asking(DENIED_MAILBOX, FIRST, LAST)
