"""What an event to which people are invited may leave undone, and for how long.

While people are invited, the event stays as it is, whatever becomes of its booking; an audit has that told on
the row. Once they are removed, the next audit mends everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from booking_sync.domain.record import ATTENDED_REASON, MAILED_REASON
from tests.simulation.checks.invariants import Violation, is_provable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from booking_sync.domain.record import BookingRow
    from tests.simulation.meetings.habits import Habits

REASONS = (ATTENDED_REASON, MAILED_REASON)


def apart_from_meetings(found: Sequence[Violation], habits: Habits) -> list[Violation]:
    """Violations that no meeting excuses."""
    with_people = bookings_with_people(habits)
    return [each for each in found if each.booking_id not in with_people]


def untold(
    rows: Mapping[str, BookingRow | None], with_people: AbstractSet[str], denied: str
) -> Iterator[Violation]:
    """Rows that an audit has looked at, and that do not tell of the people.

    Args:
        rows: by booking id.
        with_people: the bookings that had people at an event when the audit began, and have them still: a
            copy whose original the audit itself removed is the next one's.
        denied: a mailbox whose refusal a row tells instead.
    """
    for booking_id in sorted(with_people):
        row = rows.get(booking_id)
        resource = row.booking.resource if row else None
        elsewhere = resource and resource.user and resource.user.entra_object_id == denied
        if row and not elsewhere and not any(each in row.record.error for each in REASONS):
            yield Violation("untold", f"the row of booking {booking_id[-4:]} does not tell of the people")


def bookings_with_people(habits: Habits) -> set[str]:
    """Those with an event to which people are invited, and that the app knows, or can prove, to be its own.

    Of two copies of an event that is gone, the later one is a copy for everybody. So is one that was made
    long after what it was copied from, as its birth tells.
    """
    return {
        booking_id
        for booking_id, mailbox, event in habits.with_people()
        if event.owner_app or is_provable(mailbox, booking_id, event)
    }
