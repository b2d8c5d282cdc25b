"""What lies on the queue: hints that bookings be looked at again, audits under way, and what Outlook told.

A hint is about one booking, or about every booking that names some row.

Hints carry ids only. The worker reads rows afresh, so the order and number of hints do not matter. Only a
deletion carries data, since its row is gone: the event that the row named.

The kinds have versions of their own. During an update of the app an instance of before may meet the newer
kind; it then lays the message on the poison queue with its reason, from where it can be replayed, instead of
taking it for a booking that does not exist.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from booking_sync.domain.environment.columns import SYNC_STATE_LENGTH
from booking_sync.domain.environment.watched import RelatedTable
from booking_sync.domain.events.event_ref import EventClaim, EventRef, is_event_id, is_mailbox
from booking_sync.domain.ids import read_guid
from booking_sync.domain.messages.audit_message import AUDIT_VERSION, read_audit
from booking_sync.domain.messages.audit_progress import AuditProgress
from booking_sync.domain.messages.fields import (
    MAX_ATTEMPT,
    MAX_CORRELATION_ID,
    MAX_WAITED,
    MalformedChangeError,
    attempt,
    correlation_id,
    guid,
    moment,
    take,
    waited,
)
from booking_sync.domain.return_path.messages import (
    OUTLOOK_VERSION,
    SWEEP_VERSION,
    MailboxSweep,
    OutlookChange,
    read_outlook_change,
    read_sweep,
    versions,
)
from booking_sync.domain.return_path.missing import Missing
from booking_sync.domain.return_path.version import MOST_VERSIONS

__all__ = [
    "MAX_ATTEMPT",
    "MAX_CORRELATION_ID",
    "MAX_SUSPECTS",
    "MAX_WAITED",
    "MESSAGE_VERSION",
    "RELATED_VERSION",
    "BookingChange",
    "MalformedChangeError",
    "Message",
    "RelatedChange",
    "decode_change",
    "decode_message",
    "encode_change",
    "encode_related",
    "is_by_webhook",
]

MESSAGE_VERSION = 1
RELATED_VERSION = 2
MAX_SUSPECTS = 16
"""Each is a mailbox to search. A booking gets one more when a creation's end is uncertain and it then moves
to another technician, so that two are rare; what lies in a mailbox that is not searched, the audit finds."""
_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


def is_by_webhook(correlation_id: str) -> bool:
    """Whether a webhook brought the change in: its id is a GUID; those of our own runs begin with a name."""
    return read_guid(correlation_id) is not None


@dataclass(frozen=True, slots=True)
class BookingChange:
    """One hint."""

    booking_id: str
    correlation_id: str
    first_seen: datetime
    """Aware, UTC: when the change first came in; a put-back keeps it, so that the lag can be told."""
    deleted: bool = False
    event: EventClaim | None = None
    """Deletion only: the event that the deleted row named. It proves nothing: anybody may have posted it."""
    attempt: int = 0
    """How often this change was put back."""
    waited: float = 0.0
    """Seconds of the waits that its own failed tries brought it, so that patience ends one day.

    What passed while nobody tried it (the app stood still, a service was known to be down, settings were
    wrong) is not in it.
    """
    uncertain: bool = False
    """An earlier try may have written something that the row does not record."""
    suspects: frozenset[str] = field(default_factory=frozenset)
    """Mailboxes in which such a write may have left an event."""
    look: bool = False
    """Somebody may have changed its event in Outlook."""
    versions: frozenset[str] = field(default_factory=frozenset)
    """Only with a look: those of the event that it is about, see `version_of`; none: whatever there is."""
    missing: Missing = Missing.UNKNOWN
    """What is known of its event where it may be gone."""
    trace: str = ""
    """W3C traceparent of what brought the change in; empty when nothing was traced."""


@dataclass(frozen=True, slots=True)
class RelatedChange:
    """A hint that every booking which names this row may show something else now."""

    table: RelatedTable
    row_id: str
    correlation_id: str
    first_seen: datetime
    """Aware, UTC: when the change first came in; a put-back and a continuation keep it."""
    attempt: int = 0
    """How often this change was put back."""
    waited: float = 0.0
    """As a `BookingChange`'s."""
    starts_from: datetime | None = None
    """Aware, UTC: bookings that start earlier have their hints already; None at the beginning."""
    trace: str = ""
    """As a `BookingChange`'s."""


def encode_related(change: RelatedChange) -> str:
    """The queue message's text (JSON); always one that `decode_message` takes."""
    message: dict[str, Any] = {
        "version": RELATED_VERSION,
        "table": change.table.value,
        "rowId": change.row_id,
        "correlationId": change.correlation_id[:MAX_CORRELATION_ID],
        "firstSeen": change.first_seen.astimezone(UTC).isoformat(),
    }
    if change.attempt:
        message["attempt"] = min(change.attempt, MAX_ATTEMPT)
    if change.waited:
        message["waitedSeconds"] = min(change.waited, MAX_WAITED)
    if change.starts_from:
        message["startsFrom"] = change.starts_from.astimezone(UTC).isoformat()
    if change.trace:
        message["traceparent"] = change.trace
    return json.dumps(message)


def encode_change(change: BookingChange) -> str:
    """The queue message's text (JSON); always one that `decode_message` takes."""
    message: dict[str, Any] = {
        "version": MESSAGE_VERSION,
        "bookingId": change.booking_id,
        "correlationId": change.correlation_id[:MAX_CORRELATION_ID],
        "firstSeen": change.first_seen.astimezone(UTC).isoformat(),
    }
    flags = {"deleted": change.deleted, "uncertain": change.uncertain, "look": change.look}
    message |= {name: True for name, is_set in flags.items() if is_set}
    if change.event:
        message["event"] = {"mailbox": change.event.event.mailbox, "id": change.event.event.event_id}
        if change.event.state:
            message["event"]["state"] = change.event.state
    if change.attempt:
        message["attempt"] = min(change.attempt, MAX_ATTEMPT)
    if change.waited:
        message["waitedSeconds"] = min(change.waited, MAX_WAITED)
    if change.suspects:
        message["suspects"] = sorted(change.suspects)[:MAX_SUSPECTS]
    if change.look and 0 < len(change.versions) <= MOST_VERSIONS:
        message["versions"] = sorted(change.versions)
    if change.missing:
        message["missing"] = change.missing.value
    if change.trace:
        message["traceparent"] = change.trace
    return json.dumps(message)


Message = BookingChange | RelatedChange | AuditProgress | OutlookChange | MailboxSweep


def decode_message(text: str) -> Message:
    """Read a queue message of any kind.

    Raises:
        MalformedChangeError: it is not one of ours.
    """
    message = _parse(text)
    match take(message, "version", int):
        case version if version == RELATED_VERSION:
            return _related(message)
        case version if version == AUDIT_VERSION:
            return read_audit(message)
        case version if version == OUTLOOK_VERSION:
            return read_outlook_change(message)
        case version if version == SWEEP_VERSION:
            return read_sweep(message)
    return _booking(message)


def decode_change(text: str) -> BookingChange:
    """Read a queue message about one booking.

    Raises:
        MalformedChangeError: it is not one of ours.
    """
    return _booking(_parse(text))


def _parse(text: str) -> dict[str, Any]:
    try:
        message = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MalformedChangeError("the queue message is not JSON") from error
    if not isinstance(message, dict):
        raise MalformedChangeError("the queue message is not a JSON object")
    return message


def _booking(message: dict[str, Any]) -> BookingChange:
    if take(message, "version", int) != MESSAGE_VERSION:
        raise MalformedChangeError(
            f"the queue message's version is none of {MESSAGE_VERSION} to {SWEEP_VERSION}"
        )
    return BookingChange(
        booking_id=guid(message, "bookingId"),
        correlation_id=correlation_id(message),
        first_seen=moment(message, "firstSeen"),
        deleted=take(message, "deleted", bool, default=False),
        event=_event(message),
        attempt=attempt(message),
        waited=waited(message),
        uncertain=take(message, "uncertain", bool, default=False),
        suspects=_suspects(message),
        look=take(message, "look", bool, default=False),
        versions=versions(message, "versions"),
        missing=_missing(message),
        trace=_trace(message),
    )


def _related(message: dict[str, Any]) -> RelatedChange:
    return RelatedChange(
        table=_table(message),
        row_id=guid(message, "rowId"),
        correlation_id=correlation_id(message),
        first_seen=moment(message, "firstSeen"),
        attempt=attempt(message),
        waited=waited(message),
        starts_from=moment(message, "startsFrom") if "startsFrom" in message else None,
        trace=_trace(message),
    )


def _table(message: dict[str, Any]) -> RelatedTable:
    name: str = take(message, "table", str)
    try:
        return RelatedTable(name)
    except ValueError as error:
        raise MalformedChangeError(
            "the queue message's 'table' is none that bookings are found by"
        ) from error


def _trace(message: dict[str, Any]) -> str:
    """Whatever is no traceparent counts as none: no change is lost for the sake of its trace."""
    value = message.get("traceparent")
    return value if isinstance(value, str) and _TRACEPARENT.fullmatch(value) else ""


def _event(message: dict[str, Any]) -> EventClaim | None:
    if "event" not in message:
        return None
    event = take(message, "event", dict)
    ref = EventRef(mailbox=take(event, "mailbox", str).lower(), event_id=take(event, "id", str))
    if not is_mailbox(ref.mailbox) or not is_event_id(ref.event_id):
        raise MalformedChangeError("the queue message's 'event' can't be an event")
    state: str = take(event, "state", str, default="")
    return EventClaim(ref, state if len(state) <= SYNC_STATE_LENGTH else "")


def _missing(message: dict[str, Any]) -> Missing:
    text: str = take(message, "missing", str, default="")
    try:
        return Missing(text)
    except ValueError as error:
        raise MalformedChangeError("the queue message's 'missing' says nothing of an event") from error


def _suspects(message: dict[str, Any]) -> frozenset[str]:
    suspects = take(message, "suspects", list, default=[])
    if not all(isinstance(suspect, str) and is_mailbox(suspect) for suspect in suspects):
        raise MalformedChangeError("the queue message's 'suspects' are not all mailboxes")
    if len(suspects) > MAX_SUSPECTS:
        raise MalformedChangeError(f"the queue message's 'suspects' are more than {MAX_SUSPECTS}")
    return frozenset(suspect.lower() for suspect in suspects)
