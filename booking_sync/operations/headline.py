"""The one sentence on top of the operator's page: is all well, and if not, what is wrong. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from booking_sync.domain.findings.finding import Severity

if TYPE_CHECKING:
    from booking_sync.operations.health import Health


@dataclass(frozen=True, slots=True)
class Headline:
    """What the page says first."""

    severity: str
    """`ok`, or a `Severity`'s value: its colour."""
    words: str


def headline(health: Health, failing: int | None, *, more: bool = False) -> Headline:
    """What to say first.

    Args:
        health: of the app.
        failing: bookings whose rows tell of an error; None when they can't be listed.
        more: there are more than were counted.
    """
    broken = [each for each in health.findings if each.severity is Severity.FAILING]
    if broken:
        return Headline("failing", "Changes don't reach Outlook as they should: see the first finding.")
    troubles = [
        *([_failing(failing, more=more)] if failing else []),
        *(["the failing bookings can't be listed"] if failing is None else []),
        *([_findings(len(health.findings))] if health.findings else []),
    ]
    if troubles:
        return Headline("warning", f"Changes reach Outlook, but {' and '.join(troubles)}.")
    return Headline("ok", "In step: changes reach Outlook, and nothing needs you.")


def _failing(count: int, *, more: bool) -> str:
    if more:
        return f"more than {count} bookings can't be shown"
    return "1 booking can't be shown" if count == 1 else f"{count} bookings can't be shown"


def _findings(count: int) -> str:
    return "1 finding needs a look" if count == 1 else f"{count} findings need a look"
