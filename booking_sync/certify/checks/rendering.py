"""Checks with the app's own settings: the event that they render, and the zone that it is written in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from booking_sync.certify.answers import field_of
from booking_sync.certify.parts import Check, CheckNeed
from booking_sync.certify.results import NotTried, Observation
from booking_sync.certify.trial_events import CERTIFY_BOOKING, LENGTH, SUBJECT, content_at
from booking_sync.domain.bookings.example import PROPOSED, SCHEDULED, example_booking
from booking_sync.domain.events.event_text.templates import BadTemplateError
from booking_sync.domain.events.zones import UTC_NAME
from booking_sync.domain.ids import read_utc_time

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from typing import Any

    from booking_sync.certify.parts import CheckContext
    from booking_sync.certify.results import CheckOutput
    from booking_sync.domain.events.event import EventContent
    from booking_sync.domain.events.zones import EventZone
    from booking_sync.ports.certification import ServiceAnswer

LOOK_AHEAD: Final = timedelta(days=2 * 366)
AROUND: Final = timedelta(hours=3)
"""How far before and after a transition an event is tried: the hours between may be ambiguous."""
MONTHLY: Final = timedelta(days=30)
"""Besides: a zone whose rules Exchange has changed may have transitions there that it has not here."""
MOST_TOLD: Final = 12
_FIELDS: Final = (
    ("subject", lambda content: content.subject),
    ("showAs", lambda content: content.show_as),
    ("categories", lambda content: list(content.categories)),
)


async def _own_event(run: CheckContext) -> AsyncIterator[CheckOutput]:
    """A booking that is scheduled and one that is proposed: they differ in category and showAs."""
    changed: list[str] = []
    for status in (SCHEDULED, PROPOSED):
        start = run.events.start
        end = start + LENGTH
        booking = example_booking(CERTIFY_BOOKING, SUBJECT, start, end, status)
        try:
            content = run.tenant.render(booking, start, end)
        except BadTemplateError:
            yield Observation("own_event", "refused", "a template fails on an example")
            return
        (made,) = await run.events.make(run.events.new(content))
        if not made.ok:
            yield Observation("own_event", "refused", made.verdict)
            return
        changed += _differences(content, made, start)
    unique = list(dict.fromkeys(changed))
    yield Observation("own_event", "changed" if unique else "kept", ", ".join(unique))


def _differences(content: EventContent, answer: ServiceAnswer, start: datetime) -> list[str]:
    """The names of fields that are not as they were sent."""
    found = [name for name, sent in _FIELDS if field_of(answer, name) != sent(content)]
    place = field_of(answer, "location")
    if (place.get("displayName") if isinstance(place, dict) else None) != content.location_name:
        found.append("location")
    shown = _moment(field_of(answer, "start"))
    return [*found, "start"] if shown is not None and shown != start else found


async def _zone(run: CheckContext) -> AsyncIterator[CheckOutput]:
    zone = run.tenant.zone
    if zone.graph_name == UTC_NAME:
        yield Observation("zone_rules", "same", "written in UTC")
        return
    ref, _ = await run.events.one()
    differ: list[str] = []
    moments = list(moments_to_try(zone, run.now()))
    for moment in moments:
        content = content_at(moment)
        start, end = zone.write(moment, moment + LENGTH)
        written = await run.calendar.update(ref, _with_times(content, start, end))
        if not written.ok:
            yield Observation("zone_rules", written.verdict)
            return
        read = await run.calendar.get(ref)
        shown = _moment(field_of(read, "start"))
        if shown is None:
            yield NotTried("zone_rules", "answers don't tell times in UTC")
            return
        if shown != moment:
            minutes = round((shown - moment) / timedelta(minutes=1))
            differ.append(f"{moment:%Y-%m-%d %H:%M} UTC by {minutes:+d} min")
    tried = f"{zone.graph_name}, {len(moments)} moments"
    told = "; ".join(differ[:MOST_TOLD]) + ("; …" if len(differ) > MOST_TOLD else "")
    yield Observation("zone_rules", "differ" if differ else "same", f"{tried}: {told}" if differ else tried)


def _with_times(content: EventContent, start: Any, end: Any) -> EventContent:
    return replace(content, start=start, end=end)


def moments_to_try(zone: EventZone, now: datetime) -> Iterator[datetime]:
    """Before and after each transition of the next two years, and once a month; aware, UTC, in order."""
    first = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
    last = first + LOOK_AHEAD
    moments = {first + number * MONTHLY for number in range(LOOK_AHEAD // MONTHLY)}
    for transition in _transitions(zone, first, last):
        moments |= {transition - AROUND, transition + AROUND}
    yield from sorted(moments)


def _transitions(zone: EventZone, first: datetime, last: datetime) -> Iterator[datetime]:
    """When the clock of either rule book is changed, to the hour."""
    hour, moment = timedelta(hours=1), first
    while moment < last:
        following = moment + hour
        if any(
            moment.astimezone(rules).utcoffset() != following.astimezone(rules).utcoffset()
            for rules in (zone.rules, zone.exchange_rules)
        ):
            yield following
        moment = following


def _moment(time: object) -> datetime | None:
    """A time in UTC, in whole seconds."""
    if not isinstance(time, dict) or time.get("timeZone") != "UTC":
        return None
    moment = read_utc_time(time.get("dateTime"))
    return moment.replace(microsecond=0) if moment else None


CHECKS: Final = (
    Check(
        ("own_event",), "makes two events as the app's settings render them", (CheckNeed.MAILBOX,), _own_event
    ),
    Check(
        ("zone_rules",),
        "moves an event to each transition of the next two years, and reads it in UTC",
        (CheckNeed.MAILBOX,),
        _zone,
    ),
)
