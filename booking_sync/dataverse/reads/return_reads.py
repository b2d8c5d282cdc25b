"""The port `ReturnReads` on Dataverse: what a dispatcher's board would have looked at before a move.

Booking rules are JavaScript of the board and of the form (Microsoft: "Set up booking rules"), so they don't
run for the Web API: whether a booking may lie where it was put has to be asked for. All of it goes in one
batch, and only for a move that would otherwise be granted.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from booking_sync.dataverse import queries
from booking_sync.dataverse.rows.booking_rows import ID_COLUMN
from booking_sync.dataverse.rows.row_columns import RowColumns, objects
from booking_sync.dataverse.web_api import batch
from booking_sync.dataverse.web_api.client import API_PATH
from booking_sync.dataverse.web_api.errors import incomplete, names_missing_column
from booking_sync.domain.bookings.booking import CommitType
from booking_sync.domain.ids import read_guid, read_moment
from booking_sync.ports.dataverse.return_path import Surroundings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from booking_sync.dataverse.web_api.client import DataverseClient
    from booking_sync.dataverse.web_api.reply import Reply
    from booking_sync.domain.bookings.booking import Booking
    from booking_sync.domain.environment.columns import ReturnColumns
    from booking_sync.domain.return_path.times import Times
    from booking_sync.ports.platform.clock import Clock

COUNTED: Final = 50
"""Counts go no further: what is decided by them is decided by then."""
STATUS_KNOWN_FOR: Final = timedelta(minutes=10)
"""How long a booking status that was found is believed to be the only one."""
_LOCKED: Final = frozenset({192_350_000, 192_350_002, 192_350_003})
"""Time Range, Time, Resource and Time (Microsoft: "Lock bookings for Resource Scheduling Optimization")."""
_CREW: Final = frozenset({192_350_000, 192_350_001})
"""Leader, Member; the third is None."""
_HEADERS: Final = {"Accept": "application/json"}


class DataverseReturnReads:
    """What is read before a booking is moved or canceled from Outlook; fulfils `ReturnReads`.

    Args:
        client: the environment's Web API; stays the caller's to close.
        columns: of the return path on the booking.
        status_id: the booking status for cancellations that the settings name; empty for none.
        now: the time of day.
    """

    def __init__(self, client: DataverseClient, columns: ReturnColumns, status_id: str, now: Clock) -> None:
        self._client = client
        self._columns = columns
        self._status_id = status_id
        self._now = now
        self._found: tuple[str, datetime] | None = None
        self._finding = asyncio.Lock()

    async def surroundings(self, booking: Booking, wished: Times, since: datetime) -> Surroundings:
        """What stands in the way of a move, in one request.

        Raises:
            TransientError: no complete answer now.
            PermanentError: refused.
        """
        resource = booking.resource.id if booking.resource else ""
        window = f"{queries.booking_row(booking.id)}?$select={ID_COLUMN}&$expand=msdyn_workorder($select=%s)"
        own = f"{queries.booking_row(booking.id)}?$select=%s"
        paths = [
            window % "msdyn_timefrompromised,msdyn_timetopromised",
            own % "msdyn_schedulinglockoptions",
            own % "msdyn_crewmembertype,_msdyn_crew_value",
        ]
        if resource:
            paths += [_neighbours(booking.id, resource, wished), self._told(resource, since, "moved")]
        replies = await self._client.batch([batch.Part("GET", API_PATH + each, _HEADERS) for each in paths])
        promised, lock, crew = replies[:3]
        around, moved = replies[3:] if resource else (None, None)
        return Surroundings(
            overlaps=bool(resource) and self._is_taken(around),
            outside_window=_is_outside(booking, wished, self._row(promised)),
            time_locked=_is_locked(self._row_of_optional(lock)),
            crew=_is_crew(self._row_of_optional(crew)),
            moved_of_resource=len(self._list(moved)) if resource else 0,
        )

    async def cancelled_today(self, resource_id: str, since: datetime) -> int:
        """How many bookings of a resource were canceled from Outlook on that day.

        Raises:
            TransientError: no complete answer now.
            PermanentError: refused.
        """
        answer = await self._client.get(self._told(resource_id, since, "cancelled"))
        return len(objects(answer.get("value")))

    async def cancel_status(self) -> str:
        """The booking status for cancellations; empty while none is certain.

        Raises:
            TransientError: no complete answer now.
            PermanentError: refused.
        """
        if self._status_id:
            return self._status_id
        async with self._finding:
            if self._found is None or self._found[1] <= self._now():
                canceled = list(await self.canceled_statuses())
                only = canceled[0] if len(canceled) == 1 else ""
                self._found = (only, self._now() + STATUS_KNOWN_FOR)
            return self._found[0]

    async def canceled_statuses(self) -> Mapping[str, str]:
        """By id the names of all active booking statuses of type Canceled; raises as `cancel_status`."""
        condition = quote(f"status eq {CommitType.CANCELED.value} and statecode eq 0", safe="")
        rows = await self._client.rows(
            f"bookingstatuses?$select=bookingstatusid,name&$orderby=bookingstatusid&$filter={condition}"
        )
        return {each.identity("bookingstatusid"): each.text("name") for each in map(RowColumns, rows)}

    def _told(self, resource_id: str, since: datetime, kind: str) -> str:
        """The bookings of a resource whose row tells of that kind of change on that day."""
        _check(resource_id)
        words = f"{since:%Y-%m-%d} {kind}"
        conditions = (
            f"{queries.RESOURCE_COLUMN} eq {resource_id} and modifiedon ge {queries.whole_seconds(since)} "
            f"and startswith({self._columns.told},'{words}')"
        )
        filter_ = quote(conditions, safe="")
        return f"{queries.BOOKINGS}?$select={ID_COLUMN}&$top={COUNTED}&$filter={filter_}"

    def _is_taken(self, reply: Reply | None) -> bool:
        """Whether another booking of the resource is there that is not canceled."""
        statuses = (row.row("BookingStatus") for row in self._list(reply))
        return any(each is None or each.whole("status") != CommitType.CANCELED for each in statuses)

    def _list(self, reply: Reply | None) -> Sequence[RowColumns]:
        return objects(self._answered(reply).json_object().get("value"))

    def _row(self, reply: Reply | None) -> RowColumns:
        return RowColumns(self._answered(reply).json_object())

    def _row_of_optional(self, reply: Reply | None) -> RowColumns | None:
        """The row; None where the environment has no such column, so that nobody can have used it."""
        if reply is not None and names_missing_column(reply):
            return None
        return self._row(reply)

    def _answered(self, reply: Reply | None) -> Reply:
        if reply is None:
            raise incomplete()
        if not reply.ok:
            raise self._client.refusal_error(reply, writes=False)
        return reply


def _neighbours(booking_id: str, resource_id: str, wished: Times) -> str:
    """Other bookings of the resource that have a part of this time."""
    _check(resource_id)
    start, end = map(queries.whole_seconds, (wished.start, wished.end))
    conditions = (
        f"{queries.RESOURCE_COLUMN} eq {resource_id} and starttime lt {end} and endtime gt {start} "
        f"and statecode eq 0 and {ID_COLUMN} ne {booking_id}"
    )
    shown = f"$select={ID_COLUMN}&$expand=BookingStatus($select=status)"
    return f"{queries.BOOKINGS}?{shown}&$filter={quote(conditions, safe='')}"


def _is_outside(booking: Booking, wished: Times, row: RowColumns) -> bool:
    """Whether the technician would arrive outside what the work order promises.

    What is promised is the arrival, and a booking begins with the way there.
    """
    order = row.row("msdyn_workorder")
    if order is None:
        return False
    way = booking.arrival - booking.start if booking.arrival and booking.start else timedelta()
    arrival = wished.start + max(way, timedelta())
    earliest, latest = (read_moment(order.text(f"msdyn_time{each}promised")) for each in ("from", "to"))
    return bool((earliest and arrival < earliest) or (latest and arrival > latest))


def _is_locked(row: RowColumns | None) -> bool:
    return row is not None and row.whole("msdyn_schedulinglockoptions") in _LOCKED


def _is_crew(row: RowColumns | None) -> bool:
    return row is not None and (
        bool(row.text("_msdyn_crew_value")) or row.whole("msdyn_crewmembertype") in _CREW
    )


def _check(resource_id: str) -> None:
    """What is no GUID must not become part of a query; our own rows never hold one."""
    if read_guid(resource_id) != resource_id:
        raise ValueError("a bookable resource is asked for by its GUID")
