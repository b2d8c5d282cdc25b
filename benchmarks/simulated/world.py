"""Graph and Dataverse in process, in virtual time: the strict stand-ins' own code without sockets.

Everything here is to be made and used on the loop of `local.standin.virtual_time.run_virtually`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
from azure.core.credentials import AccessToken

from benchmarks.simulated.traffic import Link
from booking_sync.dataverse.web_api.reply import Reply
from booking_sync.plumbing.closed_on_exit import ClosedOnExit
from local.dataverse import DataverseStandIn
from local.graph import GraphStandIn
from local.standin import tokens
from local.standin.virtual_time import virtual_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.common.figures import Latency
    from booking_sync.dataverse.web_api.pause import Pause
    from booking_sync.dataverse.web_api.transport import Request

GRAPH_URL = "https://graph.microsoft.com"
DATAVERSE_URL = "https://contoso.crm4.dynamics.com"
START = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
"""What `now` says when the loop's time is 0."""

TOKEN_KEY = b"k" * tokens.KEY_BYTES
"""What both stand-ins check tokens with."""
_TOKEN_SECONDS = 7 * 24 * 3600


class SimulatedWorld:
    """Both services, empty, at the end of ways that take time.

    Args:
        latency: of both.
    """

    def __init__(self, latency: Latency) -> None:
        self.graph = GraphStandIn(TOKEN_KEY, clock=virtual_seconds, now=self.now)
        """The stand-in: tests and fillers may look and reach in."""
        self.dataverse = DataverseStandIn(TOKEN_KEY, clock=virtual_seconds)
        self.graph_link = Link(self.graph, GRAPH_URL)
        self.dataverse_link = Link(self.dataverse, DATAVERSE_URL)
        self.graph_transport = GraphTransport(self.graph_link)
        """For any httpx client, the Graph SDK's included."""
        self.credential = Credential()
        self.set_latency(latency)

    def set_latency(self, latency: Latency) -> None:
        """Make both services as slow as this."""
        self.latency = latency
        self.graph.latency_seconds = self.dataverse.latency_seconds = latency.round_trip
        self.graph.state.config = replace(self.graph.state.config, item_seconds=latency.service)
        self.dataverse.state.configure(service_seconds=latency.service)

    async def exchange(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b""
    ) -> tuple[int, dict[str, str], bytes]:
        """One request to Dataverse; status, headers (names in lower case) and body of its answer."""
        answer = await self.dataverse_link.exchange(method, url, headers, body)
        return answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.body

    def wire(self, pause: Pause) -> DataverseWire:
        """What `DataverseClient` travels on."""
        return DataverseWire(self, pause)

    def now(self) -> datetime:
        """The time of day, aware, UTC."""
        return START + timedelta(seconds=virtual_seconds())

    def clear_traffic(self) -> None:
        """Count requests from now on; what the limits remember is forgotten too."""
        self.graph_link.traffic.clear()
        self.dataverse_link.traffic.clear()
        self.graph.limits.clear()
        self.dataverse.state.throttle.clear()


class GraphTransport(httpx.AsyncBaseTransport):
    """Graph for httpx; closing it closes nothing."""

    def __init__(self, link: Link) -> None:
        self.link = link

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Carry the request there and the answer back."""
        answer = await self.link.exchange(
            request.method, request.url.raw_path.decode("ascii"), request.headers, await request.aread()
        )
        return httpx.Response(answer.status, headers=dict(answer.headers), content=answer.body)


class DataverseWire:
    """Dataverse for `DataverseClient`; as its own transport it keeps the pause."""

    def __init__(self, world: SimulatedWorld, pause: Pause) -> None:
        self._world = world
        self._pause = pause

    async def exchange(self, request: Request, token: str) -> Reply:
        """Send, and wait for the answer, whatever its status.

        Raises:
            TransientError: the pause lasts.
        """
        self._pause.check()
        headers = {**request.headers, "Authorization": f"Bearer {token}"}
        reply = Reply(*await self._world.exchange(request.method, request.url, headers, request.body or b""))
        self._pause.heed(reply)
        return reply

    async def aclose(self) -> None:
        """Nothing is open."""


class Credential(ClosedOnExit):
    """An app registration whose tokens are always good; fulfils `AppCredential`."""

    def __init__(self) -> None:
        self._tokens: dict[str, AccessToken] = {}

    def token(self, audience: str) -> str:
        """A token for `GRAPH_URL` or `DATAVERSE_URL`; made once, as a cache would have it."""
        if audience not in self._tokens:
            expires = int(datetime.now(UTC).timestamp()) + _TOKEN_SECONDS
            self._tokens[audience] = AccessToken(tokens.issue(TOKEN_KEY, audience, _TOKEN_SECONDS), expires)
        return self._tokens[audience].token

    async def get_token(self, *scopes: str, **_options: Any) -> AccessToken:
        """The token for a scope `<audience>/.default`."""
        audience = scopes[0].removesuffix("/.default")
        self.token(audience)
        return self._tokens[audience]

    def renew(self) -> None:
        """Nothing ever expires."""
