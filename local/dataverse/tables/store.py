"""The rows, their versions and the rules between them; knows nothing of HTTP.

Every write returns the changes it made, cascades first, so that webhooks can be raised from them.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from local.dataverse.errors import bad_request, duplicate_key, row_missing, still_referenced
from local.dataverse.tables.columns import Column, Kind, Table
from local.dataverse.tables.payload import Row, format_moment
from local.dataverse.tables.recycle_bin import RecycleBin
from local.dataverse.tables.schema import BOOKING, Schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Message = Literal["Create", "Update", "Delete", "Restore"]

_UNLINK = {(BOOKING, "msdyn_workorder")}
"""Deleting the target empties these lookups."""
_CASCADE = {
    (BOOKING, "header"),
    ("sdkmessageprocessingstepimage", "sdkmessageprocessingstepid"),
    ("solutioncomponent", "solutionid"),
}
"""Deleting the target deletes the rows with these lookups."""
_LOOSE = {"createdby", "modifiedby", "ownerid", "owningextensionid"}
"""Lookups that do not stand in the way of a deletion. Any other lookup restricts it."""


@dataclass(frozen=True)
class Change:
    """One committed change of one row."""

    message: Message
    table: Table
    row_id: str
    requested: frozenset[str]
    """Logical names of the columns in the request: what filtering attributes are held against."""
    target: Mapping[str, str | int | float | bool | None]
    """Columns written, with those the platform adds; empty for Delete."""
    before: Row | None
    after: Row | None
    user_id: str
    depth: int = 1
    """2 for what another change caused."""


@dataclass(frozen=True)
class Backup:
    """An environment's rows by table and id, and its count of versions."""

    rows: Mapping[str, Mapping[str, Row]]
    version: int


class Store:
    """Rows by table and id; all operations are synchronous, hence atomic on one event loop."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._rows: dict[str, dict[str, Row]] = {}
        self._version = 1_000_000
        self._watchers: list[Callable[[Table], None]] = []
        self._recycle_bin = RecycleBin()

    def watch(self, watcher: Callable[[Table], None]) -> None:
        """Have somebody told of every table that is written to, after the write."""
        self._watchers.append(watcher)

    def clear(self) -> None:
        """Remove every row; versions go on counting, as they would for real."""
        self._rows.clear()
        self._recycle_bin.clear()

    def back_up(self) -> Backup:
        """Everything as it is now."""
        return Backup({name: _copied(rows) for name, rows in self._rows.items()}, self._version)

    def roll_back(self, backup: Backup) -> None:
        """Everything as it was then: versions count on from there, so that one may stand for two contents."""
        self._rows = {name: _copied(rows) for name, rows in backup.rows.items()}
        self._version = backup.version
        self._recycle_bin.clear()
        for table in self.schema.tables:
            self._written(table)

    def rows(self, table: Table) -> dict[str, Row]:
        """The live rows of a table by id, in order of creation."""
        return self._rows.setdefault(table.logical_name, {})

    def find(self, table: Table, row_id: str) -> Row | None:
        """One live row, or None."""
        return self.rows(table).get(row_id)

    def get(self, table: Table, row_id: str) -> Row:
        """One live row.

        Raises:
            DataverseError: 404, it does not exist.
        """
        row = self.find(table, row_id)
        if row is None:
            raise row_missing(table.logical_name, row_id)
        return row

    def create(self, table: Table, values: Row, user_id: str) -> Change:
        """Add a row; without an id in `values` it gets a new one.

        Raises:
            DataverseError: 412 the id is taken, 404 a lookup points nowhere.
        """
        self._check_references(table, values)
        row_id = str(values.get(table.primary_id) or uuid.uuid4())
        if row_id in self.rows(table):
            raise duplicate_key()
        given = {name: value for name, value in values.items() if value is not None}
        moment = format_moment(datetime.now(UTC))
        target: Row = {table.primary_id: row_id, **_defaults(table, user_id), **given}
        target |= {"createdon": moment, "createdby": user_id, "modifiedon": moment, "modifiedby": user_id}
        row: Row = {column.name: None for column in table.columns}
        row |= target
        row["versionnumber"] = self._next_version()
        self.rows(table)[row_id] = row
        self._written(table)
        return Change(
            "Create", table, row_id, frozenset(values), target, before=None, after=dict(row), user_id=user_id
        )

    def update(self, table: Table, row_id: str, values: Row, user_id: str, depth: int = 1) -> Change:
        """Change a row.

        Raises:
            DataverseError: 404 no such row, or a lookup points nowhere; 400 the body changes the id.
        """
        row = self.get(table, row_id)
        if values.get(table.primary_id, row_id) != row_id:
            raise bad_request(f"The property '{table.primary_id}' can't be changed.")
        self._check_references(table, values)
        before = dict(row)
        target: Row = {table.primary_id: row_id, **values}
        if "statecode" in values and "statuscode" not in values:
            target["statuscode"] = 2 if values["statecode"] else 1
        target |= {"modifiedon": format_moment(datetime.now(UTC)), "modifiedby": user_id}
        row |= target
        row["versionnumber"] = self._next_version()
        self._written(table)
        return Change(
            "Update",
            table,
            row_id,
            frozenset(values),
            target,
            before,
            dict(row),
            user_id=user_id,
            depth=depth,
        )

    def delete(self, table: Table, row_id: str, user_id: str, depth: int = 1) -> list[Change]:
        """Delete a row with what hangs on it: header -> its bookings; work order -> emptied in its bookings.

        Raises:
            DataverseError: 404 no such row, 400 another row still needs it.
        """
        row = self.get(table, row_id)
        references = [
            (child, column, child_id)
            for child, column in self._lookups_to(table)
            for child_id, child_row in self.rows(child).items()
            if child_row[column.name] == row_id
        ]
        if any(_rule(child, column) == "restrict" for child, column, _id in references):
            raise still_referenced()
        changes: list[Change] = []
        for child, column, child_id in references:
            if _rule(child, column) == "cascade":
                changes += self.delete(child, child_id, user_id, depth + 1)
            else:
                changes.append(self.update(child, child_id, {column.name: None}, user_id, depth + 1))
        del self.rows(table)[row_id]
        self._recycle_bin.keep(table, row_id, row)
        self._written(table)
        gone = Change("Delete", table, row_id, frozenset(), {}, dict(row), after=None, user_id=user_id)
        return [*changes, replace(gone, depth=depth)]

    def restore(self, table: Table, values: Row, user_id: str, *, modified_now: bool) -> Change:
        """Bring a deleted row back with all its columns.

        Args:
            table: of the row.
            values: its id, and columns that it gets anew.
            user_id: whose doing it is.
            modified_now: whether that counts as a modification of today.

        Raises:
            DataverseError: it can't be restored, see `RecycleBin`; 404 a new lookup points nowhere.
        """
        row_id = str(values[table.primary_id])
        row = self._recycle_bin.check(table, row_id, self._exists)
        self._check_references(table, values)
        row |= values
        if modified_now:
            row |= {"modifiedon": format_moment(datetime.now(UTC)), "modifiedby": user_id}
        row["versionnumber"] = self._next_version()
        self._recycle_bin.take(table, row_id)
        self.rows(table)[row_id] = row
        self._written(table)
        return Change(
            "Restore", table, row_id, frozenset(values), dict(values), None, dict(row), user_id=user_id
        )

    def _exists(self, logical_name: str, row_id: str) -> bool:
        return row_id in self.rows(self.schema.table(logical_name))

    def _lookups_to(self, table: Table) -> Iterator[tuple[Table, Column]]:
        for child in self.schema.tables:
            for column in child.columns:
                if column.target == table.logical_name and column.name not in _LOOSE:
                    yield child, column

    def _check_references(self, table: Table, values: Row) -> None:
        for name, value in values.items():
            column = table.by_name[name]
            if column.kind is Kind.LOOKUP and value is not None:
                self.get(self.schema.table(column.target), str(value))

    def _written(self, table: Table) -> None:
        for watcher in self._watchers:
            watcher(table)

    def _next_version(self) -> int:
        self._version += 1
        return self._version


def _copied(rows: Mapping[str, Row]) -> dict[str, Row]:
    return {row_id: dict(row) for row_id, row in rows.items()}


def _rule(child: Table, column: Column) -> Literal["unlink", "cascade", "restrict"]:
    key = (child.logical_name, column.name)
    if key in _UNLINK:
        return "unlink"
    return "cascade" if key in _CASCADE else "restrict"


def _defaults(table: Table, user_id: str) -> Row:
    if "statecode" not in table.by_name:
        return {}
    defaults: Row = {"statecode": 0, "statuscode": 1, "ownerid": user_id}
    return {name: value for name, value in defaults.items() if name in table.by_name}
