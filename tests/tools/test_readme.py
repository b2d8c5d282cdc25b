"""The README shows what is true: badges, pictures, and the columns of its comparison."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tools.badges import FOLDER, badges

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MOST_LINES = 140


def test_badges_are_drawn_from_what_holds() -> None:
    """Licence, Pythons and hosting plan are those of the repository (`python -m tools.badges`)."""
    assert {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()} == badges()
    for svg in badges().values():
        ET.fromstring(svg)  # noqa: S314 - our own
    said = re.search(r"You need Python (.*?) and Node", README)
    assert said
    assert ", ".join(re.findall(r"3\.\d+", said[1])).replace(", ", " | ") in badges()["python.svg"]


def test_no_picture_is_of_another_s_service() -> None:
    """Badges, pictures and recordings lie in this repository."""
    sources = re.findall(r'(?:src|srcset)="([^"]+)"', README) + re.findall(r"!\[[^]]*\]\(([^)]+)", README)
    assert len(sources) > 4
    assert all((ROOT / each).is_file() for each in sources)


def test_every_picture_has_words_for_those_who_do_not_see_it() -> None:
    """Each says what it shows."""
    tags = re.findall(r"<img [^>]*>", README)
    assert all(re.search(r'alt="[^"]{8,}"', tag) for tag in tags)


def test_it_stays_short() -> None:
    """What is longer belongs into docs/."""
    assert len(README.splitlines()) <= MOST_LINES


@pytest.mark.parametrize("svg", sorted((ROOT / "docs" / "images").glob("*.svg")), ids=lambda path: path.name)
def test_a_recording_stands_alone(svg: Path) -> None:
    """It ends in step, and loads nothing from anywhere."""
    text = svg.read_text(encoding="utf-8")
    ET.fromstring(text)  # noqa: S314 - our own
    assert "in&#160;step" in text
    assert not re.search(r"font-face|url\(['\"]?http|href=", text)


BLOCK = re.compile(r"^```mermaid\n(.*?)^```", re.MULTILINE | re.DOTALL)
SHOWN = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
DIAGRAMS = [diagram for path in SHOWN for diagram in BLOCK.findall(path.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("diagram", DIAGRAMS, ids=lambda diagram: str(diagram).split(maxsplit=1)[0])
def test_a_diagram_holds_nothing_that_ends_it(diagram: str) -> None:
    """Mermaid takes a semicolon for the end of a statement, and shows an error instead of a diagram."""
    assert re.match(r"flowchart LR\n|sequenceDiagram\n", diagram)
    assert ";" not in diagram
    assert diagram.count("[") == diagram.count("]")
    assert diagram.count("(") == diagram.count(")")
    assert diagram.count('"') % 2 == 0


def test_there_are_diagrams() -> None:
    """Of the flow of data, and of one change."""
    assert len(DIAGRAMS) >= 2
