"""The list of a mailbox's calendars, and which of them are the person's own.

Microsoft Graph, "List calendars" and "calendar resource type": the list holds what colleagues share, too.
`owner` is then who shared it; of calendars that the user made or added it is the user. So whoever owns the
main calendar owns the mailbox. Where no owner is told, a calendar counts as the person's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from booking_sync.outlook.fields import Fields

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence


@dataclass(frozen=True, slots=True)
class ListedCalendar:
    """What the list says of a calendar."""

    calendar_id: str
    name: str
    is_main: bool
    is_own: bool
    """Of the person whose mailbox it is."""


async def read_calendars(pages: AsyncIterator[Sequence[Any]]) -> list[ListedCalendar]:
    """The whole list; only from its end is it known whose the main calendar is.

    Raises:
        SyncError: a page can't be had or read.
    """
    listed = [Fields(each) async for entries in pages for each in entries]
    people = {_owner(each) for each in listed if _is_main(each)} - {""}
    return [
        ListedCalendar(
            each.event_id(),
            each.text("name"),
            _is_main(each),
            not people or not _owner(each) or _owner(each) in people,
        )
        for each in listed
    ]


def _is_main(calendar: Fields) -> bool:
    return calendar.flag("isDefaultCalendar")


def _owner(calendar: Fields) -> str:
    """The owner's address to compare; empty when none is told."""
    owner = calendar.object("owner")
    return owner.text("address").casefold() if owner else ""
