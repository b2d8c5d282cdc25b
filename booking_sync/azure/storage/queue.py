"""The change queue on Azure Storage, with its poison queue.

The SDK is used because an output binding can't delay a message. Text is Base64, as the Functions host expects
it (`messageEncoding` in host.json). Messages never expire: a change may wait as long as Outlook is down.
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import TextBase64EncodePolicy
from azure.storage.queue.aio import QueueServiceClient

from booking_sync.azure.connections import platform_credential
from booking_sync.azure.storage.common import QUEUES, asking, storage_options
from booking_sync.domain.messages.audit_message import encode_audit
from booking_sync.domain.messages.change import BookingChange, RelatedChange, encode_change, encode_related
from booking_sync.domain.return_path.messages import encode_outlook
from booking_sync.errors import SettingsError
from booking_sync.plumbing import telemetry
from booking_sync.settings.values import POISON_SUFFIX

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from azure.storage.queue.aio import QueueClient

    from booking_sync.azure.entra.identity import RenewableIdentity
    from booking_sync.azure.storage.intake import StorageChangeIntake
    from booking_sync.azure.storage.poison import StoragePoisonQueue
    from booking_sync.domain.messages.audit_progress import AuditProgress
    from booking_sync.domain.return_path.messages import OutlookMessage
    from booking_sync.ports.platform.clock import Clock
    from booking_sync.settings.storage import StorageSettings

MAX_MESSAGE_CHARACTERS = 48 * 1024
"""ASCII characters that fill the 64 KB of a message once they are Base64."""
MAX_DELAY_SECONDS = 7 * 24 * 3600
"""Storage hides a message for seven days at most (REST reference, Put Message)."""
NEVER_EXPIRES = -1

_MAX_REASON_CHARACTERS = 2000

Change = TypeVar("Change", BookingChange, RelatedChange)


class StorageChangeQueue:
    """`MessageQueue` on two storage queues; a queue that is missing is created.

    Args:
        service: the storage account's queues; closed by `aclose`.
        name: the change queue's name.
        now: the time of day, for dead letters.
        credential: closed by `aclose` too; None with a connection string.
    """

    def __init__(
        self,
        service: QueueServiceClient,
        name: str,
        now: Clock,
        credential: RenewableIdentity | None = None,
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
        await self._put(self._changes, encode_change(_traced(change)), _whole_seconds(delay))

    async def send_related(self, change: RelatedChange, delay: float = 0.0) -> None:
        """Put a change of a row that bookings name on the queue; as `send`."""
        await self._put(self._changes, encode_related(_traced(change)), _whole_seconds(delay))

    async def send_audit(self, progress: AuditProgress, delay: float = 0.0) -> None:
        """Put the rest of an audit on the queue; as `send`."""
        await self._put(self._changes, encode_audit(progress), _whole_seconds(delay))

    async def send_outlook(self, message: OutlookMessage, delay: float = 0.0) -> None:
        """Put on the queue what came from Outlook, or a mailbox to be swept; as `send`."""
        await self._put(self._changes, encode_outlook(message), _whole_seconds(delay))

    async def dead_letter(self, message: str, reason: str) -> None:
        """Put a message's text on the poison queue as `{"reason", "deadLetteredAt", "message"}`.

        Raises:
            TransientError: the queue can't take it now.
            PermanentError: the queue will never take such a message.
        """
        await self._put(self._poison, dead_letter_text(message, reason, self._now()), 0)

    def inspection(self) -> StoragePoisonQueue:
        """Both queues as people look at them, on the same connections."""
        from booking_sync.azure.storage.poison import StoragePoisonQueue  # noqa: PLC0415 - no webhook waits for it

        return StoragePoisonQueue(
            *(self._service.get_queue_client(each.queue_name) for each in (self._changes, self._poison))
        )

    def intake(self) -> StorageChangeIntake:
        """The change queue for whoever works its messages off, on the same connections."""
        from booking_sync.azure.storage.intake import StorageChangeIntake  # noqa: PLC0415 - no webhook waits for it

        return StorageChangeIntake(self._service.get_queue_client(self._changes.queue_name))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._service.close()
        if self._credential is not None:
            await self._credential.close()

    async def _put(self, queue: QueueClient, text: str, delay: int) -> None:
        async with asking(QUEUES):
            try:
                await _send(queue, text, delay)
            except ResourceNotFoundError:
                await _create(queue)
                await _send(queue, text, delay)


def open_queue(
    storage: StorageSettings,
    name: str,
    now: Clock,
    credential_factory: Callable[[str], RenewableIdentity] = platform_credential,
) -> StorageChangeQueue:
    """The change queue that the settings name; connects at the first message.

    Args:
        storage: a connection string, or an account that is reached with the app's identity.
        name: the change queue's name.
        now: the time of day, for dead letters.
        credential_factory: called with a user-assigned identity's client id (or an empty text), and only for
            the identity-based form.

    Raises:
        SettingsError: the connection string is malformed in a way that the settings' check did not see.
    """
    options = storage_options()
    if storage.connection_string:
        try:
            service = QueueServiceClient.from_connection_string(storage.connection_string, **options)
        except ValueError:  # its words may quote the key
            raise SettingsError("AzureWebJobsStorage is not a connection string: copy it anew.") from None
        return StorageChangeQueue(service, name, now)
    credential = credential_factory(storage.client_id)
    service = QueueServiceClient(storage.queue_url, credential=credential, **storage_options(credential))
    return StorageChangeQueue(service, name, now, credential)


def _traced(change: Change) -> Change:
    """With the current trace; a message that is put back keeps the trace it has."""
    if change.trace:
        return change
    current = telemetry.traceparent()
    return replace(change, trace=current) if current else change


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
