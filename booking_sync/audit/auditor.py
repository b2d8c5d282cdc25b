"""The audit's use case: goes through the calendars part by part, and has what it found mended.

A tenant of few mailboxes is one part, and all is done in one go. Otherwise the audit passes twice. In the
first pass each part is looked at, and what is harmless to mend is queued at once; events to be removed or
made anew are counted, since only the whole tells whether they are too many to be true. The second pass goes
once more to the parts that have such findings, and queues them. Between any two parts the audit can be put on
the queue and be gone on with elsewhere.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from booking_sync.audit.compare import AuditWindow
from booking_sync.audit.inspection import PartTooLargeError, too_slow
from booking_sync.audit.parts import (
    MAILBOXES_PER_PART,
    AuditPart,
    behind,
    first_part,
    fit_together,
    halved,
    owners_of,
)
from booking_sync.audit.report import MAX_FINDINGS_SHOWN, AuditReport, log_report
from booking_sync.domain.messages.audit_progress import AuditPass, AuditProgress, AuditReach, MailboxRange
from booking_sync.errors import SyncError, TransientError
from booking_sync.plumbing.log import log_event

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from booking_sync.audit.findings import Finding
    from booking_sync.audit.inspection import Inspected, Inspector
    from booking_sync.audit.mending import Mender
    from booking_sync.audit.parts import CalendarOwner
    from booking_sync.ports.dataverse.bookings import AuditReads
    from booking_sync.ports.platform.clock import Clock

PART_SECONDS: Final = 240.0
"""A part that takes longer is halved; well below what a function may run (`functionTimeout`: 10 minutes)."""
STRAYS_PER_PART = 500
NEAR_DAYS_BACK: Final = 1.0
NEAR_DAYS_AHEAD: Final = 3.0
"""What technicians look at today and tomorrow, over a weekend too."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AuditRequest:
    """What one audit is to do."""

    fix: bool = True
    """Enqueue hints; without it the audit only reports."""
    force: bool = False
    """Repair whatever the guard would hold back."""
    mailboxes: frozenset[str] = frozenset()
    """Only these (Entra object ids, lower case); empty for all."""
    reach: AuditReach = AuditReach.WHOLE
    """How far it looks."""


@dataclass(frozen=True, slots=True)
class AuditScope:
    """How far the audit looks, and how much at a time."""

    days_back: float
    days_ahead: float
    part_size: int = MAILBOXES_PER_PART
    """How many mailboxes are looked at together."""
    part_seconds: float = PART_SECONDS


@dataclass(slots=True)
class _Stretch:
    """What one process does of an audit."""

    findings: list[Finding] = field(default_factory=list)
    """The first of them, to be shown."""
    resources: Mapping[str, str] | None = None
    """The mailbox of each resource, once asked."""
    owners: Sequence[CalendarOwner] = ()
    """The same by mailbox."""

    def note(self, findings: Iterable[Finding]) -> None:
        """Keep as many as are shown."""
        self.findings += findings
        del self.findings[MAX_FINDINGS_SHOWN:]


class Auditor:
    """Compares calendars with rows; any number of audits may overlap, with each other and with the worker.

    Args:
        inspector: looks at parts.
        mender: has mended what was found.
        reads: who has a calendar, and whose booking is whose.
        scope: how far to look.
        now: the time of day.
        new_id: names an audit.
        beside: what else is seen to in mailboxes once in each audit of the whole that mends; never raises.
    """

    def __init__(
        self,
        inspector: Inspector,
        mender: Mender,
        reads: AuditReads,
        *,
        scope: AuditScope,
        now: Clock,
        new_id: Callable[[], str],
        beside: Callable[[Iterable[str]], Awaitable[None]] | None = None,
    ) -> None:
        self._inspector = inspector
        self._mender = mender
        self._reads = reads
        self._scope = scope
        self._now = now
        self._new_id = new_id
        self._beside = beside

    async def run(self, request: AuditRequest) -> AuditReport:
        """One audit, to its end.

        Raises:
            TransientError: Dataverse could not be listed completely, or the queue not be reached, now.
            PermanentError: Dataverse refuses the app.
        """
        return await self.go_on(self.start(request))

    def start(self, request: AuditRequest) -> AuditProgress:
        """An audit that is still to be done."""
        now, scope = self._now(), self._scope
        near = request.reach is AuditReach.NEAR
        back = min(scope.days_back, NEAR_DAYS_BACK) if near else scope.days_back
        ahead = min(scope.days_ahead, NEAR_DAYS_AHEAD) if near else scope.days_ahead
        return AuditProgress(
            audit_id=f"audit-{self._new_id()}",
            first_seen=now,
            first=(now - timedelta(days=back)).replace(microsecond=0),
            last=(now + timedelta(days=ahead)).replace(microsecond=0),
            fix=request.fix,
            force=request.force,
            reach=request.reach,
            mailboxes=request.mailboxes,
            size=scope.part_size,
        )

    async def go_on(self, progress: AuditProgress, seconds: float | None = None) -> AuditReport:
        """Go on with an audit, to its end or for so long; the report's `rest` is what is left then.

        Args:
            progress: how far it is.
            seconds: after which no further part is begun; None for no limit.

        Raises:
            TransientError: not even one part could be done now; with no limit, any part.
            PermanentError: Dataverse refuses the app.
        """
        stretch = _Stretch()
        end = None if seconds is None else self._now() + timedelta(seconds=seconds)
        begun = progress
        try:
            while not progress.is_finished:
                if end is not None and progress is not begun and self._now() >= end:
                    return AuditReport(progress, tuple(stretch.findings))
                try:
                    progress = await self._step(progress, stretch)
                except TransientError as error:
                    if end is None or progress is begun:
                        raise
                    return AuditReport(progress, tuple(stretch.findings), error.retry_after)
        except SyncError as error:
            log_event(
                _logger,
                "audit_failed",
                level=logging.ERROR,
                correlationId=progress.audit_id,
                reason=error.reason,
            )
            raise
        report = AuditReport(progress, tuple(stretch.findings))
        log_report(report)
        return report

    async def _step(self, progress: AuditProgress, stretch: _Stretch) -> AuditProgress:
        """The next part, or the turn from the first pass to the second."""
        if progress.is_passed:
            progress, alarms = self._mender.turn(progress)
            stretch.findings[:0] = alarms
            return progress
        if progress.mailboxes:
            part = AuditPart(undivided=True, mailboxes=progress.mailboxes)
            seen = await self._inspect(part, progress) or too_slow(part)
            return await self._settle(replace(progress, ranges=()), seen, stretch, None)
        if stretch.resources is None:
            stretch.resources = await self._reads.resources()
            stretch.owners = owners_of(stretch.resources)
        if progress.ranges:
            return await self._step_mailboxes(progress, stretch)
        return await self._step_strays(progress, stretch.resources, stretch)

    async def _step_mailboxes(self, progress: AuditProgress, stretch: _Stretch) -> AuditProgress:
        owners = stretch.owners
        if progress.undivided and not fit_together(len(owners), progress.size):
            progress = replace(progress, undivided=False, strays=True)
        if progress.undivided:
            seen = await self._inspect(AuditPart(tuple(owners), undivided=True), progress)
            if seen is None:
                return halved(progress, len(owners))
            await self._see_to_more(owners, progress)
            return await self._settle(replace(progress, ranges=()), seen, stretch, None)
        where, *later = progress.ranges
        some = first_part(owners, where, progress.size)
        if not some:
            return replace(progress, ranges=tuple(later))
        own = frozenset(each.mailbox for each in some)
        part = AuditPart(some, elsewhere=frozenset(each.mailbox for each in owners) - own)
        seen = await self._inspect(part, progress)
        if seen is None:
            return halved(progress, len(some))
        await self._see_to_more(some, progress)
        progress = replace(progress, ranges=(*behind(where, some, owners), *later))
        return await self._settle(progress, seen, stretch, MailboxRange(where.after, some[-1].mailbox))

    async def _see_to_more(self, owners: Iterable[CalendarOwner], progress: AuditProgress) -> None:
        first = progress.stage is AuditPass.LOOK
        if self._beside and first and progress.fix and progress.reach is AuditReach.WHOLE:
            await self._beside([each.mailbox for each in owners])

    async def _step_strays(
        self, progress: AuditProgress, resources: Mapping[str, str], stretch: _Stretch
    ) -> AuditProgress:
        """The next bookings whose resources have no mailbox that we know, but perhaps an event."""
        found, goes_on = await self._strays(progress, resources)
        progress = replace(progress, strays=goes_on is not None, strays_from=goes_on)
        if not found:
            return progress
        part = AuditPart(
            booking_ids=tuple(found), elsewhere=frozenset(each for each in resources.values() if each)
        )
        seen = await self._inspect(part, progress) or too_slow(part)
        return await self._settle(progress, seen, stretch, None)

    async def _strays(
        self, progress: AuditProgress, resources: Mapping[str, str]
    ) -> tuple[list[str], datetime | None]:
        """Their ids, and the start from which to go on; None when there are no more."""
        found: list[str] = []
        last: datetime | None = None
        pages = self._reads.whose(max(progress.strays_from or progress.first, progress.first), progress.last)
        async with aclosing(pages):
            async for page in pages:
                for each in page:
                    if not each.is_stray(resources):
                        continue
                    if len(found) >= STRAYS_PER_PART and each.start != last:
                        return found, each.start
                    found.append(each.booking_id)
                    last = each.start
        return found, None

    async def _inspect(self, part: AuditPart, progress: AuditProgress) -> Inspected | None:
        """What was seen of it; None when it is too much at once and may be looked at in smaller parts."""
        try:
            async with asyncio.timeout(self._scope.part_seconds):
                return await self._inspector.inspect(part, AuditWindow(progress.first, progress.last))
        except PartTooLargeError:
            return None
        except TimeoutError:
            return None if part.may_shrink else too_slow(part)

    async def _settle(
        self, progress: AuditProgress, seen: Inspected, stretch: _Stretch, covered: MailboxRange | None
    ) -> AuditProgress:
        """Count a part, and have mended what may be mended of it now; `covered` is None for strays."""
        progress, findings = await self._mender.settle(progress, seen, covered)
        stretch.note(findings)
        return progress
