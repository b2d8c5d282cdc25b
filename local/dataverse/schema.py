"""The tables, columns and lookups of Dataverse and Field Service that booking_sync touches.

Names and case are those of the Web API. A lookup has three names: the logical one (`resource`: webhooks and
filtering attributes), the property read (`_resource_value`) and the navigation property (`Resource`: $expand
and `@odata.bind`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from local.dataverse.errors import bad_request, no_resource

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

BOOKING = "bookableresourcebooking"

SUPPORT_COLUMNS: Mapping[str, int] = {
    "bsync_outlookeventid": 400,
    "bsync_originalresource": 100,
    "bsync_outlooksyncstate": 200,
    "bsync_outlooksyncerror": 1000,
}
"""The booking's custom columns and their greatest lengths, as the provisioning command makes them."""

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


@dataclass(frozen=True)
class Column:
    """One column; `name` is the logical name."""

    name: str
    kind: Kind
    max_length: int = 0
    """Of a TEXT column, in characters."""
    choices: frozenset[int] = frozenset()
    """What a CHOICE column may hold."""
    target: str = ""
    """Of a LOOKUP: the logical name of the table it points at."""
    navigation: str = ""
    """Of a LOOKUP: its navigation property."""
    writable: bool = True

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

    @property
    def primary_id(self) -> str:
        """Logical name of the key column."""
        return f"{self.logical_name}id"

    @cached_property
    def by_name(self) -> Mapping[str, Column]:
        """Columns by logical name."""
        return {column.name: column for column in self.columns}

    @cached_property
    def by_property(self) -> Mapping[str, Column]:
        """Columns by the name that requests and answers use."""
        return {column.property: column for column in self.columns}

    @cached_property
    def by_navigation(self) -> Mapping[str, Column]:
        """Lookups by navigation property."""
        return {column.navigation: column for column in self.columns if column.navigation}


class Schema:
    """The tables in force; columns can be added while it runs, as the provisioning command does.

    Args:
        support_columns: names and lengths of the booking's custom columns.
    """

    def __init__(self, support_columns: Mapping[str, int] = SUPPORT_COLUMNS) -> None:
        self._tables = {table.logical_name: table for table in _tables()}
        for name, length in support_columns.items():
            self.add_column(BOOKING, _text(name, length))

    @property
    def tables(self) -> tuple[Table, ...]:
        """Every table."""
        return tuple(self._tables.values())

    def table(self, logical_name: str) -> Table:
        """The table of that logical name.

        Raises:
            DataverseError: there is none.
        """
        if logical_name not in self._tables:
            raise bad_request(
                f"The entity with a name = '{logical_name}' was not found in the MetadataCache."
            )
        return self._tables[logical_name]

    def entity_set(self, name: str) -> Table:
        """The table of that entity set, in this very case.

        Raises:
            DataverseError: there is none.
        """
        for table in self._tables.values():
            if table.entity_set == name:
                return table
        raise no_resource(name)

    def add_column(self, logical_name: str, column: Column) -> None:
        """Give a table one more column.

        Raises:
            DataverseError: it has one of that name.
        """
        table = self.table(logical_name)
        if column.name in table.by_name:
            raise bad_request(
                f"An attribute with the specified name {column.name} already exists", "0x80047013"
            )
        self._tables[logical_name] = replace(table, columns=(*table.columns, column))


def text_column(name: str, max_length: int) -> Column:
    """A custom string column."""
    return _text(name, max_length)


def _text(name: str, max_length: int = 100) -> Column:
    return Column(name, Kind.TEXT, max_length=max_length)


def _choice(name: str, *values: int) -> Column:
    return Column(name, Kind.CHOICE, choices=frozenset(values))


def _lookup(name: str, navigation: str, target: str, *, writable: bool = True) -> Column:
    return Column(name, Kind.LOOKUP, target=target, navigation=navigation, writable=writable)


def _when(name: str) -> Column:
    return Column(name, Kind.WHEN)


def _make(logical_name: str, entity_set: str, primary_name: str, columns: Iterable[Column]) -> Table:
    """A table with the columns every table has."""
    common = (
        Column(f"{logical_name}id", Kind.ID),
        *columns,
        Column("createdon", Kind.WHEN, writable=False),
        Column("modifiedon", Kind.WHEN, writable=False),
        _lookup("createdby", "createdby", "systemuser", writable=False),
        _lookup("modifiedby", "modifiedby", "systemuser", writable=False),
        Column("versionnumber", Kind.VERSION, writable=False),
    )
    return Table(logical_name, entity_set, primary_name, common)


def _state() -> tuple[Column, ...]:
    return (
        _choice("statecode", 0, 1),
        _choice("statuscode", 1, 2),
        _lookup("ownerid", "ownerid", "systemuser"),
    )


def _tables() -> tuple[Table, ...]:
    return (
        _booking(),
        _make(
            "bookableresource",
            "bookableresources",
            "name",
            (
                _text("name"),
                _choice("resourcetype", 1, 2, 3, 4, 5, 6, 7, 8),
                Column("timezone", Kind.INTEGER),
                _lookup("userid", "UserId", "systemuser"),
                _lookup("accountid", "AccountId", "account"),
                *_state(),
            ),
        ),
        _make(
            "bookableresourcebookingheader",
            "bookableresourcebookingheaders",
            "name",
            (
                _text("name"),
                _when("starttime"),
                _when("endtime"),
                Column("duration", Kind.INTEGER),
                *_state(),
            ),
        ),
        _make(
            "systemuser",
            "systemusers",
            "fullname",
            (
                _text("fullname", 200),
                _text("domainname", 1024),
                _text("internalemailaddress"),
                Column("azureactivedirectoryobjectid", Kind.ID),
                Column("applicationid", Kind.ID),
                Column("isdisabled", Kind.FLAG),
            ),
        ),
        _make(
            "bookingstatus",
            "bookingstatuses",
            "name",
            (
                _text("name"),
                _choice("status", 1, 2, 3),
                _choice("msdyn_fieldservicestatus", *range(690970000, 690970006)),
                *_state(),
            ),
        ),
        _work_order(),
        _make(
            "account",
            "accounts",
            "name",
            (_text("name", 160), _text("accountnumber", 20), _text("telephone1", 50), *_state()),
        ),
        _make("organization", "organizations", "name", (_text("name", 160),)),
    )


def _booking() -> Table:
    return _make(
        BOOKING,
        "bookableresourcebookings",
        "name",
        (
            _text("name"),
            _when("starttime"),
            _when("endtime"),
            Column("duration", Kind.INTEGER),
            _choice("bookingtype", 1, 2),
            _lookup("resource", "Resource", "bookableresource"),
            _lookup("bookingstatus", "BookingStatus", "bookingstatus"),
            _lookup("header", "Header", "bookableresourcebookingheader"),
            _lookup("msdyn_workorder", "msdyn_workorder", "msdyn_workorder"),
            _when("msdyn_estimatedarrivaltime"),
            Column("msdyn_estimatedtravelduration", Kind.INTEGER),
            _text("msdyn_globalobjectid", 500),
            _text("msdyn_appointmentbookingid", 500),
            *_state(),
        ),
    )


def _work_order() -> Table:
    return _make(
        "msdyn_workorder",
        "msdyn_workorders",
        "msdyn_name",
        (
            _text("msdyn_name"),
            _lookup("msdyn_serviceaccount", "msdyn_serviceaccount", "account"),
            _text("msdyn_workordersummary", MEMO_LENGTH),
            _text("msdyn_instructions", MEMO_LENGTH),
            _text("msdyn_address1", 250),
            _text("msdyn_address2", 250),
            _text("msdyn_address3", 250),
            _text("msdyn_city", 80),
            _text("msdyn_stateorprovince", 50),
            _text("msdyn_postalcode", 20),
            _text("msdyn_country", 80),
            Column("msdyn_latitude", Kind.NUMBER),
            Column("msdyn_longitude", Kind.NUMBER),
            _choice("msdyn_systemstatus", *range(690970000, 690970006)),
            *_state(),
        ),
    )
