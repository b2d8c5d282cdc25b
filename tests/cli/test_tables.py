"""Tables never break an id, however narrow the terminal; what is styled stays so."""

from __future__ import annotations

import io
import uuid

import pytest
from rich.console import Console
from rich.text import Text

from booking_sync.cli.terminal.tables import PlainTable

IDS = [str(uuid.UUID(int=number, version=4)) for number in range(6)]
EVENT = "AAMkAGI1" * 20
PROSE = "The event was removed in Outlook; what the row names is gone, and nobody has told the app of it."


def shown(table: PlainTable, width: int) -> str:
    """What a terminal of this width gets."""
    console = Console(file=io.StringIO(), width=width)
    console.print(table, crop=False)
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


@pytest.mark.parametrize("width", [20, 40, 80, 120, 200])
def test_no_id_is_broken_at_any_width(width: int) -> None:
    """Each id and each word stands on one line, side by side with others or below them."""
    rows = [("missing", PROSE, IDS[0], IDS[1]), ("drift", f"{PROSE} See {IDS[2]}.", EVENT, IDS[3])]
    output = shown(PlainTable(("finding", "what", "booking", "mailbox"), rows), width)
    for word in {*IDS[:4], EVENT, *PROSE.split()}:
        assert any(word in line for line in output.splitlines()), word


@pytest.mark.parametrize("width", [80, 120, 200])
def test_what_fits_stands_side_by_side_within_the_terminal(width: int) -> None:
    """No line is longer than the terminal, and prose wraps at words."""
    output = shown(PlainTable(("finding", "what", "booking"), [("missing", PROSE, IDS[0])]), width)
    assert max(map(len, output.splitlines())) <= width
    assert output.splitlines()[0].split() == ["finding", "what", "booking"]


def test_a_narrow_terminal_gets_each_row_with_names() -> None:
    """Where columns don't fit, each text has its column's name in front; empty ones are left out."""
    output = shown(PlainTable(("finding", "booking", "mailbox"), [("missing", IDS[0], "")]), 30)
    assert output.splitlines() == ["finding: missing", f"booking: {IDS[0]}", ""]


def test_nothing_is_shown_of_no_rows() -> None:
    """An empty table has no header, and no title either."""
    assert shown(PlainTable(("a", "b"), [], title="Title"), 80) == ""


def test_texts_of_several_lines_keep_them() -> None:
    """A remedy stands below the words that it is of."""
    table = PlainTable(("", ""), [("error", Text("No mailbox.\n→ Give one."))], header=False)
    assert [line.split() for line in shown(table, 80).splitlines()] == [
        ["error", "No", "mailbox."],
        ["→", "Give", "one."],
    ]


def test_a_long_address_stands_below_its_row() -> None:
    """The other rows keep their columns, and the header comes once."""
    address = f"https://{'contoso-' * 8}app.example/api"
    rows = [("webhook", "exists", address), ("column", "made", "text, 400"), ("step", "exists", "always")]
    lines = [line.rstrip() for line in shown(PlainTable(("what", "is", "detail"), rows), 60).splitlines()]
    assert lines[0].split() == ["what", "is", "detail"]
    assert [line.split() for line in lines[1:]] == [
        ["webhook", "exists"],
        [address],
        ["column", "made", "text,", "400"],
        ["step", "exists", "always"],
    ]
    assert lines[3].index("made") == lines[4].index("exists")
