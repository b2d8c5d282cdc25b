"""A secret of which the two newest versions are accepted, so that a key is replaced without a pause."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Generic, TypeVar

from azure.keyvault.secrets.aio import SecretClient

from booking_sync.azure.connections import bounded_list, identity_options
from booking_sync.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from azure.keyvault.secrets import SecretProperties

    from booking_sync.azure.entra.identity import RenewableIdentity

Key = TypeVar("Key")

ACCEPTED_VERSIONS = 2


@dataclass(frozen=True, slots=True)
class AcceptedKeys(Generic[Key]):
    """What the vault holds of a secret."""

    keys: tuple[Key, ...]
    """Of the newest enabled versions, the newest first; empty where none is enabled."""
    since: datetime
    """When its first version was made, enabled or not; aware, UTC."""


class SecretVersions:
    """The versions of one secret, read with the app's own identity.

    Its methods raise what the SDK raises, see `asking_vault`.

    Args:
        vault_url: `https://<vault>.vault.azure.net`.
        name: the secret's name.
        credential: the identity that reads it; closed with this.
        verify_challenge: False only for a vault on localhost.
    """

    def __init__(
        self, vault_url: str, name: str, credential: RenewableIdentity, *, verify_challenge: bool
    ) -> None:
        self._name = name
        self._credential = credential
        self._client = SecretClient(
            vault_url, credential, verify_challenge_resource=verify_challenge, **identity_options(credential)
        )

    async def newest(self, make: Callable[[str], Key]) -> AcceptedKeys[Key]:
        """The keys that are accepted.

        Args:
            make: a key of a version's text; raises `ValueError` with what is wrong with it.

        Raises:
            TransientError: a version is no usable key.
        """
        versions = await self._listed()
        usable = sorted((each for each in versions if each.enabled), key=_made, reverse=True)
        newest = usable[:ACCEPTED_VERSIONS]
        keys = await asyncio.gather(*(self._key(each.version or "", make) for each in newest))
        return AcceptedKeys(tuple(keys), min(map(_made, versions), default=datetime.max.replace(tzinfo=UTC)))

    async def any_enabled(self) -> bool:
        """Whether there is a version to use."""
        return any(each.enabled for each in await self._listed())

    async def add(self, text: str, content_type: str) -> None:
        """Make another version of this text."""
        await self._client.set_secret(self._name, text, content_type=content_type)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()
        await self._credential.close()

    async def _listed(self) -> Sequence[SecretProperties]:
        return await bounded_list(self._client.list_properties_of_secret_versions(self._name))

    async def _key(self, version: str, make: Callable[[str], Key]) -> Key:
        found = await self._client.get_secret(self._name, version)
        try:
            return make(found.value or "")
        except ValueError as error:
            raise TransientError(f"the secret {self._name} in Key Vault can't be used: it {error}") from None


def _made(properties: SecretProperties) -> datetime:
    return properties.created_on or datetime.max.replace(tzinfo=UTC)
