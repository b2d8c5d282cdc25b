"""The shell every stand-in shares: TLS on 127.0.0.1, request log, scripted faults, a control plane.

A stand-in hands its routes to `StandIn`; this module does the rest. The control plane lives under
`/_control/`, which no real service has, so product code can't come to depend on it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import ssl
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any

from aiohttp import web

from local.standin.faults import Fault, FaultScript

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

CONTROL_PREFIX = "/_control/"
BATCH_ITEMS = web.RequestKey("batch_items", list[dict[str, Any]])
"""Where a handler that executes batch items notes each one."""
MAX_BODY_BYTES = 64 * 1024 * 1024
LAST_ANSWER_SECONDS = 0.02
"""Between the order to go away and the going, so that who gave it gets an answer."""


@dataclass(frozen=True)
class RecordedRequest:
    """What a stand-in saw of one HTTP request (for a batch also of each item, see `items`)."""

    method: str
    path: str
    status: int
    headers: dict[str, str]
    body_bytes: int
    answer_bytes: int
    """Of the answer's body; 0 when there was none."""
    started: float
    """Seconds on the stand-in's monotonic clock."""
    seconds: float
    items: tuple[dict[str, Any], ...] = ()
    """A batch's items: method, path and status of each."""


class StandIn:
    """One stand-in: its application, its request log and its fault script.

    Subclasses or callers add their routes to `app`. A handler that executes batch items appends
    `{"method", "path", "status"}` of each to `request[BATCH_ITEMS]` and asks `faults` itself for each.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.faults = FaultScript()
        self.requests: list[RecordedRequest] = []
        self.latency_seconds = 0.0
        """Round trip added to every request: half of it before, half after the work."""
        self.listener: Listener | None = None
        """Set while it is served."""
        self.app = web.Application(
            middlewares=[self._record, self._misbehave], client_max_size=MAX_BODY_BYTES
        )
        self.app.router.add_get(CONTROL_PREFIX + "requests", self._get_requests)
        self.app.router.add_delete(CONTROL_PREFIX + "requests", self._clear_requests)
        self.app.router.add_get(CONTROL_PREFIX + "counts", self._get_counts)
        self.app.router.add_get(CONTROL_PREFIX + "faults", self._get_faults)
        self.app.router.add_post(CONTROL_PREFIX + "faults", self._post_fault)
        self.app.router.add_delete(CONTROL_PREFIX + "faults", self._clear_faults)
        self.app.router.add_put(CONTROL_PREFIX + "latency", self._put_latency)
        self.app.router.add_put(CONTROL_PREFIX + "outage", self._put_outage)

    @web.middleware
    async def _record(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith(CONTROL_PREFIX):
            return await handler(request)
        started = time.monotonic()
        items: list[dict[str, Any]] = []
        request[BATCH_ITEMS] = items
        body = await request.read()
        status = answer_bytes = 0  # the connection was dropped
        try:
            response = await handler(request)
            status = response.status
            answer_bytes = _body_bytes(response)
        except web.HTTPException as error:
            status = error.status
            raise
        finally:
            self.requests.append(
                RecordedRequest(
                    method=request.method,
                    path=request.path_qs,
                    status=status,
                    headers={key.lower(): value for key, value in request.headers.items()},
                    body_bytes=len(body),
                    answer_bytes=answer_bytes,
                    started=started,
                    seconds=time.monotonic() - started,
                    items=tuple(items),
                )
            )
        return response

    @web.middleware
    async def _misbehave(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith(CONTROL_PREFIX):
            return await handler(request)
        async with self.way():
            fault = self.faults.take(request.method, request.path_qs)
            if fault is None:
                return await handler(request)
            if fault.when == "after":
                await handler(request)
            return await self.strike(request, fault)

    @contextlib.asynccontextmanager
    async def way(self) -> AsyncIterator[None]:
        """The way there and back, around the work; a failure travels as long as an answer."""
        if self.latency_seconds:
            await asyncio.sleep(self.latency_seconds / 2)
        try:
            yield
        finally:
            if self.latency_seconds:
                await asyncio.sleep(self.latency_seconds / 2)

    async def strike(self, request: web.Request, fault: Fault) -> web.StreamResponse:
        """Answer as the fault says: late, with its status, or by hanging up."""
        if fault.delay_seconds:
            await asyncio.sleep(fault.delay_seconds)
        if fault.drop:
            if request.transport is not None:
                request.transport.close()
            raise ConnectionResetError("dropped by the fault script")
        text = "" if fault.body is None else json.dumps(fault.body)
        return web.Response(
            status=fault.status, headers=fault.headers, text=text, content_type="application/json"
        )

    async def _get_requests(self, request: web.Request) -> web.Response:
        since = int(request.query.get("since", "0"))
        return web.json_response([asdict(entry) for entry in self.requests[since:]])

    async def _clear_requests(self, _request: web.Request) -> web.Response:
        self.requests.clear()
        return web.json_response({})

    async def _get_counts(self, _request: web.Request) -> web.Response:
        statuses = Counter(entry.status for entry in self.requests)
        items = Counter(item["status"] for entry in self.requests for item in entry.items)
        return web.json_response(
            {
                "requests": len(self.requests),
                "statuses": {str(status): count for status, count in sorted(statuses.items())},
                "items": sum(items.values()),
                "itemStatuses": {str(status): count for status, count in sorted(items.items())},
            }
        )

    async def _get_faults(self, _request: web.Request) -> web.Response:
        return web.json_response(self.faults.describe())

    async def _post_fault(self, request: web.Request) -> web.Response:
        self.faults.add(Fault(**await request.json()))
        return web.json_response({})

    async def _clear_faults(self, _request: web.Request) -> web.Response:
        self.faults.clear()
        return web.json_response({})

    async def _put_latency(self, request: web.Request) -> web.Response:
        self.latency_seconds = float((await request.json())["seconds"])
        return web.json_response({})

    async def _put_outage(self, request: web.Request) -> web.Response:
        """Be gone for a while, this control plane included; what is stored stays."""
        if self.listener is None:
            raise web.HTTPConflict(text="not served by `serving`")
        self.listener.leave(float((await request.json())["seconds"]))
        return web.json_response({})


class Listener:
    """Where a stand-in is reached: it can go away, as a crashed server does, and come back at the same port.

    Requests under way are carried out to their end, but nobody gets their answers.
    """

    def __init__(self, runner: web.AppRunner, port: int, tls: ssl.SSLContext | None) -> None:
        self._runner = runner
        self._port = port
        self._tls = tls
        self._site: web.TCPSite | None = None
        self._away: asyncio.Task[None] | None = None

    async def open(self) -> int:
        """Listen; returns the port."""
        self._site = web.TCPSite(self._runner, "127.0.0.1", self._port, ssl_context=self._tls)
        await self._site.start()
        self._port = self._runner.addresses[0][1]
        return self._port

    def leave(self, seconds: float) -> None:
        """Refuse connections for so long, from a moment from now on, and break those that there are."""
        self._away = asyncio.get_running_loop().create_task(self._stay_away(seconds))

    async def close(self) -> None:
        """Stop listening for good."""
        if self._away is not None:
            self._away.cancel()
            await asyncio.wait({self._away})
        await self._runner.cleanup()

    async def _stay_away(self, seconds: float) -> None:
        await asyncio.sleep(LAST_ANSWER_SECONDS)
        if self._site is not None:
            await self._site.stop()
        for connection in self._runner.server.connections if self._runner.server else ():
            if connection.transport is not None:
                connection.transport.abort()
        await asyncio.sleep(seconds)
        await self.open()


def _body_bytes(response: web.StreamResponse) -> int:
    body = response.body if isinstance(response, web.Response) else None
    return len(body) if isinstance(body, bytes | bytearray) else 0


@contextlib.asynccontextmanager
async def serving(standin: StandIn, tls: ssl.SSLContext | None, port: int = 0) -> AsyncIterator[str]:
    """Serve on 127.0.0.1 while the context lasts; yields the base URL without a trailing slash.

    Args:
        standin: what to serve.
        tls: the server's certificate; None serves plain HTTP (the managed-identity endpoint does).
        port: 0 takes a free one.
    """
    runner = web.AppRunner(standin.app, handle_signals=False, access_log=None, shutdown_timeout=1)
    await runner.setup()
    standin.listener = Listener(runner, port, tls)
    try:
        bound = await standin.listener.open()
        yield f"{'https' if tls else 'http'}://localhost:{bound}"
    finally:
        await standin.listener.close()


def server_tls(certificate: str, key: str) -> ssl.SSLContext:
    """A server-side TLS context from PEM files."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context


def standin_arguments(description: str) -> argparse.ArgumentParser:
    """The command line each stand-in has; add your own options to it."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--cert", help="PEM certificate; without it plain HTTP is served")
    parser.add_argument("--key", help="PEM key of the certificate")
    return parser


def run_standin(standin: StandIn, arguments: argparse.Namespace) -> None:
    """Serve until SIGTERM or SIGINT; prints one line `{"ready": "<base url>"}` when listening."""
    tls = server_tls(arguments.cert, arguments.key) if arguments.cert else None

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, stop.set)
        async with serving(standin, tls, arguments.port) as url:
            sys.stdout.write(json.dumps({"ready": url}) + "\n")
            sys.stdout.flush()
            await stop.wait()

    asyncio.run(main())
