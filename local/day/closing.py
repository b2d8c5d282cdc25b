"""How a run ends in the terminal: its picture, where to look further, and a recording of what was printed."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.terminal_theme import MONOKAI

if TYPE_CHECKING:
    from pathlib import Path

    from local.day.small import SmallDay

PICTURE = "day.html"
RECORDED_WIDTH = 104
FURTHER = (
    "Further: [bold]make start[/] keeps such a stack up and prints the addresses of the operator's page, of "
    "Dynamics 365 and of Outlook, to change things by hand; [bold]docs/walkthrough.md[/] goes through all."
)
_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
"""Rich has a picture of a terminal load fonts from a service; ours asks nobody."""


def console_for(recording: Path | None, *, to_errors: bool) -> Console:
    """Where a run prints; for a recording without what moves, since a picture does not."""
    if recording is None:
        return Console(stderr=to_errors)
    file = sys.stderr if to_errors else sys.stdout
    return Console(file=file, record=True, force_terminal=False, width=RECORDED_WIDTH)


def recorded(console: Console, title: str) -> str:
    """What was printed, as an SVG of a terminal."""
    svg = console.export_svg(title=title, theme=MONOKAI, unique_id=re.sub(r"\W+", "-", title))
    return _FONTS.sub("", svg)


def show_small(console: Console, day: SmallDay) -> None:
    """What a small day did, and the verdict."""
    shown = sum(bool(event.booking_id) for event in day.planned.events)
    people = len({event.mailbox for event in day.planned.events if event.booking_id})
    console.print(
        f"Planned in Dynamics 365: {len(day.planned.bookings)} bookings of {people} technicians; "
        f"{shown} were in Outlook after {day.plan_seconds:.1f} s"
    )
    for change in day.changes:
        console.print(f"  {escape(change.words)}")
    console.print(f"All of that was in Outlook after {day.change_seconds:.1f} s")
    for difference in day.differences:
        console.print(f"[red]✗ {difference.kind}[/]: {escape(difference.text)}")
    verdict = "[red]differs[/]: see above" if day.differences else "[green]in step[/]"
    console.print(f"Calendars compared with bookings: [bold]{verdict}[/]")


def show_picture(console: Console, page: str, folder: Path) -> None:
    """Leave the day's picture in the folder, say where it is, and where to look further."""
    file = folder / PICTURE
    file.write_text(page, encoding="utf-8")
    console.print("\nThe day as one picture, for your browser:")
    console.print(f"  {file.as_uri()}", soft_wrap=True, markup=False, highlight=False)
    console.print(FURTHER)
