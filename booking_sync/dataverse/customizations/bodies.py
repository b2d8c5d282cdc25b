"""What is sent to Dataverse to make or change a part of it, as JSON. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import quoteattr

from booking_sync.dataverse.customizations import view_xml

if TYPE_CHECKING:
    from booking_sync.ports.dataverse import customization_actions as do
    from booking_sync.ports.dataverse.customizations import Column
    from booking_sync.ports.dataverse.dispatcher import View

KEY_HEADER = "x-functions-key"
OPTION_VALUE_PREFIX = 72590
"""Dataverse wants one of every publisher, for choices whose values it is to number; ours have their own."""

STRING = "Microsoft.Dynamics.CRM.StringAttributeMetadata"
PICKLIST = "Microsoft.Dynamics.CRM.PicklistAttributeMetadata"
DATE_TIME = "Microsoft.Dynamics.CRM.DateTimeAttributeMetadata"
USER_LOCAL = "UserLocal"
WEBHOOK, HTTP_HEADER = 8, 5
POST_OPERATION, ASYNCHRONOUS, SERVER_ONLY = 40, 1, 0
PRE_IMAGE, TARGET = 0, "Target"
_NORMAL, _JSON_FORMAT = 1, 2
_ENABLED = {"statecode": 0, "statuscode": 1}
_NOTHING_CHOSEN = -1
_PUBLIC_VIEW = 0


def publisher(action: do.MakePublisher) -> dict[str, Any]:
    """A row of `publishers`."""
    return {
        "publisherid": action.id,
        "uniquename": action.unique_name,
        "friendlyname": "booking_sync",
        "description": "Owner of the prefix of booking_sync's columns.",
        "customizationprefix": action.prefix,
        "customizationoptionvalueprefix": OPTION_VALUE_PREFIX,
    }


def solution(action: do.MakeSolution) -> dict[str, Any]:
    """A row of `solutions`."""
    return {
        "solutionid": action.id,
        "uniquename": action.unique_name,
        "friendlyname": "booking_sync",
        "description": "Columns and webhook by which bookings are kept in step with Outlook.",
        "version": "1.0.0.0",
        "publisherid@odata.bind": f"/publishers({action.publisher_id})",
    }


def column(wanted: Column, language: int) -> dict[str, Any]:
    """A column's definition, with labels in one language (an LCID)."""
    return {
        **_typed(wanted, language),
        "SchemaName": wanted.name,
        "RequiredLevel": managed("canmodifyrequirementlevelsettings", "None"),
        # Each write of ours would fill the audit log, if the table is audited, and tell nobody anything.
        "IsAuditEnabled": managed("canmodifyauditsettings", value=False),
        "DisplayName": label(wanted.label, language),
        "Description": label(wanted.description, language),
    }


def new_webhook(action: do.WriteWebhook) -> dict[str, Any]:
    """What a new row of `serviceendpoints` has besides address and key."""
    return {
        "serviceendpointid": action.id,
        "name": action.name,
        "contract": WEBHOOK,
        "connectionmode": _NORMAL,
        "messageformat": _JSON_FORMAT,
    }


def step(action: do.WriteStep) -> dict[str, Any]:
    """A row of `sdkmessageprocessingsteps`, but for what it can't change."""
    return {
        "name": action.step.name,
        "stage": POST_OPERATION,
        "mode": ASYNCHRONOUS,
        "rank": 1,
        "supporteddeployment": SERVER_ONLY,
        "asyncautodelete": True,
        "filteringattributes": ",".join(sorted(action.step.filtering)) or None,
        **_ENABLED,
    }


def image(action: do.WriteImage) -> dict[str, Any]:
    """A row of `sdkmessageprocessingstepimages`, but for its step."""
    return {
        "name": action.image.alias,
        "entityalias": action.image.alias,
        "imagetype": PRE_IMAGE,
        "messagepropertyname": TARGET,
        "attributes": ",".join(sorted(action.image.columns)),
    }


def view(wanted: View, object_type: int) -> dict[str, Any]:
    """A row of `savedqueries`, but for its id."""
    return {
        "name": wanted.name,
        "description": wanted.description,
        "returnedtypecode": wanted.table,
        "querytype": _PUBLIC_VIEW,
        "fetchxml": view_xml.fetch_xml(wanted),
        "layoutxml": view_xml.layout_xml(wanted, object_type),
    }


def _typed(wanted: Column, language: int) -> dict[str, Any]:
    if wanted.moment:
        return moment()
    return choice(wanted, language) if wanted.choices else string(wanted)


def moment() -> dict[str, Any]:
    """Date and time, kept in UTC and shown in each user's own zone."""
    return {
        "@odata.type": DATE_TIME,
        "AttributeType": "DateTime",
        "AttributeTypeName": {"Value": "DateTimeType"},
        "Format": "DateAndTime",
        "DateTimeBehavior": {"Value": USER_LOCAL},
    }


def string(column: Column) -> dict[str, Any]:
    """A text of one line, or of several."""
    return {
        "@odata.type": STRING,
        "AttributeType": "String",
        "AttributeTypeName": {"Value": "StringType"},
        "FormatName": {"Value": "TextArea" if column.lines else "Text"},
        "MaxLength": column.length,
    }


def choice(column: Column, language: int) -> dict[str, Any]:
    """A choice of its own, which stays empty until somebody chooses."""
    return {
        "@odata.type": PICKLIST,
        "AttributeType": "Picklist",
        "AttributeTypeName": {"Value": "PicklistType"},
        "DefaultFormValue": _NOTHING_CHOSEN,
        "OptionSet": {
            "@odata.type": "Microsoft.Dynamics.CRM.OptionSetMetadata",
            "IsGlobal": False,
            "OptionSetType": "Picklist",
            "Options": [{"Value": value, "Label": label(text, language)} for value, text in column.choices],
        },
    }


def managed(name: str, value: str | bool) -> dict[str, Any]:  # noqa: FBT001 - a value, no switch
    """A property that a managed solution could lock."""
    return {"Value": value, "CanBeChanged": True, "ManagedPropertyLogicalName": name}


def label(text: str, language: int) -> dict[str, Any]:
    """A label in one language, an LCID."""
    return {
        "@odata.type": "Microsoft.Dynamics.CRM.Label",
        "LocalizedLabels": [
            {
                "@odata.type": "Microsoft.Dynamics.CRM.LocalizedLabel",
                "Label": text,
                "LanguageCode": language,
            }
        ],
    }


def settings_xml(key: str) -> str:
    """A webhook's key as its `authvalue` takes it, for a header."""
    return f"<settings><setting name={quoteattr(KEY_HEADER)} value={quoteattr(key)} /></settings>"
