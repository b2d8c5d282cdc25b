"""The port `AuditReads` on Dataverse: who has a calendar, and whether a booking is gone or only hidden.

A list leaves out rows that our application user may not read, without a word. Asked for one such row by its
id, Dataverse answers 403, and 404 with a code of its own only when there is no such row. Before an event
counts as an orphan, its booking is asked for in that way.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from booking_sync.dataverse import queries
from booking_sync.dataverse.row_columns import RowColumns
from booking_sync.dataverse.rows import ID_COLUMN
from booking_sync.dataverse.web_api import batch
from booking_sync.dataverse.web_api.client import API_PATH
from booking_sync.dataverse.web_api.errors import ROW_MISSING, error_code, incomplete
from booking_sync.domain.ids import NO_GUID, read_guid
from booking_sync.errors import TransientError
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
        users = [RowColumns(row).row("UserId") for row in rows]
        found = (read_guid(user.text("azureactivedirectoryobjectid")) for user in users if user)
        return frozenset(each for each in found if each and each != NO_GUID)

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
            replies = await self._client.batch([_retrieval(booking_id) for booking_id in asked])
            states = [_presence(booking_id, reply) for booking_id, reply in zip(asked, replies, strict=True)]
            self._raise_if_unanswered(states, replies)
            found.update(zip(asked, states, strict=True))
        return found

    def _raise_if_unanswered(self, states: Sequence[Presence], replies: Sequence[Reply | None]) -> None:
        """One row without an answer is that row's trouble; a batch without any is the service's."""
        if set(states) != {Presence.UNKNOWN}:
            return
        refused = [reply for reply in replies if reply and not reply.ok]
        raise self._client.refusal_error(refused[0], writes=False) if refused else incomplete()


def _retrieval(booking_id: str) -> batch.Part:
    return batch.Part(
        "GET",
        f"{API_PATH}{queries.booking_row(booking_id)}?$select={ID_COLUMN}",
        {"Accept": "application/json"},
    )


def _presence(booking_id: str, reply: Reply | None) -> Presence:
    """What one part's answer says; it must be Dataverse's own to say anything."""
    if reply is None:
        return Presence.UNKNOWN
    if reply.ok:
        return Presence.EXISTS if _names(reply, booking_id) else Presence.UNKNOWN  # another part's answer
    code = error_code(reply)
    if reply.status == HTTPStatus.NOT_FOUND and code == ROW_MISSING:
        return Presence.GONE
    if reply.status == HTTPStatus.FORBIDDEN and code:
        return Presence.HIDDEN
    return Presence.UNKNOWN


def _names(reply: Reply, booking_id: str) -> bool:
    try:
        return read_guid(reply.json_object().get(ID_COLUMN)) == booking_id
    except TransientError:
        return False
