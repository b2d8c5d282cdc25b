"""Strict reading of event JSON: names, types and values as Graph documents them for `event`.

A checker takes a value and its place and gives the value back, or raises. The table `EVENT` is the schema.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from local.graph.mailbox.zones import TZ_DATABASE, EventTime, ZoneRules
from local.graph.messages import GraphError, bad_request

Checker = Callable[[Any, str], Any]

READ_ERROR = "RequestBodyRead"
VALUE_ERROR = "ErrorPropertyValidationFailure"
READ_ONLY_ERROR = "ErrorInvalidPropertySet"
TEXT_LIMIT = 255
"""Characters Exchange keeps of a subject, a location and a category."""
PROPERTY_ID = re.compile(r"String (\{[0-9A-Fa-f-]{36}\}) Name (\S(?:.*\S)?)")
PARENT_FOLDER = "Binary 0xe09"
"""The one property by tag that is known here: PidTagParentEntryId, the folder that an item lies in."""
_PARENT_FOLDER = re.compile(r"Binary 0x0*e09", re.IGNORECASE)
EXTENSION_TYPES = ("microsoft.graph.openTypeExtension", "#microsoft.graph.openTypeExtension")


def text(limit: int | None = None) -> Checker:
    """A string of at most `limit` characters."""

    def check(value: Any, place: str) -> str:
        if not isinstance(value, str):
            raise _wrong_type(place, "Edm.String")
        if limit is not None and len(value) > limit:
            raise bad_request(f"'{place}' is longer than {limit} characters.", VALUE_ERROR)
        return value

    return check


def flag(value: Any, place: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise _wrong_type(place, "Edm.Boolean")
    return value


def minutes(value: Any, place: str) -> int:
    """A 32-bit integer that isn't negative."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong_type(place, "Edm.Int32")
    if not 0 <= value < 2**31:
        raise bad_request(f"'{place}' is out of range.", VALUE_ERROR)
    return value


def number(low: float, high: float) -> Checker:
    """A number within bounds."""

    def check(value: Any, place: str) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _wrong_type(place, "Edm.Double")
        if not low <= value <= high:
            raise bad_request(f"'{place}' is out of range.", VALUE_ERROR)
        return value

    return check


def one_of(*values: str) -> Checker:
    """An enumeration's member, spelt exactly."""

    def check(value: Any, place: str) -> str:
        if not isinstance(value, str) or value not in values:
            raise bad_request(f"'{place}' must be one of {', '.join(values)}.", READ_ERROR)
        return value

    return check


def many(item: Checker) -> Checker:
    """A collection."""

    def check(value: Any, place: str) -> list[Any]:
        if not isinstance(value, list):
            raise _wrong_type(place, "Collection")
        return [item(entry, f"{place}[{index}]") for index, entry in enumerate(value)]

    return check


def nullable(item: Checker) -> Checker:
    """Null, which clears the property, or a value."""

    def check(value: Any, place: str) -> Any:
        return None if value is None else item(value, place)

    return check


def record(kind: str, fields: dict[str, Checker], required: tuple[str, ...] = ()) -> Checker:
    """A complex value of the type `microsoft.graph.<kind>`."""

    def check(value: Any, place: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _wrong_type(place, f"microsoft.graph.{kind}")
        _check_type_annotation(value, kind)
        checked = {}
        for name, entry in value.items():
            if name == "@odata.type":
                continue
            if name not in fields:
                raise _no_such_property(name, kind)
            checked[name] = fields[name](entry, f"{place}/{name}")
        for name in required:
            if name not in checked:
                raise bad_request(f"'{place}/{name}' is required.", VALUE_ERROR)
        return checked

    return check


ADDRESS = record(
    "physicalAddress",
    {name: text() for name in ("street", "city", "state", "countryOrRegion", "postalCode")},
)
COORDINATES = record(
    "outlookGeoCoordinates",
    {
        "latitude": number(-90, 90),
        "longitude": number(-180, 180),
        "altitude": number(-1e6, 1e6),
        "accuracy": number(0, 1e9),
        "altitudeAccuracy": number(0, 1e9),
    },
)
LOCATION = record(
    "location",
    {
        "displayName": text(TEXT_LIMIT),
        "address": ADDRESS,
        "coordinates": COORDINATES,
        "locationEmailAddress": text(),
        "locationUri": text(),
        "locationType": one_of(
            "default",
            "conferenceRoom",
            "homeAddress",
            "businessAddress",
            "geoCoordinates",
            "streetAddress",
            "hotel",
            "restaurant",
            "localBusiness",
            "postalAddress",
        ),
        "uniqueId": text(),
        "uniqueIdType": one_of("unknown", "locationStore", "directory", "private", "bing"),
    },
)
DATE_TIME = record(
    "dateTimeTimeZone", {"dateTime": text(), "timeZone": text()}, required=("dateTime", "timeZone")
)
ATTENDEE = record(
    "attendee",
    {
        "emailAddress": record("emailAddress", {"address": text(), "name": text()}, required=("address",)),
        "type": one_of("required", "optional", "resource"),
    },
    required=("emailAddress",),
)
DAY = one_of("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
DATE_TEXT = re.compile(r"\d{4}-\d\d-\d\d")


def date_text(value: Any, place: str) -> str:
    """A date such as 2026-03-02."""
    if not isinstance(value, str) or not DATE_TEXT.fullmatch(value):
        raise _wrong_type(place, "Edm.Date")
    return value


RECURRENCE = record(
    "patternedRecurrence",
    {
        "pattern": record(
            "recurrencePattern",
            {
                "type": one_of("daily", "weekly"),
                "interval": minutes,
                "daysOfWeek": many(DAY),
                "firstDayOfWeek": DAY,
                "month": minutes,
                "dayOfMonth": minutes,
                "index": one_of("first", "second", "third", "fourth", "last"),
            },
            required=("type", "interval"),
        ),
        "range": record(
            "recurrenceRange",
            {
                "type": one_of("endDate", "noEnd", "numbered"),
                "startDate": date_text,
                "endDate": date_text,
                "numberOfOccurrences": minutes,
                "recurrenceTimeZone": text(),
            },
            required=("type", "startDate"),
        ),
    },
    required=("pattern", "range"),
)
"""Of the real patterns, monthly and yearly ones are refused: what they do to us is the same."""
EVENT: dict[str, Checker] = {
    "subject": text(TEXT_LIMIT),
    "body": record("itemBody", {"contentType": one_of("text", "html"), "content": text()}),
    "start": DATE_TIME,
    "end": DATE_TIME,
    "location": LOCATION,
    "locations": many(LOCATION),
    "attendees": many(ATTENDEE),
    "categories": many(text(TEXT_LIMIT)),
    "importance": one_of("low", "normal", "high"),
    "sensitivity": one_of("normal", "personal", "private", "confidential"),
    "showAs": one_of("free", "tentative", "busy", "oof", "workingElsewhere", "unknown"),
    "isAllDay": flag,
    "isReminderOn": flag,
    "reminderMinutesBeforeStart": minutes,
    "responseRequested": flag,
    "allowNewTimeProposals": flag,
    "hideAttendees": flag,
    "recurrence": nullable(RECURRENCE),
}
"""Writable properties that are content; the keyed extras are read apart in `read_event`."""
EXTRAS = ("transactionId", "singleValueExtendedProperties", "extensions")
DEFAULTS: dict[str, Any] = {
    "subject": "",
    "body": {"contentType": "html", "content": ""},
    "location": {"displayName": "", "locationType": "default"},
    "attendees": [],
    "categories": [],
    "importance": "normal",
    "sensitivity": "normal",
    "showAs": "busy",
    "isAllDay": False,
    "isReminderOn": True,
    "reminderMinutesBeforeStart": 15,
    "responseRequested": True,
    "allowNewTimeProposals": True,
    "hideAttendees": False,
    "recurrence": None,
}
"""What Graph fills in for an event that says nothing else."""
READ_ONLY = frozenset(
    {
        "id",
        "createdDateTime",
        "lastModifiedDateTime",
        "changeKey",
        "originalStart",
        "originalStartTimeZone",
        "originalEndTimeZone",
        "iCalUId",
        "hasAttachments",
        "bodyPreview",
        "isCancelled",
        "isOrganizer",
        "isDraft",
        "seriesMasterId",
        "type",
        "webLink",
        "onlineMeetingUrl",
        "onlineMeeting",
        "responseStatus",
        "organizer",
    }
)
NOT_MODELLED = frozenset(
    {"isOnlineMeeting", "onlineMeetingProvider", "attachments", "multiValueExtendedProperties"}
)
"""Real writable properties that this stand-in refuses rather than pretends to keep."""
READABLE = frozenset(EVENT) | READ_ONLY | {"transactionId", "isOnlineMeeting", "onlineMeetingProvider"}
"""What `$select` may name."""


@dataclass(frozen=True)
class Extension:
    """An open extension: its name and its custom values."""

    name: str
    values: dict[str, Any]


@dataclass(frozen=True)
class EventDraft:
    """An event body that passed: only what it said, no defaults."""

    content: dict[str, Any]
    """Checked properties without start and end."""
    start: EventTime | None
    end: EventTime | None
    fingerprint: str
    """The body in one spelling: equal means identical content."""
    transaction_id: str | None = None
    properties: dict[str, str] = field(default_factory=dict)
    """Single-value extended properties by their canonical id."""
    extensions: tuple[Extension, ...] = ()


def read_event(body: Any, *, creating: bool, rules: ZoneRules = TZ_DATABASE) -> EventDraft:
    """Check the body of a POST (creating) or of a PATCH.

    Args:
        body: the decoded JSON.
        creating: whether it is a POST's.
        rules: by which wall-clock times become moments.

    Raises:
        GraphError: 400 for whatever the real service refuses.
    """
    if not isinstance(body, dict):
        raise _wrong_type("event", "microsoft.graph.event")
    _check_names(body)
    if not creating:
        _refuse_creation_only(body)
    plain = {name: value for name, value in body.items() if name not in EXTRAS}
    required = ("start", "end") if creating else ()
    content = record("event", EVENT, required)(plain, "event")
    start, end = content.pop("start", None), content.pop("end", None)
    transaction = body.get("transactionId")
    return EventDraft(
        content=content,
        start=rules.read(start["dateTime"], start["timeZone"]) if start else None,
        end=rules.read(end["dateTime"], end["timeZone"]) if end else None,
        fingerprint=json.dumps(body, sort_keys=True),
        transaction_id=None if transaction is None else text(TEXT_LIMIT)(transaction, "event/transactionId"),
        properties=_read_properties(body.get("singleValueExtendedProperties", [])),
        extensions=tuple(many(read_extension)(body.get("extensions", []), "event/extensions")),
    )


def check_times(start: EventTime, end: EventTime, *, all_day: bool) -> None:
    """Refuse an event that ends before it starts, or an all-day one that doesn't span whole days.

    Raises:
        GraphError: 400 `ErrorPropertyValidationFailure`.
    """
    if end.utc < start.utc:
        raise bad_request("The event's end is before its start.", VALUE_ERROR)
    if not all_day:
        return
    if start.zone != end.zone:
        raise bad_request("Start and end of an all-day event must be in the same zone.", VALUE_ERROR)
    span = end.wall - start.wall
    if start.wall.time().isoformat() != "00:00:00" or not span or span % timedelta(days=1):
        raise bad_request("An all-day event must start and end at midnight.", VALUE_ERROR)


def expandable_property_id(identifier: str) -> str:
    """As `canonical_property_id`, for reading: the folder's property is known as well.

    Raises:
        GraphError: 400 otherwise.
    """
    return PARENT_FOLDER if _PARENT_FOLDER.fullmatch(identifier) else canonical_property_id(identifier)


def canonical_property_id(identifier: str) -> str:
    """The id of a single-value extended property with its GUID in lower case; the name stays as it is.

    Raises:
        GraphError: 400 unless it reads `String {guid} Name <name>`.
    """
    found = PROPERTY_ID.fullmatch(identifier)
    try:
        guid = UUID(found[1]) if found else None
    except ValueError:
        guid = None
    if found is None or guid is None:
        raise bad_request(f"'{identifier}' is no extended property id.", "ErrorInvalidProperty")
    return f"String {{{guid}}} Name {found[2]}"


def read_extension(value: Any, place: str = "extension") -> Extension:
    """Check an open extension: annotated type, name, and flat custom values.

    Raises:
        GraphError: 400 otherwise.
    """
    if not isinstance(value, dict):
        raise _wrong_type(place, "microsoft.graph.openTypeExtension")
    if value.get("@odata.type") not in EXTENSION_TYPES:
        raise bad_request(f"'{place}' must have the '@odata.type' {EXTENSION_TYPES[0]}.", READ_ERROR)
    name = text(TEXT_LIMIT)(value.get("extensionName"), f"{place}/extensionName")
    if not re.fullmatch(r"[A-Za-z][\w.]*", name):
        raise bad_request(f"'{name}' is no extension name.", VALUE_ERROR)
    custom = {key: entry for key, entry in value.items() if key not in ("@odata.type", "extensionName")}
    for key, entry in custom.items():
        _check_custom_value(key, entry)
    return Extension(name, custom)


def _check_custom_value(key: str, value: Any) -> None:
    if key.startswith(("@", "$")) or key == "id":
        raise bad_request(f"'{key}' is no name for a custom value.", READ_ERROR)
    for entry in value if isinstance(value, list) else [value]:
        if not isinstance(entry, str | int | float | bool):
            raise bad_request(f"Custom value '{key}' must be primitive, or a list of such.", READ_ERROR)


def _read_properties(value: Any) -> dict[str, str]:
    entry = record("singleValueLegacyExtendedProperty", {"id": text(), "value": text()}, ("id", "value"))
    entries = many(entry)(value, "event/singleValueExtendedProperties")
    properties = {canonical_property_id(each["id"]): str(each["value"]) for each in entries}
    if len(properties) != len(entries):
        raise bad_request("An extended property is given twice.", "ErrorInvalidProperty")
    return properties


def _check_names(body: dict[str, Any]) -> None:
    for name in body:
        if name in READ_ONLY:
            raise bad_request(f"'{name}' is read-only.", READ_ONLY_ERROR)
        if name in NOT_MODELLED:
            raise bad_request(f"The stand-in does not model '{name}'.", "NotModelled")
    if {"location", "locations"} <= body.keys():
        raise bad_request("Give either 'location' or 'locations'.", VALUE_ERROR)


def _refuse_creation_only(body: dict[str, Any]) -> None:
    for name in ("transactionId", "extensions"):
        if name in body:
            raise bad_request(f"'{name}' can be given at creation only.", READ_ONLY_ERROR)


def _check_type_annotation(value: dict[str, Any], kind: str) -> None:
    annotated = value.get("@odata.type", f"#microsoft.graph.{kind}")
    if annotated not in (f"#microsoft.graph.{kind}", f"microsoft.graph.{kind}"):
        raise bad_request(f"'{annotated}' is not the type microsoft.graph.{kind}.", READ_ERROR)


def _no_such_property(name: str, kind: str) -> GraphError:
    return bad_request(f"The property '{name}' does not exist on type 'microsoft.graph.{kind}'.", READ_ERROR)


def _wrong_type(place: str, kind: str) -> GraphError:
    return bad_request(f"Cannot convert the value of '{place}' to the type '{kind}'.", READ_ERROR)
