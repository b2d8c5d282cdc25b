"""The port `AuditReads` on Dataverse: who has a calendar, and whether a booking is gone or only hidden.

A list leaves out rows that our application user may not read, without a word. Asked for one such row by its
id, Dataverse answers 403, and 404 with a code of its own only when there is no such row. Before an event
counts as an orphan, its booking is asked for in that way.
"""

from __future__ import annotations

import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING

from booking_sync.dataverse import queries
from booking_sync.dataverse.rows import ID_COLUMN
from booking_sync.dataverse.web_api import batch
from booking_sync.dataverse.web_api.client import API_PATH
from booking_sync.dataverse.web_api.errors import ROW_MISSING, error_code, incomplete
from booking_sync.domain.ids import NO_GUID, read_guid
from booking_sync.ports.bookings import Presence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from booking_sync.dataverse.web_api.client import DataverseClient
    from booking_sync.dataverse.web_api.reply import Reply

USERS_PER_PAGE = 1000
BOOKINGS_PER_BATCH = 50
"""Single retrievals that travel in one request; a batch may hold 1,000, and small ones are faster."""

_USERS = (
    "bookableresources?$select=bookableresourceid&$filter=resourcetype eq 3"
    "&$expand=UserId($select=azureactivedirectoryobjectid)"
)


class DataverseAuditReads:
    """What the audit asks besides lists of bookings; fulfils `AuditReads`.

    Args:
        client: the environment's Web API; stays the caller's to close.
    """

    def __init__(self, client: DataverseClient) -> None:
        self._client = client

    async def user_mailboxes(self) -> frozenset[str]:
        """Entra object ids of every user who is or was a resource, enabled or not, in lower case.

        Raises:
            TransientError: no complete answer now.
            PermanentError: refused.
        """
        page_size = {"Prefer": f"odata.maxpagesize={USERS_PER_PAGE}"}
        rows = await self._client.rows(_USERS, headers=page_size)
        users = [row.get("UserId") for row in rows]
        found = (read_guid(user.get("azureactivedirectoryobjectid")) for user in users if user)
        return frozenset(each for each in found if each and each != NO_GUID)

    async def presence(self, booking_ids: Sequence[str]) -> Mapping[str, Presence]:
        """Whether each of these bookings exists.

        Args:
            booking_ids: GUIDs in lower case.

        Raises:
            TransientError: no complete answer now.
            PermanentError: refused for another reason than that the row is hidden.
        """
        found: dict[str, Presence] = {}
        for start in range(0, len(booking_ids), BOOKINGS_PER_BATCH):
            asked = booking_ids[start : start + BOOKINGS_PER_BATCH]
            for booking_id, reply in zip(asked, await self._retrieve(asked), strict=True):
                found[booking_id] = self._read(booking_id, reply)
        return found

    async def _retrieve(self, booking_ids: Sequence[str]) -> list[Reply]:
        boundary = f"batch_{uuid.uuid4()}"
        parts = [
            batch.Part(
                "GET",
                f"{API_PATH}{queries.booking_row(booking_id)}?$select={ID_COLUMN}",
                {"Accept": "application/json"},
            )
            for booking_id in booking_ids
        ]
        reply = await self._client.send(
            "POST",
            "$batch",
            headers={"Content-Type": batch.content_type(boundary), "Prefer": "odata.continue-on-error"},
            body=batch.compose(parts, boundary),
        )
        try:
            replies = batch.parse(reply.headers.get("content-type", ""), reply.body)
        except batch.MalformedBatchError:
            raise incomplete() from None
        if len(replies) != len(booking_ids):
            raise incomplete()
        return replies

    def _read(self, booking_id: str, reply: Reply) -> Presence:
        if reply.ok:
            if read_guid(reply.json_object().get(ID_COLUMN)) != booking_id:
                raise incomplete()  # another part's answer
            return Presence.EXISTS
        if reply.status == HTTPStatus.NOT_FOUND:
            if error_code(reply) == ROW_MISSING:
                return Presence.GONE
            raise incomplete()  # not Dataverse's way to say that a row is gone
        if reply.status == HTTPStatus.FORBIDDEN:
            return Presence.HIDDEN
        raise self._client.refusal_error(reply, writes=False)
