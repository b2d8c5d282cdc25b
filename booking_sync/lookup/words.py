"""Reads what somebody typed for a booking or a technician. Pure."""

from __future__ import annotations

from booking_sync.domain.text import clean_line
from booking_sync.ports.dataverse.lookup import MAX_WORDS

MIN_WORDS = 2


def read_words(text: str) -> str:
    """The words to search by: on one line, without what can't be seen.

    Raises:
        ValueError: nothing, or too little to search by; in words for whoever typed it.
    """
    words = clean_line(text, MAX_WORDS)
    if len(words) < MIN_WORDS:
        raise ValueError(f"type at least {MIN_WORDS} characters of a name or a number")
    return words
