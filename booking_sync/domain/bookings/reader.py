"""Who reads an event: the language and the zone that a person has chosen in Outlook.

The webhook reads the event file, which names these, so nothing here imports zones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

ReaderPart = Literal["language", "zone"]
READER_PARTS: tuple[ReaderPart, ...] = get_args(ReaderPart)
"""What events may take from their readers."""


@dataclass(frozen=True, slots=True)
class Reader:
    """What is known of a person's settings."""

    language: str = ""
    """A tag as `words.read_tag` has it; empty where the mailbox tells none."""
    zone: str = ""
    """As the mailbox names it: by an IANA or a Windows name, or by one that nobody else knows."""


NOBODY = Reader()
"""Whose settings can't be read, or are empty."""
