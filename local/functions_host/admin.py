"""The host's admin API: run a timer at once, ask how the host is. Needs the master key, as in Azure."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Iterable

    from local.functions_host.keys import Keys
    from local.functions_host.timer_trigger import TimerListener

PREFIX = "/admin/"


class AdminApi:
    """`POST /admin/functions/{name}` and `GET /admin/host/status`.

    Source: Microsoft's page "Manually run a non HTTP-triggered function".
    """

    def __init__(self, timers: Iterable[TimerListener], keys: Keys) -> None:
        self._timers = {timer.function.name.lower(): timer for timer in timers}
        self._keys = keys
        self._running: set[asyncio.Task[None]] = set()

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Put the API under `/admin/`."""
        router.add_post(PREFIX + "functions/{name}", self._run)
        router.add_get(PREFIX + "host/status", self._status)

    async def _run(self, request: web.Request) -> web.Response:
        """202 at once, as the real host; what the run does shows in its effects and in the log."""
        if not self._keys.allow("admin", request):
            return web.Response(status=401)
        try:
            body = json.loads(await request.text())
        except ValueError:
            body = None
        if not isinstance(body, dict):
            return web.Response(status=400, text='The body must be JSON, such as {"input": ""}.')
        timer = self._timers.get(request.match_info["name"].lower())
        if timer is None:
            return web.Response(status=404, text="This host runs only timer functions on demand.")
        task = asyncio.create_task(timer.run())
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return web.Response(status=202)

    async def _status(self, request: web.Request) -> web.Response:
        if not self._keys.allow("admin", request):
            return web.Response(status=401)
        return web.json_response({"state": "Running", "version": "4.local"})
