"""Rules and colours of an event file that somebody filled with whatever they could think of."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from booking_sync.cli.terminal.output import make_table
from booking_sync.domain.events.event import MAX_CATEGORY_LENGTH, OUR_CATEGORIES
from booking_sync.domain.events.event_text.columns import ColumnKind, ColumnValue, EventColumn
from booking_sync.domain.events.event_text.rules import (
    MOST_COMPARED,
    Condition,
    EventRule,
    EventRules,
    comparable,
)
from booking_sync.domain.text import clean_line
from booking_sync.event_file.content import EventFile, EventFileError
from booking_sync.event_file.parsing import parse
from booking_sync.event_file.report import EventFileReport
from tests.hostile.texts import ALL
from tests.support.bookings import booking

TEXTS = [each for each in ALL if not any("\ud800" <= sign <= "\udfff" for sign in each)]
"""TOML holds no halves of characters."""


def read(text: str) -> EventFile | None:
    """The file's content; None where it is refused, with a place."""
    try:
        return parse(text, "event.toml", str)
    except EventFileError as error:
        if not all(each.position for each in error.problems):
            raise
        return None


@pytest.mark.parametrize("text", TEXTS)
def test_a_category_is_a_line_that_shows(text: str) -> None:
    """Or it is refused: in a rule as well as among the colours."""
    quoted = json.dumps(text)
    names: list[str] = []
    if file := read(f"[[rules]]\ncategory = {quoted}\n"):
        names += [each.category or "" for each in file.rules]
    if file := read(f'[categories]\n{quoted} = "red"\n'):
        names += [each.name for each in file.categories]
    for name in names:
        assert name == clean_line(OUR_CATEGORIES + text, MAX_CATEGORY_LENGTH)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("key", ["when", "show_as", "reminder", "importance", "private", "event", "{}"])
def test_a_rule_is_read_or_refused_with_its_place(text: str, key: str) -> None:
    """Wherever the text stands; nothing that a terminal would obey is told of it."""
    quoted = json.dumps(text)
    for line in (f"{key} = {quoted}", f"{quoted} = 1", f"when = {{ status = {quoted} }}\nprivate = true"):
        file = read(f"[[rules]]\n{line}\n") if key != "{}" or line[0] != "{" else None
        if file:
            rows = EventFileReport("event.toml", rules=file.rules).rule_rows()
            console = Console(file=io.StringIO(), width=500)
            console.print(make_table(("", "", ""), rows))
            shown = console.file.getvalue()  # type: ignore[attr-defined]
            assert not any(mark in shown for mark in ("\x1b", "\u202e"))


def test_of_a_column_of_a_million_characters_the_beginning_is_compared() -> None:
    """Made comparable once, however many rules ask for it."""
    column, text = EventColumn("note", (), "note", ColumnKind.TEXT), "\ufdfa" * 1_000_000
    subject = replace(booking(), values={"note": ColumnValue(column, text)})
    rules = [
        EventRule((Condition("note", frozenset({comparable(each)})),), show_as="free")
        for each in (*("x",) * 98, text[: MOST_COMPARED + 1], text[:MOST_COMPARED])
    ]
    assert EventRules(tuple(rules), frozenset({"note"})).judge(subject).numbers == (100,)
