"""From events that changed in Outlook to the bookings that name them.

Notifications tell of every event of a mailbox, people's own as well. What no row names is nobody's business
here, and is not read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from booking_sync.domain.messages.change import BookingChange
from booking_sync.domain.return_path.messages import versions_by_event

if TYPE_CHECKING:
    from datetime import timedelta

    from booking_sync.domain.return_path.messages import OutlookChange
    from booking_sync.ports.dataverse.event_owners import EventOwners
    from booking_sync.ports.platform.clock import Clock


@dataclass(frozen=True, slots=True)
class EventHint:
    """A booking to be looked at."""

    change: BookingChange
    gone_from: str = ""
    """The mailbox whose calendar does not show its event any more, as Graph says; empty: nobody said so.

    A look need not tell: where Exchange keeps a deleted event, it goes on answering by its immutable id.
    """


class OutlookChanges:
    """Finds the bookings of events.

    Args:
        owners: tells which rows name them.
        look_back: how long ago a booking may have started; what is older is history, as for the audit.
        now: the time of day.
    """

    def __init__(self, owners: EventOwners, look_back: timedelta, now: Clock) -> None:
        self._owners = owners
        self._look_back = look_back
        self._now = now

    async def bookings_of(self, change: OutlookChange) -> list[EventHint]:
        """A hint to look at each booking whose row names one of the events; one request.

        Raises:
            TransientError: Dataverse can't tell now.
        """
        named = await self._owners.bookings_of(
            change.mailbox, change.event_ids, self._now() - self._look_back
        )
        versions = versions_by_event(change)
        return [
            EventHint(
                BookingChange(
                    booking_id,
                    change.correlation_id,
                    change.first_seen,
                    look=True,
                    versions=versions.get(event_id, frozenset()),
                ),
                gone_from=change.mailbox if event_id in change.deleted else "",
            )
            for booking_id, event_id in named.items()
        ]
