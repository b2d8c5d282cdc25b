"""What an HTTP function answers, as a value: use cases know nothing of the Functions library."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """The answer to one HTTP request to the app."""

    status: int
    payload: dict[str, Any]
    """JSON-ready."""
    headers: dict[str, str] = field(default_factory=dict)
