"""The few query options that the stand-in understands; any other is refused, never passed over."""

from __future__ import annotations

import re
from dataclasses import dataclass

from local.graph.mailbox.schema import READABLE, canonical_property_id, expandable_property_id
from local.graph.messages import bad_request

READ_ONE = frozenset({"$select", "$expand"})
READ_LIST = READ_ONE | {"$filter", "$top", "$skip", "$orderby"}
READ_VIEW = (READ_LIST - {"$filter"}) | {"startDateTime", "endDateTime"}
DEFAULT_PAGE = 10
LARGEST_PAGE = 1000

_LITERAL = r"'((?:[^']|'')*)'"
_PROPERTY_FILTER = re.compile(
    r"singleValueExtendedProperties/[Aa]ny"
    rf"\(\s*(\w+)\s*:\s*\1/id eq {_LITERAL} and \1/value eq {_LITERAL}\s*\)"
)
_EXPAND_PROPERTIES = re.compile(r"singleValueExtendedProperties\(\$filter=(.+)\)")
_EXPAND_EXTENSIONS = re.compile(rf"extensions(?:\(\$filter=id eq {_LITERAL}\))?")
_ID_EQUALS = re.compile(rf"id eq {_LITERAL}")
_OUTSIDE_COMMA = re.compile(r",(?![^()]*\))")
"""A comma outside brackets; property names within them may hold any."""


@dataclass(frozen=True)
class PropertyFilter:
    """Events whose extended property equals a value, whatever the value's case."""

    identifier: str
    value: str

    def matches(self, properties: dict[str, str]) -> bool:
        """Whether an event with these extended properties passes."""
        found = properties.get(self.identifier)
        return found is not None and found.casefold() == self.value.casefold()


@dataclass(frozen=True)
class Expansion:
    """What `$expand` asks for."""

    properties: tuple[str, ...] = ()
    """Canonical ids of extended properties."""
    extensions: bool = False
    extension_name: str = ""
    """Only this extension; empty for all."""


@dataclass(frozen=True)
class ReadOptions:
    """The options of one read."""

    select: frozenset[str] | None = None
    expand: Expansion = Expansion()
    only: PropertyFilter | None = None
    top: int = DEFAULT_PAGE
    skip: int = 0
    descending: bool | None = None
    """Order by start; None leaves the listing's own order."""


def read_options(query: dict[str, str], allowed: frozenset[str] = frozenset()) -> ReadOptions:
    """Check and read the query of one request.

    Raises:
        GraphError: 400 for an option that isn't allowed here, or that says what isn't understood.
    """
    for name in query:
        if name not in allowed:
            raise bad_request(f"The query option '{name}' is not supported here.")
    return ReadOptions(
        select=_read_select(query["$select"]) if "$select" in query else None,
        expand=_read_expand(query["$expand"]) if "$expand" in query else Expansion(),
        only=_read_filter(query["$filter"]) if "$filter" in query else None,
        top=_read_count(query, "$top", 1, LARGEST_PAGE, DEFAULT_PAGE),
        skip=_read_count(query, "$skip", 0, 2**31 - 1, 0),
        descending=_read_order(query["$orderby"]) if "$orderby" in query else None,
    )


def _read_select(value: str) -> frozenset[str]:
    names = frozenset(name.strip() for name in value.split(","))
    for name in names:
        if name not in READABLE:
            raise bad_request(
                "Parsing OData Select and Expand failed: Could not find a property named "
                f"'{name}' on type 'microsoft.graph.event'."
            )
    return names


def _read_expand(value: str) -> Expansion:
    properties: tuple[str, ...] = ()
    extensions, name = False, ""
    for part in _OUTSIDE_COMMA.split(value):
        if found := _EXPAND_PROPERTIES.fullmatch(part.strip()):
            properties = _read_property_ids(found[1])
        elif found := _EXPAND_EXTENSIONS.fullmatch(part.strip()):
            extensions, name = True, _unquote(found[1] or "")
        else:
            raise bad_request(f"Parsing OData Select and Expand failed: '{part.strip()}'.")
    return Expansion(properties, extensions, name)


def _read_property_ids(condition: str) -> tuple[str, ...]:
    identifiers = []
    for part in condition.split(" or "):
        found = _ID_EQUALS.fullmatch(part.strip())
        if not found:
            raise bad_request(f"Invalid filter clause: '{condition}'.")
        identifiers.append(expandable_property_id(_unquote(found[1])))
    return tuple(identifiers)


def _read_filter(value: str) -> PropertyFilter:
    found = _PROPERTY_FILTER.fullmatch(value.strip())
    if not found:
        raise bad_request(f"Invalid filter clause: '{value}'.", "ErrorInvalidUrlQueryFilter")
    return PropertyFilter(canonical_property_id(_unquote(found[2])), _unquote(found[3]))


def _read_order(value: str) -> bool:
    order = {"start/dateTime": False, "start/dateTime asc": False, "start/dateTime desc": True}
    if value not in order:
        raise bad_request(f"The stand-in can't order by '{value}'.")
    return order[value]


def _read_count(query: dict[str, str], name: str, low: int, high: int, default: int) -> int:
    if name not in query:
        return default
    value = query[name]
    if not re.fullmatch(r"\d{1,10}", value) or not low <= int(value) <= high:
        raise bad_request(f"'{value}' is no value for '{name}' ({low} to {high}).")
    return int(value)


def _unquote(literal: str) -> str:
    return literal.replace("''", "'")
