"""The file's paths against the environment's table definitions: where each leads, and what is there.

A path may name a lookup by its navigation property, in whatever case, or by its logical name. What is wrong
is told with the names that are nearest to it.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from booking_sync.domain.environment.watched import BOOKING_TABLE
from booking_sync.domain.events.event_text.columns import ColumnKind, EventColumn, Hop
from booking_sync.event_file.content import EventFileError
from booking_sync.event_file.near import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from booking_sync.event_file.content import EventFile, NamedPath
    from booking_sync.ports.dataverse.definitions import (
        Labels,
        LookupDefinition,
        TableDefinition,
        TableDefinitions,
        TimeDefinition,
    )

_KINDS = {
    **dict.fromkeys(("StringType", "MemoType", "UniqueidentifierType"), ColumnKind.TEXT),
    **dict.fromkeys(("IntegerType", "BigIntType", "DecimalType", "DoubleType"), ColumnKind.NUMBER),
    "MoneyType": ColumnKind.MONEY,
    **dict.fromkeys(("PicklistType", "StateType", "StatusType"), ColumnKind.CHOICE),
    "MultiSelectPicklistType": ColumnKind.CHOICES,
    "BooleanType": ColumnKind.YES_NO,
    **dict.fromkeys(("LookupType", "CustomerType", "OwnerType"), ColumnKind.LOOKUP),
    "DateTimeType": ColumnKind.MOMENT,
}
"""By the metadata's names of types; others (pictures, files, lists of people) have no text."""
_LABELLED = (ColumnKind.CHOICE, ColumnKind.CHOICES, ColumnKind.YES_NO)
_BARE_LOOKUP = re.compile(r"_(\w+)_value")


class _WrongPathError(ValueError):
    """A path leads nowhere; the text says where it ends."""


@dataclass(slots=True)
class _Walk:
    """How far a path has been followed."""

    named: NamedPath
    table: str = BOOKING_TABLE
    hops: list[Hop] = field(default_factory=list)
    found: EventColumn | None = None
    wrong: str = ""

    @property
    def under_way(self) -> bool:
        return self.found is None and not self.wrong


async def resolve(file: EventFile, definitions: TableDefinitions) -> tuple[EventColumn, ...]:
    """The file's columns, ready to be asked for.

    A table is read once, tables as far from the booking side by side. Without columns nothing is read.

    Raises:
        EventFileError: paths lead nowhere, or to what has no text; it names all of them.
        TransientError: Dataverse can't answer now.
        PermanentError: Dataverse refuses.
    """
    walks = [_Walk(named) for named in file.columns]
    tables: dict[str, TableDefinition] = {}
    while under_way := [walk for walk in walks if walk.under_way]:
        wanted = sorted({walk.table for walk in under_way} - tables.keys())
        read = await asyncio.gather(*(definitions.table(name) for name in wanted))
        tables.update(zip(wanted, read, strict=True))
        for walk in under_way:
            _step(walk, tables[walk.table])
    problems = [file.problem(f"columns.{walk.named.name}", walk.wrong) for walk in walks if walk.wrong]
    if problems:
        raise EventFileError(file.name, problems)
    columns = [walk.found for walk in walks if walk.found]
    return await _detailed(columns, [walk.table for walk in walks], tables, definitions)


def _step(walk: _Walk, table: TableDefinition) -> None:
    """Follow the path's next name."""
    place = len(walk.hops)
    step = walk.named.path[place]
    try:
        if place == len(walk.named.path) - 1:
            name, type_name = _column(step, table)
            walk.found = EventColumn(walk.named.name, tuple(walk.hops), name, _kind(name, type_name))
        else:
            lookup = _lookup(step, table)
            ways = [each for each in table.lookups if each.attribute == lookup.attribute]
            walk.hops.append(Hop(lookup.navigation, lookup.attribute, shared=len(ways) > 1))
            walk.table = lookup.target
    except _WrongPathError as error:
        walk.wrong = str(error)


def _lookup(step: str, table: TableDefinition) -> LookupDefinition:
    exact = [each for each in table.lookups if each.navigation == step]
    small = step.lower()
    found = exact or [each for each in table.lookups if small in (each.navigation.lower(), each.attribute)]
    if len(found) == 1:
        return found[0]
    if found:
        ways = " or ".join(sorted(each.navigation for each in found))
        raise _WrongPathError(f"can't tell where {step} leads from {table.name}: write {ways}")
    if small in table.columns:
        raise _WrongPathError(
            f"follows {step} of {table.name}, which is no lookup: nothing can come behind it"
        )
    near = nearest(step, (each.navigation for each in table.lookups))
    raise _WrongPathError(f"follows {step}, and {table.name} has no such lookup{near}")


def _column(step: str, table: TableDefinition) -> tuple[str, str]:
    """The column's logical name and the name of its type."""
    bare = _BARE_LOOKUP.fullmatch(step)
    name = (bare[1] if bare else step).lower()
    by_navigation = {each.navigation.lower(): each.attribute for each in table.lookups}
    for each in (name, by_navigation.get(name, "")):
        if each in table.columns:
            return each, table.columns[each]
    raise _WrongPathError(
        f"ends in {step}, and {table.name} has no such column{nearest(step, table.columns)}"
    )


def _kind(name: str, type_name: str) -> ColumnKind:
    if type_name not in _KINDS:
        raise _WrongPathError(f"ends in {name}, which holds no text ({type_name.removesuffix('Type')})")
    return _KINDS[type_name]


async def _detailed(
    columns: Sequence[EventColumn],
    places: Sequence[str],
    tables: Mapping[str, TableDefinition],
    definitions: TableDefinitions,
) -> tuple[EventColumn, ...]:
    """The columns with labels, and with how their times are meant.

    Args:
        columns: without them.
        places: the table of each.
        tables: by name.
        definitions: of the environment.
    """
    by_type: dict[tuple[str, str], set[str]] = {}
    for column, place in zip(columns, places, strict=True):
        if column.kind in (*_LABELLED, ColumnKind.MOMENT):
            kind = tables[place].columns[column.attribute]
            by_type.setdefault((place, kind), set()).add(column.attribute)
    labels: dict[tuple[str, str], Labels] = {}
    times: dict[tuple[str, str], TimeDefinition] = {}

    async def read(table: str, type_name: str, names: Iterable[str]) -> None:
        wanted = sorted(names)
        if _KINDS[type_name] is ColumnKind.MOMENT:
            found = await definitions.times(table, wanted)
            times.update({(table, name): time for name, time in found.items()})
        else:
            told = await definitions.labels(table, type_name, wanted)
            labels.update({(table, name): each for name, each in told.items()})

    await asyncio.gather(*(read(*place, names) for place, names in by_type.items()))
    return tuple(
        replace(
            column,
            kind=_time_kind(times[place, column.attribute])
            if (place, column.attribute) in times
            else column.kind,
            labels=labels.get((place, column.attribute), {}),
        )
        for column, place in zip(columns, places, strict=True)
    )


def _time_kind(time: TimeDefinition) -> ColumnKind:
    if time.behavior == "DateOnly":
        return ColumnKind.DAY
    if time.behavior == "TimeZoneIndependent":
        return ColumnKind.CLOCK
    return ColumnKind.DAY_OF_MOMENT if time.day_only else ColumnKind.MOMENT
