"""The function app of one process: what each function calls, made at its first call."""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import random
from datetime import timedelta
from typing import TYPE_CHECKING

from booking_sync.errors import SettingsError
from booking_sync.plumbing.http.answer import HttpAnswer, TextAnswer
from booking_sync.plumbing.log import log_event, quiet_libraries
from booking_sync.wiring.basics import SETTINGS_RETRY_SECONDS, ClosedTogether, new_id, now
from booking_sync.wiring.storage import StorageServices

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from booking_sync.audit.auditor import AuditRequest
    from booking_sync.audit.report import AuditReport
    from booking_sync.dataverse.reads.failures import DataverseFailures
    from booking_sync.dataverse.reads.return_listing import DataverseReturnListing
    from booking_sync.domain.bookings.participation import Participation
    from booking_sync.domain.timers import TimerSchedules
    from booking_sync.operations.admission import Admission
    from booking_sync.operations.endpoints import OperatorEndpoints
    from booking_sync.operations.health import HealthProbe
    from booking_sync.operations.journal.store import JournalStore
    from booking_sync.operations.operator_actions import OperatorActions
    from booking_sync.operations.page import Page
    from booking_sync.operations.single_flight import SingleFlight
    from booking_sync.ports.diagnosis import PeopleReads
    from booking_sync.ports.platform.clock import Clock
    from booking_sync.settings.table import Settings
    from booking_sync.status.endpoint import LookupEndpoints, LookupSources
    from booking_sync.sync.webhook.receiver import Receiver
    from booking_sync.sync.worker import ChangeWorker, MessageHandlers
    from booking_sync.wiring.from_outlook import NotificationServices
    from booking_sync.wiring.start import SyncStart
    from booking_sync.wiring.sync import Observers
    from booking_sync.wiring.timer_runs import TimerRuns


PLATFORM_SIGNS_IN = "WEBSITE_AUTH_ENABLED"
"""True where the platform's authentication is on; read-only (Microsoft: "App settings reference")."""

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
        self._storage = StorageServices(environ, clock)
        self._closing.push_async_callback(self._storage.aclose)
        self._on_start = on_start
        self._receiver: Receiver | None = None

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

    @functools.cached_property
    def timers(self) -> TimerRuns:
        """What timers begin.

        Raises:
            SettingsError: the queue's own settings are missing or malformed.
        """
        from booking_sync.wiring.timer_runs import TimerRuns

        return TimerRuns(
            self._start,
            self._storage,
            self._journal,
            self._probe,
            handle=self.worker.handle,
            clock=self._clock,
            sleep=self._sleep,
        )

    async def audit_on_demand(self, headers: Mapping[str, str], body: bytes) -> HttpAnswer:
        """Run the audit that an HTTP request asks for, unless another such request is being answered.

        Raises:
            SettingsError: the queue's own settings are missing or malformed.
        """
        from booking_sync.audit.endpoint import answer_audit_request

        async def run(wanted: AuditRequest) -> AuditReport:
            who = self.admission.who(headers)
            log_event(_logger, "operator_order", order="audit", fix=wanted.fix, by=who)
            return await self._single_flight.run("audit", lambda: self.timers.order_audit(wanted))

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
        return (await self._start.started()).handlers

    @functools.cached_property
    def _start(self) -> SyncStart:
        from booking_sync.wiring.start import SyncStart

        start = SyncStart(self._environ, self._storage, self._clock, self._observers, self._on_start)
        self._closing.push_async_callback(start.aclose)
        return start

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
            lambda: self._start.problem,
            self._clock,
        )

    def _observers(self) -> Observers:
        from booking_sync.wiring.sync import Observers
        from booking_sync.wiring.timer_runs import note_audit

        return Observers(self._journal.zone_differs, lambda ended: note_audit(self._journal, ended))

    @functools.cached_property
    def _single_flight(self) -> SingleFlight:
        from booking_sync.operations.single_flight import SingleFlight

        return SingleFlight(lambda: self._storage.text_store, self._clock)

    def _closed_mailboxes(self) -> Mapping[str, float]:
        sync = self._start.sync
        return sync.services.calendar.closed() if sync else {}

    def _timer_schedules(self) -> TimerSchedules:
        from booking_sync.settings.schedules import timer_schedules

        return timer_schedules(self._settings())

    def _operator_actions(self) -> OperatorActions:
        from booking_sync.operations.operator_actions import OperatorActions

        return OperatorActions(self._storage.inspection, self._storage.queue, self._clock, new_id)

    async def _failures(self) -> DataverseFailures:
        return (await self._start.started()).services.failures

    async def _returns(self) -> DataverseReturnListing | None:
        return (await self._start.started()).services.return_listing

    async def _people(self) -> tuple[PeopleReads, Participation]:
        services = (await self._start.started()).services
        return services.resources, services.people.participation

    async def _lookup_sources(self) -> LookupSources:
        from booking_sync.wiring.status import lookup_sources

        return lookup_sources(await self._start.started())

    def _link(self, booking_id: str) -> str:
        from booking_sync.domain.events.event_text.links import booking_url

        return booking_url(self._dataverse_url, booking_id) if self._dataverse_url else ""

    @functools.cached_property
    def _dataverse_url(self) -> str:
        try:
            return self._settings().dataverse_url
        except SettingsError:
            return ""  # the page tells what is wrong, and goes without links


@functools.cache
def application() -> Application:
    """This process's app, by its environment."""
    return Application(os.environ, on_start=_on_start)


def _on_start() -> None:
    from booking_sync.plumbing.garbage import look_less_often

    look_less_often()
