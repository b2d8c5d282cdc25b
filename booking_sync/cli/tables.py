"""Plain tables that never break a word: an id that goes over two lines can't be copied.

Rich shortens columns as far as they must fit, through the middle of a word if need be. Here each column is as
wide as its longest word at least; where a terminal is too narrow for that, rows stand one below the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from booking_sync.domain.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console, ConsoleOptions, RenderableType

_GAP = 2


@dataclass(frozen=True, slots=True)
class PlainTable:
    """A table without lines.

    Args:
        columns: the names in its header.
        rows: texts of each row; a style of theirs stays.
        title: stands above it.
        header: whether the names are shown; without them narrow terminals get the bare texts.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str | Text]]
    title: str = ""
    header: bool = True

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """Side by side where that is possible, else one below the other."""
        rows = [[_to_text(cell) for cell in row] for row in self.rows]
        if not rows:
            return
        if self.title:
            yield Text(self.title, "bold")
        widths = self._widths(rows, options.max_width)
        if widths is None:
            yield from self._stacked(rows)
            return
        table = Table(box=None, pad_edge=False, header_style="bold", show_header=self.header)
        for name, width in zip(self.columns, widths, strict=True):
            table.add_column(Text(name), width=width)
        for row in rows:
            table.add_row(*row)
        yield table

    def _widths(self, rows: Sequence[Sequence[Text]], room: int) -> list[int] | None:
        """The columns' widths; None where the longest words don't fit side by side."""
        names = [Text(name if self.header else "") for name in self.columns]
        cells = list(zip(names, *rows, strict=True))
        least = [max(_longest_word(cell) for cell in column) for column in cells]
        most = [max(_longest_line(cell) for cell in column) for column in cells]
        spare = room - _GAP * (len(least) - 1) - sum(least)
        if spare < 0:
            return None
        widths = list(least)
        while spare and (growing := [at for at, width in enumerate(widths) if width < most[at]]):
            share = max(1, spare // len(growing))
            for at in growing:
                grown = min(share, most[at] - widths[at], spare)
                widths[at] += grown
                spare -= grown
        return widths

    def _stacked(self, rows: Sequence[Sequence[Text]]) -> Iterator[RenderableType]:
        """Each row's texts below each other, on lines that are as long as they need to be."""
        for row in rows:
            for name, cell in zip(self.columns, row, strict=True):
                if cell.plain:
                    line = Text.assemble((f"{name}: ", "bold") if self.header and name else "", cell)
                    line.no_wrap, line.overflow = True, "ignore"
                    yield line
            yield Text()


def _to_text(cell: str | Text) -> Text:
    """Texts lose what a terminal would obey; those with a style were made by us."""
    return cell if isinstance(cell, Text) else Text(clean(cell))


def _longest_word(text: Text) -> int:
    return max(map(cell_len, text.plain.split()), default=0)


def _longest_line(text: Text) -> int:
    return max(map(cell_len, text.plain.splitlines()), default=0)
