"""Proposals that nobody answered in time: before a booking begins, its event is put back.

Nothing changes on a row while time passes, so nothing tells of it: the catch-up's timer asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from booking_sync.domain.messages.change import BookingChange
from booking_sync.ports.dataverse.bookings import BookingQuery
from booking_sync.sync.sending import do_all

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

    from booking_sync.domain.record import BookingRow
    from booking_sync.ports.dataverse.bookings import BookingListing
    from booking_sync.ports.platform.clock import Clock
    from booking_sync.ports.platform.queues import ChangeQueue


class OverdueProposals:
    """Queues the bookings whose proposals have to end.

    Args:
        listing: the bookings in Dataverse.
        queue: where hints go.
        column: of what is proposed, by its logical name.
        freeze: how long before the earlier of both starts a proposal ends.
        now: the time of day.
        new_id: a fresh GUID's text, for correlation.
    """

    def __init__(
        self,
        listing: BookingListing,
        queue: ChangeQueue,
        column: str,
        freeze: timedelta,
        *,
        now: Clock,
        new_id: Callable[[], str],
    ) -> None:
        self._listing = listing
        self._queue = queue
        self._query = BookingQuery(condition=f"{column} ne null")
        self._freeze = freeze
        self._now = now
        self._new_id = new_id

    async def run(self) -> int:
        """Look once; how many were queued.

        Raises:
            SyncError: Dataverse or the queue failed; the next run does it again.
        """
        due: list[BookingRow] = []
        async for page in self._listing.list_bookings(self._query):
            limit = self._now() + self._freeze
            due += [row for row in page.rows if _begins(row, limit)]
        await do_all(due, self._hint)
        return len(due)

    async def _hint(self, row: BookingRow) -> None:
        change = BookingChange(row.booking.id, f"proposal-{self._new_id()}", self._now(), look=True)
        await self._queue.send(change)


def _begins(row: BookingRow, limit: datetime) -> bool:
    """Whether the booking, or what is proposed of it, begins before then."""
    proposal = row.side.proposal if row.side else None
    starts = [row.booking.start, proposal.times.start if proposal and proposal.times else None]
    return any(start <= limit for start in starts if start)
