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
import sys
import time
from typing import TYPE_CHECKING, Any

from benchmarks.probes.trace import Trace

if TYPE_CHECKING:
    from booking_sync.sync.booking.per_booking import PerBookingRunner
    from booking_sync.wiring.services import Services

IMPORTS = (
    ("function_app", ("function_app",)),
    ("storage queue SDK", ("booking_sync.azure.storage.queue",)),
    (
        "templates and zones",
        ("booking_sync.domain.events.event_text.renderer", "booking_sync.domain.events.zones"),
    ),
    ("Entra and Key Vault SDKs", ("booking_sync.azure.entra.credential",)),
    (
        "requests, Dataverse adapter",
        ("booking_sync.dataverse.bookings", "booking_sync.dataverse.reads.audit_reads"),
    ),
    ("Graph SDK, Outlook adapter", ("booking_sync.outlook.calendar",)),
    (
        "use cases",
        (
            "booking_sync.sync.booking.per_booking",
            "booking_sync.sync.booking.synchronizer",
            "booking_sync.sync.worker",
        ),
    ),
)


def import_all() -> list[tuple[str, float]]:
    """Seconds of each group of imports."""
    found = []
    for label, modules in IMPORTS:
        started = time.perf_counter()
        for module in modules:
            importlib.import_module(module)
        found.append((label, time.perf_counter() - started))
    return found


async def start(services: Services, trace: Trace) -> PerBookingRunner:
    """As `wiring.sync.start_sync`, step by step and watched."""
    from benchmarks.probes.trace import TracedCalendar, TracedRows
    from booking_sync.sync.booking.per_booking import PerBookingRunner
    from booking_sync.sync.booking.proof import EventProver
    from booking_sync.sync.booking.synchronizer import Synchronizer
    from booking_sync.wiring.sync import Events, Observers, SyncServices, desired_state_rule, event_renderer

    settings = services.settings()
    with trace.span("templates compiled"):
        renderer = event_renderer(settings, services.event_file())
        rule = desired_state_rule(settings, renderer)
    with trace.span("clients made"):
        _, calendar = services.dataverse, services.calendar
    with trace.span("WhoAmI"):
        organization_id = await services.check_organization()
    with trace.span("seal keys"):
        await services.seal_keys.load()
    sync, traced = (
        SyncServices(services, settings, organization_id, Events(renderer), Observers()),
        TracedCalendar(calendar, trace),
    )
    prover = EventProver(traced, sync.prover.sealer, services.seal_keys)
    synchronizer = Synchronizer(TracedRows(sync.rows, trace), traced, rule, prover, services.clock)
    return PerBookingRunner(
        synchronizer.sync, max_bookings=settings.batch_max_bookings, linger=settings.batch_linger_seconds
    )


async def measure(booking_ids: list[str]) -> dict[str, Any]:
    """Milliseconds: `imports` and `opening` by part, and of each booking its spans from its start."""
    imports = import_all()
    from benchmarks.probes.traced_services import TracedServices
    from booking_sync.domain.outcome import OutcomeKind
    from booking_sync.sync.booking.task import SyncTask

    trace = Trace()
    services = TracedServices(os.environ, trace)
    runner = await start(services, trace)
    opening = trace.take()
    bookings = []
    for booking_id in booking_ids:
        started = time.perf_counter()
        with trace.span("booking"):
            outcome = await runner.submit(SyncTask(booking_id))
        if outcome.kind is not OutcomeKind.SYNCED:
            raise RuntimeError(f"the booking was not synced: {outcome.kind} {outcome.detail}")
        bookings.append(
            [[each.name, (each.start - started) * 1000, (each.end - started) * 1000] for each in trace.take()]
        )
    await services.aclose()
    return {
        "imports": [(label, seconds * 1000) for label, seconds in imports],
        "opening": [(each.name, (each.end - each.start) * 1000) for each in opening],
        "bookings": bookings,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(sys.argv[1:]))))
