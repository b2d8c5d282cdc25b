"""Posts notifications to the addresses of subscriptions, and asks these whether they want them.

Documented: an address must answer its validation token within 10 seconds; any answer but 2xx is tried again
for up to four hours, at growing intervals; one body may hold notifications of several subscriptions. Seen
in public threads: one change is notified one to three times, our own writes as well; a creation as created
and updated.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol
from urllib.parse import quote

from local.graph.messages import bad_request
from local.graph.subscriptions.health import SLOW_DELAY_SECONDS, AddressHealth

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from local.graph.config import NotifiedVersion
    from local.graph.mailbox.events import Mailbox, StoredEvent
    from local.graph.mailbox.store import GraphState
    from local.graph.subscriptions.store import Subscription, SubscriptionStore

ANSWER_SECONDS = 10.0
GIVEN_UP_AFTER_SECONDS = 4 * 3600.0
MOST_PER_BODY = 100
TENANT_ID = "00000000-0000-4000-8000-000000000001"


@dataclass(frozen=True)
class Heard:
    """What an address answered."""

    status: int
    content_type: str = ""
    text: str = ""


class Poster(Protocol):
    """What posts; raises `TimeoutError` or `OSError` when there is no answer."""

    async def __call__(self, url: str, body: bytes, seconds: float) -> Heard:
        """Post a body, and wait so long for the answer."""


class Notifier:
    """Tells the addresses of subscriptions what happened, as late, often and unreliably as configured.

    Args:
        state: the tenant, with the configuration.
        store: its subscriptions.
        clock: seconds that never go back.
        tenant_id: whose notifications these are.
    """

    def __init__(
        self,
        state: GraphState,
        store: SubscriptionStore,
        clock: Callable[[], float] = time.monotonic,
        tenant_id: str = TENANT_ID,
    ) -> None:
        self._state = state
        self._store = store
        self._clock = clock
        self._tenant_id = tenant_id
        self.poster: Poster | None = None
        """Set while the stand-in is served; without one nothing is posted."""
        self.silence_code: Literal["ValidationError", "InvalidRequest"] = "ValidationError"
        """Code of the 400 for an address that did not answer as it must: public threads saw either."""
        self._health: dict[str, AddressHealth] = {}
        self._waiting: list[tuple[str, dict[str, Any]]] = []
        """Addresses, and items for them."""
        self._running: set[asyncio.Task[None]] = set()
        self._taken = 0
        self.delivered = self.retried = self.lost = 0
        state.observers.append(self.changed)

    @property
    def pending(self) -> int:
        """Items that wait, and bodies under way."""
        return len(self._waiting) + len(self._running)

    def describe(self) -> dict[str, Any]:
        """The account, JSON-ready."""
        return {
            "delivered": self.delivered,
            "retried": self.retried,
            "lost": self.lost,
            "pending": self.pending,
            "addresses": {url: health.state() for url, health in self._health.items()},
        }

    def clear(self) -> None:
        """Forget what waits, and the accounts."""
        self._waiting.clear()
        self._health.clear()
        self._taken = self.delivered = self.retried = self.lost = 0
        for task in self._running:
            task.cancel()

    def forget_health(self) -> None:
        """Take no address for a slow one, as once it has answered in time for a while."""
        self._health.clear()

    async def stop(self) -> None:
        """Drop what is under way."""
        running = list(self._running)
        self.clear()
        await asyncio.gather(*running, return_exceptions=True)
        self.poster = None

    async def idle(self) -> None:
        """Wait until nothing is pending (for ever while paused)."""
        while self.pending:
            self.pump()
            await asyncio.wait(self._running or {asyncio.ensure_future(asyncio.sleep(0.005))}, timeout=1.0)

    async def validate(self, url: str) -> None:
        """Ask an address whether it wants notifications.

        Raises:
            GraphError: 400, it did not answer as it must.
        """
        token = f"Validation: Testing client application reachability. Request-Id: {secrets.token_hex(8)}"
        target = f"{url}{'&' if '?' in url else '?'}validationToken={quote(token, safe='')}"
        heard = await self._post(target, b"", ANSWER_SECONDS)
        if heard is None:
            raise bad_request("Subscription validation request timed out.", self.silence_code)
        kind = heard.content_type.partition(";")[0].strip().lower()
        if heard.status != 200 or kind != "text/plain" or heard.text != token:
            raise bad_request(
                "Subscription validation request failed. Notification endpoint must respond with 200 OK to "
                f"validation request: it answered {heard.status}, {kind}.",
                self.silence_code,
            )

    def changed(self, mailbox: Mailbox, event: StoredEvent, change: str) -> None:
        """An event was created, updated or deleted, by whomever."""
        told = ("created", "updated") if change == "created" else (change,)
        for subscription in self._store.of_mailbox(mailbox.id):
            for each in told:
                if each in subscription.changes:
                    for _ in range(self._state.config.notification_copies):
                        self._add(
                            subscription.notification_url,
                            {
                                **change_item(
                                    subscription, mailbox, event, each, self._state.config.notified_version
                                ),
                                "tenantId": self._tenant_id,
                            },
                        )
        self.pump()

    def tell_lifecycle(self, subscription: Subscription, event: str) -> None:
        """Something became of a subscription itself."""
        if subscription.lifecycle_url:
            item = {**lifecycle_item(subscription, event), "tenantId": self._tenant_id}
            self._add(subscription.lifecycle_url, item)
            self.pump()

    def pump(self) -> None:
        """Send what waits, unless paused."""
        if self._state.config.notifications_paused or not self._waiting or self.poster is None:
            return
        waiting, self._waiting = self._waiting, []
        if self._state.config.notifications_shuffled:
            secrets.SystemRandom().shuffle(waiting)
        addresses = dict.fromkeys(url for url, _ in waiting)
        for address in addresses:
            items = [item for url, item in waiting if url == address]
            for start in range(0, len(items), MOST_PER_BODY):
                task = asyncio.create_task(self._deliver(address, items[start : start + MOST_PER_BODY]))
                self._running.add(task)
                task.add_done_callback(self._running.discard)

    def _add(self, url: str, item: dict[str, Any]) -> None:
        self._taken += 1
        every = self._state.config.notification_lose_every
        if every and self._taken % every == 0:
            self.lost += 1
            return
        self._waiting.append((url, item))

    async def _deliver(self, url: str, items: Sequence[dict[str, Any]]) -> None:
        health = self._health.setdefault(url, AddressHealth(self._clock))
        match health.state():
            case "drop":
                self.lost += len(items)
                return
            case "slow":
                await asyncio.sleep(SLOW_DELAY_SECONDS)
            case _:
                await asyncio.sleep(self._state.config.notification_delay_seconds)
        body = json.dumps({"value": list(items)}).encode()
        pause, began = self._state.config.notification_retry_seconds, self._clock()
        while not await self._try(url, body, health):
            if self._clock() + pause > began + GIVEN_UP_AFTER_SECONDS:
                self.lost += len(items)
                return
            self.retried += 1
            await asyncio.sleep(pause)
            pause *= 2
        self.delivered += len(items)

    async def _try(self, url: str, body: bytes, health: AddressHealth) -> bool:
        heard = await self._post(url, body, ANSWER_SECONDS)
        health.answered(late=heard is None)
        return heard is not None and 200 <= heard.status < 300

    async def _post(self, url: str, body: bytes, seconds: float) -> Heard | None:
        if self.poster is None:
            return None
        try:
            return await self.poster(url, body, seconds)
        except (TimeoutError, OSError):
            return None


_ETAGS: dict[NotifiedVersion, Callable[[StoredEvent], dict[str, str]]] = {
    "same": lambda event: {"@odata.etag": f'W/"{event.change_key}"'},
    "other": lambda event: {"@odata.etag": f'W/"{event.change_key[::-1]}"'},
    "none": lambda _event: {},
}


def change_item(
    subscription: Subscription,
    mailbox: Mailbox,
    event: StoredEvent,
    change: str,
    version: NotifiedVersion = "same",
) -> dict[str, Any]:
    """A notification that an event changed, as the reference shows it."""
    identifier = event.public_id(immutable=subscription.immutable_ids)
    path = f"Users/{mailbox.id}/Events/{identifier}"
    return {
        **_common(subscription),
        "changeType": change,
        "resource": path,
        "resourceData": {
            "@odata.type": "#Microsoft.Graph.Event",
            "@odata.id": path,
            **_ETAGS[version](event),
            "id": identifier,
        },
    }


def lifecycle_item(subscription: Subscription, event: str) -> dict[str, Any]:
    """A notification about the subscription itself: it carries no resource."""
    return {**_common(subscription), "lifecycleEvent": event}


def _common(subscription: Subscription) -> dict[str, Any]:
    return {
        "subscriptionId": subscription.id,
        "subscriptionExpirationDateTime": subscription.expires.isoformat(),
        "clientState": subscription.client_state,
    }
