"""Answers of a gateway, a proxy or a half-dead front end: whatever they say, they are nobody's verdict."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Pick = Callable[[Sequence[str]], str]

STRANGE = "strange"
"""What faults of this kind are called."""
STATUSES = ("400", "403", "404", "405", "410", "502")
BODIES: dict[str, Any] = {
    "empty": None,
    "html": "<html><body>The page you are looking for has moved.</body></html>",
    "null code": {"error": {"code": None, "message": None}},
    "unknown code": {"error": {"code": "GatewayPolicyViolation", "message": "blocked"}},
}


def strange(pick: Pick) -> tuple[int, str, Any]:
    """A status, a word for the accounts, and a body: JSON, text or nothing."""
    status, kind = pick(STATUSES), pick(tuple(BODIES))
    return int(status), f"{status} {kind}", BODIES[kind]


def as_bytes(body: Any) -> bytes:
    """A body on the wire."""
    if body is None:
        return b""
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()
