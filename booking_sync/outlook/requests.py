"""Each calendar operation as one Graph request, made by the Graph SDK's typed models and request builders.

The models are imported module by module: that costs some 20 ms once and half a millisecond per event, where
the whole of `msgraph.generated.models` would cost seconds. Answers are never read into models for the same
reason.

Mailboxes and event ids come from columns that people can edit, and become parts of URLs. Whatever can't be an
id is refused here, before anything is sent.

The SDK's `RequestInformation` then yields method, URL, headers and JSON, which travel as an item of a batch.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_abstractions.headers_collection import HeadersCollection
from kiota_http.middleware.parameters_name_decoding_handler import ParametersNameDecodingHandler
from msgraph.generated.models.body_type import BodyType
from msgraph.generated.models.date_time_time_zone import DateTimeTimeZone
from msgraph.generated.models.event import Event
from msgraph.generated.models.free_busy_status import FreeBusyStatus
from msgraph.generated.models.item_body import ItemBody
from msgraph.generated.models.location import Location
from msgraph.generated.models.open_type_extension import OpenTypeExtension
from msgraph.generated.models.outlook_geo_coordinates import OutlookGeoCoordinates
from msgraph.generated.models.physical_address import PhysicalAddress
from msgraph.generated.models.sensitivity import Sensitivity
from msgraph.generated.models.single_value_legacy_extended_property import (
    SingleValueLegacyExtendedProperty,
)
from msgraph.generated.users.item.calendar_view.calendar_view_request_builder import (
    CalendarViewRequestBuilder,
)
from msgraph.generated.users.item.events.events_request_builder import EventsRequestBuilder
from msgraph.generated.users.item.events.item.event_item_request_builder import EventItemRequestBuilder

from booking_sync.domain.booking import Address
from booking_sync.domain.event import is_event_id, is_mailbox
from booking_sync.errors import PermanentError, TransientError
from booking_sync.outlook.store import UntrackedStore
from booking_sync.outlook.wire import GraphRequest
from booking_sync.plumbing.telemetry import untraced

if TYPE_CHECKING:
    from datetime import datetime

    from kiota_abstractions.request_information import RequestInformation

    from booking_sync.domain.event import ContentPart, EventContent, EventRef, EventTime
    from booking_sync.outlook.client import GraphClient

MARKER_PROPERTY = "String {8f5c1f5e-6b1f-4c57-9d0a-0c7f0d3f6a52} Name BookingSyncMarker"
"""Extended property of all our events; it must never change, or we no longer recognise our own."""
BIRTH_PROPERTY = "String {8f5c1f5e-6b1f-4c57-9d0a-0c7f0d3f6a52} Name BookingSyncBirth"
"""Extended property of the creating request, see `ownership`; never to change either."""
SEALED_PROPERTY = "String {8f5c1f5e-6b1f-4c57-9d0a-0c7f0d3f6a52} Name BookingSyncSeal"
"""Extended property that holds the event's seal where a deployment writes no open extension."""
EXTENSION_PROPERTY = "bookingSyncGuid"
"""What the open extension holds: the booking's id."""
SEAL_PROPERTY = "bookingSyncSeal"
"""And the seal that proves the event."""
PAGE_SIZE = 50
VIEW_PAGE_SIZE = 250
"""Graph takes up to 1,000. Pages go by position, so few large ones miss least of what moves meanwhile; twenty
of these in one batch's answer still stay below some megabytes."""

_LISTED_FIELDS = (
    "id",
    "seriesMasterId",
    "transactionId",
    "subject",
    "start",
    "end",
    "showAs",
    "categories",
    "location",
    "attendees",
    "isAllDay",
    "type",
)

_MARKERS = f"$filter=id eq '{MARKER_PROPERTY}'"
_EVIDENCE_FIELDS = (
    "id",
    "iCalUId",
    "transactionId",
    "createdDateTime",
    "attendees",
    "categories",
    "isAllDay",
    "type",
)
_EVIDENCE_PROPERTIES = " or ".join(
    f"id eq '{name}'" for name in (MARKER_PROPERTY, BIRTH_PROPERTY, SEALED_PROPERTY)
)
_EVIDENCE = f"singleValueExtendedProperties($filter={_EVIDENCE_PROPERTIES})"
_IMMUTABLE_IDS = 'IdType="ImmutableId"'
_DECODED_IN_NAMES = ["$", ".", "-", "~"]


class EventRequests:
    """Builds the requests; sends nothing.

    Every method raises `PermanentError` for a mailbox that is no Entra object id, or what is no event id.

    Args:
        client: whose SDK builders and base URL are used.
    """

    def __init__(self, client: GraphClient) -> None:
        self._client = client
        self._names = ParametersNameDecodingHandler()

    @untraced()
    def create(
        self, mailbox: str, content: EventContent, *, marker: str, transaction_id: str, birth: str
    ) -> GraphRequest:
        """POST an event that carries our marker and its birth from its first moment on."""
        event = _new_event(content)
        event.transaction_id = transaction_id
        event.single_value_extended_properties = [_marked(marker), _property(BIRTH_PROPERTY, birth)]
        builder = self._events(mailbox).with_url(self._events_url(mailbox))
        return self._item(mailbox, builder.to_post_request_information(event, _configuration()))

    @untraced()
    def update(
        self, event: EventRef, content: EventContent, kept: frozenset[ContentPart] = frozenset()
    ) -> GraphRequest:
        """PATCH all that decides when and whether the event shows, and nothing that is a person's.

        An event that somebody made an all-day one or a series takes other times only together with these two
        fields. transactionId can't be changed, and Graph refuses to try.

        Args:
            event: the event.
            content: what to show.
            kept: parts that the event has already, and that are not written.
        """
        builder = self._event(event).with_url(self._event_url(event))
        changed = _event(content, kept)
        changed.is_all_day = False
        item = self._item(event.mailbox, builder.to_patch_request_information(changed, _configuration()))
        # The SDK leaves out what is None, and only an explicit null ends a series.
        return replace(item, body={**(item.body or {}), "recurrence": None})

    def delete(self, event: EventRef) -> GraphRequest:
        """DELETE the event; without attendees nobody gets mail."""
        builder = self._event(event).with_url(self._event_url(event))
        return self._item(event.mailbox, builder.to_delete_request_information(_configuration()))

    @untraced()
    def tag(self, event: EventRef, extension_name: str, booking_id: str, seal: str) -> GraphRequest:
        """POST the open extension, on its own: inside the creating POST it is a source of half-failures."""
        extension = _extension(extension_name, booking_id, seal)
        builder = self._event(event).extensions.with_url(f"{self._event_url(event)}/extensions")
        return self._item(event.mailbox, builder.to_post_request_information(extension, _configuration()))

    def retag(self, event: EventRef, extension_name: str, booking_id: str, seal: str) -> GraphRequest:
        """PATCH the open extension that is there already."""
        extension = _extension(extension_name, booking_id, seal)
        builder = self._event(event).extensions.by_extension_id(extension_name)
        return self._item(event.mailbox, builder.to_patch_request_information(extension, _configuration()))

    def seal(self, event: EventRef, seal: str) -> GraphRequest:
        """PATCH the seal as an extended property, and nothing else of the event."""
        body = Event(
            backing_store=UntrackedStore(),
            single_value_extended_properties=[_property(SEALED_PROPERTY, seal)],
        )
        builder = self._event(event).with_url(self._event_url(event))
        return self._item(event.mailbox, builder.to_patch_request_information(body, _configuration()))

    def read_tag(self, event: EventRef, extension_name: str) -> GraphRequest:
        """GET the open extension, by the address that is documented for it."""
        builder = self._event(event).extensions.by_extension_id(extension_name)
        return self._item(event.mailbox, builder.to_get_request_information(_configuration()))

    def look(self, event: EventRef) -> GraphRequest:
        """GET what of one event may prove whose it is."""
        configuration = _configuration()
        configuration.query_parameters = EventItemRequestBuilder.EventItemRequestBuilderGetQueryParameters(
            select=list(_EVIDENCE_FIELDS), expand=[_EVIDENCE]
        )
        return self._item(event.mailbox, self._event(event).to_get_request_information(configuration))

    def find(self, mailbox: str, marker: str) -> GraphRequest:
        """GET the first page of the events that carry the marker."""
        literal = marker.replace("'", "''")
        query = EventsRequestBuilder.EventsRequestBuilderGetQueryParameters(
            filter=(
                "singleValueExtendedProperties/any("  # the standard's spelling; Graph documents Any
                f"ep: ep/id eq '{MARKER_PROPERTY}' and ep/value eq '{literal}')"
            ),
            select=list(_EVIDENCE_FIELDS),
            expand=[_EVIDENCE],
            top=PAGE_SIZE,
        )
        configuration = _configuration()
        configuration.query_parameters = query
        return self._item(mailbox, self._events(mailbox).to_get_request_information(configuration))

    def read(self, event: EventRef) -> GraphRequest:
        """GET one event with what is listed of all; without `outlook.timezone` its times come in UTC."""
        query = EventItemRequestBuilder.EventItemRequestBuilderGetQueryParameters(
            select=list(_LISTED_FIELDS),
            expand=[f"singleValueExtendedProperties({_MARKERS})"],
        )
        configuration = _configuration()
        configuration.query_parameters = query
        return self._item(event.mailbox, self._event(event).to_get_request_information(configuration))

    def view(self, mailbox: str, first: datetime, last: datetime) -> GraphRequest:
        """GET the first page of all events, people's own as well, that touch this time in the main calendar.

        Graph answers a calendarView that is filtered by extended properties with an internal error, so the
        marker is expanded, and sorted out here. Without `outlook.timezone` times come in UTC.

        Args:
            mailbox: Entra object id of its user.
            first: aware.
            last: aware; itself outside.
        """
        query = CalendarViewRequestBuilder.CalendarViewRequestBuilderGetQueryParameters(
            start_date_time=_utc(first),
            end_date_time=_utc(last),
            select=list(_LISTED_FIELDS),
            expand=[f"singleValueExtendedProperties({_MARKERS})"],
            top=VIEW_PAGE_SIZE,
        )
        configuration = _configuration()
        configuration.query_parameters = query
        view = self._client.service.users.by_user_id(mailbox).calendar_view
        return self._item(mailbox, view.to_get_request_information(configuration))

    def everything(self, mailbox: str) -> GraphRequest:
        """GET the first page of all events of the main calendar, past and future, with our marker if any.

        Not filtered: whether Graph's filter by a property's mere existence leaves nothing out is not
        documented, and who takes events away must not overlook any.
        """
        return self._all(mailbox, list(_LISTED_FIELDS), f"singleValueExtendedProperties({_MARKERS})")

    def extended(self, mailbox: str, extension_name: str) -> GraphRequest:
        """GET the first page of all events of the main calendar, with this open extension if any."""
        literal = extension_name.replace("'", "''")
        return self._all(
            mailbox, ["id", "iCalUId", "start", "attendees"], f"extensions($filter=id eq '{literal}')"
        )

    def get(self, event: EventRef, *, immutable: bool) -> GraphRequest:
        """GET the event's id, of the kind that it is asked for with, and its UID."""
        query = EventItemRequestBuilder.EventItemRequestBuilderGetQueryParameters(
            select=["id", "iCalUId", "attendees"]
        )
        configuration = _configuration(immutable=immutable)
        configuration.query_parameters = query
        return self._item(event.mailbox, self._event(event).to_get_request_information(configuration))

    def claim(self, event: EventRef, marker: str, *, immutable: bool) -> GraphRequest:
        """PATCH our marker onto an event that another program made, and nothing else of it."""
        body = Event(backing_store=UntrackedStore(), single_value_extended_properties=[_marked(marker)])
        information = self._event(event).to_patch_request_information(
            body, _configuration(immutable=immutable)
        )
        return self._item(event.mailbox, information)

    def next_page(self, mailbox: str, link: str) -> GraphRequest:
        """GET the page that an `@odata.nextLink` names.

        Raises:
            TransientError: the link leads away from this Graph service, or is none.
        """
        events = self._events(mailbox).with_url(link)
        return self._item(mailbox, events.to_get_request_information(_configuration()))

    def _all(self, mailbox: str, fields: list[str], expand: str) -> GraphRequest:
        configuration = _configuration()
        configuration.query_parameters = EventsRequestBuilder.EventsRequestBuilderGetQueryParameters(
            select=fields, expand=[expand], top=VIEW_PAGE_SIZE
        )
        return self._item(mailbox, self._events(mailbox).to_get_request_information(configuration))

    def _events(self, mailbox: str) -> EventsRequestBuilder:
        if not is_mailbox(mailbox):
            raise PermanentError("Outlook: what should name a mailbox is no Entra object id.")
        return self._client.service.users.by_user_id(mailbox).events

    def _event(self, event: EventRef) -> EventItemRequestBuilder:
        if not is_event_id(event.event_id):
            raise PermanentError("Outlook: what should name an event is no event id.")
        return self._events(event.mailbox).by_event_id(event.event_id)

    # The SDK expands its URL templates character by character, which was a quarter of a booking's processor
    # time. So the four requests that bookings are made of name their URL; a test holds them to the templates.

    def _events_url(self, mailbox: str) -> str:
        return f"{self._client.base_url}/users/{mailbox}/events"

    def _event_url(self, event: EventRef) -> str:
        return f"{self._events_url(event.mailbox)}/{quote(event.event_id, safe='')}"

    def _item(self, mailbox: str, information: RequestInformation) -> GraphRequest:
        information.path_parameters["baseurl"] = self._client.base_url
        method = information.http_method
        return GraphRequest(
            mailbox=mailbox.lower(),
            method=method.value if method else "GET",
            url=self._relative(information.url),
            headers=dict(information.request_headers or {}),
            body=json.loads(information.content) if information.content else None,
        )

    def _relative(self, url: str) -> str:
        base = urlsplit(self._client.base_url)
        try:
            found = urlsplit(url)
        except ValueError:  # no address at all
            found = None
        same_place = found and (found.scheme, found.netloc.lower()) == (base.scheme, base.netloc.lower())
        if not found or not same_place or not found.path.startswith(base.path + "/"):
            raise TransientError("Graph's list of events continues at a foreign address")
        path = found.path.removeprefix(base.path)
        if not found.query:
            return path
        # The builders write `%24filter`; outside a batch the SDK's middleware turns the names back, as here.
        return f"{path}?{self._names.decode_uri_encoded_string(found.query, _DECODED_IN_NAMES)}"


def _configuration(*, immutable: bool = True) -> RequestConfiguration[Any]:
    headers = HeadersCollection()
    if immutable:
        headers.add("Prefer", _IMMUTABLE_IDS)
    return RequestConfiguration(headers=headers)


def _marked(marker: str) -> SingleValueLegacyExtendedProperty:
    return _property(MARKER_PROPERTY, marker)


def _property(name: str, value: str) -> SingleValueLegacyExtendedProperty:
    return SingleValueLegacyExtendedProperty(backing_store=UntrackedStore(), id=name, value=value)


def _extension(name: str, booking_id: str, seal: str) -> OpenTypeExtension:
    return OpenTypeExtension(
        backing_store=UntrackedStore(),
        extension_name=name,
        additional_data={EXTENSION_PROPERTY: booking_id, SEAL_PROPERTY: seal},
    )


def _event(content: EventContent, kept: frozenset[ContentPart] = frozenset()) -> Event:
    """Our fields, but for the kept ones."""
    event = Event(
        backing_store=UntrackedStore(),
        subject=content.subject,
        start=_time(content.start),
        end=_time(content.end),
        show_as=FreeBusyStatus(content.show_as),
        location=_location(content),
    )
    if "body" not in kept:
        event.body = ItemBody(
            backing_store=UntrackedStore(), content_type=BodyType.Html, content=content.body_html
        )
    if "categories" not in kept:
        event.categories = list(content.categories)
    return event


def _new_event(content: EventContent) -> Event:
    """Our fields, and what Graph's defaults get wrong for a bulk writer; later these are a person's."""
    event = _event(content)
    event.sensitivity = Sensitivity.Normal
    event.is_reminder_on = False
    event.response_requested = False
    event.allow_new_time_proposals = False
    return event


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _time(time: EventTime) -> DateTimeTimeZone:
    return DateTimeTimeZone(
        backing_store=UntrackedStore(), date_time=time.date_time, time_zone=time.time_zone
    )


def _location(content: EventContent) -> Location:
    """Always a whole location, so that a PATCH wipes what a former one said."""
    address = content.location_address or Address()
    location = Location(
        backing_store=UntrackedStore(),
        display_name=content.location_name,
        address=PhysicalAddress(
            backing_store=UntrackedStore(),
            street="\n".join(address.lines),
            city=address.city,
            state=address.state,
            postal_code=address.postal_code,
            country_or_region=address.country,
        ),
    )
    if address.latitude is not None and address.longitude is not None:
        location.coordinates = OutlookGeoCoordinates(
            backing_store=UntrackedStore(), latitude=address.latitude, longitude=address.longitude
        )
    return location
