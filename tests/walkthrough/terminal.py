"""Two terminals: one shell that takes block after block, and one for what goes on running."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from local.processes import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

END = re.compile(r"^=== ended with (\d+)$")
ENVIRONMENT = {"NO_COLOR": "1", "COLUMNS": "120", "PYTHONUNBUFFERED": "1", "TERM": "dumb"}
BLOCK_SECONDS = 90.0
STOP_SECONDS = 30.0


@dataclass(frozen=True)
class Ended:
    """What a block showed, standard error included, and how it ended."""

    code: int
    """Of the last command that ended with anything but 0; else 0."""
    output: str


class Shell:
    """One bash in the repository, for all blocks: functions and variables stay from one to the next."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        self._process = process
        self._script = folder / "block.sh"

    @classmethod
    async def open(cls, folder: Path) -> Self:
        """Start it; the folder is for a file."""
        return cls(await _bash(["-s"], stdin=asyncio.subprocess.PIPE), folder)

    async def run(self, script: str) -> Ended:
        """Run a block to its end; its commands can't ask anybody anything."""
        self._script.write_text(f"failed=0; trap 'failed=$?' ERR\n{script}\n", encoding="utf-8")
        assert self._process.stdin
        order = f'source "{self._script}" < /dev/null; trap - ERR; echo "=== ended with $failed"\n'
        self._process.stdin.write(order.encode())
        lines: list[str] = []
        async with asyncio.timeout(BLOCK_SECONDS):
            while not (ended := END.match(line := await self._line())):
                lines.append(line)
        return Ended(int(ended[1]), "\n".join(lines))

    async def close(self) -> None:
        """End it."""
        await _stop(self._process)

    async def _line(self) -> str:
        assert self._process.stdout
        line = await self._process.stdout.readline()
        assert line, "the shell ended"
        return line.decode().rstrip("\n")


class Servant:
    """A block that goes on running until it is interrupted."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.output = ""

    @classmethod
    async def start(cls, script: str) -> Self:
        """Start it in a terminal of its own."""
        return cls(await _bash(["-c", script], stdin=asyncio.subprocess.DEVNULL))

    async def wait_for(self, words: str) -> None:
        """Wait until it says so, and for all that it says at once."""
        async with asyncio.timeout(BLOCK_SECONDS):
            while words not in self.output:
                await self._read()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                while True:
                    await self._read()

    async def interrupt(self) -> None:
        """Ctrl-C, and wait for its end."""
        os.killpg(self._process.pid, signal.SIGINT)
        await _stop(self._process)

    async def end(self) -> None:
        """Make sure that it is gone."""
        if self._process.returncode is None:
            await self.interrupt()

    async def _read(self) -> None:
        assert self._process.stdout
        line = await self._process.stdout.readline()
        assert line, f"it ended: {self.output}"
        self.output += line.decode()


async def _bash(arguments: list[str], *, stdin: int) -> asyncio.subprocess.Process:
    inherited = {name: value for name, value in os.environ.items() if "MAKE" not in name}  # of `make test`
    return await asyncio.create_subprocess_exec(
        "bash",
        "--noprofile",
        "--norc",
        *arguments,
        stdin=stdin,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**inherited, **ENVIRONMENT},
        cwd=REPOSITORY,
        start_new_session=True,
    )


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Wait for its end, which closing its input or a signal has brought about; in the end kill the group."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(STOP_SECONDS):
            await process.communicate(b"" if process.stdin else None)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.communicate()
