"""A Bookable Resource Booking as the rules see it: all that is read of the row and the rows it points to."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from booking_sync.domain.bookings.reader import Reader
    from booking_sync.domain.events.event_text.columns import ColumnValue


class CommitType(IntEnum):
    """`bookingstatus.status`: the only dependable meaning of a status, whatever its name is."""

    PROPOSED = 1
    COMMITTED = 2
    CANCELED = 3


class FieldServiceStatus(IntEnum):
    """`bookingstatus.msdyn_fieldservicestatus`."""

    SCHEDULED = 690970000
    TRAVELING = 690970001
    ON_BREAK = 690970002
    IN_PROGRESS = 690970003
    COMPLETED = 690970004
    CANCELED = 690970005


@dataclass(frozen=True, slots=True)
class SystemUser:
    """The Dynamics 365 user behind a resource."""

    entra_object_id: str | None
    """Names the user's mailbox; None for users without an Entra account."""
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class BookableResource:
    """Who or what is booked."""

    type: int
    """A `ResourceType`, or a number that a later version of Dynamics 365 brings."""
    user: SystemUser | None = None
    id: str = field(default="", compare=False)
    """Lower-case GUID; empty when it was not asked for. Not compared: the rules go by what rows say."""
    name: str = field(default="", compare=False)
    """As Dataverse tells it along with the lookup; empty where it was not asked for."""
    takes_part: int | None = None
    """A `TakesPart` that somebody chose on the row; None where nobody did."""
    mailbox: str = ""
    """Whose calendar the row names, as somebody typed it, or the object id that an address was found to be;
    empty: its user's."""
    mailbox_problem: str = ""
    """Why the address that somebody typed leads to no mailbox, for a person to read; empty for none."""
    user_problem: str = ""
    """Why its user can't be known, for a person to read; empty where it is known, or there is none."""


@dataclass(frozen=True, slots=True)
class BookingStatus:
    """The booking's status."""

    name: str
    commit_type: int | None
    field_service_status: int | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """A work order's place; empty strings where Dynamics 365 has nothing."""

    lines: tuple[str, ...] = ()
    city: str = ""
    state: str = ""
    postal_code: str = ""
    country: str = ""
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True, slots=True)
class WorkOrder:
    """What is to be done, and where."""

    number: str = ""
    account_name: str = ""
    summary: str = ""
    instructions: str = ""
    address: Address = Address()
    priority: str = ""
    """The name of a row it points to, as those below; empty where Dataverse tells none."""
    type: str = ""
    incident_type: str = ""
    """The primary one."""
    contact: str = ""
    """Who reported it."""


@dataclass(frozen=True, slots=True)
class Booking:
    """One booking."""

    id: str
    """Lower-case GUID."""
    name: str
    start: datetime | None
    """Aware, UTC; includes travel."""
    end: datetime | None
    """Aware, UTC."""
    active: bool
    """`statecode` is 0."""
    status: BookingStatus | None = None
    resource: BookableResource | None = None
    work_order: WorkOrder | None = None
    arrival: datetime | None = None
    """When the technician should be there; aware, UTC."""
    travel_minutes: int | None = None
    """Of the booking's time."""
    values: Mapping[str, ColumnValue] = field(default_factory=dict)
    """By name the columns that an administrator chose; empty ones are left out."""
    reader: Reader | None = None
    """Whoever's calendar shows it; None where it does not matter."""
    awaits_dispatcher: bool = False
    """Its event was put elsewhere in Outlook, and a dispatcher is asked whether the booking may follow."""
