"""Mailboxes that resources name by an address: object ids by the time that a row is read."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from booking_sync.dataverse.addresses import MailboxAddresses
from booking_sync.dataverse.bookings import DataverseBookings
from booking_sync.dataverse.resources import DataverseResources
from booking_sync.domain.bookings.booking import BookableResource
from booking_sync.domain.bookings.resource_type import ResourceType
from booking_sync.domain.environment.columns import ResourceColumns, SupportColumns
from booking_sync.errors import PermanentError, TransientError
from booking_sync.ports.dataverse.bookings import BookingQuery
from local.dataverse.environment import DEFAULT_IDENTITY
from tests.support.bookings import ANNA, booking, technician
from tests.support.seals import KEYRING, sealer

if TYPE_CHECKING:
    from booking_sync.domain.record import BookingRow
    from tests.dataverse.world import DataverseWorld

VAN = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
ADDRESS = "van7@contoso.com"
COLUMNS = ResourceColumns("bsync_takespart", "bsync_mailbox")
NOBODYS = PermanentError("Nobody's.")
DOWN = TransientError("the directory is down")


class ADirectory:
    """Knows what a test told it."""

    def __init__(self, **told: str | PermanentError | TransientError) -> None:
        self.told: dict[str, str | PermanentError | TransientError] = {ADDRESS: VAN, **told}
        self.asked: list[str] = []

    async def object_id(self, address: str) -> str:
        """As told; nobody's otherwise."""
        self.asked.append(address)
        told = self.told.get(address, NOBODYS)
        if isinstance(told, str):
            return told
        raise told


@pytest.fixture
def directory() -> ADirectory:
    """It knows one van."""
    return ADirectory()


@pytest.fixture
def rows(dataverse: DataverseWorld, directory: ADirectory) -> DataverseBookings:
    """The adapter under test."""
    return DataverseBookings(
        dataverse.client,
        SupportColumns(),
        sealer(DEFAULT_IDENTITY.organization_id, keys=KEYRING.keys),
        KEYRING,
        of_resource=COLUMNS,
        addresses=MailboxAddresses(lambda: directory),
    )


def put(dataverse: DataverseWorld, resource: BookableResource) -> str:
    """A booking of it; gives its id."""
    made = replace(booking(str(uuid.uuid4())), resource=resource)
    dataverse.put(made)
    return made.id


def van(mailbox: str = ADDRESS) -> BookableResource:
    """Equipment whose row names this mailbox."""
    return BookableResource(ResourceType.EQUIPMENT, mailbox=mailbox)


def of(row: BookingRow | None) -> BookableResource:
    """The row's resource."""
    assert row is not None
    assert row.booking.resource is not None
    return row.booking.resource


async def listed(rows: DataverseBookings) -> tuple[list[str], list[str]]:
    """The mailboxes and the reasons of everything that a list shows."""
    pages = [page async for page in rows.list_bookings(BookingQuery())]
    read = [of(row).mailbox for page in pages for row in page.rows]
    return sorted(read), [each.reason for page in pages for each in page.unreadable]


async def test_an_address_is_an_object_id_by_the_time_its_row_is_read(
    dataverse: DataverseWorld, rows: DataverseBookings, directory: ADirectory
) -> None:
    """Read alone or in a list, each address asked for once per answer; ids and empty columns never."""
    first, _ = put(dataverse, van()), put(dataverse, van())
    put(dataverse, van(VAN))
    put(dataverse, technician(ANNA))
    assert of(await rows.read(first)).mailbox == VAN
    assert await listed(rows) == (["", VAN, VAN, VAN], [])
    assert directory.asked == [ADDRESS, ADDRESS]


async def test_an_address_of_nobody_is_told_on_its_resource(
    dataverse: DataverseWorld, rows: DataverseBookings
) -> None:
    """The row is read, and the rules make of it what they make of bad data."""
    resource = of(await rows.read(put(dataverse, van("van8@contoso.com"))))
    assert (resource.mailbox, resource.mailbox_problem) == ("van8@contoso.com", "Nobody's.")


async def test_an_address_that_nobody_can_look_up_now_keeps_only_its_rows(
    dataverse: DataverseWorld, rows: DataverseBookings, directory: ADirectory
) -> None:
    """Bookings of others go on; nobody takes these for bookings without a mailbox."""
    directory.told[ADDRESS] = DOWN
    held, other = put(dataverse, van()), put(dataverse, van(VAN))
    with pytest.raises(TransientError, match="directory is down"):
        await rows.read(held)
    assert of(await rows.read(other)).mailbox == VAN
    assert await listed(rows) == ([VAN], ["the directory is down"])


async def test_lists_of_resources_tell_object_ids_too(
    dataverse: DataverseWorld, directory: ADirectory
) -> None:
    """Which the audit lists calendars by; a reason is told to the doctor."""
    put(dataverse, van())
    put(dataverse, van("van8@contoso.com"))
    resources = DataverseResources(dataverse.client, COLUMNS, addresses=MailboxAddresses(lambda: directory))
    assert sorted((await resources.all()).values()) == ["", VAN]
    assert list((await resources.mailboxes()).values()) == [VAN]
    told = {each.resource.mailbox: each.resource.mailbox_problem for each in await resources.everybody()}
    assert told == {VAN: "", "van8@contoso.com": "Nobody's."}


async def test_a_list_of_resources_is_never_half_known(
    dataverse: DataverseWorld, directory: ADirectory
) -> None:
    """An audit that took an unknown mailbox for none would miss what lies there."""
    directory.told[ADDRESS] = DOWN
    put(dataverse, van())
    resources = DataverseResources(dataverse.client, COLUMNS, addresses=MailboxAddresses(lambda: directory))
    with pytest.raises(TransientError):
        await resources.all()
