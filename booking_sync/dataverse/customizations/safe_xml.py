"""Reads XML that administrators and their tools wrote, with the place of each element in the text.

Definitions of forms are changed by putting a piece in or cutting one out, so that all else stays byte for
byte what it was: a parser that writes the whole anew would touch everybody's work.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn
from xml.parsers.expat import ExpatError, ParserCreate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_QUOTES = b"\"'"


class UnreadableXmlError(ValueError):
    """It is no XML, or has a document type, which definitions of Dataverse never have."""


@dataclass(slots=True)
class Element:
    """An element and where it stands in the UTF-8 text: bytes from `start` to before `end`."""

    name: str
    attributes: Mapping[str, str]
    start: int
    end: int = 0
    content_end: int | None = None
    """Where its end tag begins; None for an element without one (`<rows />`)."""
    children: list[Element] = field(default_factory=list)

    def all(self, name: str) -> Iterator[Element]:
        """The elements of that name below, in the order of the text."""
        for child in self.children:
            if child.name == name:
                yield child
            yield from child.all(name)

    def path(self, *names: str) -> Iterator[Element]:
        """The elements that these names lead to, one step each."""
        if not names:
            yield self
            return
        for child in self.children:
            if child.name == names[0]:
                yield from child.path(*names[1:])


def parse(text: str) -> Element:
    """The root element.

    Raises:
        UnreadableXmlError: it can't be read.
    """
    data = text.encode("utf-8", "surrogatepass")
    roots: list[Element] = []
    stack: list[Element] = []
    parser = ParserCreate("utf-8")

    def start(name: str, attributes: dict[str, str]) -> None:
        element = Element(name, attributes, parser.CurrentByteIndex)
        (stack[-1].children if stack else roots).append(element)
        stack.append(element)

    def end(_name: str) -> None:
        element, at = stack.pop(), parser.CurrentByteIndex
        element.content_end = at if data[at : at + 2] == b"</" else None
        element.end = _tag_end(data, at)

    def refuse(*_declaration: object) -> NoReturn:
        raise UnreadableXmlError("a document type is not read")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(data, True)  # noqa: FBT003 - expat takes it by position: this is all of it
    except ExpatError as error:
        raise UnreadableXmlError(str(error)) from None
    return roots[0]


def _tag_end(data: bytes, at: int) -> int:
    """Behind the tag that begins at `at`; a `>` within an attribute's value ends nothing."""
    quote: int | None = None
    for position in range(at, len(data)):
        byte = data[position]
        if quote is not None:
            quote = None if byte == quote else quote
        elif byte in _QUOTES:
            quote = byte
        elif byte == ord(">"):
            return position + 1
    return len(data)
