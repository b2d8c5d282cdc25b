"""The ports `Resources` and `FormerRecords` on Dataverse: whose mailbox is whose, what a flow noted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from booking_sync.dataverse import queries
from booking_sync.dataverse.row_columns import RowColumns
from booking_sync.dataverse.rows import ID_COLUMN
from booking_sync.dataverse.web_api.errors import incomplete
from booking_sync.domain.columns import is_logical_name
from booking_sync.domain.ids import NO_GUID, read_guid
from booking_sync.errors import PermanentError
from booking_sync.ports.bookings import FormerRecord

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence
    from datetime import datetime
    from typing import Any

    from booking_sync.dataverse.web_api.client import DataverseClient

_RESOURCE_ID = "bookableresourceid"
RESOURCES = f"bookableresources?$select={_RESOURCE_ID}&$expand=UserId($select=azureactivedirectoryobjectid)"
"""The list of all bookable resources with their users' mailboxes, below the API's path."""
PAGES = {"Prefer": "odata.maxpagesize=1000"}
_ONLY_USERS = "$filter=resourcetype eq 3"


class DataverseResources:
    """Bookable resources and their users' mailboxes; fulfils `Resources`.

    Args:
        client: the environment's Web API; stays the caller's to close.
    """

    def __init__(self, client: DataverseClient) -> None:
        self._client = client

    async def mailboxes(self) -> Mapping[str, str]:
        """By resource id: the Entra object id of its user, for every resource that has one; lower case.

        Raises:
            TransientError: no complete answer now.
            PermanentError: refused.
        """
        found = dict(map(mailbox_of, await self._client.rows(f"{RESOURCES}&{_ONLY_USERS}", headers=PAGES)))
        return {resource_id: mailbox for resource_id, mailbox in found.items() if mailbox}


def mailbox_of(row: Mapping[str, Any]) -> tuple[str, str]:
    """A resource's id, and the mailbox of its user; empty when it has none.

    Raises:
        TransientError: the row is none that `RESOURCES` asks for.
    """
    resource_id = read_guid(row.get(_RESOURCE_ID))
    if resource_id is None:
        raise incomplete()
    user = RowColumns(row).row("UserId")
    mailbox = read_guid(user.text("azureactivedirectoryobjectid")) if user else None
    return resource_id, mailbox if mailbox and mailbox != NO_GUID else ""


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
