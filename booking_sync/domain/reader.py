"""Who reads an event: the language and the zone that a person has chosen in Outlook."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, get_args

from booking_sync.domain.zones import UnknownZoneError, event_zone

if TYPE_CHECKING:
    from booking_sync.domain.zones import EventZone

ReaderPart = Literal["language", "zone"]
READER_PARTS: tuple[ReaderPart, ...] = get_args(ReaderPart)
"""What events may take from their readers."""
MAX_ZONE_NAME = 100
"""Characters; the longest name of IANA's or Microsoft's has some 40."""


@dataclass(frozen=True, slots=True)
class Reader:
    """What is known of a person's settings."""

    language: str = ""
    """A tag as `words.read_tag` has it; empty where the mailbox tells none."""
    zone: str = ""
    """As the mailbox names it: by an IANA or a Windows name, or by one that nobody else knows."""


NOBODY = Reader()
"""Whose settings can't be read, or are empty."""


@lru_cache(maxsize=1_000)
def zone_of(name: str) -> EventZone | None:
    """The zone with this name; None for a name that is no zone's, such as one that somebody made up."""
    if not name or len(name) > MAX_ZONE_NAME:
        return None
    try:
        return event_zone(name)
    except UnknownZoneError:
        return None
