"""One request to Graph and its answer, as plain values without SDK types."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from booking_sync.errors import SyncError

MAX_BATCH_ITEMS = 20
"""Graph documents at most 20 requests per $batch."""


@dataclass(frozen=True, slots=True)
class GraphRequest:
    """One item of a batch."""

    mailbox: str
    """Lower-case id of the mailbox's user: Graph counts its limits by app and mailbox."""
    method: str
    url: str
    """Relative to the service version: `/users/…`."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    """JSON value; None for none."""
    can_wait: bool = False
    """Nobody sees what it does: others of its mailbox go first."""

    @property
    def writes(self) -> bool:
        """Whether it may change something; after a lost answer nobody knows whether it did."""
        return self.method != "GET"


@dataclass(frozen=True, slots=True)
class Answer:
    """What Graph answered to one item, or to a whole batch."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    body: Any = None
    """JSON value; None for an empty or unreadable body."""


@dataclass(frozen=True, slots=True)
class BatchResult:
    """How a batch ended."""

    results: tuple[Answer | SyncError, ...]
    """One per request, in the requests' order."""
    pause: float | None = None
    """Seconds for which Graph asked the whole app to stay away."""
    silent: bool = False
    """No answer came in time, be it for one of the requests or for all."""
