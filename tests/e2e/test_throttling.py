"""Throttling through the whole chain: it delays those it concerns, stops nobody else and loses nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from booking_sync.domain.messages.change import BookingChange, encode_change
from booking_sync.domain.row_words import reason_in
from local.day.verdict import Kind
from local.standin.faults import Fault
from tests.e2e.crowd import poll

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.e2e.crowd import Crowd

pytestmark = pytest.mark.asyncio(loop_scope="session")

THROTTLE_SECONDS = 2


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def mended(crowd: Crowd) -> AsyncIterator[None]:
    """Nobody throttles after each test."""
    yield
    for service in (crowd.stack.graph, crowd.stack.dataverse):
        await service.clear_faults()


async def test_a_throttled_mailbox_slows_nobody_else(crowd: Crowd) -> None:
    """While one mailbox is refused, all the others' bookings get in step; its own follow, none is lost."""
    stack, slow = crowd.stack, crowd.people[0]
    refusal = Fault(
        path=f"^/users/{slow.mailbox}/", times=-1, status=429, headers={"Retry-After": str(THROTTLE_SECONDS)}
    )
    await stack.graph.clear_requests()
    await stack.graph.add_fault(refusal)
    plans = crowd.plan(240)
    await crowd.book(plans)

    his = {plan.id for plan in plans if plan.resource_id == slow.id}

    async def only_his_are_left() -> bool:
        differences = await crowd.differences()
        return {(each.kind, each.about) for each in differences} == {(Kind.MISSING, each) for each in his}

    async def each_waits_once() -> bool:
        return await stack.queue.waiting() == len(his)  # what is put back lies there twice for a moment

    await poll(only_his_are_left)
    await poll(each_waits_once)
    asked = sum(
        slow.mailbox in item["path"] for entry in await stack.graph.requests() for item in entry["items"]
    )
    await stack.graph.clear_faults()
    await crowd.settle()

    assert len(his) == 20
    assert asked <= 2 * len(his)
    assert await crowd.differences() == []


async def test_every_form_of_throttling_at_once_poisons_nothing(crowd: Crowd) -> None:
    """Items, mailboxes, whole batches, reads and records refused again and again: late, but all in step."""
    graph, dataverse = crowd.stack.graph, crowd.stack.dataverse
    soon = f"{datetime.now(UTC) + timedelta(seconds=2):%a, %d %b %Y %H:%M:%S} GMT"
    for fault in (
        Fault(path="^/users/", times=15, status=429, headers={"Retry-After": "0.5"}),
        Fault(path="^/users/", times=10, after_skipping=20, status=503),
        Fault(path="^/users/", times=5, after_skipping=30, status=429, headers={"Retry-After": soon}),
        Fault(path=r"\$batch", times=2, after_skipping=3, status=429, headers={"Retry-After": "1"}),
        Fault(path=r"\$batch", times=2, after_skipping=2, status=503),
    ):
        await graph.add_fault(fault)
    for fault in (
        Fault(method="GET", times=2, after_skipping=1, status=429, headers={"Retry-After": "1"}),
        Fault(path=r"\$batch", times=1, after_skipping=2, status=503, headers={"Retry-After": soon}),
        Fault(method="PATCH", times=5, after_skipping=10, status=429),
    ):
        await dataverse.add_fault(fault)
    await crowd.book(crowd.plan(100))
    await crowd.settle()
    assert await crowd.differences() == []
    assert crowd.poison == []


async def test_the_time_of_trying_ends_the_put_backs_with_a_reason(crowd: Crowd) -> None:
    """A message that was tried for too long is given up: on the poison queue and on the row, in words."""
    stack, slow = crowd.stack, crowd.people[1]
    (plan,) = crowd.plan(1, [slow])
    await stack.graph.add_fault(
        Fault(path=f"^/users/{slow.mailbox}/", times=-1, status=429, headers={"Retry-After": "3"})
    )
    await crowd.book([plan])
    day = timedelta(hours=24).total_seconds()
    tried = BookingChange(plan.id, "an old one", datetime.now(UTC), attempt=40, waited=day)
    await stack.queue.send(encode_change(tried))

    async def given_up() -> bool:
        return bool((await crowd.facts()).poison)

    await poll(given_up)
    row = next(each for each in (await crowd.facts()).bookings if each.id == plan.id)
    (message,) = crowd.poison
    await stack.graph.clear_faults()
    await crowd.settle()

    assert message.booking_id == plan.id
    assert message.reason.startswith("Given up after 24 hours of trying. The last reason: ")
    assert reason_in(row.error) == message.reason
    crowd.poison.clear()
    assert await crowd.differences() == []
