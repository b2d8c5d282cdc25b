"""Limits and identity of the Azure SDK's clients, in one place, so that no call takes minutes or gigabytes.

By default the SDK tries ten times with pauses up to two minutes, and sleeps as long as a Retry-After says.
Here a broken connection is tried once more, and an answer is taken as it is: waiting is left to the queue, on
which the message is put back with a delay. The SDK also reads an answer as a whole and unpacks it in one
piece. Here packed answers are not asked for, and what comes in is counted.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import aiohttp
from azure.core.pipeline.transport import AioHttpTransport

from booking_sync.errors import TransientError

if TYPE_CHECKING:
    from aiohttp.connector import Connection
    from azure.core.async_paging import AsyncItemPaged
    from azure.core.credentials import AccessToken
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.core.exceptions import HttpResponseError

    from booking_sync.azure.entra.identity import RenewableIdentity

Item = TypeVar("Item")

NO_CODE = "no code"
"""Said of a refusal without a readable error code: then it need not be the service that speaks."""
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,80}")

CONNECT_SECONDS = 5
READ_SECONDS = 5
TOTAL_SECONDS = 10.0
"""Limit of one call, with its retry and with the token that it may need first."""
MAX_ANSWER_BYTES = 8 * 1024 * 1024
"""Twice the largest answers that are asked for: 32 messages, or a list of 5,000 blobs."""
MAX_PAGES = 40
"""Of a list; 200,000 blobs or 1,000 versions of a secret."""


def client_options() -> dict[str, Any]:
    """Keyword arguments that the SDK's clients and credentials have in common, for one of them."""
    return {
        "transport": _BoundedTransport(),
        "connection_timeout": CONNECT_SECONDS,
        "read_timeout": READ_SECONDS,
        "retry_total": 2,
        "retry_connect": 1,
        "retry_read": 1,
        "retry_status": 0,
    }


def platform_credential(client_id: str = "", *, managed_only: bool = False) -> RenewableIdentity:
    """The identity that the app runs as: its managed identity, or a developer's `az login` or `azd` session.

    A service principal in the environment is not used: `AZURE_CLIENT_ID` names the managed identity here, and
    a secret beside it would silently change the identity.

    Args:
        client_id: of a user-assigned identity; empty takes the one that `AZURE_CLIENT_ID` names, if any.
        managed_only: no developer's session.
    """
    # Imported here: the webhook path must stay light, and with a connection string it needs neither.
    from booking_sync.azure.entra.identity import RenewableIdentity  # noqa: PLC0415

    def open_credential() -> AsyncTokenCredential:
        from azure.identity.aio import DefaultAzureCredential  # noqa: PLC0415 - as above

        named = {"managed_identity_client_id": client_id} if client_id else {}
        return DefaultAzureCredential(
            exclude_environment_credential=True,
            exclude_workload_identity_credential=True,
            exclude_shared_token_cache_credential=True,
            exclude_visual_studio_code_credential=True,
            exclude_powershell_credential=True,
            exclude_cli_credential=managed_only,
            exclude_developer_cli_credential=managed_only,
            **named,
            **client_options(),
        )

    return RenewableIdentity(open_credential)


def identity_options(identity: RenewableIdentity) -> dict[str, Any]:
    """`client_options` for a client that signs in as this identity, which learns of refused tokens."""
    return {**client_options(), "raw_response_hook": identity.heed}


def unreadable(service: str, error: Exception, *, maybe_applied: bool = False) -> TransientError:
    """What it means that the SDK, which promises `AzureError`, raises anything else.

    It reads answers with little care: nesting, dates, types and encodings that nobody expects come out as
    whatever they cause.

    Args:
        service: whose answer it was.
        error: whose text stays out, since it may quote the answer.
        maybe_applied: the request may have changed something.
    """
    return TransientError(
        f"{service}'s answer can't be read ({type(error).__name__})", maybe_applied=maybe_applied
    )


async def bounded_list(listing: AsyncItemPaged[Item]) -> list[Item]:
    """All entries of a list that comes in pages.

    Raises:
        TransientError: it does not end, as when a page names itself as the next one.
    """
    entries: list[Item] = []
    count = 0
    async for page in listing.by_page():
        count += 1
        if count > MAX_PAGES:
            raise TransientError(f"a list does not end after {MAX_PAGES} pages")
        entries += [each async for each in page]
    return entries


def readable_code(*told: object) -> str:
    """The first of these that can be a service's error code, and so be shown; `NO_CODE` when none can."""
    return next((each for each in told if isinstance(each, str) and _CODE.fullmatch(each)), NO_CODE)


def require_token(token: AccessToken, service: str) -> AccessToken:
    """The token, when an answer held one.

    Raises:
        TransientError: it held none, or something else in its place.
    """
    text: object = token.token  # as the answer has it, whatever the SDK's annotation says
    if not isinstance(text, str) or not text:
        raise TransientError(f"{service}'s answer has no token in it")
    return token


def retry_after(error: HttpResponseError) -> float | None:
    """The seconds that an answer asks us to wait; None when it does not say so."""
    from booking_sync.plumbing.http.retry_after import read_retry_after  # noqa: PLC0415 - no webhook waits for it

    return read_retry_after(header(error, "Retry-After"), datetime.now(UTC))


def header(error: HttpResponseError, name: str) -> str:
    """A header of the answer that the error speaks of; empty when there is none."""
    response: Any = error.response  # azure-core's type for it leaves out the headers
    return "" if response is None else str(response.headers.get(name, ""))


class _BoundedTransport(AioHttpTransport):  # type: ignore[misc]  # azure-core loads it so late that it has no type
    """What one client of the SDK sends with; closed with the client."""

    def __init__(self) -> None:
        super().__init__()
        self._opened = False

    async def open(self) -> None:
        """Make the session at the first request."""
        if not self._opened:
            self._opened = True
            # As the SDK makes its own.
            self.session = aiohttp.ClientSession(
                trust_env=True,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                response_class=_BoundedResponse,
            )
        await super().open()

    async def send(self, request: Any, **options: Any) -> Any:
        """Send, as the SDK does."""
        request.headers["Accept-Encoding"] = "identity"
        return await super().send(request, **options)


class _BoundedResponse(aiohttp.ClientResponse):
    """An answer that ends with an error when it is packed, or larger than anybody meant it to be."""

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        """Read the head."""
        await super().start(connection)
        if self.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
            raise aiohttp.ClientPayloadError("an answer in an encoding that was not asked for")
        self.content = _BoundedContent(self.content)  # type: ignore[assignment]  # all that the client calls of a content
        return self


class _BoundedContent:
    """A stream that counts what is read from it."""

    def __init__(self, inner: aiohttp.StreamReader) -> None:
        self._inner = inner
        self._left = MAX_ANSWER_BYTES

    async def read(self, n: int = -1) -> bytes:
        """So many bytes, or all; raises ClientPayloadError beyond the bound."""
        if n >= 0:
            return self._counted(await self._inner.read(n))
        pieces: list[bytes] = []
        while piece := self._counted(await self._inner.readany()):
            pieces.append(piece)
        return b"".join(pieces)

    def _counted(self, piece: bytes) -> bytes:
        self._left -= len(piece)
        if self._left < 0:
            raise aiohttp.ClientPayloadError("an answer that is too large")
        return piece

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)
