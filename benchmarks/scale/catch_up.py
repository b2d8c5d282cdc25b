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
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from benchmarks.common.figures import Options, Result, Spread, Table, Target
from benchmarks.common.seals import KEYRING, sealer
from benchmarks.simulated.world import TOKEN_KEY, Credential
from booking_sync.dataverse.bookings import DataverseBookings
from booking_sync.dataverse.queries import BOOKING_PAGE_HEADERS, booking_shape
from booking_sync.dataverse.rows.booking_rows import to_booking_row, to_columns
from booking_sync.dataverse.web_api.client import DataverseClient
from booking_sync.domain.environment.columns import SupportColumns
from booking_sync.domain.events.event_ref import EventRef
from booking_sync.domain.events.event_text.renderer import EventRenderer, EventStyle
from booking_sync.domain.events.zones import event_zone
from booking_sync.domain.plan import Wanted, desired_state
from booking_sync.domain.record import SyncRecord
from booking_sync.sync.catch_up import CatchUp, CatchUpWindow, standing
from local.dataverse import DataverseStandIn
from local.stack.certificates import make_certificates
from local.standin import server_tls, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from booking_sync.domain.events.ownership import Sealer
    from booking_sync.domain.messages.change import BookingChange
    from booking_sync.domain.plan import DesiredStateRule
    from local.stack.certificates import Certificates

Answer = TypeVar("Answer")

BOOKINGS = "bookableresourcebookings"
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


@dataclass(frozen=True)
class _World:
    """An environment that is served, and the adapter that speaks to it."""

    standin: DataverseStandIn
    url: str
    credential: Credential
    rows: DataverseBookings


class _CountingQueue:
    """Fulfils `ChangeQueue`; what is sent is only counted."""

    def __init__(self) -> None:
        self.messages = 0

    async def send(self, change: BookingChange, delay: float = 0.0) -> None:  # noqa: ARG002 - see the port
        """One more."""
        self.messages += 1

    async def dead_letter(self, message: str, reason: str) -> None:
        """Looking for missed webhooks gives nothing up."""
        raise NotImplementedError(message, reason)


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
            async with _served(certificates) as world:
                return await _measure(world, rows, behind, repeats)
        finally:
            del os.environ["REQUESTS_CA_BUNDLE"]
            if before is not None:
                os.environ["REQUESTS_CA_BUNDLE"] = before


@asynccontextmanager
async def _served(certificates: Certificates) -> AsyncIterator[_World]:
    standin = DataverseStandIn(TOKEN_KEY)
    tls = server_tls(str(certificates.certificate), str(certificates.key))
    async with serving(standin, tls) as url:
        credential = Credential()
        client = DataverseClient(url, credential, lambda: datetime.now(UTC))
        rows = DataverseBookings(client, SupportColumns(), _sealer(standin), KEYRING)
        try:
            yield _World(standin, url, credential, rows)
        finally:
            await client.aclose()


async def _measure(world: _World, rows: int, behind: int, repeats: int) -> Run:
    renderer = EventRenderer(EventStyle(event_zone("Europe/Berlin"), world.url))
    desired = functools.partial(desired_state, render=renderer.render, require_work_order=True)
    await _fill(world, desired, rows, behind)
    queue = _CountingQueue()
    catch_up = CatchUp(
        world.rows,
        queue,
        desired,
        CatchUpWindow(look_back=timedelta(hours=1), settle=timedelta(0)),
        now=lambda: datetime.now(UTC) + timedelta(seconds=1),
        new_id=lambda: str(uuid.uuid4()),
    )
    tally = await catch_up.run()
    requests = len(world.standin.requests)
    text = json.dumps(await _raw_rows(world))
    parts = [_parts(world.standin, text, desired) for _ in range(repeats + 1)][1:]  # the first one warms up
    return Run(tally.rows, tally.behind, queue.messages, requests, tuple(parts))


async def _fill(world: _World, desired: DesiredStateRule, rows: int, behind: int) -> None:
    """Give the environment bookings of one work order, the first ones without a record."""
    template = _template(world.standin)
    first = world.standin.state.create(BOOKINGS, template)
    row = await world.rows.read(first)
    assert row is not None  # noqa: S101 - just put there
    for number in range(1, rows):
        booking_id = str(uuid.uuid4())
        body: dict[str, Any] = {"bookableresourcebookingid": booking_id, **template}
        wanted = desired(replace(row.booking, id=booking_id))
        if number >= behind and isinstance(wanted, Wanted):
            record = SyncRecord(EventRef(wanted.mailbox, EVENT_ID), 1, wanted.content.fingerprint())
            body |= to_columns(booking_id, record, SupportColumns(), _sealer(world.standin))
        world.standin.state.create(BOOKINGS, body)
    world.standin.requests.clear()


def _template(standin: DataverseStandIn) -> dict[str, Any]:
    """A booking of a work order, without its id; the rows that it names are there."""

    def create(entity_set: str, **body: Any) -> str:
        return f"/{entity_set}({standin.state.create(entity_set, body)})"

    user = create("systemusers", azureactivedirectoryobjectid=str(uuid.uuid4()), isdisabled=False)
    account = create("accounts", name="Adatum Bakery")
    order: dict[str, Any] = {
        "msdyn_name": "WO-00017",
        "msdyn_workordersummary": "Yearly boiler service",
        "msdyn_address1": "Harbour Street 4",
        "msdyn_city": "Helsinki",
        "msdyn_postalcode": "00100",
        "msdyn_country": "Finland",
        "msdyn_latitude": 60.17,
        "msdyn_longitude": 24.94,
        "msdyn_serviceaccount@odata.bind": account,
    }
    status = create("bookingstatuses", name="Scheduled", status=2, msdyn_fieldservicestatus=690970000)
    return {
        "name": "Boiler service",
        "starttime": "2026-03-02T08:00:00Z",
        "endtime": "2026-03-02T10:30:00Z",
        "statecode": 0,
        "BookingStatus@odata.bind": status,
        "Resource@odata.bind": create("bookableresources", resourcetype=3, **{"UserId@odata.bind": user}),
        "msdyn_workorder@odata.bind": create("msdyn_workorders", **order),
    }


async def _raw_rows(world: _World) -> Sequence[dict[str, Any]]:
    """The rows as the service sends them to `catch_up`."""
    client = DataverseClient(world.url, world.credential, lambda: datetime.now(UTC))
    shape = booking_shape(SupportColumns())
    path = f"{BOOKINGS}?$select={shape.select}&$expand={shape.expand}"
    try:
        return await client.rows(path, headers=BOOKING_PAGE_HEADERS)
    finally:
        await client.aclose()


def _parts(standin: DataverseStandIn, text: str, desired: DesiredStateRule) -> tuple[float, ...]:
    """Milliseconds of processor time per row."""
    parsed, parsing = _timed(lambda: json.loads(text))
    seals = _sealer(standin)
    converted, converting = _timed(lambda: [to_booking_row(row, SupportColumns(), seals) for row in parsed])
    _, planning = _timed(lambda: [standing(row, desired) for row in converted])
    return tuple(seconds * 1000 / len(parsed) for seconds in (parsing, converting, planning))


def _sealer(standin: DataverseStandIn) -> Sealer:
    return sealer(standin.state.identity.organization_id)


def _timed(work: Callable[[], Answer]) -> tuple[Answer, float]:
    """The work's answer and its processor time in seconds."""
    started = time.process_time()
    answer = work()
    return answer, time.process_time() - started
