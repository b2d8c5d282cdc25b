"""Which findings may be repaired, and which are too many to be true.

Borrowed from vdirsyncer: when one side suddenly looks empty, the likely cause is not that everything was
deleted but that it can't be seen. Rows vanish from every list when the application user loses read access;
events vanish when a listing leaves out what it should hold. So removals, and re-creations, beyond a share of
what was listed wait for a person who says so.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from booking_sync.audit.findings import REMOVALS, Finding, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ALWAYS_ALLOWED = 10
"""So many repairs of a kind are believed whatever their share is: small offices have large ratios."""


@dataclass(frozen=True, slots=True)
class Listed:
    """How much was listed."""

    rows: int
    """Bookings in the window."""
    events: int
    """Marked events of this organisation."""
    expected: int
    """Rows that name an event which should be among the events."""


@dataclass(frozen=True, slots=True)
class GuardDecision:
    """What may be repaired of some findings."""

    repairs: tuple[Finding, ...]
    withheld: tuple[Finding, ...]


RECREATIONS = frozenset({Kind.MISSING})
"""Kinds whose repair makes an event anew."""
GUARDED = REMOVALS | RECREATIONS
"""Kinds of which there can be too many to be true."""


def count_guarded(findings: Iterable[Finding]) -> Mapping[str, int]:
    """How many findings of each guarded kind a hint would mend."""
    return Counter(each.kind.value for each in findings if each.repairable and each.kind in GUARDED)


def weigh(
    counts: Mapping[str, int], listed: Listed, max_ratio: float
) -> tuple[frozenset[Kind], tuple[Finding, ...]]:
    """Which kinds are too many to be true, and the alarms that say so.

    Args:
        counts: of the guarded findings, by kind.
        listed: what they are a share of.
        max_ratio: greatest share that is believed, 0 to 1.
    """
    if listed.events and not listed.rows:
        return frozenset(Kind), (_no_rows(listed.events),)
    alarms: list[Finding] = []
    stopped: frozenset[Kind] = frozenset()
    for kinds, whole, words in (
        (REMOVALS, listed.events, "events would be removed, of {whole} listed"),
        (RECREATIONS, listed.expected, "events are missing, of {whole} that the rows name"),
    ):
        count = sum(counts.get(kind.value, 0) for kind in kinds)
        if count > max(ALWAYS_ALLOWED, max_ratio * whole):
            stopped |= kinds
            alarms.append(_too_many(f"{count} {words.format(whole=whole)}", max_ratio))
    return stopped, tuple(alarms)


def split(findings: Iterable[Finding], doubtful: frozenset[Kind]) -> GuardDecision:
    """The findings that may be repaired, and those that wait.

    A booking with anything to withhold gets no hint at all: a hint is about the whole booking.

    Args:
        findings: of whole bookings.
        doubtful: kinds that wait.
    """
    repairable = [finding for finding in findings if finding.repairable]
    waiting = {finding.booking_id for finding in repairable if finding.kind in doubtful}
    return GuardDecision(
        tuple(finding for finding in repairable if finding.booking_id not in waiting),
        tuple(finding for finding in repairable if finding.booking_id in waiting),
    )


_ADVICE = "Nothing of this is repaired until somebody has looked and runs the audit with force."


def _no_rows(events: int) -> Finding:
    words = f"Dataverse lists no booking in the window, but the calendars have {events} events. {_ADVICE}"
    return Finding(Kind.GUARD, words)


def _too_many(what: str, max_ratio: float) -> Finding:
    return Finding(Kind.GUARD, f"{what}: more than {max_ratio:.0%}. {_ADVICE}")
