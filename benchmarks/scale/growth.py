"""What a booking costs the worker in processor time, and whether that grows with their number.

The worker is a process of its own (`benchmarks.probes.worker`): production wiring, real adapters, SDKs and
TLS, no Functions host. What the stand-ins use is theirs. `python -m benchmarks.scale.growth --profile` says
where the time goes.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.common.field import Field, messages
from benchmarks.common.figures import Chart, ChartKind, Options, Result, Table, Target
from benchmarks.probes.run import run_module
from local.stack import LocalStack, StackOptions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Sample = tuple[int, float, float, float]

STEPS = (1_000, 5_000, 20_000)
QUICK_STEPS = (100, 200, 400)
WARM_UP = 200
TECHNICIANS = 200
AIM_MS = 2.0
AIM_RATIO = 1.2
"""Cost of a booking at the last step against the first: what a busy machine makes of equal work."""
PROFILED = 2_000
BOUND = "the Graph SDK, whose models and builders make the requests of a new booking; see --profile"
NO_LIMIT = 10**9
"""Of requests in five minutes: the question is cost, and 20,000 bookings at once are more than a burst."""


def run(options: Options) -> Result:
    """Create as many bookings as the last step says, and look at the cost on the way."""
    steps = QUICK_STEPS if options.quick else STEPS
    figures = asyncio.run(_measure(steps[-1], steps[0] // 2, profile=False))
    return _result([tuple(sample) for sample in figures["samples"]], steps)


async def _measure(count: int, every: int, *, profile: bool) -> Mapping[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with LocalStack(StackOptions(folder, hosts=0)) as stack:
            await stack.dataverse.configure(max_requests=NO_LIMIT, max_execution_seconds=float(NO_LIMIT))
            field = Field(stack, TECHNICIANS)
            await field.furnish()
            warm = min(WARM_UP, count // 9)
            file = folder / "messages"
            file.write_text("\n".join(messages(await field.book(count + warm))))
            options = ["--profile"] if profile else []
            figures: Mapping[str, Any] = await run_module(
                "worker", str(file), str(warm), str(every), *options, environment=stack.settings
            )
            await _all_synced(stack, count + warm)
            return figures


async def _all_synced(stack: LocalStack, bookings: int) -> None:
    """Refuse to measure failures.

    Raises:
        RuntimeError: bookings were put back or given up, or lack an event.
    """
    left, given_up = await stack.queue.waiting(), await stack.queue.poisoned()
    events = len(await stack.graph.events())
    if left or given_up or events < bookings:
        raise RuntimeError(f"{bookings} bookings, {events} events; {left} put back, {given_up} given up")


def costs(samples: Sequence[Sample]) -> list[tuple[int, float]]:
    """Milliseconds of processor time per booking between each sample and the one before."""
    return [
        (after[0], (after[1] - before[1]) * 1000 / (after[0] - before[0]))
        for before, after in pairwise([(0, 0.0, 0.0, 0.0), *samples])
    ]


def _result(samples: Sequence[Sample], steps: Sequence[int]) -> Result:
    at = {sample[0]: sample for sample in samples}
    chosen = [at[step] for step in steps]
    per_booking = [sample[1] * 1000 / sample[0] for sample in chosen]
    ratio = per_booking[-1] / per_booking[0]
    return Result(
        "growth",
        "How much processor time does a booking cost, and does it grow with their number?",
        {"creates": steps[-1], "technicians": TECHNICIANS, "latency": "none"},
        tables=(
            Table(
                "Processor time of the worker process",
                ("creates", "seconds", "ms per booking", "of it in the event loop", "in other threads"),
                tuple(
                    (
                        sample[0],
                        sample[1],
                        cost,
                        sample[2] * 1000 / sample[0],
                        (sample[1] - sample[2]) * 1000 / sample[0],
                    )
                    for sample, cost in zip(chosen, per_booking, strict=True)
                ),
                "Other threads: requests to Dataverse with their TLS.",
            ),
        ),
        charts=(
            Chart(
                "growth",
                "Processor time per booking while the number grows",
                ChartKind.LINES,
                "bookings so far",
                "ms per booking",
                {"booking_sync": tuple(costs(samples))},
            ),
        ),
        targets=(
            Target(
                f"below {AIM_MS:g} ms of processor time per booking",
                f"{per_booking[-1]:.2f} ms over {steps[-1]:,} creates",
                per_booking[-1] < AIM_MS,
                "" if per_booking[-1] < AIM_MS else BOUND,
            ),
            Target(
                f"linear: a booking of {steps[-1]:,} costs at most {AIM_RATIO:g}x one of {steps[0]:,}",
                f"{ratio:.2f}x",
                ratio <= AIM_RATIO,
            ),
        ),
        notes=NOTES,
    )


NOTES = (
    (
        "One worker process with the production wiring, fed through the registered function as many messages "
        "at a time as host.json allows; Dataverse, Graph, Entra and Key Vault are other processes over TLS. "
        "Webhooks, the host and the deletion of messages are not in it."
    ),
    "All steps are of one run: the figure for 1,000 is that of its first 1,000 bookings, after a warm-up.",
)


def print_profile(count: int) -> None:
    """Where the processor time goes; a profile makes small functions look dearer than they are."""
    profile = asyncio.run(_measure(count, count, profile=True))["profile"]
    groups = sorted(profile["groups"].items(), key=lambda each: -each[1])
    lines = [f"Own time by group, over {count} creates with warm-up, processor time:", ""]
    lines += [f"{seconds * 1000 / count:8.3f} ms per booking  {group}" for group, seconds in groups]
    lines += ["", "The dearest functions by own time:", ""]
    lines += [
        f"{own * 1000 / count:8.3f} ms  {total * 1000 / count:8.3f} ms with callees  "
        f"{calls / count:7.1f} calls per booking  {name}  [{group}]"
        for name, group, calls, own, total in profile["functions"]
    ]
    print("\n".join(lines))  # noqa: T201 - what the command is for


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", action="store_true", required=True)
    parser.add_argument("--bookings", type=int, default=PROFILED)
    print_profile(parser.parse_args().bookings)
