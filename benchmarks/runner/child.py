"""Runs one benchmark in this process and writes its result; started by `benchmarks.runner.run`."""

from __future__ import annotations

import importlib
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.common.figures import Latency, Options

if TYPE_CHECKING:
    from benchmarks.common.figures import Result


def options_to_text(options: Options) -> str:
    """For the command line of the child."""
    return json.dumps(asdict(options))


def options_from_text(text: str) -> Options:
    """The opposite of `options_to_text`."""
    data = json.loads(text)
    latencies = tuple(Latency(**latency) for latency in data["latencies"])
    return Options(quick=data["quick"], repeats=data["repeats"], latencies=latencies)


def run_here(module: str, options: Options) -> Result:
    """The benchmark's result, under its module's name.

    Raises:
        ImportError: there is no such module.
        AttributeError: it has no `run`.
        Exception: whatever the benchmark failed with.
    """
    result: Result = importlib.import_module(module).run(options)
    return replace(result, name=module.rpartition(".")[2])


def main() -> None:
    """`python -m benchmarks.runner.child MODULE OPTIONS FILE`."""
    module, options, file = sys.argv[1:]
    result = run_here(module, options_from_text(options))
    Path(file).write_text(json.dumps(result.as_json(), allow_nan=False), encoding="utf-8")


if __name__ == "__main__":
    main()
