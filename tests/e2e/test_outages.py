"""Each service down for a while in the middle of a burst, then back: in step, nothing lost or doubled."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from local.stack import booking_webhook
from local.standin.faults import Fault
from tests.e2e.crowd import poll

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from local.stack.control import StandInControl
    from tests.e2e.crowd import Crowd

pytestmark = pytest.mark.asyncio(loop_scope="session")

BURST = 120
AWAY_SECONDS = 2.5
GONE_SECONDS = 1.0
PROBES = 4
"""More can't come in the time away: after half a second, one, two and four at least."""
TRIES_PER_TOKEN = 2
"""A broken connection is tried once more by the Azure SDK."""


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def mended(crowd: Crowd) -> AsyncIterator[None]:
    """Everybody answers again after each test, and at full speed."""
    yield
    for service in (crowd.stack.graph, crowd.stack.dataverse, crowd.stack.vault, crowd.stack.entra):
        await service.clear_faults()
    await crowd.stack.graph.configure(item_seconds=0.0)


async def burst(crowd: Crowd, service: StandInControl) -> None:
    """Begin a burst and return when the service has seen some of it."""
    await crowd.stack.graph.configure(item_seconds=0.05)
    await service.clear_requests()
    plans = crowd.plan(BURST)
    await crowd.book(plans)

    async def under_way() -> bool:
        return (await service.counts()).writes > 0

    await poll(under_way)
    await crowd.stack.graph.configure(item_seconds=0.0)


async def asked_while_open(crowd: Crowd, name: str, service: StandInControl) -> int:
    """Wait until the app gives up on a service that is down; how often it asks that service afterwards."""
    before = len(crowd.log("circuit_opened"))

    async def opened() -> bool:
        return any(line["service"] == name for line in crowd.log("circuit_opened")[before:])

    await poll(opened)
    await asyncio.sleep(0.2)  # requests under way when it opened
    await service.clear_requests()
    await asyncio.sleep(AWAY_SECONDS)
    return (await service.counts()).requests


async def test_graph_down_in_the_middle_of_a_burst(crowd: Crowd) -> None:
    """First nothing but 503, then connections refused: a bounded number of requests, then all in step."""
    graph = crowd.stack.graph
    await burst(crowd, graph)
    await graph.add_fault(Fault(times=-1, status=503))
    asked = await asked_while_open(crowd, "Graph", graph)
    await graph.clear_faults()
    await graph.go_away(GONE_SECONDS)
    await crowd.settle()
    assert asked <= PROBES
    assert await crowd.differences() == []


async def test_dataverse_down_in_the_middle_of_a_burst(crowd: Crowd) -> None:
    """First it does everything and answers nothing, then refuses connections: bounded, then all in step."""
    dataverse = crowd.stack.dataverse
    await burst(crowd, crowd.stack.graph)
    await dataverse.add_fault(Fault(times=-1, when="after", drop=True))
    asked = await asked_while_open(crowd, "Dynamics 365", dataverse)
    await dataverse.clear_faults()
    await dataverse.go_away(GONE_SECONDS)
    await asyncio.sleep(GONE_SECONDS + 0.5)  # its control plane is away too
    await crowd.settle()
    assert asked <= PROBES
    assert await crowd.differences() == []


async def test_key_vault_and_entra_down_when_the_app_starts(crowd: Crowd) -> None:
    """A cold start with a hundred messages and no secret, then no token: a few requests, then all in step."""
    vault, entra = crowd.stack.vault, crowd.stack.entra
    for service in (vault, entra):
        await service.clear_requests()
    await vault.add_fault(Fault(times=-1, status=503))
    await entra.add_fault(Fault(times=-1, drop=True))
    await crowd.stack.kill_host()
    await crowd.stack.restart_host()
    await crowd.book(crowd.plan(BURST))
    await asyncio.sleep(AWAY_SECONDS)
    secrets_asked = (await vault.counts()).requests
    await vault.clear_faults()
    await asyncio.sleep(AWAY_SECONDS)
    tokens_asked = (await entra.counts()).requests
    await entra.clear_faults()
    await crowd.settle()
    assert 1 <= secrets_asked <= 1 + PROBES
    assert 1 <= tokens_asked <= TRIES_PER_TOKEN * (1 + PROBES)
    assert await crowd.differences() == []


async def test_a_queue_that_hangs_is_no_reason_to_take_a_webhook(crowd: Crowd) -> None:
    """With storage silent the webhook says 503, on which Dataverse tries once more; the rest is caught up."""
    stack = crowd.stack
    await burst(crowd, stack.graph)
    (storage,) = (process for process in stack.processes if process.name == "Azurite")
    before = await stack.dataverse.deliveries()
    plans = crowd.plan(10)
    os.kill(storage.process_id, signal.SIGSTOP)
    try:
        await crowd.book(plans)
        status = await stack.post_webhook(booking_webhook(stack.identities, "Update", plans[0].id))
        await asyncio.sleep(1)  # for Dataverse's own webhooks, which came a moment later
    finally:
        os.kill(storage.process_id, signal.SIGCONT)
    await crowd.settle()
    await crowd.catch_up()
    after = await stack.dataverse.deliveries()
    assert status == 503
    assert after["retried"] >= before["retried"] + len(plans)
    assert all(set(failure["statuses"]) == {503} for failure in after["failures"])
    assert await crowd.differences() == []
