"""A booking's or an event's start and end, and when two of them are the same."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

_CLOSER: Final = timedelta(minutes=1)
"""Dataverse keeps seconds, the board plans in minutes, and what Exchange makes of our times is no move."""
_FORM: Final = "%Y%m%dT%H%M%SZ"
_MOMENT: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z")


@dataclass(frozen=True, slots=True)
class Times:
    """Both moments are aware; which zone they are in makes no difference.

    Raises:
        ValueError: one has no zone.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("both times must be aware")

    def same_as(self, other: Times) -> bool:
        """Whether both begin and end within less than a minute of each other, as instants."""
        return abs(self.start - other.start) < _CLOSER and abs(self.end - other.end) < _CLOSER

    @property
    def length(self) -> timedelta:
        """From start to end."""
        return self.end - self.start


def format_times(times: Times) -> str:
    """As stamps and bases hold them: UTC, whole seconds, `<start>/<end>`."""
    return "/".join(moment.astimezone(UTC).strftime(_FORM) for moment in (times.start, times.end))


def read_times(text: str) -> Times | None:
    """What `format_times` wrote; None when it is nothing of the kind."""
    parts = text.split("/")
    if len(parts) != 2 or not all(_MOMENT.fullmatch(part) for part in parts):  # noqa: PLR2004 - start and end
        return None
    try:
        start, end = (datetime.strptime(part, _FORM).replace(tzinfo=UTC) for part in parts)
    except ValueError:  # the thirteenth month
        return None
    return Times(start, end)
