"""A request and an answer as plain values, so that a stand-in can be asked with or without sockets.

Served over TLS, a stand-in translates between these and aiohttp; the benchmarks' simulated world hands them
over in process. Either way the code behind is the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.standin.faults import Fault


@dataclass(frozen=True)
class HttpRequest:
    """One request as it arrived."""

    method: str
    target: str
    """Path with its query, as sent."""
    headers: Mapping[str, str]
    """Names in lower case; what came several times is joined by commas."""
    body: bytes
    origin: str
    """Scheme and host that the client called."""
    items: list[dict[str, Any]] = field(default_factory=list)
    """Gets method, path and status of each item of a batch that is executed."""


@dataclass(frozen=True)
class HttpAnswer:
    """What goes back."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class DroppedConnectionError(Exception):
    """The fault script has the connection closed in the midst of the work."""

    def __init__(self, fault: Fault) -> None:
        super().__init__("dropped by the fault script")
        self.fault = fault


async def read_request(request: web.Request, items: list[dict[str, Any]]) -> HttpRequest:
    """What came over a socket.

    Args:
        request: as aiohttp has it.
        items: where the items of a batch are noted.
    """
    return HttpRequest(
        method=request.method,
        target=request.raw_path,
        headers={name.lower(): ", ".join(request.headers.getall(name)) for name in request.headers},
        body=await request.read(),
        origin=f"{request.scheme}://{request.host}",
        items=items,
    )


def write_answer(answer: HttpAnswer) -> web.Response:
    """What goes out over a socket."""
    return web.Response(status=answer.status, headers=answer.headers, body=answer.body or None)
