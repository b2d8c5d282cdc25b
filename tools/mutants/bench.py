"""A copy of the repository, in which one mutant is judged at a time."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from tools.mutants.mutations import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tools.mutants.mutations import Mutant

SCHEDULES = 300
FIRST_SEED = 6_000_000
SECONDS = 120.0
"""For a judge that waits for something that never comes."""
PROCESSOR_SECONDS = {"tests": 60, "schedules": 300}
"""For one that runs in circles."""

_BOOKING = (
    "tests/sync/booking/test_synchronizer.py",
    "tests/sync/booking/test_return_path.py",
    "tests/sync/booking",
    "tests/peoples_events",
)
_WAY_BACK = ("tests/domain/return_path", "tests/sync/booking", "tests/sync/from_outlook")

JUDGES: dict[str, tuple[str, ...]] = {
    "booking_sync/domain/plan.py": (
        "tests/domain/test_plan.py",
        "tests/domain/environment/test_steps.py",
        "tests/domain/events/test_event_calendars.py",
        "tests/domain/bookings/test_participation.py",
        "tests/sync/booking/test_synchronizer.py",
        "tests/status",
    ),
    "booking_sync/domain/record.py": (
        "tests/domain/test_record.py",
        "tests/sync/booking/test_synchronizer.py",
    ),
    "booking_sync/domain/events/ownership.py": ("tests/domain/events/test_ownership.py", "tests/sync"),
    **{
        f"booking_sync/sync/booking/{module}.py": _BOOKING
        for module in ("synchronizer", "applied", "finding", "removing", "writing", "return_path")
    },
    **{
        f"booking_sync/domain/return_path/{module}.py": _WAY_BACK
        for module in ("policy", "comparison", "guard", "side", "base", "times", "sweep")
    },
    "booking_sync/sync/worker.py": ("tests/sync/test_worker.py", "tests/sync/test_fan_out.py"),
    "booking_sync/sync/booking/per_booking.py": ("tests/sync/booking/test_per_booking.py",),
    "booking_sync/sync/booking/proof.py": ("tests/sync",),
    "booking_sync/audit/compare.py": ("tests/audit/test_compare.py",),
    "booking_sync/audit/guard.py": ("tests/audit/test_guard_and_hints.py",),
    "booking_sync/audit/hints.py": ("tests/audit/test_guard_and_hints.py",),
    "booking_sync/audit/mending.py": ("tests/audit/test_auditor.py", "tests/audit/test_stretches.py"),
}
"""The modules that decide, and the tests that are asked first, the quickest ones."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one mutant."""

    key: str
    module: str
    line: int
    operator: str
    change: str
    """As a diff's lines."""
    killed_by: str
    """`unit tests`, `simulation`, or empty: it survived."""
    simulated: bool
    """Whether the simulation was asked, which it is only where the unit tests notice nothing."""


class Bench:
    """Judges mutants in a copy of the repository; used as `async with`.

    Args:
        folder: which is made for the copy.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._judge: asyncio.subprocess.Process | None = None
        ignored = shutil.ignore_patterns(".git", ".venv*", "node_modules", "__pycache__", ".*_cache", "dist")
        shutil.copytree(ROOT, folder, ignore=ignored)
        (folder / ".venv").symlink_to(ROOT / ".venv")
        (folder / "local" / "node_modules").symlink_to(ROOT / "local" / "node_modules")

    async def __aenter__(self) -> Self:
        self._judge = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tools.mutants.judge",
            cwd=self._folder,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        return self

    async def __aexit__(self, *_error: object) -> None:
        if self._judge and self._judge.stdin:
            self._judge.stdin.close()
            await self._judge.wait()

    async def check(self, module: str) -> None:
        """See that the tests are content with what is not changed: else they would kill every mutant.

        Raises:
            RuntimeError: they are not.
        """
        if not await self._passes_tests(module, cache=True):
            raise RuntimeError(f"The tests of {module} fail without any change: {' '.join(JUDGES[module])}")

    async def check_schedules(self) -> None:
        """See that the schedules are, too.

        Raises:
            RuntimeError: they are not.
        """
        if not await self._passes_schedules():
            raise RuntimeError("A schedule is violated without any change.")

    async def judge(self, mutant: Mutant, *, simulating: bool, tested: bool = False) -> Verdict:
        """Try a mutant on its judges.

        Args:
            mutant: the change.
            simulating: whether the simulation is asked about what the unit tests do not notice.
            tested: the unit tests were asked before, and noticed nothing.
        """
        path = self._folder / mutant.module
        before = path.stat()
        try:
            path.write_text(mutant.mutated, encoding="utf-8")
            os.utime(path, (before.st_mtime + 1000, before.st_mtime + 1000))  # no compiled file is of then
            killed_by = await self._killed_by(mutant.module, simulating=simulating, tested=tested)
        finally:
            path.write_text(mutant.original, encoding="utf-8")
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        simulated = simulating and killed_by != "unit tests"
        return Verdict(
            mutant.key, mutant.module, mutant.line, mutant.operator, mutant.change, killed_by, simulated
        )

    async def _killed_by(self, module: str, *, simulating: bool, tested: bool) -> str:
        if not tested and not await self._passes_tests(module):
            return "unit tests"
        return "simulation" if simulating and not await self._passes_schedules() else ""

    async def _passes_tests(self, module: str, *, cache: bool = False) -> bool:
        return await self._ask("tests", JUDGES[module], SECONDS, cache=cache)

    async def _passes_schedules(self) -> bool:
        # They run in virtual time, and wait for nothing.
        patience = 10.0 * PROCESSOR_SECONDS["schedules"]
        return await self._ask("schedules", (str(FIRST_SEED), str(SCHEDULES)), patience)

    async def _ask(
        self, kind: str, arguments: tuple[str, ...], seconds: float, *, cache: bool = False
    ) -> bool:
        assert self._judge is not None  # noqa: S101 - entered
        assert self._judge.stdin is not None  # noqa: S101 - a pipe
        assert self._judge.stdout is not None  # noqa: S101 - a pipe
        question = [kind, arguments, PROCESSOR_SECONDS[kind], seconds, cache]
        self._judge.stdin.write(f"{json.dumps(question)}\n".encode())
        await self._judge.stdin.drain()
        answer = await self._judge.stdout.readline()
        if not answer:
            raise RuntimeError("The judge has died.")
        return answer.strip() == b"0"
