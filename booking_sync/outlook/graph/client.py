"""The Graph SDK, set up to send our batches: with our credential, URL and time limits, without own retries.

The SDK's builders make the requests (`service`), its request adapter authenticates and sends them
(`post_batch`). The SDK's own batch classes are not used: in msgraph-core 1.5 they lose the items' answers.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import httpx
from kiota_abstractions.method import Method
from kiota_abstractions.native_response_handler import NativeResponseHandler
from kiota_abstractions.request_information import RequestInformation
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from kiota_http.middleware.options import (
    RedirectHandlerOption,
    ResponseHandlerOption,
    RetryHandlerOption,
)
from msgraph.graph_request_adapter import GraphRequestAdapter
from msgraph.graph_request_adapter import options as sdk_options
from msgraph.graph_service_client import GraphServiceClient
from msgraph_core import GraphClientFactory

from booking_sync.outlook.graph.bounded import BoundedTransport
from booking_sync.outlook.graph.connections import SpreadTransport, new_pool
from booking_sync.plumbing.telemetry import untraced

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from kiota_abstractions.request_option import RequestOption

    from booking_sync.ports.platform.credentials import AppCredential

READ_SECONDS = 60.0
"""Graph works a batch of 20 off in five waves; a minute without a byte means the answer is lost."""
CONNECT_SECONDS = 10.0


class GraphClient:
    """The one Graph client of the process; nothing is opened before it is first used.

    Args:
        graph_url: `https://graph.microsoft.com`, a national cloud, or a local stack's `https://localhost:port`.
        credential: tokens for it; stays the caller's to close.
        transport: what requests travel on; None for connections of our own.
    """

    def __init__(
        self, graph_url: str, credential: AppCredential, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._root = graph_url.rstrip("/")
        self._credential = credential
        self._transport = transport

    @property
    def base_url(self) -> str:
        """What relative URLs are relative to."""
        return f"{self._root}/v1.0"

    @cached_property
    def service(self) -> GraphServiceClient:
        """The SDK's request builders."""
        return GraphServiceClient(request_adapter=self._adapter)

    async def post_batch(self, content: bytes, request_id: str) -> httpx.Response:
        """POST a batch's JSON and hand back the answer, whatever its status.

        Args:
            content: the batch as UTF-8 JSON.
            request_id: a GUID that Microsoft's support can find the call by.

        Raises:
            Exception: whatever the credential, the SDK or the transport raises; `batch` translates it.
        """
        request = RequestInformation(Method.POST)
        request.url = f"{self.base_url}/$batch"  # a template would be expanded character by character
        request.headers.add("Accept", "application/json")
        request.headers.add("client-request-id", request_id)
        request.set_stream_content(content, "application/json")
        # The SDK's own error handling drops the body of a failed answer, which says why.
        request.add_request_options([ResponseHandlerOption(NativeResponseHandler())])
        with untraced():
            response: Any = await self._adapter.send_primitive_async(request, "bytes", None)
        return cast("httpx.Response", response)

    async def aclose(self) -> None:
        """Close the connections, if any were opened."""
        if "_http" in self.__dict__:
            await self._http.aclose()
            await self._connections.aclose()  # the SDK wraps them in a transport that forgets to close them

    @cached_property
    def _connections(self) -> httpx.AsyncBaseTransport:
        if self._transport:
            return BoundedTransport(self._transport)
        trust = httpx.create_ssl_context()
        return SpreadTransport(lambda: BoundedTransport(new_pool(trust)))

    @cached_property
    def _http(self) -> httpx.AsyncClient:
        plain = httpx.AsyncClient(
            transport=self._connections, timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
        )
        made = GraphClientFactory.create_with_default_middleware(client=plain, options=_middleware_options())
        return cast("httpx.AsyncClient", made)

    @cached_property
    def _adapter(self) -> GraphRequestAdapter:
        adapter = _OneCallAdapter(self._authentication(), client=self._http)
        adapter.base_url = self.base_url
        return adapter

    def _authentication(self) -> AzureIdentityAuthenticationProvider:
        # Kiota hands a token to these hosts only (names without port), and over plain HTTP to localhost only.
        return AzureIdentityAuthenticationProvider(
            cast("AsyncTokenCredential", self._credential),
            scopes=[f"{self._root}/.default"],
            allowed_hosts=[urlsplit(self._root).hostname or ""],
            is_cae_enabled=False,
        )


class _OneCallAdapter(GraphRequestAdapter):
    """Sends each request once: a 401 with a claims challenge is `batch`'s to answer, like any other 401."""

    async def retry_cae_response_if_required(
        self, resp: httpx.Response, _request_info: RequestInformation, _claims: str
    ) -> httpx.Response:
        """Leave the answer as it is."""
        return resp


def _middleware_options() -> dict[str, RequestOption]:
    """The SDK's defaults, without retries (ours to schedule) or redirects (302 makes a POST a GET)."""
    return {
        **sdk_options,
        RetryHandlerOption.get_key(): RetryHandlerOption(max_retries=0, should_retry=False),
        RedirectHandlerOption.get_key(): RedirectHandlerOption(should_redirect=False),
    }
