"""One thing that is wrong with the app: words for people, and topics that alerts go by."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class Severity(StrEnum):
    """How much a finding matters."""

    FAILING = "failing"
    """Changes do not arrive."""
    WARNING = "warning"
    """People should look at it."""


class FindingTopic(StrEnum):
    """What a finding is about; in the log, and what alerts go by."""

    SETTINGS = "settings"
    START = "start"
    QUEUES = "queues"
    """They can't be reached."""
    STALLED = "stalled"
    """Nothing takes changes off the queue."""
    CATCH_UP = "catch-up"
    AUDIT = "audit"
    NEAR_AUDIT = "near-audit"
    WATCH = "watch"
    SWEEP = "sweep"
    GIVEN_UP = "given-up"
    WEBHOOK = "webhook"
    """None arrives, or one was missed."""
    COLUMNS = "columns"
    SECRET = "secret"  # noqa: S105 - a topic, no secret
    TIME_ZONE = "time-zone"
    JOURNAL = "journal"


@dataclass(frozen=True, slots=True)
class AppFinding:
    """Something that is not as it should be."""

    topic: FindingTopic
    severity: Severity
    words: str
    """What is wrong, in a sentence or two."""
    remedy: str = ""
    """The next step; empty where the words have it, or nothing can be done."""
    since: datetime | None = None
    """Aware, UTC; None when that is not known."""

    @property
    def text(self) -> str:
        """Words and remedy, as sentences."""
        end = "" if self.words.endswith((".", "!", "?")) else "."
        return f"{self.words}{end} {self.remedy}".strip()
