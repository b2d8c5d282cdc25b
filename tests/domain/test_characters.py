"""Which characters text loses and which show nothing: by Unicode's own properties, over all code points.

`regex` knows them; Python's `unicodedata` does not. The product carries a table instead, so that a cold
start loads no further package.
"""

from __future__ import annotations

import sys
import unicodedata

import pytest
import regex

from booking_sync.domain.text import clean, clean_line, clean_lines, shows, trim

EVERYTHING = "".join(map(chr, range(sys.maxunicode + 1)))
BREAKS = set("\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")
MARKS = {"L", "R", "AL"}


def having(properties: str) -> set[str]:
    """All characters of a class in the notation of UTS #18."""
    return set(regex.findall(properties, EVERYTHING, regex.VERSION1))


IGNORABLE = having(r"\p{Default_Ignorable_Code_Point}")
UNSEEN = IGNORABLE | having(r"[\p{White_Space}\p{Cc}]") | {"\u2800"}
SHAPING = having(r"\p{Variation_Selector}") | (IGNORABLE & having(r"[\p{Emoji_Component}--\p{Join_Control}]"))


def test_text_loses_what_no_service_takes_and_what_turns_it_round() -> None:
    """Controls, halves, what is no character; of Bidi_Control what opens or closes a run, and no mark."""
    opening = {each for each in having(r"\p{Bidi_Control}") if unicodedata.bidirectional(each) not in MARKS}
    assert len(opening) == 9
    lost = having(r"[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]") | opening | {"\ufeff"}
    cleaned = {each: clean(f"a{each}b") for each in EVERYTHING}
    assert {each for each in EVERYTHING if cleaned[each] == "ab"} == lost - BREAKS - {"\t", "\n"}
    assert {each for each in EVERYTHING if cleaned[each] == "a\nb"} == BREAKS | {"\n"}


def test_what_shows_nothing_is_known_by_its_property() -> None:
    """White space, controls, and Default_Ignorable_Code_Point; the blank of Braille beside them."""
    assert {each for each in EVERYTHING if not shows(each)} == UNSEEN


def test_around_a_value_nothing_unseen_stays() -> None:
    """But what shapes the sign before it: an emoji at the end of a template stays the emoji it is."""
    for each in EVERYTHING:
        around = f"{each}1{each}"
        expected = f"1{each}" if each in SHAPING else "1" if each in UNSEEN else around
        assert trim(around) == expected, hex(ord(each))


def test_a_text_of_nothing_visible_is_empty() -> None:
    """Whichever characters it consists of."""
    for each in UNSEEN:
        assert clean_line(each * 3, 40) == clean_lines(each * 3, 40) == ""


@pytest.mark.parametrize(
    "text",
    [
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian, with its non-joiner
        "\u0915\u094d\u200d\u0937",  # Devanagari, with its joiner
        "\N{WOMAN}\u200d\N{WRENCH}",
        "\N{HEAVY BLACK HEART}\ufe0f",
        "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",  # England's flag
        "Donau\u00addampf",
    ],
)
def test_what_shapes_a_word_stays_in_it(text: str) -> None:
    """Joiners, selectors, tags and soft hyphens beside what can be seen are somebody's spelling."""
    assert clean(text) == clean_line(text, 40) == clean_lines(text, 40) == trim(text) == text
