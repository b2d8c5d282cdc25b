"""Rules of the event file: what the events of some bookings are like besides their texts. Pure.

A rule fits a booking when each of its conditions does. Of several that fit, the first that says something
about a thing decides it. What no rule says is the booking's (availability and category, by its status), or
the technician's own (reminder, privacy, importance).

Texts are compared without regard to case, blanks and ways to write the same letter. Choices go by their
labels in whatever language, so that a rule says the same to every reader.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from booking_sync.domain.bookings.booking import CommitType, FieldServiceStatus, WorkOrder
from booking_sync.domain.events.event import EventOptions
from booking_sync.domain.events.event_text.columns import ColumnKind
from booking_sync.domain.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from booking_sync.domain.bookings.booking import Booking
    from booking_sync.domain.events.event import Importance, OptionName, Sensitivity, ShowAs
    from booking_sync.domain.events.event_text.columns import ColumnValue

    _Known = dict[str, frozenset[str]]
    """What a booking has under the names that were asked for so far: texts are made comparable once."""


class Topic(StrEnum):
    """What a condition may ask for besides the columns of the file."""

    ACCOUNT = "account"
    BOOKING_NAME = "booking_name"
    COMMIT_TYPE = "commit_type"
    """Of the booking's status, by its meaning, whatever the status is called."""
    CONTACT = "contact"
    FIELD_SERVICE_STATUS = "field_service_status"
    """The same, as Field Service means it."""
    INCIDENT_TYPE = "incident_type"
    PRIORITY = "priority"
    RESOURCE = "resource"
    """By name or id."""
    STATUS = "status"
    """By the name that people gave it."""
    WORK_ORDER_NUMBER = "work_order_number"
    WORK_ORDER_TYPE = "work_order_type"


def _words(member: CommitType | FieldServiceStatus) -> str:
    return member.name.replace("_", " ").capitalize()


MEANINGS: Final[Mapping[Topic, Mapping[int, str]]] = {
    Topic.COMMIT_TYPE: {each: _words(each) for each in CommitType if each is not CommitType.CANCELED},
    Topic.FIELD_SERVICE_STATUS: {
        each: _words(each) for each in FieldServiceStatus if each is not FieldServiceStatus.CANCELED
    },
}
"""What a condition may say of a status's meaning; canceled bookings have no event."""
NEVER_COMPARED: Final = frozenset(
    {ColumnKind.MOMENT, ColumnKind.DAY, ColumnKind.DAY_OF_MOMENT, ColumnKind.CLOCK}
)
"""Dates and times: their texts go by zone and format."""


MOST_COMPARED: Final = 4000
"""Characters of a column's text, which may have a million in Dynamics 365; the rest is not compared."""


def comparable(text: str) -> str:
    """The text as two are compared."""
    return " ".join(unicodedata.normalize("NFKC", clean(text)).split()).casefold()


@dataclass(frozen=True, slots=True)
class Condition:
    """One of these texts is what the booking has under this name."""

    name: str
    """A column's of the file, or a `Topic`."""
    texts: frozenset[str]
    """As `comparable` makes them; an empty one fits where there is nothing."""


@dataclass(frozen=True, slots=True)
class EventRule:
    """What the events are like of bookings that it fits; None says nothing."""

    conditions: tuple[Condition, ...] = ()
    show_as: ShowAs | None = None
    sensitivity: Sensitivity | None = None
    reminder: int | None = None
    """Minutes before the start, or `NO_REMINDER`."""
    category: str | None = None
    """The whole name, with our prefix; empty for none."""
    importance: Importance | None = None
    event: bool | None = None


_NO_OPTIONS: Final = EventOptions()


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the rules say of one booking."""

    show_as: ShowAs | None = None
    category: str | None = None
    options: EventOptions = _NO_OPTIONS
    numbers: tuple[int, ...] = ()
    """Of the rules that decided any of it, from 1 in the order of the file."""


_NOTHING_SAID: Final = Ruling()
_OPTIONS: Final[tuple[OptionName, ...]] = ("sensitivity", "reminder", "importance")
_DECIDED: Final = ("show_as", "category", *_OPTIONS)


@dataclass(frozen=True, slots=True)
class EventRules:
    """The rules of one file."""

    rules: tuple[EventRule, ...] = ()
    """In their order."""
    columns: frozenset[str] = frozenset()
    """The names of the file's columns, which take the place of topics that are called so."""

    @property
    def managed(self) -> frozenset[OptionName]:
        """The options that any of them sets."""
        return frozenset(
            name for name in _OPTIONS if any(getattr(rule, name) is not None for rule in self.rules)
        )

    def judge(self, booking: Booking) -> Ruling:
        """What they say of a booking that gets an event."""
        if not self.rules:
            return _NOTHING_SAID
        known: _Known = {}
        fitting = [each for each in enumerate(self.rules, 1) if self._fits(each[1], booking, known)]
        said: dict[str, Any] = {}
        numbers: set[int] = set()
        for number, rule in fitting:
            new = {
                name: value
                for name in _DECIDED
                if name not in said and (value := getattr(rule, name)) is not None
            }
            said |= new
            numbers |= {number} if new else set()
        options = EventOptions(**{name: said.get(name) for name in _OPTIONS}, managed=self.managed)
        return Ruling(said.get("show_as"), said.get("category"), options, tuple(sorted(numbers)))

    def hiding(self, booking: Booking) -> int:
        """The number of the rule by which the booking gets no event; 0 for none."""
        known: _Known = {}
        for number, rule in enumerate(self.rules, 1):
            if rule.event is not None and self._fits(rule, booking, known):
                return 0 if rule.event else number
        return 0

    def _fits(self, rule: EventRule, booking: Booking, known: _Known) -> bool:
        for each in rule.conditions:
            if each.name not in known:
                known[each.name] = self._texts(each.name, booking)
            if each.texts.isdisjoint(known[each.name]):
                return False
        return True

    def _texts(self, name: str, booking: Booking) -> frozenset[str]:
        """What a condition may say so that it fits; an empty text where there is nothing."""
        if name in self.columns:
            value = booking.values.get(name)
            found: Iterable[str] = _column_texts(value) if value else ()
        else:
            found = _TOPICS[Topic(name)](booking)
        return frozenset(filter(None, map(comparable, found))) or _NOTHING


_NOTHING = frozenset({""})
NO_RULES = EventRules()
"""Everything is as the bookings say."""


def _column_texts(value: ColumnValue) -> Iterator[str]:
    raw = value.raw
    match value.column.kind:
        case ColumnKind.CHOICES if isinstance(raw, tuple):
            for each in raw:
                yield from _labels(value, each)
        case ColumnKind.CHOICE | ColumnKind.YES_NO if isinstance(raw, int):
            yield from _labels(value, raw)
            yield value.shown
            if value.column.kind is ColumnKind.YES_NO:
                yield from ("yes", "true") if raw else ("no", "false")
        case ColumnKind.NUMBER | ColumnKind.MONEY if isinstance(raw, int | float):
            yield f"{raw:.10f}".rstrip("0").rstrip(".")
            yield value.shown
        case ColumnKind.LOOKUP:
            yield from (str(raw), value.shown)
        case ColumnKind.TEXT:
            yield str(raw)[:MOST_COMPARED]


def _labels(value: ColumnValue, number: int) -> Iterator[str]:
    """What a choice is called, in every language, and its number."""
    yield from value.column.labels.get(int(number), {}).values()
    yield str(int(number))


def _of_order(read: Callable[[WorkOrder], str]) -> Callable[[Booking], Iterable[str]]:
    return lambda booking: [read(booking.work_order or WorkOrder())]


def _status(booking: Booking) -> Iterable[str]:
    return [booking.status.name] if booking.status else []


def _commit_type(booking: Booking) -> Iterable[str]:
    number = booking.status.commit_type if booking.status else None
    return [MEANINGS[Topic.COMMIT_TYPE].get(number or 0, "")]


def _field_service_status(booking: Booking) -> Iterable[str]:
    number = booking.status.field_service_status if booking.status else None
    return [MEANINGS[Topic.FIELD_SERVICE_STATUS].get(number or 0, "")]


def _resource(booking: Booking) -> Iterable[str]:
    return [booking.resource.name, booking.resource.id] if booking.resource else []


_TOPICS: Final[Mapping[Topic, Callable[[Booking], Iterable[str]]]] = {
    Topic.ACCOUNT: _of_order(lambda order: order.account_name),
    Topic.BOOKING_NAME: lambda booking: [booking.name],
    Topic.COMMIT_TYPE: _commit_type,
    Topic.CONTACT: _of_order(lambda order: order.contact),
    Topic.FIELD_SERVICE_STATUS: _field_service_status,
    Topic.INCIDENT_TYPE: _of_order(lambda order: order.incident_type),
    Topic.PRIORITY: _of_order(lambda order: order.priority),
    Topic.RESOURCE: _resource,
    Topic.STATUS: _status,
    Topic.WORK_ORDER_NUMBER: _of_order(lambda order: order.number),
    Topic.WORK_ORDER_TYPE: _of_order(lambda order: order.type),
}
