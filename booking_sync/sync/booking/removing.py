"""Removes events of a booking, and nothing that people see or are invited to."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from booking_sync.domain.record import ATTENDED_REASON
from booking_sync.errors import PermanentError, TransientError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from booking_sync.domain.events.event_ref import EventRef
    from booking_sync.domain.events.ownership import Own
    from booking_sync.domain.record import SyncRecord
    from booking_sync.domain.return_path.side import OutlookSide
    from booking_sync.ports.outlook.calendars import Calendar
    from booking_sync.sync.booking.finding import EventFinder
    from booking_sync.sync.booking.run import Run

Result = TypeVar("Result")


class WithdrawFirstError(Exception):
    """Events are to be removed that the row does not list as leaving yet."""

    def __init__(self, *events: EventRef, side: OutlookSide | None = None) -> None:
        super().__init__(f"{len(events)} events are to be withdrawn")
        self.events = events
        self.side = side


class EventRemover:
    """Removes events, and says whether one may be touched at all.

    Args:
        calendar: the technicians' calendars.
        finder: finds a booking's events.
        both_ways: with a way back from Outlook no event is removed that its row still names.
    """

    def __init__(self, calendar: Calendar, finder: EventFinder, *, both_ways: bool) -> None:
        self._calendar = calendar
        self._finder = finder
        self._both_ways = both_ways

    def may_remove(self, run: Run, *events: EventRef) -> None:
        """Events may be removed once their row lists them as leaving.

        Raises:
            WithdrawFirstError: it does not yet; the round begins anew when it does.
        """
        if not self._both_ways or run.row is None:
            return
        if missing := [each for each in events if each not in run.leaving]:
            raise WithdrawFirstError(*missing)

    async def may_touch(self, run: Run, event: EventRef) -> bool:
        """Whether the event is where people see it, as far as can be told without a request too many.

        Raises:
            PermanentError: people are invited to it.
        """
        if event in run.removed:
            return False
        if event in run.quiet:
            return True
        found = await self._calendar.look(event)
        if found is None:
            return False
        run.saw(event, found.state)
        if found.uid:
            run.uids[event] = found.uid
        if not found.state.attended:
            return True
        if self._finder.is_known_to_searches(found) and not await self._finder.is_listed(run, event):
            await self.bury(run, event)
            return False
        raise PermanentError(ATTENDED_REASON)

    async def remove(self, run: Run, event: EventRef) -> None:
        """Remove an event; one that is gone already is fine.

        Raises:
            PermanentError: refused, or people are invited, who would get mail.
        """
        await self._was_removed(run, event)

    async def remove_all(self, run: Run, event: EventRef) -> None:
        """Remove the event of a booking that shall show nothing in its mailbox, under whatever id.

        Raises:
            PermanentError: as `remove`.
        """
        await self._remove_with_others(run, event, lambda _own: True)

    async def remove_former(self, run: Run, event: EventRef, record: SyncRecord) -> None:
        """Remove an event, under whatever id, of a booking that shows in its mailbox by another one.

        Args:
            run: of the booking.
            event: the event that it has no more.
            record: of the row, which has used up the generations of its former events.

        Raises:
            PermanentError: as `remove`.
        """
        used = record.generation - (record.event is not None)
        await self._remove_with_others(
            run, event, lambda own: own.event != record.event and own.generation <= used
        )

    async def _remove_with_others(self, run: Run, event: EventRef, is_former: Callable[[Own], bool]) -> None:
        if await self._was_removed(run, event):
            return
        run.missed.add(event)
        for own in filter(is_former, await self._finder.left_behind(run, event.mailbox)):
            run.burn(own.event.mailbox, own.generation)  # before: its row may have to be withdrawn first
            await self.remove(run, run.found(own))
        run.missed.discard(event)

    async def _was_removed(self, run: Run, event: EventRef) -> bool:
        """Remove an event as `remove` does; False when there is none under its id."""
        there = await self.may_touch(run, event)
        if there:
            self.may_remove(run, event)
            there = await touching(run, self._calendar.delete(event))
        known = event in run.removed - run.missed
        run.removed.add(event)
        return there or known

    async def remove_surplus(self, run: Run, mailbox: str, surplus: Sequence[Own]) -> bool:
        """Remove what other tries left, but for events to which people are invited; whether any went."""
        going = [own for own in surplus if own.event not in run.attended]
        if len(going) < len(surplus):
            run.unremoved.add(mailbox)
        for own in going:
            run.burn(mailbox, own.generation)
        self.may_remove(run, *(own.event for own in going))
        for own in going:
            await self.remove(run, own.event)
        return bool(going)

    async def discard(self, run: Run, event: EventRef) -> None:
        """Remove an event that no update makes an ordinary one: a new one is to take its place."""
        self.may_remove(run, event)
        if await touching(run, self._calendar.delete(event)):
            run.discarded.add(event)
        run.removed.add(event)

    async def bury(self, run: Run, event: EventRef) -> None:
        """Remove for good, as far as Outlook lets us, what a person deleted.

        Where people were invited it stays in Deleted Items: they were told already.
        """
        if run.deletion_counts and run.row and event == run.row.record.event:
            run.gone.add(event)
            return
        if event in run.quiet:
            self.may_remove(run, event)
            await touching(run, self._calendar.delete(event))
        run.removed.add(event)


async def touching(run: Run, call: Awaitable[Result]) -> Result:
    """Await a write to Outlook, noting whether it took or may have taken effect."""
    try:
        result = await call
    except TransientError as error:
        run.touched = run.touched or error.maybe_applied
        raise
    run.touched = True
    return result
