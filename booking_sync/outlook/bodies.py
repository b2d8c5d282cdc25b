"""What is written to Outlook, as the JSON of Graph's resources.

The Graph SDK would have it made of its models, which are built, serialised, parsed into a batch's item and
serialised again: that was most of a booking's processor time (docs/benchmarks.md). A test makes each of these
of the SDK's models as well and compares.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from booking_sync.domain.bookings.booking import Address
from booking_sync.domain.events.event import NO_REMINDER

if TYPE_CHECKING:
    from booking_sync.domain.events.event import ContentPart, EventContent, EventOptions, EventTime

MARKER_PROPERTY: Final = "String {8f5c1f5e-6b1f-4c57-9d0a-0c7f0d3f6a52} Name BookingSyncMarker"
"""Extended property of all our events; it must never change, or we no longer recognise our own."""
BIRTH_PROPERTY: Final = "String {8f5c1f5e-6b1f-4c57-9d0a-0c7f0d3f6a52} Name BookingSyncBirth"
"""Extended property of the creating request, see `ownership`; never to change either."""
SEALED_PROPERTY: Final = "String {8f5c1f5e-6b1f-4c57-9d0a-0c7f0d3f6a52} Name BookingSyncSeal"
"""Extended property that holds the event's seal where a deployment writes no open extension."""
STAMP_PROPERTY: Final = "String {8f5c1f5e-6b1f-4c57-9d0a-0c7f0d3f6a52} Name BookingSyncStamp"
"""Extended property of our last write of the event's times, see `domain.return_path.stamp`."""
EXTENSION_PROPERTY: Final = "bookingSyncGuid"
"""What the open extension holds: the booking's id."""
SEAL_PROPERTY: Final = "bookingSyncSeal"
"""And the seal that proves the event."""

Json = dict[str, Any]

_EVENT: Final = "#microsoft.graph.event"
_EXTENSION: Final = "#microsoft.graph.openTypeExtension"


def new_event(
    content: EventContent, *, marker: str, transaction_id: str, birth: str, stamp: str = ""
) -> Json:
    """Our fields and marks, and what Graph's defaults get wrong for a bulk writer; later a person's."""
    stamped = [_property(STAMP_PROPERTY, stamp)] if stamp else []
    return {
        "sensitivity": "normal",
        "isReminderOn": False,
        **_event(content, frozenset()),
        "responseRequested": False,
        "allowNewTimeProposals": False,
        "transactionId": transaction_id,
        "singleValueExtendedProperties": [
            _property(MARKER_PROPERTY, marker),
            _property(BIRTH_PROPERTY, birth),
            *stamped,
        ],
    }


def changed_event(content: EventContent, kept: frozenset[ContentPart], stamp: str = "") -> Json:
    """Our fields but for the kept ones, of an event that is no series and lasts no whole day.

    Whatever writes the times stamps them in the same request, and nothing else does.
    """
    event = _event(content, kept)
    if "times" in kept:
        return event
    stamped = {"singleValueExtendedProperties": [_property(STAMP_PROPERTY, stamp)]} if stamp else {}
    return {**event, "isAllDay": False, "recurrence": None, **stamped}


def sealed(seal: str) -> Json:
    """Nothing of an event but its seal."""
    return {"@odata.type": _EVENT, "singleValueExtendedProperties": [_property(SEALED_PROPERTY, seal)]}


def marked(marker: str) -> Json:
    """Nothing of an event but our marker."""
    return {"@odata.type": _EVENT, "singleValueExtendedProperties": [_property(MARKER_PROPERTY, marker)]}


def new_calendar(name: str) -> Json:
    """A calendar of its own for our events."""
    return {"@odata.type": "#microsoft.graph.calendar", "name": name}


def extension(name: str, booking_id: str, seal: str) -> Json:
    """The open extension that proves an event."""
    return {
        "@odata.type": _EXTENSION,
        "extensionName": name,
        EXTENSION_PROPERTY: booking_id,
        SEAL_PROPERTY: seal,
    }


def _event(content: EventContent, kept: frozenset[ContentPart]) -> Json:
    event: Json = {"@odata.type": _EVENT}
    if "face" not in kept:
        event |= {
            "subject": content.subject,
            "showAs": content.show_as,
            "location": _location(content),
        }
    if "times" not in kept:
        event |= {"start": _time(content.start), "end": _time(content.end)}
    if "body" not in kept:
        event["body"] = {"contentType": "html", "content": content.body_html}
    if "categories" not in kept:
        event["categories"] = list(content.categories)
    return event if "face" in kept else event | _options(content.options)


def _options(options: EventOptions) -> Json:
    """Those that a rule set; what is left out stays as it is."""
    written: Json = {}
    if options.sensitivity:
        written["sensitivity"] = options.sensitivity
    if options.reminder is not None:
        written["isReminderOn"] = options.reminder != NO_REMINDER
        if options.reminder != NO_REMINDER:
            written["reminderMinutesBeforeStart"] = options.reminder
    if options.importance:
        written["importance"] = options.importance
    return written


def _property(name: str, value: str) -> Json:
    return {"id": name, "value": value}


def _time(time: EventTime) -> Json:
    return {"dateTime": time.date_time, "timeZone": time.time_zone}


def _location(content: EventContent) -> Json:
    """Always a whole location, so that a PATCH wipes what a former one said."""
    address = content.location_address or Address()
    location: Json = {
        "displayName": content.location_name,
        "address": {
            "street": "\n".join(address.lines),
            "city": address.city,
            "state": address.state,
            "postalCode": address.postal_code,
            "countryOrRegion": address.country,
        },
    }
    if address.latitude is not None and address.longitude is not None:
        location["coordinates"] = {"latitude": address.latitude, "longitude": address.longitude}
    return location
