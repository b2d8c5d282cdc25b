"""The port `EventOwners` on Dataverse: one query for as many events as a message names.

The column with the event's id has no index that we know of, so the mailbox and the start narrow it down as
well. Dataverse compares texts without regard to case, and two events may differ in nothing else: ids are
compared again here.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from booking_sync.dataverse import queries
from booking_sync.dataverse.rows.booking_rows import ID_COLUMN
from booking_sync.dataverse.web_api.errors import incomplete
from booking_sync.domain.ids import read_guid
from booking_sync.plumbing import app_refusal
from booking_sync.plumbing.telemetry import DATAVERSE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from booking_sync.dataverse.web_api.client import DataverseClient
    from booking_sync.domain.environment.columns import SupportColumns

_logger = logging.getLogger(__name__)


class DataverseEventOwners:
    """Bookings by the events that they name; fulfils `EventOwners`.

    Args:
        client: the environment's Web API; stays the caller's to close.
        columns: where our record is kept.
    """

    def __init__(self, client: DataverseClient, columns: SupportColumns) -> None:
        self._client = client
        self._columns = columns

    async def bookings_of(
        self, mailbox: str, event_ids: Sequence[str], starts_from: datetime
    ) -> dict[str, str]:
        """See the port; in the order of the bookings' ids.

        Raises:
            TransientError: no complete answer now; or refused, which speaks of none of the bookings.
            ValueError: a moment without a time zone, no event, or more than `queries.MAX_IDS`.
        """
        asked = frozenset(event_ids)
        path = queries.bookings_naming(mailbox, sorted(asked), starts_from, self._columns)
        found: dict[str, str] = {}
        pages = self._client.pages(path, headers=queries.PAGE_HEADERS)
        async for page in app_refusal.pages_of_all(pages, _logger, DATAVERSE):
            for row in page:
                identity = read_guid(row.get(ID_COLUMN))
                if identity is None:
                    raise incomplete()
                event_id = row.get(self._columns.event_id)
                if event_id in asked:
                    found[identity] = event_id
        return dict(sorted(found.items()))
