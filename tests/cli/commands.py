"""Runs the command line as a person does, in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from jsonschema import validate

from local.processes import REPOSITORY, python_module
from tools.schemas import SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    code: int | None
    output: str
    notes: str
    command: str = ""
    """As its schema is named; empty where nobody said so."""

    def json(self) -> Any:
        """The result that was printed with `--json`, which is as its schema says."""
        assert self.output, self.notes
        told = json.loads(self.output)
        if self.command:
            validate(told, SCHEMAS[self.command])
        return told


@dataclass(frozen=True)
class CommandLine:
    """The program with a stack's settings."""

    settings: Path
    folder: Path
    """Where it runs."""

    async def start(
        self,
        *arguments: str,
        environ: Mapping[str, str] | None = None,
        keyboard: int = asyncio.subprocess.DEVNULL,
    ) -> asyncio.subprocess.Process:
        """Begin a command.

        Args:
            arguments: of the program.
            environ: besides this process's own.
            keyboard: the descriptor that it reads from.
        """
        return await asyncio.create_subprocess_exec(
            *python_module("booking_sync", *arguments, "--settings", str(self.settings)),
            stdin=keyboard,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "NO_COLOR": "1", "PYTHONPATH": str(REPOSITORY), **(environ or {})},
            cwd=self.folder,
        )

    async def run(self, *arguments: str, environ: Mapping[str, str] | None = None) -> Ended:
        """Run a command to its end."""
        ended = await end(await self.start(*arguments, environ=environ))
        words = arguments[:2] if arguments[0] in ("event", "poison") else arguments[:1]
        return replace(ended, command="-".join(words))


async def end(process: asyncio.subprocess.Process) -> Ended:
    """What a command said."""
    output, notes = await process.communicate()
    return Ended(process.returncode, output.decode(), notes.decode())
