"""What browsers and Outlook read: the operator's page, its style, script and policy, and the event's text."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from tinyhtml5.parser import HTMLParser

from booking_sync.domain.events.event_text.renderer import EventRenderer, EventStyle
from booking_sync.domain.events.zones import event_zone
from booking_sync.operations.page import SCRIPTS as PAGE_FILES
from booking_sync.operations.page import STYLES as STYLE_FILES
from booking_sync.operations.page import operators_page
from tests.languages import node
from tests.languages.pages import ROOT
from tests.languages.versions import python_package
from tests.support.bookings import booking

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

STYLES, POLICIES = "csstree-validator", "csp_evaluator"
STATIC = ROOT / "booking_sync" / "operations" / "static"
SHEET = "".join(path.read_text(encoding="utf-8") for path in sorted((STATIC / "styles").glob("*.css")))
PAGE_SCRIPTS = sorted((STATIC / "scripts").rglob("*.js"))
SCRIPTS = (*PAGE_SCRIPTS, *sorted((ROOT / "tests" / "languages" / "programs").glob("*.mjs")))
BAD_SHEETS = {
    "an unknown property": ("a { colour: red }", "colour"),
    "a wrong value": ("a { color: rad }", "color"),
    "an unknown rule": ("@medai print {}", "medai"),
}
BAD_POLICIES = {
    "an unknown directive": ("scrip-src 'none'; default-src 'none'", "not a known CSP directive"),
    "a keyword without quotes": ("default-src self", "single-ticks"),
    "an open door": ("default-src 'none'; script-src 'unsafe-inline'", "unsafe"),
}


def _faults(html: str, *, container: str | None = None) -> list[str]:
    """Where the HTML standard's algorithm reports a parse error."""
    parser = HTMLParser()
    parser.parse(html, container=container) if container else parser.parse(html)
    return [f"line {place[0]}: {code}" for place, code, _ in parser.errors]


@pytest.fixture(scope="module")
def found() -> Mapping[str, Mapping[str, list[str]]]:
    """What is found in style sheets and policies, the controls included."""
    policy = operators_page().headers["Content-Security-Policy"]
    given = {
        "sheets": {"page": SHEET} | {name: text for name, (text, _) in BAD_SHEETS.items()},
        "policies": {"page": policy} | {name: text for name, (text, _) in BAD_POLICIES.items()},
    }
    answer: dict[str, Any] = node.run("browser.mjs", STYLES, POLICIES, given=given)
    return answer


def test_the_page_is_html(checked: Callable[[str, str], None]) -> None:
    """The parsing algorithm of the HTML standard reports no error, with style and script inside."""
    assert _faults(operators_page().html) == []
    checked("HTML: the operator's page, the event's text", python_package("tinyhtml5"))


def test_the_event_s_text_is_html() -> None:
    """The same of what Outlook is given, with all that a work order may hold, and with nothing."""
    renderer = EventRenderer(EventStyle(event_zone("Europe/Berlin"), "https://contoso.crm4.dynamics.com"))
    full = booking()
    assert full.start
    assert full.end
    body = renderer.render(full, full.start, full.end).body_html
    assert "Harbour Street 4" in body
    assert _faults(body, container="div") == []


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        ("</main>", "expected-one-end-tag"),
        ('id="main"', "duplicate-attribute"),
        ("<h1>", "expected-named-entity"),
    ],
)
def test_what_is_no_html_is_found(html: str, fault: str) -> None:
    """A tag that is not closed, an attribute twice, a character that has no such name."""
    broken = {"</main>": "", 'id="main"': 'id="main" id="x"', "<h1>": "<h1>&unknown;"}
    page = operators_page().html
    assert html in page
    assert any(fault in each for each in _faults(page.replace(html, broken[html], 1)))


def test_the_page_s_style_is_css(
    found: Mapping[str, Mapping[str, list[str]]], checked: Callable[[str, str], None]
) -> None:
    """Every property is known and takes its value, by the syntax tables of the CSS standards."""
    assert found["sheets"]["page"] == []
    checked("CSS: the operator's page", node.version(STYLES))


def test_the_page_s_policy_is_one(
    found: Mapping[str, Mapping[str, list[str]]], checked: Callable[[str, str], None]
) -> None:
    """Google's evaluator knows every directive and sees no way around."""
    assert found["policies"]["page"] == []
    checked("Content security policy: the operator's page", node.version(POLICIES))


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        *(("sheets", name, words) for name, (_, words) in BAD_SHEETS.items()),
        *(("policies", name, words) for name, (_, words) in BAD_POLICIES.items()),
    ],
)
def test_what_is_wrong_is_found(
    found: Mapping[str, Mapping[str, list[str]]], kind: str, name: str, words: str
) -> None:
    """Both tell faults."""
    assert any(words in finding for finding in found[kind][name]), found[kind][name]


def _check_syntax(path: Path) -> subprocess.CompletedProcess[str]:
    program = shutil.which("node")
    assert program
    return subprocess.run(  # noqa: S603 - looks at a file, runs nothing of it
        [program, "--check", str(path)], capture_output=True, text=True, check=False
    )


def test_every_script_and_style_is_in_the_page() -> None:
    """A file that nobody named would be published and never run."""
    there = {path.relative_to(STATIC / "scripts").with_suffix("").as_posix() for path in PAGE_SCRIPTS}
    assert set(PAGE_FILES) == there
    assert set(STYLE_FILES) == {path.stem for path in (STATIC / "styles").iterdir()}
    assert len(PAGE_FILES) == len(PAGE_SCRIPTS)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_javascript(path: Path, checked: Callable[[str, str], None]) -> None:
    """V8 reads the page's script, and the programs of these tests."""
    assert _check_syntax(path).returncode == 0
    checked(f"JavaScript: {len(SCRIPTS)} files", "node --check")


def test_what_is_no_javascript_is_found(tmp_path: Path) -> None:
    """A bracket that stays open."""
    broken = tmp_path / "broken.mjs"
    broken.write_text("export const a = (1;")
    assert "SyntaxError" in _check_syntax(broken).stderr
