"""What `booking-sync event check` tells of a file, for people and as JSON. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from booking_sync.domain.watched import is_watched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from booking_sync.domain.event_text.columns import EventColumn
    from booking_sync.event_file.content import Problem


@dataclass(frozen=True, slots=True)
class EventFileReport:
    """The file against the environment."""

    file: str
    """As the setting names it."""
    problems: tuple[Problem, ...] = ()
    columns: tuple[EventColumn, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether the app can start with it."""
        return not self.problems

    def as_json(self) -> dict[str, object]:
        """For `--json`."""
        return {
            "file": self.file,
            "usable": self.usable,
            "problems": [_problem(each) for each in self.problems],
            "columns": [
                {
                    "name": each.name,
                    "path": each.path,
                    "holds": str(each.kind).replace("_", " "),
                    "watched": is_watched(each),
                }
                for each in self.columns
            ],
        }

    def rows(self) -> Sequence[tuple[str, str, str, str]]:
        """A line for each column: name, path, what it holds, when a change shows."""
        return [
            (each.name, each.path, str(each.kind).replace("_", " "), _shows(each)) for each in self.columns
        ]


def _problem(problem: Problem) -> dict[str, object]:
    place = problem.position
    return {
        "line": place.line if place else None,
        "column": place.column if place else None,
        "words": problem.words,
    }


def _shows(column: EventColumn) -> str:
    return "within seconds" if is_watched(column) else "with the booking's next change, or an audit"
