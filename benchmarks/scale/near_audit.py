"""What the audit of these days costs, which runs every half hour and leaves nothing out.

As `audit_at_scale`, with no more bookings than the days from yesterday to three days ahead hold.
"""

from __future__ import annotations

from benchmarks.common.figures import Options, Result, Table, Target
from benchmarks.scale.audit_at_scale import COLUMNS, audits, rows_of

TECHNICIANS = (60, 960, 5_000)
QUICK_TECHNICIANS = (60, 120)
BOOKINGS = 20
"""Of each technician: five days with four."""
AIM_SECONDS = 60.0
"""Of processor time for the largest size; there are 48 such audits a day."""


def run(options: Options) -> Result:
    """Audit these days of tenants of each size, one after the other."""
    sizes = QUICK_TECHNICIANS if options.quick else TECHNICIANS
    found = audits(sizes, BOOKINGS)
    seconds = found[-1]["cpu_seconds"]
    return Result(
        "near_audit",
        "What does the audit cost that looks at these days every half hour?",
        {"bookings of each technician": BOOKINGS, "technicians": sizes[-1]},
        tables=(Table("One audit of these days, everything in step", COLUMNS, rows_of(sizes, found)),),
        targets=(
            Target(
                f"at most {AIM_SECONDS:g} s of processor time for {sizes[-1]:,} technicians",
                f"{seconds:.1f} s",
                seconds <= AIM_SECONDS,
            ),
        ),
        notes=("Nothing is left out: docs/architecture.md says why, under *These days, every half hour*.",),
    )
