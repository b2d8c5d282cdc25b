"""The function app of one process: what each function calls, made at its first call."""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import random
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from booking_sync.errors import SettingsError, SyncError, TransientError
from booking_sync.plumbing.circuit import Circuit
from booking_sync.plumbing.http.answer import HttpAnswer, TextAnswer
from booking_sync.plumbing.log import log_event, places, quiet_libraries
from booking_sync.wiring.services import ClosedTogether, Services, StorageServices, loop_time, new_id, now

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from booking_sync.audit.auditor import AuditRequest
    from booking_sync.audit.report import AuditReport
    from booking_sync.audit.stretches import AuditEnded
    from booking_sync.dataverse.reads.failures import DataverseFailures
    from booking_sync.dataverse.reads.return_listing import DataverseReturnListing
    from booking_sync.domain.bookings.participation import Participation
    from booking_sync.domain.messages.audit_progress import AuditReach
    from booking_sync.domain.timers import TimerSchedules
    from booking_sync.operations.admission import Admission
    from booking_sync.operations.endpoints import OperatorEndpoints
    from booking_sync.operations.health import HealthProbe
    from booking_sync.operations.journal.store import JournalStore
    from booking_sync.operations.operator_actions import OperatorActions
    from booking_sync.operations.page import Page
    from booking_sync.operations.single_flight import SingleFlight
    from booking_sync.plumbing.circuit import Call
    from booking_sync.ports.diagnosis import PeopleReads
    from booking_sync.ports.platform.clock import Clock
    from booking_sync.settings.table import Settings
    from booking_sync.status.endpoint import LookupEndpoints, LookupSources
    from booking_sync.sync.relief import Relief
    from booking_sync.sync.webhook.receiver import Receiver
    from booking_sync.sync.worker import ChangeWorker, MessageHandlers
    from booking_sync.wiring.from_outlook import NotificationServices
    from booking_sync.wiring.sync import SyncServices


SETTINGS_RETRY_SECONDS = 60.0
"""How long messages wait for an administrator to mend the settings; saving them restarts the app anyway."""

PLATFORM_SIGNS_IN = "WEBSITE_AUTH_ENABLED"
"""True where the platform's authentication is on; read-only (Microsoft: "App settings reference")."""

SECRET_LOOKED_AT = timedelta(hours=1)
"""How long what the vault says of the secret's end is believed."""

_logger = logging.getLogger(__name__)

DEFAULT_MAX_AGE = timedelta(hours=24)


class Application(ClosedTogether):
    """The app of one process. The Functions host just ends it; tests and tools close it.

    Queues and journal stay for good. What the sync runs on is made by a start, which may fail: then all of it
    is closed, and the next start makes it anew, from the settings as they are by then.

    Args:
        environ: the app settings.
        clock: the time of day.
        sleep: waits for so many seconds.
        on_start: called whenever the sync has been started, and what it needs is loaded and open.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        clock: Clock = now,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        on_start: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__()
        quiet_libraries()
        self._environ = environ
        self._clock = clock
        self._sleep = sleep
        self._on_start = on_start
        self._storage = StorageServices(environ, clock)
        self._closing.push_async_callback(self._storage.aclose)
        self._receiver: Receiver | None = None
        self._sync: SyncServices | None = None
        self._start_problem = ""
        """Why the sync could not be started when it was last tried."""
        self._until_mended = False
        """That was something that a person has to mend in the app itself."""
        self._secret_noted: datetime | None = None
        """When the secret's end was last noted."""
        self._opening = asyncio.Lock()
        # One failure opens it: whoever waited for the same start need not try it again, one after the other.
        self._starting = Circuit("The app's start", loop_time, random.random, failures_to_open=1)

    # --- what the functions call ------------------------------------------------------------------------

    async def receive(self, body: bytes, headers: Mapping[str, str]) -> HttpAnswer:
        """Take one webhook: 503, which Dataverse tries once more, when there is no queue to keep it on."""
        try:
            receiver = self._receiver or self._make_receiver()
        except SettingsError as error:
            log_event(_logger, "settings_problem", level=logging.ERROR, problem=str(error))
            return HttpAnswer(
                503,
                {"status": "unavailable", "error": str(error)},
                {"Retry-After": f"{SETTINGS_RETRY_SECONDS:.0f}"},
            )
        return await receiver.receive(body, headers)

    async def hear_outlook(self, parameters: Mapping[str, str], body: bytes) -> HttpAnswer | TextAnswer:
        """Take Graph's notifications, or its question whether they are wanted.

        While settings stand in the way it is 503, after which Graph tries again.
        """
        from booking_sync.sync.from_outlook.handshake import TOKEN_PARAMETER, answer_handshake

        if TOKEN_PARAMETER in parameters:
            return answer_handshake(parameters[TOKEN_PARAMETER])
        try:
            receiver = self._notifications.receiver
        except SettingsError as error:
            log_event(_logger, "settings_problem", level=logging.ERROR, problem=str(error))
            return HttpAnswer(
                503, {"status": "unavailable"}, {"Retry-After": f"{SETTINGS_RETRY_SECONDS:.0f}"}
            )
        return await receiver.receive(body)

    @functools.cached_property
    def worker(self) -> ChangeWorker:
        """Handles queue messages.

        Raises:
            SettingsError: the queue's own settings are missing or malformed.
        """
        from booking_sync.sync.back_off import BackOff
        from booking_sync.sync.worker import ChangeWorker

        return ChangeWorker(
            self._handlers,
            self._storage.queue,
            self._clock,
            self._max_age(),
            BackOff(random.random),
            on_outcome=self._journal.outcome,
        )

    async def catch_up(self) -> None:
        """Queue the bookings whose webhooks were missed.

        Raises:
            SettingsError: the queue's own settings are missing or malformed.
            SyncError: not everything was looked at; the next run does it again.
        """
        from booking_sync.domain.timers import Timer
        from booking_sync.operations.host_dead_letters import take_over_host_dead_letters

        try:
            tally = await self._run_catch_up()
        except SyncError as error:
            await self._journal.ran(Timer.CATCH_UP, {}, error.reason)
            raise
        else:
            await self._journal.ran(Timer.CATCH_UP, tally)
        finally:
            await take_over_host_dead_letters(self._storage.inspection, self._clock)
            await self._tell_findings()

    async def audit(self) -> None:
        """Compare calendars with bookings, and queue what is to be mended; a long one goes on by the queue.

        Raises:
            SettingsError: the queue's own settings are missing or malformed.
            SyncError: Dataverse could not be listed completely, or the queue not be reached.
        """
        from booking_sync.domain.messages.audit_progress import AuditReach

        await self._begin_scheduled(AuditReach.WHOLE)

    async def near_audit(self) -> None:
        """The same for these days only; raises as `audit`."""
        from booking_sync.domain.messages.audit_progress import AuditReach

        await self._begin_scheduled(AuditReach.NEAR)

    async def watch(self) -> None:
        """See to what Graph reports.

        Raises:
            SettingsError: the queue's own settings are missing or malformed.
            SyncError: nothing was changed; the next run does it.
        """
        from booking_sync.domain.timers import Timer

        try:
            way = (await self._started()).from_outlook
            watched = await way.watch.run() if way and way.watch else None
        except SyncError as error:
            await self._journal.ran(Timer.WATCH, {}, error.reason)
            raise
        if watched:
            await self._journal.ran(Timer.WATCH, watched.tally, watched.problem)

    async def sweep(self) -> None:
        """Have mailboxes swept whose turn it is; raises as `watch`."""
        from booking_sync.domain.timers import Timer

        try:
            way = (await self._started()).from_outlook
            queued = await way.rounds.run() if way else 0
        except SyncError as error:
            await self._journal.ran(Timer.SWEEP, {}, error.reason)
            raise
        await self._journal.ran(Timer.SWEEP, {"mailboxes": queued})

    async def audit_on_demand(self, headers: Mapping[str, str], body: bytes) -> HttpAnswer:
        """Run the audit that an HTTP request asks for, unless one is under way that was asked for so.

        Raises:
            SettingsError: the queue's own settings are missing or malformed.
        """
        from booking_sync.audit.endpoint import answer_audit_request

        async def run(wanted: AuditRequest) -> AuditReport:
            who = self.admission.who(headers)
            log_event(_logger, "operator_order", order="audit", fix=wanted.fix, by=who)
            return await self._single_flight.run("audit", lambda: self._begin_ordered(wanted))

        return await answer_audit_request(headers, body, run)

    def page(self) -> Page:
        """The operator's page, without any data."""
        from booking_sync.operations.page import operators_page

        return operators_page(by_entra=self.admission.by_entra)

    @functools.cached_property
    def admission(self) -> Admission:
        """Who may ask and order as an operator."""
        from booking_sync.operations.admission import Admission
        from booking_sync.settings.registration import signs_in_by_entra

        platform = self._environ.get(PLATFORM_SIGNS_IN, "").lower() == "true"
        return Admission(signs_in_by_entra(self._environ), platform)

    @functools.cached_property
    def operator_endpoints(self) -> OperatorEndpoints:
        """Answers probes and operators."""
        from booking_sync.operations.endpoints import OperatorEndpoints
        from booking_sync.operations.overview.gather import OverviewSources

        sources = OverviewSources(
            self._probe,
            lambda: self._journal,
            open_poison=lambda: self._storage.inspection,
            open_failures=self._failures,
            open_people=self._people,
            link=self._link,
            now=self._clock,
            open_returns=self._returns,
        )
        return OperatorEndpoints(sources, self._operator_actions, self._single_flight, who=self.admission.who)

    @functools.cached_property
    def lookup_endpoints(self) -> LookupEndpoints:
        """Answers operators about single bookings and technicians."""
        from booking_sync.status.endpoint import LookupEndpoints

        return LookupEndpoints(self._lookup_sources, lambda: self._journal, self._link)

    # --- what these are made of -------------------------------------------------------------------------

    def _settings(self) -> Settings:
        from booking_sync.settings.loading import load_settings

        return load_settings(self._environ)

    def _make_receiver(self) -> Receiver:
        """Kept when its settings are in order; else the next webhook looks whether they have been mended."""
        from booking_sync.settings.loading import load_receiver_settings
        from booking_sync.sync.webhook.receiver import Receiver

        settings = load_receiver_settings(self._environ)
        receiver = Receiver(self._storage.queue, settings.policy, self._clock, new_id)
        if settings.problems:
            log_event(_logger, "settings_problem", level=logging.ERROR, problem="; ".join(settings.problems))
        else:
            self._receiver = receiver
        return receiver

    @functools.cached_property
    def _notifications(self) -> NotificationServices:
        from booking_sync.wiring.from_outlook import NotificationServices

        services = NotificationServices(self._environ, self._storage.queue, self._clock)
        self._closing.push_async_callback(services.aclose)
        return services

    def _max_age(self) -> timedelta:
        try:
            return timedelta(hours=self._settings().message_max_age_hours)
        except SettingsError:
            return DEFAULT_MAX_AGE  # messages must live until somebody has mended the settings

    async def _handlers(self) -> MessageHandlers:
        return (await self._started()).handlers

    async def _run_catch_up(self) -> Mapping[str, int]:
        """What it counted, and how long the queue waits where the platform's listener has stopped."""
        relief = await self._relieve()
        sync = await self._started()
        tally = asdict(await sync.catch_up.run())
        overdue = sync.overdue_proposals()
        ended = await overdue.run() if overdue else 0
        tally |= await self._arrival(tally["queued"], sync.settings)
        tally |= {"overdue_proposals": ended} if ended else {}
        return {**tally, **asdict(relief)} if relief.waiting_minutes else tally

    async def _arrival(self, queued: int, settings: Settings) -> Mapping[str, int]:
        """Whether changes arrive by webhook; nothing where the journal can't tell."""
        from booking_sync.domain.findings.arrival import arrival, needs_latest
        from booking_sync.domain.timers import Timer
        from booking_sync.operations.journal.values import latest_by_webhook

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
        from booking_sync.sync.relief import Relief, relieve

        try:
            return await relieve(self._storage.intake, self.worker.handle, self._clock, self._sleep)
        except SyncError:
            return Relief()  # health tells of a queue that can't be reached, and the next run looks again

    async def _begin_scheduled(self, reach: AuditReach) -> None:
        from booking_sync.audit.auditor import AuditRequest
        from booking_sync.audit.stretches import TIMER_SECONDS

        sync = await self._started_for_audit(reach)
        request = AuditRequest(fix=sync.settings.audit_repair, reach=reach)
        await sync.audits.begin(request, TIMER_SECONDS)

    async def _begin_ordered(self, request: AuditRequest) -> AuditReport:
        from booking_sync.audit.stretches import ORDER_SECONDS

        return await (await self._started_for_audit(request.reach)).audits.begin(request, ORDER_SECONDS)

    async def _started_for_audit(self, reach: AuditReach) -> SyncServices:
        """What audits run on; that there is none yet is how an audit ended."""
        from booking_sync.audit.stretches import AuditEnded

        try:
            return await self._started()
        except SyncError as error:
            await self._audit_ended(AuditEnded(reach, None, error.reason))
            raise

    async def _audit_ended(self, ended: AuditEnded) -> None:
        """Note it in the journal."""
        from booking_sync.domain.messages.audit_progress import AuditReach
        from booking_sync.domain.timers import Timer

        timer = Timer.NEAR_AUDIT if ended.reach is AuditReach.NEAR else Timer.AUDIT
        await self._journal.ran(timer, ended.report.tally() if ended.report else {}, ended.problem)

    async def _tell_findings(self) -> None:
        """Tell the log what is wrong, for the alerts, and the metrics how full the queues are."""
        from booking_sync.operations.health import log_findings

        await self._journal.keep_hours()
        await self._note_secret()
        log_findings(await self._probe.look())

    async def _note_secret(self) -> None:
        """Note when the app registration's secret ends, as the vault has it; once an hour."""
        sync = self._sync
        if sync is None or (self._secret_noted and self._clock() - self._secret_noted < SECRET_LOOKED_AT):
            return
        try:
            secret = sync.services.checked_secret()
            await self._journal.note_secret((await secret.state()).expires if secret else None)
        except (SettingsError, SyncError):
            return  # a vault that can't be read is told by what needs it
        self._secret_noted = self._clock()

    @functools.cached_property
    def _journal(self) -> JournalStore:
        journal = self._storage.journal(self._closed_mailboxes)
        self._closing.push_async_callback(journal.aclose)
        return journal

    @functools.cached_property
    def _probe(self) -> HealthProbe:
        from booking_sync.operations.health import HealthProbe

        return HealthProbe(
            self._timer_schedules,
            lambda: self._storage.inspection,
            lambda: self._journal,
            lambda: self._start_problem,
            self._clock,
        )

    @functools.cached_property
    def _single_flight(self) -> SingleFlight:
        from booking_sync.operations.single_flight import SingleFlight

        return SingleFlight(lambda: self._storage.text_store, self._clock)

    def _closed_mailboxes(self) -> Mapping[str, float]:
        return self._sync.services.calendar.closed() if self._sync else {}

    def _timer_schedules(self) -> TimerSchedules:
        from booking_sync.settings.schedules import timer_schedules

        return timer_schedules(self._settings())

    def _operator_actions(self) -> OperatorActions:
        from booking_sync.operations.operator_actions import OperatorActions

        return OperatorActions(self._storage.inspection, self._storage.queue, self._clock, new_id)

    async def _failures(self) -> DataverseFailures:
        return (await self._started()).services.failures

    async def _returns(self) -> DataverseReturnListing | None:
        return (await self._started()).services.return_listing

    async def _people(self) -> tuple[PeopleReads, Participation]:
        services = (await self._started()).services
        return services.resources, services.people.participation

    async def _lookup_sources(self) -> LookupSources:
        from booking_sync.wiring.status import lookup_sources

        return lookup_sources(await self._started())

    def _link(self, booking_id: str) -> str:
        from booking_sync.domain.events.event_text.links import booking_url

        return booking_url(self._dataverse_url, booking_id) if self._dataverse_url else ""

    @functools.cached_property
    def _dataverse_url(self) -> str:
        try:
            return self._settings().dataverse_url
        except SettingsError:
            return ""  # the page tells what is wrong, and goes without links

    # --- the start of the sync --------------------------------------------------------------------------

    async def _started(self) -> SyncServices:
        """What the sync runs on, made once; whatever stands in the way of that may pass."""
        async with self._opening:
            if self._sync is None:
                try:
                    with self._starting.call() as start:
                        self._sync = await self._start(start)
                except TransientError as error:
                    error.until_mended = self._until_mended
                    raise
            return self._sync

    async def _start(self, start: Call) -> SyncServices:
        """Whatever goes wrong here is no message's fault, and no message may be lost for it."""
        problem: SettingsError | SyncError
        try:
            from booking_sync.wiring.sync import Observers, start_sync

            services = Services(self._environ, storage=self._storage, clock=self._clock)
            sync = await start_sync(services, Observers(self._journal.zone_differs, self._audit_ended))
        except (SettingsError, SyncError) as error:
            problem = error
        except Exception as error:  # noqa: BLE001 - told like a bad setting, and as patiently waited for
            log_event(
                _logger, "unexpected_error", level=logging.ERROR, error=type(error).__name__, at=places(error)
            )
            problem = SettingsError(f"The app can't start: unexpected {type(error).__name__}; see the log.")
        else:
            self._closing.push_async_callback(sync.services.aclose)
            self._start_problem, self._until_mended = "", False
            start.answered()
            _tell_cautions(sync.settings, self._environ)
            self._on_start()
            return sync
        self._start_problem, self._until_mended = str(problem), isinstance(problem, SettingsError)
        start.failed(str(problem))
        raise _as_transient(problem) from problem


def _tell_cautions(settings: Settings, environ: Mapping[str, str]) -> None:
    """Tell the log what can be used and will surprise."""
    from booking_sync.settings.cautions import cautions

    for each in cautions(settings, environ):
        log_event(_logger, "settings_caution", level=logging.WARNING, setting=each.setting, words=each.words)


def _as_transient(error: SettingsError | SyncError) -> TransientError:
    """Why the sync could not be opened; even settings and permissions get mended while messages wait."""
    if isinstance(error, TransientError):
        return error
    return TransientError(
        str(error), retry_after=SETTINGS_RETRY_SECONDS, until_mended=isinstance(error, SettingsError)
    )


@functools.cache
def application() -> Application:
    """This process's app, by its environment."""
    return Application(os.environ, on_start=_on_start)


def _on_start() -> None:
    from booking_sync.plumbing.garbage import look_less_often

    look_less_often()
