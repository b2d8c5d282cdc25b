"""Graph as a whole down: few requests, quick failures, and back again when it is."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from booking_sync.errors import SyncError, TransientError
from booking_sync.outlook.calendar import open_calendar
from booking_sync.plumbing.circuit import FAILURES_TO_OPEN, Circuit
from booking_sync.ports.outlook.calendars import Written
from local.standin.faults import Fault
from tests.outlook.kit import BIRTH, CONTENT, EXTENSION, MAILBOX, MARKER, new_id, now

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from booking_sync.outlook.calendar import OutlookCalendar
    from booking_sync.ports.outlook.calendars import AlreadyCreated
    from tests.outlook.kit import GraphHere

BATCH = r"\$batch$"
NOBODY = "00000000-0000-4000-8000-00000000dead"
"""Of whom Graph knows nothing, when it answers."""
MANY = 300


@dataclass
class Guarded:
    """A calendar with a circuit on a clock that is set by hand."""

    graph: GraphHere
    time: float = 0.0
    calendar: OutlookCalendar = field(init=False)

    def __post_init__(self) -> None:
        """Open the calendar."""
        self.open(self.graph.url)

    def open(self, url: str) -> None:
        """Open a calendar with a circuit of its own."""
        circuit = Circuit("Graph", lambda: self.time, lambda: 1.0)
        self.calendar = open_calendar(url, self.graph.credential, EXTENSION, now, circuit=circuit)

    async def create(self) -> Written | AlreadyCreated:
        """A new event."""
        return await self.calendar.create(
            MAILBOX, CONTENT, marker=MARKER, transaction_id=new_id(), birth=BIRTH
        )

    async def of_two_people(self) -> list[TransientError]:
        """Creations in two mailboxes, in one batch; those that failed in passing."""
        results = await asyncio.gather(
            *(
                self.calendar.create(mailbox, CONTENT, marker=MARKER, transaction_id=new_id(), birth=BIRTH)
                for mailbox in (MAILBOX, NOBODY)
            ),
            return_exceptions=True,
        )
        return [result for result in results if isinstance(result, TransientError)]

    async def many(self, count: int = MANY) -> list[TransientError]:
        """That many creations at once, one after the other in the mailbox; all have to fail."""
        results = await asyncio.gather(*(self.create() for _ in range(count)), return_exceptions=True)
        assert all(isinstance(result, TransientError) for result in results)
        return [result for result in results if isinstance(result, TransientError)]


@pytest.fixture
async def guarded(graph: GraphHere) -> AsyncIterator[Guarded]:
    """A calendar with a circuit in front of the stand-in."""
    made = Guarded(graph)
    yield made
    await made.calendar.aclose()


@pytest.mark.parametrize(
    "fault",
    [Fault(path=BATCH, times=-1, status=status) for status in (500, 502, 503, 504)]
    + [Fault(path=BATCH, times=-1, drop=True)],
    ids=["500", "502", "503", "504", "dropped"],
)
async def test_a_graph_that_is_down_gets_a_handful_of_requests(guarded: Guarded, fault: Fault) -> None:
    """Of 300 creations only the first few batches are sent; the rest fail unsent, with the time left."""
    guarded.graph.standin.faults.add(fault)
    failures = await guarded.many()
    assert len(guarded.graph.batches) == FAILURES_TO_OPEN
    untried = [failure for failure in failures if failure.untried]
    assert len(untried) == MANY - 20 * FAILURES_TO_OPEN
    assert {failure.retry_after for failure in untried} == {1.0}
    assert not any(failure.maybe_applied for failure in untried)


async def test_nobody_listening_opens_the_circuit(guarded: Guarded) -> None:
    """Refused connections count like bad answers."""
    await guarded.calendar.aclose()
    guarded.open("https://localhost:9")
    failures = await guarded.many()
    assert sum(not failure.untried for failure in failures) == 20 * FAILURES_TO_OPEN


async def test_one_batch_finds_out_that_graph_is_back(guarded: Guarded) -> None:
    """After the delay one batch is sent, whatever its answer; when it was answered everything goes again."""
    graph = guarded.graph
    graph.standin.faults.add(Fault(path=BATCH, times=FAILURES_TO_OPEN + 1))
    await guarded.many()
    guarded.time += 1.0
    await guarded.many()
    assert len(graph.batches) == FAILURES_TO_OPEN + 1
    guarded.time += 2.0
    assert isinstance(await guarded.create(), Written)
    assert len(await asyncio.gather(*(guarded.create() for _ in range(50)))) == 50


@pytest.mark.parametrize("status", [400, 401, 403, 429])
async def test_refusals_are_answers(guarded: Guarded, status: int) -> None:
    """Whatever Graph refuses, it is there: the circuit stays closed."""
    guarded.graph.standin.faults.add(Fault(path=BATCH, times=-1, status=status))
    for _ in range(2 * FAILURES_TO_OPEN):
        with pytest.raises(SyncError) as error:
            await guarded.create()
        assert not getattr(error.value, "untried", False)


async def test_an_exchange_that_answers_for_nobody_opens_the_circuit(guarded: Guarded) -> None:
    """503 for each event of every batch, of several mailboxes, is an outage behind a Graph that answers."""
    guarded.graph.standin.faults.add(Fault(path="^/users/", times=-1, status=503))
    for _ in range(FAILURES_TO_OPEN):
        await guarded.of_two_people()
    assert all(failure.untried for failure in await guarded.of_two_people())
    assert len(guarded.graph.batches) == FAILURES_TO_OPEN


async def test_one_event_that_is_answered_is_no_outage(guarded: Guarded) -> None:
    """Be it with a refusal."""
    guarded.graph.standin.faults.add(Fault(path=f"^/users/{MAILBOX}/", times=-1, status=503))
    for _ in range(2 * FAILURES_TO_OPEN):
        assert not any(failure.untried for failure in await guarded.of_two_people())


async def test_a_mailbox_whose_items_fail_is_no_outage(guarded: Guarded) -> None:
    """503 for each event of one mailbox is that mailbox's trouble, and each has its own delay."""
    guarded.graph.standin.faults.add(Fault(path="^/users/", times=-1, status=503))
    failures = await guarded.many()
    assert not any(failure.untried for failure in failures)


async def test_without_a_token_graph_was_not_asked(guarded: Guarded) -> None:
    """What stands in the way of a token does not count against Graph."""
    guarded.graph.credential.error = TransientError("Entra can't be reached")
    for _ in range(2 * FAILURES_TO_OPEN):
        await guarded.many(1)
    guarded.graph.credential.error = None
    assert isinstance(await guarded.create(), Written)
