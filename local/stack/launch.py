"""Starts the function app under whichever host there is: ours, or the Core Tools."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.processes import ManagedProcess, python_module
from local.stack import core_tools

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from local.functions_host.keys import Keys
    from local.stack.certificates import Certificates

FUNC_START_SECONDS = 120.0
"""`func` may have to fetch its extension bundle first."""


@dataclass(frozen=True)
class AppLaunch:
    """What is to run: the app's folder, its settings, its keys, and how our own host shall behave."""

    folder: Path
    settings: Mapping[str, str]
    keys: Keys
    certificates: Certificates | None = None
    """Serve TLS with these; `func` ignores it."""
    port: int = 0
    """0 takes a free one."""
    hidden_seconds: int = 600
    """How soon a message comes back after a crash; `func` ignores it."""
    http_concurrency: int = 1
    """HTTP requests in work at a time: what Flex Consumption gives a Python app that sets none. `func` has no
    such limit."""
    log_file: Path | None = None
    debug_port: int | None = None
    """Where a debugger may attach; None: nowhere."""


def host_process(launch: AppLaunch, kind: core_tools.HostKind) -> ManagedProcess:
    """The host as a process not yet started; its `url` is the base URL (without `/api`)."""
    return _func(launch) if kind == "func" else _own(launch)


def _own(launch: AppLaunch) -> ManagedProcess:
    options = ["--app", str(launch.folder), "--port", str(launch.port)]
    options += ["--hidden-seconds", str(launch.hidden_seconds)]
    if launch.debug_port is not None:
        options += ["--debug-port", str(launch.debug_port)]
    options += ["--http-concurrency", str(launch.http_concurrency)]
    if launch.certificates is not None:
        files = launch.certificates
        options += ["--cert", str(files.certificate), "--key", str(files.key)]
    environment = {
        **os.environ,
        **launch.settings,
        "LOCAL_FUNCTION_KEY": launch.keys.function,
        "LOCAL_MASTER_KEY": launch.keys.master,
    }
    return ManagedProcess(
        "the Functions host",
        python_module("local.functions_host", *options),
        environment=environment,
        log_file=launch.log_file,
    )


def _func(launch: AppLaunch) -> ManagedProcess:
    port = launch.port or core_tools.free_port()
    return ManagedProcess(
        "func start",
        core_tools.func_command(port),
        environment=core_tools.func_environment(os.environ, launch.settings, launch.debug_port),
        ready=lambda line: core_tools.func_ready(port, line),
        start_timeout_seconds=FUNC_START_SECONDS,
        log_file=launch.log_file,
        folder=launch.folder,
    )
