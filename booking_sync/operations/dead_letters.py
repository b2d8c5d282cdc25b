"""Reads dead letters: the messages on the poison queue. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from booking_sync.domain.messages.audit_progress import AuditProgress
from booking_sync.domain.messages.change import (
    BookingChange,
    MalformedChangeError,
    Message,
    RelatedChange,
    decode_message,
)
from booking_sync.domain.return_path.messages import MailboxSweep, OutlookChange
from booking_sync.domain.text import clean_lines

if TYPE_CHECKING:
    from datetime import datetime

    from booking_sync.ports.platform.queues import PoisonMessage

MAX_REASON = 1000


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that was given up."""

    message_id: str
    reason: str
    """Why it was given up; empty when the host put it there, which gives no reason."""
    dead_lettered_at: str
    """ISO 8601; when it came, where the host put it there, which notes no time; empty when unknown."""
    change: Message | None
    """None when the message can't be read, and so can't be tried again."""
    came: datetime | None = None
    """When it came onto the poison queue in this form: aware, UTC; None when unknown."""
    expires: datetime | None = None
    """When Storage deletes it by itself: aware, UTC; None when it stays."""

    @property
    def booking_id(self) -> str:
        """The booking it was about; empty when it was about another row or can't be read."""
        return self.change.booking_id if isinstance(self.change, BookingChange) else ""

    @property
    def correlation_id(self) -> str:
        """What ties its log lines together; empty when it can't be read."""
        match self.change:
            case AuditProgress():
                return self.change.audit_id
            case None:
                return ""
        return self.change.correlation_id

    @property
    def about(self) -> str:
        """What else than a booking it was about; empty when it was about one, or can't be read."""
        match self.change:
            case RelatedChange():
                return f"{self.change.table.value} {self.change.row_id}"
            case AuditProgress():
                return "an audit"
            case OutlookChange():
                return f"events of mailbox {self.change.mailbox}"
            case MailboxSweep():
                return f"mailbox {self.change.mailbox}"
        return ""


def read_dead_letter(message: PoisonMessage) -> DeadLetter:
    """Read a message of the poison queue; never raises.

    The app puts a reason beside the message, the Functions host moves the bare message.
    """
    entry = _entry(message)
    if entry is None:
        came = message.inserted.isoformat() if message.inserted else ""
        return DeadLetter(
            message.message_id, "", came, _change(message.text), message.inserted, message.expires
        )
    return DeadLetter(
        message.message_id,
        clean_lines(str(entry["reason"]), MAX_REASON),
        clean_lines(str(entry.get("deadLetteredAt", "")), 40),
        _change(original_text(message)),
        message.inserted,
        message.expires,
    )


def original_text(message: PoisonMessage) -> str:
    """The text that the message had on the change queue."""
    entry = _entry(message)
    if entry is None:
        return message.text
    original = entry.get("message")
    return original if isinstance(original, str) else json.dumps(original)


def renewed_change(change: Message, now: datetime, order: str) -> Message:
    """The change as if it came in now: without attempts, and with `MESSAGE_MAX_AGE_HOURS` before it.

    A booking's change is marked uncertain, because nobody knows what happened to its event since, and bears
    the order's id from now on, so that what became of the order can be told.

    Args:
        change: as it was given up.
        now: aware.
        order: the correlation id of the order that replays it.
    """
    if isinstance(change, BookingChange):
        return replace(change, correlation_id=order, first_seen=now, attempt=0, waited=0.0, uncertain=True)
    return replace(change, first_seen=now, attempt=0, waited=0.0)


def _entry(message: PoisonMessage) -> dict[str, Any] | None:
    """What the app laid down, with its reason; None for what somebody else did."""
    try:
        found = json.loads(message.text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and "reason" in found else None


def _change(text: str) -> Message | None:
    try:
        return decode_message(text)
    except MalformedChangeError:
        return None
