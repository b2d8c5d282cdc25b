"""Which bookings events belong to, as the bookings' rows name them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


class EventOwners(Protocol):
    """The bookings in Dataverse, found by the events that their rows name."""

    async def bookings_of(
        self, mailbox: str, event_ids: Sequence[str], starts_from: datetime
    ) -> Sequence[str]:
        """Ids of the bookings whose rows name one of these events of the mailbox and start then or later.

        What a row names need not be proven ours: whoever acts on it reads the row.
        """
