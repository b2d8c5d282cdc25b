"""Dataverse throttling us, or down as a whole: what callers see and how many requests it costs."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import pytest

from booking_sync.dataverse.web_api.client import DataverseClient
from booking_sync.domain.record import SyncRecord
from booking_sync.errors import PermanentError, TransientError
from booking_sync.plumbing.circuit import FAILURES_TO_OPEN, Circuit
from local.standin.faults import Fault
from tests.dataverse.world import BOOKINGS, FixedClock
from tests.support.bookings import BOOKING_ID, booking

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

    from booking_sync.dataverse.web_api.client import WhoAmI
    from tests.dataverse.world import DataverseWorld

MANY = 200
WORKERS = 8
IN_TWELVE_SECONDS = format_datetime(FixedClock().now + timedelta(seconds=12), usegmt=True)
RETRY_AFTER = [("7", 7.0), ("2.128", 2.128), (IN_TWELVE_SECONDS, 12.0), ("", None), ("soon", None)]
"""What the header says (empty: no header), and the seconds it means."""


def throttle(status: int, text: str, path: str = "") -> Fault:
    """One refusal, with that Retry-After."""
    return Fault(path=path, status=status, headers={"Retry-After": text} if text else {})


async def failure(call: Coroutine[Any, Any, Any]) -> TransientError:
    """The transient error that a call ends with."""
    with pytest.raises(TransientError) as error:
        await call
    return error.value


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(("text", "seconds"), RETRY_AFTER)
async def test_a_throttled_read_waits_as_asked(
    dataverse: DataverseWorld, status: int, text: str, seconds: float | None
) -> None:
    """A refused read carries the delay asked for; with one, nothing else is sent until it is over."""
    dataverse.standin.faults.add(throttle(status, text, BOOKINGS))
    error = await failure(dataverse.rows.read(BOOKING_ID))
    assert error.retry_after == seconds
    if seconds is not None:
        assert (await failure(dataverse.rows.read(BOOKING_ID))).retry_after == pytest.approx(seconds)
        assert len(dataverse.requests) == 1
        dataverse.clock.advance(seconds)
    assert await dataverse.rows.read(BOOKING_ID) is None


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(("text", "seconds"), RETRY_AFTER)
@pytest.mark.parametrize("path", [r"\$batch", BOOKING_ID], ids=["whole batch", "one part"])
async def test_a_throttled_record_waits_as_asked(
    dataverse: DataverseWorld, status: int, text: str, seconds: float | None, path: str
) -> None:
    """A refused record carries the delay, may have been written only with 503, and works when tried later."""
    dataverse.put(booking())
    row = await dataverse.rows.read(BOOKING_ID)
    assert row is not None
    record = SyncRecord(error="as it was")
    dataverse.standin.faults.add(throttle(status, text, path))
    error = await failure(dataverse.rows.record(BOOKING_ID, row.etag, record))
    assert (error.retry_after, error.maybe_applied) == (seconds, status == 503)
    dataverse.clock.advance(seconds or 0.0)
    await dataverse.rows.record(BOOKING_ID, row.etag, record)
    again = await dataverse.rows.read(BOOKING_ID)
    assert again is not None
    assert again.record == record


@dataclass
class Guarded:
    """A client with a circuit on a clock that is set by hand."""

    world: DataverseWorld
    time: float = 0.0
    client: DataverseClient = field(init=False)

    def __post_init__(self) -> None:
        """Open the client."""
        self.open(self.world.url)

    def open(self, url: str) -> None:
        """Open a client with a circuit of its own."""
        circuit = Circuit("Dynamics 365", lambda: self.time, lambda: 1.0)
        world = self.world
        self.client = DataverseClient(url, world.credential, world.clock, workers=WORKERS, circuit=circuit)

    async def many(self) -> list[TransientError]:
        """Many requests at once, all of which have to fail."""
        calls = (self.client.who_am_i() for _ in range(MANY))
        results: list[WhoAmI | BaseException] = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(result, TransientError) for result in results)
        return [result for result in results if isinstance(result, TransientError)]


@pytest.fixture
async def guarded(dataverse: DataverseWorld) -> AsyncIterator[Guarded]:
    """A client with a circuit in front of the stand-in."""
    made = Guarded(dataverse)
    yield made
    await made.client.aclose()


@pytest.mark.parametrize(
    "fault",
    [*(Fault(times=-1, status=status) for status in (500, 502, 503, 504)), Fault(times=-1, drop=True)],
    ids=["500", "502", "503", "504", "dropped"],
)
async def test_an_environment_that_is_down_gets_a_handful_of_requests(guarded: Guarded, fault: Fault) -> None:
    """Of 200 requests at once only those are sent that were under way when the circuit opened."""
    guarded.world.standin.faults.add(fault)
    failures = await guarded.many()
    untried = [failure for failure in failures if failure.untried]
    assert len(guarded.world.requests) < FAILURES_TO_OPEN + WORKERS
    assert len(untried) == MANY - len(guarded.world.requests)
    assert {failure.retry_after for failure in untried} == {1.0}


async def test_nobody_listening_opens_the_circuit(guarded: Guarded) -> None:
    """Refused connections count like bad answers."""
    await guarded.client.aclose()
    guarded.open("https://localhost:9")
    failures = await guarded.many()
    assert sum(not failure.untried for failure in failures) < FAILURES_TO_OPEN + WORKERS


async def test_one_request_finds_out_that_the_environment_is_back(guarded: Guarded) -> None:
    """After the delay one request is sent; when it was answered everything goes again."""
    standin = guarded.world.standin
    standin.faults.add(Fault(times=-1, status=503))
    await guarded.many()
    before = len(standin.requests)
    guarded.time += 1.0
    await guarded.many()
    assert len(standin.requests) == before + 1
    standin.faults.clear()
    guarded.time += 2.0
    await guarded.client.who_am_i()
    assert len(await asyncio.gather(*(guarded.client.who_am_i() for _ in range(50)))) == 50


@pytest.mark.parametrize(
    ("status", "kind"), [(400, PermanentError), (403, PermanentError), (429, TransientError)]
)
async def test_refusals_are_answers(guarded: Guarded, status: int, kind: type[Exception]) -> None:
    """Whatever Dataverse refuses, it is there: the circuit stays closed."""
    body = {"error": {"code": "0x80060891", "message": "no"}}
    guarded.world.standin.faults.add(Fault(times=2 * FAILURES_TO_OPEN, status=status, body=body))
    for _ in range(2 * FAILURES_TO_OPEN):
        with pytest.raises(kind):
            await guarded.client.who_am_i()
    await guarded.client.who_am_i()


async def test_a_pause_is_no_outage(guarded: Guarded) -> None:
    """Requests that a throttle keeps from being sent don't open the circuit."""
    guarded.world.standin.faults.add(Fault(times=-1, status=429, headers={"Retry-After": "30"}))
    assert not any(failure.untried for failure in await guarded.many())
    guarded.world.standin.faults.clear()
    guarded.world.clock.advance(30)
    await guarded.client.who_am_i()
