"""Bookings whose every text was written by somebody who means harm, and what to look for afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from booking_sync.domain.bookings.booking import Address, Booking, BookingStatus, CommitType, WorkOrder
from booking_sync.domain.events.event_text.columns import ColumnKind, ColumnValue, EventColumn
from booking_sync.domain.events.event_text.defaults import DEFAULT_BODY_TEMPLATE
from booking_sync.domain.events.event_text.renderer import EventRenderer, EventStyle
from booking_sync.domain.events.zones import event_zone
from tests.support.bookings import booking

if TYPE_CHECKING:
    from booking_sync.domain.events.event import EventContent

URL = "https://contoso.crm4.dynamics.com"
LINK = f"{URL}/main.aspx?pagetype=entityrecord&etn=bookableresourcebooking&id={booking().id}"
MAP = "https://www.bing.com/maps/default.aspx?where1="

MARKUP = (
    "<script>alert(1)</script>",
    "</p><img src=x onerror=alert(1)>",
    '"><a href="javascript:alert(1)">here</a>',
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "<!-- ",
    "-->",
    "<![CDATA[",
    "<svg/onload=alert(1)>",
    "<style>*{display:none}</style>",
    "<base href=//evil.example>",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "&#60;script&#62;",
    "&lt;b&gt;",
    "<\x00script>",
    "\ufeff<b>",
)
TEMPLATES = (
    "{{ 7 * 7 * 7 * 7 }}",
    "{% for x in range(9) %}zzz{% endfor %}",
    "{{ ''.__class__.__mro__ }}",
    "{# gone #}",
    "{% raw %}",
    "${7*7*7*7}",
    "%(subject)s",
    "{0.__class__}",
)
HEADERS = (
    "a\r\nBcc: someone@evil.example\r\n\r\nhello",
    "a\nSubject: b",
    "a\x0bb\x0cc\x1cd\x85e\u2028f\u2029g",
    "a\x00b",
    "\ud800",
    "\udc00\ud800",
    "\u202eexe.fdp",
    "\x1b[2J",
    "\ufffe\uffff",
)
ALL = (*MARKUP, *TEMPLATES, *HEADERS)
EVERYTHING = DEFAULT_BODY_TEMPLATE + "".join(
    f"<p>{{{{ {name} | lines }}}}</p>" for name in ("note", "choice", "several", "site", "amount")
)
"""The built-in body with every column that somebody chose behind it."""
COLUMNS = (
    *("account_name", "name", "number", "summary", "instructions", "status"),
    *("line", "city", "state", "postal_code", "country"),
    *("priority", "type", "incident_type", "contact"),
    *("phone", "note", "choice", "several", "site", "amount"),
)
CHOSEN = {
    "phone": ColumnKind.TEXT,
    "note": ColumnKind.TEXT,
    "choice": ColumnKind.CHOICE,
    "several": ColumnKind.CHOICES,
    "site": ColumnKind.LOOKUP,
    "amount": ColumnKind.MONEY,
}
"""Columns that somebody chose: texts, and labels, names and formats, which are as much anybody's."""


def written(texts: dict[str, str]) -> Booking:
    """A booking with these texts in its columns (see `COLUMNS`)."""
    plain = booking()
    assert plain.work_order
    lines = (texts["line"],) if "line" in texts else ("Harbour Street 4",)
    place = Address(
        lines=lines,
        city=texts.get("city", "Helsinki"),
        state=texts.get("state", ""),
        postal_code=texts.get("postal_code", "00100"),
        country=texts.get("country", "Finland"),
    )
    order = WorkOrder(
        number=texts.get("number", "WO-00017"),
        account_name=texts.get("account_name", "Adatum Bakery"),
        summary=texts.get("summary", "Yearly boiler service"),
        instructions=texts.get("instructions", ""),
        address=place,
        priority=texts.get("priority", "High"),
        type=texts.get("type", "Service"),
        incident_type=texts.get("incident_type", "No heat"),
        contact=texts.get("contact", "Anna Virtanen"),
    )
    status = BookingStatus(texts.get("status", "Scheduled"), CommitType.COMMITTED)
    values = {name: _value(name, kind, texts[name]) for name, kind in CHOSEN.items() if name in texts}
    return replace(plain, name=texts.get("name", plain.name), status=status, work_order=order, values=values)


def _value(name: str, kind: ColumnKind, text: str) -> ColumnValue:
    """The text where a value of this kind has one."""
    column = EventColumn(name, (), name, kind, {1: {1033: text, 1031: "Ja"}})
    if kind is ColumnKind.TEXT:
        return ColumnValue(column, text)
    if kind is ColumnKind.CHOICES:
        return ColumnValue(column, (1, 1))
    return ColumnValue(column, 1 if kind is ColumnKind.CHOICE else 7.5, text)


RENDERER = EventRenderer(
    EventStyle(
        event_zone("Europe/Berlin"), URL, body_template=EVERYTHING, language="en", columns=tuple(CHOSEN)
    )
)


def rendered(subject: Booking, renderer: EventRenderer = RENDERER) -> EventContent:
    """What would be sent to Outlook."""
    assert subject.start
    assert subject.end
    return renderer.render(subject, subject.start, subject.end)


@dataclass
class Page:
    """What a browser would make of a body."""

    tags: set[str] = field(default_factory=set)
    attributes: list[tuple[str, str | None]] = field(default_factory=list)
    oddities: list[str] = field(default_factory=list)
    """Comments, declarations and processing instructions."""
    text: str = ""


def read_page(html: str) -> Page:
    """Parse a body."""
    page = Page()
    reader = _Reader(page)
    reader.feed(html)
    reader.close()
    return page


class _Reader(HTMLParser):
    def __init__(self, page: Page) -> None:
        super().__init__()
        self._page = page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._page.tags.add(tag)
        self._page.attributes += attrs

    def handle_data(self, data: str) -> None:
        self._page.text += data

    def handle_comment(self, data: str) -> None:
        self._page.oddities.append(data)

    def handle_decl(self, decl: str) -> None:
        self._page.oddities.append(decl)

    def handle_pi(self, data: str) -> None:
        self._page.oddities.append(data)

    def unknown_decl(self, data: str) -> None:
        self._page.oddities.append(data)
