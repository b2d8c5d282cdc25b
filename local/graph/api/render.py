"""Events as Graph answers them, and as the control plane shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from local.graph.api.htmlbody import preview, rewrite_body
from local.graph.api.odata import Expansion, ReadOptions
from local.graph.mailbox.zones import seven_digits, write_event_time

if TYPE_CHECKING:
    from local.graph.api.preferences import Preferences
    from local.graph.mailbox.schema import Extension
    from local.graph.mailbox.store import Mailbox, StoredEvent

EXTENSION_ID_PREFIX = "Microsoft.OutlookServices.OpenTypeExtension."


def render_event(
    mailbox: Mailbox, event: StoredEvent, prefer: Preferences, options: ReadOptions | None = None
) -> dict[str, Any]:
    """The JSON a client gets; extended properties and extensions only when expanded."""
    options = options or ReadOptions()
    body = event.content["body"]
    identifier = event.public_id(immutable=prefer.immutable_ids)
    has_attendees = bool(event.content["attendees"])
    full = {
        "id": identifier,
        "createdDateTime": seven_digits(event.created) + "Z",
        "lastModifiedDateTime": seven_digits(event.modified) + "Z",
        "changeKey": event.change_key,
        "transactionId": event.transaction_id,
        "originalStartTimeZone": event.start.zone,
        "originalEndTimeZone": event.end.zone,
        "iCalUId": event.immutable_id[-40:],
        "hasAttachments": False,
        "bodyPreview": preview(body.get("content", ""), body.get("contentType", "html")),
        "isCancelled": False,
        "isOrganizer": True,
        "isDraft": False,
        "seriesMasterId": None,
        "type": "singleInstance",
        "webLink": f"https://outlook.office365.com/owa/?itemid={quote(identifier, safe='')}",
        "onlineMeetingUrl": None,
        "onlineMeeting": None,
        "isOnlineMeeting": False,
        "onlineMeetingProvider": "unknown",
        "recurrence": None,
        **event.content,
        "attendees": [_render_attendee(each) for each in event.content["attendees"]],
        "responseStatus": {"response": "organizer" if has_attendees else "none", "time": None},
        "body": {
            "contentType": "html",
            "content": rewrite_body(body.get("content", ""), body.get("contentType", "html")),
        },
        "start": write_event_time(event.start.utc, prefer.zone or "UTC"),
        "end": write_event_time(event.end.utc, prefer.zone or "UTC"),
        "organizer": {"emailAddress": {"name": mailbox.display_name, "address": mailbox.user_principal_name}},
    }
    if options.select is not None:
        full = {name: value for name, value in full.items() if name in options.select | {"id"}}
    return {
        "@odata.etag": f'W/"{event.change_key}"',
        **full,
        **_render_expanded(event, options.expand),
    }


def render_extension(extension: Extension) -> dict[str, Any]:
    """An open extension as Graph answers it."""
    return {
        "@odata.type": "#microsoft.graph.openTypeExtension",
        "id": EXTENSION_ID_PREFIX + extension.name,
        "extensionName": extension.name,
        **extension.values,
    }


def describe_event(mailbox: Mailbox, event: StoredEvent) -> dict[str, Any]:
    """Everything about an event, with the body as it was sent; for the control plane."""
    return {
        "mailbox": mailbox.id,
        "immutableId": event.immutable_id,
        "mutableId": event.mutable_id,
        "transactionId": event.transaction_id,
        "ownerApp": event.owner_app,
        "extendedProperties": dict(event.properties),
        "extensions": {each.name: dict(each.values) for each in event.extensions.values()},
        "createdDateTime": seven_digits(event.created) + "Z",
        "lastModifiedDateTime": seven_digits(event.modified) + "Z",
        "modifiedCount": event.modified_count,
        **event.content,
        "start": write_event_time(event.start.utc, "UTC"),
        "end": write_event_time(event.end.utc, "UTC"),
        "originalStartTimeZone": event.start.zone,
        "originalEndTimeZone": event.end.zone,
    }


def _render_attendee(attendee: dict[str, Any]) -> dict[str, Any]:
    return {"type": "required", "status": {"response": "none", "time": None}, **attendee}


def _render_expanded(event: StoredEvent, expand: Expansion) -> dict[str, Any]:
    expanded: dict[str, Any] = {}
    properties = [
        {"id": name, "value": event.properties[name]}
        for name in expand.properties
        if name in event.properties
    ]
    if properties:
        expanded["singleValueExtendedProperties"] = properties
    if expand.extensions:
        expanded["extensions"] = [
            render_extension(each)
            for each in event.extensions.values()
            if expand.extension_name in ("", each.name, EXTENSION_ID_PREFIX + each.name)
        ]
    return expanded
