"""The queue message that goes on with an audit: `AuditProgress` as JSON, and back. Pure.

Whoever may write to the queue may order an audit by it, with or without force; so whatever it can say is
bounded, and an audit mends nothing but what proves itself ours.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

from booking_sync.domain.events.event_ref import is_mailbox
from booking_sync.domain.messages.audit_progress import (
    AuditPass,
    AuditProgress,
    AuditReach,
    AuditSums,
    MailboxRange,
)
from booking_sync.domain.messages.fields import (
    MalformedChangeError,
    attempt,
    correlation_id,
    moment,
    take,
    waited,
    whole_number,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

AUDIT_VERSION = 3
MAX_RANGES = 200
"""So many parts to be visited once more; 12,000 mailboxes of which every part has something to remove."""
MAX_PART_SIZE = 1000
MAX_COUNT = 10**9
MAX_KINDS = 50
LONGEST_WINDOW = timedelta(days=2 * 366 + 1)

_SUMS = ("mailboxes", "rows", "events", "expected", "in_motion", "withheld", "enqueued")

Choice = TypeVar("Choice", bound=StrEnum)


def encode_audit(progress: AuditProgress) -> str:
    """The queue message's text (JSON); always one that `decode_audit` takes.

    Raises:
        ValueError: an audit of chosen mailboxes, which is done in one go.
    """
    if progress.mailboxes:
        raise ValueError("an audit of chosen mailboxes does not go on by the queue")
    message: dict[str, Any] = {
        "version": AUDIT_VERSION,
        "correlationId": progress.audit_id,
        "firstSeen": _text(progress.first_seen),
        "from": _text(progress.first),
        "until": _text(progress.last),
        "fix": progress.fix,
        "force": progress.force,
        "reach": progress.reach.value,
        "undivided": progress.undivided,
        "size": progress.size,
        "pass": progress.stage.value,
        "ranges": _pairs(progress.ranges),
        "strays": progress.strays,
        "revisit": _pairs(progress.revisit),
        "revisitStrays": progress.revisit_strays,
        "sums": {name: getattr(progress.sums, name) for name in _SUMS},
        "counts": dict(progress.sums.counts),
        "guarded": dict(progress.sums.guarded),
        "mended": dict(progress.sums.mended),
        "attempt": progress.attempt,
        "waitedSeconds": progress.waited,
    }
    if progress.strays_from:
        message["straysFrom"] = _text(progress.strays_from)
    if progress.next_hint:
        message["nextHint"] = _text(progress.next_hint)
    return json.dumps(message, separators=(",", ":"))


def read_audit(message: Mapping[str, Any]) -> AuditProgress:
    """Read the message.

    Raises:
        MalformedChangeError: it is not one of ours.
    """
    first, last = moment(message, "from"), moment(message, "until")
    if not timedelta() < last - first <= LONGEST_WINDOW:
        raise MalformedChangeError("the queue message's 'from' and 'until' are no window of an audit")
    return AuditProgress(
        audit_id=correlation_id(message),
        first_seen=moment(message, "firstSeen"),
        first=first,
        last=last,
        fix=take(message, "fix", bool),
        force=take(message, "force", bool),
        reach=_choice(message, "reach", AuditReach),
        undivided=take(message, "undivided", bool),
        size=whole_number(message, "size", MAX_PART_SIZE, least=1),
        stage=_choice(message, "pass", AuditPass),
        ranges=_ranges(message, "ranges"),
        strays=take(message, "strays", bool),
        strays_from=moment(message, "straysFrom") if "straysFrom" in message else None,
        revisit=_ranges(message, "revisit"),
        revisit_strays=take(message, "revisitStrays", bool),
        sums=_sums(message),
        next_hint=moment(message, "nextHint") if "nextHint" in message else None,
        attempt=attempt(message),
        waited=waited(message),
    )


def _text(value: datetime) -> str:
    return value.astimezone(UTC).isoformat()


def _pairs(ranges: tuple[MailboxRange, ...]) -> list[list[str]]:
    return [[each.after, each.until] for each in ranges]


def _ranges(message: Mapping[str, Any], key: str) -> tuple[MailboxRange, ...]:
    pairs = take(message, key, list)
    if len(pairs) > MAX_RANGES:
        raise MalformedChangeError(f"the queue message's {key!r} are more than {MAX_RANGES}")
    found = []
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) != 2 or not all(map(_is_end, pair)):  # noqa: PLR2004 - a pair
            raise MalformedChangeError(f"the queue message's {key!r} are not all pairs of mailboxes")
        found.append(MailboxRange(*(each.lower() for each in pair)))
    return tuple(found)


def _is_end(value: object) -> bool:
    return isinstance(value, str) and (not value or is_mailbox(value))


def _sums(message: Mapping[str, Any]) -> AuditSums:
    sums = take(message, "sums", dict)
    numbers = [whole_number(sums, name, MAX_COUNT) for name in _SUMS]
    mailboxes, rows, events, expected, in_motion, withheld, enqueued = numbers
    counts, guarded, mended = (_counts(message, name) for name in ("counts", "guarded", "mended"))
    return AuditSums(
        mailboxes, rows, events, expected, counts, guarded, mended, in_motion, withheld, enqueued
    )


def _counts(message: Mapping[str, Any], key: str) -> dict[str, int]:
    counts = take(message, key, dict)
    if len(counts) > MAX_KINDS:
        raise MalformedChangeError(f"the queue message's {key!r} are of more than {MAX_KINDS} kinds")
    return {name: whole_number(counts, name, MAX_COUNT) for name in counts}


def _choice(message: Mapping[str, Any], key: str, choices: type[Choice]) -> Choice:
    try:
        return choices(take(message, key, str))
    except ValueError as error:
        raise MalformedChangeError(f"the queue message's {key!r} is none that an audit has") from error
