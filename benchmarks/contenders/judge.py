"""Whether what a contender left in the calendars is right, by the local stack's own verdict.

The verdict knows events by booking_sync's marker, which no other contender sets. So theirs are known by the
open extension that the return path needs, or else by the row that names them, or by their looks.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from local.day.verdict import Kind, compare

if TYPE_CHECKING:
    from datetime import datetime

    from local.day.verdict import EventFact, Facts


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
    events = _told_apart(facts)
    kinds: dict[str, set[Kind]] = {}
    for difference in compare(replace(facts, events=events)):
        kinds.setdefault(difference.about, set()).add(difference.kind)
    counts = Counter(_worst(found) for found in kinds.values())
    return Judgement(counts[Kind.MISSING], counts[Kind.DOUBLED], sum(counts.values()) - _plain(counts))


def _told_apart(facts: Facts) -> list[EventFact]:
    """The events with the bookings that they show.

    One that carries no mark, and that no row names, is the twin of the event beside it that shows the same.
    """
    recorded = {(each.recorded_mailbox, each.recorded_event): each.id for each in facts.bookings}
    known = [
        replace(each, booking_id=each.booking_id or each.tag or recorded.get((each.mailbox, each.id), ""))
        for each in facts.events
    ]
    shown = {_look(each): each.booking_id for each in known if each.booking_id}
    return [
        each if each.booking_id else replace(each, booking_id=shown.get(_look(each), "")) for each in known
    ]


def _look(event: EventFact) -> tuple[str, str, datetime]:
    return event.mailbox, event.subject, event.start


def _worst(kinds: set[Kind]) -> Kind:
    """One booking counts once."""
    for kind in (Kind.DOUBLED, Kind.MISSING):
        if kind in kinds:
            return kind
    return min(kinds)


def _plain(counts: Counter[Kind]) -> int:
    return counts[Kind.MISSING] + counts[Kind.DOUBLED]
