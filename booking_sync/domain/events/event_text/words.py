"""The words of events that are ours and not Dynamics 365's, and how a language has them.

English is what stands in the code. Everything else comes from a catalogue of gettext's, in which the English
words are looked up: `languages.catalogue` reads those that are shipped and a deployment's own.
"""

from __future__ import annotations

import re
from gettext import NullTranslations
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date


class Words(Protocol):
    """One language, as gettext has it: what it does not know comes back in English."""

    def gettext(self, message: str, /) -> str:
        """A text's translation."""

    def ngettext(self, msgid1: str, msgid2: str, n: int, /) -> str:
        """The translation of what is told of so many."""

    def pgettext(self, context: str, message: str, /) -> str:
        """The translation of a word that means different things in different places."""


ENGLISH: Words = NullTranslations()

MAX_TAG = 35
"""Characters of a language's tag; BCP 47 has no registered one that is longer."""
DATE_FORMAT = "%Y-%m-%d"
TIME_FORMAT = "%H:%M"

_TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*")
_HOURS, _MINUTES = "%(count)s h", "%(count)s min"
_IN_AN_HOUR = 60
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_SHORT = 3
"""Letters of a weekday or month in short."""
_DATE, _TIME, _SPAN = "date format", "time format", "span of time"
_WEEKDAY, _SHORT_WEEKDAY = "weekday", "weekday in short"
_MONTH, _SHORT_MONTH = "month", "month in short"
_HALF_DAY = "half of the day"
_DIRECTIVE = re.compile(r"%(.)")


def messages() -> Iterator[tuple[str, str, str]]:
    """Every word of this module: where it is used, in English, and what a translator should know."""
    yield _DATE, DATE_FORMAT, "How Python's strftime writes a date in figures."
    yield _TIME, TIME_FORMAT, "How Python's strftime writes a time of day."
    yield _SPAN, _HOURS, "A number of hours, in short."
    yield _SPAN, _MINUTES, "A number of minutes, in short."
    yield from ((_WEEKDAY, each, "") for each in _WEEKDAYS)
    yield from ((_SHORT_WEEKDAY, each[:_SHORT], "") for each in _WEEKDAYS)
    yield from ((_MONTH, each, "In the form that stands after the day.") for each in _MONTHS)
    yield from ((_SHORT_MONTH, each[:_SHORT], "") for each in _MONTHS)
    yield from ((_HALF_DAY, each, "") for each in ("AM", "PM"))


def read_tag(text: str) -> str:
    """A language's tag in lower case, `de-at`; empty for what can't be one, whoever wrote it."""
    tag = text.strip().replace("_", "-")
    return tag.lower() if len(tag) <= MAX_TAG and _TAG.fullmatch(tag) else ""


def broader(tag: str) -> Iterator[str]:
    """The tag, and what it is a form of: `de-at`, `de`."""
    while tag:
        yield tag
        tag = tag.rpartition("-")[0]


def words_for(tag: str, languages: Mapping[str, Words]) -> Words | None:
    """The words of a language, or of what it is a form of; None where there are none.

    Args:
        tag: as `read_tag` has it.
        languages: by such tags.
    """
    return next((languages[each] for each in broader(tag) if each in languages), None)


def span_text(minutes: int, words: Words = ENGLISH) -> str:
    """A span of time: `45 min`, `2 h`, `1 h 30 min`; empty for none."""
    hours, rest = divmod(max(0, minutes), _IN_AN_HOUR)
    parts = ((hours, _HOURS), (rest, _MINUTES))
    return " ".join(words.pgettext(_SPAN, unit) % {"count": count} for count, unit in parts if count)


def date_text(day: date, form: str, words: Words = ENGLISH) -> str:
    """A date, as `form` has it or, where that is empty, as the language does.

    Args:
        day: may be a datetime.
        form: as Python's `strftime` takes it.
        words: the language.
    """
    return _written(day, form or words.pgettext(_DATE, DATE_FORMAT), words)


def clock_text(moment: date, form: str, words: Words = ENGLISH) -> str:
    """A time of day; the arguments are those of `date_text`."""
    return _written(moment, form or words.pgettext(_TIME, TIME_FORMAT), words)


def _written(moment: date, form: str, words: Words) -> str:
    """As `strftime` writes it, whose names are those of the process's language and not the reader's."""

    def directive(found: re.Match[str]) -> str:
        match found[1]:
            case "A":
                return words.pgettext(_WEEKDAY, _WEEKDAYS[moment.weekday()])
            case "a":
                return words.pgettext(_SHORT_WEEKDAY, _WEEKDAYS[moment.weekday()][:_SHORT])
            case "B":
                return words.pgettext(_MONTH, _MONTHS[moment.month - 1])
            case "b":
                return words.pgettext(_SHORT_MONTH, _MONTHS[moment.month - 1][:_SHORT])
            case "p":
                return words.pgettext(_HALF_DAY, moment.strftime("%p"))
        return moment.strftime(found[0])

    return _DIRECTIVE.sub(directive, form)
