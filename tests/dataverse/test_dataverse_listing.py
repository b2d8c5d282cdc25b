"""Lists of bookings against the strict stand-in: how they are asked for, and that half a list is none."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from booking_sync.dataverse import queries
from booking_sync.dataverse.resources import DataverseFormerRecords, DataverseResources
from booking_sync.domain.environment.columns import SupportColumns
from booking_sync.errors import PermanentError, TransientError
from booking_sync.ports.dataverse.bookings import BookingPage, BookingQuery, FormerRecord, UnreadableRow
from local.standin.faults import Fault
from tests.dataverse.world import BOOKINGS, DataverseWorld
from tests.support.bookings import ANNA, booking

if TYPE_CHECKING:
    from collections.abc import Sequence

MOMENT = datetime(2026, 3, 2, 9, 30, tzinfo=timezone(timedelta(hours=1)))
EVERYTHING = BookingQuery(MOMENT, MOMENT, MOMENT, MOMENT, names_event=True, mailbox=ANNA)


async def pages(dataverse: DataverseWorld, query: BookingQuery = BookingQuery()) -> list[BookingPage]:  # noqa: B008 - frozen
    """All pages of a list."""
    return [page async for page in dataverse.rows.list_bookings(query)]


def fill(dataverse: DataverseWorld, count: int) -> Sequence[str]:
    """Create bookings without related rows; returns their ids, sorted."""
    return sorted(dataverse.standin.state.create(BOOKINGS, {"name": str(number)}) for number in range(count))


def listed(query: BookingQuery, columns: SupportColumns) -> str:
    """The list's address."""
    return queries.booking_list(query, columns, queries.booking_shape(columns))


def options(query: BookingQuery, columns: SupportColumns | None = None) -> dict[str, str]:
    """The options of a list's address, decoded."""
    return dict(parse_qsl(urlsplit(listed(query, columns or SupportColumns())).query))


def test_asks_for_the_same_columns_as_a_read() -> None:
    """What can be planned from a read can be planned from a list."""
    read = queries.booking_rows([str(uuid.uuid4())], queries.booking_shape(SupportColumns()))
    wanted = dict(parse_qsl(urlsplit(read).query))
    asked = options(BookingQuery())
    assert (asked["$select"], asked["$expand"]) == (wanted["$select"], wanted["$expand"])


def test_filter_holds_all_conditions_in_utc() -> None:
    """Conditions are joined by `and`, moments are in UTC, columns have their configured names."""
    columns = SupportColumns("cr_event", "cr_mailbox", "cr_state", "cr_error")
    assert options(EVERYTHING, columns)["$filter"] == (
        "modifiedon ge 2026-03-02T08:30:00Z and modifiedon le 2026-03-02T08:30:00Z"
        " and starttime ge 2026-03-02T08:30:00Z and starttime lt 2026-03-02T08:30:00Z"
        f" and cr_event ne null and cr_mailbox eq '{ANNA}'"
    )


def test_address_holds_nothing_that_must_be_encoded() -> None:
    """The address is complete as it stands, and no mailbox can break out of its quotes."""
    path = listed(EVERYTHING, SupportColumns())
    assert path.isascii()
    assert not set(path) & set(' "<>[]\\^`{|}')
    assert options(BookingQuery(mailbox="x' or 1 eq 1&$top=1"))["$filter"].endswith(
        "eq 'x'' or 1 eq 1&$top=1'"
    )


def test_pages_follow_the_key() -> None:
    """Pages are cut by the key, which never changes, so that a row that changes meanwhile is not skipped."""
    assert options(EVERYTHING)["$orderby"] == "bookableresourcebookingid"


def test_moment_without_a_zone_is_refused() -> None:
    """A moment that could mean anything is a mistake, not the machine's local time."""
    with pytest.raises(ValueError, match="time zone"):
        listed(BookingQuery(modified_from=MOMENT.replace(tzinfo=None)), SupportColumns())


async def test_pages_have_the_size_we_ask_for(dataverse: DataverseWorld) -> None:
    """Every page's request wants our page size, and follows the address that Dataverse gave as it is."""
    ids = fill(dataverse, queries.PAGE_ROWS + 1)
    found = await pages(dataverse)
    assert [len(page.rows) for page in found] == [queries.PAGE_ROWS, 1]
    assert [row.booking.id for page in found for row in page.rows] == ids
    assert [entry.headers["prefer"].partition(",")[0] for entry in dataverse.requests] == [
        f"odata.maxpagesize={queries.PAGE_ROWS}"
    ] * 2


@pytest.mark.parametrize(
    "fault", [Fault(status=500), Fault(drop=True), Fault(status=200), Fault(status=200, body={"value": None})]
)
async def test_second_page_that_fails_fails_the_list(dataverse: DataverseWorld, fault: Fault) -> None:
    """After a page that failed or was cut short the list never ends as if it were complete."""
    fill(dataverse, queries.PAGE_ROWS + 1)
    dataverse.standin.faults.add(Fault(**{**vars(fault), "after_skipping": 1}))
    listing = dataverse.rows.list_bookings(BookingQuery())
    first = await anext(listing)
    assert len(first.rows) == queries.PAGE_ROWS
    with pytest.raises(TransientError):
        await anext(listing)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"value": [{}]},
        {"value": [{"@odata.etag": 'W/"1"', "bookableresourcebookingid": "7", "statecode": 0}]},
        {"value": [], "error": {"code": "0x80040216", "message": "Broke off."}},
        {"value": [], "@odata.nextLink": 7},
    ],
)
async def test_incomplete_page_is_not_an_empty_one(dataverse: DataverseWorld, body: dict[str, Any]) -> None:
    """A success that is no list of bookings, or that names none, is transient."""
    dataverse.standin.faults.add(Fault(status=200, body=body))
    with pytest.raises(TransientError):
        await pages(dataverse)


async def test_refused_list_is_permanent(dataverse: DataverseWorld) -> None:
    """Without the privilege to read bookings there is no list."""
    dataverse.standin.faults.add(Fault(status=403, body={"error": {"code": "0x80040220", "message": "no"}}))
    with pytest.raises(PermanentError):
        await pages(dataverse)


async def test_throttled_list_heeds_the_pause(dataverse: DataverseWorld) -> None:
    """A 429 in the middle of a list ends it, and nothing is sent while the pause lasts."""
    fill(dataverse, queries.PAGE_ROWS + 1)
    dataverse.standin.faults.add(Fault(status=429, headers={"Retry-After": "30"}, after_skipping=1))
    for _ in range(2):
        with pytest.raises(TransientError) as caught:
            await pages(dataverse)
        assert caught.value.retry_after == 30
    assert len(dataverse.requests) == 2


async def test_row_that_can_not_be_read_is_named(dataverse: DataverseWorld) -> None:
    """A row with a withheld relation is on the page as unreadable: known to exist, and no more."""
    dataverse.put(booking())
    (page,) = await pages(dataverse)
    hidden = str(uuid.uuid4())
    row = {
        "@odata.etag": 'W/"1"',
        "bookableresourcebookingid": hidden,
        "statecode": 0,
        "_resource_value": str(uuid.uuid4()),
        "Resource": None,
    }
    good = {**row, "bookableresourcebookingid": page.rows[0].booking.id, "_resource_value": None}
    dataverse.standin.faults.add(Fault(status=200, body={"value": [good, row]}))
    (mixed,) = await pages(dataverse)
    assert [each.booking.id for each in mixed.rows] == [page.rows[0].booking.id]
    (unreadable,) = mixed.unreadable
    assert isinstance(unreadable, UnreadableRow)
    assert unreadable.booking_id == hidden
    assert "Resource" in unreadable.reason


async def test_whole_seconds_do_not_hide_the_newest_change(dataverse: DataverseWorld) -> None:
    """A change of this very second is on a list of what changed until now."""
    dataverse.put(booking())
    (page,) = await pages(dataverse, BookingQuery(modified_until=datetime.now(UTC)))
    assert len(page.rows) == 1


def test_bookings_of_resources_and_work_orders_are_asked_for_by_their_ids() -> None:
    """Any of one kind, and both kinds together; what is no GUID never gets into a query."""
    first, second = str(uuid.uuid4()), str(uuid.uuid4())
    asked = options(BookingQuery(resource_ids=(first,), work_order_ids=(first, second)))
    assert asked["$filter"] == (
        f"(_resource_value eq {first})"
        f" and (_msdyn_workorder_value eq {first} or _msdyn_workorder_value eq {second})"
    )
    with pytest.raises(ValueError, match="GUIDs of resources"):
        options(BookingQuery(resource_ids=("x or true",)))


def test_a_condition_of_somebody_s_own_narrows_the_list() -> None:
    """In parentheses, so that an `or` in it lets nothing past the other conditions."""
    asked = options(BookingQuery(starts_from=MOMENT, condition="name eq 'a' or duration gt 60"))
    assert asked["$filter"].endswith("Z and (name eq 'a' or duration gt 60)")


def test_a_list_by_start_can_be_taken_up_again() -> None:
    """Ties are settled by the key, so that no page is cut at random."""
    assert options(BookingQuery(by_start=True))["$orderby"] == "starttime,bookableresourcebookingid"


async def test_what_a_former_sync_noted_is_listed_with_its_columns(dataverse: DataverseWorld) -> None:
    """Rows that name an event, with both texts; an unknown column is refused in words."""
    moment = "2026-03-02T09:00:00Z"
    noted = dataverse.standin.state.create(
        BOOKINGS,
        {"name": "a", "starttime": moment, "msdyn_globalobjectid": "E1", "bsync_originalresource": "x"},
    )
    dataverse.standin.state.create(BOOKINGS, {"name": "b", "starttime": moment})
    client = dataverse.rows._client  # noqa: SLF001 - the tests' world keeps no other
    columns = DataverseFormerRecords(client, "msdyn_globalobjectid", "bsync_originalresource")
    found = [each async for page in columns.list_former(MOMENT.replace(year=2020)) for each in page]
    assert found == [FormerRecord(noted, "E1", "x")]
    assert [page async for page in columns.list_former(MOMENT.replace(year=2030))] == [[]]
    with pytest.raises(PermanentError):
        [page async for page in DataverseFormerRecords(client, "new_nothing").list_former(MOMENT)]
    with pytest.raises(ValueError, match="logical name"):
        DataverseFormerRecords(client, "a,b")


async def test_resources_are_told_with_their_users_mailboxes(dataverse: DataverseWorld) -> None:
    """Only those that are users with an Entra account."""
    user = dataverse.standin.state.create(
        "systemusers", {"fullname": "A", "azureactivedirectoryobjectid": ANNA}
    )
    resource = dataverse.standin.state.create(
        "bookableresources",
        {"name": "A", "resourcetype": 3, "UserId@odata.bind": f"/systemusers({user})"},
    )
    dataverse.standin.state.create("bookableresources", {"name": "Crane", "resourcetype": 4})
    client = dataverse.rows._client  # noqa: SLF001 - as above
    assert await DataverseResources(client).mailboxes() == {resource: ANNA}


async def test_counts_by_ids_alone_through_all_pages(dataverse: DataverseWorld) -> None:
    """One request for up to 5,000 bookings, with the conditions of the list."""
    fill(dataverse, 7)
    dataverse.standin.state.create(BOOKINGS, {"name": "old", "starttime": "2026-01-01T08:00:00Z"})
    dataverse.standin.state.create(BOOKINGS, {"name": "new", "starttime": "2026-03-05T08:00:00Z"})
    dataverse.requests.clear()
    assert await dataverse.rows.count_bookings(BookingQuery()) == 9
    assert await dataverse.rows.count_bookings(BookingQuery(starts_from=MOMENT)) == 1
    assert [each.headers["prefer"] for each in dataverse.requests] == ["odata.maxpagesize=5000"] * 2
    address = queries.booking_ids(BookingQuery(starts_from=MOMENT), SupportColumns())
    assert dict(parse_qsl(urlsplit(address).query))["$select"] == "bookableresourcebookingid"
