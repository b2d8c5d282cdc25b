"""Calls functions as the Python worker does: `async def` on the one event loop, `def` in a thread pool."""

from __future__ import annotations

import asyncio
import logging
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import azure.functions as func

if TYPE_CHECKING:
    from pathlib import Path

    from local.functions_host.functions import Function

logger = logging.getLogger("local.functions_host")


class InvocationContext(func.Context):
    """What a function gets that asks for `context`; tracing and host-side retries don't exist here."""

    def __init__(self, function_name: str, folder: Path) -> None:
        self._function_name = function_name
        self._folder = folder
        self._invocation_id = str(uuid.uuid4())
        self._storage = threading.local

    @property
    def invocation_id(self) -> str:
        """A new id for each invocation."""
        return self._invocation_id

    @property
    def thread_local_storage(self) -> type[threading.local]:
        """Not shared with the host; see the base class."""
        return self._storage

    @property
    def function_name(self) -> str:
        """The function's name."""
        return self._function_name

    @property
    def function_directory(self) -> str:
        """The app's folder."""
        return str(self._folder)

    @property
    def trace_context(self) -> Any:
        """None: nothing is traced."""
        return None

    @property
    def retry_context(self) -> Any:
        """None: the host has no retry policies."""
        return None


class Invoker:
    """Runs functions and knows which are running."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._threads = ThreadPoolExecutor(thread_name_prefix="function")
        self._running: set[asyncio.Task[Any]] = set()

    async def call(self, function: Function, value: object) -> Any:
        """Run the function with the trigger's value and return what it returns.

        What it raises is logged with its traceback and raised on. A caller that is cancelled leaves the
        function running, as the real host leaves the worker; `drain` waits for it.
        """
        task = asyncio.create_task(self._run(function, value))
        self._running.add(task)
        task.add_done_callback(self._finished)
        return await asyncio.shield(task)

    async def drain(self, seconds: float) -> int:
        """Let running functions finish for at most so long; returns how many were still running then."""
        running = set(self._running)
        if running:
            await asyncio.wait(running, timeout=seconds)
        left = {task for task in running if not task.done()}
        for task in left:
            task.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)
        return len(left)

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # was logged; asking for it tells asyncio that somebody did

    async def _run(self, function: Function, value: object) -> Any:
        arguments: dict[str, Any] = {function.argument: value}
        if function.wants_context:
            arguments["context"] = InvocationContext(function.name, self._folder)
        try:
            if function.is_async:
                return await function.code(**arguments)
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, lambda: function.code(**arguments))
        except Exception:
            logger.exception("Executed 'Functions.%s' (Failed)", function.name)
            raise
