"""The port `MailboxEvents` on Graph: one mailbox with all of its calendars.

People drag events from one calendar to another; the immutable id stays. Which of a mailbox's calendars is
the main one its list tells (`isDefaultCalendar`, Microsoft Graph: "calendar resource type"). That list holds
what colleagues share, too: what is dragged there is gone from here, and their trouble is not this mailbox's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from booking_sync.domain.events.event_calendars import MAIN
from booking_sync.errors import PermanentError
from booking_sync.outlook import listing
from booking_sync.outlook.mailboxes.calendar_list import read_calendars
from booking_sync.ports.outlook.sweeps import CalendarContents, TooManyCalendarsError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from datetime import datetime
    from typing import Protocol

    from booking_sync.domain.events.event import FoundEvent, MarkedEvent
    from booking_sync.outlook.graph.wire import GraphRequest
    from booking_sync.outlook.requests import EventRequests

    Place = tuple[str | None, str | None]

    class Pages(Protocol):
        """Reads a list to its end, page by page."""

        def __call__(self, first: GraphRequest, *, may_be_gone: bool = False) -> AsyncIterator[list[Any]]:
            """The entries of each page."""


MAX_CALENDARS = 50
"""Of one person; nobody has as many, and each costs a request."""


class WholeMailbox:
    """Fulfils `MailboxEvents`.

    Args:
        pages: reads a list to its end.
        requests: builds requests with the SDK.
        places: names and ids of the calendars that may hold events of ours, as `OutlookCalendar` has them.
        made_in: the name of the one in which events are made.
    """

    def __init__(
        self,
        pages: Pages,
        requests: EventRequests,
        places: Callable[[str], Awaitable[Sequence[Place]]],
        made_in: str = MAIN,
    ) -> None:
        self._pages = pages
        self._requests = requests
        self._places = places
        self._made_in = made_in

    async def list_shown(self, mailbox: str, first: datetime, last: datetime) -> CalendarContents:
        """See the port."""
        return await self._contents(mailbox, first, last, await self._places(mailbox))

    async def list_elsewhere(self, mailbox: str, first: datetime, last: datetime) -> list[MarkedEvent]:
        """See the port."""
        events: list[MarkedEvent] = []
        for place in await self._others(mailbox):
            try:
                found = await self._contents(mailbox, first, last, [place])
            except PermanentError:
                continue  # somebody else's, where no owner is told
            events += found.events
        return events

    async def find_everywhere(self, mailbox: str, marker: str) -> list[FoundEvent]:
        """See the port."""
        found: dict[str, FoundEvent] = {}
        for place in await self._places(mailbox):
            found |= await self._find(mailbox, marker, place)
        for place in await self._others(mailbox):
            try:
                found |= await self._find(mailbox, marker, place)
            except PermanentError:
                continue
        return list(found.values())

    async def _find(self, mailbox: str, marker: str, place: Place) -> dict[str, FoundEvent]:
        found: dict[str, FoundEvent] = {}
        request = self._requests.find(mailbox, marker, place[1])
        async for entries in self._pages(request, may_be_gone=bool(place[1])):
            found |= {each.ref.event_id: each for each in listing.found_events(entries, mailbox, marker)}
        return found

    async def _contents(
        self, mailbox: str, first: datetime, last: datetime, places: Sequence[Place]
    ) -> CalendarContents:
        events: dict[str, MarkedEvent] = {}
        shown = 0
        for name, calendar_id in places:
            request = self._requests.view(mailbox, first, last, calendar_id)
            async for entries in self._pages(request, may_be_gone=bool(calendar_id)):
                shown += len(entries) if (name or MAIN) == self._made_in else 0
                for event in listing.marked_events(entries, mailbox):
                    events.setdefault(event.ref.event_id, replace(event, calendar=name or MAIN))
        return CalendarContents(list(events.values()), shown)

    async def _others(self, mailbox: str) -> list[Place]:
        """The person's own calendars that are not among the places, the main one left out."""
        known = {calendar_id for _, calendar_id in await self._places(mailbox)}
        others: list[Place] = [
            (each.name, each.calendar_id)
            for each in await read_calendars(self._pages(self._requests.calendars(mailbox)))
            if each.is_own and not each.is_main and each.calendar_id not in known
        ]
        if len(others) > MAX_CALENDARS:
            raise TooManyCalendarsError(f"Outlook: this person has more than {MAX_CALENDARS} calendars.")
        return others
