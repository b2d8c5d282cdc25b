"""Bookings by the events that they name, against the strict stand-in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from booking_sync.dataverse.reads.event_owners import DataverseEventOwners
from booking_sync.domain.environment.columns import SupportColumns
from booking_sync.domain.return_path.messages import in_messages
from booking_sync.errors import TransientError
from local.standin.faults import Fault
from tests.dataverse.world import BOOKINGS
from tests.support.bookings import ANNA, BERT

if TYPE_CHECKING:
    from tests.dataverse.world import DataverseWorld

DAY = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def book(dataverse: DataverseWorld, event_id: str, mailbox: str = ANNA, start: datetime = DAY) -> str:
    """A booking whose row names the event."""
    columns = SupportColumns()
    body = {
        "name": "b",
        "starttime": start.isoformat(),
        columns.event_id: event_id,
        columns.original_resource: mailbox,
    }
    return dataverse.standin.state.create(BOOKINGS, body)


def owners(dataverse: DataverseWorld) -> DataverseEventOwners:
    """The adapter."""
    return DataverseEventOwners(dataverse.client, SupportColumns())


async def test_one_request_tells_the_bookings_of_many_events(dataverse: DataverseWorld) -> None:
    """People's own events, other mailboxes' and what is history are no bookings' business."""
    events = [f"AAMkEvent{number}=" for number in range(3)]
    mine = {book(dataverse, each): each for each in events}
    book(dataverse, "AAMkEvent1=", mailbox=BERT)
    book(dataverse, "AAMkEvent2=", start=DAY - timedelta(days=1))
    asked = [f"AAMkEvent{number}=" for number in range(100)]
    found = await owners(dataverse).bookings_of(ANNA, asked, DAY)
    assert (found, list(found)) == (mine, sorted(mine))
    assert len(dataverse.requests) == 1


async def test_ids_that_differ_in_case_are_other_events(dataverse: DataverseWorld) -> None:
    """Dataverse takes them for the same, Graph does not."""
    mine = book(dataverse, "AAMkE")
    book(dataverse, "aamke")
    assert await owners(dataverse).bookings_of(ANNA, ["AAMkE"], DAY) == {mine: "AAMkE"}
    assert await owners(dataverse).bookings_of(ANNA, ["AAMke"], DAY) == {}


async def test_the_longest_ids_of_a_message_fit_into_an_address(dataverse: DataverseWorld) -> None:
    """As many as a message takes, below the 32 KB of Dataverse."""
    for length in (152, 1000):
        (most, *_) = in_messages([f"{number:0{length - 2}}==" for number in range(100)])
        await owners(dataverse).bookings_of(ANNA, most, DAY)
    assert all(len(each.path) < 32_000 for each in dataverse.requests)


async def test_a_refused_list_waits_for_somebody_who_mends_it(dataverse: DataverseWorld) -> None:
    """It says nothing of any booking."""
    dataverse.standin.faults.add(
        Fault(BOOKINGS, "GET", times=-1, status=403, body={"error": {"code": "0x80040220", "message": "no"}})
    )
    with pytest.raises(TransientError) as caught:
        await owners(dataverse).bookings_of(ANNA, ["AAMkE"], DAY)
    assert caught.value.until_mended
