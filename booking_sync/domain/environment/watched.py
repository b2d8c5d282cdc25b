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
    from collections.abc import Iterable, Mapping

    from booking_sync.domain.environment.columns import ResourceColumns
    from booking_sync.domain.events.event_text.columns import EventColumn

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
    "msdyn_estimatedarrivaltime",
    "msdyn_estimatedtravelduration",
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

WORK_ORDER_NAMES = (
    "msdyn_priority",
    "msdyn_workordertype",
    "msdyn_primaryincidenttype",
    "msdyn_reportedbycontact",
)
"""Lookups of a work order of which only the other row's name is shown. It comes along with the lookup: these
tables need not be read."""

RELATED_ATTRIBUTES: Mapping[RelatedTable, tuple[str, ...]] = MappingProxyType(
    {
        RelatedTable.WORK_ORDER: ("msdyn_serviceaccount", *WORK_ORDER_COLUMNS, *WORK_ORDER_NAMES),
        RelatedTable.RESOURCE: ("userid", "resourcetype"),
    }
)
"""Filtering attributes of the related tables' Update steps, without what a deployment adds."""

TABLE_BEHIND: Mapping[str, RelatedTable] = MappingProxyType(
    {"msdyn_workorder": RelatedTable.WORK_ORDER, "resource": RelatedTable.RESOURCE}
)
"""By the booking's lookups, whose logical names these are."""


def related_attributes(of_resource: ResourceColumns) -> Mapping[RelatedTable, tuple[str, ...]]:
    """Filtering attributes of the related tables' Update steps, the deployment's own columns among them."""
    own = {RelatedTable.RESOURCE: of_resource.names}
    return {table: (*columns, *own.get(table, ())) for table, columns in RELATED_ATTRIBUTES.items()}


def watched_attributes(
    of_resource: ResourceColumns, columns: Iterable[EventColumn]
) -> Mapping[str, frozenset[str]]:
    """By table the filtering attributes of its Update step, where an administrator chose these columns.

    Columns of a booking, of its work order and of its resource, and the lookups on the way to others. What is
    further away (a contact's phone) has no webhook.
    """
    watched: dict[str, set[str]] = {BOOKING_TABLE: set(BOOKING_ATTRIBUTES)}
    watched.update({str(table): set(names) for table, names in related_attributes(of_resource).items()})
    for column in columns:
        steps = [*(hop.attribute for hop in column.hops), column.attribute]
        watched[BOOKING_TABLE].add(steps[0])
        table = TABLE_BEHIND.get(steps[0])
        if table is not None and len(steps) > 1:
            watched[table].add(steps[1])
    return {table: frozenset(names) for table, names in watched.items()}


def is_watched(column: EventColumn) -> bool:
    """Whether a change of the column itself comes by a webhook."""
    if not column.hops:
        return True
    return len(column.hops) == 1 and column.hops[0].attribute in TABLE_BEHIND
