"""The ports `Resources` and `FormerRecords` on Dataverse: whose mailbox is whose, what a flow noted."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from booking_sync.dataverse import queries
from booking_sync.dataverse.addresses import with_mailbox
from booking_sync.dataverse.rows.booking_rows import ID_COLUMN
from booking_sync.dataverse.rows.row_columns import RowColumns
from booking_sync.dataverse.web_api.errors import incomplete
from booking_sync.domain.bookings.booking import BookableResource, SystemUser
from booking_sync.domain.bookings.participation import EVERYBODY, calendar_of
from booking_sync.domain.bookings.resource_type import UNKNOWN_TYPE
from booking_sync.domain.environment.columns import (
    NO_RESOURCE_COLUMNS,
    RESOURCE_MAILBOX_LENGTH,
    is_logical_name,
)
from booking_sync.domain.ids import NO_GUID, read_guid
from booking_sync.domain.text import clean_line
from booking_sync.errors import PermanentError
from booking_sync.ports.dataverse.bookings import FormerRecord, NamedResource
from booking_sync.ports.dataverse.lookup import Technician

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence
    from datetime import datetime
    from typing import Any

    from booking_sync.dataverse.addresses import MailboxAddresses
    from booking_sync.dataverse.web_api.client import DataverseClient
    from booking_sync.domain.bookings.participation import Participation
    from booking_sync.domain.environment.columns import ResourceColumns

_RESOURCE_ID = "bookableresourceid"
_TYPE = "resourcetype"
_USER_ID = "_userid_value"
_UNREADABLE_USER = (
    "Dynamics 365: the resource's user is set, but our application user may not read it; an administrator "
    "must check its security role."
)
_USER_COLUMNS = ("isdisabled", "internalemailaddress", "domainname")
PAGES = {"Prefer": "odata.maxpagesize=1000"}


class DataverseResources:
    """Bookable resources and the mailboxes that show their bookings; fulfils `Resources`.

    Args:
        client: the environment's Web API; stays the caller's to close.
        columns: those on the resource that people fill in.
        participation: whose bookings are shown.
        addresses: looks up the mailboxes that they name by an address; None leaves them unknown.
    """

    def __init__(
        self,
        client: DataverseClient,
        columns: ResourceColumns = NO_RESOURCE_COLUMNS,
        participation: Participation = EVERYBODY,
        addresses: MailboxAddresses | None = None,
    ) -> None:
        self._addresses = addresses
        self._client = client
        self._columns = columns
        self._participation = participation

    async def everybody(self) -> Sequence[NamedResource]:
        """Every active bookable resource, with its name, in the order of the names.

        Raises:
            TransientError: no complete answer now.
            PermanentError: refused.
        """
        rows = await self._read("name", condition="&$filter=statecode eq 0")
        resources = await self._resources(rows)
        found = (
            NamedResource(RowColumns(row).text("name"), each)
            for row, each in zip(rows, resources, strict=True)
        )
        return sorted(found, key=lambda each: (each.name.casefold(), each.resource.id))

    async def mailboxes(self) -> Mapping[str, str]:
        """By resource id: whose mailbox shows its bookings, for all that take part and have one; lower case.

        Raises:
            TransientError: no complete answer now.
            PermanentError: refused.
        """
        inside = filter(self._participation.includes, await self._resources(await self._read()))
        return {each.id: mailbox for each in inside if (mailbox := calendar_of(each))}

    async def all(self) -> Mapping[str, str]:
        """For every resource a mailbox that its bookings' events may lie in; empty where none is to be seen.

        A user's counts even when the resource is of another type by now. One that may take part, and whose
        user we may not read, is left out like a resource that we may not read itself: nobody knows its
        mailbox. Raises as `mailboxes`.
        """
        resources = await self._resources(await self._read())
        return {each.id: self._may_hold_events(each) for each in resources if not self._is_unknown(each)}

    def _is_unknown(self, resource: BookableResource) -> bool:
        """Whether it may have a mailbox that we can't know, for want of its user."""
        may_take_part = self._participation.includes(resource) or self._participation.is_undecided(resource)
        return bool(resource.user_problem) and calendar_of(resource) is None and may_take_part

    def _may_hold_events(self, resource: BookableResource) -> str:
        if not self._participation.includes(resource):
            return ""
        users = resource.user.entra_object_id if resource.user else None
        return calendar_of(resource) or users or ""

    async def find(self, condition: str, most: int) -> Sequence[Technician]:
        """At most so many bookable resources, active or not, in the order of their names.

        Args:
            condition: which, in the words of the Web API's `$filter`, not yet encoded.
            most: how many.

        Raises:
            TransientError: no complete answer now; an address that can't be looked up now is one.
            PermanentError: refused.
        """
        options = f"&$filter={quote(condition, safe='')}&$orderby=name,{_RESOURCE_ID}&$top={most}"
        rows = await self._read("name", "statecode", condition=options, of_user=_USER_COLUMNS)
        resources = await self._resources(rows)
        return [_technician(RowColumns(row), each) for row, each in zip(rows, resources, strict=True)]

    async def _read(
        self, *more: str, condition: str = "", of_user: Sequence[str] = ()
    ) -> Sequence[Mapping[str, Any]]:
        """The rows with these columns besides those that every question needs."""
        # The bare lookup tells a user that we may not read from none.
        select = ",".join((_RESOURCE_ID, _TYPE, _USER_ID, *more, *self._columns.names))
        user = ",".join(("azureactivedirectoryobjectid", *of_user))
        path = f"bookableresources?$select={select}&$expand=UserId($select={user})"
        return await self._client.rows(f"{path}{condition}", headers=PAGES)

    async def _resources(self, rows: Sequence[Mapping[str, Any]]) -> Sequence[BookableResource]:
        """Raises `TransientError` for an address that can't be looked up now, as for half a list."""
        resources = [self._resource(row) for row in rows]
        if self._addresses is None:
            return resources
        found = await self._addresses.look_up(resources)
        return [with_mailbox(each, found) for each in resources]

    def _resource(self, row: Mapping[str, Any]) -> BookableResource:
        """Raises `TransientError` for a row that is none of those asked for."""
        columns = RowColumns(row)
        resource_id = read_guid(row.get(_RESOURCE_ID))
        if resource_id is None or not columns.has((_TYPE, _USER_ID)):
            raise incomplete()
        kind = columns.whole(_TYPE)
        user = columns.row("UserId")
        mailbox = read_guid(user.text("azureactivedirectoryobjectid")) if user else None
        takes_part = columns.whole(self._columns.takes_part) if self._columns.takes_part else None
        own = columns.text(self._columns.mailbox) if self._columns.mailbox else ""
        return BookableResource(
            UNKNOWN_TYPE if kind is None else kind,
            # Whether the user is disabled is told by those questions alone that ask for it.
            SystemUser(mailbox if mailbox != NO_GUID else None, user.flag("isdisabled")) if user else None,
            id=resource_id,
            takes_part=takes_part,
            mailbox=clean_line(own, RESOURCE_MAILBOX_LENGTH),
            user_problem=_UNREADABLE_USER if user is None and columns.text(_USER_ID) else "",
        )


def _technician(row: RowColumns, resource: BookableResource) -> Technician:
    user = row.row("UserId")
    address = user.text("internalemailaddress") or user.text("domainname") if user else ""
    return Technician(row.text("name"), resource, address, active=row.whole("statecode") == 0)


class DataverseFormerRecords:
    """What another program noted on booking rows; fulfils `FormerRecords`.

    Args:
        client: the environment's Web API; stays the caller's to close.
        event_column: logical name of the column that holds an event's id.
        mailbox_column: logical name of the column that says whose calendar it is in; empty for none.

    Raises:
        ValueError: a name is no logical name.
    """

    def __init__(self, client: DataverseClient, event_column: str, mailbox_column: str = "") -> None:
        for name in filter(None, (event_column, mailbox_column)):
            if not is_logical_name(name):
                raise ValueError(f"{name!r} is no column's logical name, such as new_outlookeventid")
        self._client = client
        self._event_column = event_column
        self._mailbox_column = mailbox_column

    async def list_former(self, starts_from: datetime) -> AsyncGenerator[Sequence[FormerRecord], None]:
        """Every booking that starts then or later and names an event, in pages, ordered by id.

        Raises:
            TransientError: no complete answer now.
            PermanentError: refused; a column that does not exist is.
            ValueError: a moment without a time zone.
        """
        path = queries.former_records(self._event_column, self._mailbox_column, starts_from)
        async for page in self._client.pages(path, headers=queries.PAGE_HEADERS):
            yield [self._read(row) for row in page]

    def _read(self, row: Mapping[str, object]) -> FormerRecord:
        booking_id = read_guid(row.get(ID_COLUMN))
        if booking_id is None or self._event_column not in row:
            raise incomplete()
        event_id = row[self._event_column]
        mailbox = row.get(self._mailbox_column) if self._mailbox_column else None
        if not isinstance(event_id, str) or not isinstance(mailbox, str | None):
            raise PermanentError("Dynamics 365: the columns named for the former sync don't hold texts.")
        return FormerRecord(booking_id, event_id, mailbox or "")
