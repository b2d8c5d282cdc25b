"""Bookings and technicians, found by what people call them."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from booking_sync.dataverse.reads.name_search import MOST_NAMED, DataverseNameSearch
from booking_sync.dataverse.resources import DataverseResources
from booking_sync.dataverse.web_api.client import DataverseClient
from booking_sync.domain.bookings.booking import WorkOrder
from booking_sync.domain.bookings.participation import calendar_of
from booking_sync.errors import PermanentError, TransientError
from booking_sync.ports.dataverse.lookup import MAX_WORDS, Found
from local.standin.faults import Fault
from tests.support.bookings import ANNA, booking

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    from booking_sync.ports.dataverse.lookup import BookingHit
    from tests.dataverse.world import DataverseWorld

NOBODY = "00000000-1111-4000-8000-000000000000"


@pytest.fixture
async def search(dataverse: DataverseWorld) -> AsyncIterator[DataverseNameSearch]:
    """The adapter under test."""
    client = DataverseClient(dataverse.url, dataverse.credential, dataverse.clock)
    yield DataverseNameSearch(client, DataverseResources(client), dataverse.clock)
    await client.aclose()


def put(
    dataverse: DataverseWorld,
    name: str,
    *,
    number: str = "",
    customer: str = "",
    starts: datetime | None = None,
) -> str:
    """Put in a booking that people call so; returns its id."""
    plain = booking(str(uuid.uuid4()))
    start = starts or dataverse.clock.now
    order = WorkOrder(number=number, account_name=customer) if number else None
    dataverse.put(replace(plain, name=name, work_order=order, start=start, end=start + timedelta(hours=1)))
    return plain.id


def add_technician(dataverse: DataverseWorld, name: str, **user: Any) -> str:
    """Put in a bookable resource with its user; returns its id."""
    create = dataverse.standin.state.create
    body: dict[str, Any] = {"name": name, "resourcetype": 3}
    if user:
        body["UserId@odata.bind"] = f"/systemusers({create('systemusers', user)})"
    return create("bookableresources", body)


def ids(found: Found[BookingHit]) -> list[str]:
    """Of the bookings found."""
    return [each.booking_id for each in found.hits]


@pytest.mark.parametrize("words", ["Boiler", "boiler s", "WO-000", "wo-00017", "Adatum"])
async def test_a_booking_is_found_by_its_name_its_number_and_its_customer(
    dataverse: DataverseWorld, search: DataverseNameSearch, words: str
) -> None:
    """Each by its beginning, in whatever case, with the names that people know it by."""
    wanted = put(dataverse, "Boiler service", number="WO-00017", customer="Adatum Bakery")
    put(dataverse, "Lift", number="WO-0100", customer="Boilerworks, near Adatum")
    found = await search.bookings(words, 10)
    hit = next(each for each in found.hits if each.booking_id == wanted)
    assert (hit.name, hit.work_order, hit.customer) == ("Boiler service", "WO-00017", "Adatum Bakery")
    assert (hit.status, hit.active, hit.starts) == ("Scheduled", True, dataverse.clock.now)
    assert found.more is False
    if words != "Boiler":  # the other's customer begins so
        assert ids(found) == [wanted]


@pytest.mark.parametrize(
    "words", ["50% off", "a_b", "[x]", "O'Hara", "100%", "%", "_", "[a-z]", "' or 1 eq 1"]
)
async def test_words_mean_themselves(
    dataverse: DataverseWorld, search: DataverseNameSearch, words: str
) -> None:
    """What is a wildcard or a quotation mark to Dataverse is an ordinary character of a search."""
    for name in ("50 per cent off", "axb", "x", "OHara", "100 things", "anything"):
        put(dataverse, name)
        add_technician(dataverse, name)
    wanted, person = put(dataverse, f"{words} and more"), add_technician(dataverse, f"Team {words}")
    assert ids(await search.bookings(words, 10)) == [wanted]
    assert [each.resource.id for each in (await search.technicians(words, 10)).hits] == [person]


async def test_the_next_bookings_come_first_and_then_the_latest_of_the_past(
    dataverse: DataverseWorld, search: DataverseNameSearch
) -> None:
    """Whoever searches a customer wants today's visit, and neither one of next year nor one of years ago."""
    days = {
        day: put(dataverse, "Lift", starts=dataverse.clock.now + timedelta(days=day))
        for day in (9, -9, 0, -3, 1, -0.5)
    }
    found = await search.bookings("Lift", 10)
    assert ids(found) == [days[day] for day in (-0.5, 0, 1, 9, -3, -9)]


async def test_at_most_so_many_are_told_in_a_handful_of_requests(
    dataverse: DataverseWorld, search: DataverseNameSearch
) -> None:
    """However many fit, an answer is bounded and says that there are more."""
    for index in range(4):
        put(dataverse, f"Lift {index}")
        add_technician(dataverse, f"Lift team {index}")
    found = await search.bookings("Lift", 3)
    assert (len(found.hits), found.more, len(dataverse.requests)) == (3, True, 4)
    people = await search.technicians("lift", 3)
    assert (len(people.hits), people.more, len(dataverse.requests)) == (3, True, 6)


@pytest.mark.parametrize("table", ["accounts", "systemusers"])
async def test_more_of_a_name_than_a_search_goes_on_from_is_more(
    dataverse: DataverseWorld, search: DataverseNameSearch, table: str
) -> None:
    """Customers and users, too, are gone on from some at a time."""
    column = {"accounts": "name", "systemusers": "domainname"}[table]
    for index in range(MOST_NAMED + 1):
        dataverse.standin.state.create(table, {column: f"adatum{index}"})
    find: Any = search.bookings if table == "accounts" else search.technicians
    assert await find("Adatum", 10) == Found((), more=True)


async def test_what_was_pasted_is_searched_by_its_beginning(
    dataverse: DataverseWorld, search: DataverseNameSearch
) -> None:
    """No question gets longer than Dataverse takes, whatever is searched for."""
    wanted = put(dataverse, "x" * MAX_WORDS)
    assert ids(await search.bookings("x" * 50_000, 10)) == [wanted]


async def test_a_customer_with_many_orders_has_more_than_is_told(
    dataverse: DataverseWorld, search: DataverseNameSearch
) -> None:
    """The search goes on from the newest orders alone, and does not say that this is all."""
    account = dataverse.standin.state.create("accounts", {"name": "Adatum"})
    for index in range(MOST_NAMED + 1):
        body = {"msdyn_name": f"N{index}", "msdyn_serviceaccount@odata.bind": f"/accounts({account})"}
        dataverse.standin.state.create("msdyn_workorders", body)
    assert await search.bookings("Adatum", 10) == Found((), more=True)


@pytest.mark.parametrize("words", ["anna", "virta", "anna.v", "Anna.Virta@contoso.com", "av@"])
async def test_a_technician_is_found_by_a_part_of_the_name_and_by_the_beginning_of_an_address(
    dataverse: DataverseWorld, search: DataverseNameSearch, words: str
) -> None:
    """With what tells who takes part: the user's mailbox, and whether the user is disabled."""
    anna = add_technician(
        dataverse,
        "Anna Virta",
        azureactivedirectoryobjectid=ANNA,
        internalemailaddress="anna.virta@contoso.com",
        domainname="av@contoso.onmicrosoft.com",
        isdisabled=True,
    )
    add_technician(dataverse, "Crane 7")
    (hit,) = (await search.technicians(words, 10)).hits
    assert (hit.resource.id, hit.name, hit.address) == (anna, "Anna Virta", "anna.virta@contoso.com")
    assert calendar_of(hit.resource) == ANNA
    assert hit.resource.user is not None
    assert (hit.resource.user.disabled, hit.active) == (True, True)


async def test_a_technician_is_read_by_id_and_one_that_is_not_there_is_none(
    dataverse: DataverseWorld, search: DataverseNameSearch
) -> None:
    """One that was deactivated is still told, since its bookings are."""
    crane = add_technician(dataverse, "Crane 7")
    dataverse.standin.state.update("bookableresources", crane, {"statecode": 1})
    found = await search.technician(crane.upper())
    assert found is not None
    assert (found.name, found.active, found.address) == ("Crane 7", False, "")
    assert await search.technician(NOBODY) is None
    with pytest.raises(PermanentError, match="no GUID"):
        await search.technician("x or 1 eq 1")


async def test_a_booking_is_named_by_its_id(dataverse: DataverseWorld, search: DataverseNameSearch) -> None:
    """For whoever has an id and wants to show a name beside it; one that is gone has none."""
    wanted = put(dataverse, "Lift", number="WO-1", customer="Adatum")
    put(dataverse, "Boiler")
    hit = await search.booking(wanted)
    assert hit is not None
    assert (hit.booking_id, hit.name, hit.customer) == (wanted, "Lift", "Adatum")
    assert await search.booking(NOBODY) is None
    with pytest.raises(PermanentError, match="no GUID"):
        await search.booking("1 or true")


async def test_many_bookings_are_named_in_one_request(
    dataverse: DataverseWorld, search: DataverseNameSearch
) -> None:
    """Those that are gone are left out; whoever names none asks nobody."""
    some = [put(dataverse, f"Lift {index}") for index in range(3)]
    put(dataverse, "Boiler")
    found = await search.named([*some, NOBODY])
    assert {key: hit.name for key, hit in found.items()} == {
        each: f"Lift {index}" for index, each in enumerate(some)
    }
    assert len(dataverse.requests) == 1
    assert await search.named([]) == {}
    assert len(await search.named(some * 200)) == 3
    assert len(dataverse.requests) == 2
    with pytest.raises(PermanentError, match="no GUID"):
        await search.named(["1 or true"])


async def test_a_search_that_is_cut_short_finds_nothing_rather_than_half(
    dataverse: DataverseWorld, search: DataverseNameSearch
) -> None:
    """A service that fails under way is told, and no list is shown as if it were all."""
    put(dataverse, "Lift")
    dataverse.standin.faults.add(Fault(path="msdyn_workorders", status=503, times=-1))
    with pytest.raises(TransientError):
        await search.bookings("Lift", 10)
