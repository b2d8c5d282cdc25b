"""What costs requests to a service, remembered for a while, so that pages may refresh themselves."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime, timedelta

    from booking_sync.ports.platform.clock import Clock

Value = TypeVar("Value")


class Remembered(Generic[Value]):
    """A value that is asked for at most once at a time; a failure is not remembered.

    Args:
        ask: asks for it.
        now: the time of day.
    """

    def __init__(self, ask: Callable[[], Awaitable[Value]], now: Clock) -> None:
        self._ask = ask
        self._now = now
        self._known: tuple[datetime, Value] | None = None
        self._asking = asyncio.Lock()

    async def get(self, max_age: timedelta) -> Value:
        """The value, no older than this; raises what asking for it raises."""
        wanted = self._now() - max_age
        async with self._asking:
            # Whoever waited for another's question takes its answer, as new as it could be.
            if self._known is None or self._known[0] < wanted:
                asked = self._now()
                self._known = (asked, await self._ask())
            return self._known[1]
