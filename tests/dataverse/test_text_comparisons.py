"""Texts that are the same to Dataverse, and not to us: case, accents and spaces at the end are nothing to it.

Outlook's ids differ in the case of one letter. So no query lets Dataverse compare such an id, and what a
query by any other text finds is compared again, exactly.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import pytest

from booking_sync.dataverse.reads.doctor_reads import DataverseAppAccessReads, ExpectedIdentity
from booking_sync.dataverse.resources import DataverseFormerRecords
from booking_sync.domain.environment.columns import SupportColumns
from booking_sync.domain.events.event_ref import EventRef
from booking_sync.domain.ids import read_guid
from booking_sync.domain.record import SyncRecord
from booking_sync.errors import SyncError
from booking_sync.ports.dataverse.bookings import BookingQuery
from tests.dataverse.world import BOOKINGS, DataverseWorld
from tests.hostile.services.test_dataverse_answers import OPERATIONS, Office
from tests.support.bookings import ANNA, BERT, booking, technician

COLUMNS = SupportColumns()
IDS = ["AAMkAGI2-x", "aamkagi2-x", "AAMkAGI2_x", "AAMkAGI2-X", "AAMkAGI2-x="]
"""Of five events."""
LONG = timedelta(days=900)
COMPARISON = re.compile(r"(\w+) (eq|ne|gt|ge|lt|le) ('(?:[^']|'')*'|[^\s()&]+)")
COMPARED_TEXTS = {
    COLUMNS.original_resource: "an Entra object id, to which case is nothing; the seal tells the rest",
    "domainname": "compared again (test_a_person_is_found_by_the_very_name)",
    "internalemailaddress": "as domainname",
    "name": "Dataverse's own names of messages",
    "primaryobjecttypecode": "Dataverse's own names of tables",
    "objecttypecode": "as primaryobjecttypecode",
    "uniquename": "unique to Dataverse in this sense",
    "customizationprefix": "lower case to Dataverse itself",
}
"""Columns that queries compare with a text, and why that is safe."""
SEARCHED_TEXTS = ("name", "msdyn_name", "internalemailaddress", "domainname")
"""Columns in which a part of a text is searched: what is found is shown to a person, who chooses."""


@pytest.fixture
async def crowd(dataverse: DataverseWorld) -> dict[str, str]:
    """Bookings of one mailbox, by the id of the event that each names."""
    named: dict[str, str] = {}
    for event_id in IDS:
        each = booking(read_guid(f"b00c0000-0000-4000-8000-{len(named):012}") or "")
        dataverse.put(each)
        row = await dataverse.rows.read(each.id)
        assert row is not None
        await dataverse.rows.record(each.id, row.etag, SyncRecord(EventRef(ANNA, event_id), 1, "f"))
        named[event_id] = each.id
    return named


async def named_by(dataverse: DataverseWorld, query: BookingQuery) -> dict[str, str]:
    """The ids of the bookings that a query finds, by the event that each one's record names."""
    return {
        row.record.event.event_id: row.booking.id
        async for page in dataverse.rows.list_bookings(query)
        for row in page.rows
        if row.record.event
    }


async def by_reading(dataverse: DataverseWorld, crowd: dict[str, str]) -> dict[str, str]:
    """As a change is worked on."""
    rows = [await dataverse.rows.read(each) for each in crowd.values()]
    return {row.record.event.event_id: row.booking.id for row in rows if row and row.record.event}


async def by_former_records(dataverse: DataverseWorld, _crowd: dict[str, str]) -> dict[str, str]:
    """As `adopt` asks what another program noted."""
    reads = DataverseFormerRecords(dataverse.client, COLUMNS.event_id, COLUMNS.original_resource)
    pages = reads.list_former(dataverse.clock() - LONG)
    return {each.event_id: each.booking_id async for page in pages for each in page}


Way = Callable[[DataverseWorld, dict[str, str]], Coroutine[Any, Any, dict[str, str]]]
WAYS: dict[str, Way] = {
    "read": by_reading,
    "by time": lambda world, _: named_by(world, BookingQuery(starts_from=world.clock() - LONG)),
    "by mailbox": lambda world, _: named_by(world, BookingQuery(mailbox=ANNA)),
    "by mailbox in capitals": lambda world, _: named_by(world, BookingQuery(mailbox=ANNA.upper())),
    "whatever names an event": lambda world, _: named_by(world, BookingQuery(names_event=True)),
    "former records": by_former_records,
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
async def test_each_booking_keeps_its_own_event(
    dataverse: DataverseWorld, crowd: dict[str, str], way: Way
) -> None:
    """However bookings are asked for, ids that are the same to Dataverse name different events."""
    assert await way(dataverse, crowd) == crowd


@pytest.mark.parametrize("odd", [f"{ANNA} ", ANNA.replace("a", "á", 1), ANNA.replace("0", "\uff10", 1)])
async def test_a_mailbox_that_only_resembles_another_is_none(dataverse: DataverseWorld, odd: str) -> None:
    """A row that names it is found by the real mailbox's id, and its record counts for nothing."""
    each = booking()
    dataverse.put(each)
    dataverse.standin.state.update(BOOKINGS, each.id, {COLUMNS.event_id: "A", COLUMNS.original_resource: odd})
    query = BookingQuery(mailbox=ANNA)
    (row,) = [row async for page in dataverse.rows.list_bookings(query) for row in page.rows]
    assert (row.record.event, row.claim) == (None, None)


async def test_a_person_is_found_by_the_very_name(dataverse: DataverseWorld) -> None:
    """In whatever case, but not somebody whose name Dataverse takes for it: theirs is another mailbox."""
    reads = DataverseAppAccessReads(dataverse.client, COLUMNS, ExpectedIdentity("", ""))

    def person(mailbox: str, **names: str) -> None:
        body = {"azureactivedirectoryobjectid": mailbox, "isdisabled": False, **names}
        dataverse.standin.state.create("systemusers", body)

    person(BERT, domainname="ánna@contoso.example", internalemailaddress="anna@contoso.example ")
    assert await reads.mailbox_of("anna@contoso.example") == ""
    person(ANNA, domainname="Anna@Contoso.example")
    assert await reads.mailbox_of("anna@contoso.EXAMPLE") == ANNA
    assert await reads.mailbox_of("ÁNNA@contoso.example") == BERT


async def test_no_query_compares_an_event_s_id(dataverse: DataverseWorld) -> None:
    """Of all that the adapters ask, only texts of the tables above are compared, as a whole or in part."""
    resource = replace(booking(), resource=technician(ANNA))
    dataverse.put(resource)
    resource_id = next(iter(dataverse.standin.state.rows("bookableresources")))
    office = Office(dataverse, 'W/"1"', resource_id, dataverse.clock() - LONG)
    for operation in OPERATIONS.values():
        try:
            await operation(dataverse.client, office)
        except SyncError:
            continue  # it was asked all the same
    mailbox = BookingQuery(mailbox=ANNA, names_event=True)
    assert [page async for page in dataverse.rows.list_bookings(mailbox)]
    await dataverse.rows.count_bookings(mailbox)
    asked = [unquote(each.path) for each in dataverse.requests if "$filter=" in unquote(each.path)]
    compared = [found for each in asked for found in COMPARISON.findall(each)]
    assert {column for column, _, value in compared if value.startswith("'")} == set(COMPARED_TEXTS)
    ours = {COLUMNS.event_id, COLUMNS.sync_state, COLUMNS.sync_error}
    assert {(operation, value) for column, operation, value in compared if column in ours} == {("ne", "null")}
    in_part = re.compile(r"(?:contains|startswith|endswith)\((\w+),")
    assert {column for each in asked for column in in_part.findall(each)} == set(SEARCHED_TEXTS)
