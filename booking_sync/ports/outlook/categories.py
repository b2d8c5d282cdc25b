"""A mailbox's own list of categories, which gives them their colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from booking_sync.domain.events.event_text.colours import CategoryColour


class CategoryLists(Protocol):
    """The lists of categories of technicians' mailboxes.

    Every method may raise:
        TransientError: try again.
        PermanentError: there is no such mailbox, or the app may not do this; `cause` tells which.
    """

    async def names(self, mailbox: str) -> frozenset[str]:
        """The categories that are in the list, in lower case: Outlook minds no capital letters."""

    async def add(self, mailbox: str, colour: CategoryColour) -> bool:
        """Add a category with its colour; False when it is there already, in whatever colour."""
