"""The port `FailureListing` on Dataverse: the bookings whose rows tell people that they can't sync.

A bounded list, the latest first: the operator's page and the doctor want troubles, and not all of them;
what is behind a row is the audit's. The technicians' names come along as Dataverse formats the lookup,
without a join.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from booking_sync.dataverse.queries import BOOKINGS
from booking_sync.dataverse.rows.booking_rows import ID_COLUMN
from booking_sync.dataverse.rows.row_reader import FORMATTED
from booking_sync.dataverse.web_api.errors import incomplete
from booking_sync.domain.ids import read_guid, read_moment
from booking_sync.domain.row_words import reason_in
from booking_sync.ports.dataverse.bookings import FailingBooking, FailingBookings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from booking_sync.dataverse.web_api.client import DataverseClient

MOST_ROWS = 5000
"""As many as Dataverse sends in one page."""
RESOURCE = "_resource_value"


class DataverseFailures:
    """Bookings with a text in the error column; fulfils `FailureListing`.

    Args:
        client: the environment's Web API; stays the caller's to close.
        error_column: logical name of the column that holds the error.
    """

    def __init__(self, client: DataverseClient, error_column: str) -> None:
        self._client = client
        self._column = error_column

    async def failing(self, limit: int) -> FailingBookings:
        """At most `limit` of them, those first that changed last.

        Raises:
            TransientError: no complete answer now.
            PermanentError: refused.
        """
        path = (
            f"{BOOKINGS}?$select={ID_COLUMN},name,starttime,modifiedon,{RESOURCE},{self._column}"
            f"&$filter={self._column}%20ne%20null&$orderby=modifiedon%20desc"
        )
        # One more than wanted tells whether there are others; Dataverse would have to count them all.
        size = min(limit + 1, MOST_ROWS)
        headers = {"Prefer": f'odata.maxpagesize={size},odata.include-annotations="{FORMATTED}"'}
        found: list[FailingBooking] = []
        async for page in self._client.pages(path, headers=headers):
            found += [self._read(row) for row in page]
            if len(found) > limit:
                break
        return FailingBookings(tuple(found[:limit]), more=len(found) > limit)

    def _read(self, row: Mapping[str, Any]) -> FailingBooking:
        booking_id = read_guid(row.get(ID_COLUMN))
        if booking_id is None:
            raise incomplete()
        return FailingBooking(
            booking_id=booking_id,
            name=_text(row.get("name")),
            starts=read_moment(row.get("starttime")),
            modified=read_moment(row.get("modifiedon")),
            error=reason_in(_text(row.get(self._column))),
            resource_id=read_guid(row.get(RESOURCE)) or "",
            resource_name=_text(row.get(f"{RESOURCE}@{FORMATTED}")),
        )


def _text(value: object) -> str:
    """For a person to read, so that an odd value is better left out than refused."""
    return value if isinstance(value, str) else ""
