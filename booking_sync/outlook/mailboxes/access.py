"""The port `MailboxAccessReads` on Graph: whether the app may read a mailbox's calendar."""

from __future__ import annotations

from typing import TYPE_CHECKING

from booking_sync.errors import Cause, PermanentError
from booking_sync.ports.diagnosis import MailboxAccess

if TYPE_CHECKING:
    from booking_sync.ports.outlook.calendars import Calendar

_UNUSED_MARKER = "booking-sync-doctor/nobody"
"""A marker that no event carries, so that Graph answers without showing any event."""

_KNOWN = {Cause.ACCESS_DENIED: MailboxAccess.DENIED, Cause.NO_MAILBOX: MailboxAccess.NO_MAILBOX}


class OutlookMailboxAccessReads:
    """Fulfils `MailboxAccessReads`.

    Args:
        calendar: the technicians' calendars; stays the caller's to close.
    """

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar

    async def access(self, mailbox: str) -> MailboxAccess:
        """Try to read; raises `SyncError` for any other refusal than no access or no mailbox."""
        try:
            await self._calendar.find(mailbox, _UNUSED_MARKER)
        except PermanentError as error:
            if error.cause not in _KNOWN:
                raise
            return _KNOWN[error.cause]
        return MailboxAccess.ALLOWED
