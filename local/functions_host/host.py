"""Puts the triggers of an app together: start in order, stop without cutting functions off."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from local.functions_host.admin import AdminApi
from local.functions_host.configuration import ConfigurationError, find_connection, read_host_settings
from local.functions_host.functions import Function, QueueTrigger, TimerTrigger, load_functions
from local.functions_host.http_trigger import MAX_BODY_BYTES, HttpTriggers
from local.functions_host.invocation import Invoker, logger
from local.functions_host.queue_trigger import HIDDEN_SECONDS, QueueListener
from local.functions_host.timer_trigger import TimerListener

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
    from pathlib import Path

    from local.functions_host.keys import Keys

DRAIN_SECONDS = 5.0
HTTP_CONCURRENCY = 1
"""What Flex Consumption gives a Python app that sets nothing, at every instance size."""


@dataclass(frozen=True)
class HostOptions:
    """What the command line says."""

    folder: Path
    keys: Keys
    port: int = 0
    tls: ssl.SSLContext | None = None
    hidden_seconds: int = HIDDEN_SECONDS
    """How long a queue message in work is hidden."""
    drain_seconds: float = DRAIN_SECONDS
    """How long running functions may finish when the host stops."""
    http_concurrency: int = HTTP_CONCURRENCY
    """HTTP requests in work at a time; further ones wait."""


@contextlib.asynccontextmanager
async def running_host(options: HostOptions, settings: Mapping[str, str]) -> AsyncIterator[str]:
    """Run the app in `options.folder` while the context lasts; yields the base URL.

    Args:
        options: where and how.
        settings: the app settings, which functions find in the environment.

    Raises:
        ConfigurationError: the app, its host.json or its settings can't be used.
    """
    host = read_host_settings(options.folder)
    functions = load_functions(options.folder, settings)
    invoker = Invoker(options.folder)
    timers = list(_timers(functions, invoker))
    queues = [
        QueueListener(
            function,
            queue=function.trigger.queue,
            connection=find_connection(function.trigger.connection, settings),
            options=host.queues,
            invoker=invoker,
            hidden_seconds=options.hidden_seconds,
        )
        for function in functions
        if isinstance(function.trigger, QueueTrigger)
    ]
    app = web.Application(client_max_size=MAX_BODY_BYTES)
    AdminApi(timers, options.keys).add_routes(app.router)
    http = HttpTriggers(functions, host.route_prefix, options.keys, invoker, options.http_concurrency)
    app.router.add_route("*", "/{path:.*}", http.handle)
    runner = web.AppRunner(app, handle_signals=False, access_log=None, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", options.port, ssl_context=options.tls)
    try:
        await site.start()
        for queue in queues:
            await queue.start()
        for timer in timers:
            await timer.start()
        yield f"{'https' if options.tls else 'http'}://localhost:{runner.addresses[0][1]}"
    finally:
        await site.stop()
        for timer in timers:
            await timer.stop()
        for queue in queues:
            await queue.stop_polling()
        if left := await invoker.drain(options.drain_seconds):
            logger.warning("%d functions did not finish in time", left)
        for queue in queues:
            await queue.close(seconds=1)
        await runner.cleanup()  # after the functions, so that their answers still go out


def _timers(functions: Sequence[Function], invoker: Invoker) -> Iterator[TimerListener]:
    """The timers whose schedules the host takes; it runs on without the others, and says so once, here."""
    for function in functions:
        if isinstance(function.trigger, TimerTrigger):
            try:
                yield TimerListener(function, function.trigger, invoker)
            except ConfigurationError as error:
                logger.error("The function %s is not loaded: %s", function.name, error)
