"""What a run of the audit tells its caller: counts, and findings by their ids."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from booking_sync.audit.findings import Kind
from booking_sync.audit.guard import Listed
from booking_sync.plumbing import telemetry
from booking_sync.plumbing.log import log_event
from booking_sync.plumbing.telemetry import Attribute, Metric

if TYPE_CHECKING:
    from booking_sync.audit.findings import Finding
    from booking_sync.domain.messages.audit_progress import AuditProgress

_logger = logging.getLogger(__name__)

MAX_FINDINGS_SHOWN = 500
"""Enough to look into by hand; the counts are always complete."""


@dataclass(frozen=True, slots=True)
class AuditReport:
    """One audit, or as much of it as is done."""

    progress: AuditProgress
    findings: tuple[Finding, ...]
    """The first that were found since this process went on with it."""
    delay: float | None = None
    """How many seconds the rest has to wait; None for no time."""

    @property
    def rest(self) -> AuditProgress | None:
        """What is left to do; None when the audit is at its end."""
        return None if self.progress.is_finished else self.progress

    @property
    def audit_id(self) -> str:
        """The correlation id of the hints."""
        return self.progress.audit_id

    @property
    def mailboxes(self) -> int:
        """How many were listed completely; the others are among the findings."""
        return self.progress.sums.mailboxes

    @property
    def listed(self) -> Listed:
        """How much was listed."""
        sums = self.progress.sums
        return Listed(sums.rows, sums.events, sums.expected)

    @property
    def in_motion(self) -> int:
        """Findings dropped because their rows changed while the audit looked."""
        return self.progress.sums.in_motion

    @property
    def withheld(self) -> int:
        """Findings that the guard kept from being repaired."""
        return self.progress.sums.withheld

    @property
    def enqueued(self) -> int:
        """Hints sent, one per booking."""
        return self.progress.sums.enqueued

    def counts(self) -> dict[str, int]:
        """How many findings there are of each kind that was found, in the order of `Kind`."""
        found = self.progress.sums.counts
        return {kind.value: found[kind.value] for kind in Kind if found.get(kind.value)}

    def tally(self) -> dict[str, int]:
        """What the run adds up to, as the journal keeps it."""
        return {
            "mailboxes": self.mailboxes,
            "bookings": self.listed.rows,
            "events": self.listed.events,
            **self.counts(),
            "withheld": self.withheld,
            "enqueued": self.enqueued,
        }

    def payload(self) -> dict[str, Any]:
        """As JSON values: ids and our own words only."""
        shown = self.findings[:MAX_FINDINGS_SHOWN]
        return {
            "auditId": self.audit_id,
            "from": self.progress.first.isoformat(),
            "to": self.progress.last.isoformat(),
            "mailboxes": self.mailboxes,
            "bookings": self.listed.rows,
            "events": self.listed.events,
            "counts": self.counts(),
            "inMotion": self.in_motion,
            "withheld": self.withheld,
            "enqueued": self.enqueued,
            "findings": [_describe(finding) for finding in shown],
            "findingsNotShown": max(0, sum(self.counts().values()) - len(shown)),
            "goesOn": self.rest is not None,
        }


def log_report(report: AuditReport) -> None:
    """Log an audit that is at its end, and count its findings."""
    for kind, count in report.counts().items():
        telemetry.count(Metric.AUDIT_FINDINGS, count, {Attribute.KIND: kind})
        level = logging.ERROR if kind == Kind.GUARD else logging.WARNING
        words = sorted({each.words for each in report.findings if each.kind == kind})[:3]
        log_event(
            _logger,
            "audit_finding",
            level=level,
            kind=kind,
            count=count,
            words=words,
            correlationId=report.audit_id,
        )
    log_event(
        _logger,
        "audit_finished",
        correlationId=report.audit_id,
        reach=report.progress.reach.value,
        mailboxes=report.mailboxes,
        bookings=report.listed.rows,
        events=report.listed.events,
        findings=sum(report.counts().values()),
        inMotion=report.in_motion,
        withheld=report.withheld,
        enqueued=report.enqueued,
    )


def _describe(finding: Finding) -> dict[str, str]:
    described = {
        "kind": finding.kind.value,
        "words": finding.words,
        "bookingId": finding.booking_id,
        "mailbox": finding.mailbox,
        "eventId": finding.event_id,
    }
    return {name: value for name, value in described.items() if value}
