"""The change queue and its poison queue, on a real Azurite."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from azure.storage.queue.aio import QueueServiceClient

from booking_sync.azure.connections import platform_credential
from booking_sync.azure.storage.queue import MAX_MESSAGE_CHARACTERS, dead_letter_text, open_queue
from booking_sync.domain.environment.watched import RelatedTable
from booking_sync.domain.events.event_ref import EventClaim, EventRef
from booking_sync.domain.messages.audit_progress import AuditProgress
from booking_sync.domain.messages.change import BookingChange, RelatedChange, decode_change, decode_message
from booking_sync.errors import PermanentError, SettingsError, TransientError
from booking_sync.plumbing.http.retry_after import LONGEST_SECONDS
from booking_sync.settings.storage import StorageSettings
from local.standin import StandIn, server_tls, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from booking_sync.azure.entra.identity import RenewableIdentity
    from booking_sync.azure.storage.queue import StorageChangeQueue
    from local.stack.certificates import Certificates
    from tests.azure.conftest import Cloud

NOW = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
RELATED = RelatedChange(
    RelatedTable.WORK_ORDER,
    "5b3f8f0e-1111-4222-8333-444455557777",
    "6c4f8f0e-1111-4222-8333-444455556666",
    NOW,
    starts_from=NOW,
)
CHANGE = BookingChange(
    booking_id="5b3f8f0e-1111-4222-8333-444455556666",
    correlation_id="6c4f8f0e-1111-4222-8333-444455556666",
    first_seen=NOW,
    deleted=True,
    event=EventClaim(EventRef("7d5f8f0e-1111-4222-8333-444455556666", "AAMkAD=="), "1:f:2.0.0"),
)


@contextlib.asynccontextmanager
async def opened(connection_string: str, name: str) -> AsyncIterator[StorageChangeQueue]:
    """The product's queue, closed in the end."""
    queue = open_queue(StorageSettings(connection_string=connection_string), name, lambda: NOW)
    try:
        yield queue
    finally:
        await queue.aclose()


async def waiting(connection_string: str, name: str) -> list[Any]:
    """Takes what is visible on a queue, as stored."""
    async with QueueServiceClient.from_connection_string(connection_string) as service:
        return [message async for message in service.get_queue_client(name).receive_messages()]


def queue_name() -> str:
    """A queue that no other test knows."""
    return f"changes-{uuid.uuid4().hex[:8]}"


def test_a_connection_string_that_the_sdk_refuses_is_a_setting_to_be_mended() -> None:
    """Also one that got past the settings' check; what it holds is not told."""
    storage = StorageSettings(connection_string="AccountName=contoso;AccountKey")
    with pytest.raises(SettingsError, match="AzureWebJobsStorage is not a connection string"):
        open_queue(storage, "changes", lambda: NOW)


async def test_change_arrives_as_the_host_reads_it(storage: str) -> None:
    """The first message creates the queue; its text is Base64 of a change that decodes to the same."""
    name = queue_name()
    async with opened(storage, name) as queue:
        await queue.send(CHANGE)
    [message] = await waiting(storage, name)
    assert decode_change(base64.b64decode(message.content, validate=True).decode()) == CHANGE


async def test_a_related_change_arrives_hidden_for_as_long_as_asked(storage: str) -> None:
    """The other kind of message takes the same way, with its own text."""
    name = queue_name()
    async with opened(storage, name) as queue:
        await queue.send_related(RELATED, delay=3600)
        await queue.send_related(RELATED)
    [message] = await waiting(storage, name)
    assert decode_message(base64.b64decode(message.content, validate=True).decode()) == RELATED


async def test_the_rest_of_an_audit_arrives(storage: str) -> None:
    """The third kind of message takes the same way."""
    name = queue_name()
    audit = AuditProgress("audit-1", NOW, NOW, NOW + timedelta(days=60), fix=True, size=60)
    async with opened(storage, name) as queue:
        await queue.send_audit(audit)
    [message] = await waiting(storage, name)
    assert decode_message(base64.b64decode(message.content, validate=True).decode()) == audit


async def test_message_never_expires(storage: str) -> None:
    """A change waits for as long as it takes."""
    name = queue_name()
    async with opened(storage, name) as queue:
        await queue.send(CHANGE)
    [message] = await waiting(storage, name)
    assert message.expires_on.year == 9999


async def test_delayed_message_is_hidden(storage: str) -> None:
    """A put-back is not visible before its delay is over; a fraction of a second counts as a whole one."""
    name = queue_name()
    async with opened(storage, name) as queue:
        await queue.send(CHANGE, delay=0.2)
        await queue.send(CHANGE, delay=3600)
    assert await waiting(storage, name) == []
    async with QueueServiceClient.from_connection_string(storage) as service:
        properties = await service.get_queue_client(name).get_queue_properties()
    assert properties.approximate_message_count == 2


async def test_delay_is_bounded_by_what_storage_allows(storage: str) -> None:
    """Delays beyond seven days and below nothing are taken for the nearest possible ones."""
    name = queue_name()
    async with opened(storage, name) as queue:
        await queue.send(CHANGE, delay=1e9)
        await queue.send(CHANGE, delay=-5)
    assert len(await waiting(storage, name)) == 1


async def test_concurrent_first_messages_all_arrive(storage: str) -> None:
    """Senders that race to create the queue don't lose a message."""
    name = queue_name()
    async with opened(storage, name) as queue:
        await asyncio.gather(*(queue.send(CHANGE) for _ in range(10)))
    async with QueueServiceClient.from_connection_string(storage) as service:
        properties = await service.get_queue_client(name).get_queue_properties()
    assert properties.approximate_message_count == 10


async def test_dead_letter_tells_reason_and_message(storage: str) -> None:
    """The poison queue holds the original as an object, beside the reason and the time."""
    name = queue_name()
    async with opened(storage, name) as queue:
        await queue.dead_letter('{"bookingId": "x"}', "Too old.")
    [message] = await waiting(storage, f"{name}-poison")
    assert json.loads(base64.b64decode(message.content)) == {
        "reason": "Too old.",
        "deadLetteredAt": "2026-03-01T08:30:00+00:00",
        "message": {"bookingId": "x"},
    }


@pytest.mark.parametrize(
    "message",
    ["not JSON", "[1]", "", "x" * 200_000, "\N{GRINNING FACE}" * 60_000, "\ud800", '{"a":' * 2000],
    ids=["text", "list", "empty", "long", "long after escaping", "half a character", "deep"],
)
async def test_any_message_can_be_dead_lettered(storage: str, message: str) -> None:
    """Whatever came along the queue fits on the poison queue and keeps its beginning."""
    name = queue_name()
    async with opened(storage, name) as queue:
        await queue.dead_letter(message, "reason " * 5000)
    [stored] = await waiting(storage, f"{name}-poison")
    entry = json.loads(base64.b64decode(stored.content))
    assert message.startswith(entry["message"])
    assert entry.get("truncated", False) == (entry["message"] != message)


def test_dead_letter_fills_what_a_message_may_hold() -> None:
    """The bound is the one of Storage: 64 KB once it is Base64."""
    assert len(base64.b64encode(b"x" * MAX_MESSAGE_CHARACTERS)) == 64 * 1024
    assert len(dead_letter_text("x" * 48_000, "r", NOW)) > 48_000


async def test_too_large_change_is_permanent(storage: str) -> None:
    """A message that Storage will never take is no case for another try."""
    huge = replace(CHANGE, booking_id="b" * 70_000)
    async with opened(storage, queue_name()) as queue:
        with pytest.raises(PermanentError, match="refuses the message"):
            await queue.send(huge)


async def test_wrong_key_is_transient_and_names_the_setting(storage: str) -> None:
    """A key that was rotated is mended by a person; the message may wait for that."""
    key = storage.partition("AccountKey=")[2].partition(";")[0]
    wrong = storage.replace(key, base64.b64encode(b"another key" * 6).decode())
    async with opened(wrong, queue_name()) as queue:
        with pytest.raises(TransientError, match="AzureWebJobsStorage") as caught:
            await queue.send(CHANGE)
    assert key not in str(caught.value)


async def test_a_key_that_is_none_is_transient_and_names_the_setting(storage: str) -> None:
    """What can't sign a request never leaves the process, and is no trouble of the network."""
    key = storage.partition("AccountKey=")[2].partition(";")[0]
    async with opened(storage.replace(key, "abcde"), queue_name()) as queue:
        with pytest.raises(TransientError, match="check the key in AzureWebJobsStorage") as caught:
            await queue.send(CHANGE)
    assert not caught.value.maybe_applied
    assert "abcde" not in str(caught.value)


async def test_unreachable_storage_is_transient(storage: str) -> None:
    """A Storage that can't be connected to is a TransientError within seconds."""
    port = storage.rpartition(":")[2].partition("/")[0]
    async with opened(storage.replace(f":{port}/", ":9/"), queue_name()) as queue:
        with pytest.raises(TransientError, match="can't be reached"):
            await queue.send(CHANGE)


@pytest.mark.parametrize(
    ("answer", "retry_after", "maybe_applied"),
    [
        (web.Response(status=503, headers={"x-ms-error-code": "ServerBusy", "Retry-After": "3"}), 3.0, True),
        (web.Response(status=503, headers={"Retry-After": "9" * 400}), LONGEST_SECONDS, True),
        (web.Response(status=503, headers={"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}), 3600, True),
        (web.Response(status=503, headers={"Retry-After": "inf"}), None, True),
        (web.Response(status=500, headers={"x-ms-error-code": "OperationTimedOut"}), None, True),
        (web.Response(status=409, headers={"x-ms-error-code": "QueueBeingDeleted"}), None, False),
        (None, None, True),
    ],
    ids=["busy", "400 digits", "a date far away", "no time", "timed out", "being deleted", "answer lost"],
)
async def test_trouble_in_storage_is_transient(
    certificates: Certificates, answer: web.Response | None, retry_after: float | None, *, maybe_applied: bool
) -> None:
    """Storage's own trouble is transient, and says when the message may have been stored all the same."""

    async def respond(request: web.Request) -> web.Response:
        if answer is None:
            assert request.transport is not None
            request.transport.close()
            raise ConnectionResetError
        return web.Response(status=answer.status, headers=answer.headers)

    service = StandIn("storage")
    service.app.router.add_route("*", "/{path:.*}", respond)
    tls = server_tls(str(certificates.certificate), str(certificates.key))
    async with serving(service, tls) as url:
        text = f"AccountName=a;AccountKey={base64.b64encode(b'k' * 64).decode()};QueueEndpoint={url}/a"
        async with opened(text, "changes") as queue:
            with pytest.raises(TransientError) as caught:
                await queue.send(CHANGE)
    assert (caught.value.retry_after, caught.value.maybe_applied) == (retry_after, maybe_applied)


async def test_identity_form_sends_a_token_of_the_named_identity(
    certificates: Certificates, cloud: Cloud
) -> None:
    """Without a connection string the app's identity gets a token for Storage, by the client id given."""
    cloud.identity.identity = cloud.identity.identity.__class__(
        cloud.identity.identity.tenant_id,
        cloud.identity.identity.principal_id,
        cloud.identity.identity.client_id,
        user_assigned=True,
        resources=("https://storage.azure.com",),
    )
    asked: list[str] = []

    def credential(client_id: str) -> RenewableIdentity:
        asked.append(client_id)
        return platform_credential(client_id)

    async def respond(_request: web.Request) -> web.Response:
        return web.Response(status=403, headers={"x-ms-error-code": "AuthorizationPermissionMismatch"})

    service = StandIn("storage")
    service.app.router.add_route("*", "/{path:.*}", respond)
    tls = server_tls(str(certificates.certificate), str(certificates.key))
    client_id = cloud.identity.identity.client_id
    async with serving(service, tls) as url:
        queue = open_queue(
            StorageSettings(queue_url=url, client_id=client_id), "changes", lambda: NOW, credential
        )
        with pytest.raises(TransientError, match="Storage Queue Data Contributor"):
            await queue.send(CHANGE)
        await queue.aclose()
    assert asked == [client_id]
    assert service.requests[0].headers["authorization"].startswith("Bearer ")
