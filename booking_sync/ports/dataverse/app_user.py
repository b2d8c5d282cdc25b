"""The application user in Dataverse and the security role with its rights: desired, found, and changed.

Ids are GUIDs in lower case.
"""

from __future__ import annotations

from dataclasses import dataclass

ROLE_NAME = "booking_sync"


@dataclass(frozen=True, slots=True)
class DesiredAppUser:
    """Who the app is to Dataverse, and what it may do there, for the whole organisation."""

    application_id: str
    """The app registration's."""
    privileges: frozenset[str]
    """By name, such as `prvReadAccount`."""
    tables: frozenset[str] = frozenset()
    """Logical names of further tables that it reads, for events' columns."""
    role: str = ROLE_NAME


@dataclass(frozen=True, slots=True, order=True)
class Privilege:
    """A right, as this environment knows it."""

    name: str
    id: str


@dataclass(frozen=True, slots=True)
class FoundUser:
    """The user of our application."""

    id: str
    disabled: bool
    in_root_unit: bool
    has_role: bool


@dataclass(frozen=True, slots=True)
class FoundAppUser:
    """What there is of it."""

    root_unit: str
    """The root business unit."""
    organization_id: str
    own_user: str = ""
    """Who is signed in."""
    role_id: str = ""
    """Of the role of our name in the root business unit; empty for none."""
    lacking: tuple[Privilege, ...] = ()
    """What the role does not give, or not for the whole organisation; all, where there is no role."""
    unknown: tuple[str, ...] = ()
    """Privileges that this environment does not have."""
    user: FoundUser | None = None


@dataclass(frozen=True, slots=True)
class MakeRole:
    """Create the security role, without any right."""

    id: str
    name: str
    unit: str


@dataclass(frozen=True, slots=True)
class GivePrivileges:
    """Add rights to the role, for the whole organisation."""

    role_id: str
    privileges: tuple[Privilege, ...]


@dataclass(frozen=True, slots=True)
class MakeUser:
    """Create the application user."""

    id: str
    application_id: str
    unit: str


@dataclass(frozen=True, slots=True)
class SwitchUser:
    """Enable the application user, or disable it."""

    id: str
    disabled: bool


@dataclass(frozen=True, slots=True)
class GiveRole:
    """Give the application user the role."""

    user_id: str
    role_id: str


UserAction = MakeRole | GivePrivileges | MakeUser | SwitchUser | GiveRole
