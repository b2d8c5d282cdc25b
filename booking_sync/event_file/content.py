"""The event file as values: parsed, and checked for form before anything is asked of Dataverse."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from booking_sync.errors import SettingsError
from booking_sync.event_file.location import FILE_NAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from booking_sync.domain.bookings.reader import ReaderPart
    from booking_sync.domain.events.event_text.colours import CategoryColour
    from booking_sync.domain.events.event_text.rules import EventRule

FOLDER = "event"
"""Beside the event file, and published with it: bodies, and catalogues of languages."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the file; both count from 1."""

    line: int
    column: int = 1


def nearest_position(key: str, positions: Mapping[str, Position]) -> Position | None:
    """Where a key stands, or else the table around it."""
    while key and key not in positions:
        key = key.rpartition(".")[0]
    return positions.get(key)


def key_words(key: str) -> str:
    """How a problem calls a key: by its own name, a rule by its number from 1."""
    tables, _, name = key.rpartition(".")
    return f"rule {int(name) + 1}" if tables == "rules" else name


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that can't be used, and what to do about it."""

    words: str
    position: Position | None = None
    """None where the whole file is meant."""

    def __str__(self) -> str:
        if self.position is None:
            return self.words
        return f"line {self.position.line}, column {self.position.column}: {self.words}"


class EventFileError(SettingsError):
    """The file can't be used.

    Args:
        name: as the setting names it.
        problems: all there are.
    """

    def __init__(self, name: str, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        told = "; ".join(map(str, self.problems))
        super().__init__(f"{name} can't be used. {told}. See docs/event.md.")


@dataclass(frozen=True, slots=True)
class NamedPath:
    """A column that the file names."""

    name: str
    """In templates."""
    path: tuple[str, ...]
    """Lookups that are followed from the booking, then a column."""


@dataclass(frozen=True, slots=True)
class OwnCatalogue:
    """A language's words that the deployment translates itself, before those that are shipped."""

    name: str
    """The file's: `event/de-AT.po`."""
    tag: str
    """The language's, in lower case: `de-at`."""
    text: str
    """As translators write it (`.po`); not looked into yet."""


@dataclass(frozen=True, slots=True)
class EventFile:
    """The file, or the absence of one: every text is empty where it says nothing."""

    name: str = FILE_NAME
    columns: tuple[NamedPath, ...] = ()
    rules: tuple[EventRule, ...] = ()
    """In their order; positions name them `rules.0` and so on."""
    categories: tuple[CategoryColour, ...] = ()
    """Colours that categories of ours are to have."""
    zone: str = ""
    language: str = ""
    from_reader: frozenset[ReaderPart] = frozenset()
    """What is taken from each event's reader; zone and language hold for those who are not known."""
    subject: str = ""
    body: str = ""
    map_link: str = ""
    date_format: str = ""
    time_format: str = ""
    catalogues: tuple[OwnCatalogue, ...] = ()
    positions: Mapping[str, Position] = field(default_factory=dict, compare=False)
    """By key, `event.zone`, where it stands."""

    @property
    def says_nothing(self) -> bool:
        """Whether it leaves everything as it is built in."""
        return self == EventFile(self.name)

    def problem(self, key: str, words: str) -> Problem:
        """What is wrong with the value of a key."""
        return Problem(f"{key_words(key)} {words}", self.position(key))

    def position(self, key: str) -> Position | None:
        """Where a key stands, or else the table around it."""
        return nearest_position(key, self.positions)
