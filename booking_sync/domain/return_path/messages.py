"""What lies on the queue of the return path: events that changed in Outlook, and mailboxes to be swept.

Like all hints they carry ids only, and may come late, doubled or for nothing: whoever handles one looks
afresh. The forms have versions of their own, see `domain.messages.change`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from booking_sync.domain.events.event_ref import is_event_id, is_mailbox
from booking_sync.domain.ids import read_guid
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
from booking_sync.domain.return_path.version import MOST_VERSIONS, is_version

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

OUTLOOK_VERSION: Final = 4
SWEEP_VERSION: Final = 5
MAX_EVENTS: Final = 100
"""Events of one message: as many as one query to Dataverse names."""
MAX_ID_CHARACTERS: Final = 20_000
"""All ids of a message together. Graph's have some 150 characters each; the query's address takes 32 KB."""
MAX_MISSING: Final = 100
"""Bookings of one sweep whose events were found gone; of more it takes a second sweep."""


@dataclass(frozen=True, slots=True)
class OutlookChange:
    """Events of one mailbox that somebody may have changed in Outlook, ourselves included."""

    mailbox: str
    """Entra object id, lower case."""
    event_ids: tuple[str, ...]
    """Immutable ids: at least one, at most `MAX_EVENTS`."""
    correlation_id: str
    first_seen: datetime
    """Aware, UTC: when the first of them was notified; a put-back keeps it."""
    deleted: frozenset[str] = frozenset()
    """Those of them that Graph says were deleted, or moved to another calendar."""
    versions: frozenset[tuple[str, str]] = frozenset()
    """Events with the versions of them that were notified; one without any is looked at whatever it is."""
    attempt: int = 0
    """How often this message was put back."""
    waited: float = 0.0
    """As a `BookingChange`'s."""


class Lifecycle(StrEnum):
    """What Graph says of a subscription itself."""

    NONE = ""
    RENEW = "renew"
    """It is to be renewed (`reauthorizationRequired`); nothing was missed yet."""
    REMOVED = "removed"
    """It is gone (`subscriptionRemoved`): to be made anew, and what was missed meanwhile to be found."""


@dataclass(frozen=True, slots=True)
class MailboxSweep:
    """A mailbox whose events and rows are to be compared: something may have been missed."""

    mailbox: str
    """Entra object id, lower case."""
    correlation_id: str
    first_seen: datetime
    """Aware, UTC: why it is swept came up then; a put-back keeps it."""
    missing: frozenset[str] = frozenset()
    """Bookings whose events were found gone when this was queued, as long ago as somebody has to undo a
    deletion: only of these a sweep confirms that they are gone."""
    lifecycle: Lifecycle = Lifecycle.NONE
    subscription_id: str = ""
    """Of the mailbox, a GUID; only with a lifecycle."""
    attempt: int = 0
    """How often this message was put back."""
    waited: float = 0.0
    """As a `BookingChange`'s."""


OutlookMessage = OutlookChange | MailboxSweep


def versions_by_event(change: OutlookChange) -> dict[str, frozenset[str]]:
    """The versions of each event that were notified; only of events that have some."""
    found: dict[str, set[str]] = {}
    for event_id, version in change.versions:
        found.setdefault(event_id, set()).add(version)
    return {event_id: frozenset(each) for event_id, each in found.items()}


def in_messages(event_ids: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """The events by messages, as many in each as it takes."""
    taken: list[str] = []
    characters = 0
    for each in event_ids:
        if taken and (len(taken) == MAX_EVENTS or characters + len(each) > MAX_ID_CHARACTERS):
            yield tuple(taken)
            taken, characters = [], 0
        taken.append(each)
        characters += len(each)
    if taken:
        yield tuple(taken)


def encode_outlook(message: OutlookMessage) -> str:
    """The queue message's text (JSON); always one that `decode_message` takes.

    Raises:
        ValueError: no event or more than a message takes, or more bookings than a sweep does.
    """
    told: dict[str, Any] = {
        "version": OUTLOOK_VERSION if isinstance(message, OutlookChange) else SWEEP_VERSION,
        "mailbox": message.mailbox,
        "correlationId": message.correlation_id[:MAX_CORRELATION_ID],
        "firstSeen": message.first_seen.astimezone(UTC).isoformat(),
    }
    if isinstance(message, OutlookChange):
        if not message.event_ids or len(list(in_messages(message.event_ids))) > 1:
            raise ValueError("the events fit into no single message")
        told["events"] = list(message.event_ids)
        told |= {"deleted": sorted(message.deleted)} if message.deleted else {}
        told |= {"versions": _version_lists(message)} if message.versions else {}
    else:
        if len(message.missing) > MAX_MISSING:
            raise ValueError(f"a sweep asks about {MAX_MISSING} bookings at most")
        told |= {"missing": sorted(message.missing)} if message.missing else {}
        if message.lifecycle:
            told |= {"lifecycle": message.lifecycle.value, "subscription": message.subscription_id}
    if message.attempt:
        told["attempt"] = min(message.attempt, MAX_ATTEMPT)
    if message.waited:
        told["waitedSeconds"] = min(message.waited, MAX_WAITED)
    return json.dumps(told)


def read_outlook_change(message: Mapping[str, Any]) -> OutlookChange:
    """Read a message of version 4.

    Raises:
        MalformedChangeError: it is not one of ours.
    """
    event_ids = take(message, "events", list)
    if not all(isinstance(each, str) and is_event_id(each) for each in event_ids):
        raise MalformedChangeError("the queue message's 'events' are not all events")
    if not event_ids or len(list(in_messages(event_ids))) > 1:
        raise MalformedChangeError("the queue message's 'events' are none, or too many")
    deleted = take(message, "deleted", list, default=[])
    if not all(isinstance(each, str) and each in event_ids for each in deleted):
        raise MalformedChangeError("the queue message's 'deleted' are not all among its events")
    return OutlookChange(
        mailbox=_mailbox(message),
        event_ids=tuple(event_ids),
        correlation_id=correlation_id(message),
        first_seen=moment(message, "firstSeen"),
        deleted=frozenset(deleted),
        versions=_read_versions(message, event_ids),
        attempt=attempt(message),
        waited=waited(message),
    )


def read_sweep(message: Mapping[str, Any]) -> MailboxSweep:
    """Read a message of version 5.

    Raises:
        MalformedChangeError: it is not one of ours.
    """
    missing = take(message, "missing", list, default=[])
    if len(missing) > MAX_MISSING or not all(isinstance(each, str) and read_guid(each) for each in missing):
        raise MalformedChangeError("the queue message's 'missing' are not all bookings, or too many")
    lifecycle = _lifecycle(message)
    return MailboxSweep(
        mailbox=_mailbox(message),
        correlation_id=correlation_id(message),
        first_seen=moment(message, "firstSeen"),
        missing=frozenset(each.lower() for each in missing),
        lifecycle=lifecycle,
        subscription_id=guid(message, "subscription") if lifecycle else "",
        attempt=attempt(message),
        waited=waited(message),
    )


def versions(message: Mapping[str, Any], name: str) -> frozenset[str]:
    """Versions of one event; none where there is no such field.

    Raises:
        MalformedChangeError: they are none, or too many.
    """
    return _checked(take(message, name, list, default=[]), name)


def _checked(found: object, name: str) -> frozenset[str]:
    if not isinstance(found, list) or len(found) > MOST_VERSIONS:
        raise MalformedChangeError(f"the queue message's '{name}' are no list of versions, or too many")
    if not all(isinstance(each, str) and is_version(each) for each in found):
        raise MalformedChangeError(f"the queue message's '{name}' are not all versions")
    return frozenset(found)


def _version_lists(change: OutlookChange) -> list[list[str]]:
    """Of each event, in their order; an empty one where there are too many."""
    known = versions_by_event(change)
    lists = [sorted(known.get(event_id, ())) for event_id in change.event_ids]
    return [each if len(each) <= MOST_VERSIONS else [] for each in lists]


def _read_versions(message: Mapping[str, Any], event_ids: Sequence[str]) -> frozenset[tuple[str, str]]:
    lists = take(message, "versions", list, default=[])
    if lists and len(lists) != len(event_ids):
        raise MalformedChangeError("the queue message's 'versions' are not those of its events")
    return frozenset(
        (event_id, each)
        for event_id, found in zip(event_ids, lists, strict=False)
        for each in _checked(found, "versions")
    )


def _mailbox(message: Mapping[str, Any]) -> str:
    mailbox: str = take(message, "mailbox", str)
    if not is_mailbox(mailbox):
        raise MalformedChangeError("the queue message's 'mailbox' can't be one")
    return mailbox.lower()


def _lifecycle(message: Mapping[str, Any]) -> Lifecycle:
    try:
        return Lifecycle(take(message, "lifecycle", str, default=""))
    except ValueError as error:
        raise MalformedChangeError("the queue message's 'lifecycle' is none that Graph has") from error
