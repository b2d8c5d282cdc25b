"""Renders bookings as events. The body is rendered with autoescape, so that text can only ever be text."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from booking_sync.domain.bookings.booking import Booking, CommitType, FieldServiceStatus, WorkOrder
from booking_sync.domain.events.event import OUR_CATEGORIES, EventContent, ShowAs
from booking_sync.domain.events.event_text.defaults import DEFAULT_BODY_TEMPLATE, DEFAULT_SUBJECT_TEMPLATE
from booking_sync.domain.events.event_text.links import DEFAULT_MAP_LINK, one_line_address
from booking_sync.domain.events.event_text.names import clean_work_order, names_of
from booking_sync.domain.events.event_text.rules import NO_RULES, EventRules
from booking_sync.domain.events.event_text.templates import BadTemplateError, compile_template, fill
from booking_sync.domain.events.event_text.values import Wording
from booking_sync.domain.events.event_text.words import ENGLISH, words_for
from booking_sync.domain.events.zones import zone_of
from booking_sync.domain.ids import NO_GUID
from booking_sync.domain.text import clean, clean_line

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from booking_sync.domain.bookings.reader import Reader, ReaderPart
    from booking_sync.domain.events.event_text.words import Words
    from booking_sync.domain.events.zones import EventZone

SUBJECT_MAX_CHARACTERS = 255
"""Outlook's own limit for a subject, and for a location's name."""
BODY_MAX_BYTES = 150_000
"""Of a body as JSON, so that a Graph batch of 20 stays well below the 4 MB that Graph takes. The built-in
template can't exceed it; an administrator's may."""

_BARE = Booking(id=NO_GUID, name="", start=None, end=None, active=True)
"""To try templates with."""
_CATEGORY_BY_FIELD_SERVICE_STATUS = {
    FieldServiceStatus.SCHEDULED: f"{OUR_CATEGORIES}Scheduled",
    FieldServiceStatus.TRAVELING: f"{OUR_CATEGORIES}Traveling",
    FieldServiceStatus.ON_BREAK: f"{OUR_CATEGORIES}On break",
    FieldServiceStatus.IN_PROGRESS: f"{OUR_CATEGORIES}In progress",
    FieldServiceStatus.COMPLETED: f"{OUR_CATEGORIES}Completed",
}
AWAITING = f"{OUR_CATEGORIES}Awaiting dispatcher"
_CATEGORY_BY_COMMIT_TYPE = {
    CommitType.PROPOSED: f"{OUR_CATEGORIES}Proposed",
    CommitType.COMMITTED: f"{OUR_CATEGORIES}Committed",
}


@dataclass(frozen=True, slots=True)
class EventStyle:
    """How bookings are to look in Outlook."""

    zone: EventZone
    dataverse_url: str
    """Base URL that the link to the booking is built on, without a trailing slash."""
    subject_template: str = ""
    """Jinja source; empty takes the built-in one."""
    body_template: str = ""
    language: str = ""
    """A tag such as `de`; empty: English, and choices as Dataverse shows them to the app."""
    date_format: str = ""
    """As Python's strftime takes it; empty: as the language has it."""
    time_format: str = ""
    words: Words = ENGLISH
    """The language's."""
    from_reader: frozenset[ReaderPart] = frozenset()
    """What is taken from each event's reader instead, where the reader is known."""
    languages: Mapping[str, Words] = field(default_factory=dict, compare=False)
    """By tag those that readers may have; one in no other language reads this one."""
    map_link: str = DEFAULT_MAP_LINK
    """A map's address with `{address}` in it."""
    columns: tuple[str, ...] = ()
    """Names of the columns that an administrator chose."""
    rules: EventRules = NO_RULES
    """What events of some bookings are like besides their texts."""

    @property
    def wording(self) -> Wording:
        """How values become texts."""
        return Wording(self.zone, self.language, self.date_format, self.time_format, self.words)

    def wording_for(self, reader: Reader | None) -> Wording:
        """The same for a reader."""
        wording = self.wording
        if reader is None:
            return wording
        if "language" in self.from_reader and (words := words_for(reader.language, self.languages)):
            wording = replace(wording, language=reader.language, words=words)
        if "zone" in self.from_reader and (zone := zone_of(reader.zone)):
            wording = replace(wording, zone=zone)
        return wording


class EventRenderer:
    """Renders bookings.

    Raises:
        BadTemplateError: a template does not parse, or does not render a booking without a work order.
    """

    def __init__(self, style: EventStyle) -> None:
        self.style = style
        self._subject = compile_template(style.subject_template or DEFAULT_SUBJECT_TEMPLATE, escape=False)
        self._body = compile_template(style.body_template or DEFAULT_BODY_TEMPLATE, escape=True)
        self._try_out()

    def render(self, booking: Booking, start: datetime, end: datetime) -> EventContent:
        """The event that this booking should show as.

        Args:
            booking: what to render.
            start: the booking's start, aware.
            end: the booking's end, aware.

        Raises:
            BadTemplateError: an administrator's template fails on this very booking.
        """
        work_order = clean_work_order(booking.work_order or WorkOrder())
        wording = self.style.wording_for(booking.reader)
        names = self._names(booking, work_order, wording)
        event_start, event_end = self.style.zone.write(start, end)
        place = one_line_address(work_order.address)
        ruling = self.style.rules.judge(booking)
        return EventContent(
            subject=clean_line(fill(self._subject, names, wording.words), SUBJECT_MAX_CHARACTERS),
            body_html=_bounded(clean(fill(self._body, names, wording.words))),
            start=event_start,
            end=event_end,
            show_as=ruling.show_as or _show_as(booking),
            categories=_categories(booking, ruling.category),
            location_name=clean_line(place, SUBJECT_MAX_CHARACTERS),
            location_address=work_order.address if place else None,
            options=ruling.options,
        )

    def try_fully(self) -> None:
        """Fill both templates as if every name had a text: what they say of it is tried as well.

        Raises:
            BadTemplateError: a template fails.
        """
        names = dict.fromkeys(self._names(_BARE, WorkOrder(), self.style.wording), "1234567")
        fill(self._subject, names, self.style.words, quoting=True)
        _bounded(fill(self._body, names, self.style.words, quoting=True))

    def _names(self, booking: Booking, work_order: WorkOrder, wording: Wording) -> dict[str, str]:
        style = self.style
        return names_of(
            booking,
            work_order,
            wording,
            dataverse_url=style.dataverse_url,
            map_link=style.map_link,
            columns=style.columns,
        )

    def _try_out(self) -> None:
        names = self._names(_BARE, WorkOrder(), self.style.wording)
        fill(self._subject, names, self.style.words, quoting=True)
        _bounded(fill(self._body, names, self.style.words, quoting=True))


def _bounded(body: str) -> str:
    size = len(json.dumps(body))
    if size > BODY_MAX_BYTES:
        raise BadTemplateError(f"the body would have {size} bytes, and at most {BODY_MAX_BYTES} can be sent")
    return body


def _show_as(booking: Booking) -> ShowAs:
    if booking.status and booking.status.commit_type == CommitType.PROPOSED:
        return "tentative"
    return "busy"


def _categories(booking: Booking, ruled: str | None) -> tuple[str, ...]:
    """At most one, so that its colour is the event's; a rule's takes the place of the status'.

    That its times are not agreed on yet is what whoever put the event there has to see first.
    """
    if booking.awaits_dispatcher:
        return (AWAITING,)
    if ruled is not None:
        return (ruled,) if ruled else ()
    status = booking.status
    if status is None:
        return ()
    if status.field_service_status in _CATEGORY_BY_FIELD_SERVICE_STATUS:
        return (_CATEGORY_BY_FIELD_SERVICE_STATUS[FieldServiceStatus(status.field_service_status)],)
    if status.commit_type in _CATEGORY_BY_COMMIT_TYPE:
        return (_CATEGORY_BY_COMMIT_TYPE[CommitType(status.commit_type)],)
    return ()
