"""A benchmark that measures what it was asked for, for the runner's tests."""

from __future__ import annotations

import os

from benchmarks.common.figures import Options, Result, Table, Target


def run(options: Options) -> Result:
    """Tell the options and the process."""
    latencies = ", ".join(latency.label for latency in options.latencies)
    rows = (("process", os.getpid()), ("repeats", options.repeats), ("latencies", latencies))
    return Result(
        "another-name",
        "Does it run?",
        {"quick": str(options.quick)},
        (Table("Options", ("what", "value"), rows),),
        targets=(Target("at most 1", "2", met=False, bound="the sample"),),
    )
