"""The tool that measures the tests finds what they notice, and what they do not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tools.mutants import JUDGES, ROOT, Bench, mutations


def test_every_judged_module_and_its_judges_are_there() -> None:
    """A module that is renamed is not left out in silence."""
    for module, judges in JUDGES.items():
        assert (ROOT / module).is_file(), module
        assert all((ROOT / judge).exists() for judge in judges), judges


def test_annotations_and_signatures_are_left_alone() -> None:
    """They are never evaluated, or are no operators at all: no test could notice."""
    found = mutations("booking_sync/audit/hints.py")
    lines = (ROOT / "booking_sync/audit/hints.py").read_text(encoding="utf-8").splitlines()
    assert found
    assert not [each for each in found if "->" in lines[each.start_pos[0] - 1]]


@pytest.mark.timeout(300)
def test_a_mutant_is_noticed_and_the_code_is_put_back(tmp_path: Path) -> None:
    """The pace of hints is a number that a test holds; the copy is as it was afterwards."""
    module = "booking_sync/audit/hints.py"
    line = next(
        number
        for number, text in enumerate((ROOT / module).read_text(encoding="utf-8").splitlines(), 1)
        if "place / HINTS_PER_SECOND" in text
    )
    (mutation, *_) = [each for each in mutations(module) if each.start_pos[0] == line]
    bench = Bench(tmp_path / "copy")
    verdict = asyncio.run(bench.judge(mutation))
    assert verdict.killed_by == "unit tests"
    assert verdict.change.startswith("- delay = place / HINTS_PER_SECOND")
    assert (tmp_path / "copy" / module).read_bytes() == (ROOT / module).read_bytes()
