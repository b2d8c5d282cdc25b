"""From the file's text to its content, and each mistake with its line and its remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from booking_sync.domain.events.event_text.columns import MAX_COLUMNS
from booking_sync.event_file.content import EventFile, EventFileError, NamedPath, Position
from booking_sync.event_file.parsing import parse
from booking_sync.event_file.positions import find_positions
from booking_sync.event_file.reading import load_event_file

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = '''\
# What our technicians see.
[columns]
priority = "msdyn_workorder.msdyn_priority.msdyn_name"
phone    = "msdyn_workorder.msdyn_reportedbycontact.telephone1"

[event]
zone = "Europe/Helsinki"
language = "fi"
from_reader = ["zone", "language"]
subject = "{{ account }}: {{ booking_name }}"
body = """
<p>{{ priority }}</p>
zone = "not a key, but a line of the body"
"""
map = "https://www.google.com/maps/search/?api=1&query={address}"
dates = "%d.%m.%Y"
times = "%H.%M"
'''


def no_file(name: str) -> str:
    """There is no file beside the text."""
    raise ValueError(f"there is no {name}")


def parsed(text: str) -> EventFile:
    """The content."""
    return parse(text, "event.toml", no_file)


def told(text: str) -> list[str]:
    """What is wrong with the text."""
    with pytest.raises(EventFileError) as caught:
        parsed(text)
    return [str(each) for each in caught.value.problems]


def test_a_whole_file_is_read() -> None:
    """Every key arrives where it belongs."""
    assert parsed(WHOLE) == EventFile(
        columns=(
            NamedPath("priority", ("msdyn_workorder", "msdyn_priority", "msdyn_name")),
            NamedPath("phone", ("msdyn_workorder", "msdyn_reportedbycontact", "telephone1")),
        ),
        zone="Europe/Helsinki",
        language="fi",
        from_reader=frozenset({"language", "zone"}),
        subject="{{ account }}: {{ booking_name }}",
        body='<p>{{ priority }}</p>\nzone = "not a key, but a line of the body"\n',
        map_link="https://www.google.com/maps/search/?api=1&query={address}",
        date_format="%d.%m.%Y",
        time_format="%H.%M",
    )


@pytest.mark.parametrize("text", ["", "# nothing\n", "[event]\n", "[columns]\n[event]\n"])
def test_an_empty_file_leaves_everything_as_it_is(text: str) -> None:
    """Whoever says nothing gets what is built in."""
    assert parsed(text).says_nothing
    assert not parsed('[event]\nzone = "UTC"\n').says_nothing


def test_keys_are_found_where_they_stand() -> None:
    """Neither comments nor lines of a text are taken for keys, and tables of a list are counted."""
    found = find_positions(WHOLE + '[[rules]]\nshown = "busy"\n[[rules]]\n"shown" = "free"\n')
    assert found["columns.phone"] == Position(4, 1)
    assert found["event.zone"] == Position(7, 1)
    assert found["event.map"] == Position(15, 1)
    assert found["rules.0.shown"] == Position(19, 1)
    assert found["rules.1.shown"] == Position(21, 1)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[event\n", "line 1, column 7: this is not TOML: Expected ']' at the end of a table declaration"),
        ('[event]\nzone = "UTC', "line 2, column 12: this is not TOML: Unterminated string"),
        ("[evnt]\n", "line 1, column 2: evnt means nothing in this file: is event meant?"),
        ('[event]\nsubjekt = "x"\n', "line 2, column 1: subjekt means nothing in [event]: is subject meant?"),
        (
            '[event]\n  colour = "red"\n',
            "line 2, column 3: colour means nothing in [event]: there are body, body_file, dates, from",
        ),
        (
            '[event]\nfrom_reader = "language"\n',
            'line 2, column 1: from_reader must be a list of "language" and "zone"',
        ),
        ('[event]\nfrom_reader = ["mood"]\n', "line 2, column 1: from_reader must be a list of"),
        ("[event]\nfrom_reader = [[]]\n", "line 2, column 1: from_reader must be a list of"),
        ("[event]\nzone = 3\n", "line 2, column 1: zone must be a text in quotation marks"),
        (
            'event = "x"\n',
            "line 1, column 1: event must be a table: write [event] in a line of its own, and its keys",
        ),
        ('[event]\nlanguage = "klingon"\n', "line 2, column 1: language must be a language's tag"),
        (
            '[event]\nmap = "http://maps.example/?q={address}"\n',
            "line 2, column 1: map must be an address with https",
        ),
        ('[event]\nmap = "https://maps.example/"\n', "line 2, column 1: map must be an address with https"),
        (
            "[event]\nmap = 'https://maps.example/\"><script>{address}'\n",
            "line 2, column 1: map must be an address",
        ),
        ('[event]\ndates = "tomorrow"\n', "line 2, column 1: dates must be made of %Y"),
        ('[event]\ntimes = "%H:%"\n', "line 2, column 1: times must be made of %Y"),
        ('[event]\ntimes = "%q"\n', "line 2, column 1: times must be made of %Y"),
        ('[event]\nbody_file = "x"\nbody = "y"\n', "line 2, column 1: body_file stands beside body"),
        ('[event]\nbody_file = "x"\n', "line 2, column 1: body_file there is no x"),
        (
            '[columns]\nPhone = "name"\n',
            "line 2, column 1: Phone can't be a name: use up to 40 small letters",
        ),
        ('[columns]\nloop = "name"\n', "line 2, column 1: loop is a word of Jinja's own"),
        ('[columns]\nmap_url = "name"\n', "line 2, column 1: map_url must not end in _url"),
        (
            "[columns]\na = 1\n",
            'line 2, column 1: a must be a path in quotation marks, such as "msdyn_workorder.',
        ),
        ('[columns]\na = "x..y"\n', "line 2, column 1: a must be a path of names with dots between them"),
        (
            '[columns]\na = "x)&$filter=y"\n',
            "line 2, column 1: a must be a path of names with dots between them",
        ),
        (
            '[columns]\na = "a.b.c.d.e.f.g"\n',
            "line 2, column 1: a follows 6 lookups, and at most 5 are followed",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place_and_its_remedy(text: str, problem: str) -> None:
    """Line, column, what is wrong, and what is right."""
    assert [each[: len(problem)] for each in told(text)] == [problem]


def test_all_mistakes_are_told_at_once() -> None:
    """Whoever mends one learns of the others as well, in the order of the file."""
    found = told('[event]\nzone = 1\n[columns]\nA = "x"\nb = 2\n')
    assert [each.partition(":")[0] for each in found] == [
        "line 2, column 1",
        "line 4, column 1",
        "line 5, column 1",
    ]


def test_more_columns_than_fit_are_refused() -> None:
    """The address of a read stays below what Dataverse takes."""
    lines = "".join(f'c{number} = "name"\n' for number in range(MAX_COLUMNS + 1))
    assert told(f"[columns]\n{lines}") == [
        f"line 1, column 2: columns has {MAX_COLUMNS + 1} names, and at most {MAX_COLUMNS} are taken"
    ]


# --- where the file is ------------------------------------------------------------------------------------


def test_no_file_of_the_default_name_is_no_mistake(tmp_path: Path) -> None:
    """Most deployments have none."""
    assert load_event_file({}, tmp_path) == EventFile()
    assert load_event_file({"EVENT_FILE": " event.toml "}, tmp_path) == EventFile()


def test_a_file_that_a_setting_names_must_be_there(tmp_path: Path) -> None:
    """A slip in its name would give everybody the built-in events."""
    with pytest.raises(
        EventFileError, match=r"^mine.toml can't be used. The file can't be read: No such file"
    ):
        load_event_file({"EVENT_FILE": "mine.toml"}, tmp_path)


def test_a_body_may_be_a_file_of_its_own(tmp_path: Path) -> None:
    """It lies in the folder that is published, and is found beside the event file wherever that is."""
    (tmp_path / "event.toml").write_text('[event]\nbody_file = "event/body.html"\n')
    (tmp_path / "event").mkdir()
    (tmp_path / "event" / "body.html").write_text("<p>{{ account }}</p>", encoding="utf-8-sig")
    assert load_event_file({}, tmp_path).body == "<p>{{ account }}</p>"
    elsewhere = {"EVENT_FILE": str(tmp_path / "event.toml")}
    assert load_event_file(elsewhere).body == "<p>{{ account }}</p>"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("event/none.html", "can't be read: No such file"),
        ("../secret.html", "must be a file in the folder event/"),
        ("event/../../secret.html", "must be a file in the folder event/"),
        ("event/.hidden.html", "must be a file in the folder event/"),
        ("body.html", "must be a file in the folder event/"),
        ("event/latin.html", "is not UTF-8: byte 4 belongs to no character"),
        ("event/long.html", "has 200001 bytes, and at most 200000 are taken"),
    ],
)
def test_a_body_file_that_can_t_be_used_is_told(name: str, words: str, tmp_path: Path) -> None:
    """Nothing outside of the folder is read, and nothing that is no text."""
    (tmp_path / "event").mkdir()
    (tmp_path / "event" / "latin.html").write_bytes(b"<p>\xe4</p>")
    (tmp_path / "event" / "long.html").write_bytes(b"x" * 200_001)
    (tmp_path / "event.toml").write_text(f'[event]\nbody_file = "{name}"\n')
    with pytest.raises(EventFileError, match="line 2, column 1: body_file ") as caught:
        load_event_file({}, tmp_path)
    assert words in str(caught.value)


def test_a_table_below_another_is_found_by_its_own_name() -> None:
    """Whatever means nothing has a place."""
    assert told("\n[tool.ruff]\n") == [
        "line 2, column 2: tool means nothing in this file: there are categories, columns, event, rules"
    ]
