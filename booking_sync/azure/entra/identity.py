"""The identity that the app runs as, whose token is fetched anew when a service refuses it.

azure-identity keeps a managed identity's token for up to a day, and hands it out however often it is refused.
Here a refused one is not handed out again: Key Vault, Storage and Entra each tell of a refusal, and the next
token is asked of the managed identity itself.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, TypeVar

from booking_sync.plumbing.closed_on_exit import ClosedOnExit
from booking_sync.plumbing.log import log_event

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.core.pipeline import PipelineResponse

_logger = logging.getLogger(__name__)
_UNAUTHORIZED = 401
PAUSE_SECONDS = 30.0

Token = TypeVar("Token", "AccessToken", "AccessTokenInfo")


class RenewableIdentity(ClosedOnExit):
    """azure-core's `AsyncTokenCredential`, on one of azure-identity's that is opened anew for a new token.

    Callers share one request. All state belongs to one event loop.

    Args:
        open_credential: makes azure-identity's credential, with an empty cache.
        pause_seconds: the shortest time between two renewals: a service that refuses every token must not
            become a storm of requests.
    """

    def __init__(
        self, open_credential: Callable[[], AsyncTokenCredential], *, pause_seconds: float = PAUSE_SECONDS
    ) -> None:
        self._open = open_credential
        self._pause_seconds = pause_seconds
        self._credential = open_credential()
        self._given = ""
        """The token that was handed out last."""
        self._is_refused = False
        self._no_renewal_before = 0.0
        self._lock = asyncio.Lock()

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """A token; raises what azure-identity raises."""
        return await self._ask(lambda credential: credential.get_token(*scopes, **options))

    async def get_token_info(
        self, *scopes: str, options: TokenRequestOptions | None = None
    ) -> AccessTokenInfo:
        """The same, as newer clients of the SDK ask for it."""

        def ask(credential: Any) -> Awaitable[AccessTokenInfo]:
            token: Awaitable[AccessTokenInfo] = credential.get_token_info(*scopes, options=options)
            return token

        return await self._ask(ask)

    def refused(self, token: str) -> None:
        """A service refused this token; of no effect unless it is the one that was handed out last."""
        if token and token == self._given:
            self._is_refused = True

    def heed(self, response: PipelineResponse[Any, Any]) -> None:
        """Look whether an answer refuses our token; a `raw_response_hook` of the SDK's clients."""
        if response.http_response.status_code == _UNAUTHORIZED:
            header = response.http_request.headers.get("Authorization", "")
            self.refused(header.partition(" ")[2])

    async def close(self) -> None:
        """Close the connections."""
        await self._credential.close()

    async def _ask(self, ask: Callable[[AsyncTokenCredential], Awaitable[Token]]) -> Token:
        async with self._lock:
            await self._renew_if_refused()
            token = await ask(self._credential)
            if token.token != self._given:
                self._given, self._is_refused = token.token, False
            return token

    async def _renew_if_refused(self) -> None:
        now = asyncio.get_running_loop().time()
        if not self._is_refused or now < self._no_renewal_before:
            return
        self._no_renewal_before = now + self._pause_seconds
        before, self._credential = self._credential, self._open()
        await before.close()
        log_event(_logger, "identity_token_renewed")
