"""The tool that measures the tests finds what they notice, and what they do not."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from tools.mutants.__main__ import judge_all
from tools.mutants.bench import JUDGES, Bench, Verdict
from tools.mutants.mutations import ROOT, Mutant, mutants
from tools.mutants.session import Session

if TYPE_CHECKING:
    from pathlib import Path

MODULE = "booking_sync/audit/hints.py"


def test_every_judged_module_and_its_judges_are_there() -> None:
    """A module that is renamed is not left out in silence."""
    for module, judges in JUDGES.items():
        assert (ROOT / module).is_file(), module
        assert all((ROOT / judge).exists() for judge in judges), judges


def test_what_makes_no_difference_is_left_alone() -> None:
    """Annotations are never evaluated; slots and imports for types are no behaviour."""
    found = mutants(MODULE)
    assert found
    for each in found:
        line = each.original.splitlines()[each.line - 1]
        assert "->" not in line
        assert "if TYPE_CHECKING" not in line
        assert "slots=False" not in each.mutated
        assert each.mutated != each.original


def _mutant(text: str) -> Mutant:
    lines = (ROOT / MODULE).read_text(encoding="utf-8").splitlines()
    line = next(number for number, each in enumerate(lines, 1) if text in each)
    return next(each for each in mutants(MODULE) if each.line == line)


async def _judge(folder: Path, session: Session, *chosen: Mutant) -> list[Verdict]:
    async with AsyncExitStack() as opened:
        bench = await opened.enter_async_context(Bench(folder))
        return await judge_all(chosen, [bench], session, simulating=False)


@pytest.mark.timeout(300)
def test_a_mutant_is_noticed_and_the_code_is_put_back(tmp_path: Path) -> None:
    """The pace of hints is a number that a test holds; the copy is as it was afterwards."""
    session = tmp_path / "session.jsonl"
    mutant = _mutant("place / HINTS_PER_SECOND")
    (verdict,) = asyncio.run(_judge(tmp_path / "copy", Session(session), mutant))
    assert verdict.killed_by == "unit tests"
    assert verdict.change.startswith("- delay = place / HINTS_PER_SECOND")
    assert (tmp_path / "copy" / MODULE).read_bytes() == (ROOT / MODULE).read_bytes()
    assert Session(session).verdict(mutant.key) == verdict


class _NoBench(Bench):
    """Judges nothing."""

    def __init__(self) -> None:
        """Without a copy."""

    async def check(self, module: str) -> None:
        """See there; content."""

    async def check_schedules(self) -> None:
        """See there; content."""

    async def judge(self, mutant: Mutant, *, simulating: bool, tested: bool = False) -> Verdict:
        """See there."""
        raise AssertionError((mutant, simulating, tested))


async def test_a_session_goes_on_where_it_ended(tmp_path: Path) -> None:
    """What was judged before is not judged again, unless its module's text has changed."""
    mutant = _mutant("place / HINTS_PER_SECOND")
    verdict = Verdict(mutant.key, MODULE, mutant.line, mutant.operator, "", "unit tests", simulated=False)
    Session(tmp_path / "session.jsonl").add(verdict)
    again = Session(tmp_path / "session.jsonl")
    assert await judge_all([mutant], [_NoBench()], again, simulating=True) == [verdict]
    other = Mutant(mutant.spec, f"{mutant.original}\n")
    with pytest.raises(AssertionError):
        await judge_all([other], [_NoBench()], again, simulating=True)
