"""What one run of `catch_up` costs: requests and messages exactly, processor time by part.

The real use case and the real Dataverse adapter against the stand-in over TLS, in one process; so the clock
says little, and processor time is taken of the parts by themselves, on the same rows.
"""

from __future__ import annotations

import asyncio
import functools
import json
import os
import tempfile
import time
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from benchmarks.figures import Options, Result, Spread, Table, Target
from booking_sync.dataverse.queries import PAGE_HEADERS, booking_expand, booking_select
from booking_sync.dataverse.rows import to_booking_row, to_columns
from booking_sync.dataverse.schema import SupportColumns
from booking_sync.dataverse.web_api.client import DataverseClient
from booking_sync.domain.event import EventRef
from booking_sync.domain.plan import Desire, Wanted, desire
from booking_sync.domain.record import SyncRecord
from booking_sync.domain.rendering import EventRenderer, EventStyle
from booking_sync.domain.zones import event_zone
from booking_sync.sync.catch_up import CatchUp, Window, standing
from local.certificates import make_certificates
from tests.dataverse.world import BOOKINGS, DataverseWorld, dataverse_world
from tests.support.bookings import booking
from tests.support.fakes import FakeQueue

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from booking_sync.domain.booking import Booking

Answer = TypeVar("Answer")

ROWS, BEHIND = 20_000, 50
QUICK_ROWS, QUICK_BEHIND = 600, 5
ROWS_PER_REQUEST = 500
AIM_MS = 0.5
EVENT_ID = "A" * 152
"""As long as a real immutable id."""
PARTS = ("parse JSON", "convert to domain values", "render, compare with the record")


@dataclass(frozen=True, slots=True)
class Run:
    """One run, counted, and its parts' processor time in milliseconds per row."""

    rows: int
    behind: int
    messages: int
    requests: int
    parts: tuple[tuple[float, ...], ...]
    """Per repeat, in the order of `PARTS`."""


def run(options: Options) -> Result:
    """Fill an environment, run once, then time the parts again and again."""
    rows, behind = (QUICK_ROWS, QUICK_BEHIND) if options.quick else (ROWS, BEHIND)
    done = asyncio.run(_run(rows, behind, 1 if options.quick else options.repeats))
    whole = Spread.of([sum(each) for each in done.parts])
    parts = tuple(
        (name, Spread.of(times).text(3))
        for name, times in zip(PARTS, zip(*done.parts, strict=True), strict=True)
    )
    expected = -(-rows // ROWS_PER_REQUEST)
    return Result(
        "catch_up",
        "What does looking for missed webhooks cost, when many bookings have changed and few are behind?",
        {"rows": rows, "behind": behind, "repeats": len(done.parts)},
        tables=(
            Table(
                "One run, counted",
                ("rows looked at", "found behind", "messages queued", "requests to Dataverse", "to Graph"),
                ((done.rows, done.behind, done.messages, done.requests, 0),),
            ),
            Table(
                "Processor time per row, ms",
                ("part", "median and range"),
                (*parts, ("in all", whole.text(3))),
            ),
        ),
        targets=(
            Target(
                f"{rows:,} rows with {behind} behind: {expected} requests, {behind} messages",
                f"{done.requests} requests, {done.messages} messages",
                (done.rows, done.behind, done.messages, done.requests) == (rows, behind, behind, expected),
            ),
            Target(
                f"at most {AIM_MS:g} ms of processor time per row",
                f"{whole.text(3)} ms",
                whole.median <= AIM_MS,
            ),
        ),
        notes=(
            "Graph is not asked at all: the use case has no way to it. The times leave out HTTP and TLS.",
        ),
    )


async def _run(rows: int, behind: int, repeats: int) -> Run:
    with tempfile.TemporaryDirectory() as folder:
        certificates = make_certificates(Path(folder))
        before = os.environ.get("REQUESTS_CA_BUNDLE")
        os.environ["REQUESTS_CA_BUNDLE"] = str(certificates.authority)
        try:
            async with dataverse_world(certificates) as world:
                return await _measure(world, rows, behind, repeats)
        finally:
            del os.environ["REQUESTS_CA_BUNDLE"]
            if before is not None:
                os.environ["REQUESTS_CA_BUNDLE"] = before


async def _measure(world: DataverseWorld, rows: int, behind: int, repeats: int) -> Run:
    renderer = EventRenderer(EventStyle(event_zone("Europe/Berlin"), world.url))
    wish = functools.partial(desire, render=renderer.render, require_work_order=True)
    await _fill(world, wish, rows, behind)
    queue = FakeQueue()
    catch_up = CatchUp(
        world.rows,
        queue,
        wish,
        Window(look_back=timedelta(hours=1), settle=timedelta(0)),
        now=lambda: datetime.now(UTC) + timedelta(seconds=1),
        new_id=lambda: str(uuid.uuid4()),
    )
    tally = await catch_up.run()
    requests = len(world.requests)
    text = json.dumps(await _raw_rows(world))
    parts = [_parts(text, wish) for _ in range(repeats + 1)][1:]  # the first one warms up
    return Run(tally.rows, tally.behind, len(queue.sent), requests, tuple(parts))


async def _fill(world: DataverseWorld, wish: Callable[[Booking], Desire], rows: int, behind: int) -> None:
    """Give the environment bookings of one work order, the first ones without a record."""
    world.put(booking())
    template = world.standin.rows(BOOKINGS)[booking().id]
    row = await world.rows.read(booking().id)
    assert row is not None  # noqa: S101 - just put there
    for number in range(1, rows):
        booking_id = str(uuid.uuid4())
        body: dict[str, Any] = {
            "bookableresourcebookingid": booking_id,
            "name": template["name"],
            "starttime": template["starttime"],
            "endtime": template["endtime"],
            "statecode": 0,
            "BookingStatus@odata.bind": f"/bookingstatuses({template['bookingstatus']})",
            "Resource@odata.bind": f"/bookableresources({template['resource']})",
            "msdyn_workorder@odata.bind": f"/msdyn_workorders({template['msdyn_workorder']})",
        }
        wanted = wish(replace(row.booking, id=booking_id))
        if number >= behind and isinstance(wanted, Wanted):
            record = SyncRecord(EventRef(wanted.mailbox, EVENT_ID), 1, wanted.content.fingerprint())
            body |= to_columns(booking_id, record, SupportColumns())
        world.standin.create(BOOKINGS, body)
    world.standin.requests.clear()


async def _raw_rows(world: DataverseWorld) -> Sequence[dict[str, Any]]:
    """The rows as the service sends them to `catch_up`."""
    client = DataverseClient(world.url, world.credential, lambda: datetime.now(UTC))
    path = f"{BOOKINGS}?$select={booking_select(SupportColumns())}&$expand={booking_expand()}"
    try:
        return await client.rows(path, headers=PAGE_HEADERS)
    finally:
        await client.aclose()


def _parts(text: str, wish: Callable[[Booking], Desire]) -> tuple[float, ...]:
    """Milliseconds of processor time per row."""
    parsed, parsing = _timed(lambda: json.loads(text))
    converted, converting = _timed(lambda: [to_booking_row(row, SupportColumns()) for row in parsed])
    _, planning = _timed(lambda: [standing(row, wish) for row in converted])
    return tuple(seconds * 1000 / len(parsed) for seconds in (parsing, converting, planning))


def _timed(work: Callable[[], Answer]) -> tuple[Answer, float]:
    """The work's answer and its processor time in seconds."""
    started = time.process_time()
    answer = work()
    return answer, time.process_time() - started
