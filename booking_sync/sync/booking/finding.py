"""Finds a booking's events in mailboxes, whether or not a row names them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from booking_sync.domain.events.event import without_content
from booking_sync.domain.events.event_calendars import calendar_part, is_same_calendar
from booking_sync.errors import PermanentError, TransientError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from booking_sync.domain.events.event import FoundEvent
    from booking_sync.domain.events.event_ref import EventRef
    from booking_sync.domain.events.ownership import Own
    from booking_sync.domain.record import BookingRow, SyncRecord
    from booking_sync.ports.outlook.calendars import Calendar
    from booking_sync.ports.platform.clock import Clock
    from booking_sync.sync.booking.proof import EventProver
    from booking_sync.sync.booking.run import Run

SEARCH_KNOWS_AFTER = timedelta(minutes=10)
"""How long after its creation an event may be missing from a search; Graph promises nothing."""


class EventFinder:
    """Reads, and writes nothing.

    Args:
        calendar: the technicians' calendars.
        prover: proves events to be ours.
        now: the time of day.
    """

    def __init__(self, calendar: Calendar, prover: EventProver, now: Clock) -> None:
        self._calendar = calendar
        self._prover = prover
        self._sealer = prover.sealer
        self._now = now

    async def search(self, run: Run, mailbox: str) -> list[Own] | None:
        """This booking's proven events in the mailbox, by generation; None if it can't be read."""
        try:
            return await self._prover.own_events(run.task.booking_id, mailbox)
        except PermanentError:
            return None

    async def left_behind(self, run: Run, mailbox: str) -> list[Own]:
        """The same; none where the mailbox can't be read, in which nothing can have been written either."""
        return await self.search(run, mailbox) or []

    async def is_listed(self, run: Run, event: EventRef, calendar: str | None = None) -> bool:
        """Whether a search by the booking's marker finds this very event, and so people see it.

        Args:
            run: of the booking.
            event: the event.
            calendar: the one that has to show it; None for any.
        """
        found = await self._calendar.find(event.mailbox, self._sealer.marker(run.task.booking_id))
        uid = run.uids.get(event)
        same = (each for each in found if each.ref.event_id == event.event_id or (uid and each.uid == uid))
        return any(
            calendar is None or each.calendar is None or is_same_calendar(each.calendar, calendar)
            for each in same
        )

    def known_before(self) -> datetime:
        """The moment before which an event was made that each search knows by now; aware, UTC."""
        return self._now() - SEARCH_KNOWS_AFTER

    def is_known_to_searches(self, found: FoundEvent) -> bool:
        """Whether the event is so old that each search knows it."""
        return found.created is None or found.created < self.known_before()


def where_it_was_found(row: BookingRow, found: Iterable[Own]) -> BookingRow:
    """The row, whose record tells in which calendar its event is: people may have dragged it elsewhere."""
    own = next((each for each in found if each.event == row.record.event), None)
    if own is None or own.calendar is None:
        return row
    place = calendar_part(own.calendar)
    if without_content(row.record.fingerprint) == place:
        return row
    return replace(row, record=replace(row.record, fingerprint=place))


def under_another_id(found: Iterable[Own], gone: EventRef, record: SyncRecord | None) -> Own | None:
    """What an import, an archive or a migration made of an event that is gone under its id; None for nothing.

    Args:
        found: the booking's events, by generation.
        gone: the event.
        record: of the row, where nothing may be named again that was withdrawn from it; else None.
    """
    least = record.generation if record else 0
    others = [own for own in found if own.event != gone and own.generation >= least]
    return others[-1] if others else None


def adopted(found: Sequence[Own], calendar: str) -> Own | None:
    """The event that the booking takes for its own: the latest one, in the right calendar if there is any."""
    rightly = [own for own in found if not own.is_misplaced(calendar)]
    candidates = rightly or found
    return candidates[-1] if candidates else None


def listed_all_the_same() -> TransientError:
    """A service that does not know whether an event is there must not have us make another one."""
    return TransientError("Outlook lists an event that it does not find by its id")
