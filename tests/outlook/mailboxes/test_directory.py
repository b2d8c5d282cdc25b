"""Addresses on resources' rows, looked up in the directory: the real SDK against the strict stand-in."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from booking_sync.errors import PermanentError, TransientError
from booking_sync.outlook.mailboxes.directory import (
    DENIED_REASON,
    KNOWN_FOR,
    MISSED_FOR,
    NOBODY_REASON,
    SEVERAL_REASON,
    GraphDirectory,
)
from booking_sync.outlook.requests import EventRequests
from local.standin.faults import Fault
from tests.outlook.kit import MAILBOX, NOW, OTHER_MAILBOX

if TYPE_CHECKING:
    from tests.outlook.kit import GraphHere

ADDRESS = "Van7@contoso.com"
USERS = r"^/users\?"


class Clock:
    """A clock that tests turn by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        """The time it was set to."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The directory's."""
    return Clock()


@pytest.fixture
def directory(graph: GraphHere, clock: Clock) -> GraphDirectory:
    """A directory that may be asked, with one van in it."""
    graph.configure(directory="granted")
    graph.standin.state.add_mailbox(MAILBOX, "Van 7", "van7@contoso.onmicrosoft.com", mail="van7@contoso.com")
    calendar = graph.calendar
    return GraphDirectory(calendar._batches.submit, EventRequests(calendar._client), clock)  # noqa: SLF001 - as the calendar makes its own


def asked(graph: GraphHere) -> int:
    """How many requests the service got."""
    return len(graph.batches)


@pytest.mark.parametrize("address", [ADDRESS, "van7@contoso.com", "VAN7@contoso.onmicrosoft.com"])
async def test_a_mail_address_and_a_sign_in_name_lead_to_the_object_id(
    directory: GraphDirectory, address: str
) -> None:
    """Whatever the case of their letters."""
    assert await directory.object_id(address) == MAILBOX


async def test_the_calendar_brings_its_directory_along(graph: GraphHere, directory: GraphDirectory) -> None:
    """So that addresses are looked up with the same credential, limits and batches."""
    assert await graph.calendar.directory.object_id(ADDRESS) == await directory.object_id(ADDRESS)


async def test_an_apostrophe_is_a_part_of_the_address(graph: GraphHere, directory: GraphDirectory) -> None:
    """And ends no text of the query."""
    graph.standin.state.add_mailbox(OTHER_MAILBOX, "Pat", "pat.o'hara@contoso.com")
    assert await directory.object_id("Pat.O'Hara@contoso.com") == OTHER_MAILBOX


async def test_an_address_is_looked_up_once_an_hour(
    graph: GraphHere, directory: GraphDirectory, clock: Clock
) -> None:
    """However many bookings its resource has."""
    for _ in range(3):
        await directory.object_id(ADDRESS)
    assert asked(graph) == 1
    clock.now += KNOWN_FOR
    await directory.object_id(ADDRESS.lower())
    assert asked(graph) == 2


async def test_an_address_of_nobody_is_told(
    graph: GraphHere, directory: GraphDirectory, clock: Clock
) -> None:
    """And asked for again only after some minutes, when somebody may have mended it."""
    for _ in range(2):
        with pytest.raises(PermanentError) as error:
            await directory.object_id("van8@contoso.com")
        assert error.value.reason == NOBODY_REASON
    assert asked(graph) == 1
    clock.now += MISSED_FOR
    graph.standin.state.add_mailbox(OTHER_MAILBOX, "Van 8", "van8@contoso.com")
    assert await directory.object_id("van8@contoso.com") == OTHER_MAILBOX


async def test_an_address_of_two_users_is_nobodys(graph: GraphHere, directory: GraphDirectory) -> None:
    """One's sign-in name may be the other's mail address; which of the two is meant a person has to say."""
    graph.standin.state.add_mailbox(OTHER_MAILBOX, "Van", "van7@contoso.com")
    with pytest.raises(PermanentError) as error:
        await directory.object_id(ADDRESS)
    assert error.value.reason == SEVERAL_REASON


async def test_without_the_permission_the_row_says_what_to_grant(
    graph: GraphHere, directory: GraphDirectory
) -> None:
    """Or to write the object id, which needs none."""
    graph.configure(directory="denied")
    with pytest.raises(PermanentError) as error:
        await directory.object_id(ADDRESS)
    assert error.value.reason == DENIED_REASON
    assert error.value.patience is None
    assert "User.Read.All" in DENIED_REASON


async def test_a_directory_that_is_down_decides_nothing(
    graph: GraphHere, directory: GraphDirectory, clock: Clock
) -> None:
    """What it told before goes on counting, and nothing else counts as nobody's."""
    fault = Fault(USERS, status=503, times=3, body={"error": {"code": "ServiceUnavailable", "message": ""}})
    assert await directory.object_id(ADDRESS) == MAILBOX
    clock.now += KNOWN_FOR + timedelta(days=2)
    graph.standin.faults.add(fault)
    assert await directory.object_id(ADDRESS) == MAILBOX
    with pytest.raises(TransientError):
        await directory.object_id("van8@contoso.com")


async def test_an_answer_that_names_no_object_id_decides_nothing(
    graph: GraphHere, directory: GraphDirectory
) -> None:
    """Half an answer is none."""
    for body in ({"value": [{"id": "van"}]}, {"value": None}, {}):
        graph.standin.faults.add(Fault(USERS, status=200, body=body))
        with pytest.raises(TransientError):
            await directory.object_id(ADDRESS)


def test_refusals_name_no_address() -> None:
    """They go to rows and logs."""
    assert not any("@" in each for each in (NOBODY_REASON, SEVERAL_REASON, DENIED_REASON))
