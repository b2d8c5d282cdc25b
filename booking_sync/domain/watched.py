"""Which tables and columns an event depends on: what webhooks are registered for, and filtered by.

An event shows its booking, but also things of the booking's work order, and it lies in the calendar of the
resource's user. A column belongs here exactly when the plan or the rendering of a booking depends on it. What
changes rarely and has no lookup from which bookings could be found cheaply (an account's or a status's name,
a user's account) has no webhook: the daily audit finds it by the fingerprint.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from booking_sync.domain.columns import ResourceColumns

BOOKING_TABLE = "bookableresourcebooking"
"""Logical name of the table whose rows become events."""

BOOKING_ATTRIBUTES = (
    "starttime",
    "endtime",
    "duration",
    "name",
    "bookingstatus",
    "resource",
    "msdyn_workorder",
    "statecode",
)
"""Filtering attributes of the booking's Update step; our support columns must not be among them."""


class RelatedTable(StrEnum):
    """Logical names of the other tables whose Update changes events: those of bookings that name the row."""

    WORK_ORDER = "msdyn_workorder"
    RESOURCE = "bookableresource"


WORK_ORDER_COLUMNS = (
    "msdyn_name",
    "msdyn_workordersummary",
    "msdyn_instructions",
    "msdyn_address1",
    "msdyn_address2",
    "msdyn_address3",
    "msdyn_city",
    "msdyn_stateorprovince",
    "msdyn_postalcode",
    "msdyn_country",
    "msdyn_latitude",
    "msdyn_longitude",
)
"""What is read of a work order itself; its account is a row of its own."""

RELATED_ATTRIBUTES: Mapping[RelatedTable, tuple[str, ...]] = MappingProxyType(
    {
        RelatedTable.WORK_ORDER: ("msdyn_serviceaccount", *WORK_ORDER_COLUMNS),
        RelatedTable.RESOURCE: ("userid", "resourcetype"),
    }
)
"""Filtering attributes of the related tables' Update steps, without what a deployment adds."""


def related_attributes(of_resource: ResourceColumns) -> Mapping[RelatedTable, tuple[str, ...]]:
    """Filtering attributes of the related tables' Update steps, the deployment's own columns among them."""
    own = {RelatedTable.RESOURCE: of_resource.names}
    return {table: (*columns, *own.get(table, ())) for table, columns in RELATED_ATTRIBUTES.items()}
