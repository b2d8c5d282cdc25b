"""Whether what a contender left in the calendars is right, by the local stack's own verdict.

The verdict knows events by booking_sync's marker, which no other contender sets. So theirs are known by the
open extension that the return path needs, or else by the row that names them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from local.day.verdict import Kind, compare

if TYPE_CHECKING:
    from local.day.verdict import Facts


@dataclass(frozen=True, slots=True)
class Judgement:
    """How many bookings and events are not as they should be."""

    missing: int
    doubled: int
    wrong: int
    """Any other way: stale, misplaced, left over, unknown or wrongly recorded, or given up."""

    @property
    def faultless(self) -> bool:
        """Exactly one right event for every booking that should show, and no other."""
        return not (self.missing or self.doubled or self.wrong)

    def text(self) -> str:
        """For a table's cell."""
        if self.faultless:
            return "none"
        return f"{self.missing} missing, {self.doubled} doubled, {self.wrong} otherwise"


def judge(facts: Facts) -> Judgement:
    """Compare calendars with bookings at a quiet moment."""
    recorded = {(booking.recorded_mailbox, booking.recorded_event): booking.id for booking in facts.bookings}
    events = [
        replace(
            event,
            booking_id=event.booking_id or event.tag or recorded.get((event.mailbox, event.id), ""),
        )
        for event in facts.events
    ]
    kinds: dict[str, set[Kind]] = {}
    for difference in compare(replace(facts, events=events)):
        kinds.setdefault(difference.about, set()).add(difference.kind)
    counts = Counter(_worst(found) for found in kinds.values())
    return Judgement(counts[Kind.MISSING], counts[Kind.DOUBLED], sum(counts.values()) - _plain(counts))


def _worst(kinds: set[Kind]) -> Kind:
    """One booking counts once."""
    for kind in (Kind.DOUBLED, Kind.MISSING):
        if kind in kinds:
            return kind
    return min(kinds)


def _plain(counts: Counter[Kind]) -> int:
    return counts[Kind.MISSING] + counts[Kind.DOUBLED]
