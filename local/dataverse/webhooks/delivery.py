"""The delivery of webhooks, with Dataverse's guarantees (few).

Documented: a step runs after the commit, its POST has 60 s, only the status counts, 502/503/504 get one more
attempt, anything else is lost for good; the order is not guaranteed.
"""

from __future__ import annotations

import asyncio
import secrets
import ssl
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import aiohttp

if TYPE_CHECKING:
    from local.dataverse.config import Config
    from local.dataverse.webhooks.context import Occasion

RETRIED_STATUSES = (502, 503, 504)


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


class WebhookSender:
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
