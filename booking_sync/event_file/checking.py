"""Whether what the file and the app settings say of events can be used, and the renderer that comes of it.

App settings override the file's single values. Imports zones and Jinja.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from booking_sync.domain.events.event_text.links import DEFAULT_MAP_LINK
from booking_sync.domain.events.event_text.names import BUILT_IN_NAMES
from booking_sync.domain.events.event_text.renderer import EventRenderer, EventStyle
from booking_sync.domain.events.event_text.rules import EventRules
from booking_sync.domain.events.event_text.templates import BadTemplateError
from booking_sync.domain.events.event_text.words import ENGLISH, read_tag
from booking_sync.domain.events.zones import UTC_NAME, EventZone, UnknownZoneError, event_zone
from booking_sync.errors import SettingsError
from booking_sync.event_file.content import EventFileError, Problem
from booking_sync.event_file.near import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from booking_sync.domain.events.event_text.words import Words
    from booking_sync.event_file.content import EventFile


@dataclass(frozen=True, slots=True)
class Overrides:
    """What app settings say; empty where they say nothing."""

    zone: str = ""
    subject: str = ""
    body: str = ""


_UNDEFINED = re.compile(r"'(\w+)' is undefined")


def make_renderer(
    file: EventFile, given: Overrides, dataverse_url: str, *, fully: bool = False
) -> EventRenderer:
    """Renders bookings as file and settings say.

    Args:
        file: the event file.
        given: what overrides it.
        dataverse_url: base URL of the links to bookings, without a trailing slash.
        fully: try the templates with a text for every name as well, as a person does who checks the file.

    Raises:
        EventFileError: the file's zone or templates can't be used.
        SettingsError: an app setting's template can't be used.
    """
    problems: list[Problem] = []
    zone = _zone(file, given, problems)
    words, languages = _words(file, problems)
    plain = EventStyle(
        zone,
        dataverse_url,
        language=file.language,
        words=words,
        from_reader=file.from_reader,
        languages=languages,
        date_format=file.date_format,
        time_format=file.time_format,
        map_link=file.map_link or DEFAULT_MAP_LINK,
        columns=tuple(each.name for each in file.columns),
        rules=EventRules(file.rules, frozenset(each.name for each in file.columns)),
    )
    subject = given.subject or file.subject
    body = given.body or file.body
    if wrong := _wrong(replace(plain, subject_template=subject), fully=fully):
        problems.append(_at("event.subject", wrong, file, "EVENT_SUBJECT_TEMPLATE" if given.subject else ""))
    if wrong := _wrong(replace(plain, body_template=body), fully=fully):
        problems.append(_at("event.body", wrong, file, "EVENT_BODY_TEMPLATE" if given.body else ""))
    if problems:
        raise EventFileError(file.name, problems)
    return EventRenderer(replace(plain, subject_template=subject, body_template=body))


def _zone(file: EventFile, given: Overrides, problems: list[Problem]) -> EventZone:
    try:
        return event_zone(given.zone or file.zone or UTC_NAME)
    except UnknownZoneError:
        wanted = "must be a time zone's IANA name (Europe/Berlin) or Windows name (W. Europe Standard Time)"
        problems.append(file.problem("event.zone", wanted))
        return event_zone(UTC_NAME)


def _words(file: EventFile, problems: list[Problem]) -> tuple[Words, Mapping[str, Words]]:
    """The words of the file's language, and by tag those of its readers; English costs no reading."""
    tag = read_tag(file.language) or "en"
    by_reader = "language" in file.from_reader
    if tag.partition("-")[0] == "en" and not file.catalogues and not by_reader:
        return ENGLISH, {}
    from booking_sync.languages import catalogue  # noqa: PLC0415 - most deployments speak English

    own: dict[str, bytes] = {}
    for each in file.catalogues:
        try:
            own[each.tag] = catalogue.compiled(each.text)
        except catalogue.BadCatalogueError as error:
            problems.append(Problem(f"{each.name} can't be used: {error}"))
    return catalogue.words_of(tag, own), catalogue.all_words(own) if by_reader else {}


def untranslated(file: EventFile) -> Mapping[str, Sequence[str]]:
    """By catalogue of a usable file the app's own words that it leaves in English."""
    if not file.catalogues:
        return {}
    from booking_sync.languages import catalogue  # noqa: PLC0415 - as above

    texts = {each.tag: each.text for each in file.catalogues}
    found = {each.name: catalogue.untranslated(each.tag, texts) for each in file.catalogues}
    return {name: words for name, words in found.items() if words}


def _wrong(style: EventStyle, *, fully: bool) -> str:
    try:
        renderer = EventRenderer(style)
        if fully:
            renderer.try_fully()
    except BadTemplateError as error:
        unknown = _UNDEFINED.search(str(error))
        near = nearest(unknown[1], (*BUILT_IN_NAMES, *style.columns)) if unknown else ""
        return f"can't be used: {error}{near}"
    return ""


def _at(key: str, wrong: str, file: EventFile, setting: str) -> Problem:
    """Raises SettingsError where it is the setting's."""
    if setting:
        raise SettingsError(f"{setting} {wrong}")
    return file.problem(key if key in file.positions else f"{key}_file", wrong)
