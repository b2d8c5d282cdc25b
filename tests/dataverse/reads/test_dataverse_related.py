"""Bookings by the rows they name, against the strict stand-in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from booking_sync.dataverse import queries
from booking_sync.dataverse.reads.related import DataverseRelatedBookings
from booking_sync.dataverse.web_api.client import DataverseClient
from booking_sync.domain.environment.watched import RelatedTable
from booking_sync.errors import PermanentError, TransientError
from booking_sync.ports.dataverse.bookings import BookingStart
from local.standin.faults import Fault
from tests.dataverse.world import BOOKINGS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.dataverse.world import DataverseWorld

DAY = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
TABLES = {RelatedTable.WORK_ORDER: "msdyn_workorders", RelatedTable.RESOURCE: "bookableresources"}
LOOKUPS = {RelatedTable.WORK_ORDER: "msdyn_workorder", RelatedTable.RESOURCE: "Resource"}


@pytest.fixture
async def client(dataverse: DataverseWorld) -> AsyncIterator[DataverseClient]:
    """A client of the environment."""
    opened = DataverseClient(dataverse.url, dataverse.credential, dataverse.clock)
    yield opened
    await opened.aclose()


def book(dataverse: DataverseWorld, table: RelatedTable, row_id: str | None, start: datetime) -> str:
    """A booking that names the row."""
    named = None if row_id is None else f"/{TABLES[table]}({row_id})"
    body: dict[str, Any] = {
        "name": "b",
        "starttime": start.isoformat(),
        f"{LOOKUPS[table]}@odata.bind": named,
    }
    return dataverse.standin.state.create(BOOKINGS, body)


def row(dataverse: DataverseWorld, table: RelatedTable) -> str:
    """A row that bookings may name."""
    return dataverse.standin.state.create(TABLES[table], {})


async def found(
    client: DataverseClient, table: RelatedTable, row_id: str, starts_from: datetime = DAY
) -> list[list[BookingStart]]:
    """The pages of the list."""
    return [
        list(page) async for page in DataverseRelatedBookings(client).bookings_of(table, row_id, starts_from)
    ]


@pytest.mark.parametrize("table", RelatedTable)
async def test_finds_the_rows_bookings_by_start(
    dataverse: DataverseWorld, client: DataverseClient, table: RelatedTable
) -> None:
    """Bookings that name the row and start in time come ordered by start; others don't come."""
    mine, other = row(dataverse, table), row(dataverse, table)
    starts = [DAY + timedelta(days=each) for each in (3, 0, 1, -1)]
    ids = [book(dataverse, table, mine, start) for start in starts]
    book(dataverse, table, other, DAY)
    book(dataverse, table, None, DAY)
    assert await found(client, table, mine.upper()) == [
        [BookingStart(ids[each], starts[each]) for each in (1, 2, 0)]
    ]


async def test_no_booking_is_one_empty_page(dataverse: DataverseWorld, client: DataverseClient) -> None:
    """A row that is gone, or that nobody books, costs one request and no error."""
    assert await found(client, RelatedTable.WORK_ORDER, "99aa88bb-3b52-4f11-bfe3-000d3a4a5b6c") == [[]]
    assert len(dataverse.requests) == 1


async def test_many_bookings_come_in_pages_of_a_size_that_we_ask_for(
    dataverse: DataverseWorld, client: DataverseClient
) -> None:
    """Every page's request wants our page size; only two columns are read."""
    mine = row(dataverse, RelatedTable.RESOURCE)
    for number in range(queries.PAGE_ROWS + 1):
        book(dataverse, RelatedTable.RESOURCE, mine, DAY + timedelta(minutes=number // 3))
    pages = await found(client, RelatedTable.RESOURCE, mine)
    assert [len(page) for page in pages] == [queries.PAGE_ROWS, 1]
    starts = [booking.start for page in pages for booking in page]
    assert starts == sorted(starts)
    assert len({booking.booking_id for page in pages for booking in page}) == queries.PAGE_ROWS + 1
    assert {entry.headers["prefer"] for entry in dataverse.requests} == {
        f"odata.maxpagesize={queries.PAGE_ROWS}"
    }


@pytest.mark.parametrize(
    "fault", [Fault(status=500), Fault(drop=True), Fault(status=200, body={"value": None})]
)
async def test_second_page_that_fails_fails_the_list(
    dataverse: DataverseWorld, client: DataverseClient, fault: Fault
) -> None:
    """A list that is cut short never passes for a complete one."""
    mine = row(dataverse, RelatedTable.RESOURCE)
    for _ in range(queries.PAGE_ROWS + 1):
        book(dataverse, RelatedTable.RESOURCE, mine, DAY)
    dataverse.standin.faults.add(Fault(**{**vars(fault), "after_skipping": 1}))
    with pytest.raises(TransientError):
        await found(client, RelatedTable.RESOURCE, mine)


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"bookableresourcebookingid": "x", "starttime": "2026-03-02T08:00:00Z"},
        {"bookableresourcebookingid": "99aa88bb-3b52-4f11-bfe3-000d3a4a5b6c"},
        {"bookableresourcebookingid": "99aa88bb-3b52-4f11-bfe3-000d3a4a5b6c", "starttime": "soon"},
        {
            "bookableresourcebookingid": "99aa88bb-3b52-4f11-bfe3-000d3a4a5b6c",
            "starttime": "2026-03-02T08:00:00",
        },
    ],
)
async def test_an_answer_to_another_question_is_none(
    dataverse: DataverseWorld, client: DataverseClient, sent: dict[str, str]
) -> None:
    """A page whose rows lack what was asked for is tried again, not skipped over."""
    dataverse.standin.faults.add(Fault(status=200, body={"value": [sent]}))
    with pytest.raises(TransientError):
        await found(client, RelatedTable.RESOURCE, "99aa88bb-3b52-4f11-bfe3-000d3a4a5b6c")


async def test_what_is_no_guid_never_reaches_the_service(
    dataverse: DataverseWorld, client: DataverseClient
) -> None:
    """Nothing from a message can reshape the filter."""
    with pytest.raises(PermanentError):
        await found(client, RelatedTable.RESOURCE, "x or 1 eq 1")
    assert dataverse.requests == []
