"""Does audits by stretches: what takes too long for one function goes on by a message on the queue.

Nothing here runs into the time that a function may take (`functionTimeout` in host.json: 10 minutes). A
stretch that the platform kills is delivered again and repeats the parts since its beginning, which does no
harm.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from booking_sync.audit.findings import Kind
from booking_sync.domain.outcome import Outcome, OutcomeKind, deferred_by
from booking_sync.errors import SyncError, TransientError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from booking_sync.audit.auditor import Auditor, AuditRequest
    from booking_sync.audit.report import AuditReport
    from booking_sync.domain.messages.audit_progress import AuditProgress, AuditReach
    from booking_sync.ports.platform.clock import Clock
    from booking_sync.ports.platform.queues import MessageQueue

TIMER_SECONDS: Final = 240.0
"""With a part begun at its end (`PART_SECONDS`) still below `functionTimeout`."""
ORDER_SECONDS: Final = 60.0
"""Of an audit that somebody waits for; Azure ends a request after 230 s."""
MESSAGE_SECONDS: Final = 60.0
"""So much is repeated at most when a process is killed."""


@dataclass(frozen=True, slots=True)
class AuditEnded:
    """How an audit ended."""

    reach: AuditReach
    report: AuditReport | None
    """None when it failed."""
    problem: str = ""
    """Why it failed."""


class AuditStretches:
    """Begins audits and goes on with them.

    Args:
        auditor: does them.
        queue: gets what is left.
        now: the time of day.
        tell: is told how each audit ended.
    """

    def __init__(
        self,
        auditor: Auditor,
        queue: MessageQueue,
        now: Clock,
        tell: Callable[[AuditEnded], Awaitable[None]],
    ) -> None:
        self._auditor = auditor
        self._queue = queue
        self._now = now
        self._tell = tell

    async def begin(self, request: AuditRequest, seconds: float) -> AuditReport:
        """An audit, to its end or for so long; then the rest is on the queue.

        Raises:
            SyncError: not even its first part could be done, or the queue can't be reached.
        """
        try:
            report = await self._auditor.go_on(self._auditor.start(request), seconds)
            await self._pass_on(report)
        except SyncError as error:
            await self._tell(AuditEnded(request.reach, None, error.reason))
            raise
        return report

    async def go_on(self, progress: AuditProgress) -> Outcome:
        """Go on with one from the queue; what is left then is on the queue again.

        Raises:
            SyncError: the queue can't be reached, so the message must be delivered again.
        """
        try:
            report = await self._auditor.go_on(progress, MESSAGE_SECONDS)
        except TransientError as error:
            return deferred_by(error)
        except SyncError as error:
            await self._tell(AuditEnded(progress.reach, None, error.reason))
            return Outcome(OutcomeKind.FAILED, error.reason)
        await self._pass_on(report)
        return Outcome(OutcomeKind.SYNCED, _words(report))

    async def _pass_on(self, report: AuditReport) -> None:
        if report.rest is None:
            await self._tell(AuditEnded(report.progress.reach, report))
            return
        await self._queue.send_audit(
            replace(report.rest, first_seen=self._now(), attempt=0, waited=0.0), report.delay or 0.0
        )


def _words(report: AuditReport) -> str:
    sums = report.progress.sums
    told = f"{sums.mailboxes} mailboxes, {sums.rows} bookings"
    if sums.counts.get(Kind.GUARD.value):
        told += ", repairs withheld"
    return f"{told}; to be continued" if report.rest else f"{told}; ended"
