"""Who may do what: the application user holds every privilege, but for those that a test takes away.

A privilege is named after the operation and the table's schema name, as in `prvReadBookableResourceBooking`.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Literal

from local.dataverse.errors import DataverseError
from local.dataverse.tables.columns import Kind

if TYPE_CHECKING:
    from local.dataverse.calls import Identity
    from local.dataverse.config import Config
    from local.dataverse.tables.columns import Table
    from local.dataverse.tables.payload import Row
    from local.dataverse.tables.schema import Schema

Verb = Literal["Create", "Read", "Write", "Delete", "Append", "AppendTo"]

PUBLISH = "prvPublishCustomization"
READ_DEFINITIONS = ("prvReadEntity", "prvReadAttribute", "prvReadRelationship", "prvReadOptionSet")
"""Which of them each definition takes is documented nowhere; here each takes all."""
OPERATIONS: tuple[Verb, ...] = ("Create", "Read", "Write", "Delete", "Append", "AppendTo")
_ATTRIBUTE = "Attribute"
_SCHEMA_NAMES = {
    "bookableresource": "BookableResource",
    "bookableresourcebooking": "BookableResourceBooking",
    "bookableresourcebookingheader": "BookableResourceBookingHeader",
    "bookingstatus": "BookingStatus",
    "systemuser": "User",
    "account": "Account",
    "contact": "Contact",
    "transactioncurrency": "TransactionCurrency",
    "organization": "Organization",
    "publisher": "Publisher",
    "solution": "Solution",
    "serviceendpoint": "ServiceEndpoint",
    "sdkmessage": "SdkMessage",
    "sdkmessageprocessingstep": "SdkMessageProcessingStep",
    "sdkmessageprocessingstepimage": "SdkMessageProcessingStepImage",
    "asyncoperation": "AsyncOperation",
    "savedquery": "Query",
    "systemform": "SystemForm",
    "role": "Role",
    "businessunit": "BusinessUnit",
}
"""Where the schema name is not the logical name."""
_WITHOUT_PRIVILEGES = frozenset({"solutioncomponent", "sdkmessagefilter", "privilege"})
_NAMESPACE = uuid.UUID("0c7c8a4e-37f4-4a3b-9d0e-6a3f0c5d8b11")


class Privileges:
    """What the application user may do.

    Args:
        schema: the tables in force.
        config: names the privileges that it lacks.
        identity: its business unit.
    """

    def __init__(self, schema: Schema, config: Config, identity: Identity) -> None:
        self._schema = schema
        self._config = config
        self._identity = identity

    def require(self, verb: Verb, table: Table, user_id: str) -> None:
        """Let an operation on a table's rows pass.

        Raises:
            DataverseError: 403, naming the privilege.
        """
        if table.logical_name not in _WITHOUT_PRIVILEGES:
            self._require(_name(verb, table.logical_name), user_id, table.logical_name)

    def require_linking(self, table: Table, values: Row, user_id: str) -> None:
        """Let lookups be set: the row is appended to those that they point to; raises as `require`.

        An owner is given by assigning, which is another privilege, and none of the app's business.
        """
        for name, value in values.items():
            column = table.by_name[name]
            if column.kind is Kind.LOOKUP and value is not None and name != "ownerid":
                self.require("Append", table, user_id)
                self.require("AppendTo", self._schema.table(column.target), user_id)

    def require_customizing(self, verb: Verb, user_id: str) -> None:
        """Let a change of a table's columns pass; raises as `require`."""
        self._require(f"prv{verb}{_ATTRIBUTE}", user_id, "attribute")

    def require_reading_definitions(self, user_id: str) -> None:
        """Let definitions of tables be read; raises as `require`. A role of one's own has none of these."""
        for name in READ_DEFINITIONS:
            self._require(name, user_id, "entity")

    def require_publishing(self, user_id: str) -> None:
        """Let customizations be published; raises as `require`."""
        self._require(PUBLISH, user_id, "organization")

    def require_assigning(self, user_id: str) -> None:
        """Let a role be given to a user; raises as `require`."""
        self._require("prvAssignRole", user_id, "role")

    def known(self) -> list[tuple[str, str]]:
        """Every privilege of this environment, with its id."""
        return [(name, _privilege_id(name)) for name in self._names()]

    def _names(self) -> list[str]:
        tables = [each.logical_name for each in self._schema.tables]
        names = [
            _name(verb, table) for table in tables if table not in _WITHOUT_PRIVILEGES for verb in OPERATIONS
        ]
        names += [*(f"prv{verb}{_ATTRIBUTE}" for verb in OPERATIONS), PUBLISH]
        return names + [name for name in READ_DEFINITIONS if name not in names]

    def held(self) -> dict[str, Any]:
        """The answer of `RetrieveUserPrivileges`."""
        return {
            "RolePrivileges": [
                {
                    "Depth": "Global",
                    "PrivilegeId": _privilege_id(name),
                    "BusinessUnitId": self._identity.business_unit_id,
                    "PrivilegeName": name,
                    "RecordFilterId": str(uuid.UUID(int=0)),
                    "RecordFilterUniqueName": "",
                }
                for name in self._names()
                if name not in self._config.missing_privileges
            ]
        }

    def _require(self, name: str, user_id: str, what: str) -> None:
        if name in self._config.missing_privileges:
            raise DataverseError(
                403,
                "0x80040220",
                f"Principal user (Id={user_id}, type=8) is missing {name} privilege "
                f"(Id={_privilege_id(name)}) on entity '{what}'.",
            )


def of_table(table: str) -> list[dict[str, Any]]:
    """The privileges of a table, as its definition tells them."""
    named = [(verb, _name(verb, table)) for verb in OPERATIONS if table not in _WITHOUT_PRIVILEGES]
    return [
        {"Name": name, "PrivilegeId": _privilege_id(name), "PrivilegeType": verb, "CanBeGlobal": True}
        for verb, name in named
    ]


def _name(verb: Verb, table: str) -> str:
    return f"prv{verb}{_SCHEMA_NAMES.get(table, table)}"


def _privilege_id(name: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, name))
