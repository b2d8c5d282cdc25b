"""The stand-in's HTTP side: tokens, JSON, direct calls and `$batch`."""

from __future__ import annotations

import json
import time
import uuid
from typing import TYPE_CHECKING, Any

from local.graph.api.batch import BatchRunner, read_batch
from local.graph.api.limits import Limits
from local.graph.api.service import CalendarService
from local.graph.control import GraphControl
from local.graph.mailbox.store import GraphState, time_of_day
from local.graph.messages import (
    MISSING,
    GraphAnswer,
    GraphError,
    GraphRequest,
    bad_request,
    build_request,
    json_body,
)
from local.graph.subscriptions.control import SubscriptionControl
from local.graph.subscriptions.delivery import TENANT_ID, Notifier
from local.graph.subscriptions.posting import open_poster
from local.graph.subscriptions.service import SubscriptionService
from local.graph.subscriptions.store import SubscriptionStore
from local.standin import BATCH_ITEMS, StandIn
from local.standin.http import HttpAnswer, HttpRequest, read_request, write_answer
from local.standin.tokens import check

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from datetime import datetime

    from aiohttp import web

    from local.graph.config import GraphConfig

GRAPH_AUDIENCE = "https://graph.microsoft.com"
PREFIX = "/v1.0"


class GraphStandIn(StandIn):
    """Graph's calendar API on localhost.

    Tests in the same process may read and change `state` and `limits` directly.

    Args:
        token_key: the local stack's shared key for tokens.
        audience: what tokens must be for.
        config: limits and what else can be set.
        clock: seconds, for the limits.
        now: the time of day, for what events say of their making.
        authority: PEM file of the authority that notified addresses' certificates come from; None for the
            system's.
        tenant_id: whose notifications go out.
    """

    def __init__(
        self,
        token_key: bytes,
        audience: str = GRAPH_AUDIENCE,
        config: GraphConfig | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = time_of_day,
        *,
        authority: str | None = None,
        tenant_id: str = TENANT_ID,
    ) -> None:
        super().__init__("graph")
        self._token_key = token_key
        self._audience = audience
        self.state = GraphState(config, now)
        self.limits = Limits(clock)
        self.subscriptions = SubscriptionStore(self.state, now)
        self.notifier = Notifier(self.state, self.subscriptions, clock, tenant_id)
        self._authority = authority
        asked = SubscriptionService(self.state, self.subscriptions, self.notifier)
        self.service = CalendarService(self.state, self.limits, asked)
        self._batches = BatchRunner(self.service, self.faults)
        GraphControl(self.state, self.limits).add_routes(self.app)
        SubscriptionControl(self.subscriptions, self.notifier).add_routes(self.app)
        self.app.cleanup_ctx.append(self._notifications)
        self.app.router.add_route("*", PREFIX + "/{tail:.*}", self._serve)
        self.app.on_response_prepare.append(_identify)

    async def _notifications(self, _app: web.Application) -> AsyncIterator[None]:
        """Notifications go out while it is served."""
        async with open_poster(self._authority) as self.notifier.poster:
            yield
            await self.notifier.stop()

    async def answer(self, request: HttpRequest) -> HttpAnswer:
        """Serve one request below `/v1.0`; refusals are answers too."""
        try:
            self._authenticate(request)
            graph_request = _read_request(request)
            if graph_request.path == "/$batch":
                answer = await self._answer_batch(request, graph_request)
            else:
                answer = await self.service.answer(graph_request)
        except GraphError as error:
            answer = error.answer()
        return _write(answer)

    async def _serve(self, request: web.Request) -> web.Response:
        return write_answer(await self.answer(await read_request(request, request[BATCH_ITEMS])))

    async def _answer_batch(self, request: HttpRequest, graph_request: GraphRequest) -> GraphAnswer:
        if graph_request.method != "POST":
            raise GraphError(405, "MethodNotAllowed", "$batch takes POST only.")
        if graph_request.query:
            raise bad_request("$batch takes no query options.")
        items = read_batch(json_body(graph_request))
        return GraphAnswer(200, await self._batches.run(items, graph_request.base_url, request.items))

    def _authenticate(self, request: HttpRequest) -> None:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not token:
            raise _unauthorized("Access token is empty.")
        if reason := check(self._token_key, token, self._audience):
            raise _unauthorized(f"Access token validation failure: {reason}.")


def _read_request(request: HttpRequest) -> GraphRequest:
    body = _parse(request.body) if request.body else MISSING
    return build_request(
        request.method, request.target.removeprefix(PREFIX), dict(request.headers), body, request.origin
    )


def _parse(raw: bytes) -> Any:
    try:
        return json.loads(raw, parse_constant=_refuse_constant)
    except ValueError:
        raise bad_request("Unable to read JSON request payload.") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _write(answer: GraphAnswer) -> HttpAnswer:
    if answer.body is None:
        return HttpAnswer(answer.status, answer.headers)
    headers = {"Content-Type": "application/json; charset=utf-8", **answer.headers}
    return HttpAnswer(answer.status, headers, json.dumps(answer.body).encode())


async def _identify(request: web.Request, response: web.StreamResponse) -> None:
    """Give each response an id, and echo the client's."""
    response.headers["request-id"] = str(uuid.uuid4())
    if "client-request-id" in request.headers:
        response.headers["client-request-id"] = request.headers["client-request-id"]


def _unauthorized(message: str) -> GraphError:
    return GraphError(401, "InvalidAuthenticationToken", message, headers={"WWW-Authenticate": "Bearer"})
