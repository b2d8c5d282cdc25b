"""The application user and its security role by the Web API.

Shapes are those of Microsoft's "AddPrivilegesRole", "RetrieveRolePrivilegesRole" and "Associate and
disassociate table rows". Rows are created with ids of ours, so that a repeated creation is refused instead of
made twice.
"""

from __future__ import annotations

import json
from functools import singledispatchmethod
from typing import TYPE_CHECKING, Any

from booking_sync.dataverse.customizations.rows import either, filtered, literal
from booking_sync.dataverse.rows.row_columns import RowColumns
from booking_sync.dataverse.web_api.errors import incomplete
from booking_sync.errors import PermanentError
from booking_sync.ports.dataverse import app_user as do
from booking_sync.ports.dataverse.app_user import FoundAppUser, FoundUser, Privilege
from booking_sync.ports.dataverse.customization_actions import RemoveRow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from booking_sync.dataverse.web_api.client import DataverseClient
    from booking_sync.ports.dataverse.app_user import DesiredAppUser
    from booking_sync.ports.dataverse.customization_actions import Action

_WHOLE_ORGANIZATION = "Global"
_READ = "Read"
_ROLES = "systemuserroles_association"
_JSON = {"Content-Type": "application/json; charset=utf-8"}
_BY_HAND = (
    "add the application user in the Power Platform admin centre, in the root business unit "
    "(docs/deployment.md, step 3), then run this again"
)


class DataverseAppUsers:
    """One environment's application user of ours.

    Args:
        client: its Web API; stays the caller's to close.
        origin: `https://<org>.crm4.dynamics.com`, which references name.
    """

    def __init__(self, client: DataverseClient, origin: str) -> None:
        self._client = client
        self._origin = origin.rstrip("/")

    async def read(self, desired: DesiredAppUser) -> FoundAppUser:
        """What there is.

        Raises:
            TransientError: no complete answer now.
            PermanentError: refused.
        """
        units = await filtered(
            self._client, "businessunits", "businessunitid", "_parentbusinessunitid_value eq null"
        )
        if not units:
            raise incomplete()
        root = units[0].identity("businessunitid")
        me = await self._client.who_am_i()
        role_id = await self._role(desired.role, root)
        wanted = await self._wanted(desired)
        held = await self._held(role_id) if role_id else frozenset()
        names = {each.name.lower() for each in wanted}
        return FoundAppUser(
            root_unit=root,
            organization_id=me.organization_id,
            role_id=role_id,
            lacking=tuple(sorted(each for each in wanted if each.id not in held)),
            own_user=me.user_id,
            unknown=tuple(sorted(name for name in desired.privileges if name.lower() not in names)),
            user=await self._user(desired.application_id, root, role_id),
        )

    async def user_id(self, application_id: str) -> str:
        """The systemuserid of an application's user; empty for none, or where we may not look."""
        try:
            rows = await filtered(
                self._client, "systemusers", "systemuserid", f"applicationid eq {application_id}"
            )
        except PermanentError:
            return ""
        return rows[0].identity("systemuserid") if rows else ""

    async def carry_out(self, action: Action) -> None:
        """Do it; raises as `read`."""
        await self._carry_out(action)

    async def _role(self, name: str, unit: str) -> str:
        condition = f"name eq {literal(name)} and _businessunitid_value eq {unit}"
        rows = await filtered(self._client, "roles", "roleid", condition)
        return rows[0].identity("roleid") if rows else ""

    async def _wanted(self, desired: DesiredAppUser) -> frozenset[Privilege]:
        condition = either("name", sorted(desired.privileges))
        rows = await filtered(self._client, "privileges", "name,privilegeid", condition)
        found = {Privilege(row.text("name"), row.identity("privilegeid")) for row in rows}
        for table in sorted(desired.tables):
            path = f"EntityDefinitions(LogicalName='{table}')?$select=Privileges"
            rights = RowColumns(await self._client.get(path)).rows("Privileges")
            found |= {
                Privilege(right.text("Name"), right.identity("PrivilegeId"))
                for right in rights
                if right.text("PrivilegeType") == _READ
            }
        return frozenset(found)

    async def _held(self, role_id: str) -> frozenset[str]:
        """Ids of what the role gives for the whole organisation."""
        answer = await self._client.get(f"RetrieveRolePrivilegesRole(RoleId={role_id})")
        rights = RowColumns(answer).rows("RolePrivileges")
        return frozenset(
            right.identity("PrivilegeId") for right in rights if right.text("Depth") == _WHOLE_ORGANIZATION
        )

    async def _user(self, application_id: str, root: str, role_id: str) -> FoundUser | None:
        select = "systemuserid,isdisabled,_businessunitid_value"
        rows = await filtered(self._client, "systemusers", select, f"applicationid eq {application_id}")
        if not rows:
            return None
        user_id = rows[0].identity("systemuserid")
        roles: Sequence[Mapping[str, Any]] = await self._client.rows(
            f"systemusers({user_id})/{_ROLES}?$select=roleid"
        )
        held = {RowColumns(row).identity("roleid") for row in roles}
        return FoundUser(
            user_id,
            rows[0].flag("isdisabled"),
            rows[0].text("_businessunitid_value").lower() == root,
            bool(role_id) and role_id in held,
        )

    @singledispatchmethod
    async def _carry_out(self, action: Action) -> None:
        raise TypeError(f"no way to carry out {type(action).__name__}")

    @_carry_out.register
    async def _(self, action: do.MakeRole) -> None:
        body = {
            "roleid": action.id,
            "name": action.name,
            "businessunitid@odata.bind": f"/businessunits({action.unit})",
        }
        await self._send("POST", "roles", body)

    @_carry_out.register
    async def _(self, action: do.GivePrivileges) -> None:
        rights = [{"PrivilegeId": each.id, "Depth": _WHOLE_ORGANIZATION} for each in action.privileges]
        path = f"roles({action.role_id})/Microsoft.Dynamics.CRM.AddPrivilegesRole"
        await self._send("POST", path, {"Privileges": rights})

    @_carry_out.register
    async def _(self, action: do.MakeUser) -> None:
        # Dataverse puts names and address of the app registration in the place of these three, which it asks
        # for all the same (Inogic, "Create/Update Application User in Dynamics 365 Programmatically").
        body = {
            "systemuserid": action.id,
            "applicationid": action.application_id,
            "businessunitid@odata.bind": f"/businessunits({action.unit})",
            "firstname": "booking_sync",
            "lastname": "application",
            "internalemailaddress": f"{action.application_id}@booking-sync.invalid",
        }
        try:
            await self._send("POST", "systemusers", body)
        except PermanentError as error:
            raise PermanentError(f"{error.reason} If that stays so, {_BY_HAND}.") from error

    @_carry_out.register
    async def _(self, action: do.SwitchUser) -> None:
        headers = {"If-Match": "*"}
        await self._send("PATCH", f"systemusers({action.id})", {"isdisabled": action.disabled}, headers)

    @_carry_out.register
    async def _(self, action: do.GiveRole) -> None:
        reference = {"@odata.id": f"{self._origin}/api/data/v9.2/roles({action.role_id})"}
        await self._send("POST", f"systemusers({action.user_id})/{_ROLES}/$ref", reference)

    @_carry_out.register
    async def _(self, action: RemoveRow) -> None:
        await self._client.send("DELETE", f"{action.entity_set}({action.id})")

    async def _send(
        self, method: str, path: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> None:
        content = json.dumps(body).encode()
        await self._client.send(method, path, headers={**_JSON, **(headers or {})}, body=content)
