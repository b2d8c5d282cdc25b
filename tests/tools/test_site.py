"""The documentation as a site: every page has its place, links lead where they did, lists stay lists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tools.site import Places, page_of_site, places, write

ROOT = Path(__file__).parents[2]
HERE = Places({"README.md": "index.md", "docs/cli.md": "cli.md", "SECURITY.md": "security.md"}, "https://x/y")


def _nav(entries: list[dict[str, object]]) -> list[str]:
    pages: list[str] = []
    for entry in entries:
        for value in entry.values():
            pages += _nav(value) if isinstance(value, list) else [str(value)]
    return pages


def _without_python_names(text: str) -> dict[str, list[dict[str, object]]]:
    """mkdocs.yml names Python's functions by tags, which YAML alone doesn't know."""
    found: dict[str, list[dict[str, object]]] = yaml.safe_load(re.sub(r"!!python/\S+", "", text))
    return found


def test_every_page_is_in_the_site_s_contents_once() -> None:
    """Whoever adds a page adds it to `nav`; none there is gone."""
    nav = _nav(_without_python_names((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"])
    assert sorted(nav) == sorted(places().pages.values())


@pytest.mark.parametrize(
    ("link", "page", "leads"),
    [
        ("cli.md#doctor", "docs/walkthrough.md", "cli.md#doctor"),
        ("docs/cli.md", "README.md", "cli.md"),
        ("../SECURITY.md", "docs/cli.md", "security.md"),
        ("../README.md#is-it-for-me", "docs/cli.md", "index.md#is-it-for-me"),
        ("#doctor", "docs/cli.md", "#doctor"),
        ("https://example.com/a.md", "docs/cli.md", "https://example.com/a.md"),
        ("mailto:a@b.example", "docs/cli.md", "mailto:a@b.example"),
        ("../host.json", "docs/cli.md", "https://x/y/blob/main/host.json"),
        ("examples/event.toml", "docs/event.md", "https://x/y/blob/main/docs/examples/event.toml"),
        ("docs/images/run.svg", "README.md", "images/run.svg"),
        ("images/run.svg", "docs/cli.md", "images/run.svg"),
    ],
)
def test_a_link_leads_where_it_did(link: str, page: str, leads: str) -> None:
    """To a page of the site, to a picture, or to the file in the repository."""
    assert HERE.of(link, page) == leads


def test_links_in_code_stay_and_those_in_html_move() -> None:
    """What a reader copies is not touched; pictures in HTML are found."""
    text = '```\n[a](docs/cli.md)\n```\n[a](docs/cli.md) <img src="docs/images/run.svg">\n'
    assert page_of_site(text, "README.md", HERE) == (
        '```\n[a](docs/cli.md)\n```\n[a](cli.md) <img src="images/run.svg">\n'
    )


def test_lists_are_such_for_both_kinds_of_markdown() -> None:
    """GitHub is content with three blanks and no empty line; Python-Markdown is not."""
    text = "Text:\n1. One:\n\n   | a |\n   |---|\n2. Two,\n   and more\n\nEnd.\n  no list\n"
    assert page_of_site(text, "docs/cli.md", HERE) == (
        "Text:\n\n1. One:\n\n    | a |\n    |---|\n\n2. Two,\n    and more\n\nEnd.\n  no list\n"
    )
    code = "- a\n\n  ```\n  two blanks\n  ```\n"
    assert page_of_site(code, "docs/cli.md", HERE) == "- a\n\n    ```\n    two blanks\n    ```\n"


def test_no_link_of_the_site_leads_nowhere(tmp_path: Path) -> None:
    """Pages and pictures that pages of the site name are in the site."""
    folder = tmp_path / "pages"
    written = write(folder, ROOT, "https://x/y")
    assert {path.name for path in written} == set(places().pages.values())
    for path in written:
        text = re.sub(
            r"^( *)```.*?^\1```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
        )
        text = re.sub(r"`[^`\n]*`", "", text)
        targets = re.findall(r"\]\(([^)#\s]+)", text) + re.findall(r"(?:src|srcset)=\"([^\"]+)\"", text)
        assert [each for each in targets if ":" not in each and not (folder / each).is_file()] == [], (
            path.name
        )


def test_the_workflow_publishes_only_when_somebody_says_so() -> None:
    """A push builds; the job that may publish runs by hand."""
    text = (ROOT / ".github" / "workflows" / "pages.yml").read_text(encoding="utf-8")
    build, publish = text.split("\n  publish:\n")
    assert "pages: write" not in build
    assert publish.lstrip().startswith("if: github.event_name == 'workflow_dispatch'")
