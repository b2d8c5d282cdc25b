"""The bookings that can't sync, as the operator's page lists them."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from booking_sync.dataverse.reads.failures import MOST_ROWS, DataverseFailures
from booking_sync.dataverse.web_api.client import DataverseClient
from booking_sync.errors import PermanentError, TransientError
from booking_sync.ports.dataverse.bookings import FailingBooking
from local.standin.faults import Fault
from tests.dataverse.world import BOOKINGS
from tests.support.bookings import booking

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.dataverse.world import DataverseWorld

COLUMN = "bsync_outlooksyncerror"


@pytest.fixture
async def failures(dataverse: DataverseWorld) -> AsyncIterator[DataverseFailures]:
    """The adapter under test."""
    client = DataverseClient(dataverse.url, dataverse.credential, dataverse.clock)
    yield DataverseFailures(client, COLUMN)
    await client.aclose()


def fail(dataverse: DataverseWorld, error: str | None) -> str:
    """Put in a booking with this text in its error column; returns its id."""
    subject = booking(str(uuid.uuid4()))
    dataverse.put(subject)
    dataverse.standin.state.update(BOOKINGS, subject.id, {COLUMN: error})
    return subject.id


async def test_only_bookings_with_an_error_are_listed(
    dataverse: DataverseWorld, failures: DataverseFailures
) -> None:
    """What a person should read of each, and nothing of bookings that are well."""
    failing = fail(dataverse, "No mailbox.")
    fail(dataverse, None)
    found = await failures.failing(10)
    (only,) = found.bookings
    assert not found.more
    assert (only.booking_id, only.name, only.error) == (failing, booking().name, "No mailbox.")
    dataverse.standin.state.update("bookableresources", only.resource_id, {"name": "Anna Field"})
    (named,) = (await failures.failing(10)).bookings
    assert named.resource_name == "Anna Field"
    assert only.starts == booking().start
    assert only.modified is not None
    assert only.modified.tzinfo is UTC


async def test_the_list_is_one_bounded_request_for_the_latest(
    dataverse: DataverseWorld, failures: DataverseFailures
) -> None:
    """However many fail, one request asks for a few, the latest first, and tells that there are more."""
    for _ in range(4):
        fail(dataverse, "No mailbox.")
    found = await failures.failing(3)
    assert (len(found.bookings), found.more) == (3, True)
    (request,) = dataverse.requests
    assert "$orderby=modifiedon desc" in request.path.replace("%20", " ")
    assert [each.modified for each in found.bookings] == sorted(
        (each.modified for each in found.bookings if each.modified), reverse=True
    )


async def test_thousands_are_read_in_pages_and_no_further_than_asked(
    dataverse: DataverseWorld, failures: DataverseFailures
) -> None:
    """Dataverse sends 5,000 rows at most; the latest come first over all pages, and the rest is not read."""
    for _ in range(MOST_ROWS + 3):
        fail(dataverse, "No mailbox.")
    found = await failures.failing(2 * MOST_ROWS)
    assert (len({each.booking_id for each in found.bookings}), found.more) == (MOST_ROWS + 3, False)
    assert len(dataverse.requests) == 2
    dataverse.requests.clear()
    assert (await failures.failing(100)).more
    assert len(dataverse.requests) == 1


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({}, FailingBooking("", "", None, None, "")),
        ({"name": 5, "starttime": "soon", "modifiedon": 7}, FailingBooking("", "", None, None, "")),
        (
            {"starttime": "2026-01-05T12:00:00Z", "modifiedon": "0001-01-01T00:00:00+14:00"},
            FailingBooking("", "", datetime(2026, 1, 5, 12, tzinfo=UTC), None, ""),
        ),
    ],
    ids=["empty", "other types", "impossible time"],
)
async def test_an_odd_row_is_listed_all_the_same(
    dataverse: DataverseWorld, failures: DataverseFailures, row: dict[str, Any], expected: FailingBooking
) -> None:
    """A column that holds what it can't hold is left out; the booking still shows."""
    booking_id = str(uuid.uuid4())
    body = {"value": [{"bookableresourcebookingid": booking_id, **row}]}
    dataverse.standin.faults.add(Fault(path=BOOKINGS, status=200, body=body))
    (only,) = (await failures.failing(10)).bookings
    assert (only.booking_id, only.name, only.starts, only.modified, only.error) == (
        booking_id,
        *(expected.name, expected.starts, expected.modified, expected.error),
    )


async def test_a_row_without_its_id_is_no_answer(
    dataverse: DataverseWorld, failures: DataverseFailures
) -> None:
    """An answer that can't be the one to our question is taken for none."""
    dataverse.standin.faults.add(Fault(path=BOOKINGS, status=200, body={"value": [{"name": "x"}]}))
    with pytest.raises(TransientError):
        await failures.failing(10)


async def test_a_missing_column_is_named(dataverse: DataverseWorld) -> None:
    """Without the column nothing can be listed, and the reason says which one it is."""
    client = DataverseClient(dataverse.url, dataverse.credential, dataverse.clock)
    with pytest.raises(PermanentError, match="bsync_elsewhere"):
        await DataverseFailures(client, "bsync_elsewhere").failing(10)
    await client.aclose()
