"""The port `RelatedBookings` on Dataverse: which bookings name a row."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from booking_sync.dataverse import queries
from booking_sync.dataverse.rows.booking_rows import ID_COLUMN
from booking_sync.dataverse.web_api.errors import incomplete
from booking_sync.domain.ids import read_guid, read_moment
from booking_sync.errors import PermanentError
from booking_sync.plumbing import app_refusal
from booking_sync.plumbing.telemetry import DATAVERSE
from booking_sync.ports.dataverse.bookings import BookingStart

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence
    from datetime import datetime
    from typing import Any

    from booking_sync.dataverse.web_api.client import DataverseClient
    from booking_sync.domain.environment.watched import RelatedTable

_logger = logging.getLogger(__name__)


class DataverseRelatedBookings:
    """Bookings by the rows they name; fulfils `RelatedBookings`.

    Args:
        client: the environment's Web API; stays the caller's to close.
    """

    def __init__(self, client: DataverseClient) -> None:
        self._client = client

    async def bookings_of(
        self, table: RelatedTable, row_id: str, starts_from: datetime
    ) -> AsyncGenerator[Sequence[BookingStart], None]:
        """The row's bookings that start then or later, ordered by start; complete when it ends unraised.

        Raises:
            TransientError: no complete answer now; or refused, which speaks of none of the bookings.
            PermanentError: what was given is no GUID.
            ValueError: a moment without a time zone.
        """
        identity = read_guid(row_id)
        if identity is None:
            raise PermanentError("Dynamics 365: what names a row is no GUID.")
        path = queries.related_bookings(table, identity, starts_from)
        pages = self._client.pages(path, headers=queries.PAGE_HEADERS)
        async for page in app_refusal.pages_of_all(pages, _logger, DATAVERSE):
            yield [_start(row) for row in page]


def _start(row: Mapping[str, Any]) -> BookingStart:
    """Raises `TransientError` for a row that can't be an answer to our question."""
    identity, start = read_guid(row.get(ID_COLUMN)), read_moment(row.get("starttime"))
    if identity is None or start is None:
        raise incomplete()
    return BookingStart(identity, start)
