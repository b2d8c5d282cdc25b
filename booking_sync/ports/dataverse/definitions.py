"""The port for what an environment knows of its tables: columns, their types and labels, lookups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Labels = Mapping[int, Mapping[int, str]]


@dataclass(frozen=True, slots=True)
class LookupDefinition:
    """A way from a row to another one."""

    navigation: str
    """The navigation property, in its own case."""
    attribute: str
    """Logical name of the column. One that may point to several tables has a way for each."""
    target: str
    """Logical name of the table."""


@dataclass(frozen=True, slots=True)
class TableDefinition:
    """A table."""

    name: str
    """Logical."""
    columns: Mapping[str, str]
    """By logical name the type, as the metadata's `AttributeTypeName` calls it; those that can be read."""
    lookups: tuple[LookupDefinition, ...]


@dataclass(frozen=True, slots=True)
class TimeDefinition:
    """How a column of dates and times is meant."""

    behavior: str
    """`UserLocal`, `DateOnly` or `TimeZoneIndependent`."""
    day_only: bool
    """People see no time of day."""


class TableDefinitions(Protocol):
    """Every method may raise `TransientError`, or `PermanentError` for a refusal."""

    async def table(self, name: str) -> TableDefinition:
        """The table of that logical name."""

    async def labels(self, table: str, type_name: str, columns: Sequence[str]) -> Mapping[str, Labels]:
        """By column, choice and language (an LCID) what choices are called; yes is 1, no 0.

        Args:
            table: logical name.
            type_name: of all these columns.
            columns: logical names.
        """

    async def times(self, table: str, columns: Sequence[str]) -> Mapping[str, TimeDefinition]:
        """By column how its times are meant."""
