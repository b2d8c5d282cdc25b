"""The port `BookingDetailReads` on Dataverse: names, and our columns without any interpretation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from booking_sync.dataverse.queries import booking_row
from booking_sync.domain.ids import read_moment
from booking_sync.ports.dataverse.bookings import BookingDetails

if TYPE_CHECKING:
    from booking_sync.dataverse.web_api.client import DataverseClient
    from booking_sync.domain.environment.columns import SupportColumns


class DataverseDetailReads:
    """Fulfils `BookingDetailReads`.

    Args:
        client: the environment's Web API; stays the caller's to close.
        columns: where our record is kept.
    """

    def __init__(self, client: DataverseClient, columns: SupportColumns) -> None:
        self._client = client
        self._columns = columns

    async def details(self, booking_id: str) -> BookingDetails:
        """Of a row that exists.

        Args:
            booking_id: a GUID.

        Raises:
            TransientError: no complete answer now.
            PermanentError: refused, or there is no such row.
        """
        columns = self._columns
        ours = (columns.event_id, columns.original_resource, columns.sync_state)
        row = await self._client.get(
            f"{booking_row(booking_id)}?$select=modifiedon,_resource_value,{','.join(ours)}"
            "&$expand=Resource($select=name)"
        )
        resource = row.get("Resource")
        return BookingDetails(
            resource_id=_text(row.get("_resource_value")),
            resource_name=_text(resource.get("name")) if isinstance(resource, dict) else "",
            modified=read_moment(row.get("modifiedon")),
            event_id=_text(row.get(columns.event_id)),
            mailbox=_text(row.get(columns.original_resource)).lower(),
            state=_text(row.get(columns.sync_state)),
        )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
