"""Event ids as long and as awkward as real ones: case-sensitive, with `-`, `_` and `=`."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from local.graph.config import LookalikeIds

IMMUTABLE_PREFIX = "AAkALgAAAAAAHYQDEapmEc2byACqAC-EWg0A"
MUTABLE_PREFIX = "AAMkAGUzY2M5Ojk1LWZiMmUtNGVkNS04-TI1"
CALENDAR_PREFIX = "AAMkAGUzY2M5Ojk1LWZiMmUtNGVkNS04-TI2"
SUFFIX = "_AA="
WELL_FORMED = re.compile(r"AA[A-Za-z0-9_-]{6,}=*")
_OCCURRENCE = re.compile(r"(.+)(\d{4})(\d\d)(\d\d)=")


def new_immutable_id() -> str:
    """An id that stays when the event is moved."""
    return _new_id(IMMUTABLE_PREFIX)


def new_mutable_id() -> str:
    """An id that a move replaces."""
    return _new_id(MUTABLE_PREFIX)


def new_calendar_id() -> str:
    """The id of a calendar, which never changes."""
    return _new_id(CALENDAR_PREFIX)


def new_change_key() -> str:
    """The version tag of an event."""
    return secrets.token_urlsafe(18)


def new_ical_uid() -> str:
    """A global object id in the form that Exchange itself writes."""
    return "040000008200E00074C5B7101A82E00800000000" + secrets.token_hex(28).upper()


def occurrence_id(master_id: str, day: date) -> str:
    """The id of a series' occurrence."""
    return f"{master_id.removesuffix('=')}{day:%Y%m%d}="


def split_occurrence_id(identifier: str) -> tuple[str, str] | None:
    """The master's id and the date (`2026-03-02`) of an occurrence's id; None for ids of another form."""
    found = _OCCURRENCE.fullmatch(identifier)
    return (found[1] + "=", f"{found[2]}-{found[3]}-{found[4]}") if found else None


class LookalikeMaker:
    """Makes ids that differ from each other in nothing but the case of letters, or in `-` and `_`."""

    def __init__(self) -> None:
        self._stem = re.sub(r"[^A-Za-z]", "x", secrets.token_urlsafe(84)).lower()
        self._made = 0

    def next(self, how: LookalikeIds) -> str:
        """The next immutable id."""
        self._made += 1
        bits = [self._made >> place & 1 for place in range(24)]
        if how == "dashes":
            varied = "".join("_" if bit else "-" for bit in bits) + self._stem[24:]
        else:
            varied = "".join(
                letter.upper() if bit else letter for letter, bit in zip(self._stem, bits, strict=False)
            )
            varied += self._stem[24:]
        return IMMUTABLE_PREFIX + varied + SUFFIX


def _new_id(prefix: str) -> str:
    return prefix + secrets.token_urlsafe(84) + SUFFIX
