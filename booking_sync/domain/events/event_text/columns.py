"""Columns of Dynamics 365 that an administrator wants in events: where each is, and what it holds.

A path leads from the booking over lookups to a column: `msdyn_workorder.msdyn_priority.msdyn_name`. What
stands at its end is known from the environment's table definitions (`event_file.resolving`); a row then gives
each column's value, and `values` makes the text of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    Raw = str | float | bool | date | datetime | tuple[int, ...]

MAX_COLUMNS = 50
"""How many a file may name, so that the address of a read for 100 bookings stays far below 32 KB."""


class ColumnKind(StrEnum):
    """What a column holds, as far as its text depends on it."""

    TEXT = auto()
    NUMBER = auto()
    MONEY = auto()
    CHOICE = auto()
    """One of several, by its number: choices, states and reasons for a status."""
    CHOICES = auto()
    """Several of them."""
    YES_NO = auto()
    LOOKUP = auto()
    """Another row, shown by its name."""
    MOMENT = auto()
    DAY = auto()
    """A date without a time, the same in every zone."""
    DAY_OF_MOMENT = auto()
    """A moment of which only the date is meant: the date that it has in the event's zone."""
    CLOCK = auto()
    """A date and a time as they stand, in no zone."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One lookup on a path."""

    navigation: str
    """By which it is followed: `msdyn_workorder`, `Resource`; Dataverse minds the case."""
    attribute: str
    """Its logical name: `msdyn_workorder`, `resource`."""
    shared: bool = False
    """Whether its column may point to a row of another table instead, as `customerid` does."""

    @property
    def selected(self) -> str:
        """Its name as a column that tells whether it is set."""
        return lookup_property(self.attribute)


@dataclass(frozen=True, slots=True)
class EventColumn:
    """A column with the name that templates know it by."""

    name: str
    hops: tuple[Hop, ...]
    attribute: str
    """Its logical name, in the table to which the last hop leads."""
    kind: ColumnKind
    labels: Mapping[int, Mapping[int, str]] = field(default_factory=dict)
    """Of choices: by number and language (an LCID, such as 1031) what they are called. Yes is 1, no 0."""

    @property
    def selected(self) -> str:
        """Its name in questions and answers."""
        return lookup_property(self.attribute) if self.kind is ColumnKind.LOOKUP else self.attribute

    @property
    def path(self) -> str:
        """As a reason names it."""
        return "/".join((*(hop.navigation for hop in self.hops), self.selected))


@dataclass(frozen=True, slots=True)
class ColumnValue:
    """What one booking has in a column."""

    column: EventColumn
    raw: Raw
    """Moments are aware, days are dates, clocks are datetimes without a zone."""
    shown: str = ""
    """What Dataverse itself makes of it, in the application user's language; empty when it makes nothing."""


def lookup_property(attribute: str) -> str:
    """The name of a lookup as a column, which holds the other row's id."""
    return f"_{attribute}_value"
