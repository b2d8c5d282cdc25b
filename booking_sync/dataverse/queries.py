"""The addresses of what we read and write, in the exact names of Dataverse and Field Service."""

from __future__ import annotations

import json
from dataclasses import astuple
from datetime import UTC
from typing import TYPE_CHECKING
from urllib.parse import quote

from booking_sync.dataverse.event_columns.shape import Shape, with_columns
from booking_sync.dataverse.rows.row_reader import FORMATTED
from booking_sync.domain.environment.columns import NO_RESOURCE_COLUMNS
from booking_sync.domain.environment.watched import WORK_ORDER_COLUMNS, WORK_ORDER_NAMES, RelatedTable
from booking_sync.domain.events.event_text.columns import lookup_property
from booking_sync.domain.ids import read_guid

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from booking_sync.domain.environment.columns import ResourceColumns, ReturnColumns, SupportColumns
    from booking_sync.domain.events.event_text.columns import EventColumn
    from booking_sync.ports.dataverse.bookings import BookingQuery

BOOKINGS = "bookableresourcebookings"
"""The booking table's entity set."""

MAX_IDS = 100
"""How many rows one request asks for; keeps the URL far below Dataverse's 32 KB."""

PAGE_ROWS = 500
"""How many rows a page of a list holds: a megabyte or so with typical work orders, parsed within some ten
milliseconds. Dataverse would send up to 5,000."""

PAGE_HEADERS = {"Prefer": f"odata.maxpagesize={PAGE_ROWS}"}
"""Wanted with every page of a list, not only the first (Dataverse: "Page results")."""

_FORMATTED = f'odata.include-annotations="{FORMATTED}"'

BOOKING_HEADERS = {"Prefer": _FORMATTED}
"""Wanted with every read of bookings: the names behind lookups come along, which costs no request."""

BOOKING_PAGE_HEADERS = {"Prefer": f"odata.maxpagesize={PAGE_ROWS},{_FORMATTED}"}
"""The same with every page of a list."""

ID_PAGE_HEADERS = {"Prefer": "odata.maxpagesize=5000"}
"""The same for a list of nothing but ids: as many as Dataverse sends."""

_BOOKING_COLUMNS = (
    "bookableresourcebookingid",
    "name",
    "starttime",
    "endtime",
    "statecode",
    # The bare lookups tell a relation that is empty from one that we may not see.
    "_resource_value",
    "_bookingstatus_value",
    "_msdyn_workorder_value",
    "msdyn_estimatedarrivaltime",
    "msdyn_estimatedtravelduration",
)
_STATUS = Shape(("name", "status", "msdyn_fieldservicestatus"))
_WORK_ORDER = Shape(
    (*WORK_ORDER_COLUMNS, *map(lookup_property, WORK_ORDER_NAMES)), {"msdyn_serviceaccount": Shape(("name",))}
)
_USER = Shape(("azureactivedirectoryobjectid", "isdisabled"))

MAX_EXPANDS = 15
"""How many lookups one question may follow (Dataverse: "Join tables using OData")."""

RESOURCE_COLUMN = "_resource_value"
"""By which column a booking names its bookable resource."""

_LOOKUPS = {
    RelatedTable.WORK_ORDER: "_msdyn_workorder_value",
    RelatedTable.RESOURCE: RESOURCE_COLUMN,
}
"""By which column a booking names a row of each table."""


def booking_shape(
    columns: SupportColumns,
    of_resource: ResourceColumns = NO_RESOURCE_COLUMNS,
    event_columns: Sequence[EventColumn] = (),
    *,
    of_return: ReturnColumns | None = None,
) -> Shape:
    """What is read of a booking and of the rows around it.

    Args:
        columns: ours on the booking.
        of_resource: those on the bookable resource that people fill in.
        event_columns: those that an administrator chose for events.
        of_return: those of the return path; None where it is off.
    """
    back = astuple(of_return) if of_return else ()
    own = Shape((*_BOOKING_COLUMNS, *astuple(columns), *back), _around(of_resource))
    return with_columns(own, event_columns)


def check_expands(event_columns: Sequence[EventColumn]) -> str:
    """What is wrong where the columns take more lookups than one question can follow; else empty."""
    plain = Shape((), _around(NO_RESOURCE_COLUMNS))
    most, own, wanted = MAX_EXPANDS, plain.expands, with_columns(plain, event_columns).expands
    if wanted <= most:
        return ""
    return (
        f"follow {wanted - own} lookups besides those that every event needs, and Dynamics 365 takes "
        f"{most - own}: leave some columns out, or show a lookup's name instead of a column behind it"
    )


def booking_rows(ids: Sequence[str], shape: Shape) -> str:
    """The list of these bookings with all that planning needs, below the API's path.

    Args:
        ids: GUIDs, bare.
        shape: from `booking_shape`.

    Raises:
        ValueError: no ids, or more than `MAX_IDS`.
    """
    return f"{_shaped(shape)}&{among(ids)}"


def among(ids: Sequence[str]) -> str:
    """The options of a list of bookings by which only these are in it.

    `In` with parameter aliases is Dataverse's way to ask for many ids; an id without a row is simply not in
    the answer.

    Args:
        ids: GUIDs, bare.

    Raises:
        ValueError: no ids, or more than `MAX_IDS`.
    """
    return f"$filter={_IN}&{_in_values('bookableresourcebookingid', ids)}"


_IN = "Microsoft.Dynamics.CRM.In(PropertyName=@p1,PropertyValues=@p2)"


def _in_values(column: str, values: Sequence[str]) -> str:
    if not 1 <= len(values) <= MAX_IDS:
        raise ValueError(f"one request asks for 1 to {MAX_IDS} bookings, not {len(values)}")
    texts = quote(json.dumps(list(values), separators=(",", ":")), safe="")
    return f"@p1='{column}'&@p2={texts}"


def bookings_naming(
    mailbox: str, event_ids: Sequence[str], starts_from: datetime, columns: SupportColumns
) -> str:
    """The list of the bookings that name one of these events of a mailbox, below the API's path.

    Args:
        mailbox: Entra object id of its user.
        event_ids: as Graph has them.
        starts_from: aware; bookings that start earlier are left out.
        columns: ours on the booking.

    Raises:
        ValueError: no event or more than `MAX_IDS`, or a moment without a time zone.
    """
    key = _BOOKING_COLUMNS[0]
    narrower = f" and {columns.original_resource} eq {_text(mailbox)} and starttime ge {_moment(starts_from)}"
    return (
        f"{BOOKINGS}?$select={key},{columns.event_id}&$orderby={key}"
        f"&$filter={_IN}{quote(narrower, safe='')}&{_in_values(columns.event_id, event_ids)}"
    )


def whole_seconds(moment: datetime) -> str:
    """An aware moment as a filter has it where parts of a second don't matter."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def booking_list(query: BookingQuery, columns: SupportColumns, shape: Shape) -> str:
    """The list of the bookings that a query describes, with the same columns as a read, below the API's path.

    Ordered by key, so that pages neither repeat nor skip rows that change while the list is read; or by start
    and key, so that it can be taken up again where it was left.

    Args:
        query: describes them.
        columns: ours on the booking.
        shape: from `booking_shape`.

    Raises:
        ValueError: a moment without a time zone, or the id of a resource or work order that is no GUID.
    """
    order = f"starttime,{_BOOKING_COLUMNS[0]}" if query.by_start else _BOOKING_COLUMNS[0]
    path = f"{_shaped(shape)}&$orderby={order}"
    conditions = " and ".join(_conditions(query, columns))
    return f"{path}&$filter={quote(conditions, safe='')}" if conditions else path


def booking_ids(query: BookingQuery, columns: SupportColumns) -> str:
    """The list of ids of the bookings that a query describes, below the API's path; ordered by key.

    Raises:
        ValueError: as `booking_list`.
    """
    conditions = " and ".join(_conditions(query, columns))
    path = f"{BOOKINGS}?$select={_BOOKING_COLUMNS[0]}&$orderby={_BOOKING_COLUMNS[0]}"
    return f"{path}&$filter={quote(conditions, safe='')}" if conditions else path


def related_bookings(table: RelatedTable, row_id: str, starts_from: datetime) -> str:
    """The list of the bookings that name a row and start then or later, below the API's path.

    Ordered by start, so that the list can be taken up again where it was left, and by key, so that no page
    is cut between two rows whose order is anybody's guess.

    Args:
        table: the row's.
        row_id: a GUID, bare.
        starts_from: aware.

    Raises:
        ValueError: a moment without a time zone.
    """
    key = _BOOKING_COLUMNS[0]
    conditions = f"{_LOOKUPS[table]} eq {row_id} and starttime ge {_moment(starts_from)}"
    path = f"{BOOKINGS}?$select={key},starttime&$orderby=starttime,{key}"
    return f"{path}&$filter={quote(conditions, safe='')}"


def booking_owners(starts_from: datetime, starts_before: datetime, columns: SupportColumns) -> str:
    """The list of bookings with the little that tells whose they are, below the API's path; ordered by start.

    Args:
        starts_from: aware.
        starts_before: aware.
        columns: ours.

    Raises:
        ValueError: a moment without a time zone.
    """
    key = _BOOKING_COLUMNS[0]
    select = f"{key},starttime,{RESOURCE_COLUMN},{columns.event_id},{columns.sync_error}"
    conditions = f"starttime ge {_moment(starts_from)} and starttime lt {_moment(starts_before)}"
    return f"{BOOKINGS}?$select={select}&$orderby=starttime,{key}&$filter={quote(conditions, safe='')}"


def former_records(event_column: str, mailbox_column: str, starts_from: datetime) -> str:
    """The list of bookings with the columns that another program wrote, below the API's path.

    Args:
        event_column: logical name.
        mailbox_column: logical name; empty for none.
        starts_from: aware.

    Raises:
        ValueError: a moment without a time zone.
    """
    key = _BOOKING_COLUMNS[0]
    names = ",".join(name for name in dict.fromkeys((key, event_column, mailbox_column)) if name)
    conditions = f"starttime ge {_moment(starts_from)} and {event_column} ne null"
    return f"{BOOKINGS}?$select={names}&$orderby={key}&$filter={quote(conditions, safe='')}"


def booking_row(booking_id: str) -> str:
    """One booking's address, below the API's path."""
    return f"{BOOKINGS}({booking_id})"


def some_booking(shape: Shape) -> str:
    """At most one booking, whichever, with all that planning needs, below the API's path."""
    return f"{_shaped(shape)}&$top=1"


def _shaped(shape: Shape) -> str:
    return f"{BOOKINGS}?$select={shape.select}&$expand={shape.expand}"


def _around(of_resource: ResourceColumns) -> Mapping[str, Shape]:
    """The rows around a booking."""
    resource = Shape(("resourcetype", "_userid_value", *of_resource.names), {"UserId": _USER})
    return {"Resource": resource, "BookingStatus": _STATUS, "msdyn_workorder": _WORK_ORDER}


def _conditions(query: BookingQuery, columns: SupportColumns) -> Iterator[str]:
    limits = (
        ("modifiedon ge", query.modified_from),
        ("modifiedon le", query.modified_until),
        ("starttime ge", query.starts_from),
        ("starttime lt", query.starts_before),
    )
    yield from (f"{limit} {_moment(moment)}" for limit, moment in limits if moment is not None)
    if query.names_event:
        yield f"{columns.event_id} ne null"
    if query.mailbox is not None:
        yield f"{columns.original_resource} eq {_text(query.mailbox)}"
    for table, ids in (
        (RelatedTable.RESOURCE, query.resource_ids),
        (RelatedTable.WORK_ORDER, query.work_order_ids),
    ):
        if ids:
            yield "(" + " or ".join(f"{_LOOKUPS[table]} eq {_guid(each)}" for each in ids) + ")"
    if query.condition:
        yield f"({query.condition})"


def _moment(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError("bookings are listed by moments with a time zone")
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def _guid(text: str) -> str:
    guid = read_guid(text)
    if guid is None:
        raise ValueError("bookings are listed by GUIDs of resources and work orders")
    return guid


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
