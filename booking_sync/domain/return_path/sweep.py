"""A mailbox's rows against its events: what has to be looked at, and what is not there. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from booking_sync.domain.return_path.times import Times

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from booking_sync.domain.events.event import MarkedEvent
    from booking_sync.domain.record import BookingRow


@dataclass(frozen=True, slots=True)
class Swept:
    """What came of comparing."""

    differing: tuple[str, ...]
    """Bookings whose events are not as the rows say."""
    missing: tuple[str, ...]
    """Bookings whose events none of the calendars shows, and about which nobody is asked yet."""
    expected: int
    """Bookings whose events should be there, without those about whose end somebody is asked already."""


def compare_mailbox(rows: Iterable[BookingRow], events: Mapping[str, MarkedEvent]) -> Swept:
    """Compare the rows that name events of a mailbox with what it shows.

    Args:
        rows: whose bookings should show there.
        events: by id: all with our marker that its calendars show.
    """
    differing: list[str] = []
    missing: list[str] = []
    expected = 0
    for row in rows:
        event = events.get(row.record.event.event_id) if row.record.event else None
        if event is not None:
            expected += 1
            if _differs(row, event):
                differing.append(row.booking.id)
        elif not (row.side and row.side.waits_for_cancellation):
            expected += 1
            missing.append(row.booking.id)
    return Swept(tuple(differing), tuple(missing), expected)


def _differs(row: BookingRow, event: MarkedEvent) -> bool:
    """Whether anything has to be decided; an open proposal of these very times waits for a dispatcher."""
    if event.all_day or event.repeats:
        return True
    side, booking = row.side, row.booking
    if side and (side.answered or side.waits_for_cancellation):
        return True
    proposed = side.proposal.times if side and side.proposal else None
    if proposed is None and booking.start and booking.end:
        proposed = Times(booking.start, booking.end)
    return proposed is None or not proposed.same_as(Times(event.start, event.end))
