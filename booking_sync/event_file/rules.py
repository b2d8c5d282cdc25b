"""Rules and colours of the file: from what TOML has read to the domain's values. Pure.

Whatever is wrong is told with the key where it stands. Of columns only the names are known here; what their
choices are called is looked at where the environment is known (`conditions`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from booking_sync.domain.events.event import MAX_CATEGORY_LENGTH, NO_REMINDER, OUR_CATEGORIES
from booking_sync.domain.events.event_text.colours import COLOURS, CategoryColour, read_colour
from booking_sync.domain.events.event_text.rules import MEANINGS, Condition, EventRule, Topic, comparable
from booking_sync.domain.text import clean_line
from booking_sync.event_file.near import nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from booking_sync.domain.events.event import Importance, ShowAs

    Tell = Callable[[str, str], None]
    """Is told a key, with its tables, and what is wrong with its value."""

MAX_RULES: Final = 100
MAX_CATEGORIES: Final = 50
"""With a colour; Outlook's own lists are shorter."""
MAX_REMINDER: Final = 4 * 7 * 24 * 60
"""Minutes; Outlook offers up to two weeks."""

_SHOW_AS: Final[Mapping[str, ShowAs]] = {
    "free": "free",
    "tentative": "tentative",
    "busy": "busy",
    "oof": "oof",
    "away": "oof",
    "out of office": "oof",
    "workingelsewhere": "workingElsewhere",
    "working elsewhere": "workingElsewhere",
    "elsewhere": "workingElsewhere",
}
_SHOWN_AS = ("free", "tentative", "busy", "away", "elsewhere")
_IMPORTANCE: Final[Mapping[str, Importance]] = {"low": "low", "normal": "normal", "high": "high"}
_KEYS = ("when", "show_as", "private", "reminder", "category", "importance", "event")
_NO_NAME = frozenset(",;\u061b\ufe54\uff1b")
"""Outlook separates categories by these ([MS-OXCICAL], 2.1.3.1.1.20.3)."""


def read_rules(found: Any, columns: Collection[str], tell: Tell) -> tuple[EventRule, ...]:
    """The rules, in their order; those that can't be used are left out, and told."""
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        tell("rules", "must be tables: write [[rules]] in a line of its own, and a rule's keys below")
        return ()
    if len(found) > MAX_RULES:
        tell("rules", f"are {len(found)}, and at most {MAX_RULES} are taken")
    return tuple(_Rule(each, f"rules.{place}", columns, tell).read() for place, each in enumerate(found))


def read_categories(found: Mapping[str, Any], tell: Tell) -> tuple[CategoryColour, ...]:
    """Which category has which colour, in the file's order."""
    if len(found) > MAX_CATEGORIES:
        tell("categories", f"has {len(found)} names, and at most {MAX_CATEGORIES} are taken")
    colours: dict[str, CategoryColour] = {}
    for name, value in found.items():
        key = f"categories.{name}"
        if wrong := _wrong_category(name):
            tell(key, wrong)
        elif name.casefold() in colours:
            tell(key, "stands here twice: Outlook does not tell capital letters from small ones")
        elif not (preset := read_colour(value) if isinstance(value, str) else ""):
            near = nearest(value, COLOURS) if isinstance(value, str) else ""
            told = near or f": there are {', '.join(COLOURS)}"
            tell(key, f"must have one of Outlook's colours, in quotation marks{told}")
        else:
            colours[name.casefold()] = CategoryColour(OUR_CATEGORIES + name, preset)
    return tuple(colours.values())


def check_spelling(rules: Iterable[EventRule], colours: Iterable[CategoryColour], tell: Tell) -> None:
    """Tell where a rule spells a category with other capital letters than the colours do."""
    by_small = {each.name.casefold(): each.name for each in colours}
    for place, rule in enumerate(rules):
        known = by_small.get((rule.category or "").casefold(), rule.category)
        if known and known != rule.category:
            tell(
                f"rules.{place}.category", f"is written {known.removeprefix(OUR_CATEGORIES)} in [categories]"
            )


def _wrong_category(name: str) -> str:
    full = OUR_CATEGORIES + name
    if name.casefold().startswith(OUR_CATEGORIES.strip().casefold()):
        return f"is written without {OUR_CATEGORIES.strip()!r}, which every category of ours begins with"
    fits = clean_line(full, MAX_CATEGORY_LENGTH) == full and name and not set(name) & _NO_NAME
    return "" if fits else "can't be a category: use a text on one line, without comma and semicolon"


class _Rule:
    """Reads one rule.

    Args:
        found: its table.
        key: where it stands.
        columns: the names of the file's columns.
        tell: hears what is wrong.
    """

    def __init__(self, found: Mapping[str, Any], key: str, columns: Collection[str], tell: Tell) -> None:
        self._found = found
        self._key = key
        self._columns = columns
        self._tell_of = tell

    def read(self) -> EventRule:
        """Its value; what can't be used says nothing in it."""
        for name in self._found:
            if name not in _KEYS:
                near = nearest(name, _KEYS) or f": there are {', '.join(_KEYS)}"
                self._tell(name, f"means nothing in a rule{near}")
        if not self._found.keys() & set(_KEYS[1:]):
            self._tell_of(self._key, f"says nothing: give it one of {', '.join(_KEYS[1:])}")
        private, event = self._flag("private"), self._flag("event")
        if event is False and self._found.keys() & set(_KEYS[1:-1]):
            self._tell("event", "is false, so that nothing else in this rule can count: leave that out")
        return EventRule(
            self._conditions(),
            show_as=self._one_of("show_as", _SHOW_AS, _SHOWN_AS),
            sensitivity=None if private is None else "private" if private else "normal",
            reminder=self._reminder(),
            category=self._category(),
            importance=self._one_of("importance", _IMPORTANCE, tuple(_IMPORTANCE)),
            event=event,
        )

    def _conditions(self) -> tuple[Condition, ...]:
        when = self._found.get("when", {})
        if not isinstance(when, dict):
            self._tell("when", 'must be a table: when = { status = "Traveling" }')
            return ()
        return tuple(self._condition(name, value) for name, value in when.items())

    def _condition(self, name: str, value: Any) -> Condition:
        known = sorted({*Topic, *self._columns})
        if name not in known:
            near = nearest(name, known) or f": there are {', '.join(known)}"
            self._tell(f"when.{name}", f"is nothing that a rule can ask for{near}")
        several = value if isinstance(value, list) else [value]
        if not several or not all(isinstance(each, str | int) for each in several):
            self._tell(f"when.{name}", "must be a text in quotation marks, or a list of them in [ and ]")
            return Condition(name, frozenset())
        texts = [str(each).lower() if isinstance(each, bool) else str(each) for each in several]
        if name in MEANINGS and name not in self._columns:
            self._check_meanings(name, texts)
        return Condition(name, frozenset(map(comparable, texts)))

    def _check_meanings(self, name: str, texts: Iterable[str]) -> None:
        known = list(MEANINGS[Topic(name)].values())
        for each in texts:
            if comparable(each) not in map(comparable, ("", *known)):
                near = nearest(each, known) or f": there are {', '.join(known)}"
                self._tell(f"when.{name}", f"is never {each!r}{near}")

    def _one_of(self, name: str, values: Mapping[str, Any], shown: Collection[str]) -> Any:
        value = self._found.get(name)
        if value is None:
            return None
        found = values.get(" ".join(value.lower().split())) if isinstance(value, str) else None
        if found is None:
            near = nearest(value, shown) if isinstance(value, str) else ""
            self._tell(name, f"must be one of {', '.join(shown)}, in quotation marks{near}")
        return found

    def _flag(self, name: str) -> bool | None:
        value = self._found.get(name)
        if value is None or isinstance(value, bool):
            return value
        self._tell(name, "must be true or false, without quotation marks")
        return None

    def _reminder(self) -> int | None:
        value = self._found.get("reminder")
        if value is False:
            return NO_REMINDER
        if isinstance(value, int) and value is not True and 0 <= value <= MAX_REMINDER:
            return value
        if value is not None:
            self._tell(
                "reminder",
                f"must be a number of minutes from 0 to {MAX_REMINDER}, or false, without quotation marks",
            )
        return None

    def _category(self) -> str | None:
        value = self._found.get("category")
        if value is None:
            return None
        if value is False:
            return ""
        if not isinstance(value, str):
            self._tell("category", "must be a text in quotation marks, or false")
        elif wrong := _wrong_category(value):
            self._tell("category", wrong)
        else:
            return OUR_CATEGORIES + value
        return None

    def _tell(self, name: str, words: str) -> None:
        self._tell_of(f"{self._key}.{name}", words)
