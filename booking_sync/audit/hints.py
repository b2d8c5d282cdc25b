"""Findings → hints for the queue: one per booking, spread so that ordinary changes are not held up."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from booking_sync.audit.findings import SEARCHES, Kind
from booking_sync.domain.messages.change import BookingChange

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from booking_sync.audit.findings import Finding

HINTS_PER_SECOND = 5.0
"""A small part of what one instance works off: thousands of repairs must not hold up the day's changes."""

_ORDER = {kind: place for place, kind in enumerate(Kind)}


@dataclass(slots=True)
class _Gathered:
    """What all findings about one booking add up to."""

    uncertain: bool = False
    suspects: set[str] = field(default_factory=set)


def make_hints(
    findings: Iterable[Finding], correlation_id: str, now: datetime
) -> Iterator[tuple[BookingChange, float]]:
    """The changes to enqueue with their delays in seconds, the most urgent first.

    A hint is uncertain, so that the worker writes whatever the record says, except where the record itself
    shows that there is something to write. Suspects make the worker search a mailbox by the marker.

    Args:
        findings: the repairable ones.
        correlation_id: of this audit, for the log.
        now: aware, UTC.
    """
    gathered: dict[str, _Gathered] = {}
    for finding in sorted(findings, key=lambda each: _ORDER[each.kind]):
        hint = gathered.setdefault(finding.booking_id, _Gathered())
        hint.uncertain = hint.uncertain or finding.kind is not Kind.BEHIND
        if finding.kind in SEARCHES:
            hint.suspects.add(finding.mailbox)
    for place, (booking_id, hint) in enumerate(gathered.items()):
        delay = place / HINTS_PER_SECOND
        change = BookingChange(
            booking_id,
            correlation_id,
            # Patience is counted from when the hint is first seen, not while we hold it back ourselves.
            first_seen=now + timedelta(seconds=delay),
            uncertain=hint.uncertain,
            suspects=frozenset(hint.suspects),
        )
        yield change, delay
