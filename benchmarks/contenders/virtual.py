"""The contenders in the simulated world: how each is handed its changes, and works them off.

booking_sync and the plain worker sit behind the simulated Functions host, with their own `host.json`; the
flow is started by its trigger. What a change leads to is there at once, be it message or trigger: the ways
before that (webhook, connector) are in nobody's figure.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from enum import StrEnum
from random import Random
from typing import TYPE_CHECKING, Protocol

import httpx

from benchmarks.contenders.flow import CONCURRENCY, UNLIMITED, Connections, Flow, Message, Trigger
from benchmarks.contenders.plain import PlainWorker, open_graph
from benchmarks.contenders.plain_app.variant import FOLDER
from benchmarks.contenders.seams import BOOKINGS
from benchmarks.simulated.load import Kind
from benchmarks.simulated.product import open_product
from benchmarks.simulated.queue import QueueTrigger, SimulatedQueue
from benchmarks.simulated.world import DATAVERSE_URL, GRAPH_URL
from local.functions_host.configuration import read_host_settings
from local.processes import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    from benchmarks.contenders.seams import Answered
    from benchmarks.simulated.load import Change
    from benchmarks.simulated.product import Product
    from benchmarks.simulated.world import SimulatedWorld

SEED = 7
_END = b""
"""A message that keeps the host running until it becomes visible."""


class Name(StrEnum):
    """Who is measured."""

    FLOW = "flow, 25 at once"
    FLOW_UNLIMITED = "flow, no concurrency control"
    PLAIN = "plain, 24 at once"
    BOOKING_SYNC = "booking_sync"


class Contender(Protocol):
    """One of them, ready to work."""

    @property
    def lost(self) -> int:
        """Changes that were given up: failed runs, messages on the poison queue."""

    def take(self, changes: Sequence[Change]) -> None:
        """Be told of changes that are in Dataverse now; takes no time."""

    async def work(self, until: float = 0.0) -> None:
        """Work until nothing is left, and at least until this loop time."""


@asynccontextmanager
async def open_contender(name: Name, world: SimulatedWorld) -> AsyncIterator[Contender]:
    """A contender in this world while the context lasts."""
    if name is Name.BOOKING_SYNC:
        async with open_product(world) as product:
            yield _product(world, product)
        return
    async with httpx.AsyncClient(transport=world.graph_transport) as http:
        if name is Name.PLAIN:
            yield _plain(world, http)
        else:
            yield _FlowContender(world, http, CONCURRENCY if name is Name.FLOW else UNLIMITED)


class _FlowContender:
    """Runs begin with their changes, and wait for a place by themselves."""

    def __init__(self, world: SimulatedWorld, http: httpx.AsyncClient, concurrency: int) -> None:
        self._world = world
        http.headers["Authorization"] = f"Bearer {world.credential.token(GRAPH_URL)}"
        to = Connections(http, GRAPH_URL, _Dataverse(world), DATAVERSE_URL)
        self._flow = Flow(to, Random(SEED), concurrency)  # noqa: S311 - the same every time
        self._runs: set[asyncio.Task[bool]] = set()

    @property
    def lost(self) -> int:
        return self._flow.tally.lost

    def take(self, changes: Sequence[Change]) -> None:
        for change in changes:
            run = asyncio.create_task(self._flow.run(self._trigger(change)))
            self._runs.add(run)
            run.add_done_callback(self._runs.discard)

    async def work(self, until: float = 0.0) -> None:
        await asyncio.sleep(max(0.0, until - asyncio.get_running_loop().time()))
        while self._runs:
            await asyncio.wait(self._runs)

    def _trigger(self, change: Change) -> Trigger:
        if change.kind is Kind.DELETE:
            named = {"bsync_outlookeventid": change.event_id, "bsync_originalresource": change.mailbox}
            return Trigger(Message.DELETED, named)
        message = Message.CREATED if change.kind is Kind.CREATE else Message.UPDATED
        return Trigger(message, dict(self._world.dataverse.state.rows(BOOKINGS)[change.booking_id]))


class _QueuedContender:
    """A function behind the simulated host."""

    def __init__(
        self,
        queue: SimulatedQueue,
        app_folder: Path,
        message: Callable[[Change], bytes],
        handle: Callable[[bytes, int], Awaitable[None]],
    ) -> None:
        self._queue = queue
        self._message = message
        self._handle = handle
        self._trigger = QueueTrigger(queue, read_host_settings(app_folder).queues, self._invoke)

    @property
    def lost(self) -> int:
        return len(self._queue.poison)

    def take(self, changes: Sequence[Change]) -> None:
        self._queue.fill(self._message(change) for change in changes)

    async def work(self, until: float = 0.0) -> None:
        if until:
            await self._queue.put(_END, until - asyncio.get_running_loop().time())
        await self._trigger.drain()

    async def _invoke(self, body: bytes, dequeue_count: int) -> None:
        if body != _END:
            await self._handle(body, dequeue_count)


def _product(world: SimulatedWorld, product: Product) -> Contender:
    queue = SimulatedQueue(world.latency.round_trip)
    worker = product.worker(queue)

    async def handle(body: bytes, dequeue_count: int) -> None:
        await worker.handle(body.decode(), dequeue_count)

    return _QueuedContender(queue, REPOSITORY, product.message, handle)


def _plain(world: SimulatedWorld, http: httpx.AsyncClient) -> Contender:
    queue = SimulatedQueue(world.latency.round_trip)
    worker = PlainWorker(open_graph(GRAPH_URL, world.credential, http), _Dataverse(world), DATAVERSE_URL)

    async def handle(body: bytes, _dequeue_count: int) -> None:
        await worker.handle(body.decode())

    return _QueuedContender(queue, FOLDER, _plain_message, handle)


def _plain_message(change: Change) -> bytes:
    """What the plain worker reads of booking_sync's messages."""
    message: dict[str, object] = {"bookingId": change.booking_id}
    if change.event_id:
        message["event"] = {"mailbox": change.mailbox, "id": change.event_id}
    return json.dumps(message).encode()


class _Dataverse:
    """`Exchange`, with the app's token."""

    def __init__(self, world: SimulatedWorld) -> None:
        self._world = world
        self._token = f"Bearer {world.credential.token(DATAVERSE_URL)}"

    async def __call__(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> Answered:
        """One request."""
        return await self._world.exchange(method, url, {**headers, "Authorization": self._token}, body or b"")
