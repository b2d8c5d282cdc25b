"""What a run of the audit tells its caller: counts, and findings by their ids."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from booking_sync.audit.findings import Kind

if TYPE_CHECKING:
    from booking_sync.audit.compare import AuditWindow
    from booking_sync.audit.findings import Finding
    from booking_sync.audit.guard import Listed

MAX_FINDINGS_SHOWN = 500
"""Enough to look into by hand; the counts are always complete."""


@dataclass(frozen=True, slots=True)
class AuditReport:
    """One run."""

    audit_id: str
    """The correlation id of the hints."""
    window: AuditWindow
    mailboxes: int
    """How many were listed completely; the others are among the findings."""
    listed: Listed
    findings: tuple[Finding, ...]
    in_motion: int
    """Findings dropped because their rows changed while the audit looked."""
    withheld: int
    """Findings that the guard kept from being repaired."""
    enqueued: int
    """Hints sent, one per booking."""

    def counts(self) -> dict[str, int]:
        """How many findings there are of each kind that was found, in the order of `Kind`."""
        found = Counter(finding.kind for finding in self.findings)
        return {kind.value: found[kind] for kind in Kind if found[kind]}

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
            "from": self.window.first.isoformat(),
            "to": self.window.last.isoformat(),
            "mailboxes": self.mailboxes,
            "bookings": self.listed.rows,
            "events": self.listed.events,
            "counts": self.counts(),
            "inMotion": self.in_motion,
            "withheld": self.withheld,
            "enqueued": self.enqueued,
            "findings": [_describe(finding) for finding in shown],
            "findingsNotShown": len(self.findings) - len(shown),
        }


def _describe(finding: Finding) -> dict[str, str]:
    described = {
        "kind": finding.kind.value,
        "words": finding.words,
        "bookingId": finding.booking_id,
        "mailbox": finding.mailbox,
        "eventId": finding.event_id,
    }
    return {name: value for name, value in described.items() if value}
