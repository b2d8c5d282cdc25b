"""The poison queue and the text store as operators use them, on a real Azurite with queues and blobs."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from aiohttp import web
from azure.storage.queue.aio import QueueServiceClient

from booking_sync.azure.connections import platform_credential
from booking_sync.azure.storage.blob_texts import BlobTextStore, open_text_store
from booking_sync.azure.storage.queue import open_queue
from booking_sync.domain.messages.change import BookingChange, decode_message, encode_change
from booking_sync.errors import TransientError
from booking_sync.operations.dead_letters import read_dead_letter
from booking_sync.operations.host_dead_letters import take_over_host_dead_letters
from booking_sync.ports.platform.queues import QueueDepths
from booking_sync.settings.storage import StorageSettings
from booking_sync.wiring.app import Application
from local.stack.azurite import ALL_SERVICES, azurite, random_account
from local.standin import StandIn, server_tls, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from booking_sync.azure.storage.queue import StorageChangeQueue
    from local.stack.certificates import Certificates
    from tests.azure.conftest import Cloud

NOW = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
CHANGE = BookingChange("5b3f8f0e-1111-4222-8333-444455556666", "correlation-1", NOW)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def account(certificates: Certificates) -> AsyncIterator[str]:
    """The connection string of an Azurite with all services."""
    async with azurite(certificates, random_account(), services=ALL_SERVICES) as process:
        yield process.url


@contextlib.asynccontextmanager
async def opened_queue(account: str) -> AsyncIterator[StorageChangeQueue]:
    """The product's queue under a name that no other test knows, closed in the end."""
    name = f"changes-{uuid.uuid4().hex[:8]}"
    queue = open_queue(StorageSettings(connection_string=account), name, lambda: NOW)
    try:
        yield queue
    finally:
        await queue.aclose()


@contextlib.asynccontextmanager
async def opened_texts(account: str) -> AsyncIterator[BlobTextStore]:
    """The product's text store in a container that no other test knows, closed in the end."""
    settings = StorageSettings(connection_string=account)
    text_store = open_text_store(settings, container=f"texts-{uuid.uuid4().hex[:8]}")
    assert text_store is not None
    try:
        yield text_store
    finally:
        await text_store.aclose()


async def test_queues_that_do_not_exist_yet_are_empty(account: str) -> None:
    """A new app shows an empty page, not an error."""
    async with opened_queue(account) as queue:
        inspection = queue.inspection()
        assert await inspection.depths() == QueueDepths(0, 0)
        assert list(await inspection.peek()) == []
        assert list(await inspection.take(30)) == []


async def test_depths_count_what_is_hidden_too(account: str) -> None:
    """A change that was put back with a delay is waiting as well."""
    async with opened_queue(account) as queue:
        await queue.send(CHANGE)
        await queue.send(CHANGE, delay=3600)
        await queue.dead_letter("{}", "No mailbox.")
        assert await queue.inspection().depths() == QueueDepths(2, 1)


async def test_looking_changes_nothing(account: str) -> None:
    """A message can be peeked at again and again, and reads as it was written."""
    async with opened_queue(account) as queue:
        await queue.dead_letter('{"bookingId": "x"}', "Kein Postfach für Jürgen.")
        for _ in range(2):
            (letter,) = await queue.inspection().peek()
            assert '"message": {"bookingId": "x"}' in letter.text
            assert letter.message_id


async def test_what_is_taken_is_hidden_until_it_is_released_or_deleted(account: str) -> None:
    """Two actions never work on the same message; one that is released is visible again at once."""
    async with opened_queue(account) as queue:
        inspection = queue.inspection()
        for _ in range(3):
            await queue.dead_letter("{}", "No mailbox.")
        first, second, third = await inspection.take(60)
        assert list(await inspection.take(60)) == []
        assert list(await inspection.peek()) == []
        await inspection.release(first)
        await inspection.delete(second)
        assert [each.message_id for each in await inspection.peek()] == [first.message_id]
        assert (await inspection.depths()).poison == 2
        assert third.receipt


async def test_a_receipt_that_is_over_settles_nothing(account: str) -> None:
    """Whoever was too slow leaves a message to those who have taken it since."""
    async with opened_queue(account) as queue:
        inspection = queue.inspection()
        await queue.dead_letter("{}", "No mailbox.")
        (old,) = await inspection.take(60)
        await inspection.release(old)
        (new,) = await inspection.take(60)
        await inspection.delete(old)
        await inspection.release(old)
        assert (await inspection.depths()).poison == 1
        await inspection.delete(new)
        await inspection.delete(new)
        assert (await inspection.depths()).poison == 0


async def test_a_bare_message_of_the_host_is_read(account: str) -> None:
    """What the host moved there, and what somebody laid there in another encoding, can be looked at."""
    async with opened_queue(account) as queue:
        await queue.dead_letter("{}", "")
        name = f"{queue._changes.queue_name}-poison"  # noqa: SLF001 - the only way to lay down what we never would
        async with QueueServiceClient.from_connection_string(account) as service:
            client = service.get_queue_client(name)
            await client.send_message(base64.b64encode(b'{"version": 1}').decode())
            await client.send_message("no Base64 at all!")
        texts = [each.text for each in await queue.inspection().peek()]
        assert texts[1:] == ['{"version": 1}', "no Base64 at all!"]


async def test_a_taken_over_letter_of_the_host_never_expires(account: str) -> None:
    """The host's copy expires after Storage's default of seven days; what it is replaced by stays."""
    async with opened_queue(account) as queue:
        await queue.dead_letter("{}", "No mailbox.")
        inspection = queue.inspection()
        (own,) = await inspection.peek()
        assert own.expires is None
        name = f"{queue._changes.queue_name}-poison"  # noqa: SLF001 - the only way to lay down what we never would
        async with QueueServiceClient.from_connection_string(account) as service:
            client = service.get_queue_client(name)
            await client.send_message(base64.b64encode(encode_change(CHANGE).encode()).decode())
            await client.send_message("no Base64 at all!")
        for each in list(await inspection.peek())[1:]:
            assert each.inserted
            assert each.expires == each.inserted + timedelta(days=7)
            assert each.inserted.utcoffset() == timedelta(0)
        assert (await take_over_host_dead_letters(inspection, lambda: NOW)).kept == 2
        kept = {each.message_id: each for each in await inspection.peek()}
        assert len(kept) == 3
        assert own.message_id in kept
        assert [each.expires for each in kept.values()] == [None] * 3
        letters = [read_dead_letter(each) for each in kept.values()]
        assert [each.change for each in letters if each.reason.startswith("The host gave up")] == [CHANGE]
        assert "Not Base64: not written by this app." in {each.reason for each in letters}
        assert (await take_over_host_dead_letters(inspection, lambda: NOW)).kept == 0


async def test_what_is_taken_off_the_queue_is_hidden_from_the_listener(account: str) -> None:
    """The text as it was sent and how often it was handed out; deleted by whoever has taken it last."""
    async with opened_queue(account) as queue:
        intake = queue.intake()
        assert (await intake.peek(), await intake.take(60)) == ((), ())  # no queue yet
        await queue.send(CHANGE)
        (seen,) = await intake.peek()
        assert (decode_message(seen.text), seen.dequeue_count, seen.receipt) == (CHANGE, 0, "")
        assert seen.inserted
        assert seen.inserted.utcoffset() == timedelta(0)
        (taken,) = await intake.take(1)
        assert (taken.message_id, taken.dequeue_count) == (seen.message_id, 1)
        assert (await intake.peek(), await intake.take(60)) == ((), ())
        await asyncio.sleep(1.2)
        (again,) = await intake.take(60)
        assert again.dequeue_count == 2
        await intake.delete(taken)
        assert (await queue.inspection().depths()).changes == 1
        await intake.delete(again)
        await intake.delete(again)
        assert (await queue.inspection().depths()).changes == 0


async def test_a_catch_up_works_what_nobody_takes_off_the_queue(account: str) -> None:
    """A message of 20 minutes ago that lies there a minute later; also where the sync can't be started."""
    name = f"changes-{uuid.uuid4().hex[:8]}"
    naps: list[float] = []

    async def sleep(seconds: float) -> None:
        naps.append(seconds)

    async with QueueServiceClient.from_connection_string(account) as service:
        client = await service.create_queue(name)
        await client.send_message(base64.b64encode(b"not one of ours").decode())
    settings = {"AzureWebJobsStorage": account, "BOOKING_QUEUE_NAME": name}
    app = Application(settings, clock=lambda: datetime.now(UTC) + timedelta(minutes=20), sleep=sleep)
    try:
        with pytest.raises(TransientError):
            await app.timers.catch_up()
    finally:
        await app.aclose()
    queue = open_queue(StorageSettings(connection_string=account), name, lambda: NOW)
    try:
        assert await queue.inspection().depths() == QueueDepths(0, 1)
    finally:
        await queue.aclose()
    assert naps == [60.0]


async def test_a_catch_up_that_can_t_start_takes_letters_over_all_the_same(
    account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A week without Key Vault must not empty the poison queue."""
    nowhere = "https://127.0.0.1:9"
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{nowhere}/msi")
    monkeypatch.setenv("IDENTITY_HEADER", "x")
    name = f"changes-{uuid.uuid4().hex[:8]}"
    settings = {
        "AzureWebJobsStorage": account,
        "BOOKING_QUEUE_NAME": name,
        "KEY_VAULT_URL": nowhere,
        "ENTRA_TENANT_ID": "0d1e2f30-1111-4222-8333-444455556666",
        "ENTRA_CLIENT_ID": "1a2b2f30-1111-4222-8333-444455556666",
        "DATAVERSE_URL": "https://contoso.crm4.dynamics.com",
    }
    async with QueueServiceClient.from_connection_string(account) as service:
        client = await service.create_queue(f"{name}-poison")
        await client.send_message(base64.b64encode(encode_change(CHANGE).encode()).decode())
    app = Application(settings)
    try:
        with pytest.raises(TransientError, match="Key Vault"):
            await app.timers.catch_up()
    finally:
        await app.aclose()
    queue = open_queue(StorageSettings(connection_string=account), name, lambda: NOW)
    try:
        (letter,) = [read_dead_letter(each) for each in await queue.inspection().peek()]
    finally:
        await queue.aclose()
    assert (letter.change, letter.expires) == (CHANGE, None)


async def test_a_text_is_there_for_every_instance(account: str) -> None:
    """The first write makes the container; the last one to write a name has written it."""
    async with opened_texts(account) as text_store:
        assert await text_store.get("runs/audit") is None
        assert list(await text_store.newest("runs/", LONG_AGO, 5)) == []
        assert await text_store.drop("runs/", NOW) == 0
        await text_store.put("runs/audit", "first")
        await text_store.put("runs/audit", "zweiter Text, für alle")
        assert await text_store.get("runs/audit") == "zweiter Text, für alle"
        assert await text_store.get("runs/nothing") is None


async def test_instances_that_race_for_the_container_all_write(account: str) -> None:
    """Two instances that start together don't lose each other's text."""
    async with opened_texts(account) as text_store:
        await asyncio.gather(*(text_store.put(f"instances/{number}", str(number)) for number in range(8)))
        assert sorted(await text_store.newest("instances/", LONG_AGO, 99)) == list("01234567")


async def test_only_the_newest_of_a_kind_are_read(account: str) -> None:
    """However many there are, few are read; other kinds and older ones are left out."""
    async with opened_texts(account) as text_store:
        for name in ("instances/a", "instances/b", "runs/audit"):
            await text_store.put(name, name)
        assert len(await text_store.newest("instances/", LONG_AGO, 1)) == 1
        assert len(await text_store.newest("instances/", LONG_AGO, 9)) == 2
        assert list(await text_store.newest("instances/", datetime.now(UTC) + timedelta(hours=1), 9)) == []


async def test_what_is_old_can_be_cleared_away(account: str) -> None:
    """Only texts of that kind, written before that moment; dropping again finds nothing."""
    async with opened_texts(account) as text_store:
        await text_store.put("instances/a", "a")
        await text_store.put("runs/audit", "run")
        assert await text_store.drop("instances/", LONG_AGO) == 0
        assert await text_store.drop("instances/", datetime.now(UTC) + timedelta(hours=1)) == 1
        assert await text_store.drop("instances/", datetime.now(UTC) + timedelta(hours=1)) == 0
        assert await text_store.get("runs/audit") == "run"


async def test_a_wrong_key_names_the_role_and_not_the_key(account: str) -> None:
    """What an administrator has to mend is said without the secret."""
    key = account.partition("AccountKey=")[2].partition(";")[0]
    wrong = account.replace(key, base64.b64encode(b"another key" * 6).decode())
    async with opened_texts(wrong) as text_store:
        with pytest.raises(TransientError, match="Storage Blob Data Owner") as caught:
            await text_store.put("runs/audit", "x")
    assert key not in str(caught.value)


async def test_a_name_is_claimed_once_until_it_is_released_or_its_time_is_over(account: str) -> None:
    """Of many instances that claim together one has it, in a new container and after a killed one alike."""
    until = NOW + timedelta(minutes=11)
    async with opened_texts(account) as texts:
        first = await asyncio.gather(*(texts.claim("orders/audit", until, NOW) for _ in range(20)))
        assert first.count(True) == 1
        assert not await texts.claim("orders/audit", until, NOW)
        assert await texts.claim("orders/replay", until, NOW)
        late = await asyncio.gather(
            *(texts.claim("orders/audit", until + timedelta(hours=1), until) for _ in range(20))
        )
        assert late.count(True) == 1
        for _ in range(2):
            await texts.release("orders/audit")
        assert await texts.claim("orders/audit", until, NOW)


async def test_a_claim_that_holds_no_moment_is_taken_over(account: str) -> None:
    """Whoever wrote something else there stops no order for ever."""
    async with opened_texts(account) as texts:
        await texts.put("orders/audit", "nonsense")
        assert await texts.claim("orders/audit", NOW + timedelta(minutes=11), NOW)


def test_an_account_without_blobs_has_no_text_store() -> None:
    """Where only queues are named, no other host is asked."""
    text = "AccountName=a;AccountKey=aw==;QueueEndpoint=https://127.0.0.1:9/a"
    assert open_text_store(StorageSettings(connection_string=text)) is None


async def test_identity_form_sends_a_token_of_the_named_identity(
    certificates: Certificates, cloud: Cloud
) -> None:
    """Without a connection string the app's identity gets a token for Storage."""
    identity = cloud.identity.identity
    cloud.identity.identity = identity.__class__(
        identity.tenant_id,
        identity.principal_id,
        identity.client_id,
        user_assigned=True,
        resources=("https://storage.azure.com",),
    )

    async def respond(_request: web.Request) -> web.Response:
        return web.Response(status=403, headers={"x-ms-error-code": "AuthorizationPermissionMismatch"})

    service = StandIn("storage")
    service.app.router.add_route("*", "/{path:.*}", respond)
    tls = server_tls(str(certificates.certificate), str(certificates.key))
    async with serving(service, tls) as url:
        settings = StorageSettings(queue_url=url, blob_url=url, client_id=identity.client_id)
        text_store = open_text_store(settings, platform_credential)
        assert text_store is not None
        with pytest.raises(TransientError, match="Storage Blob Data Owner"):
            await text_store.put("runs/audit", "x")
        await text_store.aclose()
    assert service.requests[0].headers["authorization"].startswith("Bearer ")
