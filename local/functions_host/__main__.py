"""Runs the host: `python -m local.functions_host --app DIR --settings FILE.json [--port N] [--cert --key]`.

App settings are the environment and, for what isn't there, the file's `Values` (the order of the Core Tools).
The keys come by the environment: `LOCAL_FUNCTION_KEY` and `LOCAL_MASTER_KEY`; a missing one opens nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import logging
import os
import signal
import socket
import sys
from pathlib import Path

from local.functions_host.configuration import ConfigurationError, read_app_settings
from local.functions_host.host import DRAIN_SECONDS, HTTP_CONCURRENCY, HostOptions, running_host
from local.functions_host.keys import Keys
from local.functions_host.queue_trigger import HIDDEN_SECONDS
from local.standin import server_tls

FUNCTION_KEY_VARIABLE = "LOCAL_FUNCTION_KEY"
MASTER_KEY_VARIABLE = "LOCAL_MASTER_KEY"


def read_options() -> HostOptions:
    """Options from the command line; app settings from the file go to the environment."""
    parser = argparse.ArgumentParser(description="A small Azure Functions host")
    parser.add_argument("--app", type=Path, required=True, help="folder of function_app.py and host.json")
    parser.add_argument("--settings", type=Path, help="app settings, as in local.settings.json")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--cert", help="PEM certificate; without it plain HTTP is served")
    parser.add_argument("--key", help="PEM key of the certificate")
    parser.add_argument(
        "--hidden-seconds",
        type=int,
        default=HIDDEN_SECONDS,
        help="how long a queue message in work is hidden, so how soon it comes back after a crash",
    )
    parser.add_argument(
        "--debug-port", type=int, help="port on 127.0.0.1 where a debugger (debugpy) may attach to the app"
    )
    parser.add_argument(
        "--http-concurrency",
        type=int,
        default=HTTP_CONCURRENCY,
        metavar="REQUESTS",
        help="HTTP requests in work at a time, as perInstanceConcurrency of Flex Consumption",
    )
    parser.add_argument("--drain-seconds", type=float, default=DRAIN_SECONDS)
    arguments = parser.parse_args()
    if arguments.debug_port is not None:
        listen_for_debugger(arguments.debug_port)
    if arguments.settings:
        for name, value in read_app_settings(arguments.settings).items():
            os.environ.setdefault(name, value)
    return HostOptions(
        folder=arguments.app.resolve(),
        keys=Keys(os.environ.get(FUNCTION_KEY_VARIABLE, ""), os.environ.get(MASTER_KEY_VARIABLE, "")),
        port=arguments.port,
        tls=server_tls(arguments.cert, arguments.key) if arguments.cert else None,
        hidden_seconds=arguments.hidden_seconds,
        drain_seconds=arguments.drain_seconds,
        http_concurrency=arguments.http_concurrency,
    )


def listen_for_debugger(port: int) -> None:
    """Let a debugger attach at any time from now on, before the app is imported.

    Raises:
        ConfigurationError: debugpy is not installed, or the port is taken.
    """
    # Its check of Python's frozen modules warns about files that no breakpoint is set in.
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    try:
        socket.create_server(("127.0.0.1", port)).close()  # debugpy would wait for ever for one that is taken
        debugpy = importlib.import_module("debugpy")
        # In this process: its usual helper process would be one more to end with the stack.
        debugpy.listen(("127.0.0.1", port), in_process_debug_adapter=True)
    except ImportError as error:
        raise ConfigurationError("debugging needs debugpy, which requirements-dev.txt installs") from error
    except OSError as error:
        raise ConfigurationError(f"no debugger can attach at port {port}: {error}") from error


async def serve(options: HostOptions) -> None:
    """Run the app until SIGTERM or SIGINT; prints `{"ready": "<base url>"}` when everything listens."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    async with running_host(options, os.environ) as url:
        sys.stdout.write(json.dumps({"ready": url}) + "\n")
        sys.stdout.flush()
        await stop.wait()


def main() -> None:
    """Read the command line and run; a configuration that can't be used ends it with one line."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        asyncio.run(serve(read_options()))
    except ConfigurationError as error:
        sys.exit(f"error: {error}")
    # A `def` function that never ends would hold its thread, and with it the process.
    logging.shutdown()
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
