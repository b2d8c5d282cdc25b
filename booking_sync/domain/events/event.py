"""The Outlook event that a booking should show as, and events as they are found in a calendar."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Literal

from booking_sync.domain.events.event_calendars import MAIN, calendar_part, split_calendar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from booking_sync.domain.bookings.booking import Address
    from booking_sync.domain.events.event_ref import EventRef

ShowAs = Literal["free", "tentative", "busy", "oof", "workingElsewhere"]
ContentPart = Literal["body", "categories", "times", "face"]
"""Parts that a write may leave as they are. What people add to body and categories stays while ours have not
changed; where they put an event is for the return path to judge, whose writes of times leave the face alone:
subject, place, availability and what rules set."""

SHARED = "+"
"""Behind a recorded fingerprint: the event has categories of somebody's own, which a write must know."""
INVITED = "!"
"""Behind that, or a recorded fingerprint: a look has met people who are invited to the event, so that whoever
writes looks first."""
OUR_CATEGORIES = "Field Service: "
"""How the categories begin that are ours; all others are people's."""
MAX_OWN_CATEGORIES = 50
"""Of a person's on one event that are written back; nobody assigns as many."""
MAX_CATEGORY_LENGTH = 255
"""In UTF-16 units; Outlook makes no longer ones."""

Sensitivity = Literal["normal", "private"]
Importance = Literal["low", "normal", "high"]
OptionName = Literal["sensitivity", "reminder", "importance"]
NO_REMINDER = -1
"""Instead of minutes: the event reminds of nothing."""
_LETTERS: Mapping[OptionName, str] = {"sensitivity": "p", "reminder": "r", "importance": "i"}
"""Behind a fingerprint, for each option that a rule set; no hexadecimal digits."""

_MAIN_BYTES, _PART_BYTES = 8, 4
_PART_DIGITS = 2 * _PART_BYTES


@dataclass(frozen=True, slots=True)
class EventTime:
    """A wall-clock time and its zone, as Graph wants it."""

    date_time: str
    """Local, without offset: `2026-03-29T09:00:00`."""
    time_zone: str
    """A Windows zone name, or `UTC`."""


@dataclass(frozen=True, slots=True)
class EventOptions:
    """What people choose for their events themselves, unless a rule says it: None leaves it to them."""

    sensitivity: Sensitivity | None = None
    reminder: int | None = None
    """Minutes before the start, or `NO_REMINDER`."""
    importance: Importance | None = None
    managed: frozenset[OptionName] = frozenset()
    """Those that rules set, for this booking or for others: an event of which nobody knows how it was last
    written gets them put back where no rule says anything. No part of a fingerprint."""

    @property
    def said(self) -> Mapping[str, str | int]:
        """Those that a rule set, by name."""
        values: dict[str, str | int | None] = {
            "sensitivity": self.sensitivity,
            "reminder": self.reminder,
            "importance": self.importance,
        }
        return {name: value for name, value in values.items() if value is not None}

    def with_defaults(self, names: Iterable[OptionName]) -> EventOptions:
        """The same, where each of these that no rule set is as an event of ours is made."""
        missing = frozenset(names) - self.said.keys()
        return replace(
            self,
            sensitivity="normal" if "sensitivity" in missing else self.sensitivity,
            reminder=NO_REMINDER if "reminder" in missing else self.reminder,
            importance="normal" if "importance" in missing else self.importance,
        )


@dataclass(frozen=True, slots=True)
class EventContent:
    """All that we write of an event that is there; nothing else of it is ours."""

    subject: str
    body_html: str
    start: EventTime
    end: EventTime
    show_as: ShowAs
    categories: tuple[str, ...] = ()
    location_name: str = ""
    location_address: Address | None = field(default=None)
    options: EventOptions = EventOptions()
    calendar: str = MAIN
    """Name of the calendar that shows it."""

    def fingerprint(self) -> str:
        """A short hash that changes with anything we would write; `unchanged_parts` compares two of them.

        Behind it a letter for each option that a rule set. Without any it is what it was before there were
        rules, so that no event is written anew for their sake.
        """
        values: dict[str, object] = {
            "subject": self.subject,
            "start": _fields(self.start),
            "end": _fields(self.end),
            "show_as": self.show_as,
            "location_name": self.location_name,
            "location_address": _fields(self.location_address) if self.location_address else None,
        }
        said = self.options.said
        if said:
            values["options"] = said
        letters = "".join(letter for name, letter in _LETTERS.items() if name in said)
        parts = _hash(self.body_html, _PART_BYTES) + _hash(self.categories, _PART_BYTES)
        return _hash(values, _MAIN_BYTES) + parts + letters + calendar_part(self.calendar)

    def face(self) -> str:
        """A short hash of what people see without opening the event, but for times and categories."""
        address = _fields(self.location_address) if self.location_address else None
        shown = [self.subject, self.show_as, self.location_name, address, self.options.said]
        return _hash(shown, _MAIN_BYTES)

    def after(self, recorded: str, *, trusted: bool) -> EventContent:
        """What to write over an event: options that a rule set before, and none sets now, are put back.

        Args:
            recorded: the fingerprint of what was last written.
            trusted: whether that may be believed. Where it may not, or is unknown, all options are put back
                that rules may have set.
        """
        known, _ = split_calendar(_bare(recorded))
        dropped = {name for name, letter in _LETTERS.items() if letter in known}
        if not trusted or not known:
            dropped |= self.options.managed
        return replace(self, options=self.options.with_defaults(dropped)) if dropped else self


def _bare(recorded: str) -> str:
    """A recorded fingerprint without what is told behind it."""
    return recorded.removesuffix(INVITED).removesuffix(SHARED)


def with_invited(recorded: str) -> str:
    """A recorded fingerprint that tells of people at the event; unchanged where it tells no content."""
    return recorded if not tells_content(recorded) or recorded.endswith(INVITED) else recorded + INVITED


def is_same_content(recorded: str, fingerprint: str) -> bool:
    """Whether a recorded fingerprint is that of this content, in its calendar."""
    return _bare(recorded) == fingerprint


def tells_content(recorded: str) -> bool:
    """Whether a recorded fingerprint tells what was last written, and not at most in which calendar."""
    return bool(split_calendar(_bare(recorded))[0])


def tells_of_nobody(recorded: str) -> bool:
    """Whether a recorded fingerprint tells what was last written, and of no people at the event since."""
    return tells_content(recorded) and not recorded.endswith(INVITED)


def without_content(recorded: str) -> str:
    """What is left of a recorded fingerprint when nobody knows any more what the event holds."""
    return split_calendar(_bare(recorded))[1]


def is_same_place(recorded: str, fingerprint: str) -> bool:
    """Whether a recorded fingerprint is of an event in the calendar of this content."""
    return without_content(recorded) == without_content(fingerprint)


def unchanged_parts(recorded: str, fingerprint: str) -> frozenset[ContentPart]:
    """The parts in which a content is as the recorded one was; none where that is unknown."""
    before, after = _digits(recorded), _digits(fingerprint)
    if len(before) != len(after):
        return frozenset()
    parts: dict[ContentPart, slice] = {
        "body": slice(-2 * _PART_DIGITS, -_PART_DIGITS),
        "categories": slice(-_PART_DIGITS, None),
    }
    return frozenset(part for part, digits in parts.items() if before[digits] == after[digits])


def _digits(fingerprint: str) -> str:
    content, _ = split_calendar(_bare(fingerprint))
    return content.rstrip("".join(_LETTERS.values()))


def _fields(value: EventTime | Address) -> dict[str, object]:
    # `asdict` copies deeply, at half the price of the whole fingerprint.
    return {name: getattr(value, name) for name in value.__slots__}


def _hash(value: object, size: int) -> str:
    canonical = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.blake2b(canonical.encode(), digest_size=size).hexdigest()


@dataclass(frozen=True, slots=True)
class EventState:
    """What people have made of an event, as far as it decides how we may write to it."""

    attended: bool = False
    """Somebody is invited, and gets mail when the event is changed or removed."""
    categories: tuple[str, ...] = ()
    reshaped: bool = False
    """It is an all-day event or a series, which none of ours is."""

    def own_categories(self, content: EventContent) -> tuple[str, ...]:
        """Those that are not ours, as far as they are written back with ours: bounded in number and length.

        An update shares its batch with other people's events, and must not become as large as somebody likes.
        """
        theirs = (
            each
            for each in self.categories
            if each not in content.categories
            and not each.startswith(OUR_CATEGORIES)
            and len(each.encode("utf-16-le", "surrogatepass")) <= 2 * MAX_CATEGORY_LENGTH
        )
        return tuple(islice(theirs, MAX_OWN_CATEGORIES))


@dataclass(frozen=True, slots=True)
class SeenEvent:
    """One event as it is now, for whoever wants to know what became of its times."""

    start: datetime
    """Aware, UTC."""
    end: datetime
    """Aware, UTC."""
    stamp: str = ""
    """What our last write of its times left there, see `return_path.stamp`."""
    etag: str = ""
    """Changes with whatever anybody does to it, and at times for reasons of Exchange's own."""
    uid: str = ""
    created: datetime | None = None
    """Aware, UTC."""
    state: EventState = field(default_factory=EventState)


@dataclass(frozen=True, slots=True)
class FoundEvent:
    """One of the events that a search by marker found, with all that may prove whose it is."""

    ref: EventRef
    transaction_id: str | None
    marker: str = ""
    created: datetime | None = None
    """Aware, UTC: when Exchange made it; None when it does not tell."""
    uid: str = ""
    """Its iCalUId: Outlook gives a copy another one; an import or a migration keeps it."""
    birth: str = ""
    """What the creating request said of itself, see `ownership`."""
    tag: str = ""
    """The seal in its open extension; empty when there is none."""
    state: EventState = field(default_factory=EventState)
    calendar: str | None = None
    """Name of the calendar that shows it, as far as a search told; None when it was found by its id."""


@dataclass(frozen=True, slots=True)
class MarkedEvent:
    """One event with our marker, as a calendar shows it; that it is ours, the marker does not prove."""

    ref: EventRef
    marker: str
    transaction_id: str | None
    subject: str
    start: datetime
    """Aware, UTC."""
    end: datetime
    """Aware, UTC."""
    show_as: str
    categories: frozenset[str]
    location_name: str
    attended: bool = False
    """Somebody is invited."""
    all_day: bool = False
    repeats: bool = False
    """It is a series, or one of its occurrences."""
    sensitivity: str = "normal"
    reminder: int = NO_REMINDER
    """Minutes before the start."""
    importance: str = "normal"
    calendar: str = MAIN
    """Name of the calendar that shows it."""
