"""The control plane of subscriptions.

Below `/_control/`:

- `GET subscriptions`: all that are active, with client states and kinds of ids - `POST
subscriptions/lifecycle`: `{mailbox, event}`: `missed`, `reauthorizationRequired`, or `subscriptionRemoved`,
  which does remove them
- `POST subscriptions/refuse`: `{mailbox, refuses}`: whether the mailbox takes no subscriptions
- `GET notifications`: what was delivered, tried again and lost, and how addresses are treated
- `POST notifications/pump`: sends what was kept while they were paused
- `POST notifications/forgive`: forgets how slowly addresses answered, as after some minutes
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from local.standin import CONTROL_PREFIX

if TYPE_CHECKING:
    from local.graph.subscriptions.delivery import Notifier
    from local.graph.subscriptions.store import SubscriptionStore

LIFECYCLES = ("missed", "reauthorizationRequired", "subscriptionRemoved")


class SubscriptionControl:
    """Handlers of the control plane.

    Args:
        store: the subscriptions.
        notifier: tells their addresses.
    """

    def __init__(self, store: SubscriptionStore, notifier: Notifier) -> None:
        self._store = store
        self._notifier = notifier

    def add_routes(self, app: web.Application) -> None:
        """Add the control plane to an application."""
        for method, path, handler in (
            ("GET", "subscriptions", self.get_subscriptions),
            ("POST", "subscriptions/lifecycle", self.post_lifecycle),
            ("POST", "subscriptions/refuse", self.post_refusal),
            ("GET", "notifications", self.get_notifications),
            ("POST", "notifications/pump", self.post_pump),
            ("POST", "notifications/forgive", self.post_forgive),
        ):
            app.router.add_route(method, CONTROL_PREFIX + path, handler)

    async def get_subscriptions(self, _request: web.Request) -> web.Response:
        """Show all."""
        return web.json_response(
            [
                {**each.describe(), "clientState": each.client_state, "immutableIds": each.immutable_ids}
                for each in self._store.active()
            ]
        )

    async def post_lifecycle(self, request: web.Request) -> web.Response:
        """Something becomes of a mailbox's subscriptions."""
        order = await request.json()
        if order["event"] not in LIFECYCLES:
            raise web.HTTPBadRequest(text=f"One of {', '.join(LIFECYCLES)}.")
        subscriptions = self._store.of_mailbox(order["mailbox"])
        for each in subscriptions:
            if order["event"] == "subscriptionRemoved":
                self._store.remove(each.id)
            self._notifier.tell_lifecycle(each, order["event"])
        return web.json_response({"told": len(subscriptions)})

    async def post_refusal(self, request: web.Request) -> web.Response:
        """Have a mailbox refuse subscriptions, or not any more."""
        order = await request.json()
        change = self._store.refusing.add if order["refuses"] else self._store.refusing.discard
        change(order["mailbox"].lower())
        return web.json_response({})

    async def get_notifications(self, _request: web.Request) -> web.Response:
        """Show the account."""
        return web.json_response(self._notifier.describe())

    async def post_forgive(self, _request: web.Request) -> web.Response:
        """Take no address for a slow one."""
        self._notifier.forget_health()
        return web.json_response(self._notifier.describe())

    async def post_pump(self, _request: web.Request) -> web.Response:
        """Send what waits."""
        self._notifier.pump()
        return web.json_response(self._notifier.describe())
