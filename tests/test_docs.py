"""The documentation names what is there, and the other way round."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md")), ROOT / "local" / "README.md"]


def _text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    """Relative links in the documentation name files that exist."""
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_make_command_exists(page: Path) -> None:
    """What the documentation tells to type is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", _text("Makefile"), re.MULTILINE))
    command = re.compile(r"(?:`|^)make ([a-z-]+)(?=[` ]|$)", re.MULTILINE)
    named = set(command.findall(page.read_text(encoding="utf-8")))
    assert named <= targets


def test_every_module_of_the_product_has_its_place_in_the_architecture() -> None:
    """A newcomer finds each module and package on the map."""
    modules = {
        path.stem
        for path in (ROOT / "booking_sync").iterdir()
        if (path.suffix == ".py" or (path / "__init__.py").exists()) and not path.stem.startswith("_")
    }
    page = _text("docs/architecture.md")
    assert {name for name in modules if f"{name}.py`" not in page and f"{name}/`" not in page} == set()
