"""Security roles, application users, and who has which role: rows with rules, and three addresses.

The shapes are those of "RetrieveRolePrivilegesRole", "AddPrivilegesRole" and "Associate and disassociate
table rows". What the application user may do is still `Privileges`' to say: here roles are only kept.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from local.dataverse.calls import Answer
from local.dataverse.errors import bad_request, row_missing
from local.dataverse.tables.payload import API_PATH, GUID
from local.dataverse.tables.platform_tables import PRIVILEGE, ROLE, UNIT

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.dataverse.calls import Call, Identity
    from local.dataverse.customization.privileges import Privileges
    from local.dataverse.tables.columns import Table
    from local.dataverse.tables.payload import Row
    from local.dataverse.tables.schema import Schema
    from local.dataverse.tables.store import Store

_HELD = re.compile(rf"RetrieveRolePrivilegesRole\(RoleId=({GUID.pattern})\)")
_ADD = re.compile(rf"roles\(({GUID.pattern})\)/Microsoft\.Dynamics\.CRM\.AddPrivilegesRole")
_ROLES_OF = re.compile(rf"systemusers\(({GUID.pattern})\)/systemuserroles_association(/\$ref)?")
_DEPTHS = ("Basic", "Local", "Deep", "Global")
_REQUIRED_OF_USER = ("businessunitid", "firstname", "lastname", "internalemailaddress")
"""What an application user takes (Inogic, "Create/Update Application User … Programmatically")."""


class Roles:
    """Keeps which privileges a role has, and which roles a user.

    Args:
        schema: the tables in force.
        store: the rows.
        privileges: knows every privilege's id, and whether whoever calls may do this.
        identity: the root business unit.
    """

    def __init__(self, schema: Schema, store: Store, privileges: Privileges, identity: Identity) -> None:
        self._schema = schema
        self._store = store
        self._privileges = privileges
        self._identity = identity
        self.given: dict[str, dict[str, str]] = {}
        """By role the depth of each privilege, by its id."""
        self.members: dict[str, list[str]] = {}
        """By user the roles."""

    def seed(self, user_id: str) -> None:
        """The root business unit, and every privilege as a row."""
        self.given.clear()
        self.members.clear()
        root: Row = {"businessunitid": self._identity.business_unit_id, "name": "bookings"}
        self._store.create(self._schema.table(UNIT), root, user_id)
        for name, privilege_id in self._privileges.known():
            row: Row = {"privilegeid": privilege_id, "name": name}
            self._store.create(self._schema.table(PRIVILEGE), row, user_id)

    def before_create(self, table: Table, values: Row) -> None:
        """Refuse a role without a business unit, and an application user without all that it takes.

        Raises:
            DataverseError: 400.
        """
        if table.logical_name == ROLE and not values.get("businessunitid"):
            raise bad_request("The role's business unit is missing.", "0x80040203")
        if table.logical_name != "systemuser" or not values.get("applicationid"):
            return
        if not all(values.get(name) for name in _REQUIRED_OF_USER):
            raise bad_request("An unexpected error occurred.", "0x80040216")
        rows = self._store.rows(table).values()
        if any(row["applicationid"] == values["applicationid"] for row in rows):
            raise bad_request("There is a user of this application already.", "0x80040237")

    def serve(self, call: Call, body: Callable[[], Any]) -> Answer | None:
        """Answer a call at one of these addresses; None when it is at another. Raises DataverseError."""
        if match := _HELD.fullmatch(call.path):
            self._privileges.require("Read", self._schema.table(ROLE), call.user_id)
            return self._held(match[1].lower())
        if match := _ADD.fullmatch(call.path):
            self._privileges.require("Write", self._schema.table(ROLE), call.user_id)
            return self._add(match[1].lower(), body())
        if match := _ROLES_OF.fullmatch(call.path):
            return self._roles_of(call, match[1].lower(), body, reference=match[2] is not None)
        return None

    def _held(self, role_id: str) -> Answer:
        self._store.get(self._schema.table(ROLE), role_id)
        rows = self._store.rows(self._schema.table(PRIVILEGE))
        held = [
            {
                "Depth": depth,
                "PrivilegeId": privilege_id,
                "BusinessUnitId": self._identity.business_unit_id,
                "PrivilegeName": rows[privilege_id]["name"],
            }
            for privilege_id, depth in self.given.get(role_id, {}).items()
        ]
        return Answer(200, {"RolePrivileges": held})

    def _add(self, role_id: str, body: Any) -> Answer:
        self._store.get(self._schema.table(ROLE), role_id)
        rights = body.get("Privileges") if isinstance(body, dict) and set(body) == {"Privileges"} else None
        if not isinstance(rights, list) or not rights:
            raise bad_request("AddPrivilegesRole takes Privileges, a list.")
        given = self.given.setdefault(role_id, {})
        for right in rights:
            privilege_id = str(right.get("PrivilegeId", "")).lower()
            self._store.get(self._schema.table(PRIVILEGE), privilege_id)
            if right.get("Depth") not in _DEPTHS:
                raise bad_request(f"The depth '{right.get('Depth')}' is none of {_DEPTHS}.")
            given[privilege_id] = right["Depth"]
        return Answer(204)

    def _roles_of(self, call: Call, user_id: str, body: Callable[[], Any], *, reference: bool) -> Answer:
        users = self._schema.table("systemuser")
        if self._store.find(users, user_id) is None:
            raise row_missing("systemuser", user_id)
        roles = self.members.setdefault(user_id, [])
        if call.method == "GET" and not reference:
            there = self._store.rows(self._schema.table(ROLE))
            return Answer(200, {"value": [{"roleid": role} for role in roles if role in there]})
        if call.method != "POST" or not reference:
            raise bad_request("Roles of a user are listed, or associated by $ref.")
        self._privileges.require_assigning(call.user_id)
        text = str((body() or {}).get("@odata.id", ""))
        found = re.fullmatch(rf"{re.escape(call.base_url + API_PATH)}roles\(({GUID.pattern})\)", text)
        if found is None:
            raise bad_request(f"'@odata.id' must be the whole address of a role, not '{text}'.")
        role, user = self._role(found[1].lower()), self._store.get(users, user_id)
        if role["businessunitid"] != user["businessunitid"]:
            raise bad_request("The role is of another business unit than the user.", "0x80048d13")
        roles.append(found[1].lower())
        return Answer(204)

    def _role(self, role_id: str) -> Row:
        return self._store.get(self._schema.table(ROLE), role_id)
