"""Solutions: which components belong to which, and whose prefix new columns carry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.dataverse.customization.metadata import metadata_id
from local.dataverse.errors import DataverseError, bad_request
from local.dataverse.tables.columns import Kind
from local.dataverse.tables.platform_tables import (
    COLUMN_COMPONENT,
    COMPONENT_TYPES,
    PUBLISHER,
    SOLUTION,
    SOLUTION_COMPONENT,
    TABLE_COMPONENT,
)

if TYPE_CHECKING:
    from local.dataverse.tables.payload import Row
    from local.dataverse.tables.schema import Schema
    from local.dataverse.tables.store import Store

DEFAULT_SOLUTION = "Default"
_ADD_PARAMETERS = frozenset(
    {
        *("ComponentId", "ComponentType", "SolutionUniqueName", "AddRequiredComponents"),
        *("DoNotIncludeSubcomponents", "IncludedComponentSettingsValues"),
    }
)
_REQUIRED = ("ComponentId", "ComponentType", "SolutionUniqueName", "AddRequiredComponents")


class Solutions:
    """The unmanaged solutions and what is in them.

    Args:
        schema: the tables in force.
        store: the rows.
    """

    def __init__(self, schema: Schema, store: Store) -> None:
        self._schema = schema
        self._store = store

    def seed(self, user_id: str) -> None:
        """The default publisher and solution, which every environment has."""
        publisher: Row = {
            "uniquename": "DefaultPublisherbookings",
            "friendlyname": "Default Publisher for bookings",
            "customizationprefix": "new",
            "customizationoptionvalueprefix": 10000,
            "isreadonly": False,
        }
        made = self._store.create(self._schema.table(PUBLISHER), publisher, user_id)
        solution: Row = {
            "uniquename": DEFAULT_SOLUTION,
            "friendlyname": "Default Solution",
            "version": "1.0",
            "publisherid": made.row_id,
            "ismanaged": False,
            "isvisible": False,
        }
        self._store.create(self._schema.table(SOLUTION), solution, user_id)

    def find(self, unique_name: str) -> Row:
        """The solution of that name.

        Raises:
            DataverseError: there is none.
        """
        for row in self._store.rows(self._schema.table(SOLUTION)).values():
            if str(row["uniquename"]).casefold() == unique_name.casefold():
                return row
        raise DataverseError(404, "0x80048403", f"The solution '{unique_name}' was not found.")

    def prefix(self, unique_name: str) -> str:
        """The customization prefix of a solution's publisher; raises as `find`."""
        publisher = self._store.get(self._schema.table(PUBLISHER), str(self.find(unique_name)["publisherid"]))
        return str(publisher["customizationprefix"])

    def prefixes(self) -> set[str]:
        """The customization prefixes of all publishers."""
        publishers = self._store.rows(self._schema.table(PUBLISHER)).values()
        return {str(row["customizationprefix"]) for row in publishers}

    def add(self, unique_name: str, component_type: int, object_id: str, user_id: str) -> str:
        """Put a component into a solution, if it is not there; returns the row's id. Raises as `find`."""
        solution = self.find(unique_name)
        table = self._schema.table(SOLUTION_COMPONENT)
        wanted = {
            "solutionid": solution["solutionid"],
            "componenttype": component_type,
            "objectid": object_id,
        }
        for row_id, row in self._store.rows(table).items():
            if all(row[name] == value for name, value in wanted.items()):
                return row_id
        return self._store.create(table, {**wanted, "rootcomponentbehavior": 1}, user_id).row_id

    def add_column(self, unique_name: str, table: str, column: str, user_id: str) -> None:
        """Put a column into a solution, and with it its table without the table's other parts."""
        self.add(unique_name, TABLE_COMPONENT, metadata_id(table), user_id)
        self.add(unique_name, COLUMN_COMPONENT, metadata_id(table, column), user_id)

    def forget(self, object_id: str, user_id: str) -> None:
        """Take a component that was deleted out of every solution."""
        table = self._schema.table(SOLUTION_COMPONENT)
        gone = [row_id for row_id, row in self._store.rows(table).items() if row["objectid"] == object_id]
        for row_id in gone:
            self._store.delete(table, row_id, user_id)

    def add_by_action(self, body: Any, user_id: str) -> str:
        """Carry out `AddSolutionComponent`; returns the component row's id.

        Raises:
            DataverseError: a parameter is missing, unknown or wrong, or there is no such component.
        """
        if not isinstance(body, dict) or set(body) - _ADD_PARAMETERS:
            raise bad_request("AddSolutionComponent was given parameters that it does not have.")
        missing = [name for name in _REQUIRED if name not in body]
        if missing:
            raise bad_request(f"AddSolutionComponent lacks the parameters {missing}.")
        name, kind = body["SolutionUniqueName"], body["ComponentType"]
        object_id = str(body["ComponentId"]).lower()
        if kind == COLUMN_COMPONENT:
            table, column = self._column(object_id)
            self.add_column(name, table, column, user_id)
            return self.add(name, kind, object_id, user_id)
        if kind not in COMPONENT_TYPES.values():
            raise bad_request(f"The stand-in knows no solution components of type {kind}.")
        (table,) = (each for each, number in COMPONENT_TYPES.items() if number == kind)
        self._store.get(self._schema.table(table), object_id)
        return self.add(name, kind, object_id, user_id)

    def _column(self, object_id: str) -> tuple[str, str]:
        for table in self._schema.tables:
            for column in table.columns:
                made_here = column.kind in (Kind.TEXT, Kind.CHOICE, Kind.WHEN)  # what can be made here
                if made_here and metadata_id(table.logical_name, column.name) == object_id:
                    return table.logical_name, column.name
        raise bad_request(f"There is no attribute with the MetadataId {object_id}.")
