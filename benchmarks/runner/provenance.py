"""Where, when, of which code and how something was measured; nothing that names a person or a host."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from benchmarks.common.figures import LATENCIES, QUICK_REPEATS, Options

ROOT = Path(__file__).parents[2]
MEASURED = ("benchmarks/*.py", "booking_sync", "local", "tests/support", "function_app.py", "host.json")
"""What the figures depend on; the report and stored results may be uncommitted."""
GIB = 1024**3


@dataclass(frozen=True, slots=True)
class Machine:
    """What the figures depend on besides the code."""

    cores: int
    """That this process may use."""
    cpu: str
    memory_gib: float
    python: str
    system: str

    @property
    def label(self) -> str:
        """In one line."""
        cores = f"{self.cores} core{'s' if self.cores != 1 else ''}"
        return f"{cores} of {self.cpu}, {self.memory_gib:g} GiB, Python {self.python}, {self.system}"


@dataclass(frozen=True, slots=True)
class Provenance:
    """How one stored result came to be."""

    machine: Machine
    date: str
    """Of the start, UTC, as 2026-11-23."""
    commit: str
    """Short hash; says so when measured files were changed since."""
    command: str
    seconds: float
    """How long the run took, start of the process included."""


def this_machine() -> Machine:
    """The one that we run on."""
    able = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = round(psutil.virtual_memory().total / GIB, 1)
    system = f"{platform.system()} {platform.machine()}"
    return Machine(able, _cpu_model(), memory, platform.python_version(), system)


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []  # not Linux
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def today() -> str:
    """The date in UTC."""
    return datetime.now(UTC).date().isoformat()


def current_commit() -> str:
    """The code that is measured; "unknown" outside a git clone."""
    try:
        commit = _git("rev-parse", "--short=10", "HEAD").strip()
        changed = _git("status", "--porcelain", "--untracked-files=no", "--", *MEASURED).strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{commit} with uncommitted changes" if changed else commit


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout  # noqa: S603 - fixed


def command_line(name: str, options: Options) -> str:
    """What to type to run this benchmark with these options."""
    words = ["python", "-m", "benchmarks", name]
    if options.quick:
        words.append("--quick")
    if options.repeats != (QUICK_REPEATS if options.quick else Options().repeats):
        words += ["--repeats", str(options.repeats)]
    if options.latencies != LATENCIES:
        words += ["--latency", *(latency.label.removesuffix(" ms") for latency in options.latencies)]
    return " ".join(words)
