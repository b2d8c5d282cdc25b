"""The sentence on top of the operator's page: is all well, and if not, what is wrong and what to do. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from booking_sync.domain.findings.finding import Severity
from booking_sync.operations.overview.describe import text_of

if TYPE_CHECKING:
    from booking_sync.operations.health import Health

_MEND = "See why under “Failing bookings”, mend that, then sync them again."
_NAMED = "Mend what it names."


@dataclass(frozen=True, slots=True)
class Failures:
    """Bookings whose rows tell of an error."""

    count: int = 0
    people: int = 0
    """Bookable resources whose bookings they are."""
    more: bool = False
    """There are others."""
    since: str = ""
    """When the first of them changed last, ISO 8601; empty when that is not known."""
    remedy: str = ""
    """Of the largest group; empty where only its reason tells."""


@dataclass(frozen=True, slots=True)
class Headline:
    """What the page says first."""

    severity: str
    """`ok`, or a `Severity`'s value: its colour."""
    words: str
    since: str = ""
    """ISO 8601; empty when that is not known."""
    people: int = 0
    """How many people's bookings it concerns; 0 where it is about the app, and so about everybody."""
    step: str = ""
    """The one next step; empty when there is nothing to do."""

    def as_json(self) -> dict[str, Any]:
        """For the page."""
        return {
            "severity": self.severity,
            "words": self.words,
            "since": self.since,
            "people": self.people,
            "step": self.step,
        }


def headline(health: Health, failures: Failures | None) -> Headline:
    """What to say first: the worst, and what to do about that.

    Args:
        health: of the app.
        failures: None when they can't be listed.
    """
    first = health.findings[0] if health.findings else None
    if first and first.severity is Severity.FAILING:
        words = f"Changes don't reach Outlook as they should. {first.words}"
        return Headline("failing", words, text_of(first.since), step=first.remedy or _NAMED)
    troubles = [
        *([_failing(failures)] if failures and failures.count else []),
        *(["the failing bookings can't be listed"] if failures is None else []),
        *([_findings(len(health.findings))] if first else []),
    ]
    if not troubles:
        return Headline("ok", "In step: changes reach Outlook, and nothing needs you.")
    words = f"Changes reach Outlook, but {' and '.join(troubles)}."
    if failures and failures.count:
        step = failures.remedy or _MEND
        return Headline("warning", words, failures.since, failures.people, step)
    if first:
        return Headline(
            "warning", f"{words} {first.words}", text_of(first.since), step=first.remedy or _NAMED
        )
    return Headline("warning", words, step="See why under “Failing bookings”.")


def _failing(failures: Failures) -> str:
    bookings = "1 booking" if failures.count == 1 else f"{failures.count} bookings"
    people = "1 technician" if failures.people == 1 else f"{failures.people} technicians"
    return f"{'more than ' if failures.more else ''}{bookings} of {people} can't be shown"


def _findings(count: int) -> str:
    return "1 finding needs a look" if count == 1 else f"{count} findings need a look"
