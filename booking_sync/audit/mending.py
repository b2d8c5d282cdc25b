"""Has mended what an audit found: weighs it by the guard, and queues hints.

Harmless repairs are queued as soon as they are found. Events to be removed or made anew wait until the whole
is known: at once where all was one part, else in the second pass.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from booking_sync.audit import guard
from booking_sync.audit.findings import Finding, Kind
from booking_sync.audit.guard import Listed
from booking_sync.audit.hints import HINTS_PER_SECOND, make_hints
from booking_sync.domain.messages.audit_message import MAX_RANGES
from booking_sync.domain.messages.audit_progress import (
    AuditPass,
    AuditProgress,
    AuditReach,
    AuditSums,
    MailboxRange,
)
from booking_sync.sync.booking.finding import SEARCH_KNOWS_AFTER
from booking_sync.sync.sending import do_all

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from booking_sync.audit.inspection import Inspected
    from booking_sync.domain.messages.change import BookingChange
    from booking_sync.ports.platform.clock import Clock
    from booking_sync.ports.platform.queues import ChangeQueue

SENDS_AT_ONCE = 8
MAX_REMEMBERED = 10_000

Settled = tuple[AuditProgress, tuple[Finding, ...]]
"""How far the audit is now, and what of this is to be told."""


@dataclass(frozen=True, slots=True)
class _Missed:
    """An event that a booking's row named, and that was missing."""

    event_id: str
    since: datetime
    """Aware, UTC: when a hint about it was queued first."""
    last: datetime
    """When one was queued last."""

    @property
    def mended(self) -> bool:
        """Whether a hint came late enough: a search knew by then whether anybody sees the event."""
        return self.last - self.since >= SEARCH_KNOWS_AFTER


class Mender:
    """Queues hints for what may be mended.

    Args:
        queue: gets the hints.
        max_removal_ratio: the guard's, 0 to 1.
        now: the time of day.
    """

    def __init__(self, queue: ChangeQueue, max_removal_ratio: float, now: Clock) -> None:
        self._queue = queue
        self._max_ratio = max_removal_ratio
        self._now = now
        self._made_anew: dict[str, _Missed] = {}
        """Of near audits: what each booking was queued for as missing."""

    async def settle(self, progress: AuditProgress, seen: Inspected, covered: MailboxRange | None) -> Settled:
        """Count what was seen of a part, and queue what may be mended of it by now.

        Args:
            progress: how far the audit is, this part included.
            seen: of the part.
            covered: the part's mailboxes; None when it was not one of mailboxes.

        Raises:
            SyncError: the queue can't be reached.
        """
        if progress.reach is AuditReach.NEAR:
            seen = replace(seen, findings=tuple(self._nearly(each, seen.failing) for each in seen.findings))
        if progress.stage is AuditPass.MEND:
            moved = AuditSums(in_motion=seen.in_motion)
            return await self._mend(replace(progress, sums=progress.sums.plus(moved)), seen.findings)
        progress = replace(progress, sums=progress.sums.plus(_sums(seen)))
        if progress.undivided:
            return await self._conclude(progress, seen)
        if progress.fix:
            allowed = guard.split(seen.findings, guard.GUARDED)
            progress = await self._enqueue(progress, allowed.repairs)
            if allowed.withheld:
                progress = _to_be_revisited(progress, covered)
        return progress, (*seen.unreadable, *seen.findings)

    def turn(self, progress: AuditProgress) -> Settled:
        """From the first pass, which has seen the whole, to the second one, as far as it is allowed."""
        stopped, alarms = self._weigh(progress)
        progress = replace(_with_alarms(progress, alarms), stage=AuditPass.MEND)
        if not progress.fix or stopped >= guard.GUARDED:
            withheld = _total(progress.sums.guarded, stopped)
            return replace(progress, sums=progress.sums.plus(AuditSums(withheld=withheld))), alarms
        second = replace(
            progress,
            ranges=progress.revisit,
            strays=progress.revisit_strays,
            strays_from=None,
            revisit=(),
            revisit_strays=False,
        )
        return second, alarms

    async def _conclude(self, progress: AuditProgress, seen: Inspected) -> Settled:
        """All was one part, so what is too much is known at once."""
        stopped, alarms = self._weigh(progress)
        decision = guard.split(seen.findings, stopped)
        progress = _with_alarms(progress, alarms)
        sums = progress.sums.plus(AuditSums(withheld=len(decision.withheld)))
        progress = replace(progress, sums=sums, stage=AuditPass.MEND)
        if progress.fix:
            progress = await self._enqueue(progress, decision.repairs)
        return progress, (*alarms, *seen.unreadable, *seen.findings)

    async def _mend(self, progress: AuditProgress, findings: Sequence[Finding]) -> Settled:
        """Queue what waited for the whole to be known; never more than what was believed of the whole."""
        stopped, _ = self._weigh(progress)
        waited = guard.split(findings, guard.GUARDED).withheld
        decision = guard.split(waited, stopped)
        mended = Counter(progress.sums.mended) + Counter(guard.count_guarded(decision.repairs))
        too_many, alarms = (
            (frozenset(), ())
            if progress.force
            else guard.weigh(mended, _listed(progress.sums), self._max_ratio)
        )
        if too_many:
            progress = _with_alarms(progress, alarms)
            return replace(progress, sums=progress.sums.plus(AuditSums(withheld=len(waited)))), alarms
        sums = replace(
            progress.sums, mended=dict(mended), withheld=progress.sums.withheld + len(decision.withheld)
        )
        return await self._enqueue(replace(progress, sums=sums), decision.repairs), ()

    def _weigh(self, progress: AuditProgress) -> tuple[frozenset[Kind], tuple[Finding, ...]]:
        if progress.force:
            return frozenset(), ()
        listed = _listed(progress.sums)
        stopped, alarms = guard.weigh(progress.sums.guarded, listed, self._max_ratio)
        # A small office may have no booking for some days: whether that can be true is seen over the whole.
        return stopped, () if progress.reach is AuditReach.NEAR and not listed.rows else alarms

    def _nearly(self, finding: Finding, failing: frozenset[str]) -> Finding:
        """What an audit that runs several times an hour may mend of this.

        A failing booking had its try and is left to the audit of the whole, or each run would dead-letter it.
        So is an event that is missing again although it was mended for this very record: a technician keeps
        it in another calendar, and it would be written each time. A hint about an event that was just made
        mends nothing, so it takes two, ten minutes apart.
        """
        before = self._made_anew.get(finding.booking_id)
        again = before is not None and before.event_id == finding.event_id and before.mended
        if finding.booking_id in failing or (finding.kind is Kind.MISSING and again):
            return replace(finding, retry=False)
        return finding

    async def _enqueue(self, progress: AuditProgress, findings: Sequence[Finding]) -> AuditProgress:
        """Queue a hint for each booking, behind those of earlier parts."""
        now = self._now()
        start = max(now, progress.next_hint or now)
        wait = (start - now).total_seconds()
        hints = list(make_hints(findings, progress.audit_id, start))

        async def send(hint: tuple[BookingChange, float]) -> None:
            change, delay = hint
            await self._queue.send(change, wait + delay)

        await do_all(hints, send, at_once=SENDS_AT_ONCE)
        self._remember(progress, findings)
        return replace(
            progress,
            sums=progress.sums.plus(AuditSums(enqueued=len(hints))),
            next_hint=start + timedelta(seconds=len(hints) / HINTS_PER_SECOND),
        )

    def _remember(self, progress: AuditProgress, findings: Iterable[Finding]) -> None:
        if progress.reach is not AuditReach.NEAR:
            return
        if len(self._made_anew) > MAX_REMEMBERED:
            self._made_anew.clear()  # costs one hint for each
        now = self._now()
        for each in findings:
            if each.kind is Kind.MISSING:
                before = self._made_anew.get(each.booking_id)
                since = before.since if before and before.event_id == each.event_id else now
                self._made_anew[each.booking_id] = _Missed(each.event_id, since, now)


def _to_be_revisited(progress: AuditProgress, covered: MailboxRange | None) -> AuditProgress:
    if covered is None:
        return replace(progress, revisit_strays=True)
    return progress.revisiting(covered, MAX_RANGES)


def _with_alarms(progress: AuditProgress, alarms: Sequence[Finding]) -> AuditProgress:
    counts = {Kind.GUARD.value: len(alarms)} if alarms else {}
    return replace(progress, sums=progress.sums.plus(AuditSums(counts=counts)))


def _sums(seen: Inspected) -> AuditSums:
    return AuditSums(
        mailboxes=seen.mailboxes,
        rows=seen.rows,
        events=seen.events,
        expected=seen.expected,
        counts=Counter(each.kind.value for each in (*seen.unreadable, *seen.findings)),
        guarded=guard.count_guarded(seen.findings),
        in_motion=seen.in_motion,
    )


def _listed(sums: AuditSums) -> Listed:
    return Listed(sums.rows, sums.events, sums.expected)


def _total(counts: Mapping[str, int], kinds: frozenset[Kind]) -> int:
    return sum(counts.get(kind.value, 0) for kind in kinds)
