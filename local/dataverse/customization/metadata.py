"""Table definitions: what the doctor reads, and the columns that provisioning adds and widens."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from local.dataverse.calls import allow_options, split_options
from local.dataverse.customization import types
from local.dataverse.customization.privileges import of_table
from local.dataverse.errors import bad_request, not_implemented, row_missing
from local.dataverse.tables.columns import Column, Kind, Table, choice, text, when

if TYPE_CHECKING:
    from collections.abc import Collection

    from local.dataverse.tables.schema import Schema

STRING_METADATA = "Microsoft.Dynamics.CRM.StringAttributeMetadata"
CHOICE_METADATA = "Microsoft.Dynamics.CRM.PicklistAttributeMetadata"
WHEN_METADATA = "Microsoft.Dynamics.CRM.DateTimeAttributeMetadata"
OPTION_SET = "Microsoft.Dynamics.CRM.OptionSetMetadata"
MAX_TEXT = 4000
BASE_LANGUAGE = 1031
"""The environment's language: a label without it is refused. It is not English, for those who take that for
granted."""
WITHOUT_CHANGE_TRACKING = ("systemuser", "organization")

_NAMESPACE = uuid.UUID("5f0c2a51-74cb-4d0e-9a4e-0f2f4c1f7f10")
_PATH = re.compile(
    r"EntityDefinitions\(LogicalName='(?P<table>\w+)'\)"
    r"(?P<attributes>/Attributes(?:\(LogicalName='(?P<attribute>\w+)'\))?(?:/(?P<cast>[\w.]+))?)?"
)
_EXPANDED = re.compile(r"(Attributes|ManyToOneRelationships)\(\$select=([\w,]+)\)")
_SCHEMA_NAME = re.compile(r"(?P<prefix>[A-Za-z][A-Za-z0-9]{1,7})_\w+")
_WRITABLE = frozenset(
    {
        *(
            "SchemaName",
            "LogicalName",
            "MetadataId",
            "MaxLength",
            "FormatName",
            "ImeMode",
            "IsCustomAttribute",
        ),
        *(
            "AttributeType",
            "AttributeTypeName",
            "DisplayName",
            "Description",
            "RequiredLevel",
            "IsAuditEnabled",
        ),
        *("IsValidForAdvancedFind", "IsSecured", "IsCustomizable"),
    }
)
"""What a new string attribute's definition may hold, as far as this stand-in goes."""
_WRITABLE_CHOICE = (_WRITABLE - {"MaxLength", "FormatName", "ImeMode"}) | {"OptionSet", "DefaultFormValue"}
_WRITABLE_WHEN = (_WRITABLE - {"MaxLength", "FormatName"}) | {"Format", "DateTimeBehavior"}
_FORMATS = ({"Value": "Text"}, {"Value": "TextArea"})
_CASTS = {STRING_METADATA: Kind.TEXT, CHOICE_METADATA: Kind.CHOICE}
_LABEL = "Microsoft.Dynamics.CRM.Label"
_LOCALIZED = "Microsoft.Dynamics.CRM.LocalizedLabel"


@dataclass(frozen=True)
class Place:
    """What an address of table definitions names."""

    table: Table
    attributes: bool
    """The table's columns rather than the table."""
    attribute: str | None
    """One column's logical name."""
    cast: str | None


def is_metadata(path: str) -> bool:
    """Whether a path belongs here."""
    return path.startswith("EntityDefinitions")


def locate(schema: Schema, path: str) -> Place:
    """Read an address.

    Raises:
        DataverseError: the stand-in does not know such addresses, or there is no such table.
    """
    match = _PATH.fullmatch(path)
    if match is None:
        raise not_implemented(f"the metadata address '{path}'")
    table = schema.table(match["table"])
    return Place(table, match["attributes"] is not None, match["attribute"], match["cast"])


def read(
    schema: Schema,
    path: str,
    raw_query: str,
    without_concurrency: Collection[str],
    secured: Collection[str] = (),
) -> dict[str, Any]:
    """Answer a GET.

    Args:
        schema: the tables in force.
        path: decoded, relative to the service root.
        raw_query: may hold $select; of a table also an $expand of its columns and lookups; of columns of one
            type, what `types` knows.
        without_concurrency: logical names of tables that have optimistic concurrency turned off.
        secured: logical names of columns that column security is on for.

    Raises:
        DataverseError: an unknown table, attribute or property, or an unsupported address.
    """
    place = locate(schema, path)
    table = place.table
    options = split_options(raw_query)
    select = options.get("$select")
    if not place.attributes:
        allow_options(options, frozenset({"$select", "$expand"}))
        definition = _select(_definition(table, table.logical_name not in without_concurrency), select)
        return definition | _expanded(schema, table, options.get("$expand", ""), secured)
    if place.attribute is None and place.cast is not None and place.cast in types.CASTS:
        return types.read(table, place.cast, options)
    allow_options(options, frozenset({"$select"}))
    if place.cast not in (None, *_CASTS):
        raise not_implemented(f"the cast to {place.cast}")
    kind = _CASTS.get(place.cast) if place.cast else None
    if place.attribute is not None:
        column = _column(table, place.attribute)
        if kind not in (None, column.kind):
            raise row_missing(str(place.cast).rsplit(".", 1)[-1], column.name)
        columns = [column]
    else:
        columns = [column for column in table.columns if kind in (None, column.kind)]
    shown = [
        _select(_attribute(schema, table, column, secured, cast=kind is not None), select)
        for column in columns
    ]
    return shown[0] if place.attribute is not None else {"value": shown}


def read_new_column(body: Any) -> tuple[Column, str]:
    """The column that a POST describes, and its customization prefix.

    Raises:
        DataverseError: no string attribute, choice or moment, or a bad name, label, length or option.
    """
    kind = body.get("@odata.type", "").lstrip("#") if isinstance(body, dict) else ""
    definition = body if kind in (CHOICE_METADATA, WHEN_METADATA) else _string_definition(body)
    writable = {CHOICE_METADATA: _WRITABLE_CHOICE, WHEN_METADATA: _WRITABLE_WHEN}.get(kind, _WRITABLE)
    unknown = sorted(name for name in definition if not name.startswith("@") and name not in writable)
    if unknown:
        raise bad_request(
            f"Error identified in Payload: an undeclared property '{unknown[0]}' on {kind}.",
            "0x80048d19",
        )
    schema_name = definition.get("SchemaName")
    match = _SCHEMA_NAME.fullmatch(schema_name) if isinstance(schema_name, str) else None
    if match is None:
        raise bad_request(
            f"Attribute name {schema_name} must start with a customization prefix.", "0x8004701e"
        )
    if kind == STRING_METADATA and definition.get("FormatName", {"Value": "Text"}) not in _FORMATS:
        raise bad_request(f"FormatName is none of a new text: {definition['FormatName']}.", "0x80048d19")
    _check_label(definition.get("DisplayName"), "DisplayName")
    name = match[0].lower()
    made = _new_column(name, kind, definition)
    return replace(made, schema_name=match[0]), match["prefix"].lower()


def _new_column(name: str, kind: str, definition: dict[str, Any]) -> Column:
    if kind == CHOICE_METADATA:
        return choice(name, *_new_options(definition))
    if kind == STRING_METADATA:
        return text(name, _length(definition))
    behavior, shows = definition.get("DateTimeBehavior"), definition.get("Format")
    if behavior != {"Value": "UserLocal"} or shows != "DateAndTime":
        raise not_implemented("new moments other than date and time in the user's zone")
    return when(name)


def read_changed_column(table: Table, name: str, body: Any) -> Column:
    """The column as a PUT of its whole definition describes it.

    Raises:
        DataverseError: the definition is not whole, or of another column.
    """
    column = _column(table, name)
    definition = _string_definition(body)
    for key in ("LogicalName", "SchemaName", "MetadataId", "DisplayName", "RequiredLevel"):
        if key not in definition:
            raise bad_request(f"A PUT replaces the whole definition; '{key}' is missing.")
    if definition["LogicalName"] != name:
        raise bad_request(f"The definition is of '{definition['LogicalName']}', the address of '{name}'.")
    return replace(column, max_length=_length(definition))


def metadata_id(table: str, attribute: str = "") -> str:
    """The MetadataId of a table or of one of its columns."""
    return str(uuid.uuid5(_NAMESPACE, f"{table}/{attribute}"))


def object_type(logical_name: str) -> int:
    """A table's number; Microsoft's own have the same one everywhere."""
    return 1145 if logical_name == "bookableresourcebooking" else 10_000 + len(logical_name)


def _string_definition(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict) or body.get("@odata.type", "").lstrip("#") != STRING_METADATA:
        raise not_implemented("attributes that are not StringAttributeMetadata")
    return body


def _new_options(definition: dict[str, Any]) -> list[int]:
    """The values of a choice of its own; a global one is none of the stand-in's."""
    options = definition.get("OptionSet")
    if not isinstance(options, dict) or options.get("@odata.type", "").lstrip("#") != OPTION_SET:
        raise not_implemented("choices without an OptionSet of their own")
    if options.get("IsGlobal") is not False or options.get("OptionSetType") != "Picklist":
        raise bad_request("The OptionSet of a choice is a Picklist, and not global.", "0x80048d19")
    values: list[int] = []
    for option in options.get("Options") or ():
        value = option.get("Value") if isinstance(option, dict) else None
        if isinstance(value, bool) or not isinstance(value, int) or value in values:
            raise bad_request(
                f"The option's value '{value}' is no whole number, or is doubled.", "0x80048403"
            )
        _check_label(option.get("Label"), "Label")
        values.append(value)
    if definition.get("DefaultFormValue", -1) not in (-1, *values):
        raise bad_request("The default value of the choice is none of its options.", "0x80048403")
    return values


def _length(definition: dict[str, Any]) -> int:
    length = definition.get("MaxLength")
    if isinstance(length, bool) or not isinstance(length, int) or not 1 <= length <= MAX_TEXT:
        raise bad_request(f"MaxLength must be between 1 and {MAX_TEXT}.", "0x80044331")
    return length


def _check_label(label: Any, name: str) -> None:
    labels = label.get("LocalizedLabels") if isinstance(label, dict) else None
    if not isinstance(label, dict) or label.get("@odata.type", "").lstrip("#") != _LABEL or not labels:
        raise bad_request(f"'{name}' must be a {_LABEL} with LocalizedLabels.", "0x80048d19")
    for each in labels:
        kind = each.get("@odata.type", "").lstrip("#") if isinstance(each, dict) else ""
        whole = kind == _LOCALIZED and isinstance(each.get("Label"), str)
        if not whole:
            raise bad_request(f"The LocalizedLabels of '{name}' must be {_LOCALIZED}.", "0x80048d19")
        if each.get("LanguageCode") != BASE_LANGUAGE:
            raise bad_request(f"Language code {each.get('LanguageCode')} is not installed.", "0x80044334")


def _definition(table: Table, concurrency: bool) -> dict[str, Any]:  # noqa: FBT001 - a column's value, no switch
    return {
        "LogicalName": table.logical_name,
        "EntitySetName": table.entity_set,
        "PrimaryIdAttribute": table.primary_id,
        "ObjectTypeCode": object_type(table.logical_name),
        "Privileges": of_table(table.logical_name),
        "PrimaryNameAttribute": table.primary_name,
        "IsOptimisticConcurrencyEnabled": concurrency,
        "ChangeTrackingEnabled": table.logical_name not in WITHOUT_CHANGE_TRACKING,
        "MetadataId": metadata_id(table.logical_name),
    }


def _expanded(schema: Schema, table: Table, text: str, secured: Collection[str]) -> dict[str, Any]:
    """The lists that are wanted along with a table, each with a $select of its own and nothing else."""
    wanted = _EXPANDED.findall(text)
    if ",".join(f"{name}($select={select})" for name, select in wanted) != text:
        raise not_implemented(f"the $expand '{text}' of a table's definition")
    rows = {
        "Attributes": lambda: [
            _attribute(schema, table, column, secured, cast=False) for column in table.columns
        ],
        "ManyToOneRelationships": lambda: [_relationship(schema, table, column) for column in table.lookups],
    }
    return {name: [_select(row, select) for row in rows[name]()] for name, select in wanted}


def _relationship(schema: Schema, table: Table, column: Column) -> dict[str, Any]:
    """A lookup, as the many rows that point to one."""
    return {
        "SchemaName": f"{schema.table(column.target).logical_name}_{table.logical_name}_{column.name}",
        "ReferencingEntity": table.logical_name,
        "ReferencingAttribute": column.name,
        "ReferencingEntityNavigationPropertyName": column.navigation,
        "ReferencedEntity": column.target,
        "ReferencedAttribute": f"{column.target}id",
        "MetadataId": metadata_id(table.logical_name, f"{column.name}/{column.target}"),
    }


def _attribute(
    schema: Schema, table: Table, column: Column, secured: Collection[str], *, cast: bool
) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "LogicalName": column.name,
        "SchemaName": column.schema_name or column.navigation or column.name,
        "AttributeType": str(column.kind),
        "AttributeTypeName": {"Value": types.type_name(column)},
        "AttributeOf": None,
        "MetadataId": metadata_id(table.logical_name, column.name),
        "IsCustomAttribute": schema.is_custom(table.logical_name, column.name),
        "IsValidForRead": column.readable,
        "IsValidForUpdate": column.writable,
        "IsSecured": column.name in secured,
        "DisplayName": {"LocalizedLabels": [{"Label": column.name, "LanguageCode": BASE_LANGUAGE}]},
        "RequiredLevel": {"Value": "None"},
    }
    if cast and column.kind is Kind.TEXT:
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
