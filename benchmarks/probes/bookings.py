"""One process of the worker from its start: what is imported and opened first, then bookings one by one.

`python -m benchmarks.probes.bookings <booking id>...`; the environment holds the app settings. The parts are
wired as `booking_sync.wiring` wires them, with a watch at each seam (`trace`), so that nothing of a
booking's time is unaccounted for. Imports come in the order of first use; what two share counts for the
first.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import random
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.probes.trace import Trace

if TYPE_CHECKING:
    from booking_sync.dataverse.bookings import DataverseBookings
    from booking_sync.outlook.calendar import OutlookCalendar
    from booking_sync.settings.table import Settings
    from booking_sync.sync.synchronizer import Synchronizer

IMPORTS = (
    ("function_app", ("function_app",)),
    ("storage queue SDK", ("booking_sync.azure.queue",)),
    ("templates and zones", ("booking_sync.domain.rendering", "booking_sync.domain.zones")),
    ("Entra and Key Vault SDKs", ("booking_sync.azure.credential",)),
    (
        "requests, Dataverse adapter",
        ("booking_sync.dataverse.bookings", "booking_sync.dataverse.audit_reads"),
    ),
    ("Graph SDK, Outlook adapter", ("booking_sync.outlook.calendar",)),
    (
        "use cases",
        ("booking_sync.sync.per_booking", "booking_sync.sync.synchronizer", "booking_sync.sync.worker"),
    ),
)


@dataclass(frozen=True, slots=True)
class Parts:
    """The machinery, watched."""

    rows: DataverseBookings
    calendar: OutlookCalendar
    credential: Any
    synchronizer: Synchronizer

    async def aclose(self) -> None:
        """Close every connection."""
        await self.calendar.aclose()
        await self.rows.aclose()
        await self.credential.close()


def import_all() -> list[tuple[str, float]]:
    """Seconds of each group of imports."""
    found = []
    for label, modules in IMPORTS:
        started = time.perf_counter()
        for module in modules:
            importlib.import_module(module)
        found.append((label, time.perf_counter() - started))
    return found


async def open_parts(settings: Settings, trace: Trace) -> Parts:
    """As `wiring.machinery.open_machinery`."""
    from benchmarks.probes import trace as watched
    from booking_sync.azure.credential import ClientSecretAppCredential
    from booking_sync.azure.secrets import KeyVaultSecret
    from booking_sync.dataverse.bookings import DataverseBookings
    from booking_sync.dataverse.web_api.client import DataverseClient
    from booking_sync.dataverse.web_api.transport import Timeouts, Transport
    from booking_sync.domain.ownership import Sealer
    from booking_sync.outlook import errors
    from booking_sync.outlook.batch import BatchSender
    from booking_sync.outlook.calendar import OutlookCalendar
    from booking_sync.outlook.client import GraphClient
    from booking_sync.outlook.scheduler import BatchScheduler
    from booking_sync.plumbing.circuit import Circuit
    from booking_sync.sync.proof import EventProver
    from booking_sync.sync.synchronizer import Synchronizer
    from booking_sync.wiring.ambient import now
    from booking_sync.wiring.machinery import desired_state_rule, open_keyring

    loop = asyncio.get_running_loop()
    with trace.span("templates compiled"):
        desired_state = desired_state_rule(settings)
    with trace.span("clients made"):
        source = KeyVaultSecret(
            settings.key_vault_url,
            settings.client_secret_name,
            verify_challenge=settings.key_vault_verify_challenge,
        )
        credential = ClientSecretAppCredential(
            settings.tenant_id,
            settings.client_id,
            watched.TracedSource(source, trace),
            authority=settings.authority_host,
        )
        traced = watched.TracedCredential(credential, trace)
        dataverse = DataverseClient(
            settings.dataverse_url,
            traced,
            now,
            open_wire=lambda pause: watched.TracedWire(Transport(8, Timeouts(), pause), trace),
            circuit=Circuit("Dynamics 365", loop.time, random.random),
        )
        keyring = open_keyring(settings)
        client = GraphClient(settings.graph_url, traced)
        circuit = Circuit("Graph", loop.time, random.random)
        sender = BatchSender(watched.TracedBatches(client, trace), traced, now, circuit)
        batches = BatchScheduler(sender.send, lambda answer: errors.mailbox_pause(answer, now()))
        calendar = OutlookCalendar(client, batches, extension_name=settings.open_extension_name, now=now)
    with trace.span("WhoAmI"):
        organization = (await dataverse.who_am_i()).organization_id
    with trace.span("seal keys"):
        await keyring.load()
    traced_calendar = watched.TracedCalendar(calendar, trace)
    sealer = Sealer(organization, keyring.keys, now, random.getrandbits)
    rows = DataverseBookings(dataverse, settings.columns, sealer, keyring)
    synchronizer = Synchronizer(
        watched.TracedRows(rows, trace),
        traced_calendar,
        desired_state,
        EventProver(traced_calendar, sealer, keyring),
        now,
    )
    return Parts(rows, calendar, traced, synchronizer)


async def measure(booking_ids: list[str]) -> dict[str, Any]:
    """Milliseconds: `imports` and `opening` by part, and of each booking its spans from its start."""
    imports = import_all()
    from booking_sync.domain.outcome import OutcomeKind
    from booking_sync.settings.loading import load_settings
    from booking_sync.sync.per_booking import Batcher
    from booking_sync.sync.synchronizer import SyncTask

    settings, trace = load_settings(os.environ), Trace()
    parts = await open_parts(settings, trace)
    opening = trace.take()
    batcher = Batcher(
        parts.synchronizer.sync,
        max_bookings=settings.batch_max_bookings,
        linger=settings.batch_linger_seconds,
    )
    bookings = []
    for booking_id in booking_ids:
        started = time.perf_counter()
        with trace.span("booking"):
            outcome = await batcher.submit(SyncTask(booking_id))
        if outcome.kind is not OutcomeKind.SYNCED:
            raise RuntimeError(f"the booking was not synced: {outcome.kind} {outcome.detail}")
        bookings.append(
            [[each.name, (each.start - started) * 1000, (each.end - started) * 1000] for each in trace.take()]
        )
    await parts.aclose()
    return {
        "imports": [(label, seconds * 1000) for label, seconds in imports],
        "opening": [(each.name, (each.end - each.start) * 1000) for each in opening],
        "bookings": bookings,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(sys.argv[1:]))))
