"""The composition root: the only place that joins settings, adapters and use cases.

Everything is made at its first use, on the event loop that will use it, and kept for the life of the process.
The SDKs are imported where they are needed, so that a cold start for a webhook does not pay for Graph.
"""

from __future__ import annotations

import asyncio
import functools
import os
import random
import secrets
import uuid
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from booking_sync import telemetry
from booking_sync.circuit import Circuit
from booking_sync.errors import SyncError, TransientError
from booking_sync.settings import (
    AuthoritySettings,
    EnvironmentSettings,
    RegistrationSettings,
    SettingsError,
    VaultSettings,
    load_part,
    load_receiver_settings,
    load_settings,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    import httpx

    from booking_sync.answer import Answer
    from booking_sync.audit.auditor import Auditor, AuditOrder
    from booking_sync.audit.report import AuditReport
    from booking_sync.azure.queue import StorageChangeQueue
    from booking_sync.azure.secrets import SecretSource
    from booking_sync.azure.shelf import BlobShelf
    from booking_sync.azure.sign_in import SignIn
    from booking_sync.batcher import Batcher
    from booking_sync.catch_up import CatchUp, Tally
    from booking_sync.dataverse.audit_reads import DataverseAuditReads
    from booking_sync.dataverse.bookings import DataverseBookings
    from booking_sync.dataverse.client import DataverseClient
    from booking_sync.dataverse.failures import DataverseFailures
    from booking_sync.dataverse.pause import Pause
    from booking_sync.dataverse.provisioning import DataverseEnvironment
    from booking_sync.dataverse.related import DataverseRelatedBookings
    from booking_sync.dataverse.transport import Timeouts, Wire
    from booking_sync.domain.booking import Booking
    from booking_sync.domain.change import RelatedChange
    from booking_sync.domain.outcome import Outcome
    from booking_sync.domain.plan import Desire
    from booking_sync.fan_out import FanOut
    from booking_sync.operations.desk import OperationsDesk
    from booking_sync.operations.journal import RunKind
    from booking_sync.operations.keeper import JournalKeeper
    from booking_sync.operations.orders import Orders
    from booking_sync.operations.page import Page
    from booking_sync.outlook.calendar import OutlookCalendar
    from booking_sync.ports import Clock
    from booking_sync.receiver import Receiver
    from booking_sync.settings import Settings
    from booking_sync.synchronizer import Synchronizer, SyncTask
    from booking_sync.tokens import AppCredential
    from booking_sync.worker import ChangeWorker

Ran = TypeVar("Ran")

SETTINGS_RETRY_SECONDS = 60.0
"""How long messages wait for an administrator to mend the settings; saving them restarts the app anyway."""

CLIENT_SECRET_VARIABLE = "ENTRA_CLIENT_SECRET"  # noqa: S105 - the variable's name, no secret
"""Holds the app registration's secret for the command line, where there is no vault to read it from."""

CUSTOMIZING_SECONDS = 300.0
"""How long Dataverse may take over one change of a table's definition; columns take minutes at times."""

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
        self._shelf: BlobShelf | None = None
        self._keeper: JournalKeeper | None = None
        self._desk: OperationsDesk | None = None
        self._start_problem = ""
        """Why the sync could not be started when it was last tried."""
        self._opening = asyncio.Lock()
        # One failure opens it: whoever waited for the same start need not try it again, one after the other.
        self._starting = Circuit("The app's start", _loop_time, random.random, failures_to_open=1)

    async def receive(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Take one webhook.

        Raises:
            SettingsError: what the webhook needs is missing or malformed.
        """
        if self._receiver is None:
            self._receiver = self._make_receiver()
        return await self._receiver.receive(body, headers)

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

    async def audit(self, order: AuditOrder | None = None) -> AuditReport:
        """Compare calendars with bookings, and queue what is to be mended.

        Args:
            order: what to do; None for what the settings say.

        Raises:
            SettingsError: the queue's own settings are missing or malformed.
            SyncError: Dataverse could not be listed completely, or the queue not be reached.
        """
        from booking_sync.audit.report import AuditReport
        from booking_sync.operations.journal import RunKind

        return await self._noting(RunKind.AUDIT, self._run_audit(order), AuditReport.tally)

    async def audit_on_demand(self, body: bytes) -> Answer:
        """Run the audit that an HTTP body orders.

        Raises:
            SettingsError: the queue's own settings are missing or malformed.
        """
        from booking_sync.audit.endpoint import answer_order

        return await answer_order(body, self.audit)

    def page(self) -> Page:
        """The operator's page, without any data."""
        from booking_sync.operations.page import operators_page

        return operators_page()

    async def health(self, *, told_all: bool) -> Answer:
        """Whether the app works; `told_all` for those who may know what is wrong."""
        return await (self._open_desk().health() if told_all else self._open_desk().probe())

    async def status(self) -> Answer:
        """Everything that the operator's page shows."""
        return await self._open_desk().status()

    async def replay(self, headers: Mapping[str, str], body: bytes) -> Answer:
        """Try dead letters again, as an operator orders."""
        return await self._open_desk().replay(headers, body)

    async def resync(self, headers: Mapping[str, str], body: bytes) -> Answer:
        """Bring bookings in step again, as an operator orders."""
        return await self._open_desk().resync(headers, body)

    async def aclose(self) -> None:
        """Close every connection; for tests and tools, since the Functions host just ends the process."""
        if self._keeper:
            await self._keeper.aclose()
        if self._shelf:
            await self._shelf.aclose()
        if self._machinery:
            await self._machinery.aclose()
        if self._queue:
            await self._queue.aclose()

    def _open_queue(self) -> StorageChangeQueue:
        from booking_sync.azure.queue import open_queue
        from booking_sync.log import quiet_libraries

        if self._queue is None:
            quiet_libraries()
            settings = load_receiver_settings(self._environ)
            self._queue = open_queue(settings.storage, settings.queue_name, now)
        return self._queue

    def _make_receiver(self) -> Receiver:
        from booking_sync.receiver import Receiver

        settings = load_receiver_settings(self._environ)
        return Receiver(self._open_queue(), settings.policy, now, new_id)

    def _make_worker(self) -> ChangeWorker:
        from booking_sync.worker import BackOff, ChangeWorker

        return ChangeWorker(
            self._open_work,
            self._open_queue(),
            now,
            self._max_age(),
            BackOff(random.random),
            witness=self._open_keeper().outcome,
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

    async def _run_audit(self, order: AuditOrder | None) -> AuditReport:
        from booking_sync.audit.auditor import AuditOrder

        if self._auditor is None:
            self._auditor = await self._make_auditor()
        return await self._auditor.run(order or AuditOrder(fix=load_settings(self._environ).audit_repair))

    async def _noting(
        self, kind: RunKind, run: Awaitable[Ran], tally: Callable[[Ran], Mapping[str, int]]
    ) -> Ran:
        """What the run returns or raises, its end noted in the journal."""
        try:
            done = await run
        except SyncError as error:
            await self._open_keeper().ran(kind, {}, error.reason)
            raise
        await self._open_keeper().ran(kind, tally(done))
        return done

    def _open_keeper(self) -> JournalKeeper:
        from booking_sync.operations.keeper import JournalKeeper

        if self._keeper is None:
            self._keeper = JournalKeeper(self._open_shelf, new_id(), now, self._closed_mailboxes)
        return self._keeper

    def _open_shelf(self) -> BlobShelf | None:
        from booking_sync.azure.shelf import open_shelf

        self._shelf = open_shelf(load_receiver_settings(self._environ).storage)
        return self._shelf

    def _closed_mailboxes(self) -> Mapping[str, float]:
        return self._machinery.calendar.closed() if self._machinery else {}

    def _open_desk(self) -> OperationsDesk:
        from booking_sync.operations.desk import OperationsDesk
        from booking_sync.operations.health import HealthProbe
        from booking_sync.operations.overview import OverviewSources

        if self._desk is None:
            probe = HealthProbe(
                lambda: timedelta(minutes=load_settings(self._environ).catch_up_look_back_minutes),
                lambda: self._open_queue().inspection(),
                self._open_keeper,
                lambda: self._start_problem,
                now,
            )
            sources = OverviewSources(
                probe,
                self._open_keeper,
                open_poison=lambda: self._open_queue().inspection(),
                open_failures=self._open_failures,
                link=self._link,
                now=now,
            )
            self._desk = OperationsDesk(sources, self._open_orders)
        return self._desk

    def _open_orders(self) -> Orders:
        from booking_sync.operations.orders import Orders

        queue = self._open_queue()
        return Orders(queue.inspection(), queue, now, new_id)

    async def _open_failures(self) -> DataverseFailures:
        return (await self._open_machinery()).failures

    def _link(self, booking_id: str) -> str:
        from booking_sync.domain.rendering import booking_url

        return booking_url(self._dataverse_url, booking_id) if self._dataverse_url else ""

    @functools.cached_property
    def _dataverse_url(self) -> str:
        try:
            return load_settings(self._environ).dataverse_url
        except SettingsError:
            return ""  # the page tells what is wrong, and goes without links

    async def _open_work(self) -> WorkerBench:
        from booking_sync.fan_out import FanOut

        machinery = await self._open_machinery()
        if self._bench is None:
            look_back = timedelta(days=load_settings(self._environ).audit_days_back)
            fan_out = FanOut(machinery.related, self._open_queue(), look_back, now)
            self._bench = WorkerBench(machinery, fan_out)
        return self._bench

    async def _make_catch_up(self) -> CatchUp:
        from booking_sync.catch_up import CatchUp, Window

        machinery = await self._open_machinery()
        settings = load_settings(self._environ)
        window = Window(
            timedelta(minutes=settings.catch_up_look_back_minutes),
            timedelta(seconds=settings.catch_up_settle_seconds),
        )
        return CatchUp(machinery.rows, self._open_queue(), machinery.wish, window, now=now, new_id=new_id)

    async def _make_auditor(self) -> Auditor:
        from booking_sync.audit.auditor import Auditor, AuditScope, AuditSources

        machinery = await self._open_machinery()
        settings = load_settings(self._environ)
        return Auditor(
            AuditSources(machinery.rows, machinery.rows, machinery.audit_reads, machinery.calendar),
            self._open_queue(),
            machinery.wish,
            machinery.organization_id,
            scope=AuditScope(
                settings.audit_days_back, settings.audit_days_ahead, settings.audit_max_removal_ratio
            ),
            now=now,
            new_id=new_id,
        )

    def _max_age(self) -> timedelta:
        try:
            return timedelta(hours=load_settings(self._environ).message_max_age_hours)
        except SettingsError:
            return DEFAULT_MAX_AGE  # messages must live until somebody has mended the settings

    async def _open_machinery(self) -> Machinery:
        """Make what the sync needs, once; whatever stands in the way of that may pass."""
        async with self._opening:
            if self._machinery is None:
                with self._starting.call() as start:
                    try:
                        self._machinery = await open_machinery(load_settings(self._environ))
                    except (SettingsError, SyncError) as error:
                        self._start_problem = str(error)
                        start.failed(str(error))
                        raise _as_transient(error) from error
                    self._start_problem = ""
                    start.answered()
            return self._machinery


def _as_transient(error: SettingsError | SyncError) -> TransientError:
    """Why the sync could not be opened; even settings and permissions get mended while messages wait."""
    if isinstance(error, TransientError):
        return error
    return TransientError(str(error), retry_after=SETTINGS_RETRY_SECONDS)


@dataclass(frozen=True, slots=True)
class Machinery:
    """All that the sync runs on."""

    batcher: Batcher
    synchronizer: Synchronizer
    credential: AppCredential
    rows: DataverseBookings
    calendar: OutlookCalendar
    audit_reads: DataverseAuditReads
    related: DataverseRelatedBookings
    failures: DataverseFailures
    dataverse: DataverseClient
    """Closed with the rows."""
    wish: Callable[[Booking], Desire]
    organization_id: str

    async def submit(self, task: SyncTask) -> Outcome:
        """Bring a booking in step, in a batch with others."""
        return await self.batcher.submit(task)

    async def give_up(self, booking_id: str, reason: str) -> None:
        """Tell people on the booking's row that it was given up."""
        await self.synchronizer.note_failure(booking_id, reason)

    async def aclose(self) -> None:
        """Close every connection."""
        await self.calendar.aclose()
        await self.rows.aclose()
        await self.credential.close()


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

    async def spread(self, change: RelatedChange) -> Outcome:
        """Queue a hint for each booking that shows the row."""
        return await self.fan_out.spread(change)


@dataclass(frozen=True, slots=True)
class Outside:
    """Where the process ends; benchmarks begin a simulated world here."""

    credential: AppCredential
    now: Clock
    open_wire: Callable[[Pause], Wire] | None = None
    """Makes what requests to Dataverse travel on; None for connections of our own."""
    graph_transport: httpx.AsyncBaseTransport | None = None
    """What requests to Graph travel on; None for connections of our own."""


async def open_machinery(settings: Settings, outside: Outside | None = None) -> Machinery:
    """Wire the sync together.

    Args:
        settings: all of them.
        outside: None for the real one.

    Raises:
        SettingsError: a template can't be used, or the environment is not the one that the settings name.
        TransientError: Dataverse, Entra or Key Vault can't be reached.
        PermanentError: Dataverse refuses the app.
    """
    from booking_sync.azure.credential import open_credential
    from booking_sync.batcher import Batcher
    from booking_sync.dataverse.audit_reads import DataverseAuditReads
    from booking_sync.dataverse.bookings import DataverseBookings
    from booking_sync.dataverse.client import DataverseClient
    from booking_sync.dataverse.failures import DataverseFailures
    from booking_sync.dataverse.related import DataverseRelatedBookings
    from booking_sync.dataverse.schema import SupportColumns
    from booking_sync.outlook.calendar import open_calendar
    from booking_sync.synchronizer import Synchronizer

    wish = make_wish(settings)
    columns = SupportColumns(
        event_id=settings.event_id_column,
        original_resource=settings.original_resource_column,
        sync_state=settings.sync_state_column,
        sync_error=settings.sync_error_column,
    )
    outside = outside or Outside(open_credential(settings), now)
    credential = outside.credential
    dataverse = DataverseClient(
        settings.dataverse_url,
        credential,
        outside.now,
        open_wire=outside.open_wire,
        circuit=Circuit("Dynamics 365", _loop_time, random.random),
    )
    calendar = open_calendar(
        settings.graph_url,
        credential,
        settings.open_extension_name,
        outside.now,
        circuit=Circuit("Graph", _loop_time, random.random),
        transport=outside.graph_transport,
    )
    try:
        organization_id = await _organization(settings, dataverse)
    except BaseException:
        await calendar.aclose()
        await dataverse.aclose()
        await credential.close()
        raise
    rows = DataverseBookings(dataverse, columns, organization_id=organization_id)
    synchronizer = Synchronizer(rows, calendar, wish, organization_id)
    batcher = Batcher(
        synchronizer.sync, max_bookings=settings.batch_max_bookings, linger=settings.batch_linger_seconds
    )
    return Machinery(
        batcher,
        synchronizer,
        credential,
        rows,
        calendar,
        audit_reads=DataverseAuditReads(dataverse),
        related=DataverseRelatedBookings(dataverse),
        failures=DataverseFailures(dataverse, columns.sync_error),
        dataverse=dataverse,
        wish=wish,
        organization_id=organization_id,
    )


def open_sign_in(environ: Mapping[str, str], sign_in: SignIn) -> AppCredential:
    """The credential of a command of the command line; connects at the first token.

    Raises:
        SettingsError: what this way to sign in needs is missing or malformed.
    """
    from booking_sync.azure.credential import VAULT_REMEDY, ClientSecretAppCredential
    from booking_sync.azure.secrets import KeyVaultSecret, SecretText
    from booking_sync.azure.sign_in import EnvironmentSecret, SignIn, open_person

    if sign_in is not SignIn.APP:
        authority = load_part(environ, AuthoritySettings).authority_host
        return open_person(sign_in, environ.get("ENTRA_TENANT_ID", "").strip(), authority)
    app = load_part(environ, RegistrationSettings)
    secret = environ.get(CLIENT_SECRET_VARIABLE, "").strip()
    if secret:
        source: SecretSource = EnvironmentSecret(SecretText(secret))
        remedy = f"correct {CLIENT_SECRET_VARIABLE}"
    else:
        vault = load_part(environ, VaultSettings)
        source = KeyVaultSecret(
            vault.key_vault_url,
            vault.client_secret_name,
            verify_challenge=vault.key_vault_verify_challenge,
        )
        remedy = VAULT_REMEDY
    return ClientSecretAppCredential(
        app.tenant_id, app.client_id, source, authority=app.authority_host, remedy=remedy
    )


@asynccontextmanager
async def open_dataverse(
    environ: Mapping[str, str], sign_in: SignIn, timeouts: Timeouts | None = None
) -> AsyncIterator[DataverseClient]:
    """The environment's Web API for a command of the command line.

    Raises:
        SettingsError: a setting is missing or malformed, or the environment is not the one that they name.
        TransientError: Dataverse, Entra or Key Vault can't be reached.
        PermanentError: Dataverse refuses us, or nobody is signed in.
    """
    from booking_sync.dataverse.client import DataverseClient
    from booking_sync.dataverse.transport import Timeouts

    settings = load_part(environ, EnvironmentSettings)
    async with open_sign_in(environ, sign_in) as credential:
        client = DataverseClient(
            settings.dataverse_url, credential, now, workers=4, timeouts=timeouts or Timeouts()
        )
        try:
            check_organization(settings.organization_id, (await client.who_am_i()).organization_id)
            yield client
        finally:
            await client.aclose()


@asynccontextmanager
async def open_provisioning(
    environ: Mapping[str, str], sign_in: SignIn, webhook_key: str, *, trust_fingerprint: bool = True
) -> AsyncIterator[DataverseEnvironment]:
    """What `provision` works on; raises as `open_dataverse`.

    Args:
        environ: the settings.
        sign_in: who signs in.
        webhook_key: the function's key; empty: leave the one that is there.
        trust_fingerprint: False writes the key once, whatever the webhook's description says of it.
    """
    from booking_sync.dataverse.provisioning import DataverseEnvironment, WebhookKey
    from booking_sync.dataverse.transport import Timeouts

    patient = Timeouts(read=CUSTOMIZING_SECONDS)
    async with open_dataverse(environ, sign_in, patient) as client:
        yield DataverseEnvironment(
            client, WebhookKey(webhook_key), secrets.token_bytes, trust_fingerprint=trust_fingerprint
        )


def make_wish(settings: Settings) -> Callable[[Booking], Desire]:
    """What Outlook should show of a booking, by these settings.

    Raises:
        SettingsError: a template can't be used.
    """
    from booking_sync.domain.plan import desire
    from booking_sync.domain.rendering import BadTemplateError, EventRenderer, EventStyle
    from booking_sync.domain.zones import event_zone

    style = EventStyle(
        event_zone(settings.event_time_zone),
        settings.dataverse_url,
        settings.event_subject_template,
        settings.event_body_template,
    )
    try:
        renderer = EventRenderer(style)
    except BadTemplateError as error:
        raise SettingsError(
            f"EVENT_SUBJECT_TEMPLATE or EVENT_BODY_TEMPLATE can't be used: {error}"
        ) from error
    return functools.partial(desire, render=renderer.render, require_work_order=settings.require_work_order)


async def _organization(settings: Settings, dataverse: DataverseClient) -> str:
    """The environment's organisation, which must be the one the settings speak of when they do.

    A copy of an environment keeps its webhooks and its app's settings may be copied with it; it must not
    reach people's calendars.
    """
    actual = (await dataverse.who_am_i()).organization_id
    check_organization(settings.organization_id, actual)
    return actual


def check_organization(expected: str, actual: str) -> None:
    """Compare what the settings say, if they do, with what the environment says.

    Raises:
        SettingsError: they differ.
    """
    if expected and actual.lower() != expected:
        raise SettingsError(
            f"DATAVERSE_URL leads to organisation {actual}, but DATAVERSE_ORGANIZATION_ID is "
            f"{expected}; nothing is written until they agree."
        )


def now() -> datetime:
    """The time of day, UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """A fresh GUID's text."""
    return str(uuid.uuid4())


def _loop_time() -> float:
    return asyncio.get_running_loop().time()


@functools.cache
def application() -> Application:
    """This process's app, by its environment."""
    return Application(os.environ)
