"""The pages, rendered by GitHub's own Markdown: links lead somewhere, tables are tables, markup is markup."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.languages import node
from tests.languages.pages import PATHS, ROOT, page, rendered
from tests.languages.versions import python_package

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.languages.pages import Page

SLUGGER = "github-slugger"
LEFTOVER = re.compile(r"\*\*|__|`|\]\(|\]\[|^\||\|\s*-{3}", re.MULTILINE)
"""Markup that a reader should not see: GitHub did not take it for any."""


@pytest.fixture(scope="module")
def anchors() -> dict[Path, set[str]]:
    """The anchors of every page."""
    given = {str(path): page(path).headings for path in PATHS}
    found: dict[str, list[str]] = node.run("anchors.mjs", SLUGGER, given=given)
    return {path: set(found[str(path)]) for path in PATHS}


def _dead(links: tuple[str, ...], home: Path, anchors: dict[Path, set[str]]) -> list[str]:
    """The links that lead nowhere: no such file, no such heading."""
    dead = []
    for link in links:
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (home.parent / file).resolve() if file else home
        if not target.exists() or (anchor and anchor not in anchors.get(target, set())):
            dead.append(link)
    return dead


def _uneven(markdown: str) -> list[str]:
    """Rows of tables with more or fewer cells than their head; GitHub cuts them, or fills them up."""
    uneven, width = [], 0
    for line in re.sub(r"^( *)```.*?^\1```", "", markdown, flags=re.MULTILINE | re.DOTALL).splitlines():
        cells = len(re.findall(r"(?<!\\)\|", line.strip())) - 1 if line.lstrip().startswith("|") else 0
        width = (width or cells) if cells else 0
        if cells != width:
            uneven.append(line)
    return uneven


def _visible_markup(page: Page) -> list[str]:
    return [text for text in page.prose if LEFTOVER.search(text)]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_page_is_what_its_source_looks_like(
    path: Path, anchors: dict[Path, set[str]], checked: Callable[[str, str], None]
) -> None:
    """No link and no picture leads nowhere, no row of a table is uneven, no markup stays visible."""
    made = page(path)
    assert made.headings
    assert _dead(made.links + made.images, path, anchors) == []
    assert _uneven(path.read_text(encoding="utf-8")) == []
    assert _visible_markup(made) == []
    checked(f"Markdown: {len(PATHS)} pages", f"{python_package('cmarkgfm')}, {node.version(SLUGGER)}")


def test_what_is_wrong_is_found(anchors: dict[Path, set[str]]) -> None:
    """Each kind of fault in a page of its own."""
    home = ROOT / "README.md"
    links = rendered("[a](docs/no.md) [b](docs/cli.md#no) [c](#no) [d](docs/cli.md#doctor)").links
    assert _dead(links, home, anchors) == ["docs/no.md", "docs/cli.md#no", "#no"]
    assert rendered('<picture><source srcset="x.svg"><img src="y.svg"></picture>').images == (
        "x.svg",
        "y.svg",
    )
    assert _uneven("| a | b |\n|---|---|\n| 1 | 2 | 3 |\n") == ["| 1 | 2 | 3 |"]
    assert _uneven("```text\n| a |\n| a | b |\n```\n| a |\n|---|\n| \\| |\n") == []
    for markdown in ("| a | b |\n|---|\n", "**bold", "`code", "[a] (b) [c](d e)", "text\n|a|b|\n"):
        assert _visible_markup(rendered(markdown)), markdown
    assert _visible_markup(rendered("| a |\n|---|\n| `**` |\n\n**b** `c` [d](e)\n\n```text\n**\n```")) == []


def test_the_list_of_texts_has_every_check() -> None:
    """A reader of docs/assumptions.md finds each module of this folder."""
    text = (ROOT / "docs" / "assumptions.md").read_text(encoding="utf-8")
    modules = [path.name for path in (ROOT / "tests" / "languages").glob("test_*.py")]
    assert [name for name in modules if f"`{name}`" not in text] == []


@pytest.mark.parametrize("path", PATHS, ids=lambda path: str(path.relative_to(ROOT)))
def test_json_that_a_reader_may_copy_is_json(path: Path) -> None:
    """In a block or within a line; names without values are sketches of an answer."""
    made = page(path)
    texts = [*made.spans, *(line for code in made.codes for line in code.text.splitlines())]
    for text in texts:
        for found in re.findall(r"\{\"[^{}]*\":[^{}]*\}", text):
            json.loads(found)
