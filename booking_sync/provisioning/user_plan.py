"""The application user and its role: what is there, what is to be done, what is taken away. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from booking_sync.ports.dataverse.app_user import GivePrivileges, GiveRole, MakeRole, MakeUser, SwitchUser
from booking_sync.ports.dataverse.customization_actions import RemoveRow
from booking_sync.ports.dataverse.customizations import row_id
from booking_sync.provisioning.parts import PartState, PlannedPart, ProvisioningPlan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from booking_sync.ports.dataverse.app_user import DesiredAppUser, FoundAppUser, FoundUser

ROLE, RIGHTS, USER = "security role", "rights", "application user"
_OTHER_UNIT = (
    "It belongs to another business unit than the root one: give it the role {role} of that unit by hand, or "
    "move it to the root one."
)


def plan_app_user(actual: FoundAppUser, desired: DesiredAppUser) -> ProvisioningPlan:
    """What is missing, and how to mend it."""
    return ProvisioningPlan(tuple(_parts(actual, desired)))


def plan_app_user_removal(actual: FoundAppUser, desired: DesiredAppUser) -> ProvisioningPlan:
    """Disable the user, then delete the role; Dataverse keeps the user's row, since rows name it."""
    parts = []
    if actual.user is not None and actual.user.id == actual.own_user:
        detail = "signed in as it: run this as an administrator, or disable it in the admin centre"
        return ProvisioningPlan((PlannedPart(USER, actual.user.id, PartState.KEPT, detail),))
    if actual.user is not None and not actual.user.disabled:
        off = SwitchUser(actual.user.id, disabled=True)
        detail = "only disabled: delete it in the admin centre, if you like"
        parts.append(PlannedPart(USER, actual.user.id, PartState.SURPLUS, detail, (off,)))
    if actual.role_id:
        gone = RemoveRow("roles", actual.role_id)
        parts.append(PlannedPart(ROLE, desired.role, PartState.SURPLUS, "", (gone,)))
    return ProvisioningPlan(tuple(parts))


def _parts(actual: FoundAppUser, desired: DesiredAppUser) -> Iterator[PlannedPart]:
    role_id = actual.role_id or row_id("role", f"{actual.organization_id}/{desired.role}")
    if actual.role_id:
        yield PlannedPart(ROLE, desired.role, PartState.EXISTS, "in the root business unit")
    else:
        make = MakeRole(role_id, desired.role, actual.root_unit)
        yield PlannedPart(ROLE, desired.role, PartState.MISSING, "in the root business unit", (make,))
    yield _rights(actual, desired, role_id)
    if actual.user is None:
        yield from _new_user(actual, desired, role_id)
    else:
        yield from _user(actual.user, desired, role_id)


def _rights(actual: FoundAppUser, desired: DesiredAppUser, role_id: str) -> PlannedPart:
    name = f"of {desired.role}"
    if actual.unknown:
        detail = f"This environment has no {', '.join(actual.unknown)}; is Field Service installed?"
        return PlannedPart(RIGHTS, name, PartState.CONFLICT, detail)
    if actual.lacking:
        give = GivePrivileges(role_id, actual.lacking)
        detail = f"for the whole organisation: {', '.join(each.name for each in actual.lacking)}"
        return PlannedPart(RIGHTS, name, PartState.MISSING, detail, (give,))
    return PlannedPart(RIGHTS, name, PartState.EXISTS, "all that are needed, for the whole organisation")


def _new_user(actual: FoundAppUser, desired: DesiredAppUser, role_id: str) -> Iterator[PlannedPart]:
    user_id = row_id("application user", f"{actual.organization_id}/{desired.application_id}")
    make = MakeUser(user_id, desired.application_id, actual.root_unit)
    give = GiveRole(user_id, role_id)
    detail = f"of the app registration, with the role {desired.role}"
    yield PlannedPart(USER, user_id, PartState.MISSING, detail, (make, give))


def _user(user: FoundUser, desired: DesiredAppUser, role_id: str) -> Iterator[PlannedPart]:
    if user.disabled:
        on = SwitchUser(user.id, disabled=False)
        yield PlannedPart(USER, user.id, PartState.DIFFERS, "disabled", (on,))
    elif user.has_role:
        yield PlannedPart(USER, user.id, PartState.EXISTS, f"with the role {desired.role}")
    elif not user.in_root_unit:
        detail = _OTHER_UNIT.format(role=desired.role)
        yield PlannedPart(USER, user.id, PartState.CONFLICT, detail)
    else:
        give = GiveRole(user.id, role_id)
        yield PlannedPart(USER, user.id, PartState.DIFFERS, f"without the role {desired.role}", (give,))
