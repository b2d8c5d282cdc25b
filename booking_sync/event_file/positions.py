"""In which line of a TOML file each key stands: `tomllib` tells that of mistakes in syntax only.

It is asked of files that `tomllib` has read, so this need not find mistakes, only keys: lines that begin with
a name and an equals sign, below the last header, outside of texts of several lines; and what stands within
braces on such a line. What is written otherwise is found where the table around it stands.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from booking_sync.event_file.content import Position

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PART = r"""(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')"""
_NAME = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER = re.compile(rf"\s*(\[\[?)\s*({_NAME})\s*\]")
_KEY = re.compile(rf"\s*({_NAME})\s*=")
_QUOTED = re.compile(r""""(?:[^"\\]|\\.)*"|'[^']*'""")
_DELIMITERS = ('"""', "'''")


def find_positions(text: str) -> Mapping[str, Position]:
    """By key, with its table before it, the first place where it stands.

    Keys of the second table in a list are found as `rules.1.shown`, those of the first as `rules.0.shown`.
    """
    found: dict[str, Position] = {}
    counts: dict[str, int] = {}
    table, delimiter = "", ""
    for number, line in enumerate(text.split("\n"), 1):
        if delimiter:
            delimiter = "" if line.count(delimiter) % 2 else delimiter
            continue
        if header := _HEADER.match(line):
            table = _plain(header[2])
            first, dot, rest = table.partition(".")
            if header[1] == "[[":
                counts[table] = counts.get(table, -1) + 1
                table = f"{table}.{counts[table]}"
            elif first in counts:  # a table of the list's last one
                table = f"{first}.{counts[first]}{dot}{rest}"
            place = Position(number, header.start(2) + 1)
            found.setdefault(table.partition(".")[0], place)
            found.setdefault(table, place)
        elif key := _KEY.match(line):
            name = ".".join(filter(None, (table, _plain(key[1]))))
            found.setdefault(name, Position(number, key.start(1) + 1))
            for inner, column in _within_braces(line, key.end()):
                found.setdefault(f"{name}.{inner}", Position(number, column + 1))
        delimiter = next((each for each in _DELIMITERS if line.count(each) % 2), "")
    return found


def _within_braces(line: str, start: int) -> Iterator[tuple[str, int]]:
    """The keys of a table that is written within braces behind a key, and where in the line each begins."""
    place = start + len(line[start:]) - len(line[start:].lstrip())
    if not line.startswith("{", place):
        return
    while key := _KEY.match(line, place + 1):
        yield _plain(key[1]), key.start(1)
        place = _value_end(line, key.end())
        if not line.startswith(",", place):
            return


def _value_end(line: str, place: int) -> int:
    """Where the value ends that begins here, before a comma or the closing brace."""
    depth = 0
    while place < len(line):
        if quoted := _QUOTED.match(line, place):
            place = quoted.end()
            continue
        if depth == 0 and line[place] in ",}":
            break
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(line[place], 0)
        place += 1
    return place


def _plain(name: str) -> str:
    """Without quotation marks and blanks."""
    return ".".join(part.strip().strip("\"'") for part in name.split("."))
