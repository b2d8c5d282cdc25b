"""The keys that prove Graph's notifications: the two newest versions of a secret in Key Vault.

A new version is used for new subscriptions at once; the one before is accepted until these have taken over.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from azure.core.exceptions import HttpResponseError

from booking_sync.azure.connections import platform_credential
from booking_sync.azure.key_vault.secrets import RecentFailure, asking_vault
from booking_sync.azure.key_vault.versions import SecretVersions
from booking_sync.domain.return_path.client_state import NotificationKeys, make_notification_key
from booking_sync.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from booking_sync.azure.entra.identity import RenewableIdentity
    from booking_sync.ports.platform.clock import Clock

READ_AGAIN = timedelta(hours=1)
"""How long a version that was disabled may still be accepted."""
RENEWED_AFTER = timedelta(minutes=1)
"""How often somebody who sends keys that nobody knows can make the vault be asked."""
_MAKES_IT = "`booking-sync provision` makes one while RETURN_PATH and NOTIFICATION_URL are set for it"


class VaultNotificationKeys:
    """Fulfils `NotificationKeyring`, on the event loop that uses it.

    Args:
        vault_url: `https://<vault>.vault.azure.net`.
        name: the secret's name.
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
        self._keys: NotificationKeys | None = None
        self._asked = datetime.min.replace(tzinfo=UTC)
        self._reading = asyncio.Lock()
        self._failure = RecentFailure(now)

    async def keys(self, *, renewed: bool = False) -> NotificationKeys:
        """See the port; while the vault is down, what was read before serves on."""
        async with self._reading:
            age = self._now() - self._asked
            if self._keys is None or age > (RENEWED_AFTER if renewed else READ_AGAIN):
                self._asked = self._now()
                try:
                    with self._failure.remembered():
                        async with asking_vault(self._name, f"its name; {_MAKES_IT}"):
                            self._keys = await self._read()
                except TransientError:
                    if self._keys is None:
                        raise
            return self._keys

    async def make(self, text: str) -> bool:
        """Put the first key into the vault, unless it has an enabled one; whether it had none.

        Args:
            text: 64 hexadecimal digits that nobody can guess.

        Raises:
            TransientError: the vault can't be reached, or refuses us.
        """
        async with asking_vault(self._name, "its name"):
            if await self._versions.any_enabled():
                return False
            try:
                await self._versions.add(text, "hex")
            except HttpResponseError as error:
                raise _not_made(error, self._name) from None
            return True

    async def close(self) -> None:
        """Close the connections."""
        await self._versions.close()

    async def _read(self) -> NotificationKeys:
        accepted = await self._versions.newest(make_notification_key)
        if not accepted.keys:
            raise TransientError(
                f"Key Vault has no enabled secret named {self._name}, which proves notifications from "
                f"Outlook; {_MAKES_IT}"
            )
        return NotificationKeys(accepted.keys)


def _not_made(error: HttpResponseError, name: str) -> TransientError:
    """Why the key could not be put there, for whoever runs the command."""
    if error.status_code in (401, 403):
        return TransientError(
            f"Key Vault does not let you make the secret {name} (HTTP {error.status_code}): that takes the "
            "role Key Vault Secrets Officer. Who has it runs `openssl rand -hex 32 | tr -d '\\n' | "
            f"az keyvault secret set --vault-name <vault> --name {name} --file /dev/stdin --encoding utf-8 "
            "--output none`"
        )
    if error.status_code == 409:  # noqa: PLR2004 - as Key Vault's REST reference has it
        return TransientError(
            f"Key Vault keeps a deleted secret {name}: bring it back with `az keyvault secret recover`"
        )
    return TransientError(f"Key Vault can't answer now (HTTP {error.status_code})")
