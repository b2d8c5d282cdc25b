"""What is asked for of a row and of the rows around it, as a tree; columns are joined to it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from booking_sync.domain.events.event_text.columns import EventColumn, Hop


@dataclass(frozen=True, slots=True)
class Shape:
    """The columns of a row, and what is wanted of the rows that it points to."""

    columns: tuple[str, ...]
    lookups: Mapping[str, Shape] = field(default_factory=dict)
    """By navigation property."""

    @property
    def select(self) -> str:
        """As `$select` lists the columns."""
        return ",".join(self.columns)

    @property
    def expand(self) -> str:
        """As `$expand` lists the rows around; empty for none."""
        return ",".join(f"{name}({shape.options})" for name, shape in self.lookups.items())

    @property
    def options(self) -> str:
        """All of it, as it stands in the brackets of an `$expand`."""
        select = f"$select={self.select}"
        return f"{select};$expand={self.expand}" if self.lookups else select

    @property
    def expands(self) -> int:
        """How many rows come along, at all depths; Dataverse takes 15."""
        return sum(1 + shape.expands for shape in self.lookups.values())


def with_columns(shape: Shape, columns: Iterable[EventColumn]) -> Shape:
    """The shape that has these as well: nothing is asked for twice, and what was there stays where it is."""
    for column in columns:
        shape = _with_column(shape, column.hops, column.selected)
    return shape


def _with_column(shape: Shape, hops: Sequence[Hop], column: str) -> Shape:
    if not hops:
        return _selecting(shape, column)
    hop, *rest = hops
    # The bare lookup tells a row that we may not see from one that is not there.
    inner = _with_column(shape.lookups.get(hop.navigation, Shape(())), rest, column)
    outer = _selecting(shape, hop.selected)
    return replace(outer, lookups={**outer.lookups, hop.navigation: inner})


def _selecting(shape: Shape, column: str) -> Shape:
    return shape if column in shape.columns else replace(shape, columns=(*shape.columns, column))
