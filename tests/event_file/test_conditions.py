"""Conditions of rules against what the environment knows of the columns."""

from __future__ import annotations

import pytest

from booking_sync.domain.events.event_text.columns import ColumnKind, EventColumn
from booking_sync.event_file.conditions import idle_conditions
from booking_sync.event_file.report import EventFileReport
from tests.event_file.test_parsing import parsed

LABELS = {1: {1033: "High", 1031: "Hoch"}, 2: {1033: "Low"}}


def told(kind: ColumnKind, value: str) -> list[str]:
    """What is wrong with a condition on a column of this kind."""
    text = f'[columns]\nlevel = "contoso_level"\n[[rules]]\nwhen = {{ level = {value} }}\nprivate = true\n'
    column = EventColumn("level", (), "contoso_level", kind, LABELS)
    return [str(each) for each in idle_conditions(parsed(text), [column])]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (ColumnKind.CHOICE, '["high", "HOCH", "2", ""]'),
        (ColumnKind.CHOICES, '"Low"'),
        (ColumnKind.CHOICE, "1"),
        (ColumnKind.YES_NO, "[true, 'no', 'High']"),
        (ColumnKind.TEXT, '"anything"'),
        (ColumnKind.LOOKUP, '"anything"'),
        (ColumnKind.MONEY, "12"),
    ],
)
def test_what_a_column_may_hold_can_fit(kind: ColumnKind, value: str) -> None:
    """Labels in every language, numbers, nothing; of texts and names nobody knows which there are."""
    assert told(kind, value) == []


@pytest.mark.parametrize(
    ("kind", "value", "problem"),
    [
        (ColumnKind.CHOICE, '"hihg"', "line 4, column 10: level is never 'hihg': is High meant?"),
        (ColumnKind.CHOICES, '"x"', "line 4, column 10: level is never 'x': there are High, Hoch, Low"),
        (ColumnKind.YES_NO, '"maybe"', "line 4, column 10: level is never 'maybe'"),
        (
            ColumnKind.MOMENT,
            '"2026"',
            "line 4, column 10: level holds a date or a time, which no rule can ask",
        ),
        (ColumnKind.DAY, '"2026"', "line 4, column 10: level holds a date or a time"),
    ],
)
def test_what_can_never_fit_is_told(kind: ColumnKind, value: str, problem: str) -> None:
    """With its place, and with the choices that there are."""
    (found,) = told(kind, value)
    assert found.startswith(problem)


def test_a_report_tells_each_rule_in_the_file_s_words() -> None:
    """When it fits, and what it says then."""
    text = (
        '[[rules]]\nwhen = { status = ["B", "A"], priority = "" }\nshow_as = "away"\nprivate = false\n'
        'reminder = 0\ncategory = "VIP"\nimportance = "low"\n'
        "[[rules]]\nreminder = false\ncategory = false\n[[rules]]\nevent = false\n"
    )
    report = EventFileReport("event.toml", rules=parsed(text).rules)
    assert report.rule_rows() == [
        (
            "1",
            "status is a or b and priority is empty",
            "show_as = oof, private = false, reminder = 0, category = Field Service: VIP, importance = low",
        ),
        ("2", "always", "reminder = false, category = false"),
        ("3", "always", "event = false"),
    ]
    assert report.as_json()["rules"][2] == {"rule": "3", "when": "always", "says": "event = false"}  # type: ignore[index]
    assert report.faultless
