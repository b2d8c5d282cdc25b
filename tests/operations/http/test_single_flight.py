"""Orders of a kind run one at a time, over all instances of the app."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

import pytest

from booking_sync.audit.auditor import AuditRequest
from booking_sync.audit.endpoint import answer_audit_request
from booking_sync.audit.report import AuditReport
from booking_sync.domain.messages.audit_progress import AuditProgress
from booking_sync.errors import TransientError
from booking_sync.operations.single_flight import CLAIMED_FOR, SingleFlight
from booking_sync.plumbing.http.orders import BadRequestError
from tests.operations.kit import FakeTextStore, HandClock


@dataclass
class Work:
    """An order that takes until it is told to end."""

    end: asyncio.Event = field(default_factory=asyncio.Event)
    began: asyncio.Event = field(default_factory=asyncio.Event)
    begun: int = 0

    async def __call__(self) -> str:
        """Count, and wait."""
        self.begun += 1
        self.began.set()
        await self.end.wait()
        return "done"


@pytest.fixture
def clock() -> HandClock:
    """A clock that is set by hand."""
    return HandClock()


@pytest.fixture
def store(clock: HandClock) -> FakeTextStore:
    """What all instances share."""
    return FakeTextStore(clock)


async def test_of_twenty_orders_one_runs_and_the_others_are_told(
    store: FakeTextStore, clock: HandClock
) -> None:
    """Be they given to one instance or to several."""
    instances = [SingleFlight(lambda: store, clock) for _ in range(4)]
    work = Work()
    runs = [asyncio.ensure_future(instances[n % 4].run("audit", work)) for n in range(20)]
    waiting = set(runs)
    while len(waiting) > 1:
        _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    work.end.set()
    ended = await asyncio.gather(*runs, return_exceptions=True)
    assert work.begun == ended.count("done") == 1
    refused = [each for each in ended if isinstance(each, BadRequestError)]
    assert {each.status for each in refused} == {HTTPStatus.CONFLICT}
    assert len(refused) == 19


async def test_the_next_order_runs_once_the_first_has_ended(store: FakeTextStore, clock: HandClock) -> None:
    """However it ended, and an order of another kind need not wait at all."""
    flight, work = SingleFlight(lambda: store, clock), Work()
    first = asyncio.ensure_future(flight.run("audit", work))
    await asyncio.sleep(0)
    done = Work()
    done.end.set()
    assert await flight.run("replay", done) == "done"
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    assert await flight.run("audit", done) == "done"


async def test_what_a_killed_instance_claimed_is_free_again_in_time(
    store: FakeTextStore, clock: HandClock
) -> None:
    """No function runs longer than that."""
    await store.claim("orders/audit", clock() + CLAIMED_FOR, clock())
    done = Work()
    done.end.set()
    with pytest.raises(BadRequestError, match="Another audit is under way"):
        await SingleFlight(lambda: store, clock).run("audit", done)
    clock.advance(CLAIMED_FOR.total_seconds() + 1)
    assert await SingleFlight(lambda: store, clock).run("audit", done) == "done"


@pytest.mark.parametrize("kind", ["none", "broken"])
async def test_without_a_store_each_instance_sees_to_itself(
    store: FakeTextStore, clock: HandClock, kind: str
) -> None:
    """An account without blobs, or one that can't be reached, stops no order."""
    store.broken = TransientError("blobs can't be reached")
    flight, work = SingleFlight(lambda: store if kind == "broken" else None, clock), Work()
    first = asyncio.ensure_future(flight.run("audit", work))
    await work.began.wait()
    with pytest.raises(BadRequestError):
        await flight.run("audit", work)
    work.end.set()
    assert await first == "done"


async def test_an_audit_that_goes_on_by_the_queue_keeps_nobody_waiting(
    store: FakeTextStore, clock: HandClock
) -> None:
    """Its claim ends with its answer, so a further audit may begin beside it; the page says so."""
    rest = AuditProgress("audit-1", clock(), clock(), clock(), fix=True)

    async def run(_wanted: AuditRequest) -> AuditReport:
        return await SingleFlight(lambda: store, clock).run("audit", first_stretch)

    async def first_stretch() -> AuditReport:
        return AuditReport(rest, ())

    json = {"Content-Type": "application/json"}
    answers = [await answer_audit_request(json, b"", run) for _ in range(2)]
    assert [each.status for each in answers] == [HTTPStatus.ACCEPTED, HTTPStatus.ACCEPTED]
    page = " ".join((Path(__file__).parents[3] / "docs" / "operations.md").read_text().split())
    assert "is answered 409 while the first is being answered" in page
    assert "An audit that goes on in the app (202) holds back no other" in page
