"""What a backfill costs as the tenant grows, and whether its memory stays bounded.

Each size runs in a fresh process (`benchmarks.probes.backfill`), against services that are made up page by
page, as in `audit_at_scale`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from benchmarks.common.figures import Options, Result, Table
from benchmarks.probes.run import run_module
from benchmarks.scale.audit_at_scale import (
    BOOKINGS,
    QUICK_BOOKINGS,
    QUICK_TECHNICIANS,
    TECHNICIANS,
    scale_targets,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

BOUND = (
    "the checkpoint's file names the bookings that are done among those of one start, and is written after "
    "each handful of 40; at the pace of 20 a second that is one write in two seconds"
)


def run(options: Options) -> Result:
    """Queue every booking of tenants of each size, one after the other."""
    sizes = QUICK_TECHNICIANS if options.quick else TECHNICIANS
    bookings = QUICK_BOOKINGS if options.quick else BOOKINGS
    found = [asyncio.run(run_module("backfill", str(each), str(bookings))) for each in sizes]
    return _result(sizes, bookings, found)


def _result(sizes: Sequence[int], bookings: int, found: Sequence[Any]) -> Result:
    return Result(
        "backfill",
        "What does a backfill cost in requests, processor time and memory, as the number of bookings grows?",
        {"bookings of each technician": bookings, "technicians": sizes[-1]},
        tables=(
            Table(
                "One backfill, every booking queued",
                (
                    "technicians",
                    "bookings",
                    "requests to Dataverse",
                    "processor time, s",
                    "ms per booking",
                    "peak memory, MB",
                ),
                tuple(
                    (
                        technicians,
                        each["rows"],
                        each["requests"]["Dataverse"],
                        each["cpu_seconds"],
                        each["cpu_seconds"] * 1000 / each["rows"],
                        each["peak_mb"],
                    )
                    for technicians, each in zip(sizes, found, strict=True)
                ),
            ),
        ),
        targets=scale_targets(sizes, bookings, found, BOUND),
        notes=(
            (
                "All technicians' bookings start at the same moments. The queue takes messages at once, "
                "without the pace; the checkpoint's file is written after each handful."
            ),
            "Processor time leaves out the making of the answers, HTTP, TLS and the storage SDK.",
        ),
    )
