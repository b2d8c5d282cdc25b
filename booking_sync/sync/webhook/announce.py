"""Joins the announcements of one row: while the last one lies hidden on the queue, another adds nothing.

An announcement says "look at this row's bookings", and that is done afresh when it becomes visible. So a
change that comes in while one is hidden for certain is looked after by that one, which is stored durably.
The memory kept here may be lost: another process, or a restart, costs one more announcement.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

SETTLE_SECONDS = 3.0
"""How long a first announcement is hidden: one user action may save a row twice, and tell each time."""
SPACING_SECONDS = 30.0
"""How far a row's announcements are apart at least while it keeps changing."""
MARGIN_SECONDS = 1.0
"""The queue rounds to seconds, and may show a message that much early."""


@dataclass(frozen=True, slots=True)
class _Announced:
    """The last announcement of one row; times as the clock gives them."""

    sent: asyncio.Task[None]
    hidden_until: float
    """Not visible before, counted from before it was sent."""

    def covers(self, moment: float) -> bool:
        """Whether it will be read only after this moment."""
        return moment < self.hidden_until - MARGIN_SECONDS


class Coalescer:
    """Sends announcements, and leaves out those that another one covers.

    Args:
        clock: seconds that never go back, at the pace of real time.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._announced: dict[str, _Announced] = {}
        """In the order of sending; only what was sent within the last spacing."""

    def __len__(self) -> int:
        """How many rows are remembered."""
        return len(self._announced)

    async def announce(self, key: str, send: Callable[[float], Coroutine[object, object, None]]) -> bool:
        """Announce a row; False when an earlier announcement covers it, which then is stored for certain.

        Args:
            key: names the row.
            send: stores an announcement that becomes visible after so many seconds.

        Raises:
            SyncError: nothing was stored, as far as we know.
        """
        now = self._clock()
        self._forget(now)
        known = self._announced.get(key)
        if known is not None and known.covers(now):
            await self._stored(key, known)
            return False
        delay = SETTLE_SECONDS
        if known is not None:
            delay = max(delay, known.hidden_until + SPACING_SECONDS - now)
        announced = _Announced(asyncio.ensure_future(send(delay)), now + delay)
        self._announced.pop(key, None)  # so that the order stays that of sending
        self._announced[key] = announced
        await self._stored(key, announced)
        return True

    async def _stored(self, key: str, announced: _Announced) -> None:
        """Wait for the sending; one that failed covers nothing."""
        try:
            # One caller that goes away must not take the message from the others.
            await asyncio.shield(announced.sent)
        except Exception:
            if self._announced.get(key) is announced:
                del self._announced[key]
            raise

    def _forget(self, now: float) -> None:
        for key, announced in list(self._announced.items()):
            if now < announced.hidden_until + SPACING_SECONDS:
                return
            del self._announced[key]
