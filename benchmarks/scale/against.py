"""What a new booking costs in processor time, against an earlier commit, both measured in one run.

Machines differ and are shared, so only the ratio of two measurements that were made side by side says what
a change brought. Both versions are worker processes with production wiring (`probes.worker`), the earlier one
from a checkout of its commit; they take turns with the same stand-ins over TLS, each with its own bookings.
"""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.common.field import Field, messages
from benchmarks.common.figures import Options, Result, Spread, Table, Target
from benchmarks.probes.run import run_module
from local.processes import REPOSITORY
from local.stack import LocalStack, StackOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

BASE = "8ea0842bcec1"
"""The last commit before requests were composed instead of built."""
BOOKINGS, QUICK_BOOKINGS = 1_500, 200
WARM_UP = 200
TECHNICIANS = 100
AIM = 0.5
NO_LIMIT = 10**9


def run(options: Options) -> Result:
    """Both versions, in turns."""
    count = QUICK_BOOKINGS if options.quick else BOOKINGS
    with checkout(BASE) as folder:
        costs = asyncio.run(_measure(folder, count, options.repeats))
    return result(costs, count)


@contextmanager
def checkout(commit: str) -> Iterator[Path]:
    """The repository's files at a commit, in a folder of their own for as long as the context lasts.

    Raises:
        RuntimeError: there is no such commit here, as in a shallow clone.
    """
    with tempfile.TemporaryDirectory() as name:
        packed = subprocess.run(  # noqa: S603 - our own repository
            ["git", "archive", "--format=tar", commit],  # noqa: S607 - whichever git there is
            cwd=REPOSITORY,
            capture_output=True,
            check=False,
        )
        if packed.returncode:
            raise RuntimeError(f"commit {commit} can't be read: {packed.stderr.decode(errors='replace')}")
        subprocess.run(["tar", "-x", "-C", name], input=packed.stdout, check=True)  # noqa: S603, S607 - the tar that is there
        yield Path(name)


async def _measure(earlier: Path, count: int, repeats: int) -> list[tuple[float, float]]:
    """Milliseconds of processor time per new booking, before and now, of each repeat."""
    with tempfile.TemporaryDirectory() as name:
        async with LocalStack(StackOptions(Path(name), hosts=0)) as stack:
            await stack.dataverse.configure(max_requests=NO_LIMIT, max_execution_seconds=float(NO_LIMIT))
            field = Field(stack, TECHNICIANS)
            await field.furnish()
            costs = []
            for repeat in range(repeats + 1):
                turns = (earlier, REPOSITORY) if repeat % 2 else (REPOSITORY, earlier)
                turn = {code: await _cost(stack, field, code, Path(name), count) for code in turns}
                costs.append((turn[earlier], turn[REPOSITORY]))
            return costs[1:]  # the first warms the machine up


async def _cost(stack: LocalStack, field: Field, code: Path, folder: Path, count: int) -> float:
    file = folder / "messages"
    file.write_text("\n".join(messages(await field.book(count + WARM_UP))))
    before = len(await stack.graph.events())
    figures: dict[str, Any] = await run_module(
        "worker", str(file), str(WARM_UP), str(count), environment=stack.settings, code=code
    )
    made = len(await stack.graph.events()) - before
    if made != count + WARM_UP or await stack.queue.waiting() or await stack.queue.poisoned():
        raise RuntimeError(f"{count + WARM_UP} bookings, {made} new events: this measures failures")
    return float(figures["samples"][-1][1]) * 1000 / count


def result(costs: list[tuple[float, float]], count: int) -> Result:
    """Of at least one repeat's costs, before and now."""
    before, now = (Spread.of([pair[side] for pair in costs]) for side in (0, 1))
    ratio = Spread.of([pair[1] / pair[0] for pair in costs])
    return Result(
        "against",
        "What does a new booking cost in processor time, against an earlier commit?",
        {"commit before": BASE, "new bookings each": count, "repeats": len(costs)},
        tables=(
            Table(
                "Processor time of the worker process for each new booking",
                ("commit before, ms", "now, ms", "now / before"),
                ((before.text(2), now.text(2), ratio.text(2)),),
            ),
        ),
        targets=(
            Target(
                f"at most {AIM:g} times the processor time of {BASE}",
                f"{ratio.text(2)} times",
                ratio.median <= AIM,
                "" if ratio.median <= AIM else BOUND,
            ),
        ),
        notes=NOTES,
    )


BOUND = "what is left: TLS and HTTP of both clients, asyncio, rendering, seals; see growth --profile"
NOTES = (
    (
        "Both are fed as many messages at a time as host.json allows, over TLS, without latency. Webhooks, "
        "the host and the deletion of messages are not in it."
    ),
    "The versions take turns within a repeat, in changing order; each turn is a fresh process, warmed up.",
)
