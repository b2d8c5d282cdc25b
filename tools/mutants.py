"""Which mistakes the tests would not notice: `make mutants`, or `python -m tools.mutants --sample 20`.

Changes one thing at a time in the code that decides (a comparison, a number, a `not`, a `break`), and runs
the judges: the unit tests of that module, and the simulation when those see nothing. What survives is listed
with its change, and is either a missing test or a change that makes no difference. The mutations are Cosmic
Ray's; those inside type annotations, which are never evaluated here, and of the stars in signatures are left
out.
"""

from __future__ import annotations

import argparse
import ast
import asyncio
import json
import os
import random
import shutil
import sys
import tempfile
from collections import Counter
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cosmic_ray.commands import init
from cosmic_ray.mutating import apply_mutation
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_db import WorkDB
from rich.console import Console
from rich.progress import track

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cosmic_ray.work_item import MutationSpec

ROOT = Path(__file__).parents[1]
UNIT_SECONDS = 120.0
SIMULATION_SECONDS = 900.0
SCHEDULES = 300
FIRST_SEED = 6_000_000

JUDGES: dict[str, tuple[str, ...]] = {
    "booking_sync/domain/plan.py": ("tests/domain", "tests/sync/test_synchronizer.py", "tests/status"),
    "booking_sync/domain/record.py": ("tests/domain/test_record.py", "tests/sync/test_synchronizer.py"),
    "booking_sync/domain/ownership.py": ("tests/domain/test_ownership.py", "tests/sync"),
    "booking_sync/sync/synchronizer.py": (
        "tests/sync/test_synchronizer.py",
        "tests/sync/test_peoples_events.py",
    ),
    "booking_sync/sync/worker.py": ("tests/sync/test_worker.py",),
    "booking_sync/sync/per_booking.py": ("tests/sync/test_per_booking.py",),
    "booking_sync/sync/proof.py": ("tests/sync",),
    "booking_sync/audit/compare.py": ("tests/audit/test_compare.py",),
    "booking_sync/audit/guard.py": ("tests/audit/test_guard_and_hints.py",),
    "booking_sync/audit/hints.py": ("tests/audit/test_guard_and_hints.py",),
    "booking_sync/audit/mending.py": ("tests/audit/test_stretches.py", "tests/audit/test_auditor.py"),
}
"""The modules that decide, and the tests that are asked first, the quickest ones."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one mutant."""

    module: str
    line: int
    operator: str
    change: str
    """As a diff's lines."""
    killed_by: str
    """`unit tests`, `simulation`, or empty: it survived."""


def _annotations(source: str) -> set[tuple[int, int]]:
    """The lines and columns that lie in annotations."""
    spans: set[tuple[int, int]] = set()
    for node in ast.walk(ast.parse(source)):
        for each in (getattr(node, "annotation", None), getattr(node, "returns", None)):
            if isinstance(each, ast.expr):
                spans |= _places(each)
    return spans


def _calculations(source: str) -> set[tuple[int, int]]:
    """The lines and columns where an operator calculates, and is no star of a signature or a call."""
    return set().union(
        *(_places(node) for node in ast.walk(ast.parse(source)) if isinstance(node, ast.BinOp))
    )


def _places(node: ast.expr) -> set[tuple[int, int]]:
    found = set()
    for line in range(node.lineno, (node.end_lineno or node.lineno) + 1):
        first = node.col_offset if line == node.lineno else 0
        last = (node.end_col_offset or 0) if line == node.end_lineno else 200
        found |= {(line, column) for column in range(first, last)}
    return found


def mutations(module: str) -> list[MutationSpec]:
    """Every mutation of a module that can make a difference."""
    with tempfile.TemporaryDirectory() as folder:
        database = WorkDB(str(Path(folder) / "session.sqlite"), WorkDB.Mode.create)
        init([Path(module)], database, {})
        found = [each.mutations[0] for each in database.work_items]
        database.close()
    source = (ROOT / module).read_text(encoding="utf-8")
    annotations, calculations = _annotations(source), _calculations(source)
    return [
        each
        for each in found
        if tuple(each.start_pos) not in annotations
        and ("BinaryOperator" not in each.operator_name or tuple(each.start_pos) in calculations)
    ]


class Bench:
    """A copy of the repository, in which one mutant is judged at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        ignored = shutil.ignore_patterns(".git", ".venv*", "node_modules", "__pycache__", ".*_cache", "dist")
        shutil.copytree(ROOT, folder, ignore=ignored)
        (folder / ".venv").symlink_to(ROOT / ".venv")
        (folder / "local" / "node_modules").symlink_to(ROOT / "local" / "node_modules")

    async def judge(self, mutation: MutationSpec) -> Verdict:
        """Try the mutant on its judges."""
        module = str(mutation.module_path)
        path = self._folder / module
        original = path.read_text(encoding="utf-8")
        mutated = _mutate(path, mutation)
        try:
            path.write_text(mutated, encoding="utf-8")
            killed_by = await self._killed_by(module)
        finally:
            path.write_text(original, encoding="utf-8")
        change = _change(original, mutated)
        return Verdict(
            module, mutation.start_pos[0], mutation.operator_name.split("/")[-1], change, killed_by
        )

    async def _killed_by(self, module: str) -> str:
        unit = ["-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *JUDGES[module]]
        if not await self._passes(unit, UNIT_SECONDS):
            return "unit tests"
        soak = ["-m", "tests.simulation", "soak", str(SCHEDULES), "--first", str(FIRST_SEED)]
        return "" if await self._passes(soak, SIMULATION_SECONDS) else "simulation"

    async def _passes(self, arguments: Sequence[str], seconds: float) -> bool:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            *arguments,
            cwd=self._folder,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(seconds):
                return await child.wait() == 0
        except TimeoutError:
            return False
        finally:
            if child.returncode is None:
                os.killpg(child.pid, 9)
                await child.wait()


def _mutate(path: Path, mutation: MutationSpec) -> str:
    operator = get_operator(mutation.operator_name)(**mutation.operator_args)
    original = path.read_text(encoding="utf-8")
    apply_mutation(path, operator, mutation.occurrence)
    mutated = path.read_text(encoding="utf-8")
    path.write_text(original, encoding="utf-8")
    return mutated


def _change(original: str, mutated: str) -> str:
    before, after = original.splitlines(), mutated.splitlines()
    gone = [line.strip() for line in before if line not in after]
    came = [line.strip() for line in after if line not in before]
    return "\n".join([*(f"- {line}" for line in gone), *(f"+ {line}" for line in came)])


async def judge_all(
    chosen: Sequence[MutationSpec], benches: Sequence[Bench], tell: Callable[[Verdict], None]
) -> list[Verdict]:
    """The verdicts, in the order of the mutations; each is told at once, since all take hours."""
    verdicts: dict[int, Verdict] = {}
    left = iter(track(list(enumerate(chosen)), "Mutants", console=Console(stderr=True)))

    async def work(bench: Bench) -> None:
        for place, mutation in left:
            verdicts[place] = await bench.judge(mutation)
            tell(verdicts[place])

    await asyncio.gather(*map(work, benches))
    return [verdicts[place] for place in sorted(verdicts)]


def _choose(modules: Sequence[str], sample: int, seed: int) -> list[MutationSpec]:
    found = [each for module in modules for each in mutations(module)]
    if not sample or sample >= len(found):
        return found
    return random.Random(seed).sample(found, sample)  # noqa: S311 - a sample, not a secret


def _add(path: Path | None, verdict: Verdict) -> None:
    if path is not None:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(verdict)) + "\n")


def _show(verdicts: Sequence[Verdict], console: Console) -> None:
    by = Counter(each.killed_by or "survived" for each in verdicts)
    console.print(f"{len(verdicts)} mutants: {dict(by)}")
    for each in verdicts:
        if not each.killed_by:
            console.print(
                f"{each.module}:{each.line} {each.operator}\n{each.change}", markup=False, highlight=False
            )


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge mutants; exit code 1 when one survived."""
    parser = argparse.ArgumentParser(prog="python -m tools.mutants", description=__doc__)
    parser.add_argument("modules", nargs="*", default=list(JUDGES), help="files; all that decide by default")
    parser.add_argument("--sample", type=int, default=0, help="only so many, drawn by the seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--at-once", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", type=Path, help="add each verdict to this file, as a line of JSON")
    options = parser.parse_args(arguments)
    os.chdir(ROOT)
    chosen = _choose(options.modules, options.sample, options.seed)
    with tempfile.TemporaryDirectory() as folder:
        count = min(options.at_once, len(chosen))
        benches = [Bench(Path(folder) / str(number)) for number in range(count)]
        verdicts = asyncio.run(judge_all(chosen, benches, partial(_add, options.json)))
    _show(verdicts, Console())
    return int(any(not each.killed_by for each in verdicts))


if __name__ == "__main__":
    sys.exit(main())
