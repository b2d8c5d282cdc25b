"""The texts of columns that an administrator chose. Untrusted like every other: cleaned, and cut.

Numbers, money and the names of other rows are shown as Dataverse formats them, by the application user's
format and with the currency's symbol. Choices go by their labels in the event's language, dates and times by
that language too, in the event's zone.
"""

from __future__ import annotations

import locale
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from booking_sync.domain.events.event_text.columns import ColumnKind
from booking_sync.domain.events.event_text.words import ENGLISH, clock_text, date_text, span_text
from booking_sync.domain.text import clean_line, clean_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from booking_sync.domain.events.event_text.columns import ColumnValue
    from booking_sync.domain.events.event_text.words import Words
    from booking_sync.domain.events.zones import EventZone

TEXT_MAX_CHARACTERS = 4000
"""Of a summary, of instructions, of any column of text, which may have a million in Dynamics 365: more than a
technician reads. In UTF-16 units."""
LINE_MAX_CHARACTERS = 255
"""Of what stands on one line: labels, names, numbers, times, the parts of an address."""


@dataclass(frozen=True, slots=True)
class Wording:
    """In which language values are told, and how dates and times are written."""

    zone: EventZone
    language: str = ""
    """A tag such as `de` or `pt-BR`; empty: choices by the label that Dataverse itself shows."""
    date_format: str = ""
    """As Python's strftime takes it; empty: as the language has it."""
    time_format: str = ""
    words: Words = ENGLISH
    """The language's."""

    def day(self, day: date) -> str:
        """A date as people read it here."""
        return date_text(day, self.date_format, self.words)

    def clock(self, moment: datetime) -> str:
        """A time of day as people read it here; an aware one in the zone."""
        return clock_text(self.local(moment), self.time_format, self.words)

    def local(self, moment: datetime) -> datetime:
        """The moment as the zone's clocks show it; one without a zone as it stands."""
        try:
            return moment.astimezone(self.zone.rules) if moment.tzinfo else moment
        except OverflowError:  # the first or the last day that there is
            return moment

    def moment(self, moment: datetime) -> str:
        """Date and time."""
        return f"{self.day(self.local(moment).date())} {self.clock(moment)}"

    def span(self, minutes: int) -> str:
        """A span of time; empty for none."""
        return span_text(minutes, self.words)


def value_text(value: ColumnValue, wording: Wording) -> str:
    """The text of a value; empty when there is nothing to see."""
    text = _text(value, wording)
    if value.column.kind is ColumnKind.TEXT:
        return clean_lines(text, TEXT_MAX_CHARACTERS)
    return clean_line(text, LINE_MAX_CHARACTERS)


def _text(value: ColumnValue, wording: Wording) -> str:
    raw = value.raw
    match value.column.kind:
        case ColumnKind.CHOICE | ColumnKind.YES_NO:
            return _label(value, _whole(raw), wording.language) or value.shown or str(raw)
        case ColumnKind.CHOICES if isinstance(raw, tuple):
            labels = [_label(value, each, wording.language) for each in raw]
            return ", ".join(labels) if all(labels) else value.shown or ", ".join(map(str, raw))
        case ColumnKind.LOOKUP:
            return value.shown  # its id tells nobody anything
        case ColumnKind.NUMBER | ColumnKind.MONEY:
            return value.shown or _number(raw)
    if isinstance(raw, datetime):
        day_only = value.column.kind is ColumnKind.DAY_OF_MOMENT
        return wording.day(wording.local(raw).date()) if day_only else wording.moment(raw)
    return wording.day(raw) if isinstance(raw, date) else str(raw)


def _whole(raw: object) -> int:
    return int(raw) if isinstance(raw, int | float) else -1


def _number(raw: object) -> str:
    """Without a fraction where there is none."""
    return str(int(raw)) if isinstance(raw, float) and raw.is_integer() else str(raw)


def _label(value: ColumnValue, number: int, language: str) -> str:
    """What a choice is called in a language; without one, what Dataverse shows comes first."""
    labels = value.column.labels.get(number, {})
    if language:
        return _in_language(labels, language)
    return "" if value.shown else next(iter(labels.values()), "")


def _in_language(labels: Mapping[int, str], language: str) -> str:
    """The label in that very language, or in another country's form of it; empty when there is none."""
    wanted = language.replace("_", "-").lower()
    tags = {code: locale.windows_locale.get(code, "").replace("_", "-").lower() for code in labels}
    exact = (labels[code] for code, tag in tags.items() if tag == wanted)
    return next(exact, "") or next(_of_kind(labels, tags, wanted.partition("-")[0]), "")


def _of_kind(labels: Mapping[int, str], tags: Mapping[int, str], language: str) -> Iterator[str]:
    return (labels[code] for code, tag in tags.items() if tag.partition("-")[0] == language)
