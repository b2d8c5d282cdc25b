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
    "\u202a-\u202e"  # overrides of the writing direction would turn round what stands behind them
    "\ud800-\udfff"  # halves of characters, which no UTF-8 can hold
    "\ufdd0-\ufdef\ufeff\ufffe\uffff]"  # no characters at all
)
# White space, controls, and what marks words, lines and directions without being seen.
_UNSEEN = "".join(
    map(
        chr,
        (
            *(*range(0x21), *range(0x7F, 0xA1), 0xAD, 0x61C, 0x1680, 0x180E),
            *(*range(0x2000, 0x2010), *range(0x2028, 0x2030), *range(0x205F, 0x2070), 0x3000, 0xFEFF),
        ),
    )
)
_NO_GUILLEMETS = str.maketrans("", "", "«»")
_QUOTED = re.compile("«[^»]*»?")  # a shortened reason may have lost its closing mark


def trim(text: str) -> str:
    """The text without what can't be seen around it, which comes along when people copy and paste."""
    return text.strip(_UNSEEN)


def clean(text: str) -> str:
    """The text without what no service should be sent; every kind of line break is a line feed."""
    return _UNFIT.sub("", _BREAKS.sub("\n", text))


def clean_line(text: str, length: int) -> str:
    """The text cleaned, on one line, and cut to `length`."""
    return shorten(" ".join(clean(text).split()), length)


def clean_lines(text: str, length: int) -> str:
    """The text cleaned and cut to `length`; its lines stay lines."""
    return shorten(clean(text).strip(), length)


def quote(text: str, length: int) -> str:
    """Somebody else's words within a reason of ours, marked so that `without_quotes` finds them again."""
    return f"«{clean_line(text.translate(_NO_GUILLEMETS), length)}»"


def without_quotes(reason: str) -> str:
    """A reason fit for the log: quotations may hold what people wrote, and are left out."""
    return _QUOTED.sub("«…»", reason)


def shorten(text: str, length: int) -> str:
    """The text, cut with an ellipsis to at most `length` UTF-16 units."""
    units = text.encode("utf-16-le", "replace")
    if len(units) <= 2 * length:
        return text
    # Half a character at the cut is dropped.
    return units[: 2 * (length - 1)].decode("utf-16-le", "ignore") + "…"
