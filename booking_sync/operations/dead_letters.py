"""Reads dead letters: the messages on the poison queue. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from booking_sync.domain.change import BookingChange, MalformedChangeError, RelatedChange, decode_message
from booking_sync.domain.text import clean_lines

if TYPE_CHECKING:
    from datetime import datetime

    from booking_sync.ports.queues import PoisonMessage

MAX_REASON = 1000


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that was given up."""

    message_id: str
    reason: str
    """Why it was given up; empty when the host put it there, which gives no reason."""
    dead_lettered_at: str
    """ISO 8601; empty when unknown."""
    change: BookingChange | RelatedChange | None
    """None when the message can't be read, and so can't be tried again."""

    @property
    def booking_id(self) -> str:
        """The booking it was about; empty when it was about another row or can't be read."""
        return self.change.booking_id if isinstance(self.change, BookingChange) else ""


def read_dead_letter(message: PoisonMessage) -> DeadLetter:
    """Read a message of the poison queue; never raises.

    The app puts a reason beside the message, the Functions host moves the bare message.
    """
    entry = _object(message.text)
    if entry is None or "reason" not in entry:
        return DeadLetter(message.message_id, "", "", _change(message.text))
    original = entry.get("message")
    text = original if isinstance(original, str) else json.dumps(original)
    return DeadLetter(
        message.message_id,
        clean_lines(str(entry["reason"]), MAX_REASON),
        clean_lines(str(entry.get("deadLetteredAt", "")), 40),
        _change(text),
    )


def renewed_change(change: BookingChange | RelatedChange, now: datetime) -> BookingChange | RelatedChange:
    """The change as if it came in now: without attempts, and with `MESSAGE_MAX_AGE_HOURS` before it.

    A booking's change is marked uncertain, because nobody knows what happened to its event since.
    """
    if isinstance(change, RelatedChange):
        return replace(change, first_seen=now, attempt=0)
    return replace(change, first_seen=now, attempt=0, uncertain=True)


def _object(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _change(text: str) -> BookingChange | RelatedChange | None:
    try:
        return decode_message(text)
    except MalformedChangeError:
        return None
