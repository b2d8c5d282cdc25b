"""What an HTTP function answers, as a value: use cases know nothing of the Functions library."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

NOT_STORED: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
"""Headers of what operators are answered."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """The answer to one HTTP request to the app."""

    status: int
    payload: dict[str, Any]
    """JSON-ready."""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TextAnswer:
    """The answer to a request that wants plain text."""

    status: int
    text: str
    headers: dict[str, str] = field(default_factory=dict)
