"""Tries again what a service could not do just now: for commands that people wait for.

The app puts messages back and goes on with others; a command has nothing else to do, so it waits as long as
it is asked to, within reason, and then gives up with words.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from booking_sync.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long to wait."""

    tries: int = 5
    longest_wait: float = 60.0
    """Seconds; a service that asks for more is not waited for."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    def wait(self, tried: int, error: TransientError) -> float | None:
        """Seconds to wait before the next try; None: give up, at once when only a person can mend it.

        Args:
            tried: how many tries have failed, this one included.
            error: how it failed.
        """
        seconds = 2.0 ** (tried - 1) if error.retry_after is None else error.retry_after
        hopeless = error.until_mended or tried >= self.tries or seconds > self.longest_wait
        return None if hopeless else seconds

    async def insist(self, call: Callable[[], Awaitable[Result]]) -> Result:
        """What the call returns in the end.

        Raises:
            TransientError: the last one, once patience is at its end.
        """
        tried = 0
        while True:
            try:
                return await call()
            except TransientError as error:
                tried += 1
                seconds = self.wait(tried, error)
                if seconds is None:
                    raise
            await self.sleep(seconds)
