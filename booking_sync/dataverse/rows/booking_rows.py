"""From a row's JSON to the domain's `BookingRow`, and from our record to the columns' values.

Nulls are ordinary: most columns of Field Service are optional. What is not ordinary is refused, naming the
column: a value of another type; an empty column that Dynamics 365 always fills; a relation that points at a
row which was not sent along, because then we are not allowed to see it. Taking that for "no work order" or
"no resource" would delete people's events.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from typing import TYPE_CHECKING, Any

from booking_sync.dataverse.event_columns.reading import read_values
from booking_sync.dataverse.rows.row_reader import RowReader
from booking_sync.domain.bookings.booking import (
    Address,
    BookableResource,
    Booking,
    BookingStatus,
    SystemUser,
    WorkOrder,
)
from booking_sync.domain.environment.columns import (
    NO_RESOURCE_COLUMNS,
    OUTLOOK_RETURN_LENGTH,
    RESOURCE_MAILBOX_LENGTH,
)
from booking_sync.domain.ids import NO_GUID
from booking_sync.domain.record import BookingRow, format_state, read_record
from booking_sync.domain.return_path.base import NO_BASE, format_base, read_base
from booking_sync.domain.return_path.side import Answered, OutlookSide, Proposal, ProposalAnswer, ProposalKind
from booking_sync.domain.return_path.times import Times
from booking_sync.domain.row_words import reason_in, row_words
from booking_sync.domain.text import clean_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from booking_sync.domain.environment.columns import ResourceColumns, ReturnColumns, SupportColumns
    from booking_sync.domain.events.event_text.columns import EventColumn
    from booking_sync.domain.events.ownership import Sealer
    from booking_sync.domain.record import SyncRecord
    from booking_sync.domain.return_path.side import Returned

ID_COLUMN = "bookableresourcebookingid"

_ACTIVE = 0
_SHOWN = "?"
"""Before the proposal that a form shows, as long as no form's script says that it was answered."""


def to_booking_row(
    row: Mapping[str, Any],
    columns: SupportColumns,
    sealer: Sealer,
    of_resource: ResourceColumns = NO_RESOURCE_COLUMNS,
    event_columns: Sequence[EventColumn] = (),
    *,
    of_return: ReturnColumns | None = None,
) -> BookingRow:
    """The row as the domain sees it; its record must be sealed for this row.

    Args:
        row: as it was sent.
        columns: ours on the booking.
        sealer: knows our seals.
        of_resource: those on the bookable resource that people fill in.
        event_columns: those that an administrator chose for events; they were asked for as well.
        of_return: those of the return path, asked for as well; None where it is off.

    Raises:
        PermanentError: a column holds what it can't hold, or a related row may not be seen.
    """
    reader = RowReader(row)
    booking_id = reader.required_guid(ID_COLUMN)
    read = read_record(
        booking_id,
        sealer,
        event_id=reader.text(columns.event_id),
        mailbox=_lower(reader.text(columns.original_resource)),
        state=reader.text(columns.sync_state),
        error=reason_in(reader.text(columns.sync_error) or ""),
    )
    side = _side(booking_id, reader, read.record, sealer, of_return) if of_return else None
    booking = _booking(booking_id, reader, of_resource, event_columns)
    return BookingRow(
        booking=replace(booking, awaits_dispatcher=True) if side and side.waits_for_times else booking,
        record=read.record,
        etag=reader.etag(),
        claim=read.claim,
        intact=read.intact,
        side=side,
    )


def state_text(row: Mapping[str, Any], columns: SupportColumns) -> str:
    """The state column's text; empty when it holds none."""
    value = row.get(columns.sync_state)
    return value if isinstance(value, str) else ""


def to_return_columns(
    booking_id: str, record: SyncRecord, returned: Returned, columns: ReturnColumns, sealer: Sealer
) -> dict[str, Any]:
    """What the same write sets of the return path: its columns, and new times or status of the booking.

    Start and end always go together: what plug-ins would make of one of them alone is not documented.
    """
    side = returned.side
    proposal, times = side.proposal, side.proposal.times if side.proposal else None
    written: dict[str, Any] = {
        columns.base: format_base(booking_id, record.event, record.generation, returned.side.base, sealer),
        columns.told: clean_line(side.told, OUTLOOK_RETURN_LENGTH) or None,
        columns.proposal: int(proposal.kind) if proposal else None,
        columns.proposed_start: _utc(times.start) if times else None,
        columns.proposed_end: _utc(times.end) if times else None,
        columns.answer: int(side.answered.answer) if side.answered else None,
        columns.answer_for: (side.answered.answer_for or None) if side.answered else _for_forms(side),
    }
    if returned.times:
        written["starttime"] = _utc(returned.times.start)
        written["endtime"] = _utc(returned.times.end)
    if returned.arrival:
        written["msdyn_estimatedarrivaltime"] = _utc(returned.arrival)
    if returned.status_id:
        written["BookingStatus@odata.bind"] = f"/bookingstatuses({returned.status_id})"
    return written


def _for_forms(side: OutlookSide) -> str | None:
    """Which proposal a form shows that is opened now, for its script to say so with the answer."""
    if side.proposal is None:
        return None
    agreed = side.base.agreement.times if side.base.agreement else None
    times = side.proposal.times or agreed
    return f"{_SHOWN}{_utc(times.start)}/{_utc(times.end)}" if times else None


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
        columns.sync_error: row_words(record.error, record.technician) or None,
    }


def _side(
    booking_id: str, row: RowReader, record: SyncRecord, sealer: Sealer, columns: ReturnColumns
) -> OutlookSide:
    text = row.text(columns.base) or ""
    base = read_base(booking_id, record.event, record.generation, text, sealer)
    return OutlookSide(
        base or NO_BASE, row.text(columns.told) or "", _proposal(row, columns), _answered(row, columns)
    )


def _proposal(row: RowReader, columns: ReturnColumns) -> Proposal | None:
    """What is proposed; None where the columns, which people can edit, hold nothing that can be."""
    start, end = row.moment(columns.proposed_start), row.moment(columns.proposed_end)
    match row.integer(columns.proposal):
        case ProposalKind.MOVE if start and end:
            return Proposal(ProposalKind.MOVE, Times(start, end))
        case ProposalKind.CANCEL:
            return Proposal(ProposalKind.CANCEL)
    return None


def _answered(row: RowReader, columns: ReturnColumns) -> Answered | None:
    said = row.integer(columns.answer)
    if said not in set(ProposalAnswer):
        return None
    answer_for = row.text(columns.answer_for) or ""
    return Answered(ProposalAnswer(said), "" if answer_for.startswith(_SHOWN) else answer_for)


def _booking(
    booking_id: str, row: RowReader, of_resource: ResourceColumns, event_columns: Sequence[EventColumn]
) -> Booking:
    return Booking(
        id=booking_id,
        name=row.text("name") or "",
        start=row.moment("starttime"),
        end=row.moment("endtime"),
        active=row.required_integer("statecode") == _ACTIVE,
        status=_status(row.related("BookingStatus", "_bookingstatus_value")),
        resource=_resource(row.related("Resource", "_resource_value"), row, of_resource),
        work_order=_work_order(row.related("msdyn_workorder", "_msdyn_workorder_value")),
        arrival=row.moment("msdyn_estimatedarrivaltime"),
        travel_minutes=row.integer("msdyn_estimatedtravelduration"),
        values=read_values(row, event_columns),
    )


def _status(row: RowReader | None) -> BookingStatus | None:
    if row is None:
        return None
    return BookingStatus(
        row.text("name") or "", row.integer("status"), row.integer("msdyn_fieldservicestatus")
    )


def _resource(
    row: RowReader | None, booking: RowReader, of_resource: ResourceColumns
) -> BookableResource | None:
    if row is None:
        return None
    return BookableResource(
        row.required_integer("resourcetype"),
        _user(row.related("UserId", "_userid_value")),
        id=booking.guid("_resource_value") or "",
        name=booking.formatted("_resource_value"),
        takes_part=row.integer(of_resource.takes_part) if of_resource.takes_part else None,
        mailbox=clean_line(row.text(of_resource.mailbox) or "", RESOURCE_MAILBOX_LENGTH)
        if of_resource.mailbox
        else "",
    )


def _user(row: RowReader | None) -> SystemUser | None:
    if row is None:
        return None
    entra_id = row.guid("azureactivedirectoryobjectid")
    return SystemUser(None if entra_id == NO_GUID else entra_id, disabled=row.flag("isdisabled"))


def _work_order(row: RowReader | None) -> WorkOrder | None:
    if row is None:
        return None
    account = row.related("msdyn_serviceaccount")
    return WorkOrder(
        number=row.text("msdyn_name") or "",
        account_name=(account.text("name") or "") if account else "",
        summary=row.text("msdyn_workordersummary") or "",
        instructions=row.text("msdyn_instructions") or "",
        address=_address(row),
        priority=row.formatted("_msdyn_priority_value"),
        type=row.formatted("_msdyn_workordertype_value"),
        incident_type=row.formatted("_msdyn_primaryincidenttype_value"),
        contact=row.formatted("_msdyn_reportedbycontact_value"),
    )


def _address(row: RowReader) -> Address:
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


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _lower(text: str | None) -> str | None:
    return text.lower() if text else None
