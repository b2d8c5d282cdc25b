"""A tenant of any size that takes no memory: each page of rows and events is made when it is asked for.

Every booking is in step, with its sealed record and its event. What the making of answers costs is told apart
(`made_seconds`), so that what remains of a process's time is the product's.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

import httpx

from booking_sync.dataverse.queries import PAGE_ROWS, RESOURCE_COLUMN
from booking_sync.dataverse.rows.booking_rows import to_booking_row, to_columns
from booking_sync.dataverse.web_api.reply import Reply
from booking_sync.domain.environment.columns import SupportColumns
from booking_sync.domain.events.event_ref import EventRef
from booking_sync.domain.events.ownership import marker, transaction_id
from booking_sync.domain.plan import Wanted
from booking_sync.domain.record import SyncRecord
from booking_sync.outlook.bodies import MARKER_PROPERTY
from booking_sync.outlook.requests import VIEW_PAGE_SIZE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from booking_sync.dataverse.web_api.transport import Request
    from booking_sync.domain.events.ownership import Sealer
    from booking_sync.domain.plan import DesiredStateRule

GRAPH_URL = "https://graph.microsoft.com"
DATAVERSE_URL = "https://contoso.crm4.dynamics.com"
FIRST = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
RESOURCES_PER_PAGE = 1000
OWNERS_PER_PAGE = 5000
_EVENT = "A" * 144
"""As long as a real immutable id, with the eight digits behind."""


@dataclass(frozen=True, slots=True)
class CrowdSize:
    """How many there are."""

    technicians: int
    bookings: int
    """Of each."""


def mailbox_of(technician: int) -> str:
    """The Entra object id of its user."""
    return f"{technician:08x}-0000-4000-9000-0000000000aa"


def resource_of(technician: int) -> str:
    """The id of the bookable resource."""
    return f"{technician:08x}-0000-4000-8000-0000000000bb"


def booking_of(technician: int, number: int) -> str:
    """The id of one of its bookings."""
    return f"{technician:08x}-{number:04x}-4000-8000-0000000000cc"


class Crowd:
    """Both services; fulfils `Wire` of Dataverse and `BatchTransport` of Graph.

    Args:
        size: of the tenant.
        rule: what Outlook should show of a booking.
        sealer: seals the records.
        organization_id: in the events' markers.
    """

    def __init__(self, size: CrowdSize, rule: DesiredStateRule, sealer: Sealer, organization_id: str) -> None:
        self._size = size
        self._rule = rule
        self._sealer = sealer
        self._organization_id = organization_id
        self.requests = {"Dataverse": 0, "Graph": 0}
        self.made_seconds = 0.0
        """Of processor time, for making answers."""

    # --- Dataverse --------------------------------------------------------------------------------------

    async def exchange(self, request: Request, token: str) -> Reply:
        """Answer a list of resources or bookings."""
        del token
        started = time.thread_time()
        self.requests["Dataverse"] += 1
        path, query = urlsplit(request.url).path, parse_qs(urlsplit(request.url).query)
        start = int(query.get("skip", ["0"])[0])
        if path.endswith("bookableresources"):
            rows, more = self._resources(start)
        elif "$expand" in query:
            named = re.findall(r"eq ([0-9a-f-]{36})", query["$filter"][0])
            by_start = query["$orderby"][0].startswith("starttime")
            rows, more = self._bookings(named, start, by_start=by_start)
        else:
            rows, more = self._owners(start)
        page: dict[str, Any] = {"value": rows}
        if more:
            bare = re.sub(r"&skip=\d+", "", request.url)
            page["@odata.nextLink"] = f"{bare}&skip={start + len(rows)}"
        body = json.dumps(page).encode()
        self.made_seconds += time.thread_time() - started
        return Reply(200, {"content-type": "application/json"}, body)

    async def aclose(self) -> None:
        """Nothing is open."""

    def _resources(self, start: int) -> tuple[list[dict[str, Any]], bool]:
        end = min(start + RESOURCES_PER_PAGE, self._size.technicians)
        rows = [
            {
                "bookableresourceid": resource_of(each),
                "resourcetype": 3,
                "_userid_value": mailbox_of(each),
                "UserId": {"azureactivedirectoryobjectid": mailbox_of(each)},
            }
            for each in range(start, end)
        ]
        return rows, end < self._size.technicians

    def _owners(self, start: int) -> tuple[list[dict[str, Any]], bool]:
        whole = self._size.technicians * self._size.bookings
        end = min(start + OWNERS_PER_PAGE, whole)
        rows = []
        for place in range(start, end):
            number, technician = divmod(place, self._size.technicians)
            rows.append(
                {
                    "bookableresourcebookingid": booking_of(technician, number),
                    "starttime": _text(_start(number)),
                    RESOURCE_COLUMN: resource_of(technician),
                    SupportColumns().event_id: _event_of(technician, number),
                }
            )
        return rows, end < whole

    def _bookings(
        self, resource_ids: list[str], start: int, *, by_start: bool
    ) -> tuple[list[dict[str, Any]], bool]:
        technicians = sorted(int(each[:8], 16) for each in resource_ids) or range(self._size.technicians)
        whole = len(technicians) * self._size.bookings
        end = min(start + PAGE_ROWS, whole)
        rows = []
        for place in range(start, end):
            if by_start:
                number, which = divmod(place, len(technicians))
            else:
                which, number = divmod(place, self._size.bookings)
            rows.append(self._row(technicians[which], number))
        return rows, end < whole

    def _row(self, technician: int, number: int) -> dict[str, Any]:
        row = _bare_row(technician, number)
        identity = row["bookableresourcebookingid"]
        wanted = self._wanted(row)
        event = EventRef(mailbox_of(technician), _event_of(technician, number))
        record = SyncRecord(event, 1, wanted.content.fingerprint())
        return row | to_columns(identity, record, SupportColumns(), self._sealer)

    def _wanted(self, row: Mapping[str, Any]) -> Wanted:
        wanted = self._rule(to_booking_row(row, SupportColumns(), self._sealer).booking)
        assert isinstance(wanted, Wanted)  # noqa: S101 - every booking here is
        return wanted

    # --- Graph ------------------------------------------------------------------------------------------

    async def post_batch(self, content: bytes, request_id: str) -> httpx.Response:
        """Answer a batch of calendarViews."""
        del request_id
        started = time.thread_time()
        self.requests["Graph"] += 1
        responses = [
            {"id": each["id"], "status": 200, "headers": {}, "body": self._view(each["url"])}
            for each in json.loads(content)["requests"]
        ]
        body = json.dumps({"responses": responses}).encode()
        self.made_seconds += time.thread_time() - started
        return httpx.Response(200, content=body)

    def _view(self, url: str) -> dict[str, Any]:
        technician = int(url.split("/")[2][:8], 16)
        skip = re.search(r"[?&]%24skip=(\d+)|[?&]\$skip=(\d+)", url)
        start = int(next(filter(None, skip.groups()))) if skip else 0
        end = min(start + VIEW_PAGE_SIZE, self._size.bookings)
        page: dict[str, Any] = {"value": [self._event(technician, number) for number in range(start, end)]}
        if end < self._size.bookings:
            bare = unquote(url).partition("?")[0]
            page["@odata.nextLink"] = f"{GRAPH_URL}/v1.0{bare}?$skip={end}"
        return page

    def _event(self, technician: int, number: int) -> dict[str, Any]:
        content = self._wanted(_bare_row(technician, number)).content
        mark = marker(self._organization_id, booking_of(technician, number))
        return {
            "id": _event_of(technician, number),
            "transactionId": transaction_id(mark, mailbox_of(technician), 1),
            "iCalUId": f"uid-{technician}-{number}",
            "subject": content.subject,
            "start": {"dateTime": _text(_start(number))[:-1], "timeZone": "UTC"},
            "end": {"dateTime": _text(_start(number) + timedelta(hours=1))[:-1], "timeZone": "UTC"},
            "showAs": content.show_as,
            "categories": list(content.categories),
            "location": {"displayName": content.location_name},
            "attendees": [],
            "isAllDay": False,
            "type": "singleInstance",
            "seriesMasterId": None,
            "singleValueExtendedProperties": [{"id": MARKER_PROPERTY, "value": mark}],
        }


def _start(number: int) -> datetime:
    return FIRST + timedelta(hours=4 * number)


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _event_of(technician: int, number: int) -> str:
    return f"{_EVENT}{technician:08x}{number:04x}"


def _bare_row(technician: int, number: int) -> dict[str, Any]:
    """A row of a typical booking, without our columns' contents."""
    columns = SupportColumns()
    return {
        "@odata.etag": f'W/"{technician * 1000 + number}"',
        "bookableresourcebookingid": booking_of(technician, number),
        "name": "Boiler service",
        "starttime": _text(_start(number)),
        "endtime": _text(_start(number) + timedelta(hours=1)),
        "statecode": 0,
        "_resource_value": resource_of(technician),
        "_bookingstatus_value": "00000000-0000-4000-8000-0000000000dd",
        "_msdyn_workorder_value": "00000000-0000-4000-8000-0000000000ee",
        "Resource": {
            "resourcetype": 3,
            "_userid_value": mailbox_of(technician),
            "UserId": {"azureactivedirectoryobjectid": mailbox_of(technician), "isdisabled": False},
        },
        "BookingStatus": {"name": "Scheduled", "status": 2, "msdyn_fieldservicestatus": 690970000},
        "msdyn_workorder": {
            "msdyn_name": "WO-00017",
            "msdyn_workordersummary": "Yearly boiler service",
            "msdyn_instructions": None,
            "msdyn_address1": "Harbour Street 4",
            "msdyn_address2": None,
            "msdyn_address3": None,
            "msdyn_city": "Helsinki",
            "msdyn_stateorprovince": None,
            "msdyn_postalcode": "00100",
            "msdyn_country": "Finland",
            "msdyn_latitude": 60.17,
            "msdyn_longitude": 24.94,
            "_msdyn_serviceaccount_value": "00000000-0000-4000-8000-0000000000ff",
            "msdyn_serviceaccount": {"name": "Adatum Bakery"},
        },
        columns.event_id: None,
        columns.original_resource: None,
        columns.sync_state: None,
        columns.sync_error: None,
    }
