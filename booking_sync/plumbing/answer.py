"""What an HTTP function answers, without the Functions library."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """What the HTTP trigger answers."""

    status: int
    payload: dict[str, Any]
    """JSON-ready."""
    headers: dict[str, str] = field(default_factory=dict)
