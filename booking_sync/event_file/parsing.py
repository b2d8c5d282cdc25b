"""From the file's text to its content; whatever is wrong with it is told at once, each with its place. Pure.

Zone and templates are only taken as texts here: see `checking`.
"""

from __future__ import annotations

import locale
import re
import tomllib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from booking_sync.domain.bookings.reader import READER_PARTS
from booking_sync.domain.events.event_text.columns import MAX_COLUMNS
from booking_sync.domain.events.event_text.links import MAP_PLACE
from booking_sync.event_file.content import (
    EventFile,
    EventFileError,
    NamedPath,
    Position,
    Problem,
    key_words,
    nearest_position,
)
from booking_sync.event_file.near import nearest
from booking_sync.event_file.positions import find_positions
from booking_sync.event_file.rules import check_spelling, read_categories, read_rules

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from booking_sync.domain.bookings.reader import ReaderPart

MAX_HOPS: Final = 5
"""Lookups on one path; nobody has needed more, and each joins a table."""

_TABLES = ("columns", "event", "rules", "categories")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_STEP = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_DIRECTIVE = re.compile(r"%(.)", re.DOTALL)
_DIRECTIVES = "aAbBdjmyYHIMp%"
_MAX_FORMAT = 40
_MAP = re.compile(r"https://[!-;=?-\[\]_a-z{}~]{1,500}")
_OWN_NAMES = frozenset(
    # Jinja's, which a template could not read otherwise.
    [
        "and",
        "cycler",
        "dict",
        "elif",
        "else",
        "endif",
        "false",
        "if",
        "import",
        "in",
        "is",
        "joiner",
        "lipsum",
        "loop",
        "namespace",
        "none",
        "not",
        "or",
        "range",
        "recursive",
        "self",
        "true",
        "varargs",
        "kwargs",
        "caller",
    ]
)
_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


def parse(text: str, name: str, body_file: Callable[[str], str]) -> EventFile:
    """The file's content.

    Args:
        text: the file's.
        name: as reasons call the file.
        body_file: reads the file that the key `body_file` names; raises ValueError with what is wrong.

    Raises:
        EventFileError: tells everything that is wrong.
    """
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise EventFileError(name, [_syntax(str(error), text)]) from None
    reader = _Reader(find_positions(text))
    file = reader.read(found, name, body_file)
    if reader.problems:
        raise EventFileError(name, sorted(reader.problems, key=_order))
    return file


def _syntax(told: str, text: str) -> Problem:
    place = _PLACE.search(told)
    last = Position(text.count("\n") + 1, len(text.rpartition("\n")[2]) + 1)
    position = Position(int(place[1]), int(place[2])) if place and place[1] else last
    return Problem(f"this is not TOML: {_PLACE.sub('', told)}", position)


def _order(problem: Problem) -> tuple[int, int]:
    return (problem.position.line, problem.position.column) if problem.position else (0, 0)


class _Reader:
    """Reads the tables, and collects what is wrong with them."""

    def __init__(self, positions: Mapping[str, Position]) -> None:
        self._positions = positions
        self.problems: list[Problem] = []

    def read(self, found: Mapping[str, Any], name: str, body_file: Callable[[str], str]) -> EventFile:
        self._know(found, "", _TABLES)
        event = self._table(found, "event")
        self._know(event, "event", ("body_file", "from_reader", *(key for key, _ in _TEXTS.values())))
        texts = {field: self._text(event, key, check) for field, (key, check) in _TEXTS.items()}
        if "body_file" in event:
            texts["body"] = self._body_file(event, body_file)
        columns = self._columns(self._table(found, "columns"))
        rules = read_rules(found.get("rules", []), [each.name for each in columns], self._add)
        colours = read_categories(self._table(found, "categories"), self._add)
        check_spelling(rules, colours, self._add)
        return EventFile(
            name,
            columns,
            rules,
            colours,
            from_reader=self._from_reader(event),
            catalogues=(),
            positions=self._positions,
            **texts,
        )

    def _from_reader(self, event: Mapping[str, Any]) -> frozenset[ReaderPart]:
        said = event.get("from_reader", [])
        if isinstance(said, list) and all(each in READER_PARTS for each in said):
            return frozenset(said)
        self._add(
            "event.from_reader", 'must be a list of "language" and "zone", such as ["language", "zone"]'
        )
        return frozenset()

    def _columns(self, table: Mapping[str, Any]) -> tuple[NamedPath, ...]:
        if len(table) > MAX_COLUMNS:
            self._add("columns", f"has {len(table)} names, and at most {MAX_COLUMNS} are taken")
        columns = []
        for name, path in table.items():
            key = f"columns.{name}"
            if wrong := _wrong_name(name):
                self._add(key, wrong)
            if not isinstance(path, str):
                self._add(key, 'must be a path in quotation marks, such as "msdyn_workorder.msdyn_name"')
                continue
            steps = tuple(step.strip() for step in path.split("."))
            if not all(map(_STEP.fullmatch, steps)):
                self._add(
                    key, "must be a path of names with dots between them, such as msdyn_workorder.msdyn_name"
                )
            elif len(steps) > MAX_HOPS + 1:
                self._add(key, f"follows {len(steps) - 1} lookups, and at most {MAX_HOPS} are followed")
            columns.append(NamedPath(name, steps))
        return tuple(columns)

    def _text(self, table: Mapping[str, Any], key: str, check: Callable[[str], str]) -> str:
        value = table.get(key, "")
        if not isinstance(value, str):
            self._add(f"event.{key}", "must be a text in quotation marks")
            return ""
        text = value if key in ("subject", "body") else value.strip()
        if text and (wrong := check(text)):
            self._add(f"event.{key}", wrong)
        return text

    def _body_file(self, event: Mapping[str, Any], read: Callable[[str], str]) -> str:
        name = event["body_file"]
        if not isinstance(name, str):
            self._add("event.body_file", "must be a file's name in quotation marks")
        elif "body" in event:
            self._add("event.body_file", "stands beside body: one of the two must go")
        else:
            try:
                return read(name)
            except ValueError as error:
                self._add("event.body_file", str(error))
        return ""

    def _table(self, found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
        table = found.get(name, {})
        if isinstance(table, dict):
            return table
        self._add(name, f"must be a table: write [{name}] in a line of its own, and its keys below")
        return {}

    def _know(self, table: Mapping[str, Any], name: str, known: Sequence[str]) -> None:
        for key in table:
            if key not in known:
                there = f"in [{name}]" if name else "in this file"
                near = nearest(key, known) or f": there are {', '.join(sorted(known))}"
                self._add(f"{name}.{key}".lstrip("."), f"means nothing {there}{near}")

    def _add(self, key: str, words: str) -> None:
        place = nearest_position(key, self._positions)
        self.problems.append(Problem(f"{key_words(key)} {words}", place))


def _wrong_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        return "can't be a name: use up to 40 small letters, digits and _, a letter first"
    if name in _OWN_NAMES:
        return "is a word of Jinja's own: choose another name"
    if name.endswith("_url"):
        return "must not end in _url: such names are addresses that the app makes itself"
    return ""


def _any(_text: str) -> str:
    return ""


def _language(text: str) -> str:
    tags = {each.replace("_", "-").lower() for each in locale.windows_locale.values()}
    known = tags | {each.partition("-")[0] for each in tags}
    if _LANGUAGE.fullmatch(text) and text.lower() in known:
        return ""
    return "must be a language's tag, such as en, de or pt-BR"


def _map_link(text: str) -> str:
    if (
        _MAP.fullmatch(text)
        and text.count(MAP_PLACE) == 1
        and not set(text.replace(MAP_PLACE, "")) & set("{}")
    ):
        return ""
    return f"must be an address with https:// and one {MAP_PLACE} in it, where the place goes"


def _format(text: str) -> str:
    strange = [each for each in _DIRECTIVE.findall(text) if each not in _DIRECTIVES]
    if "%" not in text or strange or text.replace("%%", "").endswith("%") or len(text) > _MAX_FORMAT:
        return f"must be made of %Y, %m, %d, %H, %M and the like, in up to {_MAX_FORMAT} characters"
    if not datetime(2026, 1, 5, tzinfo=UTC).strftime(text).isprintable():
        return "must stand on one line"
    return ""


_TEXTS: Mapping[str, tuple[str, Callable[[str], str]]] = {
    "zone": ("zone", _any),
    "language": ("language", _language),
    "subject": ("subject", _any),
    "body": ("body", _any),
    "map_link": ("map", _map_link),
    "date_format": ("dates", _format),
    "time_format": ("times", _format),
}
"""By field of `EventFile` the key in [event], and what tells what is wrong with a text."""
