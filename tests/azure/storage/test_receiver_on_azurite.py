"""The webhook's use case on a real queue."""

from __future__ import annotations

import base64
import uuid
from datetime import UTC, datetime

from azure.storage.queue.aio import QueueServiceClient

from booking_sync.azure.storage.queue import open_queue
from booking_sync.domain.messages.change import decode_change
from booking_sync.settings.storage import StorageSettings
from booking_sync.sync.webhook.receiver import Receiver
from tests.support.webhook_bodies import BOOKING, EVENT_ID, POLICY, deleted, headers, updated

NOW = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)


async def test_webhook_ends_in_the_queue(storage: str) -> None:
    """What Dataverse posts is, once acknowledged, a message that the worker can read."""
    name = f"changes-{uuid.uuid4().hex[:8]}"
    queue = open_queue(StorageSettings(connection_string=storage), name, lambda: NOW)
    receiver = Receiver(queue, POLICY, lambda: NOW, lambda: str(uuid.uuid4()))
    answer = await receiver.receive(deleted().body(), headers("Delete"))
    await queue.aclose()
    async with QueueServiceClient.from_connection_string(storage) as service:
        [message] = [each async for each in service.get_queue_client(name).receive_messages()]
    change = decode_change(base64.b64decode(message.content).decode())
    assert answer.status == 202
    assert (change.booking_id, change.deleted) == (BOOKING, True)
    assert change.event is not None
    assert change.event.event.event_id == EVENT_ID


async def test_webhook_is_not_acknowledged_without_a_queue(storage: str) -> None:
    """With storage out of reach the answer is a 503, in seconds."""
    port = storage.rpartition(":")[2].partition("/")[0]
    away = storage.replace(f":{port}/", ":9/")
    queue = open_queue(StorageSettings(connection_string=away), "changes", lambda: NOW)
    answer = await Receiver(queue, POLICY, lambda: NOW, lambda: str(uuid.uuid4())).receive(
        updated().body(), headers()
    )
    await queue.aclose()
    assert answer.status == 503
