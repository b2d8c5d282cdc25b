"""What the Azure adapters ask, of a server that answers as a test likes: no identity, no real account."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from azure.core.credentials import AccessToken

from booking_sync.azure.clocks import HttpClockReads
from booking_sync.azure.entra.credential import AppRegistrationCredential
from booking_sync.azure.entra.identity import RenewableIdentity
from booking_sync.azure.entra.proofs import Registration
from booking_sync.azure.entra.sign_in import GivenSecret
from booking_sync.azure.key_vault.seal_keys import VaultSealKeys
from booking_sync.azure.key_vault.secrets import KeyVaultSecret
from booking_sync.azure.storage.blob_texts import BlobTextStore, open_text_store
from booking_sync.azure.storage.queue import StorageChangeQueue, open_queue
from booking_sync.domain.messages.change import BookingChange
from booking_sync.plumbing.closed_on_exit import ClosedOnExit
from booking_sync.ports.platform.credentials import SecretText
from booking_sync.ports.platform.queues import PoisonMessage
from booking_sync.settings.storage import StorageSettings
from tests.azure.conftest import CLIENT, GRAPH_SCOPE, SECRET_NAME, TENANT

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
CHANGE = BookingChange("0d7c1f57-3b1e-4c8e-9a55-2f6f0d6b1a01", "c-1", NOW)
LETTER = PoisonMessage("id", "{}", "receipt")
Operation = Callable[[str], Awaitable[Any]]


class Somebody(ClosedOnExit):
    """An identity whose tokens are never looked at."""

    async def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        """A token."""
        return AccessToken("token", int(NOW.timestamp()) + 10**9)


def now() -> datetime:
    """The tests' clock."""
    return NOW


def account_at(url: str) -> StorageSettings:
    """A storage account at this address."""
    key = base64.b64encode(b"k" * 64).decode()
    return StorageSettings(
        connection_string=f"AccountName=a;AccountKey={key};QueueEndpoint={url}/a;BlobEndpoint={url}/a"
    )


@asynccontextmanager
async def queue_at(url: str) -> AsyncIterator[StorageChangeQueue]:
    """The change queue of an account at this address."""
    queue = open_queue(account_at(url), "changes", now)
    try:
        yield queue
    finally:
        await queue.aclose()


@asynccontextmanager
async def texts_at(url: str) -> AsyncIterator[BlobTextStore]:
    """The shared texts of an account at this address."""
    store = open_text_store(account_at(url))
    assert store is not None
    try:
        yield store
    finally:
        await store.aclose()


@asynccontextmanager
async def vault_at(url: str) -> AsyncIterator[KeyVaultSecret]:
    """A secret of the vault at this address."""
    vault = KeyVaultSecret(
        url, SECRET_NAME, verify_challenge=False, credential_factory=lambda: RenewableIdentity(Somebody)
    )
    try:
        yield vault
    finally:
        await vault.close()


async def token(url: str) -> Any:
    """A token from Entra."""
    source = GivenSecret(SecretText("secret"))
    async with AppRegistrationCredential(
        Registration(TENANT, CLIENT, url), source, hold_seconds=0
    ) as credential:
        return await credential.get_token(GRAPH_SCOPE)


async def secret(url: str) -> Any:
    """A secret from Key Vault."""
    async with vault_at(url) as vault:
        return await vault.fetch()


async def secret_state(url: str) -> Any:
    """What Key Vault knows of a secret."""
    async with vault_at(url) as vault:
        return await vault.state()


async def seal_keys(url: str) -> Any:
    """The seal's keys from Key Vault."""
    keyring = VaultSealKeys(
        url, SECRET_NAME, now, verify_challenge=False, credential_factory=lambda: RenewableIdentity(Somebody)
    )
    try:
        return await keyring.load()
    finally:
        await keyring.close()


async def clocks(url: str) -> Any:
    """The services' clocks."""
    return await HttpClockReads({"it": url}, now).read()


async def send(url: str) -> Any:
    """A change on the queue."""
    async with queue_at(url) as queue:
        return await queue.send(CHANGE)


async def peek(url: str) -> Any:
    """A look at the dead letters."""
    async with queue_at(url) as queue:
        return await queue.inspection().peek()


async def take(url: str) -> Any:
    """Dead letters to work on."""
    async with queue_at(url) as queue:
        return await queue.inspection().take(60)


async def remove(url: str) -> Any:
    """A dead letter that is done."""
    async with queue_at(url) as queue:
        return await queue.inspection().delete(LETTER)


async def state(url: str) -> Any:
    """How full the queues are."""
    async with queue_at(url) as queue:
        return await queue.inspection().state()


async def put_text(url: str) -> Any:
    """A text to share."""
    async with texts_at(url) as texts:
        return await texts.put("name", "text")


async def get_text(url: str) -> Any:
    """A shared text."""
    async with texts_at(url) as texts:
        return await texts.get("name")


async def newest_texts(url: str) -> Any:
    """The newest shared texts."""
    async with texts_at(url) as texts:
        return await texts.newest("n", NOW - timedelta(days=10_000), 3)


async def drop_texts(url: str) -> Any:
    """Old texts away."""
    async with texts_at(url) as texts:
        return await texts.drop("n", NOW)


OPERATIONS: dict[str, Operation] = {
    each.__name__: each
    for each in (
        *(token, secret, secret_state, seal_keys, clocks, send, peek, take, remove, state),
        *(put_text, get_text, newest_texts, drop_texts),
    )
}
