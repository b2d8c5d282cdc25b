"""The catalogues of the events' words: complete, in step with the code, and as CLDR has dates and units."""

from __future__ import annotations

import re
from datetime import date
from gettext import GNUTranslations
from io import BytesIO

import polib
import pytest
from babel import Locale, dates, units

from booking_sync.domain.events.event_text.words import ENGLISH, messages, span_text, words_for
from booking_sync.languages.catalogue import (
    SHIPPED,
    BadCatalogueError,
    all_words,
    compiled,
    shipped_text,
    words_of,
)
from tools import languages

HEADER = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'


def own(*pairs: tuple[str, str]) -> bytes:
    """A deployment's catalogue."""
    return compiled(HEADER + "\n".join(f'msgid "{text}"\nmsgstr "{said}"\n' for text, said in pairs))


def test_the_catalogues_are_what_the_command_writes() -> None:
    """No text of an event is missing in a catalogue, and none is there that no event says any more."""
    for name, content in languages.written().items():
        assert (languages.FOLDER / name).read_bytes() == content, "run: python -m tools.languages"
    assert {path.stem for path in languages.FOLDER.glob("*.po")} == set(SHIPPED)


@pytest.mark.parametrize("tag", SHIPPED)
def test_everything_is_translated(tag: str) -> None:
    """Each text of each language, in words that somebody vouches for."""
    catalogue = polib.pofile(f"\n{shipped_text(tag)}")
    assert [each.msgid for each in catalogue if not each.msgstr or each.fuzzy or each.obsolete] == []
    assert len(catalogue) > len(list(messages()))


@pytest.mark.parametrize("tag", SHIPPED)
def test_labels_end_as_the_english_ones_do(tag: str) -> None:
    """A label keeps its colon, behind a space that does not break in French; a sentence its full stop."""
    for entry in polib.pofile(f"\n{shipped_text(tag)}"):
        if entry.msgid[-1] in ":.":
            assert entry.msgstr[-1] == entry.msgid[-1], entry.msgid
        if entry.msgid[-1] == ":":
            assert (entry.msgstr[-2] == "\N{NO-BREAK SPACE}") == (tag == "fr"), entry.msgid


@pytest.mark.parametrize("tag", SHIPPED)
def test_names_of_days_and_months_are_cldr_s(tag: str) -> None:
    """As every other program has them in this language: with the month in the form behind a day."""
    words, locale = words_of(tag, {}), Locale(tag)
    for number in range(7):
        day = date(2026, 11, 23 + number)
        names = dates.get_day_names("wide", "stand-alone", locale)
        short = dates.get_day_names("abbreviated", "stand-alone", locale)
        assert words.pgettext("weekday", day.strftime("%A")) == names[number]
        assert words.pgettext("weekday in short", day.strftime("%a")) == short[number]
    for number in range(1, 13):
        day = date(2026, number, 1)
        names = dates.get_month_names("wide", "format", locale)
        short = dates.get_month_names("abbreviated", "format", locale)
        assert words.pgettext("month", day.strftime("%B")) == names[number]
        assert words.pgettext("month in short", day.strftime("%b")) == short[number]


@pytest.mark.parametrize("tag", SHIPPED)
def test_dates_and_times_are_written_as_cldr_has_them(tag: str) -> None:
    """The same fields in the same order with the same signs between; CLDR leaves out some leading zeros."""
    words, locale = words_of(tag, {}), Locale(tag)
    by_directive = {"%Y": "y", "%m": "M", "%d": "d", "%H": "H", "%M": "m"}

    def pattern(context: str, english: str) -> str:
        form = words.pgettext(context, english)
        return re.sub("%.", lambda found: by_directive[found[0]], form)

    def bare(cldr: str) -> str:
        return re.sub(r"(\w)\1+", r"\1", cldr)

    assert pattern("date format", "%Y-%m-%d") == bare(locale.datetime_skeletons["yMd"].pattern)
    assert pattern("time format", "%H:%M") == bare(locale.time_formats["short"].pattern)


@pytest.mark.parametrize("tag", SHIPPED)
def test_spans_are_written_as_cldr_has_them(tag: str) -> None:
    """Hours and minutes in short, as the language has them."""
    words = words_of(tag, {})

    def cldr(count: int, unit: str) -> str:
        told = units.format_unit(count, unit, length="short", locale=tag)
        return " ".join(told.split())

    assert span_text(120, words) == cldr(2, "hour")
    assert span_text(95, words) == f"{cldr(1, 'hour')} {cldr(35, 'minute')}"
    assert span_text(0, words) == ""


def test_a_deployment_s_own_words_come_first_and_a_country_s_before_them() -> None:
    """What they do not have is that of the broader language, then what is shipped, then English."""
    catalogues = {
        "de": own(("Status:", "Stand:"), ("Access:", "Zugang:")),
        "de-at": own(("Status:", "Lage:")),
        "nb": own(("Status:", "Tilstand:")),
    }
    austrian, german = words_of("de-at", catalogues), words_of("de-de", catalogues)
    assert [austrian.gettext(each) for each in ("Status:", "Access:", "Customer:", "Gate:")] == [
        "Lage:",
        "Zugang:",
        "Kunde:",
        "Gate:",
    ]
    assert german.gettext("Status:") == "Stand:"
    assert words_of("nb", catalogues).gettext("Customer:") == "Customer:"
    known = all_words(catalogues)
    assert set(known) == {"en", "nb", "de-at", *SHIPPED}
    assert words_for("fi-fi", known) is known["fi"]
    assert words_for("pl", known) is None


def test_english_can_be_reworded() -> None:
    """A deployment calls a work order a job."""
    english = words_of("en-gb", {"en": own(("Work order:", "Job:"))})
    assert english.gettext("Work order:") == "Job:"
    assert words_of("en", {}) is ENGLISH


def test_several_forms_of_a_plural_are_told_apart() -> None:
    """By the language's own rule, as its header has it."""
    catalogue = compiled(
        'msgid ""\nmsgstr ""\n"Plural-Forms: nplurals=2; plural=(n > 1);\\n"\n\n'
        'msgid "%(count)s visit"\nmsgid_plural "%(count)s visits"\n'
        'msgstr[0] "%(count)s visite"\nmsgstr[1] "%(count)s visites"\n'
    )
    words = GNUTranslations(BytesIO(catalogue))
    told = [words.ngettext("%(count)s visit", "%(count)s visits", count) for count in (0, 1, 2)]
    assert told == ["%(count)s visite", "%(count)s visite", "%(count)s visites"]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "line 1: this is no catalogue"),
        ("Status = Stand", "line 1: this is not the form of a .po file"),
        (f'{HEADER}msgid "a"\nmsgstr "b"\nmsgstr\n', "line 6: this is not the form of a .po file"),
        (f'{HEADER}msgid "a"\nmsgstr "b"\n\nmsgid "a"\nmsgstr "c"\n', "line 7: is translated twice"),
        (
            f'{HEADER}msgid "%(travel)s of this time"\nmsgstr "%(weg)s davon"\n',
            "line 4: may hold no other place than %(travel)s",
        ),
        (f'{HEADER}msgid "%(travel)s of this time"\nmsgstr "davon"\n', "line 4: lacks %(travel)s"),
        (
            f'{HEADER}msgid "%(travel)s of this time"\nmsgstr "%(travel)s zu 50 %"\n',
            "line 4: may hold no other place",
        ),
        (
            f'{HEADER}msgid "%(travel)s of this time"\nmsgstr "%(travel)999999999s"\n',
            "line 4: may hold no other place",
        ),
        (
            f'{HEADER}msgctxt "date format"\nmsgid "%Y-%m-%d"\nmsgstr "%d.%m.%Q"\n',
            "line 4: must be made of %Y, %m",
        ),
        (
            'msgid ""\nmsgstr "Content-Type: text/plain; charset=ISO-8859-1\\n"\n\nmsgid "a"\nmsgstr "b"\n',
            "must be in UTF-8 and not in ISO-8859-1",
        ),
        (
            'msgid ""\nmsgstr "Plural-Forms: nplurals=2; plural=__import__;\\n"\n\nmsgid "a"\nmsgstr "b"\n',
            "the header can't be used (Plural-Forms)",
        ),
        ("/etc/passwd", "line 1: this is not the form of a .po file"),
        (HEADER + "".join(f'msgid "{n}"\nmsgstr "x"\n\n' for n in range(2001)), "has 2001 texts"),
    ],
    ids=lambda each: each[-30:] if "\n" in each else each,
)
def test_what_is_wrong_with_a_catalogue_is_told_with_its_line(text: str, wrong: str) -> None:
    """Nobody's event waits for a translator to find it."""
    with pytest.raises(BadCatalogueError) as error:
        compiled(text)
    assert wrong in str(error.value)
