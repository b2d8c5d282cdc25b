"""docs/field-cases.md and the tests here speak of the same cases."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "field-cases.md"


def test_every_case_is_tried_and_every_trial_is_told() -> None:
    """By its number, with a verdict, a source in public and the file that keeps it."""
    told = re.split(r"^## (?=B)", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    tried = {
        path.name: set(re.findall(r"^async def test_b(\d+)_", path.read_text(encoding="utf-8"), re.MULTILINE))
        for path in HERE.glob("test_*.py")
    }
    for case in told:
        head = re.match(r"B(\d+) (?:OK|FAULT|DOUBTFUL)\b", case)
        assert head, case
        assert "https://github.com/" in case
        kept = re.search(r"Kept by: `tests/field/(\w+\.py)`", case)
        assert kept, case
        assert head[1] in tried[kept[1]], case
    assert len(told) == 10 == len(set().union(*tried.values()))
