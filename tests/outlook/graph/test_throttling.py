"""Graph throttling us in every form it has: the delay is obeyed, by whom it concerns, without sleeping."""

from __future__ import annotations

import asyncio
import math
from datetime import timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

import pytest

from booking_sync.domain.events.event_ref import EventRef
from booking_sync.errors import TransientError
from booking_sync.outlook.graph import errors
from booking_sync.outlook.graph.scheduler import BatchScheduler
from booking_sync.outlook.graph.wire import Answer, BatchResult
from booking_sync.ports.outlook.calendars import Written
from local.standin.faults import Fault
from local.standin.virtual_time import run_virtually
from tests.outlook.kit import (
    BIRTH,
    CHANGED,
    CONTENT,
    MAILBOX,
    MARKER,
    NOW,
    OTHER_MAILBOX,
    new_id,
    now,
    post,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from booking_sync.outlook.graph.wire import GraphRequest
    from booking_sync.ports.outlook.calendars import AlreadyCreated
    from tests.outlook.kit import GraphHere

IN_TWELVE_SECONDS = format_datetime(NOW + timedelta(seconds=12), usegmt=True)
RETRY_AFTER = [("7", 7.0), ("2.128", 2.128), (IN_TWELVE_SECONDS, 12.0), ("", None), ("soon", None)]
"""What the header says (empty: no header), and the seconds it means."""
ITEM = "^/users/"
BATCH = r"\$batch$"
SLEEP_BOUND_SECONDS = 0.05
"""Nothing in the adapter waits longer than this without a request under way."""


async def create(graph: GraphHere, mailbox: str = MAILBOX) -> Written | AlreadyCreated:
    """A new event."""
    return await graph.calendar.create(mailbox, CONTENT, marker=MARKER, transaction_id=new_id(), birth=BIRTH)


async def failure(graph: GraphHere, mailbox: str = MAILBOX) -> TransientError:
    """The transient error that a creation ends with."""
    with pytest.raises(TransientError) as error:
        await create(graph, mailbox)
    return error.value


def throttle(path: str, status: int, text: str) -> Fault:
    """One refusal, with that Retry-After."""
    return Fault(path=path, status=status, headers={"Retry-After": text} if text else {})


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(("text", "seconds"), RETRY_AFTER)
async def test_a_throttled_item_waits_as_asked_and_its_neighbours_go_on(
    graph: GraphHere, status: int, text: str, seconds: float | None
) -> None:
    """One item's delay is its own; in the same batch another mailbox's event is made."""
    graph.standin.faults.add(throttle(f"^/users/{MAILBOX}/", status, text))
    error, made = await asyncio.gather(failure(graph), create(graph, OTHER_MAILBOX))
    assert (error.retry_after, error.maybe_applied) == (seconds, status == 503)
    assert isinstance(made, Written)
    assert len(graph.batches) == 1


@pytest.mark.parametrize(("text", "seconds"), RETRY_AFTER)
async def test_a_throttled_mailbox_is_left_alone_and_no_other(
    graph: GraphHere, text: str, seconds: float | None
) -> None:
    """After a 429 with a time, the mailbox's next items fail unsent; another mailbox's are sent."""
    graph.standin.faults.add(throttle(f"^/users/{MAILBOX}/", 429, text))
    await failure(graph)
    if seconds is None:
        assert isinstance(await create(graph), Written)
    else:
        assert (await failure(graph)).retry_after == pytest.approx(seconds, abs=1.0)
        assert len(graph.batches) == 1
    assert isinstance(await create(graph, OTHER_MAILBOX), Written)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(("text", "seconds"), RETRY_AFTER)
async def test_a_throttled_app_leaves_every_mailbox_alone(
    graph: GraphHere, status: int, text: str, seconds: float | None
) -> None:
    """When Graph refuses a whole batch, its time holds for all mailboxes; without one nobody is held."""
    graph.standin.faults.add(throttle(BATCH, status, text))
    assert (await failure(graph)).retry_after == seconds
    if seconds is None:
        assert isinstance(await create(graph, OTHER_MAILBOX), Written)
    else:
        assert (await failure(graph, OTHER_MAILBOX)).retry_after == pytest.approx(seconds, abs=1.0)
        assert len(graph.batches) == 1


async def test_throttled_updates_and_deletions_wait_as_asked(graph: GraphHere) -> None:
    """Not only creations: each kind of write hands its delay on and leaves no doubt."""
    made = await create(graph)
    assert made.event_id
    event = EventRef(MAILBOX, made.event_id)
    for number, call in enumerate((graph.calendar.update(event, CHANGED), graph.calendar.delete(event))):
        # Less than the loop's clock can tell, so that the mailbox is open again for the second.
        graph.standin.faults.add(throttle(ITEM, 429, f"0.00000{number + 1}"))
        with pytest.raises(TransientError) as error:
            await call
        assert (error.value.retry_after, error.value.maybe_applied) == ((number + 1) / 1e6, False)


async def test_our_own_bursts_never_meet_the_concurrency_limit(graph: GraphHere) -> None:
    """Two hundred events for one mailbox keep to its four at a time: nothing is refused."""
    made = await asyncio.gather(*(create(graph) for _ in range(200)))
    assert all(isinstance(each, Written) for each in made)
    assert graph.standin.service.limits.concurrency_rejections == 0


async def test_the_concurrency_limit_met_through_others_closes_nothing(graph: GraphHere) -> None:
    """MailboxConcurrency (another app's instance is at work) is tried again after a second by each itself."""
    graph.configure(mailbox_concurrency=2, item_seconds=0.02)
    results = await asyncio.gather(*(create(graph) for _ in range(8)), return_exceptions=True)
    refused = [each for each in results if isinstance(each, TransientError)]
    assert 0 < len(refused) < 8
    assert {each.retry_after for each in refused} == {errors.CONCURRENCY_PAUSE}
    assert not any(each.maybe_applied for each in refused)
    assert isinstance(await create(graph), Written)


def test_nothing_sleeps_however_long_graph_wants_to_be_left_alone() -> None:
    """Whatever the answers ask for, a thousand requests are through in a moment of the loop's clock."""
    ways = [
        Answer(429, {"retry-after": "600"}, {"error": {"code": "ApplicationThrottled"}}),
        Answer(503, {"retry-after": "120"}),
        Answer(429, {}),
    ]

    async def send(requests: Sequence[GraphRequest]) -> BatchResult:
        return BatchResult(tuple(ways[int(request.mailbox) % 3] for request in requests))

    async def main() -> float:
        scheduler = BatchScheduler(send, lambda answer: errors.mailbox_pause(answer, now()))
        loop = asyncio.get_running_loop()
        started = loop.time()
        await asyncio.gather(
            *(scheduler.submit(post(str(number % 50), number)) for number in range(1000)),
            return_exceptions=True,
        )
        seconds = loop.time() - started
        await scheduler.aclose()
        return seconds

    assert not math.isclose(run_virtually(main()), 0.0)
    assert run_virtually(main()) < SLEEP_BOUND_SECONDS
