"""What an examination tells."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum


class Area(StrEnum):
    """What a finding is about; the order is that of the report."""

    SETTINGS = "settings"
    STORAGE = "storage"
    SECRET = "client secret"  # noqa: S105 - a heading, no secret
    SIGN_IN = "sign-in"
    CLOCK = "clock"
    DATAVERSE = "Dataverse"
    REGISTRATION = "registration"
    MAILBOXES = "mailboxes"


class Severity(StrEnum):
    """How much a finding matters."""

    OK = "ok"
    SKIPPED = "skipped"
    """Not looked at; the words say why."""
    WARNING = "warning"
    """The sync works, but a person should look at it."""
    ERROR = "error"
    """The sync does not work, or not for all bookings."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check came to."""

    area: Area
    check: str
    severity: Severity
    words: str
    remedy: str = ""
    """What to do, with the command to run; empty when there is nothing to do."""

    def as_json(self) -> dict[str, str]:
        """For `--json`."""
        return {
            "area": str(self.area),
            "check": self.check,
            "severity": str(self.severity),
            "found": self.words,
            "remedy": self.remedy,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """All findings of an examination."""

    findings: tuple[Finding, ...]

    @property
    def healthy(self) -> bool:
        """Neither errors nor warnings; what was skipped does not count."""
        return not any(each.severity in (Severity.WARNING, Severity.ERROR) for each in self.findings)

    def summary(self) -> str:
        """One line."""
        counts = Counter(each.severity for each in self.findings)
        parts = [f"{counts[each]} {each}" for each in reversed(Severity) if counts[each]]
        return f"{len(self.findings)} checks: {', '.join(parts)}."

    def as_json(self) -> dict[str, object]:
        """For `--json`."""
        return {
            "healthy": self.healthy,
            "summary": self.summary(),
            "findings": [each.as_json() for each in self.findings],
        }
