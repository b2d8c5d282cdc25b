"""How the handling of one booking change ended; exactly one of five."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import timedelta

    from booking_sync.errors import TransientError


class OutcomeKind(StrEnum):
    """The five ends."""

    SYNCED = "synced"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    DEFERRED = "deferred"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One booking's end of one try."""

    kind: OutcomeKind
    detail: str = ""
    """What was done, why nothing was, or what went wrong."""
    delay: float | None = None
    """Deferred only: seconds that the service asked for; None leaves the delay to the back-off."""
    uncertain: bool = False
    """Deferred only: something may have been written to Outlook that the row does not record."""
    suspects: frozenset[str] = field(default_factory=frozenset)
    """Deferred only: mailboxes that may hold an event of ours that no row names."""
    untried: bool = False
    """Deferred only: nothing was asked of a service known to be down, so this is no try of the message."""
    until_mended: bool = False
    """Deferred only: settings or rights of the app stand in the way, so that no wait ends the message."""
    patience: timedelta | None = None
    """Failed only: for how long it is tried again; the row tells of it meanwhile."""
    missing: str = ""
    """The mailbox in which the row's event was found gone while the plan stands: it is to be swept."""
    rounds: int = 1
    """How often the booking was read and planned."""


def deferred_by(error: TransientError) -> Outcome:
    """How a try ends that met this error; what may have been written, the caller adds."""
    return Outcome(
        OutcomeKind.DEFERRED,
        error.reason,
        delay=error.retry_after,
        untried=error.untried,
        until_mended=error.until_mended,
    )
