"""How far an audit is: what lies on the queue between two stretches of a long one.

An audit of many mailboxes is done in parts, each bounded in memory and time. What is left to do, and the sums
of what was found, travel in a queue message, so that any instance goes on with it, and a crash repeats one
stretch only. An audit of few mailboxes is done in one go and never lies on the queue.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class AuditPass(StrEnum):
    """What the audit goes through the calendars for."""

    LOOK = "look"
    """All of them: what is harmless to mend is mended, what might be too much to be true is counted."""
    MEND = "mend"
    """Once more those parts in which something was counted, now that the whole is known."""


class AuditReach(StrEnum):
    """Which bookings an audit is about."""

    WHOLE = "whole"
    """Those of the whole window; failing ones are tried again."""
    NEAR = "near"
    """Those around now, several times an hour; failing ones are left to the audit of the whole."""


@dataclass(frozen=True, slots=True)
class MailboxRange:
    """Mailboxes in the order of their ids: those behind `after`, up to and including `until`."""

    after: str = ""
    """Empty: from the first one."""
    until: str = ""
    """Empty: to the last one."""


@dataclass(frozen=True, slots=True)
class AuditSums:
    """What an audit adds up to so far."""

    mailboxes: int = 0
    """Listed completely."""
    rows: int = 0
    """Bookings in the window."""
    events: int = 0
    """Marked events of this organisation."""
    expected: int = 0
    """Rows that name an event which should be among the events."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """Findings by kind."""
    guarded: Mapping[str, int] = field(default_factory=dict)
    """Of these, what hints would mend and may be too much to be true, as the first pass counted it."""
    mended: Mapping[str, int] = field(default_factory=dict)
    """The same, by kind, for which hints were queued in the second pass."""
    in_motion: int = 0
    """Findings dropped because their rows changed while the audit looked."""
    withheld: int = 0
    """Findings that the guard kept from being repaired."""
    enqueued: int = 0
    """Hints sent, one per booking."""

    def plus(self, more: AuditSums) -> AuditSums:
        """Both together."""
        return AuditSums(
            self.mailboxes + more.mailboxes,
            self.rows + more.rows,
            self.events + more.events,
            self.expected + more.expected,
            dict(Counter(self.counts) + Counter(more.counts)),
            dict(Counter(self.guarded) + Counter(more.guarded)),
            dict(Counter(self.mended) + Counter(more.mended)),
            self.in_motion + more.in_motion,
            self.withheld + more.withheld,
            self.enqueued + more.enqueued,
        )


@dataclass(frozen=True, slots=True)
class AuditProgress:
    """An audit under way."""

    audit_id: str
    """Also the correlation id of its hints."""
    first_seen: datetime
    """Aware, UTC: when this stretch was put on the queue; a put-back keeps it."""
    first: datetime
    """Aware, UTC: where the window begins."""
    last: datetime
    """Aware, UTC: where it ends."""
    fix: bool
    """Queue hints; without it the audit only reports."""
    force: bool = False
    """Repair whatever the guard would hold back."""
    reach: AuditReach = AuditReach.WHOLE
    mailboxes: frozenset[str] = frozenset()
    """Only these; empty for all. An audit of some is done in one go."""
    undivided: bool = True
    """All bookings of the window are listed at once, in one part."""
    size: int = 0
    """How many mailboxes a part has."""
    stage: AuditPass = AuditPass.LOOK
    ranges: tuple[MailboxRange, ...] = (MailboxRange(),)
    """What this pass has still to go through."""
    strays: bool = False
    """Whether the bookings of resources that have no mailbox are still to be looked at in this pass."""
    strays_from: datetime | None = None
    """Aware, UTC: those that start earlier were looked at; None at the beginning."""
    revisit: tuple[MailboxRange, ...] = ()
    """Where the second pass has to go."""
    revisit_strays: bool = False
    sums: AuditSums = field(default_factory=AuditSums)
    next_hint: datetime | None = None
    """Aware, UTC: when the next hint becomes visible at the earliest; None for at once."""
    attempt: int = 0
    """How often this stretch was put back."""
    waited: float = 0.0
    """Seconds of the waits that its own failed tries brought it, so that patience ends one day."""

    @property
    def is_passed(self) -> bool:
        """Whether nothing is left of the first pass."""
        return self.stage is AuditPass.LOOK and not self.ranges and not self.strays

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left to do."""
        return self.stage is AuditPass.MEND and not self.ranges and not self.strays

    def revisiting(self, part: MailboxRange, limit: int) -> AuditProgress:
        """With this part noted for the second pass; the last range grows once there are `limit` of them."""
        if len(self.revisit) < limit:
            return replace(self, revisit=(*self.revisit, part))
        *others, newest = self.revisit
        return replace(self, revisit=(*others, MailboxRange(newest.after, part.until)))
