"""From a row's JSON to the domain's `BookingRow`, and from our record to the columns' values.

Nulls are ordinary: most columns of Field Service are optional. What is not ordinary is refused, naming the
column: a value of another type; an empty column that Dynamics 365 always fills; a relation that points at a
row which was not sent along, because then we are not allowed to see it. Taking that for "no work order" or
"no resource" would delete people's events.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from booking_sync.domain.booking import (
    Address,
    BookableResource,
    Booking,
    BookingStatus,
    SystemUser,
    WorkOrder,
)
from booking_sync.domain.columns import NO_RESOURCE_COLUMNS, RESOURCE_MAILBOX_LENGTH, SYNC_ERROR_LENGTH
from booking_sync.domain.ids import NO_GUID, read_guid, read_moment
from booking_sync.domain.record import BookingRow, format_state, read_record
from booking_sync.domain.text import clean_line, shorten
from booking_sync.errors import PermanentError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from booking_sync.domain.columns import ResourceColumns, SupportColumns
    from booking_sync.domain.ownership import Sealer
    from booking_sync.domain.record import SyncRecord

ID_COLUMN = "bookableresourcebookingid"

_ETAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]+"')
_ACTIVE = 0


def is_etag(value: object) -> bool:
    """Whether this names one version of a row; `*` and an empty text would overwrite any."""
    return isinstance(value, str) and _ETAG.fullmatch(value) is not None


def to_booking_row(
    row: Mapping[str, Any],
    columns: SupportColumns,
    sealer: Sealer,
    of_resource: ResourceColumns = NO_RESOURCE_COLUMNS,
) -> BookingRow:
    """The row as the domain sees it; its record must be sealed for this row.

    Args:
        row: as it was sent.
        columns: ours on the booking.
        sealer: knows our seals.
        of_resource: those on the bookable resource that people fill in.

    Raises:
        PermanentError: a column holds what it can't hold, or a related row may not be seen.
    """
    reader = _Reader(row)
    booking_id = reader.required_guid(ID_COLUMN)
    read = read_record(
        booking_id,
        sealer,
        event_id=reader.text(columns.event_id),
        mailbox=_lower(reader.text(columns.original_resource)),
        state=reader.text(columns.sync_state),
        error=reader.text(columns.sync_error),
    )
    return BookingRow(
        booking=_booking(booking_id, reader, of_resource),
        record=read.record,
        etag=reader.etag(),
        claim=read.claim,
        intact=read.intact,
    )


def state_text(row: Mapping[str, Any], columns: SupportColumns) -> str:
    """The state column's text; empty when it holds none."""
    value = row.get(columns.sync_state)
    return value if isinstance(value, str) else ""


def to_columns(
    booking_id: str, record: SyncRecord, columns: SupportColumns, sealer: Sealer
) -> dict[str, str | None]:
    """What a write of our record sets; empty columns become null.

    Only the error is ever shortened: a shortened id or state would be a wrong one.
    """
    event = record.event
    return {
        columns.event_id: (event.event_id or None) if event else None,
        columns.original_resource: (event.mailbox or None) if event else None,
        columns.sync_state: format_state(booking_id, record, sealer),
        columns.sync_error: shorten(record.error, SYNC_ERROR_LENGTH) or None,
    }


def _booking(booking_id: str, row: _Reader, of_resource: ResourceColumns) -> Booking:
    return Booking(
        id=booking_id,
        name=row.text("name") or "",
        start=row.moment("starttime"),
        end=row.moment("endtime"),
        active=row.required_integer("statecode") == _ACTIVE,
        status=_status(row.related("BookingStatus", "_bookingstatus_value")),
        resource=_resource(row.related("Resource", "_resource_value"), row, of_resource),
        work_order=_work_order(row.related("msdyn_workorder", "_msdyn_workorder_value")),
    )


def _status(row: _Reader | None) -> BookingStatus | None:
    if row is None:
        return None
    return BookingStatus(
        row.text("name") or "", row.integer("status"), row.integer("msdyn_fieldservicestatus")
    )


def _resource(row: _Reader | None, booking: _Reader, of_resource: ResourceColumns) -> BookableResource | None:
    if row is None:
        return None
    return BookableResource(
        row.required_integer("resourcetype"),
        _user(row.related("UserId", "_userid_value")),
        id=booking.guid("_resource_value") or "",
        takes_part=row.integer(of_resource.takes_part) if of_resource.takes_part else None,
        mailbox=clean_line(row.text(of_resource.mailbox) or "", RESOURCE_MAILBOX_LENGTH)
        if of_resource.mailbox
        else "",
    )


def _user(row: _Reader | None) -> SystemUser | None:
    if row is None:
        return None
    entra_id = row.guid("azureactivedirectoryobjectid")
    return SystemUser(None if entra_id == NO_GUID else entra_id, disabled=row.flag("isdisabled"))


def _work_order(row: _Reader | None) -> WorkOrder | None:
    if row is None:
        return None
    account = row.related("msdyn_serviceaccount")
    return WorkOrder(
        number=row.text("msdyn_name") or "",
        account_name=(account.text("name") or "") if account else "",
        summary=row.text("msdyn_workordersummary") or "",
        instructions=row.text("msdyn_instructions") or "",
        address=_address(row),
    )


def _address(row: _Reader) -> Address:
    lines = (row.text(f"msdyn_address{number}") for number in (1, 2, 3))
    return Address(
        lines=tuple(line for line in lines if line),
        city=row.text("msdyn_city") or "",
        state=row.text("msdyn_stateorprovince") or "",
        postal_code=row.text("msdyn_postalcode") or "",
        country=row.text("msdyn_country") or "",
        latitude=row.number("msdyn_latitude"),
        longitude=row.number("msdyn_longitude"),
    )


def _lower(text: str | None) -> str | None:
    return text.lower() if text else None


def _float(number: float) -> float:
    """As a float; infinite when it is too large for one, as JSON's whole numbers may be."""
    try:
        return float(number)
    except OverflowError:
        return math.inf


class _Reader:
    """Reads columns of one row, or of a row it points to, by type."""

    def __init__(self, row: Mapping[str, Any], path: str = "") -> None:
        self._row = row
        self._path = path

    def text(self, column: str) -> str | None:
        value = self._row.get(column)
        if value is None or isinstance(value, str):
            return value
        raise self._wrong(column, "text")

    def guid(self, column: str) -> str | None:
        if self._row.get(column) is None:
            return None
        return self.required_guid(column)

    def required_guid(self, column: str) -> str:
        guid = read_guid(self._row.get(column))
        if guid is None:
            raise self._wrong(column, "a GUID")
        return guid

    def integer(self, column: str) -> int | None:
        if self._row.get(column) is None:
            return None
        return self.required_integer(column)

    def required_integer(self, column: str) -> int:
        value = self._row.get(column)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        raise self._wrong(column, "a whole number")

    def number(self, column: str) -> float | None:
        value = self._row.get(column)
        if value is None:
            return None
        if isinstance(value, int | float) and not isinstance(value, bool):
            number = _float(value)
            if math.isfinite(number):
                return number
        raise self._wrong(column, "a number")

    def flag(self, column: str) -> bool:
        value = self._row.get(column)
        if value is None or isinstance(value, bool):
            return bool(value)
        raise self._wrong(column, "yes or no")

    def moment(self, column: str) -> datetime | None:
        value = self._row.get(column)
        if value is None:
            return None
        moment = read_moment(value)
        if moment is None:
            raise self._wrong(column, "a time with its zone, between the years 1 and 9999")
        return moment

    def etag(self) -> str:
        value = self._row.get("@odata.etag")
        if isinstance(value, str) and is_etag(value):
            return value
        raise self._wrong("@odata.etag", "a version")

    def related(self, navigation: str, lookup: str | None = None) -> _Reader | None:
        value = self._row.get(navigation)
        if isinstance(value, dict):
            return _Reader(value, f"{self._path}{navigation}/")
        if value is not None:
            raise self._wrong(navigation, "a row")
        if lookup is not None and self._row.get(lookup) is not None:
            raise PermanentError(
                f"Dynamics 365: the booking's {self._path}{navigation} is set, but our application user may "
                "not read it; an administrator must check its security role."
            )
        return None

    def _wrong(self, column: str, expected: str) -> PermanentError:
        return PermanentError(f"Dynamics 365: the column '{self._path}{column}' does not hold {expected}.")
