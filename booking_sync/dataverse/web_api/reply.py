"""One answer of the Web API, whether it came alone or as a part of a batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from booking_sync.errors import TransientError
from booking_sync.plumbing.json_text import read_json

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, headers (names in lower case) and body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether the status says success."""
        return 200 <= self.status < 300  # noqa: PLR2004 - the class of successes in HTTP

    def json_object(self) -> dict[str, Any]:
        """The body as a JSON object.

        Raises:
            TransientError: it is none, or OData broke off inside it: such an answer says nothing.
        """
        try:
            document = read_json(self.body)
        except ValueError:
            document = None
        # OData reports an error that strikes while rows are being sent inside the answer that began with 200.
        if not isinstance(document, dict) or "error" in document:
            raise TransientError("Dynamics 365: an answer was incomplete.")
        return document
