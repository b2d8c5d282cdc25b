"""Writes what translators work on: `python -m tools.languages` after a change of an event's own words.

    booking_sync/languages/events.pot    every text, as the built-in templates have it and
                                         `domain/events/event_text/words`
    booking_sync/languages/*.po          gets the texts that are new, without a translation, and loses those
                                         that are gone

A text that is nearly an old one is not guessed at: a wrong word on everybody's events is worse than an
English one. `--check` changes nothing, and says whether anything would.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

from booking_sync.domain.events.event_text.defaults import DEFAULT_BODY_TEMPLATE, DEFAULT_SUBJECT_TEMPLATE
from booking_sync.domain.events.event_text.words import messages
from booking_sync.languages.catalogue import SHIPPED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

FOLDER = Path(__file__).parents[1] / "booking_sync" / "languages"
TEMPLATE = "events.pot"

_DATE = datetime(2026, 11, 27, tzinfo=UTC)
"""Of all files: they change with their texts and with nothing else."""
_HEADER = """\
# Words of booking_sync's events. Texts with %(name)s must keep that place.
#"""
_NOTE = "TRANSLATORS:"


def template() -> Catalog:
    """Every text that is to be translated."""
    catalog = Catalog(
        project="booking_sync",
        version="events",
        msgid_bugs_address="",
        last_translator="",
        language_team="",
        header_comment=_HEADER,
        creation_date=_DATE,
        revision_date=_DATE,
        fuzzy=False,
    )
    for text, notes in _of_templates():
        catalog.add(text, auto_comments=notes)
    for context, text, note in messages():
        catalog.add(text, context=context, auto_comments=[note] if note else [])
    return catalog


def written(folder: Path = FOLDER) -> Mapping[str, bytes]:
    """By file name, what the folder should hold."""
    wanted = template()
    files = {TEMPLATE: _bytes(wanted)}
    for tag in SHIPPED:
        path = folder / f"{tag}.po"
        catalog = read_po(BytesIO(path.read_bytes()), locale=tag) if path.exists() else Catalog(locale=tag)
        catalog.header_comment = _HEADER
        catalog.project, catalog.version = wanted.project, wanted.version
        catalog.msgid_bugs_address = catalog.last_translator = catalog.language_team = ""
        catalog.fuzzy = False
        catalog.update(wanted, no_fuzzy_matching=True)
        catalog.obsolete.clear()
        catalog.revision_date = _DATE
        files[path.name] = _bytes(catalog)
    return files


def main(arguments: Sequence[str]) -> int:
    """Write the files, or with `--check` say which would change; 1 where one would."""
    stale = 0
    for name, content in written().items():
        path = FOLDER / name
        if path.exists() and path.read_bytes() == content:
            continue
        stale = 1
        if "--check" in arguments:
            sys.stderr.write(f"{path} is not what `python -m tools.languages` writes.\n")
        else:
            path.write_bytes(content)
            sys.stdout.write(f"Written: {path}\n")
    return stale if "--check" in arguments else 0


def _of_templates() -> Iterator[tuple[str, Sequence[str]]]:
    options: dict[str, object] = {}
    for source in (DEFAULT_SUBJECT_TEMPLATE, DEFAULT_BODY_TEMPLATE):
        for _line, _function, text, comments in babel_extract(
            BytesIO(source.encode()), ["_"], [_NOTE], options
        ):
            first = text if isinstance(text, str) else next(filter(None, text or ()))
            yield first, comments


def _bytes(catalog: Catalog) -> bytes:
    target = BytesIO()
    write_po(target, catalog, width=110, no_location=True)
    return target.getvalue()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
