"""A page of a calendar → the marked events on it, as values that the audit compares. Pure.

An entry that can't be read makes the whole page unreadable: an overlooked event would count as missing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from booking_sync.domain.events.event import NO_REMINDER, EventState, FoundEvent, MarkedEvent, SeenEvent
from booking_sync.domain.events.event_ref import EventRef
from booking_sync.domain.ids import read_moment
from booking_sync.errors import TransientError
from booking_sync.outlook.bodies import BIRTH_PROPERTY, MARKER_PROPERTY, SEALED_PROPERTY, STAMP_PROPERTY
from booking_sync.outlook.fields import Fields
from booking_sync.ports.outlook.calendars import ExtendedEvent, ForeignEvent, Written

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

_CALENDAR = re.compile(r"/calendars\('([^'()]{1,1000})'\)$")
"""Of `calendar@odata.navigationLink`, as in the examples of Microsoft's reference."""


def not_yet_seen(entries: Sequence[Any], seen: set[str]) -> list[Any]:
    """The entries whose ids are not among the seen ones, which they are added to.

    What has no id passes: who reads it will find it unreadable.
    """
    new: list[Any] = []
    for each in entries:
        event_id = each.get("id") if isinstance(each, dict) else None
        if isinstance(event_id, str):
            if event_id in seen:
                continue
            seen.add(event_id)
        new.append(each)
    return new


def marked_events(entries: Sequence[Any], mailbox: str) -> Iterator[MarkedEvent]:
    """The entries that carry our marker property, whatever organisation or booking it names.

    Args:
        entries: a page's `value`.
        mailbox: whose calendar it is.

    Raises:
        TransientError: an entry is not as Graph documents it.
    """
    for each in entries:
        entry = Fields(each)
        marker = _property(entry, MARKER_PROPERTY)
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
    fields = Fields(entry)
    return _event(fields, mailbox.lower(), _property(fields, MARKER_PROPERTY) or "")


def extended_events(entries: Sequence[Any], mailbox: str, field: str) -> Iterator[ExtendedEvent]:
    """The entries of an expanded list that carry the open extension, with what it holds in this field.

    Args:
        entries: a page's `value`.
        mailbox: whose calendar it is.
        field: of the extension; an event whose extension lacks it, or has no text in it, is left out.

    Raises:
        TransientError: an entry is not as Graph documents it.
    """
    for each in entries:
        entry = Fields(each)
        event_id = entry.event_id()
        for extension in entry.objects("extensions"):
            # Whoever may write into the calendar may put anything there.
            if value := extension.evidence(field):
                ref = EventRef(mailbox.lower(), event_id)
                event = ForeignEvent(ref, entry.text("iCalUId"), _is_attended(entry))
                yield ExtendedEvent(event, value, entry.utc_time("start"))


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
    fields = Fields(entry)
    return FoundEvent(
        EventRef(mailbox.lower(), fields.event_id()),
        fields.evidence("transactionId") or None,
        marker=_property_evidence(fields, MARKER_PROPERTY),
        created=_created(fields),
        uid=fields.evidence("iCalUId"),
        birth=_property_evidence(fields, BIRTH_PROPERTY),
        tag=_property_evidence(fields, SEALED_PROPERTY),
        state=_state(fields),
    )


def seen_event(body: Any) -> SeenEvent:
    """An event's times, with what tells who wrote them; raises as `found_events`."""
    fields = Fields(body)
    return SeenEvent(
        fields.utc_time("start"),
        fields.utc_time("end"),
        stamp=_property_evidence(fields, STAMP_PROPERTY),
        etag=fields.evidence("@odata.etag"),
        uid=fields.evidence("iCalUId"),
        created=_created(fields),
        state=_state(fields),
    )


def foreign_event(body: Any, asked: EventRef, *, immutable: bool) -> ForeignEvent:
    """The event of an answer that names it, by the id that was asked for unless the answer's is immutable.

    Raises:
        TransientError: it is not as Graph documents it.
    """
    fields = Fields(body)
    event_id = fields.event_id() if immutable else asked.event_id
    ref = EventRef(asked.mailbox, event_id)
    return ForeignEvent(ref, fields.text("iCalUId"), _is_attended(fields))


def written(body: Any) -> Written | None:
    """What the answer to a write says of the event; None when it does not name it.

    Its times are in UTC, since no request asks for another zone by `Prefer: outlook.timezone`. Others, and
    what can't be read as a time, count as not told: the write has worked all the same.
    """
    try:
        fields = Fields(body)
        event_id = fields.event_id()
    except TransientError:
        return None
    return Written(
        event_id,
        fields.evidence("iCalUId"),
        _created(fields),
        fields.told_time("start"),
        fields.told_time("end"),
        _state(fields),
        _calendar(fields),
        fields.evidence("@odata.etag"),
        cancelled=fields.flag("isCancelled"),
    )


def is_of_another_creation(body: Any, transaction_id: str) -> bool:
    """Whether an answer to a creation names another one's event; one that names none does not."""
    try:
        told = Fields(body).evidence("transactionId")
    except TransientError:
        return False
    return bool(told) and told.lower() != transaction_id.lower()


def tag_seal(body: Any, field: str) -> str:
    """What an open extension of ours holds in this field; empty when that is no text of ours."""
    try:
        return Fields(body).evidence(field)
    except TransientError:
        return ""  # whoever may write into the calendar may put anything there


def _created(entry: Fields) -> datetime | None:
    """Graph's `createdDateTime`; None when it does not tell."""
    return read_moment(entry.evidence("createdDateTime"))


def _property(entry: Fields, name: str) -> str | None:
    for each in entry.objects("singleValueExtendedProperties"):
        if each.text("id").lower() == name.lower():
            return each.text("value")
    return None


def _property_evidence(entry: Fields, name: str) -> str:
    try:
        return _property(entry, name) or ""
    except TransientError:
        return ""


def _event(entry: Fields, mailbox: str, marker: str) -> MarkedEvent:
    location = entry.object("location")
    return MarkedEvent(
        ref=EventRef(mailbox, entry.event_id("seriesMasterId" if entry.text("seriesMasterId") else "id")),
        marker=marker,
        transaction_id=entry.text("transactionId") or None,
        subject=entry.text("subject"),
        start=entry.utc_time("start"),
        end=entry.utc_time("end"),
        show_as=entry.text("showAs"),
        categories=frozenset(entry.texts("categories")),
        location_name=location.text("displayName") if location else "",
        attended=_is_attended(entry),
        all_day=entry.flag("isAllDay"),
        repeats=bool(entry.text("seriesMasterId")) or entry.evidence("type") == "seriesMaster",
        sensitivity=entry.text("sensitivity"),
        reminder=entry.whole("reminderMinutesBeforeStart") if entry.flag("isReminderOn") else NO_REMINDER,
        importance=entry.text("importance"),
    )


def _state(entry: Fields) -> EventState:
    return EventState(_is_attended(entry), entry.readable_texts("categories"), _is_reshaped(entry))


def _is_reshaped(entry: Fields) -> bool:
    return entry.flag("isAllDay") or entry.evidence("type") == "seriesMaster"


def _is_attended(entry: Fields) -> bool:
    """Whether anybody is invited; what can't be read counts as somebody, since mail can't be called back."""
    return entry.is_filled("attendees")


def _calendar(entry: Fields) -> str:
    named = _CALENDAR.search(entry.evidence("calendar@odata.navigationLink"))
    return named[1] if named else ""
