"""The change queue on Azure Storage, with its poison queue.

An output binding can't delay a message; the SDK can. Text is Base64, as the Functions host expects it
(`messageEncoding` in host.json), and messages never expire: a change may wait as long as Outlook is down.
"""

from __future__ import annotations

import asyncio
import json
import math
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from azure.storage.queue import TextBase64EncodePolicy
from azure.storage.queue.aio import QueueServiceClient

from booking_sync.azure.connections import (
    TOTAL_SECONDS,
    client_options,
    header,
    platform_credential,
    retry_after,
)
from booking_sync.domain.change import encode_change, encode_related
from booking_sync.errors import PermanentError, TransientError
from booking_sync.settings import POISON_SUFFIX

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from azure.core.credentials_async import AsyncTokenCredential
    from azure.storage.queue.aio import QueueClient

    from booking_sync.domain.change import BookingChange, RelatedChange
    from booking_sync.errors import SyncError
    from booking_sync.ports import Clock
    from booking_sync.settings import StorageSettings

MAX_MESSAGE_CHARACTERS = 48 * 1024
"""ASCII characters that fill the 64 KB of a message once they are Base64."""
MAX_DELAY_SECONDS = 7 * 24 * 3600
"""Storage hides a message for seven days at most (REST reference, Put Message)."""
NEVER_EXPIRES = -1

_MAX_REASON_CHARACTERS = 2000
_SHORT_PAUSE = {"initial_backoff": 0, "increment_base": 1, "random_jitter_range": 1}
"""Up to two seconds before the one retry; the SDK's own pause is 15 s and more."""
_BAD_REQUEST, _TOO_LARGE, _SERVER_ERROR = 400, 413, 500
_UNAUTHORIZED, _FORBIDDEN = 401, 403


class StorageChangeQueue:
    """`MessageQueue` on two storage queues; a queue that is missing is created.

    Args:
        service: the storage account's queues; closed by `aclose`.
        name: the change queue's name.
        now: stamps dead letters.
        credential: closed by `aclose` too; None with a connection string.
    """

    def __init__(
        self,
        service: QueueServiceClient,
        name: str,
        now: Clock,
        credential: AsyncTokenCredential | None = None,
    ) -> None:
        self._service = service
        self._credential = credential
        self._now = now
        encode = TextBase64EncodePolicy()
        self._changes = service.get_queue_client(name, message_encode_policy=encode)
        self._poison = service.get_queue_client(name + POISON_SUFFIX, message_encode_policy=encode)

    async def send(self, change: BookingChange, delay: float = 0.0) -> None:
        """Put a change on the queue, visible after `delay` seconds (rounded up, at most seven days).

        Raises:
            TransientError: the queue can't take it now.
            PermanentError: the queue will never take such a message.
        """
        await self._put(self._changes, encode_change(change), _whole_seconds(delay))

    async def send_related(self, change: RelatedChange, delay: float = 0.0) -> None:
        """Put a change of a row that bookings name on the queue; as `send`."""
        await self._put(self._changes, encode_related(change), _whole_seconds(delay))

    async def dead_letter(self, message: str, reason: str) -> None:
        """Put a message's text on the poison queue as `{"reason", "deadLetteredAt", "message"}`.

        Raises:
            TransientError: the queue can't take it now.
            PermanentError: the queue will never take such a message.
        """
        await self._put(self._poison, dead_letter_text(message, reason, self._now()), 0)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._service.close()
        if self._credential is not None:
            await self._credential.close()

    async def _put(self, queue: QueueClient, text: str, delay: int) -> None:
        try:
            async with asyncio.timeout(TOTAL_SECONDS):
                try:
                    await _send(queue, text, delay)
                except ResourceNotFoundError:
                    await _create(queue)
                    await _send(queue, text, delay)
        except TimeoutError:
            raise TransientError("the storage queue did not answer in time", maybe_applied=True) from None
        except AzureError as error:
            # The SDK's error quotes headers and what was signed, and the host logs the whole chain.
            raise _translate(error) from None


def open_queue(
    storage: StorageSettings,
    name: str,
    now: Clock,
    credential_factory: Callable[[str], AsyncTokenCredential] = platform_credential,
) -> StorageChangeQueue:
    """The change queue that the settings name; connects at the first message.

    Args:
        storage: a connection string, or an account that is reached with the app's identity.
        name: the change queue's name.
        now: stamps dead letters.
        credential_factory: called with a user-assigned identity's client id (or an empty text), and only for
            the identity-based form.

    Raises:
        ValueError: the connection string is malformed in a way that the settings' check did not see.
    """
    options = {**client_options(), **_SHORT_PAUSE}
    if storage.connection_string:
        service = QueueServiceClient.from_connection_string(storage.connection_string, **options)
        return StorageChangeQueue(service, name, now)
    credential = credential_factory(storage.client_id)
    service = QueueServiceClient(storage.queue_url, credential=credential, **options)
    return StorageChangeQueue(service, name, now, credential)


def _whole_seconds(delay: float) -> int:
    return min(max(math.ceil(delay), 0), MAX_DELAY_SECONDS)


def dead_letter_text(message: str, reason: str, moment: datetime) -> str:
    """The poison queue's message: ASCII JSON that fits, whatever the original is.

    An original that is a JSON object stays one, so that a person can read it; one that is too long is cut.
    """
    entry: dict[str, Any] = {
        "reason": reason[:_MAX_REASON_CHARACTERS],
        "deadLetteredAt": moment.isoformat(),
        "message": message,
    }
    text = _with_object(entry, message) or json.dumps(entry)
    kept = MAX_MESSAGE_CHARACTERS
    while len(text) > MAX_MESSAGE_CHARACTERS:
        kept //= 2  # escapes make a character up to twelve long
        text = json.dumps({**entry, "message": message[:kept], "truncated": True})
    return text


def _with_object(entry: dict[str, Any], message: str) -> str | None:
    try:
        original = json.loads(message)
        return json.dumps({**entry, "message": original}) if isinstance(original, dict) else None
    except (ValueError, RecursionError):
        return None


async def _send(queue: QueueClient, text: str, delay: int) -> None:
    await queue.send_message(text, visibility_timeout=delay, time_to_live=NEVER_EXPIRES)


async def _create(queue: QueueClient) -> None:
    try:
        await queue.create_queue()
    except ResourceExistsError:
        return  # another instance was faster


def _translate(error: AzureError) -> SyncError:
    status = error.status_code if isinstance(error, HttpResponseError) else None
    if not isinstance(error, HttpResponseError) or status is None:
        # azure-core calls a connection that broke after the request a ServiceRequestError too.
        reason = f"the storage queue can't be reached, or its answer was lost ({type(error).__name__})"
        return TransientError(reason, maybe_applied=True)
    said = f"HTTP {status}, {_code(error)}"
    if status in (_UNAUTHORIZED, _FORBIDDEN):
        return TransientError(
            f"the storage account refuses the app ({said}): check AzureWebJobsStorage, or that the app's "
            "identity has the role Storage Queue Data Contributor"
        )
    if status in (_BAD_REQUEST, _TOO_LARGE):
        return PermanentError(f"the storage queue refuses the message ({said})")
    return TransientError(
        f"the storage queue can't take the message now ({said})",
        retry_after=retry_after(error),
        maybe_applied=status >= _SERVER_ERROR,
    )


def _code(error: HttpResponseError) -> str:
    """The service's error code; its text may hold details of the signature and stays out."""
    return header(error, "x-ms-error-code") or "no code"
