"""Small runs of the comparisons in virtual time, and how they are told."""

from __future__ import annotations

import pytest

from benchmarks.common.figures import Latency
from benchmarks.contenders.judge import Judgement, judge
from benchmarks.contenders.virtual import Name
from benchmarks.simulated.verdict import facts_of
from benchmarks.speed.noisy_neighbour import Story
from benchmarks.speed.noisy_neighbour import play as play_story
from benchmarks.speed.requests_per_change import Workload, play
from local.graph.mailbox.schema import read_event
from local.standin.virtual_time import run_virtually
from tests.benchmarks.test_contenders import FAULTLESS, make_world

LATENCY = Latency(0.020, 0.080)
WORKLOAD = Workload("a small burst", technicians=20, changes=40)
MIXED = Workload("a small mix", technicians=20, changes=40, mixed=True)
STORY = Story(technicians=4, steady_seconds=5.0, burst_seconds=5.0, throttle_seconds=15.0)


def test_new_bookings_cost_the_contenders_what_is_claimed() -> None:
    """Seven requests for the flow, three for the plain worker, a fraction of one for booking_sync."""
    costs = {name: play(name, WORKLOAD, LATENCY).per_change for name in (Name.FLOW, Name.PLAIN)}
    assert costs == {Name.FLOW: 7.0, Name.PLAIN: 3.0}
    assert play(Name.BOOKING_SYNC, WORKLOAD, LATENCY).per_change < 1.0


@pytest.mark.parametrize("name", [Name.FLOW, Name.PLAIN, Name.BOOKING_SYNC])
def test_a_mix_counts_its_changes_only(name: Name) -> None:
    """The bookings that were made beforehand are in nobody's requests, and all ends right."""
    run = play(name, MIXED, LATENCY)
    assert (run.judgement, run.lost, run.throttled) == (FAULTLESS, 0, 0)
    assert run.per_change < 7.0
    assert run.seconds > 3 * LATENCY.service


def test_booking_sync_spares_the_other_mailboxes() -> None:
    """While one mailbox is throttled the others' bookings show within seconds, and nothing is lost."""
    run = play_story(Name.BOOKING_SYNC, STORY, LATENCY)
    assert max(run.others) < 5.0
    assert min(run.throttled) > 5.0
    assert (len(run.throttled), run.lost, run.judgement) == (run.throttled_bookings, 0, FAULTLESS)


def test_all_bookings_of_the_story_are_told() -> None:
    """Steady, burst and throttled bookings add up."""
    run = play_story(Name.FLOW, STORY, LATENCY)
    assert (len(run.steady), len(run.others) + len(run.throttled)) == (STORY.steady, STORY.burst)


def test_an_event_that_nobody_knows_is_wrong() -> None:
    """An event without a mark that looks like no other counts as one thing that is wrong."""

    async def main() -> Judgement:
        world, office = make_world()
        mailbox = next(iter(world.graph.state.mailboxes.values()))
        time = {"dateTime": "2026-03-02T09:00:00", "timeZone": "UTC"}
        world.graph.state.create(
            mailbox, read_event({"subject": "?", "start": time, "end": time}, creating=True)
        )
        return judge(facts_of(world, office))

    assert run_virtually(main()) == Judgement(missing=0, doubled=0, wrong=1)
