"""Which bookings events belong to, as the bookings' rows name them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime


class EventOwners(Protocol):
    """The bookings in Dataverse, found by the events that their rows name."""

    async def bookings_of(
        self, mailbox: str, event_ids: Sequence[str], starts_from: datetime
    ) -> Mapping[str, str]:
        """By id, the bookings that start then or later and whose rows name one of these events: which one.

        What a row names need not be proven ours: whoever acts on it reads the row.
        """
