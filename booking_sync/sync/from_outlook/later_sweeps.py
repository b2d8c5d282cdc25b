"""Has mailboxes swept in which events were found gone, once nobody will take that back any more.

A wiped mailbox finds hundreds of events gone, one by one. Few sweeps of one mailbox are queued for that: what
they do not ask about they find missing all the same, and ask about with a sweep of their own. The memory kept
here lasts as long as the sweeps lie hidden and may be lost: then some more are queued.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from booking_sync.domain.return_path.guard import GRACE, MAX_MISSING
from booking_sync.domain.return_path.messages import MAX_MISSING as MOST_OF_A_SWEEP
from booking_sync.domain.return_path.messages import MailboxSweep

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from booking_sync.domain.messages.change import BookingChange
    from booking_sync.ports.platform.clock import Clock
    from booking_sync.ports.platform.queues import MessageQueue

MOST_HIDDEN: Final = MAX_MISSING
"""Sweeps of one mailbox that lie hidden at a time: as many as deletions are believed whatever their share."""
MARGIN: Final = timedelta(minutes=1)
"""A sweep that begins so soon may list a calendar which does not know of the deletion yet."""


class LaterSweeps:
    """Queues sweeps that lie hidden until a deletion stands.

    Args:
        queue: gets them.
        now: the time of day.
    """

    def __init__(self, queue: MessageQueue, now: Clock) -> None:
        self._queue = queue
        self._now = now
        self._due: dict[str, list[datetime]] = {}
        """By mailbox: when the sweeps that were queued here come out."""
        self._sending = asyncio.Lock()
        """What is under way covers nothing yet, so that others wait to see what becomes of it."""

    async def queue(self, ended: Iterable[tuple[BookingChange, str]]) -> None:
        """See to it that the mailboxes are swept; on the queue for certain when this returns.

        Args:
            ended: changes that were worked on, each with the mailbox in which its event was found gone; empty
                where it was not.

        Raises:
            SyncError: not all could be queued.
        """
        missing: dict[str, list[BookingChange]] = {}
        for change, mailbox in ended:
            if mailbox:
                missing.setdefault(mailbox, []).append(change)
        for mailbox, changes in missing.items():
            for start in range(0, len(changes), MOST_OF_A_SWEEP):
                async with self._sending:
                    await self._queue_one(mailbox, changes[start : start + MOST_OF_A_SWEEP])

    async def _queue_one(self, mailbox: str, changes: list[BookingChange]) -> None:
        self._forget()
        if len(self._due.get(mailbox, ())) >= MOST_HIDDEN:
            return
        now = self._now()
        asked = frozenset(each.booking_id for each in changes)
        sweep = MailboxSweep(mailbox, changes[0].correlation_id, now, missing=asked)
        await self._queue.send_outlook(sweep, GRACE.total_seconds())
        self._due.setdefault(mailbox, []).append(now + GRACE)

    def _forget(self) -> None:
        soon = self._now() + MARGIN
        hidden = {name: [due for due in dues if due > soon] for name, dues in self._due.items()}
        self._due = {name: dues for name, dues in hidden.items() if dues}
