"""Plain tables that never break a word: an id that goes over two lines can't be copied.

Rich shortens columns as far as they must fit, through the middle of a word if need be. Here each column is as
wide as its longest word at least; what holds a very long one stands below its row, and where a terminal is
too narrow even so, each row's texts stand one below the other.
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
_LONG = 40
"""Characters; a word that is longer, and than half the terminal, may stand below its row: an address, an
event's id. GUIDs are shorter."""


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
        yield from self._side_by_side(rows, widths)

    def _side_by_side(
        self, rows: Sequence[Sequence[Text]], widths: Sequence[int]
    ) -> Iterator[RenderableType]:
        """Rows in their columns; a cell with a word that is longer than its column stands below its row."""
        table = self._table(widths, header=self.header)
        for row in rows:
            fits = [_longest_word(cell) <= width for cell, width in zip(row, widths, strict=True)]
            table.add_row(*(cell if fit else Text() for cell, fit in zip(row, fits, strict=True)))
            if not all(fits):
                yield table
                yield from (_unbroken(cell) for cell, fit in zip(row, fits, strict=True) if not fit)
                table = self._table(widths, header=False)
        if table.row_count:
            yield table

    def _table(self, widths: Sequence[int], *, header: bool) -> Table:
        table = Table(box=None, pad_edge=False, header_style="bold", show_header=header)
        for name, width in zip(self.columns, widths, strict=True):
            table.add_column(Text(name), width=width)
        return table

    def _widths(self, rows: Sequence[Sequence[Text]], room: int) -> list[int] | None:
        """The columns' widths; None where the longest words don't fit side by side."""
        names = [Text(name if self.header else "") for name in self.columns]
        cells = list(zip(names, *rows, strict=True))
        limit = max(_LONG, room // 2)
        words = [[_longest_word(cell) for cell in column] for column in cells]
        least = [max((each for each in column if each <= limit), default=0) for column in words]
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
                    name_of = (f"{name}: ", "bold") if self.header and name else ""
                    yield _unbroken(Text.assemble(name_of, cell))
            yield Text()


def _unbroken(text: Text) -> Text:
    """A line as long as it needs to be."""
    text.no_wrap, text.overflow = True, "ignore"
    return text


def _to_text(cell: str | Text) -> Text:
    """Texts lose what a terminal would obey; those with a style were made by us."""
    return cell if isinstance(cell, Text) else Text(clean(cell))


def _longest_word(text: Text) -> int:
    return max(map(cell_len, text.plain.split()), default=0)


def _longest_line(text: Text) -> int:
    return max(map(cell_len, text.plain.splitlines()), default=0)
