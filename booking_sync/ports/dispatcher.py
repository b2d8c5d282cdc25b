"""What dispatchers see of bookings that can't sync: a view, and a section on the booking's forms.

Ids are GUIDs in lower case.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class View:
    """A public view of the bookings whose rows carry an error."""

    id: str
    name: str
    description: str
    table: str
    """Logical name."""
    error_column: str
    columns: tuple[tuple[str, int], ...]
    """Logical names and widths in pixels, from left to right."""


@dataclass(frozen=True, slots=True)
class FormSection:
    """A section with one column, read-only, at the end of a main form's first tab."""

    name: str
    """As the form's definition and scripts know it."""
    label: str
    table: str
    column: str
    """Logical name."""
    column_label: str


@dataclass(frozen=True, slots=True)
class FoundView:
    """The view of our id, published or not."""

    id: str
    shows_errors: bool
    """Whether its query asks for rows with a text in the error column."""
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
    """An active main form of the table, as it was saved last."""

    id: str
    name: str
    state: OnForm
    published: bool
    """What is published is what was saved last, as far as our column goes."""
    customizable: bool
