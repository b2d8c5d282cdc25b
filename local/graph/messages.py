"""One request and one answer, the same for a direct call and for an item of a batch."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

MISSING: Any = object()
"""The body of a request that has none; `null` is a body."""
_WHITE_SPACE = re.compile(r"\s")


class GraphError(Exception):
    """An answer that refuses: status, Graph's error code and message, and what else it carries."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        headers: dict[str, str] | None = None,
        extra: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}
        self.extra = extra or {}

    def answer(self) -> GraphAnswer:
        """The error in the JSON form that Graph documents."""
        error = {"code": self.code, "message": self.message, **self.extra}
        return GraphAnswer(self.status, {"error": error}, dict(self.headers))


def bad_request(message: str, code: str = "BadRequest") -> GraphError:
    """A 400 with this message."""
    return GraphError(400, code, message)


@dataclass(frozen=True)
class GraphAnswer:
    """What goes back; `body` None means none (as with 204)."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class GraphRequest:
    """One request below `/v1.0`."""

    method: str
    url: str
    """As sent, below `/v1.0`, with its query."""
    path: str
    """As sent, still percent-encoded, such as `/users/7/events`."""
    segments: tuple[str, ...]
    """The path's parts, decoded."""
    query: dict[str, str]
    headers: dict[str, str]
    """Names in lower case."""
    body: Any = MISSING
    base_url: str = ""
    """Scheme and host the client called; next links start with it."""

    def header(self, name: str) -> str:
        """A header's value, empty when it wasn't sent."""
        return self.headers.get(name.lower(), "")


def build_request(
    method: str, url: str, headers: dict[str, str], body: Any = MISSING, base_url: str = ""
) -> GraphRequest:
    """Take apart a URL relative to `/v1.0`.

    Raises:
        GraphError: 400 for white space, a malformed query or an option given twice.
    """
    if _WHITE_SPACE.search(url):
        raise bad_request("The URL holds white space that is not percent-encoded.")
    parts = urlsplit(url)
    try:
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise bad_request("The query string is malformed.") from None
    query = dict(pairs)
    if len(query) != len(pairs):
        raise bad_request("Query options must be specified at most once.")
    return GraphRequest(
        method=method,
        url=url,
        path=parts.path,
        segments=tuple(unquote(part) for part in parts.path.removeprefix("/").split("/")),
        query=query,
        headers={name.lower(): value for name, value in headers.items()},
        body=body,
        base_url=base_url,
    )


def json_body(request: GraphRequest) -> Any:
    """The body of a request that must have one.

    Raises:
        GraphError: 400 when it is missing or not declared as JSON.
    """
    if request.body is MISSING:
        raise bad_request("Empty Payload. JSON content expected.")
    kind = request.header("Content-Type").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise bad_request("Entity only allows writes with a JSON Content-Type header.")
    return request.body
