"""Registered webhooks: which change goes where, and its delivery with Dataverse's guarantees (few).

Documented: a step runs after the commit, its POST has 60 s, only the status counts, 502/503/504 get one more
attempt, anything else is lost for good; the order is not guaranteed.
"""

from __future__ import annotations

import asyncio
import secrets
import ssl
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import aiohttp
from yarl import URL

from local.dataverse.context import Image, Occasion, build_context, encode_context
from local.dataverse.errors import bad_request

if TYPE_CHECKING:
    from collections.abc import Iterable

    from local.dataverse.api import Call, Identity
    from local.dataverse.columns import Table
    from local.dataverse.config import Config
    from local.dataverse.schema import Schema
    from local.dataverse.store import Change

RETRIED_STATUSES = (502, 503, 504)
MESSAGES = ("Create", "Update", "Delete")
ORGANIZATION_HOST = "bookings.crm4.dynamics.com"


@dataclass(frozen=True)
class Step:
    """When a webhook fires."""

    message: str
    table: str
    """Logical name; empty for every table."""
    filtering: frozenset[str]
    """Of Update only: fire when the request names one of these columns; empty for any."""
    images: tuple[Image, ...]
    step_id: str
    name: str = ""
    keeps_jobs: bool = False
    """Whether the system job of a delivery that succeeded stays."""

    def fires_for(self, change: Change) -> bool:
        """Whether this change is the step's."""
        if change.message != self.message or self.table not in ("", change.table.logical_name):
            return False
        return self.message != "Update" or not self.filtering or bool(self.filtering & change.requested)


@dataclass(frozen=True)
class Webhook:
    """An endpoint with its steps."""

    url: str
    auth_place: Literal["header", "query"]
    auth: tuple[tuple[str, str], ...]
    """Names and values that the endpoint knows us by."""
    steps: tuple[Step, ...]
    trouble: str = ""
    """Why nothing can be sent: the registration makes no sense."""


@dataclass(frozen=True)
class Failure:
    """A delivery that was lost: what the system job of the real thing would tell."""

    message: str
    table: str
    row_id: str
    statuses: list[int]
    reason: str


@dataclass(frozen=True)
class Delivery:
    """One POST to make."""

    url: str
    headers: dict[str, str]
    body: bytes
    message: str
    table: str
    row_id: str
    occasion: Occasion
    keeps_jobs: bool = False
    trouble: str = ""
    """Why it can't be sent."""


Settled = Callable[["Delivery", Sequence[int], str], None]
"""Told of each delivery's end: what the endpoint answered, and why it is lost; empty when it arrived."""


def read_webhooks(schema: Schema, body: Any) -> list[Webhook]:
    """Webhooks from the control plane's JSON, one object or a list of them.

    Raises:
        DataverseError: a part is missing or names what the schema does not have.
    """
    entries = body if isinstance(body, list) else [body]
    try:
        return [_webhook(schema, entry) for entry in entries]
    except (KeyError, TypeError, AttributeError, StopIteration) as error:
        raise bad_request(f"The webhook registration is incomplete or malformed: {error!r}") from None


def _webhook(schema: Schema, entry: dict[str, Any]) -> Webhook:
    auth = dict(entry["auth"])
    value = str(auth.pop("value"))
    place, name = next(iter(auth.items()))
    if place not in ("header", "query"):
        raise bad_request(
            "A webhook's auth is {'header': name, 'value': key} or {'query': name, 'value': key}."
        )
    steps = tuple(_step(schema, step) for step in entry["steps"])
    return Webhook(str(entry["url"]), place, ((str(name), value),), steps)


def _step(schema: Schema, entry: dict[str, Any]) -> Step:
    message, table = entry["message"], schema.table(entry["table"])
    if message not in MESSAGES:
        raise bad_request(f"There is no message '{message}' to register a step for.")
    filtering = _attributes(table, entry.get("filteringattributes"))
    if filtering and message != "Update":
        raise bad_request("Filtering attributes are for Update only.")
    images = tuple(_image(table, message, image) for image in entry.get("images", ()))
    return Step(message, table.logical_name, filtering, images, str(uuid.uuid4()))


def _image(table: Table, message: str, entry: dict[str, Any]) -> Image:
    post = {0: False, 1: True}[entry["type"]]
    if (message == "Create" and not post) or (message == "Delete" and post):
        raise bad_request(f"There is no {'post' if post else 'pre'}-image on {message}.")
    return Image(entry["alias"], post, _attributes(table, entry.get("attributes")))


def _attributes(table: Table, text: str | None) -> frozenset[str]:
    names = frozenset(name.strip() for name in (text or "").split(",") if name.strip())
    unknown = sorted(names - set(table.by_name))
    if unknown:
        raise bad_request(f"'{table.logical_name}' has no attributes {unknown} (logical names, lower case).")
    return names


class Courier:
    """Sends deliveries, some at a time, and keeps account of them.

    Args:
        config: the knobs; call `pump` after changing them.
        authority: PEM file of the authority that endpoints' certificates come from; None for the system's.
        settled: told of each delivery's end.
    """

    def __init__(self, config: Config, authority: str | None, settled: Settled | None = None) -> None:
        self._config = config
        self._settled = settled
        self._authority = authority
        self._session: aiohttp.ClientSession | None = None
        self._waiting: list[Delivery] = []
        self._running: set[asyncio.Task[None]] = set()
        self._timers: set[asyncio.TimerHandle] = set()
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._taken = 0
        self.delivered = 0
        self.retried = 0
        self.failures: list[Failure] = []

    @property
    def pending(self) -> int:
        """Deliveries that wait, are delayed or are under way."""
        return len(self._waiting) + len(self._running) + len(self._timers)

    async def start(self) -> None:
        """Open the one shared session."""
        tls = ssl.create_default_context(cafile=self._authority)
        connector = aiohttp.TCPConnector(ssl=tls, limit=0)
        self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        self.pump()

    async def stop(self) -> None:
        """Drop what has not been sent and close the session."""
        self._drop_waiting()
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def idle(self) -> None:
        """Wait until nothing is pending (for ever, while paused with something waiting)."""
        await self._quiet.wait()

    def clear(self) -> None:
        """Forget accounts and what waits; deliveries under way end as they end."""
        self._drop_waiting()
        self._taken = self.delivered = self.retried = 0
        self.failures.clear()

    def describe(self) -> dict[str, Any]:
        """The account as JSON-ready values."""
        return {
            "delivered": self.delivered,
            "retried": self.retried,
            "lost": len(self.failures),
            "pending": self.pending,
            "failures": [asdict(failure) for failure in self.failures],
        }

    def send(self, delivery: Delivery) -> None:
        """Queue a delivery, as often and as late as the knobs say."""
        for _copy in range(2 if self._config.webhooks_twice else 1):
            if self._config.webhooks_delay_seconds:
                self._later(delivery)
            else:
                self._waiting.append(delivery)
        self._mark()
        self.pump()

    def pump(self) -> None:
        """Start as many waiting deliveries as may run."""
        if self._session is None or self._config.webhooks_paused:
            return
        while self._waiting and len(self._running) < self._config.webhooks_parallel:
            at = secrets.randbelow(len(self._waiting)) if self._config.webhooks_shuffled else 0
            task = asyncio.create_task(self._deliver(self._session, self._waiting.pop(at)))
            self._running.add(task)
            task.add_done_callback(self._done)

    def _later(self, delivery: Delivery) -> None:
        def due() -> None:
            self._timers.discard(timer)
            self._waiting.append(delivery)
            self.pump()
            self._mark()

        loop = asyncio.get_running_loop()
        timer = loop.call_later(self._config.webhooks_delay_seconds, due)
        self._timers.add(timer)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self.pump()
        self._mark()

    def _mark(self) -> None:
        if self.pending:
            self._quiet.clear()
        else:
            self._quiet.set()

    def _drop_waiting(self) -> None:
        self._waiting.clear()
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self._mark()

    async def _deliver(self, session: aiohttp.ClientSession, delivery: Delivery) -> None:
        self._taken += 1
        if delivery.trouble:
            self._lose(delivery, [], delivery.trouble)
            return
        every = self._config.webhooks_lose_every
        if every and self._taken % every == 0:
            self._lose(delivery, [], "lost as configured")
            return
        statuses: list[int] = []
        reason = ""
        for attempt in (1, 2):
            try:
                statuses.append(await self._post(session, delivery))
            except (TimeoutError, aiohttp.ClientError, ValueError) as error:
                reason = type(error).__name__
                break
            if 200 <= statuses[-1] < 300:
                self.delivered += 1
                self._end(delivery, statuses, "")
                return
            reason = f"status {statuses[-1]}"
            if statuses[-1] not in RETRIED_STATUSES or attempt == 2:
                break
            self.retried += 1
            await asyncio.sleep(self._config.webhooks_retry_pause_seconds)
        self._lose(delivery, statuses, reason)

    async def _post(self, session: aiohttp.ClientSession, delivery: Delivery) -> int:
        timeout = aiohttp.ClientTimeout(total=self._config.webhooks_timeout_seconds)
        async with session.post(
            delivery.url,
            data=delivery.body,
            headers=delivery.headers,
            timeout=timeout,
            allow_redirects=False,
        ) as response:
            return response.status

    def _lose(self, delivery: Delivery, statuses: list[int], reason: str) -> None:
        self.failures.append(Failure(delivery.message, delivery.table, delivery.row_id, statuses, reason))
        self._end(delivery, statuses, reason)

    def _end(self, delivery: Delivery, statuses: list[int], reason: str) -> None:
        if self._settled is not None:
            self._settled(delivery, statuses, reason)


class Dispatcher:
    """Turns committed changes into deliveries.

    `webhooks` is the whole registration: whatever else registers steps only needs to fill it.
    """

    def __init__(self, config: Config, identity: Identity, courier: Courier) -> None:
        self._config = config
        self._identity = identity
        self._courier = courier
        self.webhooks: list[Webhook] = []

    def changed(self, changes: Sequence[Change], call: Call) -> None:
        """Raise the webhooks of one operation's changes."""
        for change in changes:
            for webhook, step in self._matching(change):
                self._courier.send(self._delivery(change, webhook, step, call))

    def _matching(self, change: Change) -> Iterable[tuple[Webhook, Step]]:
        for webhook in self.webhooks:
            for step in webhook.steps:
                if step.fires_for(change):
                    yield webhook, step

    def _delivery(self, change: Change, webhook: Webhook, step: Step, call: Call) -> Delivery:
        table = change.table.logical_name
        occasion = Occasion(
            step_id=step.step_id,
            step_name=step.name or f"{step.message} of {table}",
            images=step.images,
            correlation_id=call.correlation_id,
            request_id=call.request_id,
            operation_id=str(uuid.uuid4()),
            tag=call.tag,
            created=datetime.now(UTC),
        )
        context = build_context(change, occasion, self._identity)
        body, dropped = encode_context(context, self._config.webhooks_max_bytes)
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "x-ms-dynamics-organization": ORGANIZATION_HOST,
            "x-ms-dynamics-entity-name": table,
            "x-ms-dynamics-request-name": change.message,
            "x-ms-correlation-request-id": call.correlation_id,
        }
        if dropped:
            headers["x-ms-dynamics-msg-size-exceeded"] = "True"
        url = webhook.url
        if webhook.auth_place == "header":
            headers |= dict(webhook.auth)
        else:
            url = str(URL(url).update_query(dict(webhook.auth)))
        return Delivery(
            url,
            headers,
            body,
            change.message,
            table,
            change.row_id,
            occasion,
            keeps_jobs=step.keeps_jobs,
            trouble=webhook.trouble,
        )
