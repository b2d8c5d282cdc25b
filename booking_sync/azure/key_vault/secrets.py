"""The app registration's client secret or certificate, read from Key Vault with the app's own identity.

Every failure is a TransientError, also one that only an administrator can mend: role assignments take
minutes to arrive, secrets get replaced, and no booking is at fault. The reasons say what the administrator
should look at.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeVar

from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError
from azure.keyvault.secrets.aio import SecretClient

from booking_sync.azure.connections import (
    NO_CODE,
    TOTAL_SECONDS,
    identity_options,
    platform_credential,
    readable_code,
    retry_after,
    unreadable,
)
from booking_sync.domain.text import trim
from booking_sync.errors import SyncError, TransientError
from booking_sync.ports.diagnosis import SecretState
from booking_sync.ports.platform.credentials import SecretText

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from azure.keyvault.secrets import KeyVaultSecret as KeyVaultSecretVersion

    from booking_sync.azure.entra.identity import RenewableIdentity
    from booking_sync.ports.platform.clock import Clock

Result = TypeVar("Result")

FAILED_FOR: Final = timedelta(seconds=30)
"""How long a vault that failed is not asked again by those who need the same key: else each of them would
wait for its silence, one after the other."""

_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND = 401, 403, 404


class KeyVaultSecret:
    """One secret of a vault, always its current version.

    Args:
        vault_url: `https://<vault>.vault.azure.net`.
        name: the secret's name; a certificate's for the certificate with its key.
        setting: where the secret is named.
        verify_challenge: False only for a vault on localhost, whose domain can't match the resource that its
            challenge names.
        credential_factory: makes the identity that reads it.
    """

    def __init__(
        self,
        vault_url: str,
        name: str,
        *,
        setting: str = "CLIENT_SECRET_NAME",
        verify_challenge: bool = True,
        credential_factory: Callable[[], RenewableIdentity] = platform_credential,
    ) -> None:
        self._name = name
        self._setting = setting
        self._credential = credential_factory()
        self._client = SecretClient(
            vault_url,
            self._credential,
            verify_challenge_resource=verify_challenge,
            **identity_options(self._credential),
        )

    async def fetch(self) -> SecretText:
        """The secret's current value.

        Raises:
            TransientError: the vault can't be reached, refuses us or has no such secret.
        """
        return await self._read(self._text)

    async def state(self) -> SecretState:
        """The secret's expiry date, without its text; raises as `fetch`."""
        return await self._read(self._state)

    def _state(self, found: KeyVaultSecretVersion) -> SecretState:
        self._text(found)  # an empty one has no state worth telling
        return SecretState(found.properties.expires_on)

    def _text(self, found: KeyVaultSecretVersion) -> SecretText:
        # A line break comes along when a file is piped into the vault; no secret has one at its end.
        text = trim(found.value) if isinstance(found.value, str) else ""
        if not text:
            raise TransientError(f"the secret {self._name} in Key Vault is empty")
        return SecretText(text)

    async def _read(self, pick: Callable[[KeyVaultSecretVersion], Result]) -> Result:
        """What is picked of the secret; in here, since the SDK reads an answer only when it is looked at."""
        async with asking_vault(self._name, self._setting):
            return pick(await self._client.get_secret(self._name))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()
        await self._credential.close()


class RecentFailure:
    """What the last question to the vault failed with, for whoever would ask the same again at once.

    Args:
        now: the time of day.
    """

    def __init__(self, now: Clock) -> None:
        self._now = now
        self._error: TransientError | None = None
        self._at = now()

    @contextlib.contextmanager
    def remembered(self) -> Iterator[None]:
        """Around one question.

        Raises:
            TransientError: the last one failed a moment ago, and nothing is asked; or this one fails.
        """
        # A clock that was set back does not make it a long moment.
        if self._error and timedelta() <= self._now() - self._at < FAILED_FOR:
            # Each caller its own: a raised exception carries the caller's traceback.
            raise copy.copy(self._error)
        self._error = None
        try:
            yield
        except TransientError as error:
            self._error, self._at = copy.copy(error), self._now()
            raise


@contextlib.asynccontextmanager
async def asking_vault(name: str, setting: str) -> AsyncIterator[None]:
    """Around one question to the vault: limits its time, and translates its refusals.

    Args:
        name: the secret's.
        setting: where the secret is named.

    Raises:
        TransientError: the vault can't be reached, refuses us, or can't be read.
    """
    try:
        async with asyncio.timeout(TOTAL_SECONDS):
            yield
    except TimeoutError:
        raise TransientError("Key Vault did not answer in time", unreached=True) from None
    except SyncError:
        raise
    except AzureError as error:
        raise _refused(error, name, setting) from None
    except Exception as error:  # noqa: BLE001 - see `_unreadable`
        raise _unreadable(error) from None


def _unreadable(error: Exception) -> TransientError:
    """What it means that the client raises anything but `AzureError`.

    A challenge of another domain is a plain `ValueError` with these words (azure-keyvault-secrets 4.12).
    """
    if isinstance(error, ValueError) and "challenge resource" in str(error):
        return TransientError(
            "Key Vault's challenge names another domain than KEY_VAULT_URL: check that setting"
        )
    return unreadable("Key Vault", error)


def _refused(error: AzureError, name: str, setting: str) -> TransientError:
    """Why a secret can't be read, for the administrator."""
    status = error.status_code if isinstance(error, HttpResponseError) else None
    if isinstance(error, ClientAuthenticationError) and status is None:
        return TransientError(
            "there is no token for Key Vault: check that the function app has a managed identity, and "
            "AZURE_CLIENT_ID if it is a user-assigned one; at a command line, run `az login`"
        )
    if not isinstance(error, HttpResponseError) or status is None:
        return TransientError(f"Key Vault can't be reached ({type(error).__name__})", unreached=True)
    if status == _NOT_FOUND and _code(error) != NO_CODE:
        return TransientError(f"Key Vault has no secret named {name}: check {setting}")
    said = f"HTTP {status}, {_code(error)}"
    if status in (_UNAUTHORIZED, _FORBIDDEN):
        return TransientError(
            f"Key Vault does not let us read the secret {name} ({said}): the app's identity, or "
            "you at a command line, need the role Key Vault Secrets User, and the secret must be enabled"
        )
    return TransientError(f"Key Vault can't answer now ({said})", retry_after=retry_after(error))


def _code(error: HttpResponseError) -> str:
    """Key Vault's error code, the inner one where there is one (such as ForbiddenByRbac)."""
    inner = getattr(error.error, "innererror", None)
    codes = (inner.get("code") if isinstance(inner, dict) else None, getattr(error.error, "code", None))
    return readable_code(*codes)
