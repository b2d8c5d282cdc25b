"""What the doctor reports: one result per check."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST_NAMED = 10


class Area(StrEnum):
    """What a check is about; the order is that of the report."""

    SETTINGS = "settings"
    STORAGE = "storage"
    SECRET = "client secret"  # noqa: S105 - a heading, no secret
    SEAL_KEY = "seal key"
    SIGN_IN = "sign-in"
    CLOCK = "clock"
    DATAVERSE = "Dataverse"
    REGISTRATION = "registration"
    WAY_BACK = "way back"
    PEOPLE = "people"
    MAILBOXES = "mailboxes"


class CheckStatus(StrEnum):
    """How a check ended."""

    OK = "ok"
    SKIPPED = "skipped"
    """Not made; the words say why."""
    WARNING = "warning"
    """The sync works, but a person should look at it."""
    ERROR = "error"
    """The sync does not work, or not for all bookings."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """How one check ended, and what to do about it."""

    area: Area
    check: str
    status: CheckStatus
    words: str
    remedy: str = ""
    """What to do, with the command to run; empty when there is nothing to do."""

    def as_json(self) -> dict[str, str]:
        """For `--json`."""
        return {
            "area": str(self.area),
            "check": self.check,
            "severity": str(self.status),
            "found": self.words,
            "remedy": self.remedy,
        }


@dataclass(frozen=True, slots=True)
class DoctorReport:
    """The results of all checks."""

    results: tuple[CheckResult, ...]

    @property
    def healthy(self) -> bool:
        """Neither errors nor warnings; what was skipped does not count."""
        return not any(each.status in (CheckStatus.WARNING, CheckStatus.ERROR) for each in self.results)

    def summary(self) -> str:
        """One line."""
        counts = Counter(each.status for each in self.results)
        parts = [f"{counts[each]} {each}" for each in reversed(CheckStatus) if counts[each]]
        return f"{len(self.results)} checks: {', '.join(parts)}."

    def as_json(self) -> dict[str, object]:
        """For `--json`."""
        return {
            "healthy": self.healthy,
            "summary": self.summary(),
            "findings": [each.as_json() for each in self.results],
        }


def some_of(names: Sequence[str]) -> str:
    """The first ten names, and how many there are besides."""
    rest = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")
