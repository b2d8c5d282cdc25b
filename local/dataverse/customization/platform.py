"""What the Web API does besides business rows: privileges, solutions, actions, table definitions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from local.dataverse.customization import metadata
from local.dataverse.customization.columns import Customization
from local.dataverse.customization.forms import Forms
from local.dataverse.customization.privileges import Privileges
from local.dataverse.customization.roles import Roles
from local.dataverse.customization.rules import Rules
from local.dataverse.customization.solutions import Solutions
from local.dataverse.errors import row_missing
from local.dataverse.tables.platform_tables import COMPONENT_TYPES

if TYPE_CHECKING:
    from local.dataverse.calls import Call, Identity
    from local.dataverse.config import Config
    from local.dataverse.tables.columns import Table
    from local.dataverse.tables.payload import Row
    from local.dataverse.tables.schema import Schema
    from local.dataverse.tables.store import Store

ACTIONS = ("PublishXml", "PublishAllXml", "AddSolutionComponent")
SOLUTION_HEADER = "mscrm.solutionuniquename"

_USER_PRIVILEGES = re.compile(
    r"systemusers\((?P<id>[0-9a-fA-F-]{36})\)/Microsoft\.Dynamics\.CRM\.RetrieveUserPrivileges(?:\(\))?"
)


class Platform:
    """Joins solutions, table definitions, privileges and the rules of the platform's own rows.

    Args:
        schema: the tables in force.
        store: the rows.
        config: the knobs.
        identity: who the organisation and its users are.
    """

    def __init__(self, schema: Schema, store: Store, config: Config, identity: Identity) -> None:
        self._schema = schema
        self._store = store
        self.solutions = Solutions(schema, store)
        self.forms = Forms(schema, store)
        self.customization = Customization(schema, store, self.solutions, self.forms)
        self.privileges = Privileges(schema, config, identity)
        self.roles = Roles(schema, store, self.privileges, identity)
        self._rules = Rules(schema, store)
        self._config = config

    def before_create(self, call: Call, table: Table, values: Row) -> None:
        """Refuse a row that the platform or the user's role does not allow; raises DataverseError."""
        self.privileges.require("Create", table, call.user_id)
        self.privileges.require_linking(table, values, call.user_id)
        if call.headers.get(SOLUTION_HEADER):
            self.solutions.find(call.headers[SOLUTION_HEADER])
        self._rules.before_create(table, values)
        self.roles.before_create(table, values)
        self.forms.check(table, {**_blank(table), **values})

    def after_create(self, call: Call, table: Table, row_id: str) -> None:
        """Put a new component into the solution that the request names."""
        solution = call.headers.get(SOLUTION_HEADER, "")
        if solution and table.logical_name in COMPONENT_TYPES:
            self.solutions.add(solution, COMPONENT_TYPES[table.logical_name], row_id, call.user_id)

    def before_update(self, call: Call, table: Table, row_id: str, values: Row) -> None:
        """As `before_create`, for a change."""
        self.privileges.require("Write", table, call.user_id)
        self.privileges.require_linking(table, values, call.user_id)
        row = self._store.get(table, row_id)
        self._rules.before_update(table, row, values)
        self.forms.check(table, {**row, **values})

    def before_delete(self, call: Call, table: Table, row_id: str) -> None:
        """As `before_create`, for a deletion."""
        self.privileges.require("Delete", table, call.user_id)
        self._store.get(table, row_id)
        self._rules.before_delete(table, row_id)

    def after_delete(self, call: Call, table: Table, row_id: str) -> None:
        """Take a component that is gone out of the solutions."""
        if table.logical_name in COMPONENT_TYPES:
            self.solutions.forget(row_id, call.user_id)

    def act(self, call: Call, body: Any) -> Any:
        """Carry out an action; returns what it answers, None for nothing. Raises DataverseError."""
        if call.path == "AddSolutionComponent":
            self.privileges.require("Write", self._schema.table("solution"), call.user_id)
            return {"id": self.solutions.add_by_action(body, call.user_id)}
        self.privileges.require_publishing(call.user_id)
        if call.path == "PublishXml":
            self.customization.publish(body)
        else:
            self.customization.publish_all()
        return None

    def user_privileges(self, path: str) -> dict[str, Any] | None:
        """The answer of the function at this path; None when it is another. Raises DataverseError."""
        match = _USER_PRIVILEGES.fullmatch(path)
        if match is None:
            return None
        users = self._schema.table("systemuser")
        if self._store.find(users, match["id"].lower()) is None:
            raise row_missing("systemuser", match["id"])
        return self.privileges.held()

    def read_definition(self, call: Call) -> dict[str, Any]:
        """A table's definition or its columns'; raises DataverseError."""
        self.privileges.require_reading_definitions(call.user_id)
        return metadata.read(
            self._schema,
            call.path,
            call.raw_query,
            self._config.without_optimistic_concurrency,
            self._config.secured_columns,
        )

    def create_column(self, call: Call, body: Any) -> str:
        """Add a column; returns its MetadataId. Raises DataverseError."""
        self.privileges.require_customizing("Create", call.user_id)
        solution = call.headers.get(SOLUTION_HEADER, "")
        return self.customization.create(call.path, body, solution, call.user_id)

    def change_column(self, call: Call, body: Any) -> None:
        """Put a column's definition; raises DataverseError."""
        self.privileges.require_customizing("Write", call.user_id)
        self.customization.change(call.path, body)

    def delete_column(self, call: Call) -> None:
        """Remove a column; raises DataverseError."""
        self.privileges.require_customizing("Delete", call.user_id)
        self.customization.delete(call.path, call.user_id)


def _blank(table: Table) -> Row:
    return {column.name: None for column in table.columns}
