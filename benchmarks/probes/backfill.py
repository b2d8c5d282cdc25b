"""One backfill of a tenant of this size, in a process of its own.

`python -m benchmarks.probes.backfill 60 300`: technicians, and bookings of each. Many bookings
start at the same moment, as on every Monday morning. The queue takes everything at once.
"""

from __future__ import annotations

import asyncio
import functools
import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.common.seals import KEYRING, sealer
from benchmarks.simulated.crowd import DATAVERSE_URL, FIRST, Crowd, CrowdSize
from benchmarks.simulated.world import Credential
from booking_sync.bulk.queueing import Checkpoint, Queueing, Selection
from booking_sync.cli.checkpoint import CheckpointFile
from booking_sync.dataverse.bookings import DataverseBookings
from booking_sync.dataverse.web_api.client import DataverseClient
from booking_sync.domain.environment.columns import SupportColumns
from booking_sync.domain.events.event_text.renderer import EventRenderer, EventStyle
from booking_sync.domain.events.zones import event_zone
from booking_sync.domain.plan import desired_state
from booking_sync.plumbing.patience import Patience
from booking_sync.ports.platform.queues import QueueDepths
from booking_sync.sync.sending import Pace, PacedSender

if TYPE_CHECKING:
    from datetime import datetime

    from booking_sync.domain.messages.change import BookingChange

ORGANIZATION = "5b2d9f0e-7a4c-4f44-8a3c-0f6f3f1f7a10"


class _Queue:
    """Counts what it is given."""

    sent = 0

    async def send(self, change: BookingChange, delay: float = 0.0) -> None:
        del change, delay
        self.sent += 1

    async def dead_letter(self, message: str, reason: str) -> None:
        raise NotImplementedError(message, reason)

    async def depths(self) -> QueueDepths:
        return QueueDepths(0, 0)


async def _at_once(_seconds: float) -> None:
    """Time costs nothing here."""


def _first() -> datetime:
    return FIRST


async def _run(size: CrowdSize, folder: Path) -> dict[str, Any]:
    renderer = EventRenderer(EventStyle(event_zone("Europe/Berlin"), DATAVERSE_URL))
    rule = functools.partial(desired_state, render=renderer.render, require_work_order=True)
    crowd = Crowd(size, rule, sealer(ORGANIZATION), ORGANIZATION)
    client = DataverseClient(DATAVERSE_URL, Credential(), _first, open_wire=lambda _pause: crowd)
    rows = DataverseBookings(client, SupportColumns(), sealer(ORGANIZATION), KEYRING)
    queue = _Queue()
    sender = PacedSender(queue, queue, Pace(), sleep=_at_once)
    queueing = Queueing(rows, lambda _row: True, Patience())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.process_time()
    begun = Checkpoint("backfill-1", Selection(FIRST), FIRST)
    done = await queueing.run(begun, sender, CheckpointFile(folder / "checkpoint"), _first)
    spent = time.process_time() - started
    whole = size.technicians * size.bookings
    if (done.seen, done.queued, queue.sent) != (whole, whole, whole):
        raise RuntimeError(f"the backfill did not queue every booking: {done.seen}, {queue.sent}")
    return {
        "rows": whole,
        "requests": crowd.requests,
        "cpu_seconds": spent - crowd.made_seconds,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "before_mb": before / 1024,
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        print(json.dumps(asyncio.run(_run(CrowdSize(*map(int, sys.argv[1:3])), Path(name)))))
