"""Whether zone and templates can be used, and what overrides what."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from booking_sync.errors import SettingsError
from booking_sync.event_file.checking import Overrides, make_renderer, untranslated
from booking_sync.event_file.content import EventFile, EventFileError, NamedPath
from booking_sync.event_file.parsing import parse
from booking_sync.event_file.reading import load_event_file
from booking_sync.event_file.report import EventFileReport

URL = "https://contoso.crm4.dynamics.com"


def a_file(text: str) -> EventFile:
    """The file's content."""
    return parse(text, "event.toml", lambda name: f"<p>{{{{ {name} }}}}</p>")


def told(text: str, *, fully: bool = False) -> list[str]:
    """What is wrong with the file."""
    with pytest.raises(EventFileError) as caught:
        make_renderer(a_file(text), Overrides(), URL, fully=fully)
    return [str(each) for each in caught.value.problems]


def test_the_file_is_used_and_settings_override_single_values() -> None:
    """What a setting says counts, and everything else is the file's; without either it is built in."""
    file = a_file(
        '[event]\nzone = "Europe/Berlin"\nsubject = "A"\nbody = "B"\nlanguage = "de"\ntimes = "%H.%M"\n'
    )
    style = make_renderer(file, Overrides(zone="Europe/Helsinki", body="C"), URL).style
    assert (style.zone.graph_name, style.subject_template, style.body_template) == (
        "FLE Standard Time",
        "A",
        "C",
    )
    assert (style.language, style.time_format, style.date_format) == ("de", "%H.%M", "")
    plain = make_renderer(EventFile(), Overrides(), URL).style
    assert (plain.zone.graph_name, plain.subject_template) == ("UTC", "")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[event]\nzone = "Europe/Atlantis"\n', "line 2, column 1: zone must be a time zone's IANA name"),
        (
            '[event]\nsubject = "{{ acount }}"\n',
            "line 2, column 1: subject can't be used: UndefinedError: 'acount' is undefined: is account",
        ),
        ('\n[event]\nbody = "{{ x"\n', "line 3, column 1: body can't be used: line 1"),
        (
            '[event]\nbody_file = "nothing"\n',
            "line 2, column 1: body_file can't be used: UndefinedError: 'nothing'",
        ),
    ],
)
def test_what_can_t_be_used_is_told_with_its_place(text: str, problem: str) -> None:
    """The line of the key, and the nearest name."""
    assert [each[: len(problem)] for each in told(text)] == [problem]


def test_columns_are_names_for_templates_of_settings_too() -> None:
    """A template in the app settings may name the file's columns."""
    file = EventFile(columns=(NamedPath("floor", ("x",)),))
    make_renderer(file, Overrides(subject="{{ floor }}"), URL)
    with pytest.raises(
        SettingsError, match=r"EVENT_SUBJECT_TEMPLATE can't be used: .* is undefined: is floor meant"
    ):
        make_renderer(file, Overrides(subject="{{ flor }}"), URL)


def test_a_person_s_check_tries_what_is_said_of_values() -> None:
    """A slip behind an `if` shows before the first booking that has a value there."""
    text = '[event]\nbody = "{% if priority %}{{ priorty }}{% endif %}"\n'
    make_renderer(a_file(text), Overrides(), URL)
    assert told(text, fully=True)[0].endswith("'priorty' is undefined: is priority meant?")


def test_the_language_of_the_file_is_that_of_the_words(tmp_path: Path) -> None:
    """And the deployment's own catalogues come before those that are shipped."""
    folder = write_event_file(tmp_path, '[event]\nlanguage = "de-AT"\n')
    (folder / "de.po").write_text('msgid "Status:"\nmsgstr "Stand:"\n')
    words = make_renderer(load_event_file({}, tmp_path), Overrides(), URL).style.words
    assert [words.gettext(each) for each in ("Status:", "Customer:")] == ["Stand:", "Kunde:"]


def test_a_catalogue_s_mistake_is_told_with_its_line(tmp_path: Path) -> None:
    """In whatever language it is, before it is anybody's."""
    folder = write_event_file(tmp_path, "")
    (folder / "fi-FI.po").write_text('msgid "%(travel)s of this time"\nmsgstr "aikaa"\n')
    with pytest.raises(EventFileError, match=r"event/fi-FI\.po can't be used: line 1: lacks %\(travel\)s"):
        make_renderer(load_event_file({}, tmp_path), Overrides(), URL)


@pytest.mark.parametrize(
    ("name", "content", "wrong"),
    [
        ("german!.po", b"", r"event/german!\.po must be called by one language's tag"),
        ("de.po", b"\xff", r"event/de\.po is not UTF-8"),
        ("de.po", b" " * 200_001, r"event/de\.po has 200001 bytes"),
    ],
)
def test_a_catalogue_that_is_none_is_told(tmp_path: Path, name: str, content: bytes, wrong: str) -> None:
    """With what to call it, or what it is."""
    (write_event_file(tmp_path, "") / name).write_bytes(content)
    with pytest.raises(EventFileError, match=wrong):
        load_event_file({}, tmp_path)


def test_readers_languages_are_known_where_the_file_takes_them(tmp_path: Path) -> None:
    """Those that are shipped and the deployment's own; without readers none is read."""
    folder = write_event_file(tmp_path, '[event]\nfrom_reader = ["language"]\n')
    (folder / "nb.po").write_text('msgid "Status:"\nmsgstr "Tilstand:"\n')
    style = make_renderer(load_event_file({}, tmp_path), Overrides(), URL).style
    assert set(style.languages) == {"de", "en", "es", "fi", "fr", "nb", "sv"}
    assert style.from_reader == {"language"}
    (tmp_path / "event.toml").write_text('[event]\nfrom_reader = ["zone"]\n')
    assert make_renderer(load_event_file({}, tmp_path), Overrides(), URL).style.languages == {}


def test_words_that_a_new_language_lacks_are_told(tmp_path: Path) -> None:
    """A catalogue that rewords a language that is shipped, or English, lacks nothing."""
    folder = write_event_file(tmp_path, "")
    for tag in ("nb", "de-AT", "en"):
        (folder / f"{tag}.po").write_text('msgid "Status:"\nmsgstr "Stand:"\n')
    found = untranslated(load_event_file({}, tmp_path))
    assert list(found) == ["event/nb.po"]
    assert "Status:" not in found["event/nb.po"]
    assert {"Customer:", "Monday"} <= set(found["event/nb.po"])
    assert untranslated(EventFile()) == {}
    (note,) = EventFileReport("event.toml", untranslated=found).language_notes()
    count = len(found["event/nb.po"])
    assert note == f"event/nb.po leaves {count} of the app's own words in English, such as 'Booking'."


def write_event_file(folder: Path, text: str) -> Path:
    """The folder for catalogues beside the file."""
    (folder / "event.toml").write_text(text)
    (folder / "event").mkdir()
    return folder / "event"


EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "event.toml"


def test_the_example_of_the_docs_can_be_used() -> None:
    """Whoever copies it begins with a file that works, and whose every table is there."""
    file = load_event_file({"EVENT_FILE": str(EXAMPLE)})
    assert make_renderer(file, Overrides(), URL, fully=True).style.rules.rules
    assert file.columns


def test_the_file_that_the_docs_show_can_be_used() -> None:
    """Every TOML in docs/event.md, but for the body's file, which is not there."""
    page = (EXAMPLE.parents[1] / "event.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert len(blocks) > 1
    for block in blocks:
        make_renderer(parse(block, "event.toml", lambda _: "<p></p>"), Overrides(), URL, fully=True)
