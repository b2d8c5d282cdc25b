"""When so many events are gone that nobody's wish may be concluded from it. Pure.

Whatever empties a mailbox (a wipe, a retention policy, a migration, an account that is closed) looks like
somebody who deletes events one by one. So what a single sweep concludes is bounded by what it lists now,
without any memory: a few events, or a share of those that the mailbox should show, and nothing where its
calendar of bookings shows nothing at all.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from booking_sync.domain.return_path.missing import Missing

GRACE: Final = timedelta(minutes=10)
"""How long somebody may take back a deletion, or paste what was cut, before anything is concluded from it."""
MAX_MISSING: Final = 3
"""So many are believed whatever their share is: people do cancel their afternoon."""
MAX_MISSING_RATIO: Final = 0.2
"""Share of the events that a mailbox should show."""


def weigh(missing: int, *, expected: int, listed: int) -> Missing:
    """What the events that are gone mean: somebody's wish, or nobody's.

    Args:
        missing: events that rows name and that no calendar of the mailbox shows.
        expected: events that rows name, the missing ones included.
        listed: entries that the calendar of bookings shows in this time, people's own included. Holidays and
            colleagues' calendars go on showing theirs when a mailbox is emptied.
    """
    if not missing:
        return Missing.UNKNOWN
    too_many = missing > max(MAX_MISSING, MAX_MISSING_RATIO * expected)
    return Missing.WITHHELD if too_many or not listed else Missing.CONFIRMED
