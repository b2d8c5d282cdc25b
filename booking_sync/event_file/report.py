"""What `booking-sync event check` tells of a file, for people and as JSON. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from booking_sync.domain.environment.watched import is_watched
from booking_sync.domain.events.event import NO_REMINDER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from booking_sync.domain.events.event_text.columns import EventColumn
    from booking_sync.domain.events.event_text.rules import EventRule
    from booking_sync.event_file.content import Problem


@dataclass(frozen=True, slots=True)
class EventFileReport:
    """The file against the environment."""

    file: str
    """As the setting names it."""
    path: str = ""
    """Where it was looked for, in full."""
    found: bool = True
    """Whether it is there."""
    problems: tuple[Problem, ...] = ()
    columns: tuple[EventColumn, ...] = ()
    idle: tuple[Problem, ...] = ()
    """Conditions of rules that fit no booking; the app can start with them all the same."""
    rules: tuple[EventRule, ...] = ()
    untranslated: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By catalogue of the deployment's own the words of the app that it leaves in English."""

    @property
    def usable(self) -> bool:
        """Whether the app can start with it."""
        return not self.problems

    @property
    def faultless(self) -> bool:
        """Whether there is nothing to be mended."""
        return not self.problems and not self.idle

    @property
    def verdict(self) -> str:
        """Which file this is about, and whether it can be used, in a sentence."""
        if not self.usable:
            return f"{self.path} can't be used: with it the app would not start, and changes wait."
        if not self.found:
            return f"There is no {self.file} at {self.path}: the built-in texts count."
        if self.idle:
            return f"{self.path} can be used, but some of its rules fit no booking."
        return f"{self.path} can be used."

    def as_json(self) -> dict[str, object]:
        """For `--json`."""
        return {
            "file": self.file,
            "path": self.path,
            "found": self.found,
            "usable": self.usable,
            "problems": [_problem(each) for each in self.problems],
            "idleConditions": [_problem(each) for each in self.idle],
            "columns": [
                {
                    "name": each.name,
                    "path": each.path,
                    "holds": str(each.kind).replace("_", " "),
                    "watched": is_watched(each),
                }
                for each in self.columns
            ],
            "rules": [
                {"rule": number, "when": when, "says": says} for number, when, says in self.rule_rows()
            ],
            "untranslated": {name: list(words) for name, words in self.untranslated.items()},
        }

    def rows(self) -> Sequence[tuple[str, str, str, str]]:
        """A line for each column: name, path, what it holds, when a change shows."""
        return [
            (each.name, each.path, str(each.kind).replace("_", " "), _shows(each)) for each in self.columns
        ]

    def language_notes(self) -> Sequence[str]:
        """A sentence for each catalogue that leaves something in English."""
        return [
            f"{name} leaves {len(words)} of the app's own words in English, such as {words[0]!r}."
            for name, words in self.untranslated.items()
        ]

    def rule_rows(self) -> Sequence[tuple[str, str, str]]:
        """A line for each rule: number, when it fits, what it says then."""
        return [(str(number), _when(each), _says(each)) for number, each in enumerate(self.rules, 1)]


def _when(rule: EventRule) -> str:
    told = (f"{each.name} is {' or '.join(sorted(each.texts)) or 'empty'}" for each in rule.conditions)
    return " and ".join(told) or "always"


def _says(rule: EventRule) -> str:
    """In the words of the file."""
    said = {
        "show_as": rule.show_as,
        "private": None if rule.sensitivity is None else rule.sensitivity == "private",
        "reminder": False if rule.reminder == NO_REMINDER else rule.reminder,
        "category": False if rule.category == "" else rule.category,
        "importance": rule.importance,
        "event": rule.event,
    }
    return ", ".join(f"{name} = {_as_written(value)}" for name, value in said.items() if value is not None)


def _as_written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _problem(problem: Problem) -> dict[str, object]:
    place = problem.position
    return {
        "line": place.line if place else None,
        "column": place.column if place else None,
        "words": problem.words,
    }


def _shows(column: EventColumn) -> str:
    return "within seconds" if is_watched(column) else "with the booking's next change, or an audit"
