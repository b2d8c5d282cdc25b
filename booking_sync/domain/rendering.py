"""What the technician reads: a booking rendered as the content of an Outlook event.

Text from Dataverse is untrusted: it is cleaned of what no service should be sent, cut to what fits, and the
body is rendered with autoescape, so that it can only ever be text. An administrator's own templates get the
same names. They run in Jinja's sandbox, which keeps them from Python's insides and from endless ranges; what
they cost otherwise is the administrator's, who could deploy other code as well.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from booking_sync.domain.booking import Address, Booking, CommitType, FieldServiceStatus, WorkOrder
from booking_sync.domain.event import OUR_CATEGORIES, EventContent, ShowAs
from booking_sync.domain.text import clean, clean_line, clean_lines, shorten

if TYPE_CHECKING:
    from datetime import datetime

    from jinja2 import Template

    from booking_sync.domain.zones import EventZone

SUBJECT_MAX_CHARACTERS = 255
"""Outlook's own limit for a subject, and for a location's name."""
LINE_MAX_CHARACTERS = 255
"""Of each other text of one line: names, numbers, the parts of an address."""
TEXT_MAX_CHARACTERS = 4000
"""Of a summary or of instructions, which may have a million in Dynamics 365. More than a technician reads."""
BODY_MAX_BYTES = 150_000
"""Of a body as JSON, so that a Graph batch of 20 stays well below the 4 MB that Graph takes. The built-in
template can't exceed it; an administrator's may."""

DEFAULT_SUBJECT_TEMPLATE = (
    "{{ [account, booking_name or work_order_number or 'Booking'] | select | join(' \u2013 ') }}"
)

DEFAULT_BODY_TEMPLATE = """\
<p>
{%- if status %}<b>Status:</b> {{ status }}<br>{% endif %}
{%- if work_order_number %}<b>Work order:</b> {{ work_order_number }}<br>{% endif %}
{%- if account %}<b>Customer:</b> {{ account }}<br>{% endif %}
{%- if address %}<b>Address:</b> {{ address }}<br>{% endif -%}
</p>
{%- if summary %}<p>{{ summary | lines }}</p>{% endif %}
{%- if instructions %}<p><b>Instructions:</b><br>{{ instructions | lines }}</p>{% endif %}
<p><a href="{{ booking_url }}">Open the booking in Dynamics 365</a></p>"""

_MAX_TOLD = 300

_CATEGORY_BY_FIELD_SERVICE_STATUS = {
    FieldServiceStatus.SCHEDULED: f"{OUR_CATEGORIES}Scheduled",
    FieldServiceStatus.TRAVELING: f"{OUR_CATEGORIES}Traveling",
    FieldServiceStatus.ON_BREAK: f"{OUR_CATEGORIES}On break",
    FieldServiceStatus.IN_PROGRESS: f"{OUR_CATEGORIES}In progress",
    FieldServiceStatus.COMPLETED: f"{OUR_CATEGORIES}Completed",
}
_CATEGORY_BY_COMMIT_TYPE = {
    CommitType.PROPOSED: f"{OUR_CATEGORIES}Proposed",
    CommitType.COMMITTED: f"{OUR_CATEGORIES}Committed",
}


class BadTemplateError(ValueError):
    """A subject or body template that can't be used; the text says why."""


@dataclass(frozen=True, slots=True)
class EventStyle:
    """How bookings are to look in Outlook."""

    zone: EventZone
    dataverse_url: str
    """Base URL that the link to the booking is built on, without a trailing slash."""
    subject_template: str = ""
    """Jinja source; empty takes the built-in one."""
    body_template: str = ""


class EventRenderer:
    """Renders bookings.

    Raises:
        BadTemplateError: a template does not parse, or does not render a booking without a work order.
    """

    def __init__(self, style: EventStyle) -> None:
        self._style = style
        self._subject = _compile(style.subject_template or DEFAULT_SUBJECT_TEMPLATE, escape=False)
        self._body = _compile(style.body_template or DEFAULT_BODY_TEMPLATE, escape=True)
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
        work_order = _clean_work_order(booking.work_order or WorkOrder())
        names = self._names(booking, work_order)
        event_start, event_end = self._style.zone.write(start, end)
        place = one_line_address(work_order.address)
        return EventContent(
            subject=clean_line(_fill(self._subject, names), SUBJECT_MAX_CHARACTERS),
            body_html=_bounded(clean(_fill(self._body, names))),
            start=event_start,
            end=event_end,
            show_as=_show_as(booking),
            categories=_categories(booking),
            location_name=clean_line(place, SUBJECT_MAX_CHARACTERS),
            location_address=work_order.address if place else None,
        )

    def _names(self, booking: Booking, work_order: WorkOrder) -> dict[str, str]:
        return {
            "account": work_order.account_name,
            "booking_name": clean_line(booking.name, LINE_MAX_CHARACTERS),
            "work_order_number": work_order.number,
            "status": clean_line(booking.status.name, LINE_MAX_CHARACTERS) if booking.status else "",
            "summary": work_order.summary,
            "instructions": work_order.instructions,
            "address": one_line_address(work_order.address),
            "booking_url": booking_url(self._style.dataverse_url, booking.id),
        }

    def _try_out(self) -> None:
        bare = Booking(id="00000000-0000-0000-0000-000000000000", name="", start=None, end=None, active=True)
        names = self._names(bare, WorkOrder())
        _fill(self._subject, names, quoting=True)
        _bounded(_fill(self._body, names, quoting=True))


def booking_url(dataverse_url: str, booking_id: str) -> str:
    """Where people open the booking in Dynamics 365."""
    return f"{dataverse_url}/main.aspx?pagetype=entityrecord&etn=bookableresourcebooking&id={booking_id}"


def one_line_address(address: Address) -> str:
    """The address as a map search understands it; empty when there is none."""
    town = " ".join(part for part in (address.postal_code, address.city) if part)
    return ", ".join(part for part in (*address.lines, town, address.state, address.country) if part)


def _compile(source: str, *, escape: bool) -> Template:
    environment = ImmutableSandboxedEnvironment(autoescape=escape, undefined=StrictUndefined)
    environment.filters["lines"] = _lines
    try:
        return environment.from_string(source)
    except TemplateError as error:
        raise BadTemplateError(f"line {getattr(error, 'lineno', 1)}: {error}") from error
    except Exception as error:  # nested too deeply, a number too long: whatever Python's compiler meets
        raise BadTemplateError(f"{type(error).__name__}: {error}"[:_MAX_TOLD]) from error


def _fill(template: Template, names: dict[str, str], *, quoting: bool = False) -> str:
    """Render; with `quoting`, an error tells what Jinja says, which may quote the names' values."""
    try:
        return template.render(names)
    except Exception as error:
        told = f"{type(error).__name__}: {error}" if quoting else type(error).__name__
        raise BadTemplateError(shorten(told, _MAX_TOLD)) from error


def _bounded(body: str) -> str:
    size = len(json.dumps(body))
    if size > BODY_MAX_BYTES:
        raise BadTemplateError(f"the body would have {size} bytes, and at most {BODY_MAX_BYTES} can be sent")
    return body


def _lines(text: str) -> str:
    return Markup("<br>").join(escape(line) for line in str(text).splitlines())


def _clean_work_order(order: WorkOrder) -> WorkOrder:
    place = order.address
    lines = (clean_line(line, LINE_MAX_CHARACTERS) for line in place.lines)
    return WorkOrder(
        number=clean_line(order.number, LINE_MAX_CHARACTERS),
        account_name=clean_line(order.account_name, LINE_MAX_CHARACTERS),
        summary=clean_lines(order.summary, TEXT_MAX_CHARACTERS),
        instructions=clean_lines(order.instructions, TEXT_MAX_CHARACTERS),
        address=Address(
            lines=tuple(line for line in lines if line),
            city=clean_line(place.city, LINE_MAX_CHARACTERS),
            state=clean_line(place.state, LINE_MAX_CHARACTERS),
            postal_code=clean_line(place.postal_code, LINE_MAX_CHARACTERS),
            country=clean_line(place.country, LINE_MAX_CHARACTERS),
            latitude=place.latitude,
            longitude=place.longitude,
        ),
    )


def _show_as(booking: Booking) -> ShowAs:
    if booking.status and booking.status.commit_type == CommitType.PROPOSED:
        return "tentative"
    return "busy"


def _categories(booking: Booking) -> tuple[str, ...]:
    status = booking.status
    if status is None:
        return ()
    if status.field_service_status in _CATEGORY_BY_FIELD_SERVICE_STATUS:
        return (_CATEGORY_BY_FIELD_SERVICE_STATUS[FieldServiceStatus(status.field_service_status)],)
    if status.commit_type in _CATEGORY_BY_COMMIT_TYPE:
        return (_CATEGORY_BY_COMMIT_TYPE[CommitType(status.commit_type)],)
    return ()
