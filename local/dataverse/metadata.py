"""Table definitions: what the doctor reads and what the provisioning command adds."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any

from local.dataverse.errors import bad_request, not_implemented, row_missing
from local.dataverse.odata import allow_options, split_options
from local.dataverse.schema import Column, Kind, Schema, Table, text_column

if TYPE_CHECKING:
    from collections.abc import Collection

STRING_METADATA = "Microsoft.Dynamics.CRM.StringAttributeMetadata"
MAX_TEXT = 4000
WITHOUT_CHANGE_TRACKING = ("systemuser", "organization")

_NAMESPACE = uuid.UUID("5f0c2a51-74cb-4d0e-9a4e-0f2f4c1f7f10")
_PATH = re.compile(
    r"EntityDefinitions\(LogicalName='(?P<table>\w+)'\)"
    r"(?P<attributes>/Attributes(?:\(LogicalName='(?P<attribute>\w+)'\))?(?:/(?P<cast>[\w.]+))?)?"
)
_SCHEMA_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{1,7}_\w+")


def is_metadata(path: str) -> bool:
    """Whether a path belongs here."""
    return path.startswith("EntityDefinitions")


def read(schema: Schema, path: str, raw_query: str, without_concurrency: Collection[str]) -> dict[str, Any]:
    """Answer a GET.

    Args:
        schema: the tables in force.
        path: decoded, relative to the service root.
        raw_query: may hold $select only.
        without_concurrency: logical names of tables that have optimistic concurrency turned off.

    Raises:
        DataverseError: an unknown table, attribute or property, or an unsupported address.
    """
    match, table = _locate(schema, path)
    options = split_options(raw_query)
    allow_options(options, frozenset({"$select"}))
    select = options.get("$select")
    if match["attributes"] is None:
        return _select(_definition(table, table.logical_name not in without_concurrency), select)
    if match["cast"] not in (None, STRING_METADATA):
        raise not_implemented(f"the cast to {match['cast']}")
    cast = match["cast"] is not None
    if match["attribute"] is not None:
        return _select(_attribute(_column(table, match["attribute"]), cast=cast), select)
    columns = [column for column in table.columns if not cast or column.kind is Kind.TEXT]
    return {"value": [_select(_attribute(column, cast=cast), select) for column in columns]}


def create_attribute(schema: Schema, path: str, body: Any) -> str:
    """Add a text column and return its metadata id.

    Raises:
        DataverseError: not a string attribute, a bad name or length, or it exists.
    """
    match, table = _locate(schema, path)
    if match["attributes"] != "/Attributes":
        raise not_implemented("creating anything but attributes")
    if not isinstance(body, dict) or body.get("@odata.type", "").lstrip("#") != STRING_METADATA:
        raise not_implemented("attributes that are not StringAttributeMetadata")
    schema_name, length = body.get("SchemaName"), body.get("MaxLength")
    if not isinstance(schema_name, str) or not _SCHEMA_NAME.fullmatch(schema_name):
        raise bad_request(
            f"Attribute name {schema_name} must start with a customization prefix.", "0x8004701e"
        )
    if isinstance(length, bool) or not isinstance(length, int) or not 1 <= length <= MAX_TEXT:
        raise bad_request(f"MaxLength must be between 1 and {MAX_TEXT}.", "0x80044331")
    name = schema_name.lower()
    schema.add_column(table.logical_name, text_column(name, length))
    return _metadata_id(table.logical_name, name)


def _locate(schema: Schema, path: str) -> tuple[re.Match[str], Table]:
    match = _PATH.fullmatch(path)
    if match is None:
        raise not_implemented(f"the metadata address '{path}'")
    return match, schema.table(match["table"])


def _definition(table: Table, concurrency: bool) -> dict[str, Any]:  # noqa: FBT001 - a column's value, no switch
    return {
        "LogicalName": table.logical_name,
        "EntitySetName": table.entity_set,
        "PrimaryIdAttribute": table.primary_id,
        "PrimaryNameAttribute": table.primary_name,
        "IsOptimisticConcurrencyEnabled": concurrency,
        "ChangeTrackingEnabled": table.logical_name not in WITHOUT_CHANGE_TRACKING,
        "MetadataId": _metadata_id(table.logical_name, ""),
    }


def _attribute(column: Column, *, cast: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "LogicalName": column.name,
        "SchemaName": column.navigation or column.name,
        "AttributeType": str(column.kind),
        "MetadataId": _metadata_id("", column.name),
    }
    if cast:
        shown["MaxLength"] = column.max_length
    elif column.kind is Kind.TEXT:
        shown = {"@odata.type": f"#{STRING_METADATA}", **shown}
    return shown


def _column(table: Table, name: str) -> Column:
    if name not in table.by_name:
        raise row_missing("Attribute", name)
    return table.by_name[name]


def _select(properties: dict[str, Any], select: str | None) -> dict[str, Any]:
    if select is None:
        return properties
    names = [name.strip() for name in select.split(",")]
    for name in names:
        if name not in properties or name.startswith("@"):
            raise bad_request(f"Could not find a property named '{name}' on the metadata type.")
    kept = {"MetadataId", *names}
    return {name: value for name, value in properties.items() if name in kept or name.startswith("@")}


def _metadata_id(table: str, attribute: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, f"{table}/{attribute}"))
