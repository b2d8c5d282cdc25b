"""A page of a calendar → the marked events on it, as values that the audit compares. Pure.

An entry that can't be read makes the whole page unreadable: an overlooked event would count as missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from booking_sync.domain.event import EventRef, FoundEvent, MarkedEvent
from booking_sync.domain.ids import read_moment, read_utc_time
from booking_sync.errors import TransientError
from booking_sync.outlook.requests import BIRTH_PROPERTY, MARKER_PROPERTY, SEALED_PROPERTY
from booking_sync.ports.calendars import ExtendedEvent, ForeignEvent, Written

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime


def marked_events(entries: Sequence[Any], mailbox: str) -> Iterator[MarkedEvent]:
    """The entries that carry our marker property, whatever organisation or booking it names.

    Args:
        entries: a page's `value`.
        mailbox: whose calendar it is.

    Raises:
        TransientError: an entry is not as Graph documents it.
    """
    for entry in entries:
        if not isinstance(entry, dict):
            raise _unreadable()
        marker = _marker(entry)
        if marker is not None:
            yield _event(entry, mailbox.lower(), marker)


def single_event(entry: Any, mailbox: str) -> MarkedEvent:
    """One event that was asked for by its id; its marker is empty when it carries none.

    Args:
        entry: the event, with the same fields as on a page.
        mailbox: whose calendar it is in.

    Raises:
        TransientError: it is not as Graph documents it.
    """
    if not isinstance(entry, dict):
        raise _unreadable()
    return _event(entry, mailbox.lower(), _marker(entry) or "")


def extended_events(entries: Sequence[Any], mailbox: str, field: str) -> Iterator[ExtendedEvent]:
    """The entries of an expanded list that carry the open extension, with what it holds in this field.

    Args:
        entries: a page's `value`.
        mailbox: whose calendar it is.
        field: of the extension; an event whose extension lacks it is left out.

    Raises:
        TransientError: an entry is not as Graph documents it.
    """
    for entry in entries:
        if not isinstance(entry, dict) or not isinstance(entry.get("id"), str):
            raise _unreadable()
        for extension in entry.get("extensions") or ():
            value = extension.get(field) if isinstance(extension, dict) else None
            if isinstance(value, str) and value:
                event = ForeignEvent(EventRef(mailbox.lower(), entry["id"]), str(entry.get("iCalUId") or ""))
                yield ExtendedEvent(event, value, _moment(entry.get("start")))


def found_events(entries: Sequence[Any], mailbox: str, marker: str) -> Iterator[FoundEvent]:
    """The entries that carry this marker, with what may prove whose they are.

    Args:
        entries: a page's `value`.
        mailbox: whose calendar it is.
        marker: compared as Graph does, without regard to case.

    Raises:
        TransientError: an entry is not as Graph documents it.
    """
    for entry in entries:
        found = found_event(entry, mailbox)
        if found.marker.lower() == marker.lower():
            yield found


def found_event(entry: Any, mailbox: str) -> FoundEvent:
    """What of an event may prove whose it is; raises as `found_events`."""
    if not isinstance(entry, dict):
        raise _unreadable()
    event_id, transaction_id, uid = entry.get("id"), entry.get("transactionId"), entry.get("iCalUId")
    if not isinstance(event_id, str) or not event_id:
        raise _unreadable()
    return FoundEvent(
        EventRef(mailbox, event_id),
        transaction_id if isinstance(transaction_id, str) else None,
        marker=_marker(entry) or "",
        created=_created(entry),
        uid=uid if isinstance(uid, str) else "",
        birth=_property(entry, BIRTH_PROPERTY) or "",
        tag=_property(entry, SEALED_PROPERTY) or "",
    )


def written(body: Any) -> Written | None:
    """What the answer to a write says of the event; None when it does not name it.

    Its times are in UTC, since no request asks for another zone by `Prefer: outlook.timezone`. Others, and
    what can't be read as a time, count as not told: the write has worked all the same.
    """
    event_id = body.get("id") if isinstance(body, dict) else None
    if not isinstance(event_id, str) or not event_id:
        return None
    uid = body.get("iCalUId")
    return Written(
        event_id,
        uid if isinstance(uid, str) else "",
        _created(body),
        _told_moment(body.get("start")),
        _told_moment(body.get("end")),
    )


def _created(entry: dict[str, Any]) -> datetime | None:
    """Graph's `createdDateTime`; None when it does not tell."""
    return read_moment(entry.get("createdDateTime"))


def _marker(entry: dict[str, Any]) -> str | None:
    return _property(entry, MARKER_PROPERTY)


def _property(entry: dict[str, Any], name: str) -> str | None:
    properties = entry.get("singleValueExtendedProperties")
    for each in properties if isinstance(properties, list) else ():
        if isinstance(each, dict) and str(each.get("id")).lower() == name.lower():
            return str(each.get("value") or "")
    return None


def _event(entry: dict[str, Any], mailbox: str, marker: str) -> MarkedEvent:
    event_id = entry.get("seriesMasterId") or entry.get("id")
    if not isinstance(event_id, str) or not event_id:
        raise _unreadable()
    location, transaction_id = entry.get("location"), entry.get("transactionId")
    return MarkedEvent(
        ref=EventRef(mailbox, event_id),
        marker=marker,
        transaction_id=transaction_id if isinstance(transaction_id, str) else None,
        subject=entry.get("subject") or "",
        start=_moment(entry.get("start")),
        end=_moment(entry.get("end")),
        show_as=entry.get("showAs") or "",
        categories=frozenset(entry.get("categories") or ()),
        location_name=(location.get("displayName") or "") if isinstance(location, dict) else "",
    )


def _told_moment(time: Any) -> datetime | None:
    """Graph's wall-clock time in UTC, None for anything else; of seven fractional digits six are read."""
    if not isinstance(time, dict) or time.get("timeZone") != "UTC":
        return None
    return read_utc_time(time.get("dateTime"))


def _moment(time: Any) -> datetime:
    moment = _told_moment(time)
    if moment is None:
        raise _unreadable()
    return moment


def _unreadable() -> TransientError:
    return TransientError("Graph's list of events can't be read")
