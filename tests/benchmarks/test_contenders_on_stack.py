"""The plain worker as a function app on the real local stack, and how a burst of it is measured and told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from benchmarks.common.figures import Latency
from benchmarks.contenders.burst import Burst, BurstSize, measure_burst
from benchmarks.contenders.judge import Judgement
from benchmarks.contenders.plain_app.variant import app_with_concurrency
from benchmarks.speed.side_by_side import BOOKING_SYNC, ONE_BY_ONE, PLAIN, Measured, to_result
from local.functions_host.configuration import read_host_settings
from local.processes import REPOSITORY
from local.stack import LocalStack, StackOptions
from local.stack.control import Counts

if TYPE_CHECKING:
    from pathlib import Path

LATENCY = Latency(0.020, 0.080)
FAULTLESS = Judgement(0, 0, 0)


async def test_a_burst_of_the_plain_app_is_counted_and_judged(tmp_path: Path) -> None:
    """Each booking is one request to Graph and two to Dataverse, and its event is right in the end."""
    app = app_with_concurrency(tmp_path / "app", batch_size=4, new_batch_threshold=2)
    async with LocalStack(StackOptions(tmp_path / "stack", app_folder=app)) as stack:
        await stack.graph.configure(inline_extension_failure_every=0)
        for seed in range(2):
            burst = await measure_burst(stack, BurstSize(bookings=6, mailboxes=3), seed)
            assert burst.judgement == FAULTLESS
            assert (burst.graph.requests, burst.dataverse.requests) == (6, 12)
            assert burst.seconds > 0


def test_the_variant_changes_the_concurrency_and_nothing_else(tmp_path: Path) -> None:
    """One at a time keeps the polling, the hiding and the number of tries."""
    one = read_host_settings(app_with_concurrency(tmp_path, batch_size=1, new_batch_threshold=0)).queues
    assert (one.batch_size, one.new_batch_threshold) == (1, 0)
    ours = read_host_settings(REPOSITORY).queues
    assert one == replace(ours, batch_size=1, new_batch_threshold=0)


@pytest.mark.parametrize(
    ("seconds", "judgement", "met"),
    [
        ((2.0, 4.0, 40.0), FAULTLESS, [True, True]),
        ((2.0, 3.9, 39.0), FAULTLESS, [False, False]),
        ((1.0, 4.0, 40.0), Judgement(1, 0, 0), [False, False]),
    ],
)
def test_a_target_is_met_by_speed_and_right_events(
    seconds: tuple[float, float, float], judgement: Judgement, met: list[bool]
) -> None:
    """At least 20 and 2 times faster, and never with a booking that does not show."""
    rows = [
        Measured(name, 1.0, (_burst(each, judgement),))
        for name, each in zip((BOOKING_SYNC, PLAIN, ONE_BY_ONE), seconds, strict=True)
    ]
    result = to_result({LATENCY: rows}, BurstSize(1000, 50), BurstSize(60, 50))
    assert [target.met for target in result.targets] == met


def test_what_was_measured_on_fewer_bookings_is_scaled() -> None:
    """The seconds of the whole burst are those of the sample times their ratio."""
    sample = Measured(ONE_BY_ONE, 1000 / 60, (_burst(6.0, FAULTLESS), _burst(9.0, FAULTLESS)))
    assert sample.seconds.low == pytest.approx(100.0)
    assert sample.seconds.high == pytest.approx(150.0)


def _burst(seconds: float, judgement: Judgement) -> Burst:
    counts = Counts(10, 0, 10, 0, 0)
    return Burst(BurstSize(1000, 50), seconds, counts, counts, judgement)
