"""The two queues of a running stack, put in and taken out of by hand."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from azure.storage.queue import TextBase64DecodePolicy, TextBase64EncodePolicy
from azure.storage.queue.aio import QueueServiceClient

from booking_sync.domain.messages.change import RelatedChange, encode_related
from local.stack import QUEUE_NAME

if TYPE_CHECKING:
    from local.stack import LocalStack


class Storage:
    """An asynchronous context manager.

    Args:
        stack: a running one.
    """

    def __init__(self, stack: LocalStack) -> None:
        self._stack = stack
        self._service = QueueServiceClient.from_connection_string(
            stack.settings["AzureWebJobsStorage"],
            connection_verify=str(stack.certificates.authority),
            use_env_settings=False,
        )
        codec = {
            "message_encode_policy": TextBase64EncodePolicy(),
            "message_decode_policy": TextBase64DecodePolicy(),
        }
        self._changes = self._service.get_queue_client(QUEUE_NAME, **codec)
        self._poison = self._service.get_queue_client(f"{QUEUE_NAME}-poison", **codec)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._service.close()

    async def depth(self) -> int:
        """Messages on the change queue, hidden ones included."""
        return await self._stack.queue.waiting()

    async def take_changes(self) -> list[str]:
        """Take everything off the change queue, waiting for what is still hidden."""
        found: list[str] = []
        async with asyncio.timeout(20):
            while await self.depth():
                async for message in self._changes.receive_messages(
                    messages_per_page=32, visibility_timeout=60
                ):
                    found.append(str(message.content))
                    await self._changes.delete_message(message)
                await asyncio.sleep(0.05)
        return found

    async def poison(self, *texts: str) -> None:
        """Put messages on the poison queue."""
        for text in texts:
            await self._poison.send_message(text)

    async def poison_related(self, change: RelatedChange) -> None:
        """The same of a message about another row."""
        await self.poison(encode_related(change))

    async def empty(self) -> None:
        """Clear both queues, hidden messages included."""
        for queue in (self._changes, self._poison):
            await queue.clear_messages()
