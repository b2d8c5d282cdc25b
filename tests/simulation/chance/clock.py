"""An event loop with a virtual clock, which asks what to do whenever nothing is ready to run."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")

Idle = Callable[[float | None], float]
"""Told the seconds to the next timer (None: there is none); answers how many seconds pass."""

START = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
"""When every schedule begins."""


class _AskingSelector(selectors.DefaultSelector):
    """Never waits for sockets, of which a simulation has none."""

    def __init__(self, idle: Idle) -> None:
        super().__init__()
        self._idle = idle
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout > 0:
            self.now += self._idle(timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Time stands still while anything is ready, and passes only as `idle` says."""

    def __init__(self, idle: Idle) -> None:
        self._asking = _AskingSelector(idle)
        super().__init__(self._asking)

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]
        """Run it here and now: a thread would take real time, while none passes here."""
        del executor
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - the caller's, as from a thread
            done.set_exception(error)
        return done

    def time(self) -> float:
        """Seconds since the schedule began."""
        return self._asking.now


def now() -> datetime:
    """The schedule's time of day, aware, UTC."""
    return START + timedelta(seconds=asyncio.get_running_loop().time())
