"""Runs a probe: a program in a fresh process, whose last line of output is its figures.

A fresh process because the figures are about a process: what it imports, holds and costs. It also is how TLS
trust gets in: aiohttp reads SSL_CERT_FILE once, when it is imported.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import TYPE_CHECKING, Any

from local.processes import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class ProbeError(RuntimeError):
    """A probe failed; the text is what it wrote to standard error."""


async def run_module(
    module: str,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    code: Path = REPOSITORY,
) -> Any:
    """The figures of `python -m benchmarks.probes.<module>`; raises `ProbeError`."""
    output, _ = await run_python(
        "-m", f"benchmarks.probes.{module}", *arguments, environment=environment, code=code
    )
    return output


async def run_python(
    *arguments: str, environment: Mapping[str, str] | None = None, code: Path = REPOSITORY
) -> tuple[Any, str]:
    """Run this Python on the repository; returns the last line's JSON and what was written to standard error.

    Args:
        arguments: of the interpreter.
        environment: the app settings, on top of this process's environment.
        code: the folder of another version of the repository.

    Raises:
        ProbeError: the program failed or printed no JSON.
    """
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=code,
        env={**os.environ, "PYTHONPATH": str(code), **(environment or {})},
    )
    try:
        output, errors = await child.communicate()
    except BaseException:
        child.kill()
        await child.wait()
        raise
    said = errors.decode(errors="replace")
    try:
        if child.returncode == 0:
            return json.loads(output.decode().splitlines()[-1]), said
    except (ValueError, IndexError):
        said += "\n(it printed no figures)"
    raise ProbeError(f"{' '.join(arguments)[:200]} ended with {child.returncode}:\n{said[-4000:]}")
