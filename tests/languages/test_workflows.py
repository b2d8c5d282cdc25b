"""GitHub's workflows, read by the parser of GitHub's own language server, expressions included."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.languages import node
from tests.languages.pages import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

PARSER = "@actions/workflow-parser"
PATHS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
_JOB = "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n"
CONTROLS = {
    "an unknown event": (f"on: pushh\n{_JOB.partition(chr(10))[2]}    steps: []\n", "pushh"),
    "an unknown key": (f"{_JOB}    step: []\n", "step"),
    "an unknown context": (f"{_JOB}    if: gitub.ref == 'x'\n    steps:\n      - run: 'true'\n", "gitub"),
    "a broken expression": (f"{_JOB}    steps:\n      - run: echo ${{{{ github.ref( }}}}\n", "symbol"),
    "a job that waits for none": (f"{_JOB}    needs: b\n    steps:\n      - run: 'true'\n", "dependencies"),
}


@pytest.fixture(scope="module")
def read() -> dict[str, dict[str, list[str]]]:
    """What is found in each workflow and control, and the scripts of its steps."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in PATHS}
    given = texts | {name: text for name, (text, _) in CONTROLS.items()}
    found: dict[str, Any] = node.run("workflows.mjs", PARSER, given=given)
    return found


def test_every_workflow_is_without_a_finding(
    read: dict[str, dict[str, list[str]]], checked: Callable[[str, str], None]
) -> None:
    """Keys, values and expressions are such that GitHub would run it."""
    assert {path.name: read[path.name]["findings"] for path in PATHS} == {path.name: [] for path in PATHS}
    assert all(read[path.name]["scripts"] for path in PATHS)
    checked(f"GitHub workflows: {len(PATHS)}", node.version(PARSER))


@pytest.mark.parametrize("name", CONTROLS)
def test_what_is_wrong_is_found(read: dict[str, dict[str, list[str]]], name: str) -> None:
    """The parser tells faults of each kind."""
    assert any(CONTROLS[name][1] in finding for finding in read[name]["findings"]), read[name]
