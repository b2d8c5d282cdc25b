"""The simulated world: the stand-ins' strictness and latency without sockets, and booking_sync in it."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import TYPE_CHECKING

import httpx
import pytest

from benchmarks.common.bound import bound
from benchmarks.common.figures import Latency
from benchmarks.simulated.load import BOOKINGS, SHARES, Kind, Office, work_of
from benchmarks.simulated.product import open_product
from benchmarks.simulated.queue import QueueTrigger, SimulatedQueue
from benchmarks.simulated.verdict import judge
from benchmarks.simulated.world import DATAVERSE_URL, GRAPH_URL, SimulatedWorld
from benchmarks.speed.scheduling import Load, measure
from local.day.verdict import Kind as Wrong
from local.functions_host.configuration import QueueOptions, read_host_settings
from local.processes import REPOSITORY
from local.standin.virtual_time import run_virtually, virtual_seconds

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable

    from benchmarks.simulated.load import Change

LATENCY = Latency(0.02, 0.08)
TOKEN_URL = f"{DATAVERSE_URL}/api/data/v9.2/"


def graph_client(world: SimulatedWorld) -> httpx.AsyncClient:
    """Any client's way to Graph."""
    headers = {"Authorization": f"Bearer {world.credential.token(GRAPH_URL)}"}
    return httpx.AsyncClient(transport=world.graph_transport, base_url=f"{GRAPH_URL}/v1.0", headers=headers)


def dataverse_headers(world: SimulatedWorld) -> dict[str, str]:
    """What a request to Dataverse carries."""
    return {"Authorization": f"Bearer {world.credential.token(DATAVERSE_URL)}", "Accept": "application/json"}


def _kinds(changes: Iterable[Change]) -> dict[str, int]:
    """How many of each kind."""
    return dict(Counter(change.kind.value for change in changes))


async def timed(work: Coroutine[None, None, object]) -> float:
    """Virtual seconds that it takes."""
    began = virtual_seconds()
    await work
    return virtual_seconds() - began


def test_a_request_takes_round_trip_and_service_time_at_either_service() -> None:
    """Alone, each request takes exactly both."""

    async def main() -> tuple[float, float]:
        world = SimulatedWorld(LATENCY)
        office = Office(world, technicians=1, bookings=1)
        (change,) = office.book(1)
        async with graph_client(world) as client:
            graph = await timed(client.get(f"/users/{change.mailbox}/events"))
        url = f"{TOKEN_URL}{BOOKINGS}({change.booking_id})"
        return graph, await timed(world.exchange("GET", url, dataverse_headers(world)))

    assert list(run_virtually(main())) == pytest.approx([0.1, 0.1])


def test_a_graph_batch_takes_waves_of_four_a_dataverse_batch_its_parts_in_order() -> None:
    """Nine reads: three waves there, nine times the service time here."""

    async def main() -> tuple[float, float]:
        world = SimulatedWorld(LATENCY)
        changes = Office(world, technicians=9, bookings=9).book(9)
        requests = [
            {"id": str(place), "method": "GET", "url": f"/users/{change.mailbox}/events"}
            for place, change in enumerate(changes)
        ]
        async with graph_client(world) as client:
            graph = await timed(client.post("/$batch", json={"requests": requests}))
        parts = [
            "--b\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
            f"GET /api/data/v9.2/{BOOKINGS}({change.booking_id}) HTTP/1.1\r\n"
            "Accept: application/json\r\n\r\n\r\n"
            for change in changes
        ]
        headers = {**dataverse_headers(world), "Content-Type": "multipart/mixed; boundary=b"}
        body = "".join([*parts, "--b--\r\n"]).encode()
        dataverse = await timed(world.exchange("POST", f"{TOKEN_URL}$batch", headers, body))
        assert world.graph_link.traffic.batch_items == world.dataverse_link.traffic.batch_items == 9
        assert world.graph_link.traffic.refused == world.dataverse_link.traffic.refused == 0
        return graph, dataverse

    assert list(run_virtually(main())) == pytest.approx([0.02 + 3 * 0.08, 0.02 + 9 * 0.08])


def test_the_limits_hold() -> None:
    """The fifth request at a time of a mailbox, and the 53rd of our user, is refused and counted."""

    async def main() -> tuple[int, int]:
        world = SimulatedWorld(LATENCY)
        (change,) = Office(world, technicians=1, bookings=1).book(1)
        async with graph_client(world) as client:
            await asyncio.gather(*(client.get(f"/users/{change.mailbox}/events") for _ in range(5)))
        url, headers = f"{TOKEN_URL}{BOOKINGS}({change.booking_id})", dataverse_headers(world)
        await asyncio.gather(*(world.exchange("GET", url, headers) for _ in range(53)))
        return world.graph_link.traffic.throttled, world.dataverse_link.traffic.throttled

    assert run_virtually(main()) == (1, 1)


def test_without_a_good_token_there_is_nothing() -> None:
    """Both services ask for it as they do over sockets."""

    async def main() -> tuple[int, int]:
        world = SimulatedWorld(LATENCY)
        async with httpx.AsyncClient(transport=world.graph_transport) as client:
            graph = await client.get(f"{GRAPH_URL}/v1.0/users/nobody/events")
        status, _, body = await world.exchange("GET", f"{TOKEN_URL}WhoAmI", {"Authorization": "Bearer bad"})
        assert "error" in json.loads(body)
        return graph.status_code, status

    assert run_virtually(main()) == (401, 401)


def test_a_mixed_load_holds_each_kind_once_per_booking() -> None:
    """The shares are kept, no booking is touched twice, and the same seed gives the same changes."""

    async def main() -> list[tuple[str, str]]:
        world = SimulatedWorld(LATENCY)
        office = Office(world, technicians=5, bookings=100)
        async with open_product(world) as product:
            await product.submit_all(office.book(60))
        changes = office.mix(40)
        assert _kinds(changes) == {kind.value: round(share * 40) for kind, share in SHARES.items()}
        assert len({change.booking_id for change in changes}) == 40
        assert all(change.event_id for change in changes if change.kind is Kind.DELETE)
        return [(change.booking_id, change.kind) for change in changes]

    assert run_virtually(main()) == run_virtually(main())


@pytest.mark.parametrize("mixed", [False, True])
def test_booking_sync_gets_it_right_and_never_beats_the_bound(mixed: bool) -> None:  # noqa: FBT001 - as above
    """Everything is in step in the end, nobody was throttled, and the bound is a lower one."""
    measured = measure(Load(60, 6, mixed=mixed), LATENCY)
    assert measured.differences == measured.throttled == 0
    assert measured.bound <= measured.seconds


def test_through_the_host_it_is_right_too_and_not_below_the_hosts_bound() -> None:
    """The host of host.json, fed with the messages that webhooks lead to."""
    measured = measure(Load(150, 10, mixed=True), LATENCY, read_host_settings(REPOSITORY).queues)
    assert measured.differences == measured.throttled == 0
    assert measured.bound <= measured.seconds


def test_virtual_time_is_the_same_on_every_run() -> None:
    """So one run is enough."""
    load = Load(50, 5)
    assert measure(load, LATENCY).seconds == measure(load, LATENCY).seconds


def test_a_throttled_mailbox_is_waited_for() -> None:
    """What its service defers comes back by the queue, and all is well in the end."""

    async def main() -> tuple[float, int]:
        world = SimulatedWorld(LATENCY)
        office = Office(world, technicians=2, bookings=10)
        changes = office.book(10)
        world.graph.limits.throttle(changes[0].mailbox, 20.0)
        async with open_product(world) as product:
            queue = SimulatedQueue(LATENCY.round_trip)
            queue.fill(product.message(change) for change in changes)
            worker = product.worker(queue)
            options = QueueOptions(batch_size=32, new_batch_threshold=68, max_polling_seconds=2.0)
            trigger = QueueTrigger(queue, options, lambda body, count: worker.handle(body.decode(), count))
            await trigger.drain()
        return virtual_seconds(), len(judge(world, office))

    seconds, differences = run_virtually(main())
    assert seconds > 20.0
    assert differences == 0


def test_the_verdict_sees_work_not_done_and_work_done_badly() -> None:
    """A contender that does nothing, or doubles an event, is caught; so is one without markers."""

    async def main() -> None:
        world = SimulatedWorld(LATENCY)
        office = Office(world, technicians=2, bookings=4)
        changes = office.book(4)
        assert {each.kind for each in judge(world, office)} == {Wrong.MISSING}
        async with open_product(world) as product:
            await product.submit_all(changes)
        assert judge(world, office) == []
        assert judge(world, office, markers=False) == []
        mailbox = world.graph.state.user(changes[0].mailbox)
        ours = next(event for event in mailbox.events.values() if event.owner_app)
        world.graph.state.copy(mailbox, ours)
        assert {each.kind for each in judge(world, office)} == {Wrong.DOUBLED}
        assert {each.kind for each in judge(world, office, markers=False)} == {Wrong.UNKNOWN_EVENT}

    run_virtually(main())


def test_the_work_of_changes_is_counted_by_mailbox() -> None:
    """A creation has a tag, a reassignment a removal elsewhere, a deletion no record."""

    async def main() -> None:
        world = SimulatedWorld(LATENCY)
        office = Office(world, technicians=3, bookings=40)
        async with open_product(world) as product:
            await product.submit_all(office.book(20))
        work = work_of(changes := office.mix(20))
        kinds = _kinds(changes)
        assert work.changes - work.records == kinds["delete"]
        assert sum(each.tags for each in work.mailboxes) == kinds["create"] + kinds["reassign"]
        assert sum(each.recorded for each in work.mailboxes) == work.records + kinds["reassign"]
        assert bound(work, LATENCY).seconds > 0

    run_virtually(main())
