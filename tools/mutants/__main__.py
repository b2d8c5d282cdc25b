"""Which mistakes the tests would not notice: `make mutants`, or `python -m tools.mutants --sample 20`.

Changes one thing at a time in the code that decides (a comparison, a number, a `not`, a `break`), and runs
the judges: the unit tests of that module, and the simulation when those see nothing. What survives is listed
with its change, and is either a missing test or a change that makes no difference.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import tempfile
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress

from tools.mutants.bench import JUDGES, Bench, Verdict
from tools.mutants.mutations import ROOT, Mutant, mutants
from tools.mutants.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


async def judge_all(
    chosen: Sequence[Mutant],
    benches: Sequence[Bench],
    session: Session,
    *,
    simulating: bool,
    again: bool = False,
    tell: Callable[[], None] = lambda: None,
) -> list[Verdict]:
    """The verdicts, in the order of the mutants.

    Args:
        chosen: what to judge.
        benches: each judges one at a time.
        session: what was judged before, and keeps each verdict at once.
        simulating: whether the simulation is asked about what the unit tests do not notice.
        again: ask the unit tests again about what they did not notice.
        tell: called after each.

    Raises:
        RuntimeError: a judge is not even content with the code as it is.
    """
    for module in dict.fromkeys(each.module for each in chosen):
        await benches[0].check(module)
    if simulating:
        await benches[0].check_schedules()
    left = iter(chosen)

    async def work(bench: Bench) -> None:
        for mutant in left:
            known = session.verdict(mutant.key)
            if known is None or (not known.killed_by and (again or simulating > known.simulated)):
                tested = known is not None and not again
                session.add(await bench.judge(mutant, simulating=simulating, tested=tested))
            tell()

    await asyncio.gather(*map(work, benches))
    return [verdict for each in chosen if (verdict := session.verdict(each.key))]


def _choose(modules: Sequence[str], sample: int, seed: int) -> list[Mutant]:
    found = [each for module in modules for each in mutants(module)]
    if not sample or sample >= len(found):
        return found
    return random.Random(seed).sample(found, sample)  # noqa: S311 - a sample, not a secret


def _show(verdicts: Sequence[Verdict], console: Console) -> None:
    for module in dict.fromkeys(each.module for each in verdicts):
        of_it = [each for each in verdicts if each.module == module]
        console.print(f"{module}: {_counts(of_it)}", highlight=False)
    console.print(f"{len(verdicts)} mutants: {_counts(verdicts)}", highlight=False)
    for each in verdicts:
        if not each.killed_by:
            console.print(
                f"{each.module}:{each.line} {each.operator}\n{each.change}", markup=False, highlight=False
            )


def _counts(verdicts: Sequence[Verdict]) -> str:
    by = Counter(each.killed_by or "survived" for each in verdicts)
    return ", ".join(f"{kind} {count}" for kind, count in sorted(by.items()))


async def _run(options: argparse.Namespace, chosen: Sequence[Mutant], folder: Path) -> list[Verdict]:
    async with AsyncExitStack() as opened:
        count = min(options.at_once, len(chosen))
        benches = [await opened.enter_async_context(Bench(folder / str(number))) for number in range(count)]
        with Progress(console=Console(stderr=True)) as progress:
            bar = progress.add_task("Mutants", total=len(chosen))
            return await judge_all(
                chosen,
                benches,
                Session(options.session),
                simulating=not options.unit,
                again=options.again,
                tell=lambda: progress.advance(bar),
            )


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge mutants; exit code 1 when one survived."""
    parser = argparse.ArgumentParser(prog="python -m tools.mutants", description=__doc__)
    parser.add_argument("modules", nargs="*", default=list(JUDGES), help="files; all that decide by default")
    parser.add_argument("--sample", type=int, default=0, help="only so many, drawn by the seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--at-once", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--unit", action="store_true", help="ask the unit tests alone")
    parser.add_argument("--session", type=Path, help="keep verdicts in this file, and go on where it ends")
    parser.add_argument("--again", action="store_true", help="judge what survived once more")
    options = parser.parse_args(arguments)
    os.chdir(ROOT)
    chosen = _choose(options.modules, options.sample, options.seed)
    with tempfile.TemporaryDirectory() as folder:
        verdicts = asyncio.run(_run(options, chosen, Path(folder)))
    _show(verdicts, Console())
    return int(any(not each.killed_by for each in verdicts))


if __name__ == "__main__":
    sys.exit(main())
