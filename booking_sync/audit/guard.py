"""Which findings may be repaired, and which are too many to be true.

Borrowed from vdirsyncer: when one side suddenly looks empty, the likely cause is not that everything was
deleted but that it can't be seen. Rows vanish from every list when the application user loses read access;
events vanish when a listing leaves out what it should hold. So removals, and re-creations, beyond a share of
what was listed wait for a person who says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from booking_sync.audit.findings import REMOVALS, Finding, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    """What the guard decided."""

    repairs: tuple[Finding, ...]
    withheld: tuple[Finding, ...]
    alarms: tuple[Finding, ...]
    """One of kind `guard` for each reason to withhold something."""


def judge(findings: Sequence[Finding], listed: Listed, max_ratio: float, *, force: bool) -> GuardDecision:
    """Decide what may be repaired.

    Args:
        findings: all that was found.
        listed: what they are a share of.
        max_ratio: greatest share that is believed, 0 to 1.
        force: a person has looked and said yes.
    """
    repairable = [finding for finding in findings if finding.repairable]
    if force:
        return GuardDecision(tuple(repairable), (), ())
    if listed.events and not listed.rows:
        return GuardDecision((), tuple(repairable), (_no_rows(listed.events),))
    alarms: list[Finding] = []
    stopped: set[Kind] = set()
    for kinds, whole, words in (
        (REMOVALS, listed.events, "events would be removed, of {whole} listed"),
        ({Kind.MISSING}, listed.expected, "events are missing, of {whole} that the rows name"),
    ):
        count = sum(finding.kind in kinds for finding in repairable)
        if count > max(ALWAYS_ALLOWED, max_ratio * whole):
            stopped |= kinds
            alarms.append(_too_many(f"{count} {words.format(whole=whole)}", max_ratio))
    doubtful = {finding.booking_id for finding in repairable if finding.kind in stopped}
    # A booking with anything to withhold gets no hint at all: a hint is about the whole booking.
    return GuardDecision(
        tuple(finding for finding in repairable if finding.booking_id not in doubtful),
        tuple(finding for finding in repairable if finding.booking_id in doubtful),
        tuple(alarms),
    )


_ADVICE = "Nothing of this is repaired until somebody has looked and runs the audit with force."


def _no_rows(events: int) -> Finding:
    words = f"Dataverse lists no booking in the window, but the calendars have {events} events. {_ADVICE}"
    return Finding(Kind.GUARD, words)


def _too_many(what: str, max_ratio: float) -> Finding:
    return Finding(Kind.GUARD, f"{what}: more than {max_ratio:.0%}. {_ADVICE}")
