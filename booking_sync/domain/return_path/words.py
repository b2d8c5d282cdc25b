"""What a row tells people of the last change from Outlook.

Each begins with the day, UTC, and a kind: views filter by it, and what happened on a day is counted by it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from booking_sync.domain.return_path.times import Times


class Told(StrEnum):
    """What became of a change."""

    MOVED = "moved"
    PROPOSED = "proposed"
    PUT_BACK = "put back"
    OVERRULED = "overruled"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    CANCELLED = "cancelled"
    WITHHELD = "withheld"


def beginning(day: date, kind: Told) -> str:
    """How the words of this day and kind begin."""
    return f"{day:%Y-%m-%d} {kind}:"


def tells(text: str, kind: Told) -> bool:
    """Whether a row's words are of this kind, of whatever day."""
    return text[len("2026-03-01") :].startswith(f" {kind}:")


def words(day: date, kind: Told, what: str, reason: str = "") -> str:
    """One line for people.

    Args:
        day: when it happened, UTC.
        kind: what became of it.
        what: what was wanted, in words.
        reason: why it was not simply done; empty where there is none.
    """
    return f"{beginning(day, kind)} {what}{f': {reason}' if reason else ''}."


def when(times: Times) -> str:
    """Times in words, UTC."""
    day = times.start.date() == times.end.date()
    return f"{times.start:%Y-%m-%d %H:%M} to {times.end:{'%H:%M' if day else '%Y-%m-%d %H:%M'}} UTC"
