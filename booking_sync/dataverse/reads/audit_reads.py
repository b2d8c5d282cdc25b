"""The port `AuditReads` on Dataverse: who has a calendar, and whether a booking is gone or only hidden.

A list leaves out rows that our application user may not read, without a word. Asked for one such row by its
id, Dataverse answers 403, and 404 with a code of its own only when there is no such row. Before an event
counts as an orphan, its booking is asked for in that way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from booking_sync.dataverse import queries
from booking_sync.dataverse.reads.presence import BOOKINGS_PER_BATCH, presence_of, retrieval
from booking_sync.dataverse.resources import DataverseResources
from booking_sync.dataverse.rows.booking_rows import ID_COLUMN
from booking_sync.dataverse.web_api.errors import incomplete
from booking_sync.dataverse.web_api.pause import wants_rest
from booking_sync.domain.ids import read_guid, read_moment
from booking_sync.domain.record import SyncRecord
from booking_sync.domain.row_words import reason_in
from booking_sync.ports.dataverse.bookings import BookingOwner, Presence

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence
    from datetime import datetime

    from booking_sync.dataverse.web_api.client import DataverseClient
    from booking_sync.dataverse.web_api.reply import Reply
    from booking_sync.domain.environment.columns import SupportColumns

OWNERS_PER_PAGE = 5000
"""As many as Dataverse sends at most: four small columns each, and an error text where there is one."""


class DataverseAuditReads:
    """What the audit asks besides lists of bookings; fulfils `AuditReads`.

    Args:
        client: the environment's Web API; stays the caller's to close.
        columns: ours on the booking table.
        resources: the bookable resources and their mailboxes.
    """

    def __init__(
        self, client: DataverseClient, columns: SupportColumns, resources: DataverseResources | None = None
    ) -> None:
        self._client = client
        self._columns = columns
        self._resources = resources or DataverseResources(client)

    async def resources(self) -> Mapping[str, str]:
        """By id, every bookable resource: whose mailbox shows its bookings; empty for none.

        Empty, too, for one that takes no part. A user's mailbox counts whether the user is enabled or not; a
        resource whose user we may not read is left out.

        Raises:
            TransientError: no complete answer now.
            PermanentError: refused.
        """
        return await self._resources.all()

    async def whose(
        self, starts_from: datetime, starts_before: datetime
    ) -> AsyncGenerator[Sequence[BookingOwner], None]:
        """Whose each booking is that starts in this time, in pages, ordered by start.

        Raises:
            TransientError: no complete answer now.
            PermanentError: refused.
            ValueError: a moment without a time zone.
        """
        path = queries.booking_owners(starts_from, starts_before, self._columns)
        page_size = {"Prefer": f"odata.maxpagesize={OWNERS_PER_PAGE}"}
        async for page in self._client.pages(path, headers=page_size):
            yield [self._owner(row) for row in page]

    async def presence(self, booking_ids: Sequence[str]) -> Mapping[str, Presence]:
        """Whether each of these bookings exists.

        Args:
            booking_ids: GUIDs in lower case.

        Raises:
            TransientError: no complete answer now.
            PermanentError: refused as a whole.
        """
        found: dict[str, Presence] = {}
        for start in range(0, len(booking_ids), BOOKINGS_PER_BATCH):
            asked = booking_ids[start : start + BOOKINGS_PER_BATCH]
            replies = await self._client.batch([retrieval(booking_id) for booking_id in asked])
            states = [
                presence_of(booking_id, reply) for booking_id, reply in zip(asked, replies, strict=True)
            ]
            self._raise_if_unanswered(states, replies)
            found.update(zip(asked, states, strict=True))
            if start + BOOKINGS_PER_BATCH < len(booking_ids):
                self._raise_if_throttled(replies)
        return found

    def _owner(self, row: Mapping[str, object]) -> BookingOwner:
        identity, start = read_guid(row.get(ID_COLUMN)), read_moment(row.get("starttime"))
        resource, event = row.get(queries.RESOURCE_COLUMN), row.get(self._columns.event_id)
        resource_id = "" if resource is None else read_guid(resource)
        if identity is None or start is None or resource_id is None:
            raise incomplete()
        told = SyncRecord(error=reason_in(str(row.get(self._columns.sync_error) or "")))
        return BookingOwner(identity, resource_id, bool(event or told.left_in), start)

    def _raise_if_unanswered(self, states: Sequence[Presence], replies: Sequence[Reply | None]) -> None:
        """One row without an answer is that row's trouble; a batch without any is the service's."""
        if set(states) != {Presence.UNKNOWN}:
            return
        refused = [reply for reply in replies if reply and not reply.ok]
        raise self._client.refusal_error(refused[0], writes=False) if refused else incomplete()

    def _raise_if_throttled(self, replies: Sequence[Reply | None]) -> None:
        """A service that wants a rest from one row's question wants no further batch either."""
        throttled = [reply for reply in replies if reply and wants_rest(reply)]
        if throttled:
            raise self._client.refusal_error(throttled[0], writes=False)
