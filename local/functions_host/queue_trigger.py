"""The storage-queue trigger: polling, batches, hiding, retries, poison queue, as the WebJobs SDK does it.

Source of the semantics: Microsoft's page "Azure Queue storage trigger for Azure Functions" (polling
algorithm, poison messages, concurrency), host.json's reference of `extensions.queues`, and the real listener,
run against Azurite 3.35 (WebJobs 3.0.48, Extensions.Storage.Queues 5.3.10): a missing queue is polled and not
created, what the host itself moves to the poison queue expires after seven days, and a body that can't be
decoded goes there at once.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.functions.queue import QueueMessage
from azure.storage.queue.aio import QueueClient

if TYPE_CHECKING:
    from azure.storage.queue import QueueMessage as StoredMessage

    from local.functions_host.configuration import QueueOptions
    from local.functions_host.functions import Function
    from local.functions_host.invocation import Invoker

logger = logging.getLogger("local.functions_host.queue")

SHORTEST_POLLING_SECONDS = 0.1
HIDDEN_SECONDS = 600
"""How long a message in work is hidden; renewed at half time."""
LAST_FETCH_SECONDS = 2.0
"""How long a stop waits for a fetch that is under way: cut off, it would leave messages hidden."""
CLIENT_OPTIONS: dict[str, Any] = {
    # The host's own polling would drown the functions' logs at the SDK's usual level.
    "http_logging_level": logging.DEBUG,
    # Sooner than the Python SDK's 15 seconds, as the .NET SDK of the real host is.
    "initial_backoff": 1,
    "increment_base": 2,
    "random_jitter_range": 1,
}
_WHITE_SPACE = re.compile(r"[ \t\r\n]")
"""What .NET passes over in Base64."""


@dataclass
class Backoff:
    """Pauses between polls of an empty queue: doubled from 100 ms up to the bound, reset by any message."""

    longest_seconds: float
    _empty_polls: int = 0

    def pause(self, *, found: bool) -> float:
        """Seconds to wait after a poll that did or didn't find messages."""
        if found:
            self._empty_polls = 0
            return 0.0
        # The exponent is bounded, since floats are not endless.
        pause = SHORTEST_POLLING_SECONDS * 2.0 ** min(self._empty_polls, 30)
        self._empty_polls += 1
        return min(pause, max(self.longest_seconds, SHORTEST_POLLING_SECONDS))


class QueueListener:
    """Feeds one function from its queue.

    Args:
        function: the function to call with each message.
        queue: name of the queue; its poison queue is `<name>-poison`.
        connection: connection string of the storage account.
        options: from host.json.
        invoker: calls the function.
        hidden_seconds: how long a message in work is hidden. The default is the real host's 10 minutes; who
            kills the host on purpose wants to see the redelivery sooner.
    """

    def __init__(
        self,
        function: Function,
        *,
        queue: str,
        connection: str,
        options: QueueOptions,
        invoker: Invoker,
        hidden_seconds: int = HIDDEN_SECONDS,
    ) -> None:
        self._client = QueueClient.from_connection_string(connection, queue, **CLIENT_OPTIONS)
        self._poison = QueueClient.from_connection_string(connection, f"{queue}-poison", **CLIENT_OPTIONS)
        self._function = function
        self._options = options
        self._invoker = invoker
        self._hidden_seconds = hidden_seconds
        self._in_work: set[asyncio.Task[None]] = set()
        self._polling: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    async def start(self) -> None:
        """Start polling; a queue that is missing is looked for until somebody creates it."""
        self._polling = asyncio.create_task(self._poll())

    async def stop_polling(self) -> None:
        """Fetch no more; messages in work go on, and so do those of a fetch that is under way."""
        self._stopping.set()
        if self._polling is not None:
            await asyncio.wait({self._polling}, timeout=LAST_FETCH_SECONDS)
            self._polling.cancel()

    async def close(self, seconds: float) -> None:
        """Let messages in work finish for at most so long; the rest stays hidden, as after a crash."""
        if self._in_work:
            _, left = await asyncio.wait(self._in_work, timeout=seconds)
            for task in left:
                task.cancel()
            if left:
                await asyncio.wait(left)
        await self._client.close()
        await self._poison.close()

    async def _poll(self) -> None:
        backoff = Backoff(self._options.max_polling_seconds)
        stopping = asyncio.create_task(self._stopping.wait())
        while not stopping.done():
            if len(self._in_work) > self._options.new_batch_threshold:
                await asyncio.wait({stopping, *self._in_work}, return_when=asyncio.FIRST_COMPLETED)
                continue
            try:
                messages = await self._fetch()
            except AzureError as error:
                logger.warning("polling %s failed: %s", self._client.queue_name, type(error).__name__)
                messages = []
            for message in messages:
                task = asyncio.create_task(self._work(message))
                self._in_work.add(task)
                task.add_done_callback(self._in_work.discard)
            await asyncio.wait({stopping}, timeout=backoff.pause(found=bool(messages)))

    async def _fetch(self) -> list[StoredMessage]:
        """One request for a batch."""
        pages = self._client.receive_messages(
            messages_per_page=self._options.batch_size,
            max_messages=self._options.batch_size,
            visibility_timeout=self._hidden_seconds,
        ).by_page()
        async for page in pages:
            return [message async for message in page]
        return []

    async def _work(self, message: StoredMessage) -> None:
        """See one message through; storage trouble leaves it hidden until it comes back by itself."""
        try:
            value = _hand_over(message, base64_encoded=self._options.base64)
            if value is None:
                logger.warning(
                    "Message decoding has failed! Check MessageEncoding settings. MessageId=%s", message.id
                )
                await self._move_to_poison(message)
            elif (message.dequeue_count or 0) > self._options.max_dequeue_count:
                await self._move_to_poison(message)
            elif await self._succeeds(message, value):
                await self._client.delete_message(message)
            elif (message.dequeue_count or 0) >= self._options.max_dequeue_count:
                await self._move_to_poison(message)
            else:
                await self._client.update_message(
                    message, visibility_timeout=int(self._options.visibility_seconds)
                )
        except AzureError as error:
            name = type(error).__name__
            logger.warning("message %s of %s: %s", message.id, self._client.queue_name, name)

    async def _succeeds(self, message: StoredMessage, value: QueueMessage) -> bool:
        done = asyncio.Event()
        renewing = asyncio.create_task(self._renew(message, done))
        try:
            await self._invoker.call(self._function, value)
        except Exception:  # noqa: BLE001 - whatever a function raises is a failed try; the invoker has logged it
            return False
        finally:
            done.set()  # a renewal under way must end first, since it changes the pop receipt
            await renewing
        return True

    async def _renew(self, message: StoredMessage, done: asyncio.Event) -> None:
        """Keep the message hidden until its work is done; each renewal brings a new pop receipt."""
        finished = asyncio.create_task(done.wait())
        while True:
            await asyncio.wait({finished}, timeout=self._hidden_seconds / 2)
            if finished.done():
                return
            try:
                renewed = await self._client.update_message(message, visibility_timeout=self._hidden_seconds)
            except AzureError as error:
                logger.warning("renewing message %s failed: %s", message.id, type(error).__name__)
            else:
                message.pop_receipt = renewed.pop_receipt

    async def _move_to_poison(self, message: StoredMessage) -> None:
        logger.warning(
            "Message has reached MaxDequeueCount of %d. Moving message to queue '%s'.",
            self._options.max_dequeue_count,
            self._poison.queue_name,
        )
        # Without a time to live, as the real host sends it: the service's default is seven days.
        try:
            await self._poison.send_message(message.content)
        except ResourceNotFoundError:
            with contextlib.suppress(ResourceExistsError):
                await self._poison.create_queue()
            await self._poison.send_message(message.content)
        await self._client.delete_message(message)


def _hand_over(message: StoredMessage, *, base64_encoded: bool) -> QueueMessage | None:
    """The message as a function gets it; None when it is not encoded as host.json says."""
    content = str(message.content)
    try:
        compact = _WHITE_SPACE.sub("", content)
        body = base64.b64decode(compact, validate=True) if base64_encoded else content.encode()
    except ValueError:
        return None
    return QueueMessage(  # type: ignore[no-untyped-call]
        id=message.id,
        body=body,
        dequeue_count=message.dequeue_count,
        expiration_time=message.expires_on,
        insertion_time=message.inserted_on,
        time_next_visible=message.next_visible_on,
        pop_receipt=message.pop_receipt,
    )
