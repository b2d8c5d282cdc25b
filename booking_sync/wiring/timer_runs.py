"""What timers begin, and audits that somebody orders; how each ended is noted in the journal."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from booking_sync.audit.auditor import AuditRequest
from booking_sync.audit.stretches import ORDER_SECONDS, TIMER_SECONDS, AuditEnded
from booking_sync.domain.findings.arrival import arrival, needs_latest
from booking_sync.domain.messages.audit_progress import AuditReach
from booking_sync.domain.timers import Timer
from booking_sync.errors import SettingsError, SyncError
from booking_sync.operations.health import log_findings
from booking_sync.operations.host_dead_letters import take_over_host_dead_letters
from booking_sync.operations.journal.values import latest_by_webhook
from booking_sync.sync.relief import Relief, relieve

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from booking_sync.audit.report import AuditReport
    from booking_sync.operations.health import HealthProbe
    from booking_sync.operations.journal.store import JournalStore
    from booking_sync.ports.platform.clock import Clock
    from booking_sync.settings.table import Settings
    from booking_sync.wiring.start import SyncStart
    from booking_sync.wiring.storage import StorageServices
    from booking_sync.wiring.sync import SyncServices

    _Ended = tuple[Mapping[str, int], str]
    """What was counted, and what went wrong; empty: nothing."""

SECRET_LOOKED_AT = timedelta(hours=1)
"""How long what the vault says of the secret's end is believed."""


class TimerRuns:
    """One method for each timer; each starts the sync first where that has not happened.

    Args:
        start: of the sync.
        storage: the queues.
        journal: where each run's end is noted.
        probe: looks at the app's health after each catch-up.
        handle: works off one message, by its text and how often it was delivered.
        clock: the time of day.
        sleep: waits for so many seconds.
    """

    def __init__(
        self,
        start: SyncStart,
        storage: StorageServices,
        journal: JournalStore,
        probe: HealthProbe,
        *,
        handle: Callable[[str, int], Awaitable[None]],
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._start = start
        self._storage = storage
        self._journal = journal
        self._probe = probe
        self._handle = handle
        self._clock = clock
        self._sleep = sleep
        self._secret_noted: datetime | None = None
        """When the secret's end was last noted."""

    async def catch_up(self) -> None:
        """Queue the bookings whose webhooks were missed.

        Raises:
            SettingsError: the queue's own settings are missing or malformed.
            SyncError: not everything was looked at; the next run does it again.
        """
        try:
            await self._noted(Timer.CATCH_UP, self._catch_up)
        finally:
            await take_over_host_dead_letters(self._storage.inspection, self._clock)
            await self._tell_findings()

    async def audit(self) -> None:
        """Compare calendars with bookings, and queue what is to be mended; a long one goes on by the queue.

        Raises:
            SettingsError: the queue's own settings are missing or malformed.
            SyncError: Dataverse could not be listed completely, or the queue not be reached.
        """
        await self._begin_scheduled(AuditReach.WHOLE)

    async def near_audit(self) -> None:
        """The same for these days only; raises as `audit`."""
        await self._begin_scheduled(AuditReach.NEAR)

    async def order_audit(self, request: AuditRequest) -> AuditReport:
        """Begin the audit that somebody asks for, and say how far it came; raises as `audit`."""
        return await (await self._started_for_audit(request.reach)).audits.begin(request, ORDER_SECONDS)

    async def watch(self) -> None:
        """See to what Graph reports.

        Raises:
            SettingsError: the queue's own settings are missing or malformed.
            SyncError: nothing was changed; the next run does it.
        """
        await self._noted(Timer.WATCH, self._watch)

    async def sweep(self) -> None:
        """Have mailboxes swept whose turn it is; raises as `watch`."""
        await self._noted(Timer.SWEEP, self._sweep)

    async def _noted(self, timer: Timer, run: Callable[[], Awaitable[_Ended | None]]) -> None:
        """Run, and note how that ended; nothing is noted of a run that had nothing to do."""
        try:
            ended = await run()
        except SyncError as error:
            await self._journal.ran(timer, {}, error.reason)
            raise
        if ended:
            await self._journal.ran(timer, *ended)

    async def _catch_up(self) -> _Ended:
        """What it counted, and how long the queue waits where the platform's listener has stopped."""
        relief = await self._relieve()
        sync = await self._start.started()
        tally = asdict(await sync.catch_up.run())
        overdue = sync.overdue_proposals()
        ended = await overdue.run() if overdue else 0
        tally |= await self._arrival(tally["queued"], sync.settings)
        tally |= {"overdue_proposals": ended} if ended else {}
        return ({**tally, **asdict(relief)} if relief.waiting_minutes else tally), ""

    async def _watch(self) -> _Ended | None:
        way = (await self._start.started()).from_outlook
        watched = await way.watch.run() if way and way.watch else None
        return (watched.tally, watched.problem) if watched else None

    async def _sweep(self) -> _Ended:
        way = (await self._start.started()).from_outlook
        return {"mailboxes": await way.rounds.run() if way else 0}, ""

    async def _arrival(self, queued: int, settings: Settings) -> Mapping[str, int]:
        """Whether changes arrive by webhook; nothing where the journal can't tell."""
        try:
            former = await self._journal.last(Timer.CATCH_UP)
            if not needs_latest(queued, former):
                return {}
            latest = latest_by_webhook(await self._journal.everything())
        except SyncError:
            return {}  # health tells of a journal that can't be read
        look_back = timedelta(minutes=settings.catch_up_look_back_minutes)
        return arrival(queued, latest, former, now=self._clock(), look_back=look_back)

    async def _relieve(self) -> Relief:
        try:
            return await relieve(self._storage.intake, self._handle, self._clock, self._sleep)
        except SyncError:
            return Relief()  # health tells of a queue that can't be reached, and the next run looks again

    async def _begin_scheduled(self, reach: AuditReach) -> None:
        sync = await self._started_for_audit(reach)
        request = AuditRequest(fix=sync.settings.audit_repair, reach=reach)
        await sync.audits.begin(request, TIMER_SECONDS)

    async def _started_for_audit(self, reach: AuditReach) -> SyncServices:
        """What audits run on; that there is none yet is how an audit ended."""
        try:
            return await self._start.started()
        except SyncError as error:
            await note_audit(self._journal, AuditEnded(reach, None, error.reason))
            raise

    async def _tell_findings(self) -> None:
        """Tell the log what is wrong, for the alerts, and the metrics how full the queues are."""
        await self._journal.keep_hours()
        await self._note_secret()
        log_findings(await self._probe.look())

    async def _note_secret(self) -> None:
        """Note when the app registration's secret ends, as the vault has it; once an hour."""
        sync = self._start.sync
        if sync is None or (self._secret_noted and self._clock() - self._secret_noted < SECRET_LOOKED_AT):
            return
        try:
            secret = sync.services.checked_secret()
            await self._journal.note_secret((await secret.state()).expires if secret else None)
        except (SettingsError, SyncError):
            return  # a vault that can't be read is told by what needs it
        self._secret_noted = self._clock()


async def note_audit(journal: JournalStore, ended: AuditEnded) -> None:
    """Note how an audit ended, by its timer."""
    timer = Timer.NEAR_AUDIT if ended.reach is AuditReach.NEAR else Timer.AUDIT
    await journal.ran(timer, ended.report.tally() if ended.report else {}, ended.problem)
