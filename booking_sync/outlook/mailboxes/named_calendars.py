"""Calendars of a mailbox that the settings name: found by their names, made when they are missing.

Graph lists a mailbox's calendars (`GET /users/{id}/calendars`, documented), and makes one by `POST`. A second
one of the same name was seen refused with 409 `ErrorFolderExists` (alcionai/corso, pull request 3318), also
when an answer of 5xx had hidden that the first one was made. Should Graph make two all the same, all of them
count, and events are made in the one whose id comes first: every process comes to the same.

A calendar of that name that a colleague shares stands in the list, too, and is never taken.

Whoever looks for events asks for the list anew; only creations remember an id, for some minutes.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakValueDictionary

from booking_sync.domain.events.event_calendars import is_same_calendar
from booking_sync.errors import PermanentError, TransientError
from booking_sync.outlook.graph import errors
from booking_sync.outlook.mailboxes.calendar_list import read_calendars

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from datetime import datetime

    from booking_sync.outlook.graph.wire import Answer, GraphRequest
    from booking_sync.outlook.mailboxes.calendar_list import ListedCalendar
    from booking_sync.outlook.requests import EventRequests
    from booking_sync.ports.platform.clock import Clock

    Pages = Callable[[GraphRequest], AsyncIterator[list[Any]]]

REMEMBERED_FOR: Final = timedelta(minutes=15)
"""A calendar that somebody deleted may go on answering by its id: so long events may be made there."""
MAX_REMEMBERED: Final = 20_000
NAME_TAKEN_REASON: Final = (
    "Outlook: a colleague shares a calendar with this person that has the name of EVENT_CALENDAR, so that "
    "none of that name can be made in this mailbox: have it renamed, or removed from this person's list."
)
RENAMED_WITHIN: Final = timedelta(hours=4)
"""How long it is tried again after people were told."""


@dataclass(frozen=True, slots=True)
class _Known:
    calendar_id: str
    until: datetime
    """Aware, UTC."""


class NamedCalendars:
    """What this process knows of the mailboxes' calendars.

    Args:
        submit: has a request travel with others.
        pages: reads a list to its end.
        requests: builds requests.
        now: the time of day, aware.
    """

    def __init__(
        self,
        submit: Callable[[GraphRequest], Awaitable[Answer]],
        pages: Pages,
        requests: EventRequests,
        now: Clock,
    ) -> None:
        self._submit = submit
        self._pages = pages
        self._requests = requests
        self._now = now
        self._known: OrderedDict[tuple[str, str], _Known] = OrderedDict()
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    async def find(self, mailbox: str, names: tuple[str, ...]) -> list[tuple[str, str]]:
        """The person's own calendars of these names, each with its id, as they are now; none is made.

        Raises:
            TransientError: the list can't be read to its end.
            PermanentError: no mailbox or no access.
        """
        return [
            (name, each.calendar_id)
            for each in await self._list(mailbox)
            for name in names
            if each.is_own and is_same_calendar(name, each.name)
        ]

    async def for_creation(self, mailbox: str, name: str) -> str:
        """The id of the calendar in which events are made; it is made itself when there is none.

        Raises:
            TransientError: it can't be found or made now.
            PermanentError: no mailbox, no access, or Graph refuses to make it.
        """
        key = (mailbox.lower(), name.casefold())
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            known = self._known.get(key)
            if known is None or known.until <= self._now():
                known = _Known(await self._find_or_make(mailbox, name), self._now() + REMEMBERED_FOR)
                self._remember(key, known)
            return known.calendar_id

    def forget(self, mailbox: str, name: str) -> None:
        """The calendar that was remembered is gone."""
        self._known.pop((mailbox.lower(), name.casefold()), None)

    async def _find_or_make(self, mailbox: str, name: str) -> str:
        own, _ = await self._called(mailbox, name)
        if own:
            return min(own)
        made = await self._make(mailbox, name)
        own, others = await self._called(mailbox, name)
        if own:
            return min(own)
        if others and not made:
            raise PermanentError(NAME_TAKEN_REASON, patience=RENAMED_WITHIN)
        raise TransientError("Graph does not list the calendar that it was asked to make")

    async def _make(self, mailbox: str, name: str) -> bool:
        """Make one; False when something of this name is there already."""
        request = self._requests.make_calendar(mailbox, name)
        answer = await self._submit(request)
        if errors.is_success(answer):
            return True
        if errors.is_folder_there(answer):
            return False
        # Whatever became of it, the next try finds the calendar or makes it.
        raise errors.translate(answer, self._now(), writes=False, creating=True)

    async def _called(self, mailbox: str, name: str) -> tuple[list[str], list[str]]:
        """The ids of the calendars of this name: the person's own, and others' that are shared."""
        own: list[str] = []
        others: list[str] = []
        for each in await self._list(mailbox):
            if is_same_calendar(name, each.name):
                (own if each.is_own else others).append(each.calendar_id)
        return own, others

    async def _list(self, mailbox: str) -> list[ListedCalendar]:
        return await read_calendars(self._pages(self._requests.calendars(mailbox)))

    def _remember(self, key: tuple[str, str], known: _Known) -> None:
        self._known[key] = known
        self._known.move_to_end(key)
        if len(self._known) > MAX_REMEMBERED:
            self._known.popitem(last=False)
