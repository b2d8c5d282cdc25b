"""The body of a webhook: a `RemoteExecutionContext` as Dataverse writes it.

Collections are lists of key and value, typed values carry `__type`, moments are `/Date(ms)/` in UTC, slashes
are escaped. Entity images carry no `__type`. The `OperationCreatedOn` is in the odd form with an offset where
UTC = milliseconds + offset.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from local.dataverse.tables.columns import CHOICE_KINDS, Column, Kind, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from local.dataverse.calls import Identity
    from local.dataverse.tables.payload import Row, Value
    from local.dataverse.tables.store import Change

PRIMARY_NAME_ALIAS = "AsynchronousStepPrimaryName"
NO_GUID = "00000000-0000-0000-0000-000000000000"

_CONTRACTS = "http://schemas.microsoft.com/xrm/2011/Contracts"
_SERVER_OFFSET = timedelta(hours=2)
_DROPPED_WHEN_LARGE = ("InputParameters", "PreEntityImages", "PostEntityImages", "ParentContext")


@dataclass(frozen=True)
class Image:
    """An image registered with a step."""

    alias: str
    post: bool
    """After the change instead of before it."""
    attributes: frozenset[str]
    """Logical names; empty for all columns."""


@dataclass(frozen=True)
class Occasion:
    """What is told of a change besides the change."""

    step_id: str
    step_name: str
    images: tuple[Image, ...]
    correlation_id: str
    request_id: str
    operation_id: str
    tag: str | None
    created: datetime


def build_context(change: Change, occasion: Occasion, identity: Identity) -> dict[str, Any]:
    """The whole context of one asynchronous step after the change."""
    target = _target(change)
    parent_target = _reference(change.table.logical_name, change.row_id)
    if change.message != "Delete":
        names = change.requested | {change.table.primary_id}
        parent_target = _entity(change.table, change.row_id, _only(change.target, names), typed=True)
    common = _common(change, occasion, identity)
    return {
        **common,
        "InputParameters": [_pair("Target", target), _pair("parentExecutionId", str(uuid.uuid4()))],
        "Mode": 1,
        "OutputParameters": [_pair("id", change.row_id)] if change.message in ("Create", "Restore") else [],
        "OwningExtension": _reference("sdkmessageprocessingstep", occasion.step_id, occasion.step_name),
        "ParentContext": {
            **common,
            "InputParameters": [
                _pair("Target", parent_target),
                _pair("SuppressDuplicateDetection", value=False),
            ],
            "Mode": 0,
            "OutputParameters": [],
            "OwningExtension": _reference(
                "sdkmessageprocessingstep", str(uuid.uuid5(uuid.NAMESPACE_OID, "model")), "ObjectModel"
            ),
            "ParentContext": None,
            "PostEntityImages": [],
            "PreEntityImages": [],
            "Stage": 30,
        },
        "PostEntityImages": _images(change, change.after, occasion.images, post=True),
        "PreEntityImages": _images(change, change.before, occasion.images, post=False),
        "Stage": 40,
    }


def encode_context(context: Mapping[str, Any], max_bytes: int) -> tuple[bytes, bool]:
    """The body to post, and whether parts had to be dropped to keep it below the limit."""
    body = _encode(context)
    if len(body) <= max_bytes:
        return body, False
    kept = {key: value for key, value in context.items() if key not in _DROPPED_WHEN_LARGE}
    return _encode(kept), True


def _encode(context: Mapping[str, Any]) -> bytes:
    # A slash occurs in JSON only inside texts, where the escaped form means the same.
    return (
        json.dumps(context, ensure_ascii=False, separators=(",", ":"))
        .replace("/", "\\/")
        .encode("utf-8", "replace")
    )


def _common(change: Change, occasion: Occasion, identity: Identity) -> dict[str, Any]:
    shared: list[dict[str, Any]] = [_pair("IsAutoTransact", value=True), _pair("AcceptLang", "en-US")]
    if occasion.tag is not None:
        shared.append(_pair("tag", occasion.tag))
    return {
        "BusinessUnitId": identity.business_unit_id,
        "CorrelationId": occasion.correlation_id,
        "Depth": change.depth,
        "InitiatingUserAgent": "",
        "InitiatingUserAzureActiveDirectoryObjectId": NO_GUID,
        "InitiatingUserId": change.user_id,
        "IsExecutingOffline": False,
        "IsInTransaction": False,
        "IsOfflinePlayback": False,
        "IsolationMode": 1,
        "MessageName": change.message,
        "OperationCreatedOn": _server_moment(occasion.created),
        "OperationId": occasion.operation_id,
        "OrganizationId": identity.organization_id,
        "OrganizationName": f"unq{identity.organization_id.replace('-', '')[:26]}",
        "PrimaryEntityId": change.row_id,
        "PrimaryEntityName": change.table.logical_name,
        "RequestId": occasion.request_id,
        "SecondaryEntityName": "none",
        "SharedVariables": shared,
        "UserAzureActiveDirectoryObjectId": NO_GUID,
        "UserId": change.user_id,
    }


def _target(change: Change) -> dict[str, Any]:
    if change.message == "Delete":
        return _reference(change.table.logical_name, change.row_id)
    entity = _entity(change.table, change.row_id, change.target, typed=True)
    entity["Attributes"].append(_pair("modifiedonbehalfby", None))
    return entity


def _images(change: Change, row: Row | None, images: Iterable[Image], *, post: bool) -> list[dict[str, Any]]:
    """The platform's own image of the primary name first, then those registered."""
    if row is None:
        return []
    names = frozenset({change.table.primary_name})
    chosen = [
        Image(PRIMARY_NAME_ALIAS, post, names),
        *(image for image in images if image.post is post),
    ]
    return [_pair(image.alias, _image(change.table, change.row_id, row, image)) for image in chosen]


def _image(table: Table, row_id: str, row: Row, image: Image) -> dict[str, Any]:
    """An image leaves empty columns out."""
    names = image.attributes | {table.primary_id} if image.attributes else frozenset(row)
    shown = {name: value for name, value in _only(row, names).items() if value is not None}
    return _entity(table, row_id, shown, typed=False)


def _only(values: Mapping[str, Value], names: frozenset[str]) -> dict[str, Value]:
    return {name: value for name, value in values.items() if name in names}


def _entity(table: Table, row_id: str, values: Mapping[str, Value], *, typed: bool) -> dict[str, Any]:
    kind = {"__type": f"Entity:{_CONTRACTS}"} if typed else {}
    formatted = {
        name: str(value)
        for name, value in values.items()
        if not typed and table.by_name[name].kind in (*CHOICE_KINDS, Kind.WHEN)
    }
    return {
        **kind,
        "Attributes": [_pair(name, _typed(table.by_name[name], value)) for name, value in values.items()],
        "EntityState": None,
        "FormattedValues": [_pair(name, value) for name, value in formatted.items()],
        "Id": row_id,
        "KeyAttributes": [],
        "LogicalName": table.logical_name,
        "RelatedEntities": [],
        "RowVersion": None,
    }


def _typed(column: Column, value: Value) -> Any:
    if value is None:
        return None
    if column.kind is Kind.LOOKUP:
        return {"__type": f"EntityReference:{_CONTRACTS}", **_untyped_reference(column.target, str(value))}
    if column.kind in CHOICE_KINDS:
        return {"__type": f"OptionSetValue:{_CONTRACTS}", "Value": value}
    if column.kind is Kind.WHEN:
        return f"/Date({_milliseconds(datetime.fromisoformat(str(value)))})/"
    return value


def _reference(logical_name: str, row_id: str, name: str | None = None) -> dict[str, Any]:
    return {"__type": f"EntityReference:{_CONTRACTS}", **_untyped_reference(logical_name, row_id, name)}


def _untyped_reference(logical_name: str, row_id: str, name: str | None = None) -> dict[str, Any]:
    return {"Id": row_id, "KeyAttributes": [], "LogicalName": logical_name, "Name": name, "RowVersion": None}


def _server_moment(moment: datetime) -> str:
    hours = int(_SERVER_OFFSET.total_seconds() // 3600)
    return f"/Date({_milliseconds(moment - _SERVER_OFFSET)}{hours:+03d}00)/"


def _milliseconds(moment: datetime) -> int:
    return round(moment.astimezone(UTC).timestamp() * 1000)


def _pair(key: str, value: Any) -> dict[str, Any]:
    return {"key": key, "value": value}
