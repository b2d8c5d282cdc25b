"""Events as Graph answers them, and as the control plane shows them."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from local.graph.api.htmlbody import preview, rewrite_body
from local.graph.api.odata import Expansion, ReadOptions
from local.graph.mailbox.schema import PARENT_FOLDER
from local.graph.mailbox.store import folder_id, main_calendar
from local.graph.mailbox.zones import TZ_DATABASE, rules_of, seven_digits

if TYPE_CHECKING:
    from local.graph.api.preferences import Preferences
    from local.graph.config import GraphConfig
    from local.graph.mailbox.events import Mailbox, StoredEvent
    from local.graph.mailbox.schema import Extension

EXTENSION_ID_PREFIX = "Microsoft.OutlookServices.OpenTypeExtension."


def etag_of(event: StoredEvent) -> str:
    """The version of an event."""
    return f'W/"{event.change_key}"'


def render_event(
    mailbox: Mailbox,
    event: StoredEvent,
    prefer: Preferences,
    config: GraphConfig,
    options: ReadOptions | None = None,
) -> dict[str, Any]:
    """The JSON a client gets; extended properties and extensions only when expanded."""
    options = options or ReadOptions()
    rules = rules_of(config.zone_shifts)
    master = event.master
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
        "iCalUId": event.ical_uid,
        "hasAttachments": False,
        "bodyPreview": preview(body.get("content", ""), body.get("contentType", "html")),
        "isCancelled": config.deleted_items_tell == "cancelled" and mailbox.is_deleted(event),
        "isOrganizer": True,
        "isDraft": False,
        "seriesMasterId": None if master is None else master.public_id(immutable=prefer.immutable_ids),
        "type": event.kind,
        "webLink": f"https://outlook.office365.com/owa/?itemid={quote(identifier, safe='')}",
        "onlineMeetingUrl": None,
        "onlineMeeting": None,
        "isOnlineMeeting": False,
        "onlineMeetingProvider": "unknown",
        **event.content,
        "attendees": [_render_attendee(each) for each in event.content["attendees"]],
        "responseStatus": {"response": "organizer" if has_attendees else "none", "time": None},
        "body": {
            "contentType": "html",
            "content": rewrite_body(body.get("content", ""), body.get("contentType", "html")),
        },
        "start": rules.write(event.start.utc, prefer.zone or "UTC"),
        "end": rules.write(event.end.utc, prefer.zone or "UTC"),
        "organizer": {"emailAddress": {"name": mailbox.display_name, "address": mailbox.user_principal_name}},
    }
    if options.select is not None:
        full = {name: value for name, value in full.items() if name in options.select | {"id"}}
    return {
        "@odata.etag": etag_of(event),
        **full,
        **_render_expanded(mailbox, event, config, options.expand),
    }


def calendar_links(mailbox: Mailbox, event: StoredEvent, config: GraphConfig, service: str) -> dict[str, str]:
    """What an answer of one whole event says of its calendar, as in the examples of Microsoft's reference.

    Args:
        mailbox: whose.
        event: which.
        config: whether the link tells that the event lies in Deleted Items.
        service: base URL with version.
    """
    deleted = mailbox.is_deleted(event) and config.deleted_items_tell == "calendar"
    folder = folder_id(mailbox, "deleteditems") if deleted else event.calendar or main_calendar(mailbox)
    link = f"{service}/users('{mailbox.id}')/calendars('{folder}')"
    return {"calendar@odata.associationLink": f"{link}/$ref", "calendar@odata.navigationLink": link}


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
        "iCalUId": event.ical_uid,
        "deleted": mailbox.is_deleted(event),
        "calendar": mailbox.calendars.get(event.calendar, ""),
        "createdDateTime": seven_digits(event.created) + "Z",
        "lastModifiedDateTime": seven_digits(event.modified) + "Z",
        "modifiedCount": event.modified_count,
        **event.content,
        "start": TZ_DATABASE.write(event.start.utc, "UTC"),
        "end": TZ_DATABASE.write(event.end.utc, "UTC"),
        "originalStartTimeZone": event.start.zone,
        "originalEndTimeZone": event.end.zone,
    }


def _render_attendee(attendee: dict[str, Any]) -> dict[str, Any]:
    return {"type": "required", "status": {"response": "none", "time": None}, **attendee}


def _render_expanded(
    mailbox: Mailbox, event: StoredEvent, config: GraphConfig, expand: Expansion
) -> dict[str, Any]:
    expanded: dict[str, Any] = {}
    known = dict(event.properties)
    if config.parent_folder_readable:
        deleted = mailbox.is_deleted(event)
        folder = folder_id(mailbox, "deleteditems") if deleted else event.calendar or main_calendar(mailbox)
        known[PARENT_FOLDER] = base64.b64encode(folder.encode()).decode()
    properties = [{"id": name, "value": known[name]} for name in expand.properties if name in known]
    if properties:
        expanded["singleValueExtendedProperties"] = properties
    if expand.extensions:
        expanded["extensions"] = [
            render_extension(each)
            for each in event.extensions.values()
            if expand.extension_name in ("", each.name, EXTENSION_ID_PREFIX + each.name)
        ]
    return expanded
