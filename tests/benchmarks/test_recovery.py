"""How soon bookings are in step after a service throttled them: the real app in virtual time."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from benchmarks.common.figures import Latency
from benchmarks.simulated.load import Office
from benchmarks.simulated.product import open_product
from benchmarks.simulated.queue import QueueTrigger, SimulatedQueue
from benchmarks.simulated.traffic import Link
from benchmarks.simulated.verdict import judge
from benchmarks.simulated.world import DATAVERSE_URL, GRAPH_URL, SimulatedWorld
from local.functions_host.configuration import read_host_settings
from local.processes import REPOSITORY
from local.standin.http import HttpAnswer
from local.standin.virtual_time import run_virtually, virtual_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.simulated.traffic import Service

LATENCY = Latency(0.02, 0.08)
RETRY_AFTER = 2
MAX_AFTER_SECONDS = 2 * RETRY_AFTER + 5


class _ThrottlingLink(Link):
    """Answers whole requests, which waiting bookings share, with 429 for so many times."""

    def __init__(self, service: Service, origin: str, refusals: int) -> None:
        super().__init__(service, origin)
        self.refusals = refusals
        self.last_refusal = 0.0

    async def exchange(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes = b""
    ) -> HttpAnswer:
        """See `Link`."""
        if not self.refusals:
            return await super().exchange(method, target, headers, body)
        self.refusals -= 1
        await asyncio.sleep(LATENCY.round_trip)
        self.last_refusal = virtual_seconds()
        return HttpAnswer(429, {"Retry-After": str(RETRY_AFTER)})


async def _recovery(bookings: int, refusals: int, service: str) -> float:
    """Virtual seconds from the last refusal until every booking is in step and every message settled."""
    world = SimulatedWorld(LATENCY)
    office = Office(world, technicians=max(4, min(100, bookings // 5)), bookings=bookings)
    changes = office.book(bookings)
    queue = SimulatedQueue(0.02)
    async with open_product(world) as product:
        if service == "graph":
            link = _ThrottlingLink(world.graph, GRAPH_URL, refusals)
            world.graph_transport.link = link
        else:
            world.dataverse_link = link = _ThrottlingLink(world.dataverse, DATAVERSE_URL, refusals)
        queue.fill(product.message(change) for change in changes)
        worker = product.worker(queue)
        trigger = QueueTrigger(
            queue,
            read_host_settings(REPOSITORY).queues,
            lambda body, count: worker.handle(body.decode(), count),
        )
        await trigger.drain()
    assert link.refusals == 0
    assert queue.poison == []
    assert judge(world, office) == []
    return virtual_seconds() - link.last_refusal


@pytest.mark.parametrize(
    ("bookings", "refusals", "service"),
    [(12, 12, "dataverse"), (500, 12, "dataverse"), (12, 12, "graph"), (500, 12, "graph")],
)
def test_all_are_in_step_soon_after_the_last_refusal(bookings: int, refusals: int, service: str) -> None:
    """Within twice the longest `Retry-After` and five seconds, however often the service refused before."""
    assert run_virtually(_recovery(bookings, refusals, service)) <= MAX_AFTER_SECONDS


async def _burst_in_one_mailbox(at_once: int) -> tuple[float, int]:
    """Virtual seconds for 60 new bookings of one technician, and how many items Graph refused."""
    world = SimulatedWorld(LATENCY)
    world.graph.state.config = replace(world.graph.state.config, batch_concurrency=at_once)
    office = Office(world, technicians=1, bookings=60)
    changes = office.book(60)
    async with open_product(world) as product:
        world.clear_traffic()
        began = virtual_seconds()
        await product.submit_all(changes)
        seconds = virtual_seconds() - began
    assert judge(world, office) == []
    return seconds, world.graph_link.traffic.throttled


@pytest.mark.parametrize("at_once", [15, 20])
def test_a_mailbox_is_served_as_fast_where_graph_runs_more_of_a_batch_at_a_time(at_once: int) -> None:
    """The share of a mailbox in a batch shrinks to what Graph lets pass: few items refuse each other."""
    documented, _ = run_virtually(_burst_in_one_mailbox(4))
    seconds, refused = run_virtually(_burst_in_one_mailbox(at_once))
    assert refused <= 30
    assert seconds <= 2 * documented
