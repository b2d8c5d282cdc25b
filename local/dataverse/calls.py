"""One operation and its answer, whoever asks: a request, a part of a batch, or the control plane."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from local.dataverse.errors import bad_request, not_implemented

if TYPE_CHECKING:
    from collections.abc import Mapping

_PREFERENCE = re.compile(r"""([\w.\-]+)(?:\s*=\s*("[^"]*"|[^,;\s]+))?""")
_KNOWN = frozenset(
    {"$select", "$expand", "$filter", "$orderby", "$top", "$count", "$skiptoken", "$apply", "$search"}
    | {"$compute", "$format", "$levels", "$deltatoken", "$schemaversion"}
)


@dataclass(frozen=True)
class Call:
    """An operation to carry out."""

    method: str
    path: str
    """Decoded, relative to the service root."""
    raw_query: str
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes
    base_url: str
    """Own `https://host:port`."""
    user_id: str
    """The systemuser that acts."""
    correlation_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def tag(self) -> str | None:
        """The `?tag=` of a write."""
        return split_options(self.raw_query).get("tag")


@dataclass(frozen=True)
class Answer:
    """What the operation led to."""

    status: int
    body: Any = None
    """JSON, or None for no content."""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Identity:
    """Who the organisation and its users are, as WhoAmI and webhooks name them (guids)."""

    organization_id: str
    business_unit_id: str
    app_user_id: str
    dispatcher_id: str
    application_id: str = ""
    """Of the app registration behind our application user; empty: nobody asks for it."""


def preferences(headers: Mapping[str, str]) -> dict[str, str]:
    """The `Prefer` header as names and unquoted values; a preference without a value is an empty text."""
    found = _PREFERENCE.findall(headers.get("prefer", ""))
    return {name.lower(): value.strip('"') for name, value in found}


def split_options(raw_query: str) -> dict[str, str]:
    """The decoded options of a raw query string.

    Raises:
        DataverseError: an option without a value or given twice.
    """
    options: dict[str, str] = {}
    for piece in filter(None, raw_query.split("&")):
        name, equals, value = piece.partition("=")
        name = unquote_plus(name)
        if not equals or name in options:
            raise bad_request(f"Query option '{name}' is given twice or has no value.")
        options[name] = unquote_plus(value)
    return options


def allow_options(options: Mapping[str, str], allowed: frozenset[str]) -> None:
    """Refuse every option that would be ignored otherwise; parameter aliases and `tag` pass.

    Raises:
        DataverseError: 501 for OData options the stand-in lacks, 400 for all others.
    """
    for name in options:
        if name in allowed or name.startswith("@"):
            continue
        if name == "$skip":
            raise bad_request("Skip Clause is not supported in CRM")
        if name in _KNOWN:
            raise not_implemented(f"the query option {name} here")
        raise bad_request(f"The query parameter {name} is not supported.")
