"""Every state that a person can give an event of ours, against each operation, on the strict stand-in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from booking_sync.domain.events.event_ref import EventRef
from booking_sync.outlook.calendar import open_calendar
from booking_sync.ports.outlook.calendars import Written
from local.graph.mailbox.schema import read_event
from tests.outlook.kit import BIRTH, BOOKING, CHANGED, CONTENT, MAILBOX, MARKER, SEAL, new_id, now

if TYPE_CHECKING:
    from local.graph.mailbox.events import StoredEvent
    from tests.outlook.kit import GraphHere


def times(start: str, end: str, zone: str = "UTC") -> dict[str, Any]:
    """Start and end."""
    return {
        "start": {"dateTime": start, "timeZone": zone},
        "end": {"dateTime": end, "timeZone": zone},
    }


SERIES = {
    "recurrence": {
        "pattern": {"type": "daily", "interval": 1},
        "range": {"type": "numbered", "startDate": "2026-03-02", "numberOfOccurrences": 3},
    }
}
STATES: dict[str, dict[str, Any]] = {
    "untouched": {},
    "all day": {"isAllDay": True, **times("2026-03-02T00:00:00", "2026-03-03T00:00:00")},
    "all day elsewhere": {
        "isAllDay": True,
        **times("2026-03-02T00:00:00", "2026-03-04T00:00:00", "Tokyo Standard Time"),
    },
    "series": SERIES,
    "other zone": times("2026-03-02T09:00:00", "2026-03-02T09:30:00", "Tokyo Standard Time"),
    "other times": times("2027-01-01T00:00:00", "2027-01-01T00:00:00"),
    "free": {"showAs": "free"},
    "renamed": {"subject": "x", "location": {"displayName": "x"}, "body": {"content": "x"}},
    "private": {
        "sensitivity": "private",
        "isReminderOn": True,
        "reminderMinutesBeforeStart": 45,
        "importance": "high",
    },
}


async def made(graph: GraphHere, state: str) -> tuple[EventRef, StoredEvent]:
    """An event of ours that a person has changed."""
    created = await graph.calendar.create(
        MAILBOX, CONTENT, marker=MARKER, transaction_id=new_id(), birth=BIRTH
    )
    assert isinstance(created, Written)
    ref = EventRef(MAILBOX, created.event_id)
    store = graph.standin.state
    event = store.user(MAILBOX).events[ref.event_id]
    store.change(store.user(MAILBOX), event, read_event(STATES[state], creating=False), by_app=False)
    return ref, event


@pytest.mark.parametrize("series_times", ["taken", "refused"])
@pytest.mark.parametrize("state", STATES)
async def test_no_state_makes_an_update_impossible(graph: GraphHere, state: str, series_times: str) -> None:
    """After an update the event shows when and as it should, and what is the person's is as it was."""
    graph.configure(series_times=series_times)
    ref, event = await made(graph, state)
    before = dict(event.content)
    assert await graph.calendar.update(ref, CHANGED)
    after = event.content
    assert (event.start.utc.isoformat(), event.end.utc.isoformat()) == (
        "2026-03-02T09:00:00+00:00",
        "2026-03-02T10:30:00+00:00",
    )
    assert (after["isAllDay"], after["recurrence"], after["showAs"]) == (False, None, "busy")
    assert after["subject"] == CHANGED.subject
    for name in ("sensitivity", "isReminderOn", "reminderMinutesBeforeStart", "importance"):
        assert after[name] == before[name]
    assert graph.standin.state.mails == []


@pytest.mark.parametrize("operation", ["delete", "tag", "look", "read", "find", "look_up", "claim"])
@pytest.mark.parametrize("state", STATES)
async def test_no_state_makes_another_operation_impossible(
    graph: GraphHere, state: str, operation: str
) -> None:
    """Each other operation finds the event in whatever state, and works."""
    ref, _ = await made(graph, state)
    calendar = graph.calendar
    match operation:
        case "delete":
            await calendar.delete(ref)
            assert graph.events(MAILBOX) == []
        case "tag":
            assert await calendar.tag(ref, BOOKING, SEAL)
        case "look":
            assert await calendar.look(ref)
        case "read":
            assert await calendar.read(ref)
        case "find":
            assert [each.ref for each in await calendar.find(MAILBOX, MARKER)] == [ref]
        case "look_up":
            assert await calendar.look_up(ref)
        case _:
            assert await calendar.claim(ref, MARKER)


async def test_answers_tell_of_attendees(graph: GraphHere) -> None:
    """Look, search, read, look-up and the answer to an update tell that somebody is invited."""
    ref, event = await made(graph, "untouched")
    event.content["attendees"] = [{"emailAddress": {"address": "a@example.com"}}]
    look, found = await graph.calendar.look(ref), await graph.calendar.find(MAILBOX, MARKER)
    read, foreign = await graph.calendar.read(ref), await graph.calendar.look_up(ref)
    assert look
    assert read
    assert foreign
    told = (look.state.attended, found[0].state.attended, read.attended, foreign.attended)
    assert told == (True, True, True, True)
    written = await graph.calendar.update(ref, CHANGED)
    assert written
    assert written.state.attended


@pytest.mark.parametrize("tells", ["nothing", "calendar", "cancelled"])
async def test_answers_tell_of_deleted_items_where_the_service_does(graph: GraphHere, tells: str) -> None:
    """Another folder, that it is cancelled, or nothing: as the answer to the update has it."""
    graph.configure(deleted_items="kept", deleted_items_tell=tells)
    ref, event = await made(graph, "untouched")
    shown = await graph.calendar.update(ref, CHANGED)
    store = graph.standin.state
    store.delete(store.user(MAILBOX), event, by_app=False)
    written = await graph.calendar.update(ref, CHANGED)
    assert shown
    assert written
    assert shown.calendar
    assert (written.calendar != shown.calendar) is (tells == "calendar")
    assert (shown.cancelled, written.cancelled) == (False, tells == "cancelled")


async def test_an_update_in_deleted_items_that_would_mail_finds_nothing(graph: GraphHere) -> None:
    """Exchange refuses it with a code of its own: the event is gone, for a seal in a property as well."""
    graph.configure(deleted_items="kept")
    by_property = open_calendar(graph.url, graph.credential, "", now)
    ref, event = await made(graph, "untouched")
    event.content["attendees"] = [{"emailAddress": {"address": "a@example.com"}}]
    store = graph.standin.state
    store.delete(store.user(MAILBOX), event, by_app=False)
    store.mails.clear()
    assert await graph.calendar.update(ref, CHANGED) is None
    assert not await by_property.tag(ref, BOOKING, SEAL)
    await by_property.aclose()
    assert store.mails == []
