"""The composition root's part for commands that operate a running sync: one console, every use case on it.

A console is what one command holds: the sync's own machinery, signed in as the command line says, and the
queues. What a command does not touch connects to nothing. SDKs are imported at their first use: by then a
settings file has become the process's environment, which TLS libraries read at their import.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from booking_sync.azure.sign_in import SignIn
from booking_sync.bulk.adoption import Adopter, AdoptionSources
from booking_sync.bulk.backfill import Backfill
from booking_sync.bulk.purge import Purge, PurgeSources
from booking_sync.bulk.resync import Resync, ResyncSources
from booking_sync.dataverse.resources import DataverseFormerRecords, DataverseResources
from booking_sync.operations.journal import RunKind
from booking_sync.operations.journal_store import JournalStore
from booking_sync.operations.operator_actions import OperatorActions
from booking_sync.plumbing.patience import Patience
from booking_sync.settings.loading import load_queue_settings, load_settings
from booking_sync.sync.catch_up import Standing, standing
from booking_sync.sync.sending import Pace, PacedSender
from booking_sync.wiring.ambient import new_id, now
from booking_sync.wiring.machinery import Outside, make_auditor, open_machinery
from booking_sync.wiring.sign_in import CLIENT_SECRET_VARIABLE, open_command_keyring, open_sign_in

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from datetime import datetime

    from booking_sync.audit.auditor import Auditor
    from booking_sync.azure.poison import StoragePoisonQueue
    from booking_sync.azure.queue import StorageChangeQueue
    from booking_sync.bulk.adoption import Extension
    from booking_sync.bulk.backfill import Checkpoint
    from booking_sync.domain.record import BookingRow
    from booking_sync.ports.calendars import MarkedEvents
    from booking_sync.settings.table import Settings
    from booking_sync.wiring.machinery import Machinery

_NO_VAULT = "https://no-vault.invalid"


@dataclass(frozen=True, slots=True)
class FormerSync:
    """What another program left of its events."""

    event_column: str = ""
    """Logical name; empty for none."""
    mailbox_column: str = ""
    """Logical name; empty for none."""
    extension: Extension | None = None


@dataclass(frozen=True, slots=True)
class Queues:
    """The change queue and its poison queue."""

    changes: StorageChangeQueue
    inspection: StoragePoisonQueue

    def actions(self) -> OperatorActions:
        """What an operator can do to the queues."""
        return OperatorActions(self.inspection, self.changes, now, new_id)

    def sender(self, pace: Pace, waiting: Callable[[int], None]) -> PacedSender:
        """Puts many hints on the queue, at this pace."""
        return PacedSender(self.changes, self.inspection, pace, waiting=waiting)


@dataclass(frozen=True, slots=True)
class Console:
    """What a command works with."""

    settings: Settings
    machinery: Machinery
    queues: Queues
    patience: Patience

    @property
    def horizon(self) -> datetime:
        """Bookings that start earlier are history, which neither audit nor webhooks rewrite; aware, UTC."""
        return now() - timedelta(days=self.settings.audit_days_back)

    def backfill(self, progress: Callable[[Checkpoint], None]) -> Backfill:
        """Queues bookings."""

        def is_behind(row: BookingRow) -> bool:
            return standing(row, self.machinery.desired_state) is not Standing.IN_STEP

        return Backfill(self.machinery.rows, is_behind, self.patience, progress)

    def resync(self) -> Resync:
        """Queues bookings to be written whatever their records say."""
        sources = ResyncSources(
            self.machinery.rows, self.machinery.rows, DataverseResources(self.machinery.dataverse)
        )
        return Resync(sources, self.patience)

    def auditor(self, watch: Callable[[MarkedEvents], MarkedEvents]) -> Auditor:
        """Compares calendars with bookings.

        Args:
            watch: put around the calendars, to tell how far the audit is.
        """
        watched = watch(self.machinery.calendar)
        return make_auditor(self.machinery, self.settings, self.queues.changes, watched)

    def purge(self) -> Purge:
        """Removes what we made."""
        machinery = self.machinery
        sources = PurgeSources(
            machinery.rows,
            machinery.rows,
            machinery.audit_reads,
            machinery.calendar,
            machinery.calendar,
            machinery.prover,
        )
        organization_id = machinery.prover.sealer.organization_id
        return Purge(sources, machinery.desired_state, organization_id, self.patience)

    def adopter(self, former: FormerSync, *, dry_run: bool) -> Adopter:
        """Makes another program's events ours.

        Raises:
            ValueError: a column's name can't be one.
        """
        machinery = self.machinery
        records = None
        if former.event_column:
            records = DataverseFormerRecords(machinery.dataverse, former.event_column, former.mailbox_column)
        sources = AdoptionSources(
            machinery.rows,
            machinery.calendar,
            machinery.calendar,
            DataverseResources(machinery.dataverse),
            records,
            former.extension,
        )
        return Adopter(
            sources, machinery.desired_state, machinery.prover.sealer, self.patience, dry_run=dry_run
        )

    async def last_catch_up(self) -> datetime | None:
        """When the app's catch-up ended last, as far as the app's journal tells; aware, UTC.

        Raises:
            SyncError: the journal can't be read.
        """
        from booking_sync.azure.blob_texts import open_text_store

        text_store = open_text_store(self.settings.storage)
        if text_store is None:
            return None
        try:
            run = await JournalStore(lambda: text_store, new_id(), now, dict).last(RunKind.CATCH_UP)
        finally:
            await text_store.aclose()
        return run.finished if run else None


@asynccontextmanager
async def open_console(environ: Mapping[str, str], sign_in: SignIn) -> AsyncIterator[Console]:
    """Everything, signed in as this command line says.

    Raises:
        SettingsError: a setting is missing or malformed, or the environment is not the one that they name.
        TransientError: Dataverse, Entra or Key Vault can't be reached.
        PermanentError: Dataverse refuses us, or nobody is signed in.
    """
    settings = load_settings(_with_vault(environ, sign_in))
    async with open_queues(environ) as queues:
        keyring = open_command_keyring(environ)
        machinery = await open_machinery(settings, Outside(open_sign_in(environ, sign_in), now, keyring))
        try:
            yield Console(settings, machinery, queues, Patience())
        finally:
            await machinery.aclose()


@asynccontextmanager
async def open_queues(environ: Mapping[str, str]) -> AsyncIterator[Queues]:
    """The queues alone, which need the storage account's settings and nothing else.

    Raises:
        SettingsError: these are missing or malformed.
    """
    from booking_sync.azure.queue import open_queue

    settings = load_queue_settings(environ)
    changes = open_queue(settings.storage, settings.queue_name, now)
    try:
        yield Queues(changes, changes.inspection())
    finally:
        await changes.aclose()


def _with_vault(environ: Mapping[str, str], sign_in: SignIn) -> Mapping[str, str]:
    """The app can't do without a vault; a command that signs in otherwise need not name one."""
    vault_needed = sign_in is SignIn.APP and not environ.get(CLIENT_SECRET_VARIABLE, "").strip()
    if vault_needed or environ.get("KEY_VAULT_URL", "").strip():
        return environ
    return {**environ, "KEY_VAULT_URL": _NO_VAULT}
