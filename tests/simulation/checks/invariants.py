"""What must hold once everything has come to rest, judged by the services' own state."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from booking_sync.domain.events.event import FoundEvent
from booking_sync.domain.events.event_calendars import MAIN
from booking_sync.domain.events.event_ref import EventRef
from booking_sync.domain.events.ownership import prove
from booking_sync.domain.plan import Invalid, Wanted
from booking_sync.domain.record import ATTENDED_REASON, MAILED_REASON
from booking_sync.outlook.bodies import (
    BIRTH_PROPERTY,
    EXTENSION_PROPERTY,
    MARKER_PROPERTY,
    SEAL_PROPERTY,
    SEALED_PROPERTY,
)
from local.graph.mailbox.schema import DEFAULTS, read_event
from local.graph.mailbox.store import merge_content
from tests.simulation.app.process import SEALER, desired_state, event_requests
from tests.simulation.both_ways.checks import may_be_missing, proposed, wrong_times
from tests.simulation.people import ANNA, DORA, NAMES
from tests.simulation.services.dataverse import ORGANIZATION_ID
from tests.simulation.services.graph import EXTENSION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from booking_sync.domain.events.event import EventContent
    from booking_sync.domain.record import BookingRow
    from booking_sync.domain.return_path.times import Times
    from local.graph.mailbox.events import Mailbox, StoredEvent
    from tests.simulation.schedule import Schedule


@dataclass(frozen=True)
class Violation:
    """A promise that was broken."""

    kind: str
    """One of few words, to tell promises apart: "content", "orphan", "missing", …"""
    text: str
    booking_id: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"


@dataclass(frozen=True)
class _Shown:
    mailbox: str
    event: StoredEvent


def check_bookings(schedule: Schedule, rows: dict[str, BookingRow | None]) -> list[Violation]:
    """I1: exactly one right event or none for each booking; any other is an "orphan"."""
    shown = _ours(schedule)
    found: list[Violation] = []
    for booking_id in schedule.dispatcher.bookings:
        events = shown.pop(f"{ORGANIZATION_ID}/{booking_id}", [])
        wrong = _check_booking(schedule, booking_id, rows[booking_id], events)
        found += [replace(each, booking_id=booking_id) for each in wrong]
    found += [Violation("stray", f"an event of no booking: {mark}") for mark in shown]
    return found


def check_conduct(schedule: Schedule) -> list[Violation]:
    """I2, I3, I5, I7, and no bugs: what may not have happened on the way."""
    found = [Violation(*each) for each in schedule.graph.violations]
    found += [Violation("bug", text) for text in schedule.conductor.errors]
    # Where people were invited at some time, each process's own view tells (`meetings.mailing`).
    if not schedule.habits.met:
        found += [Violation("mail", str(mail)) for mail in schedule.graph.state.mails]
    for event_id, (mailbox, content) in schedule.technicians.foreign.items():
        event = mailbox.events.get(event_id)
        if event_id in schedule.graph.indistinct and (event is None or event.owner_app):
            continue  # looked into when it happened
        if event is None or event.content != schedule.habits.copies.get(event_id, content):
            found.append(Violation("hands off", f"the user's event {event_id} was touched"))
    for reason in schedule.queue.poison.reasons():
        denied = schedule.profile.denied_mailbox and "may not write to this person's calendar" in reason
        met = schedule.habits.met and any(each in reason for each in (ATTENDED_REASON, MAILED_REASON))
        if not (denied or met):
            found.append(Violation("poison", reason))
    return found


def _check_booking(
    schedule: Schedule, booking_id: str, row: BookingRow | None, events: list[_Shown]
) -> Iterator[Violation]:
    about = f"booking {booking_id[-4:]}"
    desired = desired_state(row.booking, schedule.calendars.current) if row else None
    if isinstance(desired, Invalid):
        raise TypeError(f"no dispatcher here makes a booking invalid: {desired.reason}")
    named = row.record.event if row else None
    right = [each for each in events if named and _is(each, named.mailbox, named.event_id)]
    for each in events:
        if each not in right:
            provable = is_provable(schedule.graph.state.user(each.mailbox), booking_id, each.event)
            kind = "orphan" if provable else "stray"
            yield Violation(kind, f"{about}: {each.event.immutable_id} in {NAMES[each.mailbox]}")
    if not isinstance(desired, Wanted):
        if right:
            yield Violation("unwanted", f"{about} shows, but should not")
        return
    if desired.mailbox == DORA:
        if right or not (row and row.record.error):
            yield Violation("missing", f"{about} can't be shown to dora, and its row does not say so")
        return
    if not right and may_be_missing(row):
        return
    if not right:
        yield Violation("missing", f"{about} shows no event that its row names")
        return
    yield from _check_event(schedule, booking_id, desired, right[0], proposed(row))
    yield from (Violation(*each) for each in wrong_times(schedule, booking_id, row))


def _check_event(
    schedule: Schedule, booking_id: str, desired: Wanted, shown: _Shown, elsewhere: Times | None
) -> Iterator[Violation]:
    about = f"booking {booking_id[-4:]}'s event"
    if shown.mailbox != desired.mailbox:
        yield Violation("mailbox", f"{about} is in {NAMES[shown.mailbox]}")
    calendars = schedule.graph.state.user(shown.mailbox).calendars
    calendar = calendars.get(shown.event.calendar, MAIN)
    if calendar != desired.content.calendar:
        wanted = desired.content.calendar or "the main calendar"
        yield Violation("calendar", f"{about} is in {calendar or 'the main calendar'} instead of {wanted}")
    content, start, end = _expected(desired.content)
    # Instants, in whatever zone they were written: Exchange's rules may differ.
    seen = schedule.habits.without_theirs(shown.event)
    times = (elsewhere.start, elsewhere.end) if elsewhere else (start.utc, end.utc)
    if (seen, shown.event.start.utc, shown.event.end.utc) != (content, *times):
        said, begins = shown.event.content["subject"], shown.event.start.utc
        words = f"says {said!r} at {begins:%H:%M} instead of {desired.content.subject!r} at {times[0]:%H:%M}"
        yield Violation("content", f"{about} {words}")
    extension = shown.event.extensions.get(EXTENSION)
    tagged = extension is not None and extension.values.get(EXTENSION_PROPERTY) == booking_id
    if schedule.profile.extension and not tagged:
        yield Violation("tag", f"{about} lacks its open extension")


def _expected(content: EventContent) -> tuple[Any, Any, Any]:
    """What Graph holds after a creation with this content, by the stand-in's own reading."""
    request = event_requests().create(ANNA, content, marker="x/y", transaction_id="t", birth="")
    draft = read_event(json.loads(json.dumps(request.body)), creating=True)
    return merge_content(copy.deepcopy(DEFAULTS), draft.content), draft.start, draft.end


def _ours(schedule: Schedule) -> dict[str, list[_Shown]]:
    """Every event that the app created, by the marker it was given."""
    found: dict[str, list[_Shown]] = {}
    for mailbox in schedule.graph.state.mailboxes.values():
        for event in mailbox.events.values():
            if event.owner_app:
                mark = _property(event, MARKER_PROPERTY) or "none"
                found.setdefault(mark, []).append(_Shown(mailbox.id, event))
    return found


def is_provable(mailbox: Mailbox, booking_id: str, event: StoredEvent) -> bool:
    """Whether the app can prove this event to be the booking's, by all that Graph tells."""
    mark = SEALER.marker(booking_id)
    found = [_evidence(mailbox.id, each) for each in mailbox.events.values()]
    own = prove(SEALER, booking_id, [each for each in found if each.marker == mark])
    return any(each.event.event_id == event.immutable_id for each in own)


def _evidence(mailbox: str, event: StoredEvent) -> FoundEvent:
    extension = event.extensions.get(EXTENSION)
    seal = extension.values.get(SEAL_PROPERTY) if extension else _property(event, SEALED_PROPERTY)
    return FoundEvent(
        EventRef(mailbox, event.immutable_id),
        event.transaction_id,
        marker=_property(event, MARKER_PROPERTY),
        created=event.created,
        uid=event.ical_uid,
        birth=_property(event, BIRTH_PROPERTY),
        tag=str(seal or ""),
    )


def _property(event: StoredEvent, name: str) -> str:
    return next((value for key, value in event.properties.items() if key.lower() == name.lower()), "")


def _is(shown: _Shown, mailbox: str, event_id: str) -> bool:
    return (shown.mailbox, shown.event.immutable_id) == (mailbox, event_id)
