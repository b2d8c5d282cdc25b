"""The app registration's tokens for Graph and Dataverse, made with the client secret from Key Vault.

A rotated secret needs no restart: when Entra refuses the known secret, it is read from the vault again.
azure-identity caches tokens and renews them from five minutes before they expire. Neither secrets nor tokens
get into errors or logs.
"""

from __future__ import annotations

import asyncio
import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError
from azure.identity.aio import ClientSecretCredential

from booking_sync.azure.connections import TOTAL_SECONDS, client_options, retry_after, unreadable
from booking_sync.errors import TransientError
from booking_sync.plumbing.closed_on_exit import ClosedOnExit
from booking_sync.plumbing.log import log_event

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken

    from booking_sync.ports.credentials import SecretSource, SecretText

_LOGGER = logging.getLogger(__name__)
_SECRET_REFUSED = "invalid_client"  # noqa: S105 - OAuth's error code for it (RFC 6749, 5.2), no secret
_TOO_MANY, _SERVER_ERROR = 429, 500
VAULT_REMEDY = "put a new secret of the app registration into Key Vault, then the app picks it up by itself"


class _SecretRefusedError(Exception):
    """Entra does not take this secret; the text is its AADSTS code."""


@dataclass(frozen=True, slots=True)
class _Opened:
    """The secret in use and the credential made of it."""

    secret: SecretText
    credential: ClientSecretCredential


@dataclass(frozen=True, slots=True)
class _Hold:
    """A failure that is raised again, without a request, until the event loop's clock says `until`."""

    until: float
    reason: str


class ClientSecretAppCredential(ClosedOnExit):
    """`AppCredential` of an app registration with a client secret.

    Callers share one refresh: the first one fetches, the others wait and get what it got, be it a token or
    the failure. All state belongs to one event loop; only `renew` may be called from any thread.

    Args:
        tenant_id: the app registration's tenant.
        client_id: the app registration.
        source: where the secret comes from; closed by `close`.
        authority: Entra's URL; empty takes azure-identity's own default (`AZURE_AUTHORITY_HOST`, else the
            public cloud).
        remedy: what to do when Entra refuses the secret, by where it comes from.
        hold_seconds: how long a failure is remembered, and the shortest time between two renewals.
    """

    def __init__(
        self,
        tenant_id: str,
        client_id: str,
        source: SecretSource,
        *,
        authority: str = "",
        remedy: str = VAULT_REMEDY,
        hold_seconds: float = 30.0,
    ) -> None:
        self._tenant_id = tenant_id
        self._client_id = client_id
        self._source = source
        self._authority = authority
        self._remedy = remedy
        self._hold_seconds = hold_seconds
        self._lock = asyncio.Lock()
        self._opened: _Opened | None = None
        self._holds: dict[tuple[str, ...], _Hold] = {}
        self._renew_asked = False
        self._no_renewal_before = 0.0

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """A valid token, from the cache where it can be.

        Args:
            scopes: such as `https://graph.microsoft.com/.default`.
            options: azure-core's, such as `claims` and `enable_cae`.

        Raises:
            TransientError: Entra or Key Vault can't be reached, or refuses for now. It is repeated for a
                short while without asking them again.
        """
        async with self._lock:
            await self._renew_if_asked()
            self._raise_if_held(scopes)
            try:
                return await self._request(scopes, options)
            except TransientError as error:
                self._hold(scopes, error)
                raise

    def renew(self) -> None:
        """A service refused our token: the next `get_token` fetches the secret and the token anew.

        Has an effect once per `hold_seconds`: all requests that used the old token are refused at once.
        """
        self._renew_asked = True

    async def close(self) -> None:
        """Close the connections."""
        if self._opened is not None:
            await self._opened.credential.close()
            self._opened = None
        await self._source.close()

    async def _request(self, scopes: tuple[str, ...], options: dict[str, Any]) -> AccessToken:
        opened = self._opened or await self._use(await self._source.fetch())
        try:
            return await self._ask(opened.credential, scopes, options)
        except _SecretRefusedError as refusal:
            secret = await self._source.fetch()
            if secret == opened.secret:
                raise self._still_refused(refusal) from None
        opened = await self._use(secret)
        log_event(_LOGGER, "client_secret_replaced")
        try:
            return await self._ask(opened.credential, scopes, options)
        except _SecretRefusedError as refusal:
            raise self._still_refused(refusal) from None

    async def _ask(
        self, credential: ClientSecretCredential, scopes: tuple[str, ...], options: dict[str, Any]
    ) -> AccessToken:
        try:
            async with asyncio.timeout(TOTAL_SECONDS):
                token = await credential.get_token(*scopes, **options)
        except TimeoutError:
            raise TransientError("Entra did not answer in time") from None
        except AzureError as error:
            raise _translate(error) from None
        except Exception as error:  # noqa: BLE001 - see `unreadable`
            raise unreadable("Entra", error) from None
        text: object = token.token  # as the answer has it, whatever the SDK's annotation says
        if not isinstance(text, str) or not text:
            raise TransientError("Entra's answer has no token in it")
        return token

    async def _use(self, secret: SecretText) -> _Opened:
        """Use this secret from now on, and close the credential that was made with the former one."""
        before = self._opened
        authority = {"authority": self._authority} if self._authority else {}
        credential = ClientSecretCredential(
            self._tenant_id, self._client_id, secret.value, **authority, **client_options()
        )
        self._opened = _Opened(secret, credential)
        if before is not None:
            await before.credential.close()
        return self._opened

    async def _renew_if_asked(self) -> None:
        asked, self._renew_asked = self._renew_asked, False
        now = asyncio.get_running_loop().time()
        if not asked or self._opened is None or now < self._no_renewal_before:
            return
        self._no_renewal_before = now + self._hold_seconds
        try:
            await self._use(await self._source.fetch())
        except TransientError as error:
            # Other services may still take the token: go on with it.
            log_event(_LOGGER, "token_renewal_failed", level=logging.WARNING, reason=error.reason)

    def _raise_if_held(self, scopes: tuple[str, ...]) -> None:
        hold = self._holds.get(scopes)
        if hold is None:
            return
        remaining = hold.until - asyncio.get_running_loop().time()
        if remaining > 0:
            raise TransientError(hold.reason, retry_after=remaining)
        del self._holds[scopes]

    def _hold(self, scopes: tuple[str, ...], error: TransientError) -> None:
        seconds = self._hold_seconds if error.retry_after is None else error.retry_after
        until = asyncio.get_running_loop().time() + seconds
        self._holds[scopes] = _Hold(until, error.reason)
        log_event(_LOGGER, "no_token", level=logging.WARNING, reason=error.reason, holdSeconds=seconds)

    def _still_refused(self, refusal: _SecretRefusedError) -> TransientError:
        return TransientError(
            f"Entra refuses the client secret ({refusal}): {self._remedy}",
            retry_after=self._hold_seconds,
        )


def _translate(error: AzureError) -> TransientError | _SecretRefusedError:
    if not isinstance(error, HttpResponseError) or error.status_code is None:
        return TransientError(f"Entra can't be reached ({type(error).__name__})")
    status = error.status_code
    if status == _TOO_MANY or status >= _SERVER_ERROR:
        return TransientError(f"Entra can't answer now (HTTP {status})", retry_after=retry_after(error))
    # azure-identity quotes OAuth's error and Entra's description, which begins with its own code.
    code = re.search(r"AADSTS\d+", error.message)
    said = code[0] if code else f"HTTP {status}"
    if isinstance(error, ClientAuthenticationError) and f"({_SECRET_REFUSED})" in error.message:
        return _SecretRefusedError(said)
    return TransientError(
        f"Entra gives the app no token ({said}): check ENTRA_TENANT_ID, ENTRA_CLIENT_ID, GRAPH_URL and "
        "DATAVERSE_URL"
    )
