"""What one run of `catch_up` costs: requests exactly, processor time by part.

Run `python -m benchmarks.catch_up [--rows 20000] [--behind 50]`. The stand-in runs in the same process, so
the wall clock says little and is not printed.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import json
import os
import tempfile
import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from booking_sync.catch_up import CatchUp, Window, standing
from booking_sync.dataverse.rows import to_booking_row, to_columns
from booking_sync.dataverse.schema import SupportColumns
from booking_sync.domain.event import EventRef
from booking_sync.domain.plan import Desire, Wanted, desire
from booking_sync.domain.record import SyncRecord
from booking_sync.domain.rendering import EventRenderer, EventStyle
from booking_sync.domain.zones import event_zone
from local.certificates import make_certificates
from tests.dataverse.world import BOOKINGS, DataverseWorld, dataverse_world
from tests.support.bookings import booking
from tests.support.fakes import FakeQueue

if TYPE_CHECKING:
    from collections.abc import Callable

    from booking_sync.domain.booking import Booking

Result = TypeVar("Result")
EVENT_ID = "A" * 152  # as long as a real immutable id
MICROSECONDS = 1e6


async def fill(world: DataverseWorld, wish: Callable[[Booking], Desire], rows: int, behind: int) -> None:
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


def timed(work: Callable[[], Result]) -> tuple[Result, float]:
    """The work's result and its processor time in seconds."""
    started = time.process_time()
    result = work()
    return result, time.process_time() - started


async def measure(world: DataverseWorld, rows: int, behind: int) -> dict[str, float]:
    """One run, counted; then the same rows again part by part, timed."""
    renderer = EventRenderer(EventStyle(event_zone("Europe/Berlin"), world.url))
    wish = functools.partial(desire, render=renderer.render, require_work_order=True)
    await fill(world, wish, rows, behind)
    queue = FakeQueue()
    window = Window(look_back=timedelta(hours=1), settle=timedelta(0))
    run = CatchUp(
        world.rows,
        queue,
        wish,
        window,
        now=lambda: datetime.now(UTC) + timedelta(seconds=1),
        new_id=lambda: str(uuid.uuid4()),
    )
    tally = await run.run()
    stored = [dict(row) for row in await raw_rows(world)]
    text = json.dumps(stored)
    parsed, parsing = timed(lambda: json.loads(text))
    converted, converting = timed(lambda: [to_booking_row(row, SupportColumns()) for row in parsed])
    _, planning = timed(lambda: [standing(row, wish) for row in converted])
    return {
        "rows": tally.rows,
        "behind": tally.behind,
        "messages": len(queue.sent),
        "requests": tally.pages,
        "parse_us_per_row": parsing / tally.rows * MICROSECONDS,
        "convert_us_per_row": converting / tally.rows * MICROSECONDS,
        "plan_us_per_row": planning / tally.rows * MICROSECONDS,
    }


async def raw_rows(world: DataverseWorld) -> list[dict[str, Any]]:
    """The rows as the service sends them to `catch_up`."""
    from booking_sync.dataverse.client import DataverseClient  # noqa: PLC0415 - after the CA is known
    from booking_sync.dataverse.queries import booking_expand, booking_select  # noqa: PLC0415

    client = DataverseClient(world.url, world.credential, lambda: datetime.now(UTC))
    path = f"{BOOKINGS}?$select={booking_select(SupportColumns())}&$expand={booking_expand()}"
    try:
        return await client.rows(path, headers={"Prefer": "odata.maxpagesize=500"})
    finally:
        await client.aclose()


async def main(rows: int, behind: int) -> None:
    """Measure and print one line of JSON."""
    with tempfile.TemporaryDirectory() as folder:
        certificates = make_certificates(Path(folder))
        os.environ["REQUESTS_CA_BUNDLE"] = str(certificates.authority)
        async with dataverse_world(certificates) as world:
            figures = await measure(world, rows, behind)
    print(json.dumps({name: round(value, 1) for name, value in figures.items()}, indent=2))  # noqa: T201 - the result


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--behind", type=int, default=50)
    arguments = parser.parse_args()
    asyncio.run(main(arguments.rows, arguments.behind))
