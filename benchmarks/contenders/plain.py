"""The plain pro-code worker: one queue message, one booking, one request after the other.

What a good developer writes in a day with the official Graph SDK and `requests`: typed models and builders
with the SDK's own retries, the booking with all it points to in one GET, the record in one PATCH. It reads
the row afresh, so that the order of messages does not matter; it tolerates what is gone already; it gives the
creating POST a transactionId, as the documentation advises for retries, and asks for immutable ids. It has no
batches, no fingerprint and no schedule per mailbox, it puts the open extension inside the creating POST, and
its record does not ask whether the row has changed meanwhile.

It takes booking_sync's queue messages, writes its columns, and shows about as much in the event, so that the
work is the same.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from dataclasses import dataclass
from html import escape
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from kiota_abstractions.api_error import APIError
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from msgraph.generated.models.body_type import BodyType
from msgraph.generated.models.date_time_time_zone import DateTimeTimeZone
from msgraph.generated.models.event import Event
from msgraph.generated.models.free_busy_status import FreeBusyStatus
from msgraph.generated.models.item_body import ItemBody
from msgraph.generated.models.location import Location
from msgraph.generated.models.open_type_extension import OpenTypeExtension
from msgraph.graph_request_adapter import GraphRequestAdapter
from msgraph.graph_request_adapter import options as sdk_options
from msgraph.graph_service_client import GraphServiceClient
from msgraph_core import GraphClientFactory

from benchmarks.contenders.seams import API_PATH, BOOKINGS, json_bytes, reply_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx
    from azure.core.credentials_async import AsyncTokenCredential
    from msgraph.generated.users.item.events.events_request_builder import EventsRequestBuilder

    from benchmarks.contenders.seams import Exchange, Reply

EXTENSION_NAME = "com.bookingsync.booking"
EXTENSION_PROPERTY = "bookingSyncGuid"
CANCELED, PROPOSED = 3, 1
"""`bookingstatus.status`."""
DATAVERSE_TRIES = 4
"""As many as the Graph SDK makes by default: one, and three retries."""
DATAVERSE_PAUSE_SECONDS = 3.0
"""Between them when Dataverse does not say, as in the Graph SDK."""
_QUERY = (
    "$select=name,starttime,endtime,statecode,bsync_outlookeventid,bsync_originalresource"
    "&$expand=Resource($select=resourcetype;$expand=UserId($select=azureactivedirectoryobjectid,isdisabled)),"
    "BookingStatus($select=name,status),"
    "msdyn_workorder($select=msdyn_name,msdyn_workordersummary,msdyn_address1,msdyn_city,msdyn_postalcode;"
    "$expand=msdyn_serviceaccount($select=name))"
)


class DataverseRefusedError(Exception):
    """Dataverse did not do what was asked; the host delivers the message again."""


@dataclass(frozen=True, slots=True)
class _EventRef:
    mailbox: str
    event_id: str


def open_graph(url: str, credential: AsyncTokenCredential, http: httpx.AsyncClient) -> GraphServiceClient:
    """The SDK's client with its default middleware, retries among it.

    Args:
        url: `https://graph.microsoft.com` or a stand-in's.
        credential: tokens for it.
        http: the connections; the SDK's middleware is put around its transport.
    """
    provider = AzureIdentityAuthenticationProvider(
        credential, scopes=[f"{url}/.default"], allowed_hosts=[urlsplit(url).hostname or ""]
    )
    client = GraphClientFactory.create_with_default_middleware(client=http, options=sdk_options)
    adapter = GraphRequestAdapter(provider, client=client)
    adapter.base_url = f"{url}/v1.0"
    return GraphServiceClient(request_adapter=adapter)


class PlainWorker:
    """Handles messages, each by itself.

    Args:
        graph: see `open_graph`.
        dataverse: authenticated.
        dataverse_url: base URL without a trailing slash.
    """

    def __init__(self, graph: GraphServiceClient, dataverse: Exchange, dataverse_url: str) -> None:
        self._graph = graph
        self._dataverse = dataverse
        self._api = f"{dataverse_url}{API_PATH}"

    async def handle(self, text: str) -> None:
        """Bring one booking's event in step.

        Raises:
            DataverseRefusedError: Dataverse refused, its retries included.
            APIError: Graph did.
        """
        message = json.loads(text)
        row = await self._read(message["bookingId"])
        if row is None:
            if event := message.get("event"):
                await self._delete(_EventRef(event["mailbox"], event["id"]))
            return
        recorded = _recorded(row)
        event = await self._bring_in_step(row, recorded)
        if event != recorded:
            await self._record(message["bookingId"], event)

    async def _bring_in_step(self, row: Mapping[str, Any], recorded: _EventRef | None) -> _EventRef | None:
        """What the row is to name from now on."""
        mailbox = _wanted_mailbox(row)
        if recorded and recorded.mailbox != mailbox:
            await self._delete(recorded)
            recorded = None
        if mailbox is None:
            return None
        if recorded and await self._update(recorded, row):
            return recorded
        return await self._create(mailbox, row)

    async def _create(self, mailbox: str, row: Mapping[str, Any]) -> _EventRef:
        event = _event(row)
        event.transaction_id = str(uuid.uuid4())
        event.extensions = [
            OpenTypeExtension(
                odata_type="microsoft.graph.openTypeExtension",
                extension_name=EXTENSION_NAME,
                additional_data={EXTENSION_PROPERTY: row["bookableresourcebookingid"]},
            )
        ]
        created = await self._events(mailbox).post(event, _immutable_ids())
        return _EventRef(mailbox, cast("str", cast("Event", created).id))

    async def _update(self, event: _EventRef, row: Mapping[str, Any]) -> bool:
        """False when somebody has deleted the event."""
        item = self._events(event.mailbox).by_event_id(event.event_id)
        try:
            await item.patch(_event(row), _immutable_ids())
        except APIError as error:
            if error.response_status_code != HTTPStatus.NOT_FOUND:
                raise
            return False
        return True

    async def _delete(self, event: _EventRef) -> None:
        try:
            await self._events(event.mailbox).by_event_id(event.event_id).delete(_immutable_ids())
        except APIError as error:
            if error.response_status_code != HTTPStatus.NOT_FOUND:
                raise

    def _events(self, mailbox: str) -> EventsRequestBuilder:
        return self._graph.users.by_user_id(mailbox).events

    async def _read(self, booking_id: str) -> Mapping[str, Any] | None:
        """None: there is no such booking."""
        reply = await self._call("GET", f"{BOOKINGS}({booking_id})?{_QUERY}")
        return None if reply is None else reply.json()

    async def _record(self, booking_id: str, event: _EventRef | None) -> None:
        columns = {
            "bsync_outlookeventid": event.event_id if event else None,
            "bsync_originalresource": event.mailbox if event else None,
        }
        written = await self._call("PATCH", f"{BOOKINGS}({booking_id})", columns)
        if written is None and event:
            await self._delete(event)  # the booking was deleted meanwhile

    async def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Reply | None:
        """None: there is no such row."""
        headers = {"Accept": "application/json", "OData-Version": "4.0", "OData-MaxVersion": "4.0"}
        if body is not None:
            # Without If-Match a PATCH would re-create a row that is gone.
            headers |= {"Content-Type": "application/json", "If-Match": "*"}
        for tries_left in reversed(range(DATAVERSE_TRIES)):
            reply = reply_of(await self._dataverse(method, self._api + path, headers, json_bytes(body)))
            if reply.succeeded:
                return reply
            if reply.status == HTTPStatus.NOT_FOUND:
                return None
            if reply.status not in _PASSING or not tries_left:
                break
            asked = reply.retry_after
            await asyncio.sleep(DATAVERSE_PAUSE_SECONDS if asked is None else asked)
        raise DataverseRefusedError(f"{method} answered {reply.status}")


_PASSING = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT)


def _recorded(row: Mapping[str, Any]) -> _EventRef | None:
    mailbox, event_id = row["bsync_originalresource"], row["bsync_outlookeventid"]
    return _EventRef(mailbox, event_id) if mailbox and event_id else None


def _wanted_mailbox(row: Mapping[str, Any]) -> str | None:
    """Where the booking is to show; None for nowhere."""
    status, user = row["BookingStatus"] or {}, (row["Resource"] or {}).get("UserId") or {}
    if row["statecode"] != 0 or status.get("status") == CANCELED or not row["msdyn_workorder"]:
        return None
    if user.get("isdisabled", True):
        return None
    return user.get("azureactivedirectoryobjectid")


def _event(row: Mapping[str, Any]) -> Event:
    order, status = row["msdyn_workorder"], row["BookingStatus"] or {}
    account = (order.get("msdyn_serviceaccount") or {}).get("name") or ""
    proposed = status.get("status") == PROPOSED
    return Event(
        subject=f"{account} – {row['name']}",  # noqa: RUF001 - the dash that people read
        body=ItemBody(content_type=BodyType.Html, content=_body(row, order, status, account)),
        start=_time(row["starttime"]),
        end=_time(row["endtime"]),
        show_as=FreeBusyStatus.Tentative if proposed else FreeBusyStatus.Busy,
        location=Location(display_name=_place(order)),
        is_reminder_on=False,
    )


def _body(row: Mapping[str, Any], order: Mapping[str, Any], status: Mapping[str, Any], account: str) -> str:
    lines = {
        "Status": status.get("name"),
        "Work order": order["msdyn_name"],
        "Customer": account,
        "Address": _place(order),
        "Summary": order["msdyn_workordersummary"],
        "Booking": row["bookableresourcebookingid"],
    }
    return "".join(f"<p><b>{name}:</b> {escape(str(text))}</p>" for name, text in lines.items() if text)


def _place(order: Mapping[str, Any]) -> str:
    town = " ".join(filter(None, (order["msdyn_postalcode"], order["msdyn_city"])))
    return ", ".join(filter(None, (order["msdyn_address1"], town)))


def _time(moment: str) -> DateTimeTimeZone:
    return DateTimeTimeZone(date_time=moment.removesuffix("Z"), time_zone="UTC")


def _immutable_ids() -> RequestConfiguration[Any]:
    configuration: RequestConfiguration[Any] = RequestConfiguration()
    configuration.headers.add("Prefer", 'IdType="ImmutableId"')
    return configuration
