"""A day as one picture: the dispatcher's board, and what it became in each technician's Outlook. Pure.

The page stands alone (nothing is loaded, no script runs) and follows the reader's choice of light or dark.
Names come from Dataverse and Outlook, so the template escapes all of them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import jinja2

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from local.day.verdict import BookingFact, EventFact, Facts

FEWEST_HOURS = 4
A_MOMENT = 1e-6
_TO_FULL_HOUR = timedelta(minutes=59)
MOST_PEOPLE = 6
"""More would not fit beside each other."""
KINDS = {
    "Proposed": "proposed",
    "Scheduled": "planned",
    "Traveling": "moving",
    "On Break": "moving",
    "In Progress": "moving",
    "Completed": "done",
}
"""The look of a booking, by its status."""
LOOKS = {"tentative": "proposed", "oof": "moving"}
"""The look of an event, by what it shows as."""


@dataclass(frozen=True, slots=True)
class Slot:
    """Something that lasts, on the board or in a calendar; shares are of the hours that are shown."""

    begin: float
    length: float
    lane: int
    """Things of the same time lie in different lanes, counted from 0."""
    kind: str
    title: str
    when: str
    note: str = ""
    """What a dispatcher changed."""
    urgent: bool = False
    lanes: int = 1
    """How many lanes there are at that time."""


@dataclass(frozen=True, slots=True)
class Person:
    """A technician's line on the board and day in Outlook."""

    name: str
    bookings: Sequence[Slot]
    events: Sequence[Slot]
    later: Sequence[str]
    """Events outside the hours that are shown."""

    @property
    def board_lanes(self) -> int:
        """How many lanes the bookings need; the template asks."""
        return max((each.lanes for each in self.bookings), default=1)


@dataclass(frozen=True, slots=True)
class _Span:
    """The hours that are shown, in local time."""

    first: int
    last: int
    zone: ZoneInfo

    def share(self, moment: datetime) -> float:
        """Where a moment lies between the first hour (0) and the last (1)."""
        local = moment.astimezone(self.zone)
        return (local.hour + local.minute / 60 - self.first) / (self.last - self.first)

    def clock(self, moment: datetime) -> str:
        return f"{moment.astimezone(self.zone):%H:%M}"

    def slot(self, start: datetime, end: datetime, kind: str, title: str) -> Slot:
        """From start to end, in the first lane."""
        when = f"{self.clock(start)}-{self.clock(end)}"
        return Slot(self.share(start), self.share(end) - self.share(start), 0, kind, title, when)

    def shows(self, start: datetime, end: datetime) -> bool:
        return self.share(start) >= 0 and self.share(end) <= 1 and start < end


def picture(planned: Facts, now: Facts, time_zone: str, words: str) -> str:
    """The page.

    Args:
        planned: what there was when the plan was in Outlook.
        now: what there is after dispatchers changed their minds.
        time_zone: an IANA name; the hours are of this zone.
        words: what the run found, in one sentence.
    """
    chosen = _people(now)
    span = _span([each for each in now.bookings if each.mailbox in chosen], ZoneInfo(time_zone))
    people = [_person(name, mailbox, planned, now, span) for mailbox, name in chosen.items()]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
    )
    hours = range(span.first, span.last + 1)
    return environment.get_template("day.html.jinja").render(
        people=people, hours=hours, words=words, zone=time_zone
    )


def _people(facts: Facts) -> dict[str, str]:
    """The technicians with the most bookings: names by mailbox, in the order of names."""
    has = {each.mailbox: each.resource for each in facts.bookings if each.is_user and each.has_mailbox}
    counts = Counter(each.mailbox for each in facts.bookings if each.mailbox in has)
    most = sorted(counts, key=lambda mailbox: (-counts[mailbox], has[mailbox]))[:MOST_PEOPLE]
    return {mailbox: has[mailbox] for mailbox in sorted(most, key=lambda mailbox: has[mailbox])}


def _span(bookings: Iterable[BookingFact], zone: ZoneInfo) -> _Span:
    """From the hour in which the first booking starts to the full hour after the last."""
    starts = [each.start.astimezone(zone).hour for each in bookings if each.start]
    ends = [(each.end + _TO_FULL_HOUR).astimezone(zone).hour for each in bookings if each.end]
    first = min(starts, default=8)
    return _Span(first, max([*ends, first + FEWEST_HOURS]), zone)


def _person(name: str, mailbox: str, planned: Facts, now: Facts, span: _Span) -> Person:
    before = {each.id: each for each in planned.bookings}
    bookings = [
        _booking(each, (each.start, each.end), before.get(each.id), span)
        for each in now.bookings
        if each.mailbox == mailbox and each.start and each.end and span.shows(each.start, each.end)
    ]
    events = sorted((each for each in now.events if each.mailbox == mailbox), key=lambda each: each.start)
    return Person(
        name,
        _in_lanes(bookings),
        _in_lanes(_event(each, span) for each in events if span.shows(each.start, each.end)),
        [
            f"{span.clock(each.start)} {each.subject}"
            for each in events
            if not span.shows(each.start, each.end)
        ],
    )


def _booking(
    booking: BookingFact, times: tuple[datetime, datetime], before: BookingFact | None, span: _Span
) -> Slot:
    gone = booking.canceled or not booking.active
    slot = span.slot(*times, "gone" if gone else KINDS.get(booking.status, "planned"), booking.name)
    return replace(slot, note=_note(booking, before, span), urgent=booking.urgent)


def _note(booking: BookingFact, before: BookingFact | None, span: _Span) -> str:
    """What became of it since the plan."""
    if booking.canceled or not booking.active:
        return "canceled" if booking.canceled else "deactivated"
    if before is None:
        return "new"
    if booking.resource != before.resource:
        return f"was {before.resource.split()[0]}'s"
    if booking.start != before.start and before.start:
        return f"was {span.clock(before.start)}"
    return booking.status.lower() if booking.status != before.status else ""


def _event(event: EventFact, span: _Span) -> Slot:
    kind = LOOKS.get(event.show_as, "planned") if event.booking_id else "own"
    slot = span.slot(event.start, event.end, kind, event.subject)
    return replace(slot, urgent=bool(event.booking_id) and event.raw.get("importance") == "high")


def _in_lanes(slots: Iterable[Slot]) -> list[Slot]:
    """The same, in the order of their begin; what overlaps lies side by side, the rest has all the room."""
    placed: list[Slot] = []
    together: list[Slot] = []
    for slot in sorted(slots, key=lambda each: each.begin):
        if together and max(each.begin + each.length for each in together) <= slot.begin + A_MOMENT:
            placed += _side_by_side(together)
            together = []
        together.append(slot)
    return placed + _side_by_side(together)


def _side_by_side(slots: Sequence[Slot]) -> list[Slot]:
    free_from: list[float] = []
    lanes = []
    for slot in slots:
        free = (at for at, until in enumerate(free_from) if until <= slot.begin + A_MOMENT)
        lane = next(free, len(free_from))
        free_from[lane : lane + 1] = [slot.begin + slot.length]
        lanes.append(lane)
    return [replace(slot, lane=lane, lanes=len(free_from)) for slot, lane in zip(slots, lanes, strict=True)]
