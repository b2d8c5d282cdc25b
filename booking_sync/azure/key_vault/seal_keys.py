"""The keys that seals are made with: the two newest versions of a secret in Key Vault.

A new version seals at once, and the one before is accepted until the next: so a key is replaced without a
moment at which a record of ours is not believed. Whoever meets a seal of a key that it does not know looks in
the vault before it calls the seal forged, since another instance may have found the new version first.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from booking_sync.azure.connections import platform_credential
from booking_sync.azure.key_vault.secrets import RecentFailure, asking_vault
from booking_sync.azure.key_vault.versions import SecretVersions
from booking_sync.domain.events.ownership import SealKeys, make_key
from booking_sync.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from booking_sync.azure.entra.identity import RenewableIdentity
    from booking_sync.domain.events.ownership import SealKey
    from booking_sync.ports.platform.clock import Clock

READ_AGAIN = timedelta(hours=1)
"""How long a version that was disabled may still be accepted, and a new one not yet be used."""
ABSENT_FOR = timedelta(minutes=10)
"""How long a key that was not in the vault is not looked for again: forged seals must not become requests."""
MOST_ABSENT = 1_000


class VaultSealKeys:
    """Fulfils `SealKeyring`; `load` it before its first use, on the event loop that uses it.

    Args:
        vault_url: `https://<vault>.vault.azure.net`.
        name: the secret's name, `SEAL_KEY_NAME`.
        now: the time of day.
        verify_challenge: False only for a vault on localhost.
        credential_factory: makes the identity that reads it.
    """

    def __init__(
        self,
        vault_url: str,
        name: str,
        now: Clock,
        *,
        verify_challenge: bool = True,
        credential_factory: Callable[[], RenewableIdentity] = platform_credential,
    ) -> None:
        self._name = name
        self._now = now
        self._versions = SecretVersions(
            vault_url, name, credential_factory(), verify_challenge=verify_challenge
        )
        self._keys: SealKeys | None = None
        self._read_at = datetime.min.replace(tzinfo=UTC)
        self._absent: dict[str, datetime] = {}
        self._reading = asyncio.Lock()
        self._failure = RecentFailure(now)

    def keys(self) -> SealKeys:
        """The accepted keys.

        Raises:
            TransientError: they were never loaded.
        """
        if self._keys is None:
            raise TransientError("the seal's keys have not been read from Key Vault yet")
        return self._keys

    async def load(self) -> SealKeys:
        """Read the keys from the vault.

        Raises:
            TransientError: the vault can't be reached, refuses us, or holds no usable key; or did so a moment
                ago.
        """
        with self._failure.remembered():
            async with asking_vault(self._name, "SEAL_KEY_NAME"):
                self._keys = await self._read()
        self._read_at = self._now()
        return self._keys

    async def learn(self, key_ids: Iterable[str]) -> None:
        """Look in the vault whether these keys are new there; see the port."""
        missing = frozenset(key_ids)
        if not self._is_due() and not self._unsought(missing):
            return
        async with self._reading:
            if self._unsought(missing):
                await self.load()
                self._note_absent(missing)
            elif self._is_due():
                await self._refresh()

    async def close(self) -> None:
        """Close the connections."""
        await self._versions.close()

    def _is_due(self) -> bool:
        return self._now() - self._read_at > READ_AGAIN

    async def _refresh(self) -> None:
        """Read again what is known; while the vault is down, what was read before serves on."""
        try:
            await self.load()
        except TransientError:
            self._read_at = self._now() - READ_AGAIN + timedelta(minutes=1)

    def _unsought(self, key_ids: frozenset[str]) -> bool:
        """Whether one of these keys is unknown and was not looked for lately."""
        until = self._now() - ABSENT_FOR
        return any(
            self.keys().named(each) is None and self._absent.get(each, until) <= until for each in key_ids
        )

    def _note_absent(self, key_ids: frozenset[str]) -> None:
        if len(self._absent) > MOST_ABSENT:
            self._absent.clear()
        self._absent |= {each: self._now() for each in key_ids if self.keys().named(each) is None}

    async def _read(self) -> SealKeys:
        accepted = await self._versions.newest(make_key)
        if not accepted.keys:
            raise TransientError(
                f"Key Vault has no enabled secret named {self._name}, which seals records: make it with "
                "`az keyvault secret set` (docs/deployment.md), or check SEAL_KEY_NAME"
            )
        return SealKeys(accepted.keys, accepted.since)


class GivenSealKeys:
    """Fulfils `SealKeyring` with one key that somebody gave, for a command line without a vault."""

    def __init__(self, key: SealKey) -> None:
        self._keys = SealKeys((key,))

    def keys(self) -> SealKeys:
        """The one key."""
        return self._keys

    async def load(self) -> SealKeys:
        """The one key; nothing is read."""
        return self._keys

    async def learn(self, key_ids: Iterable[str]) -> None:
        """There is nobody to ask."""

    async def close(self) -> None:
        """Nothing is open."""
