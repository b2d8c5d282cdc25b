"""The Markdown pages as GitHub renders them, taken apart."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cmarkgfm
import tinyhtml5
from cmarkgfm.cmark import Options

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

ROOT = Path(__file__).parents[2]
PATHS = (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md")), ROOT / "local" / "README.md")
_HEADING = re.compile(r"h[1-6]")


@dataclass(frozen=True, slots=True)
class Code:
    """A block of code."""

    language: str
    """As the page names it; empty where it names none."""
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    """What a reader gets."""

    headings: tuple[str, ...]
    links: tuple[str, ...]
    """Where they lead, as written."""
    images: tuple[str, ...]
    codes: tuple[Code, ...]
    spans: tuple[str, ...]
    """Code within a line."""
    prose: tuple[str, ...]
    """Texts outside code, as far as no element interrupts them."""


@functools.cache
def page(path: Path) -> Page:
    """A page of the repository."""
    return rendered(path.read_text(encoding="utf-8"))


def rendered(markdown: str) -> Page:
    """Read Markdown with GitHub's fork of cmark; HTML in it stays, as GitHub lets pictures stay."""
    html = cmarkgfm.github_flavored_markdown_to_html(markdown, Options.CMARK_OPT_UNSAFE)
    root = tinyhtml5.parse(html, namespace_html_elements=False)
    return Page(
        headings=tuple("".join(each.itertext()) for each in _elements(root) if _HEADING.fullmatch(each.tag)),
        links=tuple(each.attrib["href"] for each in _elements(root) if each.tag == "a"),
        images=tuple(
            each.attrib[name] for each in _elements(root) for name in ("src", "srcset") if name in each.attrib
        ),
        codes=tuple(_code(each) for each in _elements(root) if each.tag == "pre"),
        spans=tuple(_spans(root)),
        prose=tuple(text for text in _prose(root) if text.strip()),
    )


def _elements(root: Element) -> Iterator[Element]:
    return (each for each in root.iter() if not callable(each.tag))  # comments have a function for a tag


def _code(block: Element) -> Code:
    return Code(block.attrib.get("lang", ""), "".join(block.itertext()))


def _spans(element: Element) -> Iterator[str]:
    if element.tag == "pre":
        return
    if element.tag == "code":
        yield "".join(element.itertext())
    for child in element:
        yield from _spans(child)


def _prose(element: Element) -> Iterator[str]:
    if element.tag not in ("code", "pre") and not callable(element.tag):
        yield element.text or ""
        for child in element:
            yield from _prose(child)
            yield child.tail or ""
