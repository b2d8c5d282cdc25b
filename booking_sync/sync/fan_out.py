"""From a changed row to the bookings that show it: one message becomes a hint for each of them.

A work order's address or a resource's user shows in the events of all bookings that name the row. The
webhook only queues that the row changed; this lists the row's bookings and queues a hint for each. Like all
hints they may come twice or for nothing, so a run that fails anywhere is simply done again from its start.

Bookings that started longer ago than the look-back are left as they are: they are history, which the audit's
window does not rewrite either. Very many bookings are taken in slices, each a message that is put on the
queue after all of its predecessor's hints are; and hints beyond the first hundred are spread over time, so
that ordinary changes go between them.
"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from booking_sync.domain.messages.change import BookingChange
from booking_sync.domain.outcome import Outcome, OutcomeKind, deferred_by
from booking_sync.errors import SyncError, TransientError
from booking_sync.sync.sending import do_all

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from booking_sync.domain.messages.change import RelatedChange
    from booking_sync.ports.dataverse.bookings import RelatedBookings
    from booking_sync.ports.platform.clock import Clock
    from booking_sync.ports.platform.queues import MessageQueue

SLICE_BOOKINGS = 1000
"""Bookings that one message is turned into hints for; two pages, and a second or two of sending."""
HINTS_AT_ONCE = 100
"""Hints of one message that are visible at once: work orders rarely have more, and one query reads these."""
HINTS_PER_SECOND = 20.0
"""Pace of the others: a part of what one instance works off, so that 5,000 bookings take four minutes."""


@dataclass(frozen=True, slots=True)
class _Slice:
    """Bookings to queue hints for."""

    booking_ids: Sequence[str]
    goes_on_at: datetime | None
    """Start of the first booking that is left for a later slice; None when none is."""


class FanOut:
    """Turns changes of rows into hints for bookings.

    Args:
        bookings: finds them by the row.
        queue: where hints and continuations go.
        look_back: how long ago a booking may have started.
        now: the time of day.
    """

    def __init__(
        self, bookings: RelatedBookings, queue: MessageQueue, look_back: timedelta, now: Clock
    ) -> None:
        self._bookings = bookings
        self._queue = queue
        self._look_back = look_back
        self._now = now

    async def queue_hints(self, change: RelatedChange) -> Outcome:
        """Queue a hint for each booking concerned, and a continuation when that are very many.

        Returns:
            How it ended; everything is on the queue unless it is deferred or failed.

        Raises:
            SyncError: the queue can't take them all, so the change must be delivered again.
        """
        starts_from = change.starts_from or self._now() - self._look_back
        try:
            found = await self._slice(change, starts_from)
        except TransientError as error:
            return deferred_by(error)
        except SyncError as error:
            return Outcome(OutcomeKind.FAILED, error.reason)
        await self._send_hints(change, found.booking_ids)
        if found.goes_on_at is not None:
            await self._queue.send_related(
                replace(change, attempt=0, waited=0.0, starts_from=found.goes_on_at),
                _delay(len(found.booking_ids)),
            )
        return _told(found)

    async def _slice(self, change: RelatedChange, starts_from: datetime) -> _Slice:
        """The next bookings; cut only between two starts, since a start is where it goes on."""
        ids: list[str] = []
        last: datetime | None = None
        async with aclosing(self._bookings.bookings_of(change.table, change.row_id, starts_from)) as pages:
            async for page in pages:
                for booking in page:
                    if len(ids) >= SLICE_BOOKINGS and booking.start != last:
                        return _Slice(ids, booking.start)
                    ids.append(booking.booking_id)
                    last = booking.start
        return _Slice(ids, None)

    async def _send_hints(self, change: RelatedChange, booking_ids: Sequence[str]) -> None:
        """Queue all; a failure is raised once all have been tried."""

        async def send(place: int) -> None:
            hint = BookingChange(booking_ids[place], change.correlation_id, change.first_seen)
            await self._queue.send(hint, _delay(place))

        await do_all(range(len(booking_ids)), send)


def _delay(place: int) -> float:
    """Seconds until the hint at this place, counted from 0, becomes visible."""
    return max(0, place - HINTS_AT_ONCE + 1) / HINTS_PER_SECOND


def _told(found: _Slice) -> Outcome:
    count = len(found.booking_ids)
    if not count:
        return Outcome(OutcomeKind.SKIPPED, "no booking concerned")
    more = ", to be continued" if found.goes_on_at else ""
    return Outcome(OutcomeKind.SYNCED, f"hints queued: {count}{more}")
