"""Runs one benchmark in a fresh process of its own group, which is gone when this returns or is killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.common.figures import Result
from benchmarks.runner.child import options_to_text
from benchmarks.runner.provenance import (
    ROOT,
    Provenance,
    command_line,
    current_commit,
    this_machine,
    today,
)
from benchmarks.runner.store import Measurement
from local.processes import DEFAULT_LEASH, LAUNCHER

if TYPE_CHECKING:
    from benchmarks.common.figures import Options

LIMIT_SECONDS = 3600.0
"""How long one benchmark may take before it is taken for hanging."""
TAIL_LINES = 30
GRACE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Crashed:
    """A benchmark ended without a result."""

    name: str
    reason: str
    tail: str
    """The last lines that it printed."""


def run(name: str, options: Options, *, package: str, limit: float = LIMIT_SECONDS) -> Measurement | Crashed:
    """Run one benchmark from start to end.

    Args:
        name: its module.
        options: what to measure.
        package: where the module lives.
        limit: seconds after which it is ended.
    """
    machine, date, commit = this_machine(), today(), current_commit()
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        file, log = Path(folder, "result.json"), Path(folder, "log")
        child = [
            sys.executable,
            "-m",
            "benchmarks.runner.child",
            f"{package}.{name}",
            options_to_text(options),
        ]
        started = time.monotonic()
        reason = _run_child([*child, str(file)], log, limit)
        seconds = time.monotonic() - started
        if reason:
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
            return Crashed(name, reason, "\n".join(lines[-TAIL_LINES:]))
        result = Result.from_json(json.loads(file.read_text(encoding="utf-8")))
    provenance = Provenance(machine, date, commit, command_line(name, options), round(seconds, 1))
    return Measurement(result, provenance)


def _run_child(command: list[str], log: Path, limit: float) -> str:
    """Why it failed; empty when it did not."""
    with log.open("wb") as output:
        child = subprocess.Popen(  # noqa: S603 - our own module in our own interpreter
            [sys.executable, str(LAUNCHER), DEFAULT_LEASH, str(os.getpid()), *command],
            cwd=ROOT,
            stdin=subprocess.PIPE,  # the launcher may tell from it that we are gone
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = child.wait(limit)
        except subprocess.TimeoutExpired:
            return f"was still running after {limit:g} s"
        finally:
            _end_group(child)
    return f"ended with exit code {code}" if code else ""


def _end_group(child: subprocess.Popen[bytes]) -> None:
    """End whatever is left of the child and of the processes that it started."""
    if child.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(GRACE_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    if child.stdin:
        child.stdin.close()
