"""`python -m benchmarks`: lists benchmarks, runs them, and writes the report.

Exit codes: 0 fine; 1 a benchmark crashed or the report could not be written; 2 a wrong command line;
3 a target was missed (only with --strict).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from benchmarks.catalogue import CATALOGUE, Benchmark, UnknownBenchmarkError, chosen
from benchmarks.common.figures import LATENCIES, QUICK_REPEATS, Latency, Options
from benchmarks.report import cells, terminal
from benchmarks.runner.run import Crashed, run
from benchmarks.runner.store import QUICK, RESULTS, BadResultError, load, store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from benchmarks.runner.store import Measurement

    Measure = Callable[[str, Options], Measurement | Crashed]

CRASHED, USAGE, MISSED, INTERRUPTED = 1, 2, 3, 130
PROGRESS = Console(stderr=True)
OUTPUT = Console()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measures booking_sync. Without a name it lists the benchmarks; `all` runs every one; "
        "`report` writes docs/benchmarks.md and the README's table from the stored results.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="a benchmark, `all`, or `report`")
    parser.add_argument(
        "--quick", action="store_true", help="small sizes, one repeat; stored apart, never in the report"
    )
    parser.add_argument(
        "--repeats", type=_repeats, metavar="N", help=f"default {Options().repeats}, quick {QUICK_REPEATS}"
    )
    parser.add_argument(
        "--latency",
        type=_latency,
        nargs="+",
        default=LATENCIES,
        metavar="ROUND_TRIP/SERVICE",
        help="of the simulated services, in milliseconds; default 20/80 50/150",
    )
    parser.add_argument("--json", action="store_true", help="print the stored results as JSON, not as tables")
    parser.add_argument("--strict", action="store_true", help="a missed target is an error (exit code 3)")
    return parser


def _repeats(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of repeats: at least 1")
    return int(text)


def _latency(text: str) -> Latency:
    try:
        return Latency.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _run_listed(name: str, options: Options) -> Measurement | Crashed:
    (benchmark,) = chosen([name])
    return run(name, options, package=f"benchmarks.{benchmark.package}")


def main(
    arguments: Sequence[str] | None = None, *, measure: Measure = _run_listed, results: Path = RESULTS
) -> int:
    """Do what the command line asks; return the exit code.

    Args:
        arguments: the command line's; None for this process's.
        measure: runs one benchmark.
        results: where they are stored; quick ones in a folder within.
    """
    parser = _parser()
    asked = parser.parse_args(arguments)
    try:
        if not asked.names:
            return _list(results)
        if asked.names == ["report"]:
            return _report()
        options = Options(
            quick=asked.quick,
            repeats=asked.repeats or (QUICK_REPEATS if asked.quick else Options().repeats),
            latencies=tuple(asked.latency),
        )
        folder = results / QUICK if options.quick else results
        measured, crashed = _run(
            chosen(asked.names), lambda name: measure(name, options), folder, quiet=asked.json
        )
        if asked.json:
            sys.stdout.write(json.dumps([each.as_json() for each in measured], indent=1) + "\n")
        return _conclude(measured, crashed, strict=asked.strict)
    except UnknownBenchmarkError as error:
        parser.error(str(error))
    except (BadResultError, OSError, ValueError) as error:
        PROGRESS.print(f"Failed: {error}", style="red", markup=False)
        return CRASHED
    except KeyboardInterrupt:
        PROGRESS.print("Stopped; what had been measured before is stored.")
        return INTERRUPTED


def _list(results: Path) -> int:
    stored = load(results)
    table = Table("benchmark", "what it measures", "last stored")
    for benchmark in CATALOGUE:
        measured = stored.get(benchmark.name)
        table.add_row(
            benchmark.name, benchmark.title, cells.day(measured.provenance.date) if measured else "never"
        )
    OUTPUT.print(table)
    OUTPUT.print(
        "python -m benchmarks NAME … runs some, `all` every one; --help tells the options.", markup=False
    )
    return 0


def _report() -> int:
    from benchmarks.report.write import write  # noqa: PLC0415 - only the report needs the plotting library

    for file in write():
        OUTPUT.print(str(file), markup=False, soft_wrap=True)
    return 0


def _run(
    benchmarks: Sequence[Benchmark],
    measure: Callable[[str], Measurement | Crashed],
    folder: Path,
    *,
    quiet: bool,
) -> tuple[list[Measurement], list[Crashed]]:
    """Run one after the other and store what comes out; a crash does not keep the others from running."""
    measured: list[Measurement] = []
    crashed: list[Crashed] = []
    for number, benchmark in enumerate(benchmarks, 1):
        with _progress(f"{number} of {len(benchmarks)}: {benchmark.name}"):
            outcome = measure(benchmark.name)
        if isinstance(outcome, Crashed):
            crashed.append(outcome)
            PROGRESS.print(outcome.tail, style="dim", markup=False, highlight=False)
            PROGRESS.print(f"{outcome.name} {outcome.reason}", style="red", markup=False)
            continue
        store(outcome, folder)
        measured.append(outcome)
        if not quiet:
            terminal.show(OUTPUT, outcome)
    return measured, crashed


@contextlib.contextmanager
def _progress(description: str) -> Iterator[None]:
    if not PROGRESS.is_terminal:
        PROGRESS.print(description, markup=False)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=PROGRESS, transient=True) as progress:
        progress.add_task(description, total=None)
        yield


def _conclude(measured: Sequence[Measurement], crashed: Sequence[Crashed], *, strict: bool) -> int:
    targets = [target for each in measured for target in each.result.targets]
    missed = [target for target in targets if not target.met]
    PROGRESS.print(f"{len(measured)} measured, {len(targets) - len(missed)} of {len(targets)} targets met.")
    if crashed:
        again = " ".join(each.name for each in crashed)
        PROGRESS.print(f"Crashed: {again}. To repeat: python -m benchmarks {again}", style="red")
        return CRASHED
    return MISSED if strict and missed else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends the benchmark in work, too
    sys.exit(main())
