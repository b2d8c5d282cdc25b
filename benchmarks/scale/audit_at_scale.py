"""What an audit of the whole costs as the tenant grows, and whether its memory stays bounded.

Each size is audited in a fresh process (`benchmarks.probes.audit`) with the real adapters, rules and use
case. The services are made up page by page (`benchmarks.simulated.crowd`), since no stand-in holds 1.5
million rows.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from benchmarks.common.figures import Options, Result, Table, Target
from benchmarks.probes.run import run_module

if TYPE_CHECKING:
    from collections.abc import Sequence

TECHNICIANS = (60, 240, 960, 5_000)
QUICK_TECHNICIANS = (60, 120)
BOOKINGS, QUICK_BOOKINGS = 300, 20
AIM_MB = 200.0
COLUMNS = (
    "technicians",
    "bookings",
    "requests to Dataverse",
    "batches to Graph",
    "processor time, s",
    "ms per booking",
    "peak memory, MB",
)
AIM_RATIO = 1.2
"""Cost of a booking at the largest size against the smallest: what a busy machine makes of equal work."""


def run(options: Options) -> Result:
    """Audit tenants of each size, one after the other."""
    sizes = QUICK_TECHNICIANS if options.quick else TECHNICIANS
    bookings = QUICK_BOOKINGS if options.quick else BOOKINGS
    return _result(sizes, bookings, audits(sizes, bookings))


def audits(sizes: Sequence[int], bookings: int) -> list[Any]:
    """What an audit of a tenant of each size cost, as its probe tells."""
    return [asyncio.run(run_module("audit", str(each), str(bookings))) for each in sizes]


def _result(sizes: Sequence[int], bookings: int, found: Sequence[Any]) -> Result:
    return Result(
        "audit_at_scale",
        "What does an audit cost in requests, processor time and memory, as the number of technicians grows?",
        {"bookings of each technician": bookings, "technicians": sizes[-1]},
        tables=(
            Table(
                "One audit, everything in step",
                COLUMNS,
                rows_of(sizes, found),
            ),
        ),
        targets=scale_targets(sizes, bookings, found),
        notes=(
            (
                "Peak memory is the whole process's, with the adapters and SDKs loaded and the answers that "
                "are made up in it. Processor time leaves out the making of the answers, HTTP and TLS."
            ),
            (
                "Parts are looked at one after the other. Within one the requests to Dataverse follow each "
                "other, and the batches to Graph go side by side."
            ),
        ),
    )


def scale_targets(
    sizes: Sequence[int], bookings: int, found: Sequence[Any], bound: str = ""
) -> tuple[Target, Target]:
    """That memory is bounded, and that the cost of a booking does not grow.

    Args:
        sizes: technicians, the fewest first.
        bookings: of each.
        found: what the probe told of each size.
        bound: what bounds the cost where it grows all the same.
    """
    highest = max(each["peak_mb"] for each in found)
    first, last = (each["cpu_seconds"] / each["rows"] for each in (found[0], found[-1]))
    flat = last <= AIM_RATIO * first
    return (
        Target(
            f"at most {AIM_MB:g} MB for {sizes[-1]:,} technicians with {bookings} bookings each",
            f"{highest:.0f} MB",
            highest <= AIM_MB,
        ),
        Target(
            f"a booking costs at most {AIM_RATIO:g} times as much at {sizes[-1]:,} technicians as at "
            f"{sizes[0]:,}",
            f"{last / first:.2f} times",
            flat,
            "" if flat else bound,
        ),
    )


def rows_of(sizes: Sequence[int], found: Sequence[Any]) -> tuple[tuple[int | float, ...], ...]:
    """The table's rows, one for each size."""
    return tuple(_row(technicians, each) for technicians, each in zip(sizes, found, strict=True))


def _row(technicians: int, found: Any) -> tuple[int | float, ...]:
    return (
        technicians,
        found["rows"],
        found["requests"]["Dataverse"],
        found["requests"]["Graph"],
        found["cpu_seconds"],
        found["cpu_seconds"] * 1000 / found["rows"],
        found["peak_mb"],
    )
