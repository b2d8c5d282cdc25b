"""Which calendar each mailbox's events lie in, by what answers to writes tell.

An event's immutable id leads to it in Deleted Items as well, and a write there is answered with success. Some
answers show it: they name another folder than those of the mailbox's other events, or say that the event was
called off. That is a doubt and no proof, which one search settles; an answer that tells nothing raises none,
and then only a listing shows it.

Nobody tells which of the folders is the main calendar. So the first one that a mailbox's answers name counts
as such, until a search has shown another one to be. The same goes for a calendar that the settings name: its
id is known, but whether answers write it as lists do nobody says.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from booking_sync.ports.outlook.calendars import Written

MAX_MAILBOXES = 20_000
"""Far more than have bookings; the least recently written ones are forgotten first."""


class MainCalendars:
    """What this process has heard of the mailboxes' calendars."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], str] = OrderedDict()
        """By mailbox and name of the calendar."""

    def doubts(self, mailbox: str, calendar: str, written: Written) -> bool:
        """Whether the event may lie where nobody sees it, or in another calendar than this one."""
        if written.cancelled:
            return True
        if not written.calendar:
            return False
        known = self._known.get((mailbox, calendar))
        if known is None:
            self.confirm(mailbox, calendar, written)
            return False
        self._known.move_to_end((mailbox, calendar))
        return known != written.calendar

    def confirm(self, mailbox: str, calendar: str, written: Written) -> None:
        """An event that is shown lies where this answer says."""
        if not written.calendar:
            return
        self._known[mailbox, calendar] = written.calendar
        self._known.move_to_end((mailbox, calendar))
        if len(self._known) > MAX_MAILBOXES:
            self._known.popitem(last=False)
