"""Rules and colours of the file: what they come to, and each mistake with its place and its remedy."""

from __future__ import annotations

import pytest

from booking_sync.domain.events.event import NO_REMINDER
from booking_sync.domain.events.event_text.colours import COLOURS, CategoryColour, read_colour
from booking_sync.domain.events.event_text.rules import Condition, EventRule
from booking_sync.event_file.content import Position
from booking_sync.event_file.positions import find_positions
from booking_sync.event_file.rules import MAX_CATEGORIES, MAX_RULES
from tests.event_file.test_parsing import parsed, told

WHOLE = """\
[columns]
urgent = "msdyn_workorder.contoso_urgent"

[[rules]]
when = { status = "Traveling", priority = ["High", "Urgent"], urgent = true }
show_as = "away"
private = true
reminder = 15
category = "VIP"
importance = "High"

[[rules]]
show_as = "Working elsewhere"
private = false
reminder = false
category = false

[[rules]]
event = false
[rules.when]
resource = "Van 7"

[categories]
VIP = "DarkRed"
"On break" = "preset3"
Traveling = "none"
"""


def test_a_whole_file_is_read() -> None:
    """Every key arrives where it belongs; `when` may be written in its line, or as a table of its own."""
    file = parsed(WHOLE)
    assert file.rules == (
        EventRule(
            (
                Condition("status", frozenset({"traveling"})),
                Condition("priority", frozenset({"high", "urgent"})),
                Condition("urgent", frozenset({"true"})),
            ),
            show_as="oof",
            sensitivity="private",
            reminder=15,
            category="Field Service: VIP",
            importance="high",
        ),
        EventRule(show_as="workingElsewhere", sensitivity="normal", reminder=NO_REMINDER, category=""),
        EventRule((Condition("resource", frozenset({"van 7"})),), event=False),
    )
    assert file.categories == (
        CategoryColour("Field Service: VIP", "preset15"),
        CategoryColour("Field Service: On break", "preset3"),
        CategoryColour("Field Service: Traveling", "none"),
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("free", "free"),
        ("Tentative", "tentative"),
        ("busy", "busy"),
        ("oof", "oof"),
        ("Out of  Office", "oof"),
        ("away", "oof"),
        ("workingElsewhere", "workingElsewhere"),
        ("elsewhere", "workingElsewhere"),
    ],
)
def test_people_s_words_for_availability_are_known(text: str, shown: str) -> None:
    """Graph's as well as Outlook's."""
    (rule,) = parsed(f'[[rules]]\nshow_as = "{text}"\n').rules
    assert rule.show_as == shown


def test_keys_within_braces_are_found_where_they_stand() -> None:
    """Behind quoted texts, lists and tables; and those of a table below the last rule."""
    text = (
        '[[rules]]\nwhen = { status = "a, b = {", priority = ["x", "y"], "resource" = 1 }\n'
        "[[rules]]\nevent = false\n[rules.when]\nstatus = 'x'\n"
    )
    found = find_positions(text)
    assert found["rules.0.when"] == Position(2, 1)
    assert found["rules.0.when.status"] == Position(2, 10)
    assert found["rules.0.when.priority"] == Position(2, 31)
    assert found["rules.0.when.resource"] == Position(2, 54)
    assert found["rules.1.when.status"] == Position(6, 1)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "[rules]\nshow_as = 1\n",
            "line 1, column 2: rules must be tables: write [[rules]] in a line of its own",
        ),
        ("rules = [1]\n", "line 1, column 1: rules must be tables"),
        ("[[rules]]\n", "line 1, column 3: rule 1 says nothing: give it one of show_as, private, reminder,"),
        (
            '[[rules]]\nshow = "free"\nprivate = true\n',
            "line 2, column 1: show means nothing in a rule: is show_as",
        ),
        (
            '[[rules]]\nx = "free"\nprivate = true\n',
            "line 2, column 1: x means nothing in a rule: there are when,",
        ),
        (
            '[[rules]]\nshow_as = "bussy"\n',
            "line 2, column 1: show_as must be one of free, tentative, busy, away, els",
        ),
        ('[[rules]]\nshow_as = "bussy"\n', "elsewhere, in quotation marks: is busy meant?"),
        ("[[rules]]\nshow_as = true\n", "line 2, column 1: show_as must be one of free,"),
        (
            '[[rules]]\nprivate = "yes"\n',
            "line 2, column 1: private must be true or false, without quotation marks",
        ),
        (
            '[[rules]]\nreminder = "15"\n',
            "line 2, column 1: reminder must be a number of minutes from 0 to 40320",
        ),
        ("[[rules]]\nreminder = true\n", "line 2, column 1: reminder must be a number"),
        ("[[rules]]\nreminder = -1\n", "line 2, column 1: reminder must be a number"),
        ("[[rules]]\nreminder = 40321\n", "line 2, column 1: reminder must be a number"),
        (
            '[[rules]]\nimportance = "urgent"\n',
            "line 2, column 1: importance must be one of low, normal, high",
        ),
        (
            "[[rules]]\ncategory = true\n",
            "line 2, column 1: category must be a text in quotation marks, or false",
        ),
        (
            '[[rules]]\ncategory = "a,b"\n',
            "line 2, column 1: category can't be a category: use a text on one line",
        ),
        ('[[rules]]\ncategory = " a"\n', "line 2, column 1: category can't be a category"),
        ('[[rules]]\ncategory = "a\\u202eb"\n', "line 2, column 1: category can't be a category"),
        ('[[rules]]\ncategory = ""\n', "line 2, column 1: category can't be a category"),
        (f'[[rules]]\ncategory = "{"a" * 241}"\n', "line 2, column 1: category can't be a category"),
        (
            '[[rules]]\ncategory = "field service: x"\n',
            "line 2, column 1: category is written without 'Field Service:'",
        ),
        (
            '[[rules]]\ncategory = "vip"\n[categories]\nVIP = "red"\n',
            "line 2, column 1: category is written VIP in [categories]",
        ),
        (
            '[[rules]]\nevent = false\nshow_as = "free"\n',
            "line 2, column 1: event is false, so that nothing else in this rule can count",
        ),
        ("[[rules]]\nwhen = 1\nevent = true\n", "line 2, column 1: when must be a table: when = { status"),
        (
            '[[rules]]\nwhen = { status = "x", priorty = "y" }\nevent = true\n',
            "line 2, column 24: priorty is nothing that a rule can ask for: is priority meant?",
        ),
        (
            '[[rules]]\nwhen = { summary = "x" }\nevent = true\n',
            "line 2, column 10: summary is nothing that a rule can ask for: there are account, booking_name,",
        ),
        (
            "[[rules]]\nwhen = { status = 1.5 }\nevent = true\n",
            "line 2, column 10: status must be a text in quotation marks, or a list of them",
        ),
        ("[[rules]]\nwhen = { status = [] }\nevent = true\n", "line 2, column 10: status must be a text"),
        (
            '[[rules]]\nwhen.field_service_status = ["Traveling", "Travelling"]\nevent = true\n',
            "line 2, column 1: field_service_status is never 'Travelling': is Traveling meant?",
        ),
        (
            '[[rules]]\nwhen = { commit_type = "Canceled" }\nevent = true\n',
            "line 2, column 10: commit_type is never 'Canceled'",
        ),
        (
            'rules = [ { when = { x = "1" }, event = true } ]\n',
            "line 1, column 1: x is nothing that a rule can ask for",
        ),
        (
            '[categories]\nVIP = "rde"\n',
            "line 2, column 1: VIP must have one of Outlook's colours, in quotation mark",
        ),
        ('[categories]\nVIP = "rde"\n', "quotation marks: is red meant?"),
        (
            "[categories]\nVIP = 1\n",
            "line 2, column 1: VIP must have one of Outlook's colours, in quotation marks: the",
        ),
        ('[categories]\nVIP = "preset25"\n', "line 2, column 1: VIP must have one of Outlook's colours"),
        ('[categories]\n"a;b" = "red"\n', "line 2, column 1: a;b can't be a category"),
        ('[categories]\n"a\uff1bb" = "red"\n', "line 2, column 1: a\uff1bb can't be a category"),
        ('[categories]\nVIP = "red"\nvip = "blue"\n', "line 3, column 1: vip stands here twice"),
        ('categories = "red"\n', "line 1, column 1: categories must be a table"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_its_remedy(text: str, problem: str) -> None:
    """Line, column, what is wrong, and what is right."""
    (found,) = told(text)
    assert problem in found
    assert found.startswith("line ")


def test_more_than_anybody_needs_is_refused() -> None:
    """Each rule is tried for each booking, and each category made in each mailbox."""
    rules = "[[rules]]\nprivate = true\n" * (MAX_RULES + 1)
    assert told(rules) == [f"line 1, column 3: rules are {MAX_RULES + 1}, and at most {MAX_RULES} are taken"]
    colours = "".join(f'c{number} = "red"\n' for number in range(MAX_CATEGORIES + 1))
    assert "at most" in told(f"[categories]\n{colours}")[0]


@pytest.mark.parametrize(
    ("text", "preset"),
    [
        ("red", "preset0"),
        ("Dark Red", "preset15"),
        ("dark-grey", "preset13"),
        ("preset24", "preset24"),
        ("None", "none"),
    ],
)
def test_colours_are_known_by_people_s_names_and_by_outlook_s(text: str, preset: str) -> None:
    """In whatever spelling."""
    assert read_colour(text) == preset
    assert COLOURS["cranberry"] == "preset9"
    assert read_colour("") == read_colour("pink") == ""
