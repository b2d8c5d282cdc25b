"""Which calendar of a mailbox shows our events: the main one, or one of its own that is found by its name.

A row's record tells in which calendar its event was written, as the last part of its fingerprint: `@` and a
hash of the calendar's name. The main calendar has no such part, so that nothing changes for whoever names
none. An event in another calendar than the settings say is removed and made anew where it belongs: Graph has
no way to move one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

MAIN: Final = ""
"""The name that stands for a mailbox's main calendar."""
MAX_NAME: Final = 255
"""Characters of a calendar's name; more than anybody reads in Outlook's list."""

_MARK = "@"
_BYTES = 4


@dataclass(frozen=True, slots=True)
class EventCalendars:
    """The calendars of each mailbox that may hold our events."""

    current: str = MAIN
    """Where events are made."""
    former: tuple[str, ...] = ()
    """Others in which events were made earlier: they are looked for there as well."""

    @property
    def named(self) -> tuple[str, ...]:
        """All but the main one, each once, the current one first."""
        found: dict[str, str] = {}
        for name in filter(None, (self.current, *self.former)):
            found.setdefault(name.casefold(), name)
        return tuple(found.values())

    @property
    def only_main(self) -> bool:
        """Whether nothing but the main calendar ever held events."""
        return not self.named


MAIN_ONLY: Final = EventCalendars()


def is_same_calendar(name: str, other: str) -> bool:
    """Whether two names mean the same calendar; the case of letters does not tell them apart."""
    return name.casefold() == other.casefold()


def calendar_part(name: str) -> str:
    """What a fingerprint ends in for an event in this calendar; empty for the main one."""
    if not name:
        return ""
    return _MARK + hashlib.blake2b(name.casefold().encode(), digest_size=_BYTES).hexdigest()


def split_calendar(fingerprint: str) -> tuple[str, str]:
    """A fingerprint without and only with the part that tells the calendar; either may be empty."""
    content, mark, rest = fingerprint.partition(_MARK)
    return content, mark + rest
