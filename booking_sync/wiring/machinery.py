"""What the sync runs on: the protocol, its adapters, and the batching between them."""

from __future__ import annotations

import functools
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from booking_sync.errors import SettingsError
from booking_sync.plumbing.circuit import Circuit
from booking_sync.wiring.ambient import loop_time, new_id, now

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from booking_sync.audit.auditor import Auditor
    from booking_sync.azure.seal_keys import VaultSealKeys
    from booking_sync.dataverse.audit_reads import DataverseAuditReads
    from booking_sync.dataverse.bookings import DataverseBookings
    from booking_sync.dataverse.failures import DataverseFailures
    from booking_sync.dataverse.related import DataverseRelatedBookings
    from booking_sync.dataverse.web_api.client import DataverseClient
    from booking_sync.dataverse.web_api.pause import Pause
    from booking_sync.dataverse.web_api.transport import Wire
    from booking_sync.domain.outcome import Outcome
    from booking_sync.domain.plan import DesiredStateRule
    from booking_sync.outlook.calendar import OutlookCalendar
    from booking_sync.ports.calendars import MarkedEvents
    from booking_sync.ports.clock import Clock
    from booking_sync.ports.credentials import AppCredential
    from booking_sync.ports.keys import OpenKeyring
    from booking_sync.ports.queues import ChangeQueue
    from booking_sync.settings.table import SealKeySettings, Settings
    from booking_sync.sync.per_booking import Batcher
    from booking_sync.sync.proof import EventProver
    from booking_sync.sync.synchronizer import Synchronizer, SyncTask


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
    desired_state: DesiredStateRule
    prover: EventProver

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
        await self.prover.keyring.close()


@dataclass(frozen=True, slots=True)
class Outside:
    """Where the process ends; benchmarks begin a simulated world here."""

    credential: AppCredential
    now: Clock
    keyring: OpenKeyring
    """The keys that seal; closed with the machinery."""
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
    from booking_sync.dataverse.audit_reads import DataverseAuditReads
    from booking_sync.dataverse.bookings import DataverseBookings
    from booking_sync.dataverse.failures import DataverseFailures
    from booking_sync.dataverse.related import DataverseRelatedBookings
    from booking_sync.dataverse.web_api.client import DataverseClient
    from booking_sync.outlook.calendar import open_calendar
    from booking_sync.sync.per_booking import Batcher
    from booking_sync.sync.synchronizer import Synchronizer

    desired_state = desired_state_rule(settings)
    outside = outside or Outside(open_credential(settings), now, open_keyring(settings))
    credential = outside.credential
    dataverse = DataverseClient(
        settings.dataverse_url,
        credential,
        outside.now,
        open_wire=outside.open_wire,
        circuit=Circuit("Dynamics 365", loop_time, random.random),
    )
    calendar = open_calendar(
        settings.graph_url,
        credential,
        settings.open_extension_name,
        outside.now,
        circuit=Circuit("Graph", loop_time, random.random),
        transport=outside.graph_transport,
    )
    try:
        organization_id = await checked_organization(settings.organization_id, dataverse)
        await outside.keyring.load()
    except BaseException:
        await calendar.aclose()
        await dataverse.aclose()
        await credential.close()
        await outside.keyring.close()
        raise
    prover = make_prover(calendar, organization_id, outside.keyring, outside.now)
    rows = DataverseBookings(dataverse, settings.columns, prover.sealer, outside.keyring)
    synchronizer = Synchronizer(rows, calendar, desired_state, prover, outside.now)
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
        failures=DataverseFailures(dataverse, settings.columns.sync_error),
        dataverse=dataverse,
        desired_state=desired_state,
        prover=prover,
    )


def open_keyring(settings: SealKeySettings | Settings) -> VaultSealKeys:
    """The keys that seal records and events; reads nothing yet."""
    from booking_sync.azure.seal_keys import VaultSealKeys

    return VaultSealKeys(
        settings.key_vault_url,
        settings.seal_key_name,
        now,
        verify_challenge=settings.key_vault_verify_challenge,
    )


def make_prover(
    calendar: OutlookCalendar, organization_id: str, keyring: OpenKeyring, clock: Clock
) -> EventProver:
    """Proves events of this organisation to be ours."""
    from booking_sync.domain.ownership import Sealer
    from booking_sync.sync.proof import EventProver

    return EventProver(calendar, Sealer(organization_id, keyring.keys, clock, random.getrandbits), keyring)


def desired_state_rule(settings: Settings) -> DesiredStateRule:
    """What Outlook should show of a booking, by these settings.

    Raises:
        SettingsError: a template can't be used.
    """
    from booking_sync.domain.plan import desired_state
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
    return functools.partial(
        desired_state, render=renderer.render, require_work_order=settings.require_work_order
    )


async def checked_organization(expected: str, dataverse: DataverseClient) -> str:
    """The environment's organisation, which must be the one that the settings name when they do.

    A copy of an environment keeps its webhooks and its app's settings may be copied with it; it must not
    reach people's calendars.

    Args:
        expected: the setting, in lower case; empty: not checked.
        dataverse: the environment.

    Raises:
        SettingsError: they differ.
        TransientError: the environment can't be asked now.
        PermanentError: it refuses us.
    """
    actual = (await dataverse.who_am_i()).organization_id
    if expected and actual.lower() != expected:
        raise SettingsError(
            f"DATAVERSE_URL leads to organisation {actual}, but DATAVERSE_ORGANIZATION_ID is "
            f"{expected}; nothing is written until they agree."
        )
    return actual


def make_auditor(
    machinery: Machinery, settings: Settings, queue: ChangeQueue, calendars: MarkedEvents | None = None
) -> Auditor:
    """Compares calendars with bookings.

    Args:
        machinery: what it reads with.
        settings: its scope.
        queue: where hints go.
        calendars: instead of the machinery's own, to watch what is listed.
    """
    from booking_sync.audit.auditor import Auditor, AuditScope, AuditSources

    return Auditor(
        AuditSources(
            machinery.rows,
            machinery.rows,
            machinery.audit_reads,
            calendars or machinery.calendar,
            machinery.prover,
        ),
        queue,
        machinery.desired_state,
        machinery.prover.sealer.organization_id,
        scope=AuditScope(
            settings.audit_days_back, settings.audit_days_ahead, settings.audit_max_removal_ratio
        ),
        now=now,
        new_id=new_id,
    )
