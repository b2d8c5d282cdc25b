"""Every text column of Dataverse in a technician's calendar: shown as text, and bounded."""

from __future__ import annotations

import asyncio
import json
import re
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_sync.domain.events.event_ref import EventRef
from booking_sync.domain.events.event_text.renderer import BODY_MAX_BYTES, EventRenderer, EventStyle
from booking_sync.domain.events.zones import event_zone
from booking_sync.domain.plan import Invalid, Wanted, desired_state
from booking_sync.ports.outlook.calendars import Written
from tests.hostile.fuzz.budget import tries
from tests.hostile.texts import (
    ALL,
    COLUMNS,
    LINK,
    MAP,
    TEMPLATES,
    URL,
    read_page,
    rendered,
    written,
)
from tests.outlook.kit import BIRTH, BOOKING, MAILBOX, MARKER, SEAL, new_id
from tests.support.bookings import booking

if TYPE_CHECKING:
    from booking_sync.domain.events.event import EventContent
    from tests.dataverse.world import DataverseWorld
    from tests.outlook.kit import GraphHere

GRAPH_BATCH_BYTES = 4 * 1024 * 1024
anything = st.text(st.characters(codec=None, exclude_categories=()), max_size=60)
hostile = st.lists(st.sampled_from(ALL) | anything, min_size=1, max_size=3).map("".join)
WORST = {
    "letters": "x" * 1_000_000,
    "emoji": "\N{PILE OF POO}" * 500_000,
    "quotes": '"' * 1_000_000,
    "lines": "a\n" * 500_000,
    "hostile": "<script>&\u2028\x00" * 100_000,
}


def units(text: str) -> int:
    """UTF-16 units, as Exchange counts."""
    return len(text.encode("utf-16-le")) // 2


def check_links(attributes: list[tuple[str, str | None]]) -> None:
    """A number to dial, the map, and the booking: no other link, and nothing else that a tag can carry."""
    assert {name for name, _ in attributes} == {"href"}
    *others, last = [str(value) for _, value in attributes]
    assert last == LINK
    for link in others:
        assert re.fullmatch(r"tel:\+?[0-9]{3,20}", link) or re.fullmatch(
            re.escape(MAP) + r"[A-Za-z0-9._~%-]+", link
        )


def check_inert(content: EventContent) -> None:
    """What holds for every event, whatever the columns held."""
    page = read_page(content.body_html)
    assert page.tags <= {"p", "b", "br", "i", "a"}
    check_links(page.attributes)
    assert page.oddities == []
    place = content.location_address
    lines = [content.subject, content.location_name, *content.categories]
    lines += [*place.lines, place.city, place.state, place.postal_code, place.country] if place else []
    for line in lines:
        assert units(line) <= 255
        assert len(line.splitlines()) <= 1
    for text in (*lines, content.body_html):
        bad = {each for each in text if unicodedata.category(each) in ("Cc", "Cs")}
        assert bad <= {"\n", "\t"}
    assert len(json.dumps(content.body_html)) <= BODY_MAX_BYTES
    content.fingerprint()


@tries()
@given(st.dictionaries(st.sampled_from(COLUMNS), hostile))
def test_no_text_is_more_than_text(texts: dict[str, str]) -> None:
    """Markup is escaped, lines stay lines, templates stay unread, and our own link is the only one."""
    check_inert(rendered(written(texts)))


@pytest.mark.parametrize("code", TEMPLATES)
@pytest.mark.parametrize("column", COLUMNS)
def test_template_code_in_a_column_is_shown_as_it_is(column: str, code: str) -> None:
    """What would be run in a template comes out letter by letter."""
    content = rendered(written({column: code}))
    shown = read_page(content.body_html).text + content.subject
    assert code in shown


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("kind", WORST)
def test_a_text_of_a_million_characters_is_cut(column: str, kind: str) -> None:
    """Dataverse takes a million characters in a summary; Outlook gets what a person reads."""
    content = rendered(written({column: WORST[kind]}))
    check_inert(content)
    assert len(content.body_html) < 30_000


@pytest.mark.parametrize("kind", WORST)
async def test_a_batch_of_the_longest_events_stays_below_graphs_limit(graph: GraphHere, kind: str) -> None:
    """Twenty events with the longest texts in every column are one batch of far less than 4 MB."""
    content = rendered(written(dict.fromkeys(COLUMNS, WORST[kind])))
    made = await asyncio.gather(
        *(
            graph.calendar.create(MAILBOX, content, marker=MARKER, transaction_id=new_id(), birth=BIRTH)
            for _ in range(20)
        )
    )
    assert all(isinstance(each, Written) for each in made)
    (batch,) = graph.batches
    assert len(batch.items) == 20
    assert batch.body_bytes < GRAPH_BATCH_BYTES * 3 / 4


@pytest.mark.parametrize("text", ALL)
async def test_outlook_takes_and_keeps_what_was_written(graph: GraphHere, text: str) -> None:
    """The strict stand-in takes hostile text in every column, to create and to change, and alters nothing."""
    content = rendered(written(dict.fromkeys(COLUMNS, text)))
    made = await graph.calendar.create(MAILBOX, content, marker=MARKER, transaction_id=new_id(), birth=BIRTH)
    assert isinstance(made, Written)
    assert await graph.calendar.update(EventRef(MAILBOX, str(made.event_id)), content)
    assert await graph.calendar.tag(EventRef(MAILBOX, str(made.event_id)), BOOKING, SEAL)
    (event,) = graph.events(MAILBOX)
    assert event["subject"] == content.subject
    assert event["location"]["displayName"] == content.location_name
    page = read_page(event["body"]["content"])
    check_links(page.attributes)


@pytest.mark.parametrize("text", [each for each in ALL if "\ud800" not in each])
async def test_hostile_rows_arrive_as_they_are_and_leave_inert(dataverse: DataverseWorld, text: str) -> None:
    """Read by the real adapter from the strict stand-in, hostile columns are text like any other."""
    planned = written(dict.fromkeys(COLUMNS, text) | {"postal_code": text[:20], "state": text[:50]})
    assert planned.work_order
    dataverse.put(planned)
    row = await dataverse.rows.read(planned.id)
    assert row is not None
    assert row.booking.name == planned.name
    check_inert(rendered(row.booking))


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (datetime(1, 1, 1, tzinfo=UTC), datetime(1, 1, 1, 1, tzinfo=UTC)),
        (datetime(9999, 12, 31, 23, 59, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, tzinfo=UTC)),
    ],
)
@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "UTC"])
def test_times_at_the_end_of_the_calendar_are_told_or_shown(
    start: datetime, end: datetime, zone: str
) -> None:
    """A time that has no form in the event's zone is the booking's trouble, in words, and no crash."""
    renderer = EventRenderer(EventStyle(event_zone(zone), URL))
    desired = desired_state(
        replace(booking(), start=start, end=end), renderer.render, require_work_order=True
    )
    assert isinstance(desired, Wanted) or (isinstance(desired, Invalid) and "too far away" in desired.reason)


def test_the_category_never_holds_a_text() -> None:
    """Categories are ours by the status's meaning; no name of a status becomes one."""
    plain = rendered(written({})).categories
    assert all(rendered(written({"status": text})).categories == plain for text in ALL)
