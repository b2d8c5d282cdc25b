"""The people whose calendars show events, as their readers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from booking_sync.domain.bookings.reader import Reader


class Readers(Protocol):
    """What people have chosen in Outlook."""

    async def reader(self, mailbox: str) -> Reader:
        """Language and zone of this mailbox (an Entra object id); one request.

        Raises:
            TransientError: it can't be told now.
            PermanentError: the app may not read it, or there is no mailbox.
        """
