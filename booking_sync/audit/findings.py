"""What an audit can find: one finding per thing that is not as it should be, with words for people."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What is wrong; the order is the order of repair."""

    MISSING = "missing"
    """The row names an event that should show within the window, but the calendar does not have it there."""
    UNRECORDED = "unrecorded"
    """The booking's own event is there, but its row does not name it: somebody died before recording."""
    BEHIND = "behind"
    """The row's record is not what the booking asks for: a lost webhook, a renamed account or status."""
    DRIFT = "drift"
    """The event was moved or edited in Outlook."""
    FAILING = "failing"
    """The row carries an error."""
    DUPLICATE = "duplicate"
    """One more event of ours for a booking whose row names another."""
    ORPHAN = "orphan"
    """An event of ours whose booking is gone, unwanted, or belongs to another calendar."""
    LEFT = "left"
    """An event of ours whose bookable resource was taken out, on its own row."""
    COPY = "copy"
    """A marker and nothing that proves the event ours, as on a user's own copy; never touched."""
    FOREIGN = "foreign"
    """A marker of another organisation, or an unreadable one; never touched."""
    HIDDEN = "hidden"
    """The event's booking exists, but our application user may not read it; never touched."""
    UNREADABLE = "unreadable"
    """A mailbox or a row that could not be read; nothing is concluded about it."""
    GUARD = "guard"
    """Repairs that were withheld because they are too many to be true."""


REMOVALS = frozenset({Kind.ORPHAN, Kind.DUPLICATE})
"""Kinds whose repair takes an event out of a calendar, where a bad read may be the cause."""

SEARCHES = REMOVALS | {Kind.LEFT, Kind.UNRECORDED, Kind.MISSING}
"""Kinds whose repair has to look for the event by its marker: no row names it, or it shows nowhere."""

ABOUT_EVENTS = REMOVALS | {Kind.LEFT, Kind.UNRECORDED, Kind.DRIFT, Kind.COPY, Kind.FOREIGN, Kind.HIDDEN}
"""Kinds that are about an event which was seen; the others are about a row or a mailbox."""

REPAIRABLE = SEARCHES | {Kind.BEHIND, Kind.DRIFT, Kind.FAILING}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be. Ids only; the words hold nothing that a person wrote."""

    kind: Kind
    words: str
    booking_id: str = ""
    mailbox: str = ""
    """Where it was found; empty when no one mailbox is concerned."""
    event_id: str = ""
    retry: bool = True
    """Whether a hint can help; counts for repairable kinds only."""

    @property
    def repairable(self) -> bool:
        """Whether a hint is worth its while."""
        return self.retry and self.kind in REPAIRABLE
