"""Whether single bookings exist: a list leaves out what it may not show, and proves nobody gone."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from booking_sync.dataverse import queries
from booking_sync.dataverse.rows.booking_rows import ID_COLUMN
from booking_sync.dataverse.web_api import batch
from booking_sync.dataverse.web_api.client import API_PATH
from booking_sync.dataverse.web_api.errors import ROW_MISSING, error_code
from booking_sync.domain.ids import read_guid
from booking_sync.errors import TransientError
from booking_sync.ports.dataverse.bookings import Presence

if TYPE_CHECKING:
    from booking_sync.dataverse.web_api.reply import Reply

BOOKINGS_PER_BATCH = 50
"""Single retrievals that travel in one request; a batch may hold 1,000, and small ones are faster."""


def retrieval(booking_id: str) -> batch.Part:
    """Asks for one booking's id alone, as part of a batch."""
    return batch.Part(
        "GET",
        f"{API_PATH}{queries.booking_row(booking_id)}?$select={ID_COLUMN}",
        {"Accept": "application/json"},
    )


def presence_of(booking_id: str, reply: Reply | None) -> Presence:
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
