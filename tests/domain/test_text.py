"""Text made fit for Outlook."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_sync.domain.text import clean, clean_line, clean_lines

anything = st.text(st.characters(codec=None, exclude_categories=()), max_size=80)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\x00b", "ab"),
        ("a\r\nb\rc\x85d\u2028e", "a\nb\nc\nd\ne"),
        ("\ud800x\udfff", "x"),
        ("\u202eevil\u202c", "evil"),
        (
            "Gr\u00fc\u00dfe \N{OLD PERSONAL COMPUTER}\u200d\u200f",
            "Gr\u00fc\u00dfe \N{OLD PERSONAL COMPUTER}\u200d\u200f",
        ),
        ("tab\tstays", "tab\tstays"),
    ],
)
def test_only_what_no_service_takes_is_removed(text: str, expected: str) -> None:
    """Control characters and half characters go, line breaks become line feeds, and letters stay."""
    assert clean(text) == expected


@given(anything)
def test_clean_text_can_be_sent(text: str) -> None:
    """What is left has a form in UTF-8, and no control character but tab and line feed."""
    cleaned = clean(text)
    cleaned.encode()
    assert not [each for each in cleaned if unicodedata.category(each) in ("Cc", "Cs") and each not in "\t\n"]
    assert clean(cleaned) == cleaned


@given(anything, st.integers(1, 40))
def test_a_line_is_one_line_that_fits(text: str, length: int) -> None:
    """A line has no break of any kind, and at most `length` UTF-16 units."""
    line = clean_line(text, length)
    assert len(line.splitlines()) <= 1
    assert len(line.encode("utf-16-le")) <= 2 * length


@given(anything, st.integers(1, 40))
def test_lines_fit_too(text: str, length: int) -> None:
    """Text of several lines has at most `length` UTF-16 units."""
    assert len(clean_lines(text, length).encode("utf-16-le")) <= 2 * length
