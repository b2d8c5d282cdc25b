"""The two wires of a contender, so that the same code runs on sockets and in virtual time.

Graph is an `httpx.AsyncClient`, which both the Graph SDK and plain calls can use; Dataverse is one awaitable
call. Contenders wait by `asyncio.sleep` alone, so that a loop with a virtual clock can leap over it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

API_PATH = "/api/data/v9.2/"
BOOKINGS = "bookableresourcebookings"

Answered = tuple[int, "Mapping[str, str]", bytes]
"""Status, headers, body."""


class Exchange(Protocol):
    """Dataverse's Web API."""

    async def __call__(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> Answered:
        """One request, sent with the app's token; the answer whatever its status."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of either service."""

    status: int
    headers: Mapping[str, str]
    """By lower-case name."""
    content: bytes

    @property
    def succeeded(self) -> bool:
        """Whether the service did what was asked."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def retry_after(self) -> float | None:
        """Seconds that the service asks to wait, which may be a fraction; None when it does not say."""
        text = self.headers.get("retry-after", "")
        try:
            return max(0.0, float(text))
        except ValueError:
            return None

    def json(self) -> dict[str, Any]:
        """The body as an object; an empty one for no content."""
        body: dict[str, Any] = json.loads(self.content) if self.content else {}
        return body


def reply_of(answered: Answered) -> Reply:
    """An answer of the Dataverse seam."""
    status, headers, content = answered
    return Reply(status, {name.lower(): value for name, value in headers.items()}, content)


def json_bytes(body: Mapping[str, Any] | None) -> bytes | None:
    """A request's JSON body; None for none."""
    return None if body is None else json.dumps(body).encode()
