"""Listing a calendar for the audit: completely, or not at all."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from booking_sync.domain.events.event import EventTime, FoundEvent, MarkedEvent
from booking_sync.domain.events.event_ref import EventRef
from booking_sync.errors import PermanentError, TransientError
from booking_sync.outlook.bodies import BIRTH_PROPERTY, MARKER_PROPERTY, SEALED_PROPERTY
from booking_sync.outlook.listing import found_event, found_events, marked_events, written
from booking_sync.ports.outlook.calendars import Written
from local.standin.faults import Fault
from tests.outlook.kit import (
    BIRTH,
    BOOKING,
    CONTENT,
    DENIED_MAILBOX,
    MAILBOX,
    MARKER,
    MISSING_MAILBOX,
    OTHER_MAILBOX,
    SEAL,
    GraphHere,
    new_id,
)

FIRST = datetime(2026, 3, 2, tzinfo=UTC)
LAST = FIRST + timedelta(days=1)
SHOWN = MarkedEvent(
    ref=EventRef(MAILBOX, ""),
    marker=MARKER,
    transaction_id="t-1",
    subject=CONTENT.subject,
    start=datetime(2026, 3, 2, 9, 0, tzinfo=UTC),
    end=datetime(2026, 3, 2, 10, 30, tzinfo=UTC),
    show_as="busy",
    categories=frozenset({"Field Service"}),
    location_name="Main Street 1, Springfield",
)
ENTRY: dict[str, Any] = {
    "id": "E1",
    "start": {"dateTime": "2026-03-02T09:00:00.0000000", "timeZone": "UTC"},
    "end": {"dateTime": "2026-03-02T10:00:00.0000000", "timeZone": "UTC"},
    "singleValueExtendedProperties": [{"id": MARKER_PROPERTY, "value": MARKER}],
}


async def create(graph: GraphHere, mailbox: str = MAILBOX, hour: int = 9, zone: str = "UTC") -> EventRef:
    """An event of ours that ends half past ten."""
    made = await graph.calendar.create(
        mailbox,
        replace(CONTENT, start=EventTime(f"2026-03-02T{hour:02}:00:00", zone)),
        marker=MARKER,
        transaction_id=new_id(),
        birth=BIRTH,
    )
    assert isinstance(made, Written)
    return EventRef(mailbox, made.event_id)


async def test_marked_events_are_listed_as_they_show(graph: GraphHere) -> None:
    """Ours with all that is compared, in UTC whatever zone it was written in; people's own are left out."""
    made = await graph.calendar.create(MAILBOX, CONTENT, marker=MARKER, transaction_id="t-1", birth=BIRTH)
    assert isinstance(made, Written)
    graph.user_creates(MAILBOX, "Dentist")
    assert made.event_id
    (found,) = await graph.calendar.list_marked(MAILBOX, FIRST, LAST)
    assert found == replace(SHOWN, ref=EventRef(MAILBOX, made.event_id))


async def test_only_what_touches_the_time_is_listed(graph: GraphHere) -> None:
    """The window is asked for as instants: an event that ends when it begins is outside, one within is in."""
    ref = await create(graph)
    berlin = timezone(timedelta(hours=1))
    assert await graph.calendar.list_marked(MAILBOX, datetime(2026, 3, 2, 11, 30, tzinfo=berlin), LAST) == []
    inside = await graph.calendar.list_marked(MAILBOX, datetime(2026, 3, 2, 11, 29, tzinfo=berlin), LAST)
    assert [each.ref for each in inside] == [ref]
    assert await graph.calendar.list_marked(MAILBOX, FIRST - timedelta(days=2), FIRST) == []


async def test_a_long_list_is_read_to_its_end(graph: GraphHere) -> None:
    """Pages are followed to the last."""
    made = await asyncio.gather(*(create(graph) for _ in range(300)))
    found = await graph.calendar.list_marked(MAILBOX, FIRST, LAST)
    assert {each.ref for each in found} == set(made)
    assert len(found) == 300


@pytest.mark.parametrize("status", [500, 503, 404, 410, 200])
async def test_half_a_list_is_no_list(graph: GraphHere, status: int) -> None:
    """When a later page fails, or is no page, the whole listing raises."""
    await asyncio.gather(*(create(graph) for _ in range(251)))
    graph.standin.faults.add(Fault(path=r"\$skip=", status=status, body={"value": None}))
    with pytest.raises((TransientError, PermanentError)):
        await graph.calendar.list_marked(MAILBOX, FIRST, LAST)


@pytest.mark.parametrize("mailbox", [DENIED_MAILBOX, MISSING_MAILBOX])
async def test_a_mailbox_that_refuses_is_not_an_empty_one(graph: GraphHere, mailbox: str) -> None:
    """No access or no mailbox: an error with a reason for people."""
    with pytest.raises(PermanentError, match="Outlook"):
        await graph.calendar.list_marked(mailbox, FIRST, LAST)


async def test_many_mailboxes_share_a_request(graph: GraphHere) -> None:
    """Listings of the same moment travel in one batch."""
    await asyncio.gather(
        *(graph.calendar.list_marked(each, FIRST, LAST) for each in (MAILBOX, OTHER_MAILBOX))
    )
    assert len(graph.batches) == 1


async def test_a_changed_booking_is_recognised_by_nothing_but_its_marker(graph: GraphHere) -> None:
    """A user's copy is listed with the marker, but without our transactionId."""
    ref = await create(graph)
    mailbox = graph.standin.state.user(MAILBOX)
    graph.standin.state.copy(mailbox, mailbox.events[ref.event_id])
    found = await graph.calendar.list_marked(MAILBOX, FIRST, LAST)
    assert [each.marker.endswith(BOOKING) for each in found] == [True, True]
    assert sorted(each.transaction_id is None for each in found) == [False, True]


def test_occurrences_stand_for_their_series() -> None:
    """What a user makes a series of is known by the id of the event it was."""
    occurrence = {**ENTRY, "id": "occurrence", "seriesMasterId": "E1"}
    (found,) = marked_events([occurrence], MAILBOX)
    assert found.ref == EventRef(MAILBOX, "E1")


@pytest.mark.parametrize(
    "entry",
    [
        None,
        {**ENTRY, "id": None},
        {**ENTRY, "id": 7},
        {**ENTRY, "start": None},
        {**ENTRY, "start": {"dateTime": "2026-03-02T09:00:00", "timeZone": "W. Europe Standard Time"}},
        {**ENTRY, "end": {"dateTime": "soon", "timeZone": "UTC"}},
    ],
)
def test_an_unreadable_entry_spoils_its_page(entry: Any) -> None:
    """Passing over one entry would make its event look missing."""
    with pytest.raises(TransientError):
        list(marked_events([ENTRY, entry], MAILBOX))


def test_sparse_entries_are_read() -> None:
    """What Outlook leaves out is empty."""
    (found,) = marked_events([{**ENTRY, "transactionId": None, "location": None}], MAILBOX.upper())
    assert (found.ref.mailbox, found.transaction_id, found.location_name) == (MAILBOX, None, "")


EVIDENCE: dict[str, Any] = {
    "id": "E1",
    "iCalUId": "uid",
    "transactionId": "t-1",
    "createdDateTime": "2026-03-02T08:00:00.1234567Z",
    "singleValueExtendedProperties": [
        {"id": MARKER_PROPERTY, "value": MARKER},
        {"id": BIRTH_PROPERTY, "value": BIRTH},
        {"id": SEALED_PROPERTY, "value": SEAL},
    ],
}


def test_evidence_is_read() -> None:
    """Ids, times and properties come as Graph writes them; property names are compared without case."""
    expected = FoundEvent(
        EventRef(MAILBOX, "E1"),
        "t-1",
        marker=MARKER,
        created=datetime(2026, 3, 2, 8, 0, 0, 123456, tzinfo=UTC),
        uid="uid",
        birth=BIRTH,
        tag=SEAL,
    )
    lower = [{**each, "id": each["id"].lower()} for each in EVIDENCE["singleValueExtendedProperties"]]
    spelt = {**EVIDENCE, "singleValueExtendedProperties": lower}
    assert list(found_events([EVIDENCE, spelt], MAILBOX, MARKER.upper())) == [expected, expected]


@pytest.mark.parametrize(
    ("change", "lacks"),
    [
        ({"iCalUId": None}, {"uid": ""}),
        ({"iCalUId": 7}, {"uid": ""}),
        ({"createdDateTime": None}, {"created": None}),
        ({"createdDateTime": "0001-01-01T00:00:00"}, {"created": None}),
        ({"createdDateTime": ["x"]}, {"created": None}),
        ({"transactionId": 7}, {"transaction_id": None}),
        ({"singleValueExtendedProperties": [None, 7, {"id": 7}]}, {"marker": "", "birth": "", "tag": ""}),
        ({"singleValueExtendedProperties": {"id": MARKER_PROPERTY}}, {"marker": "", "birth": "", "tag": ""}),
    ],
)
def test_evidence_that_can_t_be_read_is_none(change: dict[str, Any], lacks: dict[str, Any]) -> None:
    """What Graph leaves out or nobody understands proves nothing, and breaks nothing."""
    found = found_event({**EVIDENCE, **change}, MAILBOX)
    assert found == replace(found_event(EVIDENCE, MAILBOX), **lacks)


@pytest.mark.parametrize("entry", [None, 7, [], {}, {"id": ""}, {"id": 7}])
def test_evidence_of_no_event_spoils_its_list(entry: Any) -> None:
    """An event that is overlooked might be the original of a copy."""
    with pytest.raises(TransientError):
        list(found_events([EVIDENCE, entry], MAILBOX, MARKER))


@pytest.mark.parametrize("body", [None, 7, [], {}, {"id": ""}, {"id": 7}, {"iCalUId": "uid"}])
def test_an_answer_without_id_tells_no_event(body: Any) -> None:
    """Then nobody knows what was written."""
    assert written(body) is None


@pytest.mark.parametrize(
    ("start", "told"),
    [
        ({"dateTime": "2026-03-02T09:00:00.0000000", "timeZone": "UTC"}, datetime(2026, 3, 2, 9, tzinfo=UTC)),
        ({"dateTime": "2026-03-02T09:00:00", "timeZone": "W. Europe Standard Time"}, None),
        ({"dateTime": "soon", "timeZone": "UTC"}, None),
        ({"dateTime": None, "timeZone": "UTC"}, None),
        ("2026-03-02T09:00:00Z", None),
        (None, None),
    ],
)
def test_the_answer_to_a_write_tells_when_the_event_is(start: Any, told: datetime | None) -> None:
    """In UTC; what can't be read counts as not told, since the write has worked."""
    answer = written(
        {"id": "E1", "start": start, "end": {"dateTime": "2026-03-02T10:00:00", "timeZone": "UTC"}}
    )
    assert answer == Written("E1", start=told, end=datetime(2026, 3, 2, 10, tzinfo=UTC))
