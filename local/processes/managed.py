"""Child processes of the local stack: started, waited for until ready, listened to, never left behind."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

REPOSITORY = Path(__file__).resolve().parents[2]
LAUNCHER = Path(__file__).with_name("child_launcher.py")
LINE_LIMIT_BYTES = 1024 * 1024
TAIL_LINES = 200

ReadyTest = Callable[[str], str | None]
"""Looks at one line of output; what it returns (the base URL, mostly) means "ready"."""
Leash = Literal["signal", "watch"]
"""How a child learns that its parent is gone, see `local.processes.child_launcher`."""
DEFAULT_LEASH: Leash = "signal" if sys.platform == "linux" else "watch"


class StartError(RuntimeError):
    """A child ended or kept silent instead of becoming ready; the message ends with its output."""


def ready_json(line: str) -> str | None:
    """The URL of a line `{"ready": "<url>"}`, as every program of the stack prints; None for other lines."""
    if not line.startswith("{"):
        return None
    try:
        found = json.loads(line)
    except ValueError:
        return None
    ready = found.get("ready")
    return ready if isinstance(ready, str) else None


def python_module(module: str, *arguments: str) -> list[str]:
    """The command line that runs a module of this repository with this Python, output unbuffered."""
    return [sys.executable, "-u", "-m", module, *arguments]


class ManagedProcess:
    """One child process in a process group of its own.

    An asynchronous context manager: it starts the child and waits until it is ready, and stops it in the end.
    Children also die with this process, even if that is killed. On Linux that means: with the thread that
    started them, so start them from a thread that lasts as long as they shall.

    Args:
        name: what messages call it.
        command: program and arguments.
        environment: the child's whole environment; None hands on this process's.
        ready: recognises the line of output that means "ready".
        start_timeout_seconds: how long to wait for that line.
        log_file: gets all output (standard output and error); None keeps only the tail.
        folder: the child's working directory.
        leash: how it learns of its parent's end.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        ready: ReadyTest = ready_json,
        start_timeout_seconds: float = 30.0,
        log_file: Path | None = None,
        folder: Path = REPOSITORY,
        leash: Leash = DEFAULT_LEASH,
    ) -> None:
        self.name = name
        self.url = ""
        """What the ready line said, once started."""
        self._command = list(command)
        self._environment = None if environment is None else dict(environment)
        self._ready_test = ready
        self._start_timeout_seconds = start_timeout_seconds
        self._log_file = log_file
        self._folder = folder
        self._leash = leash
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._process: asyncio.subprocess.Process | None = None
        self._pump: asyncio.Task[None] | None = None

    @property
    def tail(self) -> tuple[str, ...]:
        """The last lines of output."""
        return tuple(self._tail)

    @property
    def process_id(self) -> int:
        """The child's process id, which is its process group's too.

        Raises:
            RuntimeError: it was never started.
        """
        return self._started().pid

    @property
    def exit_code(self) -> int | None:
        """None while the child runs; negative when a signal ended it.

        Raises:
            RuntimeError: it was never started.
        """
        return self._started().returncode

    async def start(self) -> str:
        """Start the child, wait until it is ready and return what its ready line said.

        Raises:
            StartError: the program is missing, or it ended or timed out before it was ready (and is gone).
            RuntimeError: it runs already.
        """
        if self._process is not None and self._process.returncode is None:
            raise RuntimeError(f"{self.name} runs already")
        path = (os.environ if self._environment is None else self._environment).get("PATH")
        if shutil.which(self._command[0], path=path) is None:
            raise StartError(f"{self.name} could not be started: there is no program {self._command[0]}")
        try:
            self._process = await self._spawn()
        except OSError as error:
            raise StartError(f"{self.name} could not be started: {error}") from error
        ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._pump = asyncio.create_task(self._listen(self._process, ready))
        try:
            # Waits, without cancelling either: for the line, or for the end of the output.
            waiting: tuple[asyncio.Future[str], asyncio.Future[None]] = (ready, self._pump)
            timeout = self._start_timeout_seconds
            await asyncio.wait(waiting, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not ready.done():
                ended = self._pump.done()
                code = await self._end()
        if not ready.done():
            late = f"was not ready after {self._start_timeout_seconds:g} s"
            early = f"ended with exit code {code} before it was ready"
            raise StartError(self._explain(early if ended else late))
        self.url = ready.result()
        return self.url

    async def stop(self, grace_seconds: float = 10.0) -> int:
        """Ask the child to end (SIGTERM); kill its group after the bound. Returns the exit code.

        Raises:
            RuntimeError: it was never started.
        """
        process = self._started()
        if process.returncode is None:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), grace_seconds)
        return await self._end()

    def kill(self) -> None:
        """End the child and its own children at once (SIGKILL), as a crash would; `wait` tells when.

        Raises:
            RuntimeError: it was never started.
        """
        self._started()
        self._signal(signal.SIGKILL)

    async def wait(self) -> int:
        """Wait until the child has ended by itself or by `kill`; returns the exit code.

        Raises:
            RuntimeError: it was never started.
        """
        await self._started().wait()
        return await self._end()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _spawn(self) -> asyncio.subprocess.Process:
        # -I -S: the launcher needs nothing but the standard library, and starts faster without the rest.
        launcher = [sys.executable, "-I", "-S", str(LAUNCHER), self._leash, str(os.getpid())]
        return await asyncio.create_subprocess_exec(
            *launcher,
            *self._command,
            stdin=asyncio.subprocess.PIPE if self._leash == "watch" else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=LINE_LIMIT_BYTES,
            cwd=self._folder,
            env=self._environment,
            process_group=0,
        )

    async def _listen(self, process: asyncio.subprocess.Process, ready: asyncio.Future[str]) -> None:
        """Read the output to its end, so that the child never blocks on a full pipe."""
        assert process.stdout is not None  # noqa: S101 - _spawn asked for a pipe
        with _open_log(self._log_file) as log:
            while True:
                try:
                    raw = await process.stdout.readline()
                except ValueError:  # a line beyond the limit, which the reader has thrown away
                    continue
                if not raw:
                    return
                if log is not None:
                    log.write(raw)
                line = raw.decode(errors="replace").rstrip()
                self._tail.append(line)
                found = None if ready.done() else self._ready_test(line)
                if found is not None:
                    ready.set_result(found)

    async def _end(self) -> int:
        """Make sure that nothing of the group is left and that the output was read to its end."""
        process, pump = self._started(), self._pump
        if process.returncode is None:
            self._signal(signal.SIGKILL)
        code = await process.wait()
        if pump is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(pump), 1)
            if not pump.done():  # a grandchild still holds the pipe
                self._signal(signal.SIGKILL)
                await pump
        if process.stdin is not None:
            process.stdin.close()
        return code

    def _signal(self, name: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process_id, name)

    def _started(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise RuntimeError(f"{self.name} was never started")
        return self._process

    def _explain(self, reason: str) -> str:
        return "\n".join([f"{self.name} {reason}; its last output:", *self._tail])


def _open_log(path: Path | None) -> contextlib.AbstractContextManager[IO[bytes] | None]:
    return contextlib.nullcontext() if path is None else path.open("ab", buffering=0)
