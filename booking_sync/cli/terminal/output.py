"""What a command prints: its result on standard output, everything else on standard error."""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

from booking_sync.cli.terminal.tables import PlainTable
from booking_sync.domain.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.console import RenderableType

PIPE_WIDTH = 240


@dataclass(frozen=True, slots=True)
class Output:
    """Where a command's words go."""

    as_json: bool
    results: Console
    """Standard output."""
    notes: Console
    """Standard error."""

    def result(self, data: Any, shown: RenderableType) -> None:
        """Print the result once.

        Args:
            data: for `--json`; JSON-ready.
            shown: for people.
        """
        if self.as_json:
            self.results.file.write(json.dumps(data, indent=2, ensure_ascii=False) + "\n")
        else:
            self.results.print(shown, crop=False)

    def note(self, text: str) -> None:
        """Tell how it goes; the text is taken as it is, but for what a terminal would obey."""
        self.notes.print(escape(clean(text)), highlight=False, soft_wrap=True)

    def error(self, text: str) -> None:
        """Tell why it ends; the text is taken as it is, but for what a terminal would obey."""
        self.notes.print(f"[bold red]error:[/] {escape(clean(text))}", highlight=False, soft_wrap=True)

    @contextmanager
    def working(self, text: str) -> Iterator[None]:
        """Show that something is under way, where a person is looking on."""
        with self.notes.status(escape(text)):
            yield

    @contextmanager
    def counting(self, text: str, total: int | None) -> Iterator[Callable[[int], None]]:
        """Show how far long work has come, where a person is looking on.

        Args:
            text: what is done.
            total: of how many; None when nobody knows.

        Yields:
            What to tell how many more are done.
        """
        done = 0
        with self.progress(text) as tell:

            def advance(count: int) -> None:
                nonlocal done
                done += count
                tell(done, total)

            tell(0, total)
            yield advance

    @contextmanager
    def progress(self, text: str) -> Iterator[Callable[[int, int | None], None]]:
        """As `counting`, for work that learns on the way how much there is.

        Yields:
            What to tell how many are done so far, and of how many; None when nobody knows.
        """
        columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=self.notes, disable=not self.notes.is_terminal) as progress:
            task = progress.add_task(escape(text), total=None)
            yield lambda done, total: progress.update(task, completed=done, total=total)


def open_output(*, as_json: bool) -> Output:
    """The process's own streams."""
    return Output(as_json, _results_console(), Console(stderr=True))


def _results_console() -> Console:
    """As wide as the terminal; in files and pipes ids are not broken in two."""
    chosen = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console() if chosen else Console(width=PIPE_WIDTH)


def make_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> PlainTable:
    """A plain table, nothing when it is empty; texts lose what a terminal would obey."""
    return PlainTable(columns, rows)
