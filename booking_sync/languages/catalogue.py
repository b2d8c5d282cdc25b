"""Reads catalogues: those that are shipped, and a deployment's own, which come before them.

They are read as translators write them. Compiled ones (`.mo`) would be read 2 ms sooner each, and would be a
second copy that may differ.
"""

from __future__ import annotations

import re
from functools import cache
from gettext import GNUTranslations
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polib

from booking_sync.domain.events.event_text.words import ENGLISH, broader

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from booking_sync.domain.events.event_text.words import Words

SHIPPED: Final = ("de", "es", "fi", "fr", "sv")
SOURCE: Final = "en"
"""The language of the texts that are looked up."""

_FOLDER = Path(__file__).parent
_LINE = re.compile(r"\(line (\d+)\)")
_MAX_ENTRIES = 2_000
_PLACE = re.compile(r"%\((\w+)\)s")
_NONE_BUT_PLACES = re.compile(r"(?:[^%]|%%|%\(\w+\)s)*")
_FORMATS = ("date format", "time format")


class BadCatalogueError(ValueError):
    """A catalogue can't be used.

    Args:
        line: where; 0 where the whole file is meant.
        words: what is wrong, and what to do.
    """

    def __init__(self, line: int, words: str) -> None:
        super().__init__(f"line {line}: {words}" if line else words)


def compiled(text: str) -> bytes:
    """The catalogue as gettext reads it.

    Raises:
        BadCatalogueError: it can't be used.
    """
    entries = _parse(text)
    known: set[str] = set()
    for entry in entries:
        if entry.obsolete:
            continue
        wrong = "is translated twice" if entry.msgid_with_context in known else _wrong(entry)
        known.add(entry.msgid_with_context)
        if wrong:
            raise BadCatalogueError(max(entry.linenum - 1, 1), wrong)
    entries.metadata["Content-Type"] = "text/plain; charset=UTF-8"
    content: bytes = entries.to_binary()
    try:
        GNUTranslations(BytesIO(content))
    except Exception as error:  # noqa: BLE001 - the rule is compiled, and fails in whatever way it likes
        raise BadCatalogueError(1, f"the header can't be used (Plural-Forms): {error}") from None
    return content


def words_of(tag: str, own: Mapping[str, bytes]) -> Words:
    """The words of a language, a deployment's own before those that are shipped, a country's before all.

    Args:
        tag: in lower case, such as `de-at`; one without any catalogue is English.
        own: by such tags, a deployment's compiled catalogues.
    """
    chain = list(_chain(tag, own))
    if not chain:
        return ENGLISH
    first = GNUTranslations(BytesIO(chain[0]))
    for content in chain[1:]:
        first.add_fallback(GNUTranslations(BytesIO(content)))
    return first


def all_words(own: Mapping[str, bytes]) -> Mapping[str, Words]:
    """By tag, every language that there are words for; the arguments are those of `words_of`."""
    return {tag: words_of(tag, own) for tag in {SOURCE, *SHIPPED, *own}}


def untranslated(tag: str, own: Mapping[str, str]) -> Sequence[str]:
    """The app's own words that a language leaves in English.

    Args:
        tag: in lower case, of one of a deployment's own catalogues.
        own: by such tags, their texts; usable ones.
    """
    if tag.partition("-")[0] == SOURCE:
        return ()
    texts = [own[each] for each in broader(tag) if each in own]
    texts += [shipped_text(each) for each in broader(tag) if each in SHIPPED]
    known = {each.msgid_with_context for text in texts for each in _parse(text).translated_entries()}
    return [each.msgid for each in _parse(shipped_text(SHIPPED[0])) if each.msgid_with_context not in known]


def shipped_text(tag: str) -> str:
    """The catalogue of a language that is shipped."""
    return (_FOLDER / f"{tag}.po").read_text(encoding="utf-8")


def _chain(tag: str, own: Mapping[str, bytes]) -> Iterator[bytes]:
    for each in broader(tag):
        if each in own:
            yield own[each]
        if each in SHIPPED:
            yield _shipped(each)


@cache
def _shipped(tag: str) -> bytes:
    return compiled(shipped_text(tag))


def _parse(text: str) -> polib.POFile:
    # What names a file is read by polib as that file: no file's name begins with a line break.
    try:
        entries = polib.pofile(f"\n{text}", encoding="utf-8")
    except (OSError, ValueError, IndexError, KeyError, TypeError, AttributeError, RecursionError) as error:
        place = _LINE.search(str(error))
        line = int(place[1]) - 1 if place else 0
        raise BadCatalogueError(line, "this is not the form of a .po file") from None
    if not entries:
        raise BadCatalogueError(1, "this is no catalogue: it needs msgid and msgstr, as a .po file has them")
    if len(entries) > _MAX_ENTRIES:
        raise BadCatalogueError(0, f"has {len(entries)} texts, and at most {_MAX_ENTRIES} are taken")
    charset = re.search(r"charset=([\w-]+)", entries.metadata.get("Content-Type", ""))
    if charset and charset[1].upper() not in ("UTF-8", "CHARSET"):
        raise BadCatalogueError(1, f"must be in UTF-8 and not in {charset[1][:20]}: say charset=UTF-8")
    return entries


def _wrong(entry: polib.POEntry) -> str:
    """What is wrong with a translation: places must be those of the English text, or filling them fails."""
    wanted = set(_PLACE.findall(f"{entry.msgid} {entry.msgid_plural}"))
    for text in _translations(entry):
        if entry.msgctxt in _FORMATS:
            if not text.isprintable() or not re.fullmatch(r"(?:[^%]|%[aAbBdjmyYHIMp%])+", text):
                return "must be made of %Y, %m, %d, %H, %M and the like, on one line"
        elif wanted:
            found = set(_PLACE.findall(text))
            if found - wanted or not _NONE_BUT_PLACES.fullmatch(text):
                return f"may hold no other place than {', '.join(f'%({each})s' for each in sorted(wanted))}"
            if wanted - found and not entry.msgid_plural:
                return f"lacks %({min(wanted - found)})s"
    return ""


def _translations(entry: polib.POEntry) -> Sequence[str]:
    return [text for text in (entry.msgstr, *entry.msgstr_plural.values()) if text]
