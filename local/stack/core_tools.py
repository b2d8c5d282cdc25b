"""The real host: the Azure Functions Core Tools (`func`), used by the local stack where they are installed.

What differs under `func start`: keys are not checked (every call is let in), HTTP is plain (its TLS wants a
PFX file), a message in work is always hidden for 10 minutes, and the storage account needs blobs too, where
the host keeps its locks and timers' state.
"""

from __future__ import annotations

import shutil
import socket
import sys
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

HostKind = Literal["own", "func"]
WORKER_ARGUMENTS = "languageWorkers__python__arguments"
"""What the Core Tools put between Python and the worker's own arguments."""
FORCE_VARIABLE = "LOCAL_STACK_HOST"
READY_MARK = "For detailed output, run func with --verbose flag"
"""Printed below the list of functions, so after the Python worker has indexed them."""


def choose_host(environment: Mapping[str, str]) -> HostKind:
    """Which host runs the app: what `LOCAL_STACK_HOST` says (`own`, `func`), else `func` if it is there.

    Raises:
        ValueError: the variable says something else, or asks for a `func` that isn't there.
    """
    forced = environment.get(FORCE_VARIABLE, "")
    installed = shutil.which("func", path=environment.get("PATH")) is not None
    if forced == "own" or (forced == "" and not installed):
        return "own"
    if forced not in ("", "func"):
        raise ValueError(f"{FORCE_VARIABLE} must be own or func, not {forced!r}")
    if not installed:
        raise ValueError(f"{FORCE_VARIABLE} is func, but there is no `func` on the PATH")
    return "func"


def func_command(port: int) -> list[str]:
    """The command line; it has to run in the app's folder."""
    return ["func", "start", "--port", str(port)]


def func_environment(
    environment: Mapping[str, str], settings: Mapping[str, str], debug_port: int | None = None
) -> dict[str, str]:
    """The environment that makes `func` run the app with these settings and this Python.

    The Core Tools let the environment win over `local.settings.json`, so no file is written and one that a
    developer has does no harm, save for settings that are not named here.
    """
    return {
        **environment,
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "FUNCTIONS_CORE_TOOLS_TELEMETRY_OPTOUT": "1",
        "languageWorkers__python__defaultExecutablePath": sys.executable,
        "AzureWebJobsSecretStorageType": "files",
        **({} if debug_port is None else {WORKER_ARGUMENTS: f"-m debugpy --listen 127.0.0.1:{debug_port}"}),
        **settings,
    }


def func_ready(port: int, line: str) -> str | None:
    """The base URL when this line of output says that `func` is ready."""
    return f"http://localhost:{port}" if READY_MARK in line else None


def free_port() -> int:
    """A port that is free now: `func` can't be told to choose one. Somebody else may take it in between."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
