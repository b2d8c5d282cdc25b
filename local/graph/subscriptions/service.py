"""Requests about subscriptions: create, list, renew, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from local.graph.messages import GraphAnswer, GraphError, bad_request, json_body

if TYPE_CHECKING:
    from local.graph.mailbox.store import GraphState
    from local.graph.messages import GraphRequest
    from local.graph.subscriptions.delivery import Notifier
    from local.graph.subscriptions.store import SubscriptionStore

IMMUTABLE = 'idtype="immutableid"'


class SubscriptionService:
    """Answers requests below `/subscriptions`.

    Args:
        state: the tenant, with the configuration.
        store: its subscriptions.
        notifier: asks their addresses.
    """

    def __init__(self, state: GraphState, store: SubscriptionStore, notifier: Notifier) -> None:
        self._state = state
        self._store = store
        self._notifier = notifier

    async def answer(self, request: GraphRequest) -> GraphAnswer:
        """Serve one request.

        Raises:
            GraphError: refused.
        """
        match (request.method, request.segments[1:]):
            case ("POST", ()):
                return await self._create(request)
            case ("GET", ()):
                return self._list(request)
            case ("GET", (identifier,)):
                _no_options(request)
                return GraphAnswer(200, self._store.get(identifier).describe())
            case ("PATCH", (identifier,)):
                return await self._renew(request, identifier)
            case ("DELETE", (identifier,)):
                _no_options(request)
                self._store.remove(identifier)
                return GraphAnswer(204)
        raise GraphError(405, "MethodNotAllowed", f"{request.method} is not allowed here.")

    async def _create(self, request: GraphRequest) -> GraphAnswer:
        _no_options(request)
        prefer = request.header("Prefer").replace(" ", "").lower()
        made = self._store.read_new(json_body(request), immutable_ids=IMMUTABLE in prefer)
        for url in (made.notification_url, made.lifecycle_url):
            if url:
                await self._notifier.validate(url)
        self._store.keep(made)
        # Of a creation the answer does show it (Microsoft Graph: "Create subscription").
        return GraphAnswer(201, {**made.describe(), "clientState": made.client_state or None})

    def _list(self, request: GraphRequest) -> GraphAnswer:
        if request.query.keys() - {"$skiptoken"}:
            raise bad_request("Subscriptions take no query options.", "InvalidRequest")
        token = request.query.get("$skiptoken", "0")
        if not token.isdecimal():
            raise bad_request("The skip token is invalid.", "InvalidRequest")
        start, size = int(token), self._state.config.subscription_page
        shown = self._store.active()
        body: dict[str, Any] = {"value": [each.describe() for each in shown[start : start + size]]}
        if start + size < len(shown):
            query = urlencode({"$skiptoken": str(start + size)}, safe="$")
            body["@odata.nextLink"] = f"{request.base_url}/v1.0/subscriptions?{query}"
        return GraphAnswer(200, body)

    async def _renew(self, request: GraphRequest, identifier: str) -> GraphAnswer:
        _no_options(request)
        changed = self._store.read_changed(identifier, json_body(request))
        moved = changed.notification_url != self._store.get(identifier).notification_url
        if moved or self._state.config.renewal_asks_again:
            await self._notifier.validate(changed.notification_url)
        self._store.keep(changed)
        return GraphAnswer(200, changed.describe())


def _no_options(request: GraphRequest) -> None:
    if request.query:
        raise bad_request("Subscriptions take no query options.", "InvalidRequest")
