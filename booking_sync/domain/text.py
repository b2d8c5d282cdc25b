"""Text that people wrote, made fit for Outlook: no character that a service refuses, and no more than fits.

What services and people said is quoted in «guillemets» where it becomes part of a reason: it is for who reads
the row or the poison queue, and not for the log.

Lengths are in UTF-16 units, which is what Exchange and SQL Server count.
"""

from __future__ import annotations

import re

_BREAKS = re.compile("\r\n|[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_UNFIT = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f"  # control characters: JSON escapes them, Exchange refuses some
    # What opens and closes runs of a writing direction turns round what stands behind it. These are Unicode's
    # Bidi_Control without its three marks, which stand like letters in Arabic and Hebrew and open nothing.
    "\u202a-\u202e\u2066-\u2069"
    "\ud800-\udfff"  # halves of characters, which no UTF-8 can hold
    # No characters at all: Unicode's Noncharacter_Code_Point; and the byte order mark.
    "\ufdd0-\ufdef\ufeff"
    + "".join(f"{chr(plane | 0xFFFE)}{chr(plane | 0xFFFF)}" for plane in range(0, 0x110000, 0x10000))
    + "]"
)
# Unicode's Default_Ignorable_Code_Point, which Python's unicodedata does not know: what shows nothing by
# intention. tests/domain/test_characters.py holds it to the property.
_IGNORABLE = (
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_BLANK = "\u2800"  # Braille without a dot: a sign by its properties, and nothing to see
_UNSEEN = rf"\s\x00-\x1f\x7f-\x9f{_IGNORABLE}{_BLANK}"
# Variation selectors and the tags of flags say how the sign before them is drawn.
_SHAPING = "\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0020-\U000e007f\U000e0100-\U000e01ef"
_SEEN = re.compile(f"[^{_UNSEEN}]")
_SEEN_PART = re.compile(f"[^{_UNSEEN}](?:.*[^{_UNSEEN}])?[{_SHAPING}]*", re.DOTALL)
_NO_GUILLEMETS = str.maketrans("", "", "«»")
_QUOTED = re.compile("«[^»]*»?")  # a shortened reason may have lost its closing mark


def trim(text: str) -> str:
    """The text without what can't be seen around it, which comes along when people copy and paste."""
    part = _SEEN_PART.search(text)
    return part[0] if part else ""


def shows(text: str) -> bool:
    """Whether there is anything to see in the text: Unicode has some 4,000 characters that show nothing."""
    return _SEEN.search(text) is not None


def clean(text: str) -> str:
    """The text without what no service should be sent; every kind of line break is a line feed."""
    return _UNFIT.sub("", _BREAKS.sub("\n", text))


def clean_line(text: str, length: int) -> str:
    """The text cleaned, on one line, and cut to `length`; empty when it shows nothing."""
    return _visible(" ".join(clean(text).split()), length)


def clean_lines(text: str, length: int) -> str:
    """The text cleaned and cut to `length`; its lines stay lines; empty when it shows nothing."""
    return _visible(clean(text).strip(), length)


def quote(text: str, length: int) -> str:
    """Somebody else's words within a reason of ours, marked so that `without_quotes` finds them again."""
    return f"«{clean_line(text.translate(_NO_GUILLEMETS), length)}»"


def without_quotes(reason: str) -> str:
    """A reason fit for the log: quotations may hold what people wrote, and are left out."""
    return _QUOTED.sub("«…»", reason)


def _visible(text: str, length: int) -> str:
    # Within a text what shows nothing stays: joiners shape words, selectors emoji, soft hyphens break lines.
    return shorten(text, length) if shows(text) else ""


def shorten(text: str, length: int) -> str:
    """The text, cut with an ellipsis to at most `length` UTF-16 units."""
    units = text.encode("utf-16-le", "replace")
    if len(units) <= 2 * length:
        return text
    # Half a character at the cut is dropped.
    return units[: 2 * (length - 1)].decode("utf-16-le", "ignore") + "…"
