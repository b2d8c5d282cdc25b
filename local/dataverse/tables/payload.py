"""From a request's JSON body to column values, refusing what Dataverse refuses.

Values are kept as the API shows them: guids in lower case, moments as `2026-01-05T08:00:00Z`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from local.dataverse.errors import bad_request, unknown_property
from local.dataverse.tables.columns import Column, Kind, Table

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.dataverse.tables.schema import Schema

Value = str | int | float | bool | None
Row = dict[str, Value]
"""Column values by logical name."""

BIND = "@odata.bind"
API_PATH = "/api/data/v9.2/"
CRM = "Microsoft.Dynamics.CRM."
GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_REFERENCE = re.compile(rf"(?P<set>\w+)\((?P<id>{GUID.pattern})\)")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")
_DAY = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])")
_INT32 = 2**31


def read_body(schema: Schema, table: Table, body: Any, base_url: str) -> Row:
    """The columns a create or update sets.

    Args:
        schema: finds the table that a lookup's reference names.
        table: what is written.
        body: the decoded JSON.
        base_url: own `https://host`, for references given as absolute URLs.

    Raises:
        DataverseError: not an object, an unknown or read-only column, a value of the wrong type or size.
    """
    if not isinstance(body, dict):
        raise bad_request("The request body must be a JSON object.", "0x80048d19")
    values: Row = {}
    for key, value in body.items():
        if key.startswith("@odata."):
            continue
        if key.endswith(BIND):
            column = _bound_column(table, key)
            values[column.name] = None if value is None else _reference(schema, column, value, base_url)
        else:
            column = _plain_column(table, key)
            values[column.name] = to_value(table, column, value)
    return values


def export_row(schema: Schema, table: Table, row: Row) -> dict[str, Any]:
    """A row as a file for an import holds it: all columns that can be written."""
    body: dict[str, Any] = {}
    for column in table.columns:
        value = row.get(column.name)
        if column.kind is Kind.LOOKUP and column.writable:
            target = schema.table(column.target).entity_set
            body[f"{column.navigation}@odata.bind"] = None if value is None else f"/{target}({value})"
        elif column.writable:
            body[column.name] = value
    return body


def read_restored(schema: Schema, body: Any, base_url: str) -> tuple[Table, Row]:
    """What the action `Restore` is to bring back: the table, the row's id and the columns it gets anew.

    Args:
        schema: the tables in force.
        body: the decoded JSON, `{"Target": {...}}` with `@odata.id`, or with `@odata.type` and the key.
        base_url: own `https://host`, for an absolute `@odata.id`.

    Raises:
        DataverseError: 400 for anything else.
    """
    target = body.get("Target") if isinstance(body, dict) and body.keys() == {"Target"} else None
    if not isinstance(target, dict):
        raise bad_request("Restore takes the parameter Target, a record.")
    reference = str(target.get("@odata.id", "")).removeprefix(base_url).removeprefix(API_PATH)
    if match := _REFERENCE.fullmatch(reference):
        table = schema.entity_set(match["set"])
        return table, {table.primary_id: match["id"].lower()}
    kind = str(target.get("@odata.type", "")).removeprefix("#")
    if not kind.startswith(CRM):
        raise bad_request("The Target of Restore needs '@odata.id', or '@odata.type' and its key.")
    table = schema.table(kind.removeprefix(CRM))
    values = read_body(schema, table, target, base_url)
    if values.get(table.primary_id) is None:
        raise bad_request(f"The Target of Restore needs '{table.primary_id}'.")
    return table, values


def _bound_column(table: Table, key: str) -> Column:
    column = table.by_navigation.get(key.removesuffix(BIND))
    if column is None:
        raise unknown_property(key.removesuffix(BIND), table.logical_name)
    return _writable(table, column)


def _plain_column(table: Table, key: str) -> Column:
    column = table.by_property.get(key)
    if column is None:
        raise unknown_property(key, table.logical_name)
    if column.kind is Kind.LOOKUP:
        raise bad_request(
            "CRM do not support direct update of Entity Reference properties, "
            "Use Navigation properties instead."
        )
    return _writable(table, column)


def _writable(table: Table, column: Column) -> Column:
    if not column.writable:
        raise bad_request(
            f"The property '{column.property}' of '{table.logical_name}' is read-only "
            "(the real service ignores it; this stand-in calls it a mistake)."
        )
    return column


def _reference(schema: Schema, column: Column, value: Any, base_url: str) -> str:
    text = value if isinstance(value, str) else ""
    for prefix in (base_url + API_PATH, API_PATH, "/"):
        if text.startswith(prefix):
            text = text.removeprefix(prefix)
            break
    match = _REFERENCE.fullmatch(text)
    expected = schema.table(column.target).entity_set
    if match is None or match["set"] != expected:
        raise bad_request(
            f"The value of '{column.navigation}{BIND}' must refer to {expected}(<guid>).", "0x80048d19"
        )
    return match["id"].lower()


def to_value(table: Table, column: Column, value: Any) -> Value:
    """A JSON value as the column keeps it; None clears the column.

    Raises:
        DataverseError: wrong type, too long, or not one of the choices.
    """
    if value is None:
        return None
    return _READERS[column.kind](table, column, value)


def _text(table: Table, column: Column, value: Any) -> Value:
    if not isinstance(value, str):
        raise _wrong_type(column, value, "Edm.String")
    # Dataverse keeps texts as UTF-16 and counts its units.
    if len(value.encode("utf-16-le", "surrogatepass")) > 2 * column.max_length:
        raise bad_request(
            f"A validation error occurred.  The length of the '{column.name}' attribute of the "
            f"'{table.logical_name}' entity exceeded the maximum allowed length of '{column.max_length}'.",
            "0x80044331",
        )
    return value or None  # Dataverse stores an empty text as null


def _guid(_table: Table, column: Column, value: Any) -> Value:
    if not isinstance(value, str) or not GUID.fullmatch(value):
        raise _wrong_type(column, value, "Edm.Guid")
    return value.lower()


def _integer(_table: Table, column: Column, value: Any) -> Value:
    if isinstance(value, bool) or not isinstance(value, int) or not -_INT32 <= value < _INT32:
        raise _wrong_type(column, value, "Edm.Int32")
    return value


def _choice(table: Table, column: Column, value: Any) -> Value:
    number = _integer(table, column, value)
    if number not in column.choices:
        accepted = ",".join(str(choice) for choice in sorted(column.choices))
        raise bad_request(
            f"A validation error occurred. The value {number} of '{column.name}' on record of type "
            f"'{table.logical_name}' is outside the valid range. Accepted Values: {accepted}",
            "0x8004431a",
        )
    return number


def _flag(_table: Table, column: Column, value: Any) -> Value:
    if not isinstance(value, bool):
        raise _wrong_type(column, value, "Edm.Boolean")
    return value


def _managed(_table: Table, column: Column, value: Any) -> Value:
    """A managed property is written as an object, or by the control plane as its value."""
    plain = value.get("Value") if isinstance(value, dict) else value
    if not isinstance(plain, bool):
        raise _wrong_type(column, value, "Microsoft.Dynamics.CRM.BooleanManagedProperty")
    return plain


def _number(_table: Table, column: Column, value: Any) -> Value:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong_type(column, value, "Edm.Double")
    return value


def _choices(_table: Table, column: Column, value: Any) -> Value:
    """One text of numbers; in what order they come back is the service's to say."""
    numbers = value.split(",") if isinstance(value, str) else ()
    if not numbers or not all(each.isdecimal() and int(each) in column.choices for each in numbers):
        raise bad_request(f"The value '{value}' of '{column.name}' is outside the valid range.", "0x8004431a")
    return ",".join(str(each) for each in sorted({int(number) for number in numbers}))


def _when(_table: Table, column: Column, value: Any) -> Value:
    if column.behavior == "DateOnly":
        if isinstance(value, str) and _DAY.fullmatch(value):
            return value
        raise _wrong_type(column, value, "Edm.Date")
    moment = parse_moment(value) if isinstance(value, str) else None
    if moment is None:
        raise _wrong_type(column, value, "Edm.DateTimeOffset")
    return moment


def parse_moment(text: str) -> str | None:
    """A moment with zone as UTC to the second (`2026-01-05T08:00:00Z`), or None when it is none."""
    if not _MOMENT.fullmatch(text):
        return None
    try:
        return format_moment(datetime.fromisoformat(text))
    except ValueError:
        return None


def format_moment(moment: datetime) -> str:
    """An aware datetime as the API prints it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _wrong_type(column: Column, value: Any, edm: str) -> Exception:
    return bad_request(
        f"Cannot convert a value of type '{type(value).__name__}' of the property '{column.property}' to the "
        f"expected target type '{edm}'.",
        "0x80048d19",
    )


_READERS: dict[Kind, Callable[[Table, Column, Any], Value]] = {
    Kind.ID: _guid,
    Kind.LOOKUP: _guid,
    Kind.TEXT: _text,
    Kind.INTEGER: _integer,
    Kind.VERSION: _integer,
    Kind.CHOICE: _choice,
    Kind.FLAG: _flag,
    Kind.NUMBER: _number,
    Kind.WHEN: _when,
    Kind.MEMO: _text,
    Kind.STATE: _choice,
    Kind.STATUS: _choice,
    Kind.CHOICES: _choices,
    Kind.MONEY: _number,
    Kind.DECIMAL: _number,
    Kind.MANAGED: _managed,
}
