"""Each calendar operation as one Graph request, made by the Graph SDK's request builders.

The SDK's `RequestInformation` yields method, URL and headers, which travel as an item of a batch. For the
requests that bookings are made of and events are looked at by it is asked once, and their URLs and bodies
(`bodies`) are composed here: the SDK expands its URL templates character by character. Tests hold both to
what the SDK would make.

Mailboxes and event ids come from columns that people can edit. Whatever can't be an id is refused before it
becomes part of a URL (`urls`). Answers are never read into models: the whole of
`msgraph.generated.models` would cost seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_abstractions.headers_collection import HeadersCollection
from kiota_http.middleware.parameters_name_decoding_handler import ParametersNameDecodingHandler
from msgraph.generated.models.event import Event
from msgraph.generated.models.open_type_extension import OpenTypeExtension
from msgraph.generated.models.subscription import Subscription
from msgraph.generated.users.item.calendar_view.calendar_view_request_builder import (
    CalendarViewRequestBuilder,
)
from msgraph.generated.users.item.calendars.calendars_request_builder import CalendarsRequestBuilder
from msgraph.generated.users.item.events.events_request_builder import EventsRequestBuilder
from msgraph.generated.users.item.events.item.event_item_request_builder import EventItemRequestBuilder

from booking_sync.domain.events.event_ref import EventRef
from booking_sync.errors import TransientError
from booking_sync.outlook import bodies
from booking_sync.outlook.bodies import (
    BIRTH_PROPERTY,
    MARKER_PROPERTY,
    SEALED_PROPERTY,
    STAMP_PROPERTY,
)
from booking_sync.outlook.graph.wire import GraphRequest
from booking_sync.outlook.urls import (
    calendar_url,
    categories_url,
    check_event,
    check_mailbox,
    event_url,
    events_url,
    extension_url,
    in_calendar,
)
from booking_sync.plumbing.telemetry import untraced

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from kiota_abstractions.request_information import RequestInformation

    from booking_sync.domain.events.event import ContentPart, EventContent
    from booking_sync.outlook.graph.client import GraphClient

PAGE_SIZE = 50
CALENDARS_PAGE_SIZE = 100
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
    "sensitivity",
    "isReminderOn",
    "reminderMinutesBeforeStart",
    "importance",
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
_SEEN_FIELDS = (
    "id",
    "iCalUId",
    "createdDateTime",
    "start",
    "end",
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
_ANY = EventRef("00000000-0000-0000-0000-000000000000", "AA")
"""Stands in the requests that the SDK is asked for once."""
_SOUGHT = "SOUGHT"
"""The same, for a marker and the name of an open extension."""


@dataclass(frozen=True, slots=True)
class _Form:
    """What the requests of one operation have in common."""

    method: str
    headers: Mapping[str, str]
    query: str = ""
    """Of its URL, with its question mark."""


class EventRequests:
    """Builds the requests; sends nothing.

    Every method raises `PermanentError` for a mailbox that is no Entra object id, or what is no event id.

    Args:
        client: whose SDK builders and base URL are used.
    """

    def __init__(self, client: GraphClient) -> None:
        self._client = client
        self._names = ParametersNameDecodingHandler()

    def create(
        self,
        mailbox: str,
        content: EventContent,
        *,
        marker: str,
        transaction_id: str,
        birth: str,
        stamp: str = "",
        calendar_id: str = "",
    ) -> GraphRequest:
        """POST an event that carries our marker and its birth from its first moment on.

        Args:
            mailbox: Entra object id of its user.
            content: what to show.
            marker: our mark.
            transaction_id: the same on every try of the same creation.
            birth: the sealed property of this request.
            stamp: of its times; empty for none.
            calendar_id: of the calendar to show it; empty for the main one.
        """
        body = bodies.new_event(
            content, marker=marker, transaction_id=transaction_id, birth=birth, stamp=stamp
        )
        url = f"{calendar_url(mailbox, calendar_id)}/events" if calendar_id else events_url(mailbox)
        return self._composed(self._creation, mailbox, url, body)

    def update(
        self,
        event: EventRef,
        content: EventContent,
        kept: frozenset[ContentPart] = frozenset(),
        *,
        stamp: str = "",
        etag: str = "",
    ) -> GraphRequest:
        """PATCH all that decides when and whether the event shows, and nothing that is a person's.

        An event that somebody made an all-day one or a series takes other times only together with these two
        fields. transactionId can't be changed, and Graph refuses to try.

        Args:
            event: the event.
            content: what to show.
            kept: parts that the event has already, and that are not written.
            stamp: of its times, if these are written; empty for none.
            etag: the version that it must still be; empty for any.
        """
        body = bodies.changed_event(content, kept, stamp)
        request = self._composed(self._change, event.mailbox, event_url(event), body)
        return replace(request, headers={**request.headers, "If-Match": etag}) if etag else request

    def delete(self, event: EventRef) -> GraphRequest:
        """DELETE the event; without attendees nobody gets mail."""
        return self._composed(self._deletion, event.mailbox, event_url(event), None)

    def tag(self, event: EventRef, extension_name: str, booking_id: str, seal: str) -> GraphRequest:
        """POST the open extension, on its own: inside the creating POST it is a source of half-failures."""
        body = bodies.extension(extension_name, booking_id, seal)
        url = f"{event_url(event)}/extensions"
        return replace(self._composed(self._extension, event.mailbox, url, body), can_wait=True)

    def retag(self, event: EventRef, extension_name: str, booking_id: str, seal: str) -> GraphRequest:
        """PATCH the open extension that is there already."""
        body = bodies.extension(extension_name, booking_id, seal)
        url = extension_url(event, extension_name)
        return replace(self._composed(self._extension_change, event.mailbox, url, body), can_wait=True)

    def seal(self, event: EventRef, seal: str) -> GraphRequest:
        """PATCH the seal as an extended property, and nothing else of the event."""
        body = bodies.sealed(seal)
        return replace(self._composed(self._change, event.mailbox, event_url(event), body), can_wait=True)

    def read_tag(self, event: EventRef, extension_name: str) -> GraphRequest:
        """GET the open extension, by the address that is documented for it."""
        url = extension_url(event, extension_name)
        return self._composed(self._extension_read, event.mailbox, url, None)

    def look(self, event: EventRef) -> GraphRequest:
        """GET what of one event may prove whose it is."""
        return self._read_one(self._evidence, event)

    def see(self, event: EventRef) -> GraphRequest:
        """GET an event's times, in UTC, with the stamp of our last write of them and its version."""
        return self._read_one(self._sight, event)

    def find(self, mailbox: str, marker: str, calendar_id: str | None = None) -> GraphRequest:
        """GET the first page of the events that carry the marker.

        Args:
            mailbox: Entra object id of its user.
            marker: our mark.
            calendar_id: of one calendar, "" for the main one; None for the mailbox's events, of which Graph
                does not say whether they are all calendars'.
        """
        literal = quote(marker.replace("'", "''"), safe="")
        url = events_url(mailbox) + self._search.query.replace(_SOUGHT, literal)
        request = self._composed(self._search, mailbox, url, None)
        return in_calendar(request, mailbox, calendar_id)

    def read(self, event: EventRef) -> GraphRequest:
        """GET one event with what is listed of all; without `outlook.timezone` its times come in UTC."""
        return self._read_one(self._listed, event)

    def view(
        self, mailbox: str, first: datetime, last: datetime, calendar_id: str | None = None
    ) -> GraphRequest:
        """GET the first page of all events, people's own as well, that touch this time in one calendar.

        Graph answers a calendarView that is filtered by extended properties with an internal error, so the
        marker is expanded, and sorted out here. Without `outlook.timezone` times come in UTC.

        Args:
            mailbox: Entra object id of its user.
            first: aware.
            last: aware; itself outside.
            calendar_id: as in `find`; None for the main one in the short form.
        """
        check_mailbox(mailbox)
        query = CalendarViewRequestBuilder.CalendarViewRequestBuilderGetQueryParameters(
            start_date_time=_utc(first),
            end_date_time=_utc(last),
            select=list(_LISTED_FIELDS),
            expand=[f"singleValueExtendedProperties({_MARKERS})"],
            top=VIEW_PAGE_SIZE,
        )
        view = self._client.service.users.by_user_id(mailbox).calendar_view
        request = self._item(mailbox, view.to_get_request_information(_configuration(query)))
        return in_calendar(request, mailbox, calendar_id)

    def everything(self, mailbox: str, calendar_id: str | None = None) -> GraphRequest:
        """GET the first page of all events of a calendar, past and future, with our marker if any.

        Not filtered: whether Graph's filter by a property's mere existence leaves nothing out is not
        documented, and who takes events away must not overlook any.

        Args:
            mailbox: Entra object id of its user.
            calendar_id: as in `find`.
        """
        request = self._all(mailbox, list(_LISTED_FIELDS), f"singleValueExtendedProperties({_MARKERS})")
        return in_calendar(request, mailbox, calendar_id)

    def calendars(self, mailbox: str) -> GraphRequest:
        """GET the first page of the mailbox's calendars: names, owners, and which is the main one."""
        check_mailbox(mailbox)
        query = CalendarsRequestBuilder.CalendarsRequestBuilderGetQueryParameters(
            select=["id", "name", "isDefaultCalendar", "owner"], top=CALENDARS_PAGE_SIZE
        )
        calendars = self._client.service.users.by_user_id(mailbox).calendars
        return self._item(mailbox, calendars.to_get_request_information(_configuration(query)))

    def make_calendar(self, mailbox: str, name: str) -> GraphRequest:
        """POST a calendar of this name."""
        check_mailbox(mailbox)
        body = bodies.new_calendar(name)
        return self._composed(self._creation, mailbox, f"/users/{mailbox}/calendars", body)

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
        configuration = _configuration(query, immutable=immutable)
        return self._item(event.mailbox, self._event(event).to_get_request_information(configuration))

    @untraced()
    def claim(self, event: EventRef, marker: str, *, immutable: bool) -> GraphRequest:
        """PATCH our marker onto an event that another program made, and nothing else of it."""
        information = self._event(event).to_patch_request_information(
            Event(), _configuration(immutable=immutable)
        )
        return replace(self._item(event.mailbox, information), body=bodies.marked(marker))

    def next_page(self, mailbox: str, link: str) -> GraphRequest:
        """GET the page that an `@odata.nextLink` names.

        Raises:
            TransientError: the link leads away from this Graph service, or is none.
        """
        events = self._events(mailbox).with_url(link)
        return self._item(mailbox, events.to_get_request_information(_configuration()))

    def settings(self, mailbox: str, configuration: RequestConfiguration[Any]) -> GraphRequest:
        """GET the mailbox's settings; the configuration says which."""
        check_mailbox(mailbox)
        builder = self._client.service.users.by_user_id(mailbox).mailbox_settings
        return self._item(mailbox, builder.to_get_request_information(configuration))

    def users(self, line: str, configuration: RequestConfiguration[Any]) -> GraphRequest:
        """GET users of the directory.

        Args:
            line: what stands for the mailbox where requests are lined up.
            configuration: which, and what of them.
        """
        return self._item(line, self._client.service.users.to_get_request_information(configuration))

    def categories(self, mailbox: str) -> GraphRequest:
        """GET the first page of the mailbox's own list of categories."""
        request = self._item(mailbox, self._events(mailbox).to_get_request_information(_configuration()))
        return replace(request, url=categories_url(mailbox))

    def add_category(self, mailbox: str, body: bodies.Json) -> GraphRequest:
        """POST a category to the mailbox's own list."""
        return replace(self._composed(self._creation, mailbox, categories_url(mailbox), body), can_wait=True)

    def subscriptions(self, line: str) -> GraphRequest:
        """GET the first page of all subscriptions that the app registration has made.

        Args:
            line: what stands for the mailbox where requests are lined up, as in `users`.
        """
        builder = self._client.service.subscriptions
        return self._item(line, builder.to_get_request_information(_configuration(immutable=False)))

    def next_subscriptions(self, line: str, link: str) -> GraphRequest:
        """GET the page that an `@odata.nextLink` names; raises as `next_page`."""
        builder = self._client.service.subscriptions.with_url(link)
        return self._item(line, builder.to_get_request_information(_configuration(immutable=False)))

    @untraced()
    def subscribe(self, line: str, body: bodies.Json) -> GraphRequest:
        """POST a subscription, with immutable ids."""
        builder = self._client.service.subscriptions
        information = builder.to_post_request_information(Subscription(), _configuration())
        return replace(self._item(line, information), body=body)

    @untraced()
    def renew_subscription(self, line: str, subscription_id: str, body: bodies.Json) -> GraphRequest:
        """PATCH a subscription."""
        builder = self._client.service.subscriptions.by_subscription_id(subscription_id)
        information = builder.to_patch_request_information(Subscription(), _configuration())
        return replace(self._item(line, information), body=body)

    def end_subscription(self, line: str, subscription_id: str) -> GraphRequest:
        """DELETE a subscription."""
        builder = self._client.service.subscriptions.by_subscription_id(subscription_id)
        return self._item(line, builder.to_delete_request_information(_configuration()))

    def _all(self, mailbox: str, fields: list[str], expand: str) -> GraphRequest:
        query = EventsRequestBuilder.EventsRequestBuilderGetQueryParameters(
            select=fields, expand=[expand], top=VIEW_PAGE_SIZE
        )
        return self._item(mailbox, self._events(mailbox).to_get_request_information(_configuration(query)))

    def _events(self, mailbox: str) -> EventsRequestBuilder:
        check_mailbox(mailbox)
        return self._client.service.users.by_user_id(mailbox).events

    def _event(self, event: EventRef) -> EventItemRequestBuilder:
        check_event(event)
        return self._events(event.mailbox).by_event_id(event.event_id)

    @cached_property
    @untraced()
    def _creation(self) -> _Form:
        return self._form(self._events(_ANY.mailbox).to_post_request_information(Event(), _configuration()))

    @cached_property
    @untraced()
    def _change(self) -> _Form:
        return self._form(self._event(_ANY).to_patch_request_information(Event(), _configuration()))

    @cached_property
    @untraced()
    def _deletion(self) -> _Form:
        return self._form(self._event(_ANY).to_delete_request_information(_configuration()))

    @cached_property
    @untraced()
    def _extension(self) -> _Form:
        extensions = self._event(_ANY).extensions
        return self._form(extensions.to_post_request_information(OpenTypeExtension(), _configuration()))

    @cached_property
    @untraced()
    def _extension_change(self) -> _Form:
        extension = self._event(_ANY).extensions.by_extension_id(_SOUGHT)
        return self._form(extension.to_patch_request_information(OpenTypeExtension(), _configuration()))

    @cached_property
    @untraced()
    def _extension_read(self) -> _Form:
        extension = self._event(_ANY).extensions.by_extension_id(_SOUGHT)
        return self._form(extension.to_get_request_information(_configuration()))

    @cached_property
    @untraced()
    def _evidence(self) -> _Form:
        return self._reading(_EVIDENCE_FIELDS, _EVIDENCE)

    @cached_property
    @untraced()
    def _sight(self) -> _Form:
        stamp = f"singleValueExtendedProperties($filter=id eq '{STAMP_PROPERTY}')"
        return self._reading(_SEEN_FIELDS, stamp)

    @cached_property
    @untraced()
    def _listed(self) -> _Form:
        return self._reading(_LISTED_FIELDS, f"singleValueExtendedProperties({_MARKERS})")

    @cached_property
    @untraced()
    def _search(self) -> _Form:
        """Of the marker that stands in `_SOUGHT`."""
        query = EventsRequestBuilder.EventsRequestBuilderGetQueryParameters(
            filter=(
                "singleValueExtendedProperties/any("  # the standard's spelling; Graph documents Any
                f"ep: ep/id eq '{MARKER_PROPERTY}' and ep/value eq '{_SOUGHT}')"
            ),
            select=list(_EVIDENCE_FIELDS),
            expand=[_EVIDENCE],
            top=PAGE_SIZE,
        )
        return self._form(self._events(_ANY.mailbox).to_get_request_information(_configuration(query)))

    def _reading(self, fields: Sequence[str], expanded: str) -> _Form:
        """Of one event, with so much of it."""
        query = EventItemRequestBuilder.EventItemRequestBuilderGetQueryParameters(
            select=list(fields), expand=[expanded]
        )
        return self._form(self._event(_ANY).to_get_request_information(_configuration(query)))

    def _form(self, information: RequestInformation) -> _Form:
        item = self._item(_ANY.mailbox, information)
        _, asked, query = item.url.partition("?")
        return _Form(item.method, item.headers, asked + query)

    def _read_one(self, form: _Form, event: EventRef) -> GraphRequest:
        return self._composed(form, event.mailbox, event_url(event) + form.query, None)

    @staticmethod
    def _composed(form: _Form, mailbox: str, url: str, body: bodies.Json | None) -> GraphRequest:
        return GraphRequest(mailbox.lower(), form.method, url, form.headers, body)

    def _item(self, mailbox: str, information: RequestInformation) -> GraphRequest:
        """The request that the SDK makes, without a body."""
        information.path_parameters["baseurl"] = self._client.base_url
        method = information.http_method
        return GraphRequest(
            mailbox=mailbox.lower(),
            method=method.value if method else "GET",
            url=self._relative(information.url),
            headers=dict(information.request_headers or {}),
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


def _configuration(query: object = None, *, immutable: bool = True) -> RequestConfiguration[Any]:
    headers = HeadersCollection()
    if immutable:
        headers.add("Prefer", _IMMUTABLE_IDS)
    return RequestConfiguration(headers=headers, query_parameters=query)


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
