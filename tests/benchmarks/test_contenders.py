"""The contenders do what they are said to do, call by call, and the verdict catches them when they do not."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from random import Random

import httpx
import pytest

from benchmarks.common.figures import Latency
from benchmarks.contenders.judge import Judgement, judge
from benchmarks.contenders.retries import ActionFailedError, Retrier, RetryPolicy
from benchmarks.contenders.seams import BOOKINGS, Reply
from benchmarks.contenders.virtual import Contender, Name, open_contender
from benchmarks.simulated.load import Change, Kind, Office
from benchmarks.simulated.verdict import facts_of
from benchmarks.simulated.world import SimulatedWorld
from local.standin.virtual_time import run_virtually, virtual_seconds

LATENCY = Latency(0.020, 0.080)
FAULTLESS = Judgement(0, 0, 0)
REQUESTS = {
    Name.FLOW: {
        Kind.CREATE: (1, 6),
        Kind.RESCHEDULE: (2, 2),
        Kind.STATUS: (1, 2),
        Kind.CANCEL: (1, 3),
        Kind.REASSIGN: (2, 4),
        Kind.DELETE: (1, 0),
    },
    Name.PLAIN: {
        Kind.CREATE: (1, 2),
        Kind.RESCHEDULE: (1, 1),
        Kind.STATUS: (1, 1),
        Kind.CANCEL: (1, 2),
        Kind.REASSIGN: (2, 2),
        Kind.DELETE: (1, 1),
    },
}
"""To Graph and to Dataverse, for one change."""


def seeded(seed: int) -> Random:
    """Choices that are the same every time."""
    return Random(seed)  # noqa: S311 - reproducible on purpose


class Rig:
    """A contender with technicians who have one booking for each change to come."""

    def __init__(self, world: SimulatedWorld, office: Office, contender: Contender) -> None:
        self.world = world
        self.office = office
        self.contender = contender

    async def work(self, changes: list[Change]) -> tuple[int, int]:
        """How many requests these changes lead to, to Graph and to Dataverse."""
        self.world.clear_traffic()
        self.contender.take(changes)
        await self.contender.work()
        return self.world.graph_link.traffic.requests, self.world.dataverse_link.traffic.requests

    def judge(self) -> Judgement:
        """What is wrong now."""
        return judge(facts_of(self.world, self.office))


def make_world(bookings: int = 20, every: int = 0) -> tuple[SimulatedWorld, Office]:
    """A world whose Graph half-fails every so-manieth creation with an extension inside."""
    world = SimulatedWorld(LATENCY)
    state = world.graph.state
    state.config = replace(state.config, inline_extension_failure_every=every)
    return world, Office(world, technicians=4, bookings=bookings)


@pytest.mark.parametrize("name", [Name.FLOW, Name.PLAIN])
@pytest.mark.parametrize("kind", list(Kind))
def test_each_change_costs_the_requests_that_are_claimed(name: Name, kind: Kind) -> None:
    """One change of each kind takes exactly the documented calls, and leaves the calendars right."""

    async def main() -> None:
        world, office = make_world(bookings=80)
        async with open_contender(name, world) as contender:
            rig = Rig(world, office, contender)
            await rig.work(office.book(40))
            assert rig.judge() == FAULTLESS
            change = next(each for each in office.mix(40) if each.kind is kind)
            assert await rig.work([change]) == REQUESTS[name][kind]

    run_virtually(main())


@pytest.mark.parametrize("name", list(Name))
def test_all_kinds_of_changes_end_right_when_nothing_goes_wrong(name: Name) -> None:
    """After a mixed load every booking has exactly one right event, and nothing is lost."""

    async def main() -> None:
        world, office = make_world(bookings=80)
        async with open_contender(name, world) as contender:
            rig = Rig(world, office, contender)
            await rig.work(office.book(40))
            await rig.work(office.mix(40))
            assert (rig.judge(), contender.lost) == (FAULTLESS, 0)

    run_virtually(main())


def test_half_failures_double_the_flows_events() -> None:
    """A 503 for an event that was made is retried by the flow, which has no transactionId, and noticed."""

    async def main() -> None:
        world, office = make_world(every=10)
        async with open_contender(Name.FLOW, world) as contender:
            rig = Rig(world, office, contender)
            await rig.work(office.book(20))
            judgement = rig.judge()
            assert judgement.doubled > 0
            assert judgement == Judgement(missing=0, doubled=judgement.doubled, wrong=0)

    run_virtually(main())


def test_the_plain_workers_transaction_id_saves_it_from_doubling() -> None:
    """The SDK's retry meets the event that was made, whose extension is missing and nothing else."""

    async def main() -> None:
        world, office = make_world(every=10)
        async with open_contender(Name.PLAIN, world) as contender:
            rig = Rig(world, office, contender)
            await rig.work(office.book(20))
            assert rig.judge() == Judgement(missing=0, doubled=0, wrong=2)

    run_virtually(main())


def test_a_flow_whose_retries_are_used_up_loses_its_change_silently() -> None:
    """Ten retries later the run fails, is counted, and its booking shows nowhere."""

    async def main() -> None:
        world, office = make_world()
        world.dataverse.state.configure(max_concurrent=0)  # each request is one too many
        async with open_contender(Name.FLOW, world) as contender:
            rig = Rig(world, office, contender)
            assert await rig.work(office.book(1)) == (0, 11)
            assert (contender.lost, rig.judge().missing) == (1, 1)

    run_virtually(main())


def test_the_plain_worker_leaves_the_event_of_a_booking_that_is_deleted_meanwhile_to_nobody() -> None:
    """Its record finds no row, and takes the new event back instead of re-creating the row."""

    async def main() -> None:
        world, office = make_world()
        async with open_contender(Name.PLAIN, world) as contender:
            [change] = office.book(1)
            contender.take([change])
            working = asyncio.create_task(contender.work())
            await asyncio.sleep(0.2)  # the row is read, and the event is being made
            world.dataverse.state.delete(BOOKINGS, change.booking_id, webhooks=False)
            await working
            assert (judge(facts_of(world, office)), contender.lost) == (FAULTLESS, 0)

    run_virtually(main())


def test_only_so_many_runs_of_the_flow_go_on_at_once() -> None:
    """Trigger concurrency holds the rest back: never more than 25 requests are under way."""

    async def main() -> None:
        world, office = make_world(bookings=60)
        async with open_contender(Name.FLOW, world) as contender:
            await Rig(world, office, contender).work(office.book(60))
        assert world.dataverse_link.traffic.most_at_once == 25

    run_virtually(main())


@pytest.mark.parametrize(
    ("retry", "asked", "least", "most"),
    [
        (1, None, 0.0, 7.0),
        (2, None, 7.0, 14.0),
        (5, None, 56.0, 112.0),
        (10, None, 900.0, 900.0),
        (3, 2.5, 14.0, 28.0),
        (3, 50.0, 50.0, 50.0),
    ],
)
def test_waits_double_up_to_a_bound_and_are_never_shorter_than_asked(
    retry: int, asked: float | None, least: float, most: float
) -> None:
    """The exponential policy draws from a range that doubles; a longer Retry-After wins."""
    delays = [RetryPolicy().delay(retry, asked, seeded(seed)) for seed in range(50)]
    assert least <= min(delays) <= max(delays) <= most


@pytest.mark.parametrize(("status", "tries"), [(429, 11), (500, 11), (408, 11), (404, 1), (400, 1)])
def test_only_passing_troubles_are_retried(status: int, tries: int) -> None:
    """408, 429 and 5xx are tried eleven times in all; a refusal fails the action at once."""
    sent = []

    async def send() -> Reply:
        sent.append(virtual_seconds())
        return Reply(status, {"retry-after": "1000"}, b"")

    async def main() -> None:
        with pytest.raises(ActionFailedError, match=f"get user: {status}"):
            await Retrier(RetryPolicy(), seeded(1)).run("get user", send)

    run_virtually(main())
    assert len(sent) == tries
    assert sent[-1] == pytest.approx(1000.0 * (tries - 1))


def test_a_broken_connection_is_retried() -> None:
    """No answer at all is as good as a 503."""
    answers: list[Reply | None] = [None, Reply(200, {}, b"{}")]

    async def send() -> Reply:
        reply = answers.pop(0)
        if reply is None:
            raise httpx.ConnectError("broken")
        return reply

    async def main() -> None:
        assert (await Retrier(RetryPolicy(), seeded(1)).run("get user", send)).succeeded

    run_virtually(main())
    assert answers == []
