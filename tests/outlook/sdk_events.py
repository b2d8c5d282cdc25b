"""The bodies of our requests as the Graph SDK's models write them: what `bodies` is held to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kiota_serialization_json.json_serialization_writer import JsonSerializationWriter
from msgraph.generated.models.body_type import BodyType
from msgraph.generated.models.date_time_time_zone import DateTimeTimeZone
from msgraph.generated.models.event import Event
from msgraph.generated.models.free_busy_status import FreeBusyStatus
from msgraph.generated.models.importance import Importance
from msgraph.generated.models.item_body import ItemBody
from msgraph.generated.models.location import Location
from msgraph.generated.models.open_type_extension import OpenTypeExtension
from msgraph.generated.models.outlook_geo_coordinates import OutlookGeoCoordinates
from msgraph.generated.models.physical_address import PhysicalAddress
from msgraph.generated.models.sensitivity import Sensitivity
from msgraph.generated.models.single_value_legacy_extended_property import (
    SingleValueLegacyExtendedProperty,
)

from booking_sync.domain.bookings.booking import Address
from booking_sync.outlook.bodies import (
    BIRTH_PROPERTY,
    EXTENSION_PROPERTY,
    MARKER_PROPERTY,
    SEAL_PROPERTY,
)

if TYPE_CHECKING:
    from kiota_abstractions.serialization import Parsable

    from booking_sync.domain.events.event import ContentPart, EventContent, EventTime


def new_event(content: EventContent, *, marker: str, transaction_id: str, birth: str) -> Any:
    """A creation's."""
    event = _event(content, frozenset())
    event.sensitivity = event.sensitivity or Sensitivity.Normal
    event.is_reminder_on = event.is_reminder_on or False
    event.response_requested = False
    event.allow_new_time_proposals = False
    event.transaction_id = transaction_id
    event.single_value_extended_properties = [
        SingleValueLegacyExtendedProperty(id=MARKER_PROPERTY, value=marker),
        SingleValueLegacyExtendedProperty(id=BIRTH_PROPERTY, value=birth),
    ]
    return _json(event)


def changed_event(content: EventContent, kept: frozenset[ContentPart]) -> Any:
    """An update's; the SDK leaves out what is None, so the null that ends a series is put in."""
    event = _event(content, kept)
    event.is_all_day = False
    return {**_json(event), "recurrence": None}


def extension(name: str, booking_id: str, seal: str) -> Any:
    """A tag's."""
    return _json(
        OpenTypeExtension(
            extension_name=name, additional_data={EXTENSION_PROPERTY: booking_id, SEAL_PROPERTY: seal}
        )
    )


def _json(model: Parsable) -> Any:
    writer = JsonSerializationWriter()
    writer.write_object_value(None, model)
    return json.loads(writer.get_serialized_content())


def _event(content: EventContent, kept: frozenset[ContentPart]) -> Event:
    event = Event(
        subject=content.subject,
        start=_time(content.start),
        end=_time(content.end),
        show_as=FreeBusyStatus(content.show_as),
        location=_location(content),
    )
    if "body" not in kept:
        event.body = ItemBody(content_type=BodyType.Html, content=content.body_html)
    if "categories" not in kept:
        event.categories = list(content.categories)
    options = content.options
    event.sensitivity = Sensitivity(options.sensitivity) if options.sensitivity else None
    event.importance = Importance(options.importance) if options.importance else None
    if options.reminder is not None:
        event.is_reminder_on = options.reminder >= 0
        event.reminder_minutes_before_start = options.reminder if options.reminder >= 0 else None
    return event


def _time(time: EventTime) -> DateTimeTimeZone:
    return DateTimeTimeZone(date_time=time.date_time, time_zone=time.time_zone)


def _location(content: EventContent) -> Location:
    address = content.location_address or Address()
    location = Location(
        display_name=content.location_name,
        address=PhysicalAddress(
            street="\n".join(address.lines),
            city=address.city,
            state=address.state,
            postal_code=address.postal_code,
            country_or_region=address.country,
        ),
    )
    if address.latitude is not None and address.longitude is not None:
        location.coordinates = OutlookGeoCoordinates(latitude=address.latitude, longitude=address.longitude)
    return location
