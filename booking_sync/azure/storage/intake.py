"""The change queue as whoever works its messages off sees it, beside the Functions host's own listener."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from booking_sync.azure.storage.common import QUEUES, asking
from booking_sync.azure.storage.poison import MOST_AT_ONCE, raise_unless_gone, read_body, utc
from booking_sync.ports.platform.queues import QueuedMessage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from azure.storage.queue import QueueMessage
    from azure.storage.queue.aio import QueueClient


class StorageChangeIntake:
    """Fulfils `ChangeIntake`; every method raises `TransientError`, or `PermanentError` for a refusal.

    Args:
        changes: the change queue, without a policy that decodes; stays the caller's to close.
    """

    def __init__(self, changes: QueueClient) -> None:
        self._changes = changes

    async def peek(self) -> Sequence[QueuedMessage]:
        """The first 32 visible messages at most; they stay visible."""
        async with asking(QUEUES):
            try:
                found = await self._changes.peek_messages(max_messages=MOST_AT_ONCE)
            except ResourceNotFoundError:
                return ()
            return tuple(_read(each) for each in found)

    async def take(self, hidden_seconds: int) -> Sequence[QueuedMessage]:
        """Up to 32 messages, hidden from everybody else for so long; none when none is visible."""
        pages = self._changes.receive_messages(
            messages_per_page=MOST_AT_ONCE, visibility_timeout=hidden_seconds
        ).by_page()
        async with asking(QUEUES):
            try:
                async for page in pages:
                    return tuple([_read(each) async for each in page])
            except ResourceNotFoundError:
                return ()
        return ()

    async def delete(self, message: QueuedMessage) -> None:
        """Delete a taken message; one that is gone, or that somebody else has taken since, is left alone."""
        async with asking(QUEUES):
            try:
                await self._changes.delete_message(message.message_id, message.receipt)
            except HttpResponseError as error:
                raise_unless_gone(error)


def _read(message: QueueMessage) -> QueuedMessage:
    text, _ = read_body(str(message.content))
    return QueuedMessage(
        str(message.id),
        text,
        int(message.dequeue_count or 0),
        str(message.pop_receipt or ""),
        utc(message.inserted_on),
    )
