"""How the report writes figures."""

from __future__ import annotations

import math
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.common.figures import Cell

DIGITS = 3


def number(value: float) -> str:
    """A count exactly, anything else to three significant digits, thousands separated: `1,042`, `0.0123`."""
    if isinstance(value, int):
        return f"{value:,}"
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    decimals = DIGITS - 1 - math.floor(math.log10(abs(value)))
    rounded = round(value, decimals)
    return f"{rounded:,.{_decimals(rounded)}f}"


def _decimals(rounded: float) -> int:
    """How many of a rounded number's decimals to show: those that it was rounded to (9.996 became 10.0)."""
    if rounded == 0:
        return 0
    return max(0, DIGITS - 1 - math.floor(math.log10(abs(rounded))))


def text(cell: Cell) -> str:
    """A table's cell."""
    return cell if isinstance(cell, str) else number(cell)


def markdown(cell: Cell) -> str:
    """A cell that can't end its row or column."""
    return " ".join(text(cell).replace("|", "\\|").split())


def is_number(cell: Cell) -> bool:
    """Whether it is aligned to the right: a number, or a text that begins with one, such as a spread."""
    return not isinstance(cell, str) or cell[:1].isdigit()


def markdown_table(columns: Iterable[str], rows: Iterable[Iterable[Cell]]) -> str:
    """A table in Markdown; columns of numbers are aligned to the right."""
    head: list[Cell] = list(columns)
    body = [list(row) for row in rows]
    numeric = [bool(body) and all(is_number(row[at]) for row in body) for at in range(len(head))]
    lines = [[markdown(cell) for cell in line] for line in (head, *body)]
    lines.insert(1, ["---:" if right else "---" for right in numeric])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def day(iso: str) -> str:
    """`2026-11-23` as `23 November 2026`."""
    when = date.fromisoformat(iso)
    return f"{when.day} {when:%B %Y}"
