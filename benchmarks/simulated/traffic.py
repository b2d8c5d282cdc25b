"""The way to a simulated service: what travels on it is counted, and takes its time."""

from __future__ import annotations

from dataclasses import dataclass, fields
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol

from local.standin.http import HttpAnswer, HttpRequest
from local.standin.virtual_time import virtual_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractAsyncContextManager

_HEADER_EXTRA = len(": \r\n")


@dataclass(slots=True)
class Traffic:
    """What one service saw since `clear`."""

    requests: int = 0
    """A batch is one."""
    batch_items: int = 0
    throttled: int = 0
    """Answers 429, of requests and of batch items."""
    refused: int = 0
    """Answers from 400 on, 429 included, of requests and of batch items."""
    bytes_up: int = 0
    """Request lines' targets, headers and bodies, without TLS."""
    bytes_down: int = 0
    most_at_once: int = 0
    """Requests on their way or in work at a time."""
    last_event: float = 0.0
    """Virtual time of the last answer that told of a written event, its extension left out."""

    def clear(self) -> None:
        """Start counting anew."""
        for each in fields(self):
            setattr(self, each.name, 0)

    def note(self, request: HttpRequest, answer: HttpAnswer) -> None:
        """Count a request and its answer."""
        self.requests += 1
        self.batch_items += len(request.items)
        statuses = [answer.status, *(int(item["status"]) for item in request.items)]
        self.throttled += statuses.count(HTTPStatus.TOO_MANY_REQUESTS)
        self.refused += sum(status >= HTTPStatus.BAD_REQUEST for status in statuses)
        self.bytes_up += len(request.target) + _size(request.headers) + len(request.body)
        self.bytes_down += _size(answer.headers) + len(answer.body)
        if any(_writes_event(item) for item in request.items):
            self.last_event = virtual_seconds()


class Service(Protocol):
    """What `local.standin.StandIn` and its kinds are to this module."""

    def way(self) -> AbstractAsyncContextManager[None]:
        """Half the round trip before, half after."""

    async def answer(self, request: HttpRequest) -> HttpAnswer:
        """Serve a request."""


class Link:
    """Carries requests to a stand-in in the same process, and counts them.

    Args:
        service: the stand-in; it also says how long the way is.
        origin: scheme and host at which it is called.
    """

    def __init__(self, service: Service, origin: str) -> None:
        self._service = service
        self._origin = origin
        self._under_way = 0
        self.traffic = Traffic()

    async def exchange(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes = b""
    ) -> HttpAnswer:
        """Send a request and wait for its answer, whatever its status.

        Args:
            method: of HTTP.
            target: path and query as sent, or the whole URL.
            headers: names in any case.
            body: empty for none.
        """
        request = HttpRequest(
            method,
            target.removeprefix(self._origin),
            {name.lower(): value for name, value in headers.items()},
            body,
            self._origin,
        )
        self._under_way += 1
        self.traffic.most_at_once = max(self.traffic.most_at_once, self._under_way)
        try:
            async with self._service.way():
                answer = await self._service.answer(request)
        finally:
            self._under_way -= 1
        self.traffic.note(request, answer)
        return answer


def _size(headers: Mapping[str, str]) -> int:
    return sum(len(name) + len(value) + _HEADER_EXTRA for name, value in headers.items())


def _writes_event(item: Mapping[str, Any]) -> bool:
    path = str(item.get("path", ""))
    return item.get("method") != "GET" and "/events" in path and "/extensions" not in path
