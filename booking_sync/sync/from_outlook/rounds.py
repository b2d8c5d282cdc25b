"""Has every mailbox swept now and then: what no notification told is found all the same.

Where Graph reports nothing, each mailbox is swept at each run. Where it does, notifications are seldom
lost, and the audit of these days looks twice an hour: then each run takes a twelfth of the mailboxes, so
that six hours see them all. Sweeps are spread over the time until the next run, so that the changes of the
day go between.
"""

from __future__ import annotations

import hashlib
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from booking_sync.domain.return_path.messages import MailboxSweep
from booking_sync.plumbing.log import log_event
from booking_sync.sync.sending import do_all

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from booking_sync.ports.platform.clock import Clock
    from booking_sync.ports.platform.queues import MessageQueue

EVERY: Final = timedelta(minutes=30)
"""How often a run is due."""
SHARES: Final = 12
"""In so many runs all mailboxes are swept, where Graph reports changes."""
SPREAD_SECONDS: Final = 1_500.0
LEAST_SPACING_SECONDS: Final = 0.5
CORRELATION_PREFIX: Final = "sweep-"

_logger = logging.getLogger(__name__)


class SweepRounds:
    """Queues sweeps.

    Args:
        mailboxes: those that show bookings.
        queue: gets the sweeps.
        reported: Graph reports changes of the mailboxes.
        now: the time of day.
        new_id: a fresh GUID's text.
    """

    def __init__(
        self,
        mailboxes: Callable[[], Awaitable[frozenset[str]]],
        queue: MessageQueue,
        *,
        reported: bool,
        now: Clock,
        new_id: Callable[[], str],
    ) -> None:
        self._mailboxes = mailboxes
        self._queue = queue
        self._reported = reported
        self._now = now
        self._new_id = new_id

    async def run(self) -> int:
        """One run; how many sweeps it queued.

        Raises:
            SyncError: who takes part can't be told, or the queue can't be reached.
        """
        now, correlation_id = self._now(), CORRELATION_PREFIX + self._new_id()
        turn = int(now.timestamp() // EVERY.total_seconds()) % SHARES
        due = [each for each in sorted(await self._mailboxes()) if not self._reported or _share(each) == turn]
        spacing = min(LEAST_SPACING_SECONDS, SPREAD_SECONDS / max(1, len(due)))

        async def send(place: int) -> None:
            delay = place * spacing
            first_seen = now + timedelta(seconds=delay)
            await self._queue.send_outlook(MailboxSweep(due[place], correlation_id, first_seen), delay)

        await do_all(range(len(due)), send)
        log_event(_logger, "sweep_round", mailboxes=len(due), correlationId=correlation_id)
        return len(due)


def _share(mailbox: str) -> int:
    """In which of the runs a mailbox is swept, the same in every process."""
    return hashlib.sha256(mailbox.encode()).digest()[0] % SHARES
