"""A mailbox seen as a whole, with calendars that never hold events of ours by themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from booking_sync.errors import PermanentError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from booking_sync.domain.events.event import FoundEvent, MarkedEvent


class TooManyCalendarsError(PermanentError):
    """A person has more calendars of their own than are looked into: nobody knows what is in them."""


@dataclass(frozen=True, slots=True)
class CalendarContents:
    """What calendars show in some time."""

    events: Sequence[MarkedEvent]
    """Those with a marker of ours."""
    entries: int
    """All that the calendar shows in which events are made, people's own included; none of any other."""


class MailboxEvents(Protocol):
    """The events of one mailbox, completely listed: a list that fails or breaks off raises."""

    async def list_shown(self, mailbox: str, first: datetime, last: datetime) -> CalendarContents:
        """What touches this time in the calendars that may hold events of ours."""

    async def list_elsewhere(self, mailbox: str, first: datetime, last: datetime) -> Sequence[MarkedEvent]:
        """Events with a marker of ours in the mailbox's other calendars, to which people drag them.

        A calendar that somebody else shares, or that can't be read, is left out.

        Raises:
            TooManyCalendarsError: they are too many.
        """

    async def find_everywhere(self, mailbox: str, marker: str) -> Sequence[FoundEvent]:
        """Every event with this marker in any of the mailbox's calendars, whenever it is."""
