"""Proposals that have to end: nobody answered before the booking begins, or an administrator allows less.

Nothing changes on a row by either, so nothing tells of it: the catch-up's timer asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from booking_sync.domain.messages.change import BookingChange
from booking_sync.domain.return_path.policy import still_proposes
from booking_sync.domain.return_path.times import Times
from booking_sync.ports.dataverse.bookings import BookingQuery
from booking_sync.sync.sending import do_all

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, tzinfo

    from booking_sync.domain.record import BookingRow
    from booking_sync.domain.return_path.policy import ReturnPolicy
    from booking_sync.ports.dataverse.bookings import BookingListing
    from booking_sync.ports.platform.clock import Clock
    from booking_sync.ports.platform.queues import ChangeQueue


class OverdueProposals:
    """Queues the bookings whose proposals have to end.

    Args:
        listing: the bookings in Dataverse.
        queue: where hints go.
        column: of what is proposed, by its logical name.
        policy: what is allowed, and how long before the earlier of both starts a proposal ends.
        zone: whose days tell a near move from a far one.
        now: the time of day.
        new_id: a fresh GUID's text, for correlation.
    """

    def __init__(
        self,
        listing: BookingListing,
        queue: ChangeQueue,
        column: str,
        policy: ReturnPolicy,
        *,
        zone: tzinfo,
        now: Clock,
        new_id: Callable[[], str],
    ) -> None:
        self._listing = listing
        self._queue = queue
        self._query = BookingQuery(condition=f"{column} ne null")
        self._policy = policy
        self._zone = zone
        self._now = now
        self._new_id = new_id

    async def run(self) -> int:
        """Look once; how many were queued.

        Raises:
            SyncError: Dataverse or the queue failed; the next run does it again.
        """
        due: list[BookingRow] = []
        async for page in self._listing.list_bookings(self._query):
            limit = self._now() + self._policy.freeze
            due += [row for row in page.rows if _begins(row, limit) or not self._still_proposes(row)]
        await do_all(due, self._hint)
        return len(due)

    def _still_proposes(self, row: BookingRow) -> bool:
        start, end, proposal = row.booking.start, row.booking.end, row.side.proposal if row.side else None
        if start is None or end is None or proposal is None:
            return False
        return still_proposes(self._policy, Times(start, end), proposal.times, self._zone)

    async def _hint(self, row: BookingRow) -> None:
        change = BookingChange(row.booking.id, f"proposal-{self._new_id()}", self._now(), look=True)
        await self._queue.send(change)


def _begins(row: BookingRow, limit: datetime) -> bool:
    """Whether the booking, or what is proposed of it, begins before then."""
    proposal = row.side.proposal if row.side else None
    starts = [row.booking.start, proposal.times.start if proposal and proposal.times else None]
    return any(start <= limit for start in starts if start)
