"""The app registration's tokens for Graph and Dataverse.

Whatever is refused is renewed at its own link of the chain, and no restart is needed for any of it:

    a token that Graph or Dataverse refuses     anew from Entra, with the proof that we have
    a proof that Entra refuses                  anew from where it comes from (`proofs`)
    a token that Key Vault refuses              anew from the managed identity (`identity`)

A renewal that fails takes nothing away: what we had goes on. azure-identity caches tokens and renews them
from five minutes before they expire. Neither proofs nor tokens get into errors or logs.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError

from booking_sync.azure.connections import TOTAL_SECONDS, require_token, retry_after, unreadable
from booking_sync.azure.entra.proofs import SecretProof
from booking_sync.errors import TransientError
from booking_sync.plumbing.closed_on_exit import ClosedOnExit
from booking_sync.plumbing.log import log_event

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken

    from booking_sync.azure.entra.proofs import Proof, Registration, TokenClient
    from booking_sync.ports.platform.credentials import SecretSource, SecretText

    Scopes = tuple[str, ...]

_logger = logging.getLogger(__name__)
_REFUSED = "invalid_client"
"""OAuth's error code for a refused proof (RFC 6749, 5.2)."""
_NOT_TRUSTED = re.compile(r"AADSTS70021\d*|AADSTS70025")
"""No federated credential for the assertion; some of Entra's answers call it `invalid_request`."""
_TOO_MANY, _SERVER_ERROR = 429, 500
_EARLY_SECONDS = 300
"""How long before its end a proof is renewed."""


class _ProofRefusedError(Exception):
    """Entra does not take this text."""

    def __init__(self, code: str, text: SecretText) -> None:
        super().__init__(code)
        self.code = code
        self.text = text


@dataclass(frozen=True, slots=True)
class _Opened:
    """A client for one service's tokens, and the text that it was made of."""

    text: SecretText
    client: TokenClient
    renewal: int
    """How many renewals had been asked for when it was made."""


@dataclass(frozen=True, slots=True)
class _Hold:
    """A failure that is raised again, without a request, until the event loop's clock says `until`."""

    until: float
    reason: str
    unreached: bool


class AppRegistrationCredential(ClosedOnExit):
    """`AppCredential` of an app registration.

    Callers share one refresh: the first one fetches, the others wait and get what it got, be it a token or
    the failure. All state belongs to one event loop; only `renew` may be called from any thread.

    Args:
        registration: the app registration.
        source: where the text of its proof comes from; closed by `close`.
        proof: its kind.
        hold_seconds: how long a failure is remembered, and the shortest time between two renewals.
    """

    def __init__(
        self,
        registration: Registration,
        source: SecretSource,
        proof: Proof | None = None,
        *,
        hold_seconds: float = 30.0,
    ) -> None:
        self._registration = registration
        self._source = source
        self._proof = proof or SecretProof()
        self._hold_seconds = hold_seconds
        self._lock = asyncio.Lock()
        self._text: SecretText | None = None
        self._opened: dict[Scopes, _Opened] = {}
        self._holds: dict[Scopes, _Hold] = {}
        self._renewals = 0
        self._no_renewal_before: dict[Scopes, float] = {}

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """A valid token, from the cache where it can be.

        Args:
            scopes: such as `https://graph.microsoft.com/.default`.
            options: azure-core's, such as `claims` and `enable_cae`.

        Raises:
            TransientError: Entra, Key Vault or the managed identity can't be reached, or refuses for now. It
                is repeated for a short while without asking them again.
        """
        async with self._lock:
            self._raise_if_held(scopes)
            try:
                return await self._token(scopes, options)
            except TransientError as error:
                self._hold(scopes, error)
                raise

    def renew(self) -> None:
        """A service refused our token: the next `get_token` of each service asks Entra for a new one.

        Has an effect once per `hold_seconds`: all requests that used the old token are refused at once.
        """
        self._renewals += 1

    async def close(self) -> None:
        """Close the connections."""
        for each in self._opened.values():
            await each.client.close()
        self._opened.clear()
        await self._source.close()

    async def _token(self, scopes: Scopes, options: dict[str, Any]) -> AccessToken:
        opened = self._opened.get(scopes)
        if opened is None:
            return await self._obtain(scopes, options)
        if self._is_renewal_due(scopes, opened):
            try:
                return await self._obtain(scopes, options)
            except TransientError as error:
                # What we have may serve on: go on with it, and say what it is that failed.
                log_event(_logger, "token_renewal_failed", level=logging.WARNING, reason=error.reason)
        try:
            return await self._ask(opened, scopes, options)
        except _ProofRefusedError as refusal:
            return await self._obtain(scopes, options, refusal)

    async def _obtain(
        self, scopes: Scopes, options: dict[str, Any], refused: _ProofRefusedError | None = None
    ) -> AccessToken:
        """A new token: with the text that is known, and with a newer one when Entra refuses that."""
        text = self._text
        if text is None or _is_ending(text):
            text = await self._fetch()
        if refused is None or refused.text != text:
            try:
                return await self._open(text, scopes, options)
            except _ProofRefusedError as refusal:
                refused = refusal
        newer = await self._fetch()
        if newer == refused.text:
            raise self._still_refused(refused)
        try:
            token = await self._open(newer, scopes, options)
        except _ProofRefusedError as refusal:
            raise self._still_refused(refusal) from None
        log_event(_logger, "proof_replaced", proof=self._proof.name)
        return token

    async def _fetch(self) -> SecretText:
        self._text = await self._source.fetch()
        return self._text

    async def _open(self, text: SecretText, scopes: Scopes, options: dict[str, Any]) -> AccessToken:
        """A token of a new client, which takes the place of the former one once it has got it."""
        try:
            client = self._proof.open(self._registration, text)
        except TransientError:
            self._text = None  # nothing can be made of it: read it anew the next time
            raise
        opened = _Opened(text, client, self._renewals)
        try:
            token = await self._ask(opened, scopes, options)
        except BaseException:
            await opened.client.close()
            raise
        before = self._opened.get(scopes)
        self._opened[scopes] = opened
        if before is not None:
            await before.client.close()
        return token

    async def _ask(self, opened: _Opened, scopes: Scopes, options: dict[str, Any]) -> AccessToken:
        try:
            async with asyncio.timeout(TOTAL_SECONDS):
                token = await opened.client.get_token(*scopes, **options)
        except TimeoutError:
            raise TransientError("Entra did not answer in time", unreached=True) from None
        except AzureError as error:
            raise _translate(error, opened.text) from None
        except Exception as error:  # noqa: BLE001 - see `unreadable`
            raise unreadable("Entra", error) from None
        return require_token(token, "Entra")

    def _is_renewal_due(self, scopes: Scopes, opened: _Opened) -> bool:
        if opened.renewal == self._renewals and not _is_ending(opened.text):
            return False
        now = asyncio.get_running_loop().time()
        if now < self._no_renewal_before.get(scopes, 0.0):
            return False
        self._no_renewal_before[scopes] = now + self._hold_seconds
        return True

    def _raise_if_held(self, scopes: tuple[str, ...]) -> None:
        hold = self._holds.get(scopes)
        if hold is None:
            return
        remaining = hold.until - asyncio.get_running_loop().time()
        if remaining > 0:
            raise TransientError(hold.reason, retry_after=remaining, unreached=hold.unreached)
        del self._holds[scopes]

    def _hold(self, scopes: tuple[str, ...], error: TransientError) -> None:
        seconds = self._hold_seconds if error.retry_after is None else error.retry_after
        until = asyncio.get_running_loop().time() + seconds
        self._holds[scopes] = _Hold(until, error.reason, error.unreached)
        log_event(_logger, "no_token", level=logging.WARNING, reason=error.reason, holdSeconds=seconds)

    def _still_refused(self, refusal: _ProofRefusedError) -> TransientError:
        remedy = self._proof.remedy(refusal.code, refusal.text)
        return TransientError(
            f"Entra refuses the {self._proof.name} ({refusal.code}): {remedy}", retry_after=self._hold_seconds
        )


def _is_ending(text: SecretText) -> bool:
    return text.expires_on - time.time() < _EARLY_SECONDS


def _translate(error: AzureError, text: SecretText) -> TransientError | _ProofRefusedError:
    if not isinstance(error, HttpResponseError) or error.status_code is None:
        return TransientError(f"Entra can't be reached ({type(error).__name__})", unreached=True)
    status = error.status_code
    if status == _TOO_MANY or status >= _SERVER_ERROR:
        return TransientError(f"Entra can't answer now (HTTP {status})", retry_after=retry_after(error))
    # azure-identity quotes OAuth's error and Entra's description, which begins with its own code.
    code = re.search(r"AADSTS\d+", error.message)
    said = code[0] if code else f"HTTP {status}"
    refused = f"({_REFUSED})" in error.message or _NOT_TRUSTED.fullmatch(said)
    if isinstance(error, ClientAuthenticationError) and refused:
        return _ProofRefusedError(said, text)
    return TransientError(
        f"Entra gives the app no token ({said}): check ENTRA_TENANT_ID, ENTRA_CLIENT_ID, GRAPH_URL and "
        "DATAVERSE_URL"
    )
