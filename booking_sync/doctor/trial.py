"""The one check that writes: an event is made in a mailbox, read back and removed, whatever happens.

It carries a marker that no booking has, so that the audit leaves it alone, and always the same one, so that
the next examination finds what a killed one left behind.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from booking_sync.doctor.findings import Area, Finding, Severity
from booking_sync.doctor.mailboxes import INCLUDE
from booking_sync.domain.event import EventContent, EventRef, EventTime
from booking_sync.errors import PermanentError, SyncError

if TYPE_CHECKING:
    from collections.abc import Callable

    from booking_sync.ports import Calendar

MARKER: Final = "booking-sync-doctor/test-event"
SUBJECT: Final = "booking_sync test event (removed within seconds)"
_SUNDAY, _HOUR = 6, 3
_LENGTH = timedelta(minutes=5)
_LATER = "Try again later; if it goes on, see https://admin.microsoft.com for the state of Exchange Online."


def quiet_hour(now: datetime) -> datetime:
    """When the test event is: far from anybody's working hours, in UTC."""
    day = now + timedelta(days=(_SUNDAY - now.weekday()) % 7 + 7)
    return day.replace(hour=_HOUR, minute=0, second=0, microsecond=0)


def announce(name: str, now: datetime) -> Finding:
    """What the trial would write."""
    words = f"would make, read back and remove the event «{SUBJECT}» on {quiet_hour(now):%Y-%m-%d %H:%M} UTC"
    return Finding(Area.MAILBOXES, name, Severity.SKIPPED, words)


async def try_mailbox(
    calendar: Calendar, name: str, mailbox: str, now: datetime, new_id: Callable[[], str]
) -> list[Finding]:
    """Make the event, read it back, remove it.

    Args:
        calendar: where.
        name: the mailbox, as it was asked for.
        mailbox: its user's Entra object id.
        now: aware, UTC.
        new_id: a fresh GUID's text.

    Returns:
        One finding, and one more if the event could not be removed.
    """
    left: SyncError | None = None
    refused = False
    try:
        created = await calendar.create(mailbox, _content(now), marker=MARKER, transaction_id=new_id())
        found = await calendar.find(mailbox, MARKER)
        finding = _judge(name, seen=created.event_id in {each.ref.event_id for each in found})
    except SyncError as error:
        finding, refused = _refused(name, error), isinstance(error, PermanentError)
    finally:
        # Also after Ctrl-C, and when the answer to the creation was lost.
        left = await _sweep(calendar, mailbox)
    return [finding, *([_left(name, left)] if left and not refused else [])]


async def _sweep(calendar: Calendar, mailbox: str) -> SyncError | None:
    """Remove every test event there is; returns why that did not work."""
    try:
        for event in await calendar.find(mailbox, MARKER):
            await calendar.delete(EventRef(mailbox, event.ref.event_id))
    except SyncError as error:
        return error
    return None


def _judge(name: str, *, seen: bool) -> Finding:
    if seen:
        words = "a test event was made, read back and removed"
        return Finding(Area.MAILBOXES, name, Severity.OK, words)
    words = "a test event was made, but is not found in the calendar again"
    return Finding(Area.MAILBOXES, name, Severity.ERROR, words, _LATER)


def _refused(name: str, error: SyncError) -> Finding:
    remedy = INCLUDE if isinstance(error, PermanentError) else _LATER
    return Finding(Area.MAILBOXES, name, Severity.ERROR, error.reason, remedy)


def _left(name: str, error: SyncError) -> Finding:
    words = f"the test event may still be there: {error.reason}"
    remedy = f"Run the same command again, or delete «{SUBJECT}» by hand."
    return Finding(Area.MAILBOXES, f"{name}: removal", Severity.ERROR, words, remedy)


def _content(now: datetime) -> EventContent:
    start = quiet_hour(now)
    return EventContent(
        subject=SUBJECT,
        body_html="<p>Made by <code>booking-sync doctor</code> to see whether it may; delete it at will.</p>",
        start=_time(start),
        end=_time(start + _LENGTH),
        show_as="free",
    )


def _time(moment: datetime) -> EventTime:
    return EventTime(moment.strftime("%Y-%m-%dT%H:%M:%S"), "UTC")
