"""The poison queue as people read and empty it, and how full both queues are.

Storage hides a taken message for a while only: one that is neither deleted nor released, because of a crash,
becomes visible again by itself.
"""

from __future__ import annotations

import base64
from datetime import UTC
from typing import TYPE_CHECKING

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from booking_sync.azure.storage.common import QUEUES, asking, error_code
from booking_sync.azure.storage.queue import NEVER_EXPIRES, dead_letter_text
from booking_sync.ports.platform.queues import PoisonMessage, QueueDepths, QueueState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from azure.storage.queue import QueueMessage
    from azure.storage.queue.aio import QueueClient

MOST_AT_ONCE = 32
"""As many as Storage peeks or hands out in one request."""

_NEVER_YEAR = 9999
"""What Storage says of a message that never expires: the last second of that year (seen on Azurite)."""
_TAKEN_BY_ANOTHER = "PopReceiptMismatch"


class StoragePoisonQueue:
    """Fulfils `PoisonQueue`, `QueueGauge` and `QueueStates`.

    Args:
        changes: the change queue; stays the caller's to close, as its poison queue does.
        poison: its poison queue; both without a policy that decodes.
    """

    def __init__(self, changes: QueueClient, poison: QueueClient) -> None:
        self._changes = changes
        self._poison = poison

    async def depths(self) -> QueueDepths:
        """Both depths; raises as every method here: TransientError, or PermanentError for a refusal."""
        return QueueDepths(await _depth(self._changes), await _depth(self._poison))

    async def state(self) -> QueueState:
        """How full both queues are, and since when their oldest visible messages wait; raises as `depths`."""
        depths = await self.depths()
        return QueueState(
            depths.changes,
            depths.poison,
            await _oldest(self._changes) if depths.changes else None,
            await _oldest(self._poison) if depths.poison else None,
        )

    async def peek(self) -> Sequence[PoisonMessage]:
        """The first 32 messages at most; they stay visible."""
        async with asking(QUEUES):
            try:
                found = await self._poison.peek_messages(max_messages=MOST_AT_ONCE)
            except ResourceNotFoundError:
                return ()
            return tuple(_read(message) for message in found)

    async def take(self, hidden_seconds: int) -> Sequence[PoisonMessage]:
        """Up to 32 messages, hidden from everybody else for so long; none when nothing is left."""
        pages = self._poison.receive_messages(
            messages_per_page=MOST_AT_ONCE, visibility_timeout=hidden_seconds
        ).by_page()
        async with asking(QUEUES):
            try:
                async for page in pages:
                    return tuple([_read(message) async for message in page])
            except ResourceNotFoundError:
                return ()
        return ()

    async def delete(self, message: PoisonMessage) -> None:
        """Delete a taken message; one that is gone, or that somebody else has taken since, is left alone."""
        async with asking(QUEUES):
            try:
                await self._poison.delete_message(message.message_id, message.receipt)
            except HttpResponseError as error:
                raise_unless_gone(error)

    async def put(self, message: str, reason: str, moment: datetime) -> None:
        """Put a message's text there as a dead letter that never expires, in Base64 as the app writes all."""
        text = base64.b64encode(dead_letter_text(message, reason, moment).encode()).decode()
        async with asking(QUEUES):
            await self._poison.send_message(text, time_to_live=NEVER_EXPIRES)

    async def release(self, message: PoisonMessage) -> None:
        """Make a taken message visible again at once; one that is gone is left alone, as with `delete`."""
        async with asking(QUEUES):
            try:
                await self._poison.update_message(message.message_id, message.receipt, visibility_timeout=0)
            except HttpResponseError as error:
                raise_unless_gone(error)


async def _depth(queue: QueueClient) -> int:
    async with asking(QUEUES):
        try:
            return int((await queue.get_queue_properties()).approximate_message_count or 0)
        except ResourceNotFoundError:
            return 0


async def _oldest(queue: QueueClient) -> datetime | None:
    """When the oldest of the first 32 visible messages was put on the queue; one that was put back is new."""
    async with asking(QUEUES):
        try:
            found = await queue.peek_messages(max_messages=MOST_AT_ONCE)
        except ResourceNotFoundError:
            return None
        return min((message.inserted_on for message in found if message.inserted_on), default=None)


def raise_unless_gone(error: HttpResponseError) -> None:
    """Pass over what says that a message is gone, or in somebody else's hands; raise the error otherwise."""
    if not isinstance(error, ResourceNotFoundError) and error_code(error) != _TAKEN_BY_ANOTHER:
        raise error


def _read(message: QueueMessage) -> PoisonMessage:
    text, is_base64 = read_body(str(message.content))
    return PoisonMessage(
        str(message.id),
        text,
        str(message.pop_receipt or ""),
        inserted=utc(message.inserted_on),
        expires=_expiry(message.expires_on),
        is_base64=is_base64,
    )


def read_body(content: str) -> tuple[str, bool]:
    """Base64 as the app and the host write it, anything else as it is; and whether it was Base64."""
    try:
        body = base64.b64decode(content, validate=True)
    except ValueError:
        return content, False
    try:
        return body.decode(), True
    except UnicodeDecodeError:
        return content, True


def _expiry(moment: datetime | None) -> datetime | None:
    return None if moment is None or moment.year == _NEVER_YEAR else utc(moment)


def utc(moment: datetime | None) -> datetime | None:
    """A moment of the SDK's as the app has all: aware, UTC."""
    return moment.astimezone(UTC) if moment else None
