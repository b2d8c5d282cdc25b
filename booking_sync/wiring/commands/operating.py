"""What the commands that operate a running sync or provision Dataverse work with.

What a command does not touch connects to nothing. SDKs are imported at their first use: by then a settings
file has become the process's environment, which TLS libraries read at their import.
"""

from __future__ import annotations

import secrets
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from booking_sync.bulk.adoption import Adopter, AdoptionSources
from booking_sync.bulk.purge import Purge, PurgeSources
from booking_sync.bulk.queueing import Queueing
from booking_sync.bulk.resync import Resync, ResyncSources
from booking_sync.domain.plan import Unwanted
from booking_sync.domain.timers import Timer
from booking_sync.errors import SyncError
from booking_sync.operations.operator_actions import OperatorActions
from booking_sync.plumbing.patience import Patience
from booking_sync.settings.loading import load_part
from booking_sync.settings.parts import ReturnSettings
from booking_sync.sync.catch_up import Standing, standing
from booking_sync.sync.sending import Pace, PacedSender
from booking_sync.wiring.basics import new_id, now
from booking_sync.wiring.services import ClientOptions, Services
from booking_sync.wiring.storage import StorageServices

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
    from datetime import datetime

    from booking_sync.audit.auditor import Auditor
    from booking_sync.azure.entra.sign_in import SignIn
    from booking_sync.azure.storage.poison import StoragePoisonQueue
    from booking_sync.azure.storage.queue import StorageChangeQueue
    from booking_sync.bulk.adoption import Extension
    from booking_sync.bulk.queueing import Checkpoint, Selection
    from booking_sync.dataverse.customizations.app_users import DataverseAppUsers
    from booking_sync.dataverse.customizations.environment import DataverseCustomizations
    from booking_sync.domain.events.event_text.columns import EventColumn
    from booking_sync.domain.record import BookingRow
    from booking_sync.ports.dataverse.bookings import BookingQuery
    from booking_sync.ports.outlook.calendars import MarkedEvents
    from booking_sync.wiring.status import NameSources
    from booking_sync.wiring.sync import SyncServices

CUSTOMIZING = ClientOptions(for_sync=False, dataverse_requests=4, dataverse_seconds=300.0)
"""Dataverse may take minutes over one change of a table's definition."""


@dataclass(frozen=True, slots=True)
class FormerSync:
    """What another program left of its events."""

    event_column: str = ""
    """Logical name; empty for none."""
    mailbox_column: str = ""
    """Logical name; empty for none."""
    extension: Extension | None = None


class Queues:
    """The change queue and its poison queue.

    Args:
        storage: the account they lie in; stays the caller's to close.

    Raises:
        SettingsError: its settings are missing or malformed.
    """

    def __init__(self, storage: StorageServices) -> None:
        self.changes: StorageChangeQueue = storage.queue
        self.inspection: StoragePoisonQueue = storage.inspection

    def actions(self) -> OperatorActions:
        """What an operator can do to the queues."""
        return OperatorActions(self.inspection, self.changes, now, new_id)

    def sender(self, pace: Pace, waiting: Callable[[int], None]) -> PacedSender:
        """Puts many hints on the queue, at this pace."""
        return PacedSender(self.changes, self.inspection, pace, waiting=waiting)


class UseCases:
    """What operators do to a running sync; a command takes the one it is about.

    Args:
        sync: signed in as the command line says; stays the caller's to close.
    """

    def __init__(self, sync: SyncServices) -> None:
        self._sync = sync
        self._services = sync.services
        self._patience = Patience()
        self.removals = 0
        """How many of the bookings that were compared so far lose their event."""
        self.queues = Queues(sync.services.storage)

    @property
    def names(self) -> NameSources:
        """What people call bookings and technicians."""
        from booking_sync.wiring.status import name_sources

        return name_sources(self._sync)

    @property
    def horizon(self) -> datetime:
        """Bookings that start earlier are history, which neither audit nor webhooks rewrite; aware, UTC."""
        return now() - timedelta(days=self._sync.settings.audit_days_back)

    def queueing(self, selection: Selection, progress: Callable[[Checkpoint], None]) -> Queueing:
        """Queues every booking that matches.

        Args:
            selection: what is to be queued; only where bookings are compared does it matter who reads them.
            progress: told the checkpoint each time that it moves.
        """

        def is_behind(row: BookingRow) -> bool:
            found = standing(row, self._sync.desired_state)
            if found is Standing.BEHIND and row.record.event:
                self.removals += isinstance(self._sync.desired_state(row.booking), Unwanted)
            return found is not Standing.IN_STEP

        rows = self._sync.rows if selection.only_behind else self._sync.bare_rows
        return Queueing(rows, is_behind, self._patience, progress)

    async def count(self, query: BookingQuery) -> int | None:
        """How many bookings a query describes, for an estimate; None when nobody can tell just now."""
        try:
            return await self._sync.bare_rows.count_bookings(query)
        except SyncError:
            return None

    def resync(self) -> Resync:
        """Queues single bookings to be written whatever their records say."""
        sources = ResyncSources(self._sync.bare_rows, self._sync.bare_rows, self._services.resources)
        return Resync(sources, self._patience)

    def auditor(self, watch: Callable[[MarkedEvents], MarkedEvents]) -> Auditor:
        """Compares calendars with bookings.

        Args:
            watch: put around the calendars, to tell how far the audit is.
        """
        return self._sync.auditor(watch(self._services.calendar))

    def purge(self) -> Purge:
        """Removes what we made."""
        sync, services = self._sync, self._services
        sources = PurgeSources(
            sync.bare_rows,
            sync.bare_rows,
            services.audit_reads,
            services.calendar,
            services.calendar,
            sync.prover,
        )
        return Purge(sources, sync.desired_state, sync.organization_id, self._patience)

    async def end_subscriptions(self) -> int:
        """End what Graph was asked to report to this app; how many there were.

        Raises:
            SyncError: not all could be ended.
        """
        from booking_sync.sync.from_outlook.watch import end_all

        url = self._sync.settings.notification_url
        return await end_all(self._services.calendar.subscriptions, url) if url else 0

    def adopter(self, former: FormerSync, *, dry_run: bool) -> Adopter:
        """Makes another program's events ours.

        Raises:
            ValueError: a column's name can't be one.
        """
        from booking_sync.dataverse.resources import DataverseFormerRecords

        sync, services = self._sync, self._services
        records = None
        if former.event_column:
            records = DataverseFormerRecords(services.dataverse, former.event_column, former.mailbox_column)
        sources = AdoptionSources(
            sync.bare_rows,
            services.calendar,
            services.calendar,
            services.resources,
            records,
            former.extension,
        )
        return Adopter(sources, sync.desired_state, sync.prover.sealer, self._patience, dry_run=dry_run)

    async def last_catch_up(self) -> datetime | None:
        """When the app's catch-up ended last, as far as the app's journal tells; aware, UTC.

        Raises:
            SyncError: the journal can't be read.
        """
        run = await self._services.storage.journal().last(Timer.CATCH_UP)
        return run.finished if run else None


@asynccontextmanager
async def open_use_cases(environ: Mapping[str, str], sign_in: SignIn) -> AsyncIterator[UseCases]:
    """Everything, signed in as this command line says.

    Raises:
        SettingsError: a setting is missing or malformed, or the environment is not the one that they name.
        TransientError: Dataverse, Entra or Key Vault can't be reached.
        PermanentError: Dataverse refuses us, or nobody is signed in.
    """
    from booking_sync.wiring.sync import start_sync

    async with Services(environ, sign_in=sign_in) as services:
        yield UseCases(await start_sync(services))


@asynccontextmanager
async def open_queues(environ: Mapping[str, str]) -> AsyncIterator[Queues]:
    """The queues alone, which need the storage account's settings and nothing else.

    Raises:
        SettingsError: these are missing or malformed.
    """
    async with StorageServices(environ) as storage:
        yield Queues(storage)


@dataclass(frozen=True, slots=True)
class Provisioning:
    """What `provision` works on."""

    customizations: DataverseCustomizations
    app_users: DataverseAppUsers
    organization_id: str
    """Of the environment."""
    event_columns: tuple[EventColumn, ...]
    """Those that the event file names; their steps are filtered by them."""
    event_tables: frozenset[str]
    """Logical names of the tables that they lead to."""

    end_subscriptions: Callable[[], Awaitable[int]]
    """Ends what Graph was asked to report to NOTIFICATION_URL, as the app; how many there were.

    Raises `SyncError` where Graph or Entra refuses or can't be reached, `SettingsError` without its settings.
    """
    make_key: Callable[[], Awaitable[bool]]
    """Makes the key of notifications, unless there is one; whether there was none.

    Raises `TransientError` where the vault refuses or can't be reached, `SettingsError` without its settings.
    """

    async def try_webhook(self, url: str, key: str) -> int:
        """The status that a webhook is answered with which the app ignores; 0 for no answer."""
        from booking_sync.azure.trials.webhooks import WebhookTrials

        return await WebhookTrials(url, key).post_one()


@asynccontextmanager
async def open_provisioning(
    environ: Mapping[str, str],
    sign_in: SignIn,
    webhook_key: str,
    *,
    trust_fingerprint: bool = True,
    with_events: bool = True,
) -> AsyncIterator[Provisioning]:
    """What `provision` works on.

    Args:
        environ: the settings.
        sign_in: who signs in.
        webhook_key: the function's key; empty: leave the one that is there.
        trust_fingerprint: False writes the key once, whatever the webhook's description says of it.
        with_events: whether it matters what events show.

    Raises:
        SettingsError: a setting or the event file can't be used, or the environment is not the one that the
            settings name.
        TransientError: Dataverse, Entra or Key Vault can't be reached.
        PermanentError: Dataverse refuses us, or nobody is signed in.
    """
    from booking_sync.dataverse.customizations.app_users import DataverseAppUsers
    from booking_sync.dataverse.customizations.environment import DataverseCustomizations
    from booking_sync.dataverse.customizations.webhook_key import WebhookKey
    from booking_sync.dataverse.event_columns.definitions import DataverseTableDefinitions
    from booking_sync.event_file.tables import tables_on
    from booking_sync.settings.parts import EnvironmentSettings

    async with Services(environ, sign_in=sign_in, options=CUSTOMIZING) as services:
        organization_id = await services.check_organization()
        columns = await services.event_columns(services.event_file()) if with_events else ()
        customizations = DataverseCustomizations(
            services.dataverse,
            WebhookKey(webhook_key),
            secrets.token_bytes,
            trust_fingerprint=trust_fingerprint,
        )
        yield Provisioning(
            customizations,
            DataverseAppUsers(services.dataverse, services.part(EnvironmentSettings).dataverse_url),
            organization_id.lower(),
            columns,
            await tables_on(columns, DataverseTableDefinitions(services.dataverse)),
            partial(_end_subscriptions, environ),
            partial(_make_notification_key, environ),
        )


async def _end_subscriptions(environ: Mapping[str, str]) -> int:
    """Whoever signs in sees none of them: they are the app registration's."""
    from booking_sync.azure.entra.sign_in import SignIn
    from booking_sync.sync.from_outlook.watch import end_all

    url = load_part(environ, ReturnSettings).notification_url
    if not url:
        return 0
    async with Services(environ, sign_in=SignIn.APP, options=CUSTOMIZING) as app:
        return await end_all(app.calendar.subscriptions, url)


async def _make_notification_key(environ: Mapping[str, str]) -> bool:
    from booking_sync.domain.return_path.client_state import KEY_BYTES
    from booking_sync.settings.parts import SealKeySettings
    from booking_sync.wiring.from_outlook import notification_keys

    keys = notification_keys(load_part(environ, SealKeySettings), now)
    try:
        return await keys.make(secrets.token_hex(KEY_BYTES))
    finally:
        await keys.close()
