"""What the service itself makes of values, when it is asked for the annotation `FormattedValue`.

Labels, numbers and times come in the calling user's language and format, whoever reads them later: here that
is German, the environment's base language. Texts and ids have none ("Select columns using OData").
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from local.dataverse.tables.columns import CHOICE_KINDS, Column, Kind

if TYPE_CHECKING:
    from local.dataverse.tables.payload import Row, Value
    from local.dataverse.tables.schema import Schema
    from local.dataverse.tables.store import Store

ANNOTATION = "OData.Community.Display.V1.FormattedValue"
USER_LANGUAGE = 1031

_NUMBERS = (Kind.INTEGER, Kind.VERSION, Kind.NUMBER, Kind.DECIMAL)


def formatted(schema: Schema, store: Store, row: Row, column: Column) -> str | None:
    """The text; None where the service gives none, and for a value that a test has spoilt."""
    try:
        return _text(schema, store, row, column)
    except ValueError:
        return None


def _text(schema: Schema, store: Store, row: Row, column: Column) -> str | None:
    value = row.get(column.name)
    if value is None:
        return None
    if column.kind is Kind.LOOKUP:
        return _name(schema, store, column, str(value))
    if column.kind in (*CHOICE_KINDS, Kind.FLAG):
        return label(column, int(value))
    if column.kind is Kind.CHOICES:
        return "; ".join(label(column, int(each)) for each in str(value).split(","))
    return _time(column, str(value)) if column.kind is Kind.WHEN else _amount(schema, store, row, column)


def _amount(schema: Schema, store: Store, row: Row, column: Column) -> str | None:
    value = row.get(column.name)
    if column.kind is Kind.MONEY:
        return f"{_number(value, 2)} {_currency(schema, store, row)}".strip()
    return _number(value, 0 if isinstance(value, int) else 2) if column.kind in _NUMBERS else None


def label(column: Column, number: int, language: int = USER_LANGUAGE) -> str:
    """What a choice is called; the base language has a label for each."""
    return column.labels.get(number, {}).get(language) or f"{column.name} {number}"


def _name(schema: Schema, store: Store, column: Column, row_id: str) -> str | None:
    table = schema.table(column.target)
    found = store.find(table, row_id)
    name = found.get(table.primary_name) if found else None
    return None if name is None else str(name)


def _currency(schema: Schema, store: Store, row: Row) -> str:
    found = store.find(schema.table("transactioncurrency"), str(row.get("transactioncurrencyid") or ""))
    return str(found.get("currencysymbol") or "") if found else ""


def _time(column: Column, text: str) -> str:
    if column.shows == "DateOnly":
        return date.fromisoformat(text[:10]).strftime("%d.%m.%Y")
    return datetime.fromisoformat(text).strftime("%d.%m.%Y %H:%M")


def _number(value: Value, places: int) -> str:
    text = f"{value:,.{places}f}" if isinstance(value, int | float) else str(value)
    return text.translate(str.maketrans(",.", ".,"))
