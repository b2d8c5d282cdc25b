"""What a tenant check found: one result per assumption, for people and as JSON without personal data."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from booking_sync.certify.assumptions.kinds import Assumption, Possibility


@dataclass(frozen=True, slots=True)
class Observation:
    """What a check saw."""

    name: str
    """The assumption's."""
    value: str
    """The name of a possibility; a status and a code when the answer is none of those that are known."""
    detail: str = ""
    """Figures and moments; never an id, a name or an address, since the report may be published."""


@dataclass(frozen=True, slots=True)
class NotTried:
    """Why a check could not tell."""

    name: str
    why: str
    """Without personal data."""


CheckOutput = Observation | NotTried


class Comparison(StrEnum):
    """What became of one assumption."""

    AS_ASSUMED = "as assumed"
    OTHERWISE = "otherwise"
    """A known other answer; whether somebody has to do something, the possibility says."""
    UNKNOWN = "unknown"
    """An answer that nobody has foreseen."""
    NOT_TRIED = "not tried"


UNFORESEEN = "nobody has foreseen this answer: attach the output of `--json` to an issue"


@dataclass(frozen=True, slots=True)
class AssumptionResult:
    """One assumption, and what was seen."""

    assumption: Assumption
    finding: CheckOutput

    @property
    def outcome(self) -> Comparison:
        """How the finding compares with what is assumed."""
        if isinstance(self.finding, NotTried):
            return Comparison.NOT_TRIED
        if self.possibility is None:
            return Comparison.UNKNOWN
        return Comparison.AS_ASSUMED if self.possibility is self.assumption.expected else Comparison.OTHERWISE

    @property
    def possibility(self) -> Possibility | None:
        """The known answer that was seen; None when it is none, or nothing was seen."""
        if isinstance(self.finding, NotTried):
            return None
        return self.assumption.possibility(self.finding.value)

    @property
    def seen(self) -> str:
        """What was seen, or why nothing was."""
        if isinstance(self.finding, NotTried):
            return self.finding.why
        return f"{self.finding.value} ({self.finding.detail})" if self.finding.detail else self.finding.value

    @property
    def means(self) -> str:
        """What it means; empty when nothing was seen."""
        if isinstance(self.finding, NotTried):
            return ""
        return self.possibility.means if self.possibility else UNFORESEEN

    @property
    def action(self) -> str:
        """What to set or do; empty when the app copes."""
        return self.possibility.action if self.possibility else ""

    def as_json(self) -> dict[str, str]:
        """For `--json`."""
        return {
            "assumption": self.assumption.name,
            "service": str(self.assumption.service),
            "question": self.assumption.question,
            "expected": self.assumption.expected.value,
            "outcome": str(self.outcome),
            "seen": self.seen,
            "means": self.means,
            "action": self.action,
        }


@dataclass(frozen=True, slots=True)
class CertifyReport:
    """Every assumption of the register, in its order."""

    results: tuple[AssumptionResult, ...]
    left_behind: str = ""
    """What could not be removed again, in words; empty when everything was."""
    correlation_id: str = ""
    """Of the message that was queued, to look for in Application Insights; for people only."""

    @property
    def nothing_to_do(self) -> bool:
        """Neither an unknown answer, nor one that somebody has to act on, nor something left behind."""
        return not self.left_behind and not any(
            each.outcome is Comparison.UNKNOWN or each.action for each in self.results
        )

    def summary(self) -> str:
        """One line."""
        counts = Counter(each.outcome for each in self.results)
        parts = [f"{counts[each]} {each}" for each in Comparison if counts[each]]
        return f"{len(self.results)} assumptions: {', '.join(parts)}."

    def as_json(self) -> dict[str, object]:
        """For `--json`; holds neither ids nor addresses."""
        return {
            "nothingToDo": self.nothing_to_do,
            "summary": self.summary(),
            "leftBehind": bool(self.left_behind),
            "results": [each.as_json() for each in self.results],
        }
