"""What tables are made of: columns by kind, lookups with three names, and short ways to write them down.

A lookup has three names: the logical one (`resource`: webhooks and filtering attributes), the property read
(`_resource_value`) and the navigation property (`Resource`: $expand and `@odata.bind`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MEMO_LENGTH = 1_048_576


class Kind(StrEnum):
    """What a column holds; the value is the metadata's AttributeType."""

    ID = "Uniqueidentifier"
    TEXT = "String"
    INTEGER = "Integer"
    CHOICE = "Picklist"
    WHEN = "DateTime"
    LOOKUP = "Lookup"
    FLAG = "Boolean"
    NUMBER = "Double"
    VERSION = "BigInt"
    MEMO = "Memo"
    STATE = "State"
    STATUS = "Status"
    CHOICES = "Virtual"
    """Several of a list, as one text: `1,3`. What the metadata calls so has a type name of its own."""
    MONEY = "Money"
    DECIMAL = "Decimal"
    MANAGED = "ManagedProperty"
    """Yes or no, which a managed solution may lock; shown as an object."""


CHOICE_KINDS = (Kind.CHOICE, Kind.STATE, Kind.STATUS)
"""One of a list."""


@dataclass(frozen=True)
class Column:
    """One column; `name` is the logical name."""

    name: str
    kind: Kind
    max_length: int = 0
    """Of a TEXT or MEMO column, in characters."""
    choices: frozenset[int] = frozenset()
    """What a CHOICE column may hold."""
    labels: Mapping[int, Mapping[int, str]] = field(default_factory=dict)
    """Of choices, and of a FLAG's 1 and 0: by number and language (an LCID) what they are called."""
    behavior: Literal["UserLocal", "DateOnly", "TimeZoneIndependent"] = "UserLocal"
    """Of a WHEN."""
    shows: Literal["DateAndTime", "DateOnly"] = "DateAndTime"
    """Of a WHEN, the metadata's `Format`."""
    target: str = ""
    """Of a LOOKUP: the logical name of the table it points at."""
    navigation: str = ""
    """Of a LOOKUP: its navigation property."""
    schema_name: str = ""
    """The name as its maker wrote it, in any case; empty: the logical name."""
    writable: bool = True
    readable: bool = True
    """False for what can be written and never read back, such as an endpoint's key."""
    required: bool = False
    """A row can't be created without it."""

    @property
    def property(self) -> str:
        """The name in answers, $select, $filter and $orderby."""
        return f"_{self.name}_value" if self.kind is Kind.LOOKUP else self.name


@dataclass(frozen=True)
class Table:
    """One table with its columns."""

    logical_name: str
    entity_set: str
    primary_name: str
    columns: tuple[Column, ...]
    key: str = ""
    """Logical name of the key column, where it is not the table's with `id` behind it."""

    @property
    def primary_id(self) -> str:
        """Logical name of the key column."""
        return self.key or f"{self.logical_name}id"

    @cached_property
    def by_name(self) -> Mapping[str, Column]:
        """Columns by logical name."""
        return {column.name: column for column in self.columns}

    @cached_property
    def by_property(self) -> Mapping[str, Column]:
        """Columns by the name that requests and answers use."""
        return {column.property: column for column in self.columns}

    @cached_property
    def lookups(self) -> tuple[Column, ...]:
        """Those that have a navigation property."""
        return tuple(self.by_navigation.values())

    @cached_property
    def by_navigation(self) -> Mapping[str, Column]:
        """Lookups by navigation property."""
        return {column.navigation: column for column in self.columns if column.navigation}


def text(name: str, max_length: int = 100, *, required: bool = False) -> Column:
    """A text column."""
    return Column(name, Kind.TEXT, max_length=max_length, required=required)


def choice(name: str, *values: int, required: bool = False) -> Column:
    """A choice column and what it may hold."""
    return Column(name, Kind.CHOICE, choices=frozenset(values), required=required)


def lookup(
    name: str, navigation: str, target: str, *, writable: bool = True, required: bool = False
) -> Column:
    """A lookup; the target is a table's logical name."""
    return Column(
        name, Kind.LOOKUP, target=target, navigation=navigation, writable=writable, required=required
    )


def memo(name: str, max_length: int = MEMO_LENGTH) -> Column:
    """A text of several lines."""
    return Column(name, Kind.MEMO, max_length=max_length)


def when(name: str) -> Column:
    """A moment."""
    return Column(name, Kind.WHEN)


def day(name: str) -> Column:
    """A date without a time, the same everywhere."""
    return Column(name, Kind.WHEN, behavior="DateOnly", shows="DateOnly")


def make_table(
    logical_name: str, entity_set: str, primary_name: str, columns: Iterable[Column], key: str = ""
) -> Table:
    """A table with the columns every table has."""
    common = (
        Column(key or f"{logical_name}id", Kind.ID),
        *columns,
        Column("createdon", Kind.WHEN, writable=False),
        Column("modifiedon", Kind.WHEN, writable=False),
        lookup("createdby", "createdby", "systemuser", writable=False),
        lookup("modifiedby", "modifiedby", "systemuser", writable=False),
        Column("versionnumber", Kind.VERSION, writable=False),
    )
    return Table(logical_name, entity_set, primary_name, common, key)
