"""The port `Doors` of an examination on Graph: whether a mailbox is open to the app."""

from __future__ import annotations

from typing import TYPE_CHECKING

from booking_sync.doctor.facts import Access
from booking_sync.errors import PermanentError
from booking_sync.outlook.errors import ACCESS_DENIED_REASON, NO_MAILBOX_REASON

if TYPE_CHECKING:
    from booking_sync.ports.calendars import Calendar

_NOBODY_S = "booking-sync-doctor/nobody"
"""A marker that no event carries, so that nothing of the calendar is shown."""


class OutlookDoors:
    """Fulfils `Doors`.

    Args:
        calendar: the technicians' calendars; stays the caller's to close.
    """

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar

    async def access(self, mailbox: str) -> Access:
        """Try to read; raises `SyncError` for any other refusal than a closed or missing mailbox."""
        try:
            await self._calendar.find(mailbox, _NOBODY_S)
        except PermanentError as error:
            known = {ACCESS_DENIED_REASON: Access.DENIED, NO_MAILBOX_REASON: Access.NO_MAILBOX}
            if error.reason not in known:
                raise
            return known[error.reason]
        return Access.ALLOWED
