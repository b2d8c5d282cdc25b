"""Query options: which rows, which columns, which lookups along, how many per page."""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import json
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from local.dataverse.calls import allow_options, split_options
from local.dataverse.errors import bad_request, unknown_property
from local.dataverse.tables.columns import Kind
from local.dataverse.web_api.filters import Condition, parse_filter
from local.dataverse.web_api.formatted import ANNOTATION, formatted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from local.dataverse.tables.columns import Column, Table
    from local.dataverse.tables.payload import Row, Value
    from local.dataverse.tables.schema import Schema
    from local.dataverse.tables.store import Store

MAX_EXPANDS = 15
MAX_PAGE = 5000
MOST_QUERIES_KEPT = 1_000

_COLLECTION = frozenset({"$select", "$expand", "$filter", "$orderby", "$top", "$count", "$skiptoken"})
_SINGLE = frozenset({"$select", "$expand"})
_EXPAND_ITEM = re.compile(r"\s*(?P<name>[\w@.]+)\s*(?:\((?P<options>.*)\))?\s*", re.DOTALL)


@dataclass(frozen=True)
class Shape:
    """What an answer shows of a row."""

    table: Table
    columns: tuple[Column, ...]
    expands: tuple[tuple[Column, Shape], ...] = ()

    @property
    def tables(self) -> Iterator[Table]:
        """Its own and those of the rows around it."""
        yield self.table
        for _column, shape in self.expands:
            yield from shape.tables

    def count_expands(self) -> int:
        """Lookups expanded, at all depths."""
        return sum(1 + shape.count_expands() for _column, shape in self.expands)


@dataclass(frozen=True)
class Query:
    """A collection query."""

    shape: Shape
    condition: Condition | None
    order: tuple[tuple[Column, bool], ...]
    """Columns to sort by; True for descending."""
    top: int | None
    count: bool
    options: Mapping[str, str]
    """The decoded options, which a continuation is bound to."""


@dataclass(frozen=True)
class Page:
    """One page of a collection."""

    rows: list[Row]
    total: int
    continuation: str | None


def parse_shape(schema: Schema, table: Table, options: Mapping[str, str]) -> Shape:
    """The $select and $expand of a request.

    Raises:
        DataverseError: an unknown name, or more than 15 lookups expanded.
    """
    shape = _shape(schema, table, options)
    if shape.count_expands() > MAX_EXPANDS:
        raise bad_request(f"The number of expanded navigation properties exceeds the limit of {MAX_EXPANDS}.")
    return shape


def parse_single(schema: Schema, table: Table, raw_query: str) -> Shape:
    """The shape asked for of one row.

    Raises:
        DataverseError: an option that one row has not.
    """
    options = split_options(raw_query)
    allow_options(options, _SINGLE)
    return parse_shape(schema, table, options)


def parse_query(schema: Schema, table: Table, raw_query: str) -> Query:
    """A collection query, wholly understood.

    Raises:
        DataverseError: anything that is not.
    """
    asked = (table.logical_name, raw_query)
    if asked not in schema.queries:
        if len(schema.queries) >= MOST_QUERIES_KEPT:
            schema.queries.clear()
        schema.queries[asked] = _parse_query(schema, table, raw_query)
    return schema.queries[asked]


def _parse_query(schema: Schema, table: Table, raw_query: str) -> Query:
    options = split_options(raw_query)
    allow_options(options, _COLLECTION)
    aliases = {name: value for name, value in options.items() if name.startswith("@")}
    condition = parse_filter(table, options["$filter"], aliases) if "$filter" in options else None
    return Query(
        shape=parse_shape(schema, table, options),
        condition=condition,
        order=_order(table, options.get("$orderby", "")),
        top=_top(options.get("$top")),
        count=_count(options.get("$count", "false")),
        options=options,
    )


@functools.cache
def _separators(separator: str) -> re.Pattern[str]:
    return re.compile(f"[(){re.escape(separator)}]")


def split_outside(text: str, separator: str) -> list[str]:
    """Split at separators that stand outside parentheses.

    Raises:
        DataverseError: the parentheses do not match.
    """
    pieces, depth, start = [], 0, 0
    for found in _separators(separator).finditer(text):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if depth < 0:
            break
        if found[0] == separator and depth == 0:
            pieces.append(text[start : found.start()])
            start = found.end()
    if depth:
        raise bad_request(f"Unbalanced parentheses in '{text}'.")
    return [*pieces, text[start:]]


def _shape(schema: Schema, table: Table, options: Mapping[str, str]) -> Shape:
    columns = _columns(table, options["$select"]) if "$select" in options else _readable(table)
    expands = tuple(
        _expand(schema, table, item) for item in split_outside(options.get("$expand", ""), ",") if item
    )
    names = [column.navigation for column, _shape in expands]
    if len(names) != len(set(names)):
        raise bad_request("A navigation property is expanded twice.")
    return Shape(table, columns, expands)


def _columns(table: Table, text: str) -> tuple[Column, ...]:
    columns = {}
    for name in (piece.strip() for piece in text.split(",")):
        if name not in table.by_property or not table.by_property[name].readable:
            raise unknown_property(name, table.logical_name)
        columns[name] = table.by_property[name]
    return tuple(columns.values())


def _readable(table: Table) -> tuple[Column, ...]:
    return tuple(column for column in table.columns if column.readable)


def _expand(schema: Schema, table: Table, item: str) -> tuple[Column, Shape]:
    match = _EXPAND_ITEM.fullmatch(item)
    if match is None:
        raise bad_request(f"Syntax error in $expand at '{item}'.")
    column = table.by_navigation.get(match["name"])
    if column is None:
        raise unknown_property(match["name"], table.logical_name)
    options: dict[str, str] = {}
    for piece in split_outside(match["options"] or "", ";") if match["options"] else ():
        name, equals, value = piece.strip().partition("=")
        if not equals or name in options or name not in _SINGLE:
            raise bad_request(f"'{name}' can't be used in the $expand of '{column.navigation}'.")
        options[name] = value
    return column, _shape(schema, schema.table(column.target), options)


def _order(table: Table, text: str) -> tuple[tuple[Column, bool], ...]:
    order = []
    for piece in filter(None, text.split(",")):
        name, _space, direction = piece.strip().partition(" ")
        if name not in table.by_property:
            raise unknown_property(name, table.logical_name)
        if direction not in ("", "asc", "desc"):
            raise bad_request(f"Syntax error in $orderby at '{piece}'.")
        order.append((table.by_property[name], direction == "desc"))
    return tuple(order)


def _top(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdecimal() or int(text) > MAX_PAGE:
        raise bad_request(f"Invalid value '{text}' for $top.")
    return int(text)


def _count(text: str) -> bool:
    if text not in ("true", "false"):
        raise bad_request(f"Invalid value '{text}' for $count.")
    return text == "true"


class Pager:
    """Runs queries page by page; a continuation is bound to its query and can't be edited."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(16)

    def run(self, store: Store, query: Query, page_size: int, hidden: frozenset[str] = frozenset()) -> Page:
        """One page, from the start or from the query's $skiptoken.

        A page is found again by the sort values of the row before it, so rows that come or go meanwhile
        shift nothing. Rows whose ids are `hidden` are as if they were not there.

        Raises:
            DataverseError: the continuation belongs to another query or was edited.
        """
        rows = _sorted(
            query, [row for row in _matching(store, query) if row[query.shape.table.primary_id] not in hidden]
        )
        total = len(rows)
        if query.top is not None:
            return Page(rows[: query.top], total, None)
        if "$skiptoken" in query.options:
            last = self._read(query)
            rows = [row for row in rows if _compare_rows(query, row, last) > 0]
        if len(rows) <= page_size:
            return Page(rows, total, None)
        return Page(rows[:page_size], total, self._token(query, rows[page_size - 1]))

    def _token(self, query: Query, last: Row) -> str:
        names = [query.shape.table.primary_id, *(column.name for column, _down in query.order)]
        position = json.dumps({name: last.get(name) for name in names})
        signed = base64.urlsafe_b64encode(position.encode()).decode()
        return quote(f'<cookie last="{signed}" proof="{self._proof(query, signed)}" />', safe="")

    def _read(self, query: Query) -> Row:
        match = re.fullmatch(r'<cookie last="([\w=-]+)" proof="([0-9a-f]+)" />', query.options["$skiptoken"])
        if match is None or not hmac.compare_digest(match[2], self._proof(query, match[1])):
            raise bad_request("Malformed XML in the Paging Cookie: @odata.nextLink must be used as it is.")
        position: Row = json.loads(base64.urlsafe_b64decode(match[1]))
        return position

    def _proof(self, query: Query, position: str) -> str:
        options = {name: value for name, value in query.options.items() if name != "$skiptoken"}
        text = json.dumps([query.shape.table.entity_set, sorted(options.items()), position])
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()


def _matching(store: Store, query: Query) -> list[Row]:
    rows = store.rows(query.shape.table)
    if query.condition is None:
        return list(rows.values())
    candidates = rows.values()
    if query.condition.ids is not None:
        return [
            rows[key] for key in query.condition.ids if key in rows and query.condition.matches(rows[key])
        ]
    return [row for row in candidates if query.condition.matches(row)]


def _keys(query: Query) -> list[tuple[str, bool]]:
    return [*((column.name, down) for column, down in query.order), (query.shape.table.primary_id, False)]


def _sorted(query: Query, rows: list[Row]) -> list[Row]:
    for name, down in reversed(_keys(query)):
        rows.sort(key=lambda row: _sort_key(row.get(name)), reverse=down)
    return rows


def _sort_key(value: Value) -> tuple[bool, Any]:
    """An empty column comes first, texts compare without regard to case."""
    return (value is not None, value.casefold() if isinstance(value, str) else value or 0)


def _compare_rows(query: Query, left: Row, right: Row) -> int:
    for name, down in _keys(query):
        a, b = _sort_key(left.get(name)), _sort_key(right.get(name))
        if a != b:
            return -1 if (a < b) is not down else 1
    return 0


@dataclass(frozen=True)
class Rendering:
    """What rows are shown with."""

    store: Store
    schema: Schema
    annotated: bool = False
    """With what the service makes of their values."""
    hidden: frozenset[str] = frozenset()
    """Ids of rows that the application user may not read: lookups name them, and expand to nothing."""

    def row(self, shape: Shape, row: Row) -> dict[str, Any]:
        """A row as the API shows it; the key is always there, an expanded row carries no etag of its own."""
        return {"@odata.etag": etag(row), **self._columns(shape, row)}

    def _columns(self, shape: Shape, row: Row) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        for column in _with_currency(shape):
            value = row.get(column.name)
            told = self.annotated and value is not None
            if told and (text := formatted(self.schema, self.store, row, column)) is not None:
                shown[f"{column.property}@{ANNOTATION}"] = text
            shown[column.property] = _managed(column, value) if column.kind is Kind.MANAGED else value
        shown[shape.table.primary_id] = row[shape.table.primary_id]
        for column, inner in shape.expands:
            target = row.get(column.name)
            hidden = target is None or target in self.hidden
            found = None if hidden else self.store.find(inner.table, str(target))
            shown[column.navigation] = None if found is None else self._columns(inner, found)
        return shown


def _managed(column: Column, value: Value) -> dict[str, Any]:
    return {
        "Value": bool(value),
        "CanBeChanged": True,
        "ManagedPropertyLogicalName": f"{column.name}anddeletable",
    }


def _with_currency(shape: Shape) -> tuple[Column, ...]:
    """A row's currency comes along with each amount, asked for or not."""
    currency = shape.table.by_name.get("transactioncurrencyid")
    wanted = any(column.kind is Kind.MONEY for column in shape.columns)
    return (
        (*shape.columns, currency) if wanted and currency and currency not in shape.columns else shape.columns
    )


def etag(row: Row) -> str:
    """The row's version as an etag."""
    return f'W/"{row["versionnumber"]}"'
