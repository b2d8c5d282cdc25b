"""The function app of one process: each function's use case, made at its first call."""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import random
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from booking_sync.errors import SettingsError, SyncError, TransientError
from booking_sync.plumbing import telemetry
from booking_sync.plumbing.circuit import Circuit
from booking_sync.plumbing.http_answer import HttpAnswer
from booking_sync.plumbing.log import log_event, places
from booking_sync.wiring.ambient import loop_time, new_id, now

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from booking_sync.audit.auditor import Auditor, AuditRequest
    from booking_sync.audit.report import AuditReport
    from booking_sync.azure.blob_texts import BlobTextStore
    from booking_sync.azure.queue import StorageChangeQueue
    from booking_sync.dataverse.failures import DataverseFailures
    from booking_sync.domain.change import RelatedChange
    from booking_sync.domain.outcome import Outcome
    from booking_sync.operations.endpoints import OperatorEndpoints
    from booking_sync.operations.journal import RunKind
    from booking_sync.operations.journal_store import JournalStore
    from booking_sync.operations.operator_actions import OperatorActions
    from booking_sync.operations.page import Page
    from booking_sync.plumbing.circuit import Call
    from booking_sync.settings.table import QueueSettings, Settings
    from booking_sync.sync.catch_up import CatchUp, Tally
    from booking_sync.sync.fan_out import FanOut
    from booking_sync.sync.receiver import Receiver
    from booking_sync.sync.synchronizer import SyncTask
    from booking_sync.sync.worker import ChangeWorker
    from booking_sync.wiring.machinery import Machinery


Ran = TypeVar("Ran")

SETTINGS_RETRY_SECONDS = 60.0
"""How long messages wait for an administrator to mend the settings; saving them restarts the app anyway."""

_LOGGER = logging.getLogger(__name__)

DEFAULT_MAX_AGE = timedelta(hours=24)


class Application:
    """The app of one process.

    Args:
        environ: the app settings.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._queue: StorageChangeQueue | None = None
        self._receiver: Receiver | None = None
        self._worker: ChangeWorker | None = None
        self._catch_up: CatchUp | None = None
        self._auditor: Auditor | None = None
        self._machinery: Machinery | None = None
        self._bench: WorkerBench | None = None
        self._text_store: BlobTextStore | None = None
        self._journal_store: JournalStore | None = None
        self._endpoints: OperatorEndpoints | None = None
        self._start_problem = ""
        """Why the sync could not be started when it was last tried."""
        self._until_mended = False
        """That was something that a person has to mend in the app itself."""
        self._opening = asyncio.Lock()
        # One failure opens it: whoever waited for the same start need not try it again, one after the other.
        self._starting = Circuit("The app's start", loop_time, random.random, failures_to_open=1)

    async def receive(self, body: bytes, headers: Mapping[str, str]) -> HttpAnswer:
        """Take one webhook: 503, which Dataverse tries once more, when there is no queue to keep it on."""
        try:
            receiver = self._receiver or self._make_receiver()
        except SettingsError as error:
            log_event(_LOGGER, "settings_problem", level=logging.ERROR, problem=str(error))
            return HttpAnswer(
                503,
                {"status": "unavailable", "error": str(error)},
                {"Retry-After": f"{SETTINGS_RETRY_SECONDS:.0f}"},
            )
        return await receiver.receive(body, headers)

    async def handle(self, message: bytes, dequeue_count: int) -> None:
        """Handle one delivery of a queue message.

        Raises:
            SettingsError: the queue's own settings are missing or malformed.
            Exception: the message must be delivered again.
        """
        if self._worker is None:
            self._worker = self._make_worker()
        await self._worker.handle(message.decode("utf-8", errors="replace"), dequeue_count)

    async def catch_up(self) -> None:
        """Queue the bookings whose webhooks were missed.

        Raises:
            SettingsError: the queue's own settings are missing or malformed.
            SyncError: not everything was looked at; the next run does it again.
        """
        from booking_sync.operations.journal import RunKind

        try:
            await self._noting(RunKind.CATCH_UP, self._run_catch_up(), asdict)
        finally:
            await self._tell_depths()

    async def audit(self, request: AuditRequest | None = None) -> AuditReport:
        """Compare calendars with bookings, and queue what is to be mended.

        Args:
            request: what to do; None for what the settings say.

        Raises:
            SettingsError: the queue's own settings are missing or malformed.
            SyncError: Dataverse could not be listed completely, or the queue not be reached.
        """
        from booking_sync.audit.report import AuditReport
        from booking_sync.operations.journal import RunKind

        return await self._noting(RunKind.AUDIT, self._run_audit(request), AuditReport.tally)

    async def audit_on_demand(self, body: bytes) -> HttpAnswer:
        """Run the audit that an HTTP body asks for.

        Raises:
            SettingsError: the queue's own settings are missing or malformed.
        """
        from booking_sync.audit.endpoint import answer_audit_request

        return await answer_audit_request(body, self.audit)

    def page(self) -> Page:
        """The operator's page, without any data."""
        from booking_sync.operations.page import operators_page

        return operators_page()

    async def health(self, *, told_all: bool) -> HttpAnswer:
        """Whether the app works; `told_all` for those who may know what is wrong."""
        return await (self._operator_endpoints().health() if told_all else self._operator_endpoints().probe())

    async def status(self) -> HttpAnswer:
        """Everything that the operator's page shows."""
        return await self._operator_endpoints().status()

    async def replay(self, headers: Mapping[str, str], body: bytes) -> HttpAnswer:
        """Replay dead letters, as an operator's request says."""
        return await self._operator_endpoints().replay(headers, body)

    async def resync(self, headers: Mapping[str, str], body: bytes) -> HttpAnswer:
        """Queue bookings to be written again, as an operator's request says."""
        return await self._operator_endpoints().resync(headers, body)

    async def aclose(self) -> None:
        """Close every connection; for tests and tools, since the Functions host just ends the process."""
        if self._journal_store:
            await self._journal_store.aclose()
        if self._text_store:
            await self._text_store.aclose()
        if self._machinery:
            await self._machinery.aclose()
        if self._queue:
            await self._queue.aclose()

    def _settings(self) -> Settings:
        from booking_sync.settings.loading import load_settings

        return load_settings(self._environ)

    def _queue_settings(self) -> QueueSettings:
        from booking_sync.settings.loading import load_queue_settings

        return load_queue_settings(self._environ)

    def _open_queue(self) -> StorageChangeQueue:
        from booking_sync.azure.queue import open_queue
        from booking_sync.plumbing.log import quiet_libraries

        if self._queue is None:
            quiet_libraries()
            settings = self._queue_settings()
            self._queue = open_queue(settings.storage, settings.queue_name, now)
        return self._queue

    def _make_receiver(self) -> Receiver:
        """Kept when its settings are in order; else the next webhook looks whether they have been mended."""
        from booking_sync.settings.loading import load_receiver_settings
        from booking_sync.sync.receiver import Receiver

        settings = load_receiver_settings(self._environ)
        receiver = Receiver(self._open_queue(), settings.policy, now, new_id)
        if settings.problems:
            log_event(_LOGGER, "settings_problem", level=logging.ERROR, problem="; ".join(settings.problems))
        else:
            self._receiver = receiver
        return receiver

    def _make_worker(self) -> ChangeWorker:
        from booking_sync.sync.worker import BackOff, ChangeWorker

        return ChangeWorker(
            self._open_work,
            self._open_queue(),
            now,
            self._max_age(),
            BackOff(random.random),
            on_outcome=self._open_journal_store().outcome,
        )

    async def _run_catch_up(self) -> Tally:
        if self._catch_up is None:
            self._catch_up = await self._make_catch_up()
        return await self._catch_up.run()

    async def _tell_depths(self) -> None:
        """Tell the metrics how full the queues are; what fails now is told by the next run."""
        from booking_sync.operations.health import tell_depths

        if telemetry.listening():
            with suppress(SyncError):
                tell_depths(await self._open_queue().inspection().depths())

    async def _run_audit(self, request: AuditRequest | None) -> AuditReport:
        from booking_sync.audit.auditor import AuditRequest

        if self._auditor is None:
            self._auditor = await self._make_auditor()
        return await self._auditor.run(request or AuditRequest(fix=self._settings().audit_repair))

    async def _noting(
        self, kind: RunKind, run: Awaitable[Ran], tally: Callable[[Ran], Mapping[str, int]]
    ) -> Ran:
        """What the run returns or raises, its end noted in the journal."""
        try:
            done = await run
        except SyncError as error:
            await self._open_journal_store().ran(kind, {}, error.reason)
            raise
        await self._open_journal_store().ran(kind, tally(done))
        return done

    def _open_journal_store(self) -> JournalStore:
        from booking_sync.operations.journal_store import JournalStore

        if self._journal_store is None:
            self._journal_store = JournalStore(self._open_text_store, new_id(), now, self._closed_mailboxes)
        return self._journal_store

    def _open_text_store(self) -> BlobTextStore | None:
        from booking_sync.azure.blob_texts import open_text_store

        self._text_store = open_text_store(self._queue_settings().storage)
        return self._text_store

    def _closed_mailboxes(self) -> Mapping[str, float]:
        return self._machinery.calendar.closed() if self._machinery else {}

    def _operator_endpoints(self) -> OperatorEndpoints:
        from booking_sync.operations.endpoints import OperatorEndpoints
        from booking_sync.operations.health import HealthProbe
        from booking_sync.operations.overview import OverviewSources

        if self._endpoints is None:
            probe = HealthProbe(
                lambda: timedelta(minutes=self._settings().catch_up_look_back_minutes),
                lambda: self._open_queue().inspection(),
                self._open_journal_store,
                lambda: self._start_problem,
                now,
            )
            sources = OverviewSources(
                probe,
                self._open_journal_store,
                open_poison=lambda: self._open_queue().inspection(),
                open_failures=self._open_failures,
                link=self._link,
                now=now,
            )
            self._endpoints = OperatorEndpoints(sources, self._open_operator_actions)
        return self._endpoints

    def _open_operator_actions(self) -> OperatorActions:
        from booking_sync.operations.operator_actions import OperatorActions

        queue = self._open_queue()
        return OperatorActions(queue.inspection(), queue, now, new_id)

    async def _open_failures(self) -> DataverseFailures:
        return (await self._open_machinery()).failures

    def _link(self, booking_id: str) -> str:
        from booking_sync.domain.rendering import booking_url

        return booking_url(self._dataverse_url, booking_id) if self._dataverse_url else ""

    @functools.cached_property
    def _dataverse_url(self) -> str:
        try:
            return self._settings().dataverse_url
        except SettingsError:
            return ""  # the page tells what is wrong, and goes without links

    async def _open_work(self) -> WorkerBench:
        from booking_sync.sync.fan_out import FanOut

        machinery = await self._open_machinery()
        if self._bench is None:
            try:
                look_back = timedelta(days=self._settings().audit_days_back)
            except SettingsError as error:  # they were fine a moment ago
                raise _as_transient(error) from error
            fan_out = FanOut(machinery.related, self._open_queue(), look_back, now)
            self._bench = WorkerBench(machinery, fan_out)
        return self._bench

    async def _make_catch_up(self) -> CatchUp:
        from booking_sync.sync.catch_up import CatchUp, CatchUpWindow

        machinery = await self._open_machinery()
        settings = self._settings()
        window = CatchUpWindow(
            timedelta(minutes=settings.catch_up_look_back_minutes),
            timedelta(seconds=settings.catch_up_settle_seconds),
        )
        return CatchUp(
            machinery.rows, self._open_queue(), machinery.desired_state, window, now=now, new_id=new_id
        )

    async def _make_auditor(self) -> Auditor:
        from booking_sync.wiring.machinery import make_auditor

        machinery = await self._open_machinery()
        return make_auditor(machinery, self._settings(), self._open_queue())

    def _max_age(self) -> timedelta:
        try:
            return timedelta(hours=self._settings().message_max_age_hours)
        except SettingsError:
            return DEFAULT_MAX_AGE  # messages must live until somebody has mended the settings

    async def _open_machinery(self) -> Machinery:
        """Make what the sync needs, once; whatever stands in the way of that may pass."""
        async with self._opening:
            if self._machinery is None:
                try:
                    with self._starting.call() as start:
                        self._machinery = await self._start(start)
                except TransientError as error:
                    error.until_mended = self._until_mended
                    raise
            return self._machinery

    async def _start(self, start: Call) -> Machinery:
        """Whatever goes wrong here is no message's fault, and no message may be lost for it."""
        from booking_sync.wiring.machinery import open_machinery

        problem: SettingsError | SyncError
        try:
            settings = self._settings()
            machinery = await open_machinery(settings)
        except (SettingsError, SyncError) as error:
            problem = error
        except Exception as error:  # noqa: BLE001 - told like a bad setting, and as patiently waited for
            log_event(
                _LOGGER, "unexpected_error", level=logging.ERROR, error=type(error).__name__, at=places(error)
            )
            problem = SettingsError(f"The app can't start: unexpected {type(error).__name__}; see the log.")
        else:
            self._start_problem, self._until_mended = "", False
            start.answered()
            _tell_cautions(settings, self._environ)
            return machinery
        self._start_problem, self._until_mended = str(problem), isinstance(problem, SettingsError)
        start.failed(str(problem))
        raise _as_transient(problem) from problem


@dataclass(frozen=True, slots=True)
class WorkerBench:
    """What a queue message is worked on with; fulfils the worker's `Work`."""

    machinery: Machinery
    fan_out: FanOut

    async def submit(self, task: SyncTask) -> Outcome:
        """Bring a booking in step, in a batch with others."""
        return await self.machinery.submit(task)

    async def give_up(self, booking_id: str, reason: str) -> None:
        """Tell people on the booking's row that it was given up."""
        await self.machinery.give_up(booking_id, reason)

    async def queue_hints(self, change: RelatedChange) -> Outcome:
        """Queue a hint for each booking that shows the row."""
        return await self.fan_out.queue_hints(change)


def _tell_cautions(settings: Settings, environ: Mapping[str, str]) -> None:
    """Tell the log what can be used and will surprise."""
    from booking_sync.settings.cautions import cautions

    for each in cautions(settings, environ):
        log_event(_LOGGER, "settings_caution", level=logging.WARNING, setting=each.setting, words=each.words)


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
    return Application(os.environ)
