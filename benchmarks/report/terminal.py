"""Prints a result for a person at a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from benchmarks.report.cells import is_number, text

if TYPE_CHECKING:
    from rich.console import Console

    from benchmarks.common import figures
    from benchmarks.runner.store import Measurement


def show(console: Console, measurement: Measurement) -> None:
    """Tables and targets of one benchmark."""
    result = measurement.result
    console.rule(Text(result.name, style="bold"))
    console.print(Text(result.question))
    for table in result.tables:
        console.print(_table(table))
        if table.note:
            console.print(Text(table.note, style="dim"))
    for target in result.targets:
        style, word = ("green", "met") if target.met else ("yellow", "missed")
        bound = f"; bounded by: {target.bound}" if target.bound and not target.met else ""
        console.print(Text.assemble((word, style), f": {target.aim}: {target.measured}{bound}"))


def _table(table: figures.Table) -> Table:
    shown = Table(title=Text(table.title), title_justify="left")
    for at, column in enumerate(table.columns):
        right = bool(table.rows) and all(is_number(row[at]) for row in table.rows)
        shown.add_column(Text(column), justify="right" if right else "left")
    for row in table.rows:
        shown.add_row(*(Text(text(cell)) for cell in row))
    return shown
