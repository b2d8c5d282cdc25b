"""Reads the event file, and what lies beside it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from booking_sync.event_file.content import FOLDER, EventFile, EventFileError, OwnCatalogue, Problem
from booking_sync.event_file.location import APP_FOLDER, event_file_name, event_file_path, is_expected

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_MAX_BYTES = 200_000
_BODY_FILE = re.compile(r"event/[A-Za-z0-9_-][A-Za-z0-9._-]{0,79}\.html")


def load_event_file(environ: Mapping[str, str], folder: Path = APP_FOLDER) -> EventFile:
    """The file's content; one without a word where there is no file of the default name.

    Args:
        environ: the app settings.
        folder: where relative names begin.

    Raises:
        EventFileError: it is missing though a setting names it, can't be read, or holds what can't be used.
    """
    if not is_expected(environ, folder):
        return EventFile()
    from booking_sync.event_file.parsing import parse  # noqa: PLC0415 - most deployments have no such file

    name = event_file_name(environ)
    path = event_file_path(environ, folder)
    try:
        text = _read(path)
        catalogues = _read_catalogues(path.parent / FOLDER)
    except ValueError as error:
        raise EventFileError(name, [Problem(f"The file {error}")]) from None
    file = parse(text, name, lambda body: _read_body(path.parent, body))
    return replace(file, catalogues=catalogues)


def _read_body(folder: Path, name: str) -> str:
    if not _BODY_FILE.fullmatch(name):
        raise ValueError("must be a file in the folder event/, which is published: event/body.html")
    return _read(folder / name)


def _read_catalogues(folder: Path) -> tuple[OwnCatalogue, ...]:
    """Every catalogue of the folder; raises ValueError with what is wrong."""
    from booking_sync.domain.events.event_text.words import read_tag  # noqa: PLC0415 - as above

    found: dict[str, OwnCatalogue] = {}
    for path in sorted(folder.glob("*.po")):
        name, tag = f"{FOLDER}/{path.name}", read_tag(path.stem)
        if not tag or tag in found:
            raise ValueError(f"{name} must be called by one language's tag, such as de.po")
        try:
            found[tag] = OwnCatalogue(name, tag, _read(path))
        except ValueError as error:
            raise ValueError(f"{name} {error}") from None
    return tuple(found.values())


def _read(path: Path) -> str:
    """Raises ValueError with what is wrong."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"can't be read: {error.strerror}") from None
    if len(content) > _MAX_BYTES:
        raise ValueError(f"has {len(content)} bytes, and at most {_MAX_BYTES} are taken")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"is not UTF-8: byte {error.start + 1} belongs to no character") from None
