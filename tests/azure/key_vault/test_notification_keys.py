"""The keys that prove notifications, in Key Vault: against the stand-in over TLS, with the real client."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from booking_sync.azure.key_vault.notification_keys import READ_AGAIN, RENEWED_AFTER, VaultNotificationKeys
from booking_sync.azure.key_vault.secrets import FAILED_FOR
from booking_sync.domain.return_path.client_state import make_notification_key
from booking_sync.errors import TransientError
from local.standin.faults import Fault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.azure.conftest import Cloud

NAME = "booking-sync-notification-key"


@dataclass
class Clock:
    """A time of day that a test moves."""

    time: datetime = datetime(2026, 3, 2, 8, tzinfo=UTC)

    def __call__(self) -> datetime:
        """The time of day."""
        return self.time


def _put(cloud: Cloud) -> str:
    text = secrets.token_hex(32)
    cloud.keyvault.vault.put(NAME, text)
    return make_notification_key(text).version


@asynccontextmanager
async def _keyring(cloud: Cloud, clock: Clock) -> AsyncIterator[VaultNotificationKeys]:
    keyring = VaultNotificationKeys(cloud.vault_url, NAME, clock, verify_challenge=False)
    try:
        yield keyring
    finally:
        await keyring.close()


async def _versions(keyring: VaultNotificationKeys, *, renewed: bool = False) -> list[str]:
    return [each.version for each in (await keyring.keys(renewed=renewed)).accepted]


async def test_the_two_newest_versions_are_accepted_the_newest_first(cloud: Cloud) -> None:
    """The third is not."""
    made = [_put(cloud) for _ in range(3)]
    async with _keyring(cloud, Clock()) as keyring:
        assert await _versions(keyring) == [made[2], made[1]]


async def test_the_vault_is_asked_now_and_then(cloud: Cloud) -> None:
    """Each hour; when somebody met a new key at once, but not more often than each minute."""
    clock, first = Clock(), _put(cloud)
    async with _keyring(cloud, clock) as keyring:
        assert await _versions(keyring) == [first]
        second = _put(cloud)
        assert await _versions(keyring, renewed=True) == [first]
        clock.time += RENEWED_AFTER * 1.1
        assert await _versions(keyring) == [first]
        assert await _versions(keyring, renewed=True) == [second, first]
        third = _put(cloud)
        clock.time += READ_AGAIN * 1.1
        assert await _versions(keyring) == [third, second]


async def test_while_the_vault_is_down_the_known_keys_serve_on(cloud: Cloud) -> None:
    """Before any was read, Graph has to come again."""
    clock = Clock()
    async with _keyring(cloud, clock) as keyring:
        with pytest.raises(TransientError, match="provision"):
            await keyring.keys()
        made = _put(cloud)
        clock.time += FAILED_FOR
        assert await _versions(keyring) == [made]
        cloud.keyvault.faults.add(Fault(times=-1, status=403))
        clock.time += READ_AGAIN * 1.1
        assert await _versions(keyring) == [made]


async def test_while_the_vault_fails_those_who_wait_ask_once(cloud: Cloud) -> None:
    """Each notification would else wait for an answer of its own, one after the other."""
    clock, made = Clock(), _put(cloud)
    async with _keyring(cloud, clock) as keyring:
        cloud.keyvault.faults.add(Fault(times=-1, status=403))
        with pytest.raises(TransientError):
            await keyring.keys()
        asked = len(cloud.keyvault.requests)
        assert asked
        waiting = (keyring.keys(renewed=bool(number % 2)) for number in range(10))
        failed = await asyncio.gather(*waiting, return_exceptions=True)
        assert {type(each) for each in failed} == {TransientError}
        assert len(cloud.keyvault.requests) == asked
        cloud.keyvault.faults.clear()
        clock.time += FAILED_FOR
        assert await _versions(keyring) == [made]


@pytest.mark.parametrize("there", [False, True])
async def test_a_key_that_is_not_there_is_told_with_all_that_makes_it(cloud: Cloud, *, there: bool) -> None:
    """No secret, or only a disabled one: `provision` makes the key only while both settings are set."""
    if there:
        _put(cloud)
        cloud.keyvault.vault.enable(NAME, "", enabled=False)
    async with _keyring(cloud, Clock()) as keyring:
        with pytest.raises(TransientError, match="RETURN_PATH and NOTIFICATION_URL") as caught:
            await keyring.keys()
    assert NAME in caught.value.reason
    assert "`booking-sync provision`" in caught.value.reason


async def test_a_secret_that_is_no_key_is_told_without_its_text(cloud: Cloud) -> None:
    """By the secret's name, and what it must be."""
    cloud.keyvault.vault.put(NAME, "not-a-key")
    async with _keyring(cloud, Clock()) as keyring:
        with pytest.raises(TransientError, match="64 hexadecimal digits") as caught:
            await keyring.keys()
    assert NAME in caught.value.reason
    assert "not-a-key" not in caught.value.reason


async def test_the_first_key_is_made_once(cloud: Cloud) -> None:
    """By whoever may set secrets; another run finds it, also one that is older than the newest version."""
    cloud.keyvault.officers = cloud.keyvault.permitted
    first, second = secrets.token_hex(32), secrets.token_hex(32)
    async with _keyring(cloud, Clock()) as keyring:
        assert await keyring.make(first) is True
        assert await keyring.make(second) is False
        assert await _versions(keyring) == [make_notification_key(first).version]
        cloud.keyvault.vault.enable(NAME, "", enabled=False)
        assert await keyring.make(second) is True, "a disabled one proves nothing"


async def test_who_may_only_read_is_told_what_to_do(cloud: Cloud) -> None:
    """The app's own identity may read secrets and nothing more; nor does a deleted name come free."""
    async with _keyring(cloud, Clock()) as keyring:
        with pytest.raises(TransientError, match=r"Secrets Officer.*openssl rand -hex 32") as caught:
            await keyring.make("0" * 64)
        assert "0" * 64 not in str(caught.value)
        cloud.keyvault.officers = cloud.keyvault.permitted
        cloud.keyvault.soft_deleted.add(NAME)
        with pytest.raises(TransientError, match="secret recover"):
            await keyring.make("0" * 64)
        cloud.keyvault.soft_deleted.clear()
        cloud.keyvault.faults.add(Fault(method="PUT", status=503, times=-1))
        with pytest.raises(TransientError, match="HTTP 503"):
            await keyring.make("0" * 64)
