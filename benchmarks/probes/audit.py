"""One audit of a tenant of this size, in a process of its own: `python -m benchmarks.probes.audit 60 300`."""

from __future__ import annotations

import asyncio
import functools
import json
import resource
import sys
import time
import uuid
from datetime import datetime, timedelta
from typing import Any

from benchmarks.common.seals import KEYRING, sealer
from benchmarks.simulated.crowd import DATAVERSE_URL, FIRST, GRAPH_URL, Crowd, CrowdSize
from benchmarks.simulated.world import Credential
from booking_sync.audit.auditor import Auditor, AuditRequest, AuditScope
from booking_sync.audit.inspection import AuditSources, Inspector
from booking_sync.audit.mending import Mender
from booking_sync.dataverse.bookings import DataverseBookings
from booking_sync.dataverse.reads.audit_reads import DataverseAuditReads
from booking_sync.dataverse.web_api.client import DataverseClient
from booking_sync.domain.environment.columns import SupportColumns
from booking_sync.domain.events.event_text.renderer import EventRenderer, EventStyle
from booking_sync.domain.events.zones import event_zone
from booking_sync.domain.plan import desired_state
from booking_sync.outlook.calendar import OutlookCalendar
from booking_sync.outlook.graph import errors
from booking_sync.outlook.graph.batch import BatchSender
from booking_sync.outlook.graph.client import GraphClient
from booking_sync.outlook.graph.scheduler import BatchScheduler
from booking_sync.sync.booking.proof import EventProver

ORGANIZATION = "5b2d9f0e-7a4c-4f44-8a3c-0f6f3f1f7a10"


class _NoQueue:
    """Everything is in step, so that nothing is queued."""

    async def send(self, change: object, delay: float = 0.0) -> None:
        raise NotImplementedError(change, delay)

    async def dead_letter(self, message: str, reason: str) -> None:
        raise NotImplementedError(message, reason)


def _first() -> datetime:
    return FIRST


def _auditor(size: CrowdSize) -> tuple[Auditor, Crowd]:
    renderer = EventRenderer(EventStyle(event_zone("Europe/Berlin"), DATAVERSE_URL))
    rule = functools.partial(desired_state, render=renderer.render, require_work_order=True)
    seals, now = sealer(ORGANIZATION), _first
    crowd = Crowd(size, rule, seals, ORGANIZATION)
    client = DataverseClient(DATAVERSE_URL, Credential(), now, open_wire=lambda _pause: crowd)
    rows = DataverseBookings(client, SupportColumns(), seals, KEYRING)
    batches = BatchScheduler(
        BatchSender(crowd, Credential(), now).send, lambda answer: errors.mailbox_pause(answer, now())
    )
    calendar = OutlookCalendar(GraphClient(GRAPH_URL, Credential()), batches, extension_name="", now=now)
    reads = DataverseAuditReads(client, SupportColumns())
    sources = AuditSources(rows, rows, reads, calendar, EventProver(calendar, seals, KEYRING))
    days = timedelta(hours=4 * size.bookings).total_seconds() / 86400 + 1
    auditor = Auditor(
        Inspector(sources, rule, ORGANIZATION),
        Mender(_NoQueue(), 0.2, now),
        reads,
        scope=AuditScope(days_back=1, days_ahead=days),
        now=now,
        new_id=lambda: str(uuid.uuid4()),
    )
    return auditor, crowd


async def _run(size: CrowdSize) -> dict[str, Any]:
    auditor, crowd = _auditor(size)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.process_time()
    report = await auditor.run(AuditRequest(fix=True))
    spent = time.process_time() - started
    sums = report.progress.sums
    whole = size.technicians * size.bookings
    if (sums.mailboxes, sums.rows, sums.events, report.counts()) != (size.technicians, whole, whole, {}):
        raise RuntimeError(f"the audit did not see everything in step: {report}")
    return {
        "rows": sums.rows,
        "requests": crowd.requests,
        "cpu_seconds": spent - crowd.made_seconds,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "before_mb": before / 1024,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_run(CrowdSize(*map(int, sys.argv[1:3]))))))
