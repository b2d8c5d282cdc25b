"""What dispatchers see of bookings in Outlook: views, and sections on the booking's forms.

Ids are GUIDs in lower case.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class View:
    """A public view of the bookings whose rows have something in a column."""

    id: str
    name: str
    description: str
    table: str
    """Logical name."""
    asks: str
    """What it is for, in a few words: "with an error"."""
    column: str
    """Logical name of the column that must not be empty."""
    columns: tuple[tuple[str, int], ...]
    """Logical names and widths in pixels, from left to right."""
    recent: str = ""
    """Or this one is not empty, on rows that changed within the last days; empty for none."""


class FieldKind(StrEnum):
    """What a form shows a column with."""

    LINES = "lines"
    """A text in several lines."""
    TEXT = "text"
    """A text in one line."""
    CHOICE = "choice"
    MOMENT = "moment"


@dataclass(frozen=True, slots=True)
class FormField:
    """A column on a section."""

    column: str
    """Logical name."""
    label: str
    kind: FieldKind = FieldKind.LINES
    editable: bool = False
    hidden: bool = False
    """For scripts only."""


@dataclass(frozen=True, slots=True)
class FormSection:
    """A section at the end of a main form's first tab."""

    name: str
    """As the form's definition and scripts know it."""
    label: str
    table: str
    fields: tuple[FormField, ...]
    """The first one decides: a form that shows it somewhere is left alone."""
    tells: str
    """What it is for, in a few words: "why a booking can't sync"."""

    @property
    def column(self) -> str:
        """Logical name of the column that decides."""
        return self.fields[0].column


@dataclass(frozen=True, slots=True)
class FoundView:
    """The view of our id, published or not."""

    id: str
    asks: bool
    """Whether its query asks for rows with something in the view's column."""
    in_solution: bool
    published: bool
    """What is published is what was saved last."""


class OnForm(StrEnum):
    """Whether a form shows the column."""

    ABSENT = "absent"
    OURS = "ours"
    ELSEWHERE = "elsewhere"
    """Somebody put it where they want it."""
    EMPTIED = "emptied"
    """Our section is there, and somebody took the column off it."""
    NO_PLACE = "no place"
    """The form's definition can't be read, or has no tab that a section could go into."""


@dataclass(frozen=True, slots=True)
class FoundForm:
    """An active main form of the table, as it was saved last, and how it stands with one section."""

    id: str
    name: str
    section: str
    """The section's name."""
    state: OnForm
    published: bool
    """What is published is what was saved last, as far as our column goes."""
    customizable: bool
