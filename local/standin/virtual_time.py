"""An event loop whose clock jumps: hours of sleeping take no time, and processor time does not count.

For tests of schedules and pauses, and for the benchmarks' simulated world. Not for code that uses sockets or
threads: the loop never waits for them.
"""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")


class StandstillError(RuntimeError):
    """Everybody waits for something that nothing will ever bring about."""


class _SkippingSelector(selectors.DefaultSelector):
    """Never waits: it tells how long the loop wanted to."""

    skipped = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout:
            self.skipped += timeout
        ready = super().select(0)
        if timeout is None and not ready:
            raise StandstillError("no task can go on and no timer runs: something waits for ever")
        return ready


class _VirtualLoop(asyncio.SelectorEventLoop):
    """A loop whose clock jumps to the next timer as soon as nothing else is to be done."""

    def __init__(self) -> None:
        self._skipping = _SkippingSelector()
        super().__init__(self._skipping)

    def time(self) -> float:
        return self._skipping.skipped


def run_virtually(main: Coroutine[Any, Any, T]) -> T:
    """Run to the end in no time, whatever sleeps are in it; the loop's `time()` begins at 0.

    Raises:
        StandstillError: nothing goes on any more.
    """
    with asyncio.Runner(loop_factory=_VirtualLoop) as runner:
        return runner.run(main)


def virtual_seconds() -> float:
    """The running loop's time: what a stand-in in a virtual world takes for its clock."""
    return asyncio.get_running_loop().time()
