"""How the command line signs in: as the app registration, or as the person at the keyboard.

The app registration signs in as in the function app (`credential`), but its secret may also be given in an
environment variable, for a time when there is no vault yet. A person signs in by one of azure-identity's
credentials. Those for the browser and for a code only exist in blocking form, so all of them run in a thread.
"""

from __future__ import annotations

import asyncio
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import AzureError, ClientAuthenticationError
from azure.identity import CredentialUnavailableError

from booking_sync.errors import PermanentError, TransientError
from booking_sync.plumbing.closed_on_exit import ClosedOnExit

if TYPE_CHECKING:
    from datetime import datetime

    from azure.core.credentials import AccessToken, TokenCredential

    from booking_sync.ports.platform.credentials import SecretText


AZ_SECONDS = 60
"""How long `az` may take; it is slow to start."""


class SignIn(StrEnum):
    """Who signs in, and how."""

    APP = "app"
    CLI = "cli"
    BROWSER = "browser"
    DEVICE = "device"


class GivenSecret:
    """A client secret that was given in an environment variable; fulfils `SecretSource`."""

    def __init__(self, secret: SecretText) -> None:
        self._secret = secret

    async def fetch(self) -> SecretText:
        """The secret, which never changes."""
        return self._secret

    async def close(self) -> None:
        """Nothing is open."""


class PersonCredential(ClosedOnExit):
    """Tokens of a person; fulfils `AppCredential`.

    Args:
        credential: azure-identity's, a blocking one; it caches tokens itself.
        remedy: what to do when it gives none.
    """

    def __init__(self, credential: TokenCredential, remedy: str) -> None:
        self._credential = credential
        self._remedy = remedy
        self._lock = asyncio.Lock()

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """A valid token; the person may have to do something first.

        Raises:
            PermanentError: nobody is signed in, or not with rights to this service.
            TransientError: Entra can't be reached.
        """
        async with self._lock:  # so that one browser window opens, not one per request
            try:
                return await asyncio.to_thread(self._credential.get_token, *scopes, **options)
            except (CredentialUnavailableError, ClientAuthenticationError):
                raise PermanentError(f"Nobody could be signed in. {self._remedy}") from None
            except AzureError as error:
                raise TransientError(
                    f"Entra can't be reached ({type(error).__name__}).", unreached=True
                ) from None

    def renew(self) -> None:
        """A person's token can't be had anew without the person."""

    async def close(self) -> None:
        """Close the connections."""
        close = getattr(self._credential, "close", None)
        if close is not None:
            await asyncio.to_thread(close)


def open_person(sign_in: SignIn, tenant_id: str, authority: str) -> PersonCredential:
    """The credential of the person at the keyboard.

    Args:
        sign_in: any but `APP`.
        tenant_id: where to sign in; empty: the person's own.
        authority: Entra's URL; empty: the public cloud's.
    """
    from azure.identity import (  # noqa: PLC0415 - of the three one is used
        AzureCliCredential,
        DeviceCodeCredential,
        InteractiveBrowserCredential,
    )

    tenant = f" --tenant {tenant_id}" if tenant_id else ""
    if sign_in is SignIn.CLI:
        remedy = f"Run `az login{tenant} --allow-no-subscriptions` first, or choose another --auth."
        return PersonCredential(AzureCliCredential(tenant_id=tenant_id, process_timeout=AZ_SECONDS), remedy)
    named: dict[str, Any] = {"tenant_id": tenant_id} if tenant_id else {}
    named |= {"authority": authority} if authority else {}
    remedy = "Try again, or choose another --auth."
    if sign_in is SignIn.BROWSER:
        return PersonCredential(InteractiveBrowserCredential(**named), remedy)
    return PersonCredential(DeviceCodeCredential(prompt_callback=_show_code, **named), remedy)


def _show_code(address: str, code: str, _expires: datetime) -> None:
    sys.stderr.write(f"To sign in, open {address} and enter the code {code}\n")
