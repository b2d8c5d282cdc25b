"""What the technician reads, and what hostile text can't do."""

from __future__ import annotations

from dataclasses import fields, replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_sync.domain.booking import Address, Booking, BookingStatus, CommitType, WorkOrder
from booking_sync.domain.event import EventContent
from booking_sync.domain.event_text.links import one_line_address
from booking_sync.domain.event_text.renderer import SUBJECT_MAX_CHARACTERS, EventRenderer, EventStyle
from booking_sync.domain.event_text.templates import BadTemplateError
from booking_sync.domain.zones import event_zone
from tests.support.bookings import PROPOSED, SCHEDULED, TRAVELING, booking

URL = "https://contoso.crm4.dynamics.com"
RENDERER = EventRenderer(EventStyle(event_zone("UTC"), URL))


def _render(subject: Booking, renderer: EventRenderer = RENDERER) -> EventContent:
    assert subject.start
    assert subject.end
    return renderer.render(subject, subject.start, subject.end)


def _with(**changes: object) -> Booking:
    plain = booking()
    assert plain.work_order
    return replace(plain, work_order=replace(plain.work_order, **changes))  # type: ignore[arg-type]  # tests name the fields


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]


def test_the_subject_names_customer_and_booking() -> None:
    """The account comes first, the booking's name after it."""
    assert _render(booking()).subject == "Adatum Bakery \N{EN DASH} Boiler service"


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        (_with(account_name=""), "Boiler service"),
        (replace(_with(account_name=""), name=""), "WO-00017"),
        (replace(booking(), work_order=None, name=""), "Booking"),
        (replace(booking(), name=""), "Adatum Bakery \N{EN DASH} WO-00017"),
        (replace(booking(), name="\u200b"), "Adatum Bakery \N{EN DASH} WO-00017"),
        (replace(booking(), name="\u2060 \u00ad\U000e0041"), "Adatum Bakery \N{EN DASH} WO-00017"),
        (replace(booking(), name="\u2067abc"), "Adatum Bakery \N{EN DASH} abc"),
        (replace(_with(account_name="\u3164"), name="\u2800"), "WO-00017"),
    ],
)
def test_the_subject_falls_back_on_what_there_is(subject: Booking, expected: str) -> None:
    """Without an account or a name the next best thing is shown."""
    assert _render(subject).subject == expected


def test_the_body_tells_status_order_summary_address_and_links_to_the_booking() -> None:
    """The body has what a technician needs, and one link."""
    body = _render(booking()).body_html
    place = "Harbour Street 4, 00100 Helsinki, Finland"
    for text in ("Scheduled", "WO-00017", "Yearly boiler service", place):
        assert text in body
    elements = _Elements()
    elements.feed(body)
    assert elements.links == [
        f"{URL}/main.aspx?pagetype=entityrecord&etn=bookableresourcebooking&id={booking().id}"
    ]


def test_the_location_is_the_work_orders_address() -> None:
    """Location name and address come from the work order; without one there is none."""
    content = _render(booking())
    assert content.location_name == "Harbour Street 4, 00100 Helsinki, Finland"
    assert content.location_address is not None
    assert _render(_with(address=Address())).location_address is None


@pytest.mark.parametrize(
    ("status", "show_as", "categories"),
    [
        (PROPOSED, "tentative", ("Field Service: Proposed",)),
        (SCHEDULED, "busy", ("Field Service: Scheduled",)),
        (TRAVELING, "busy", ("Field Service: Traveling",)),
        (BookingStatus("Zugesagt", CommitType.COMMITTED), "busy", ("Field Service: Committed",)),
        (BookingStatus("Odd", None, 42), "busy", ()),
        (None, "busy", ()),
    ],
)
def test_status_decides_free_busy_and_category(
    status: BookingStatus | None, show_as: str, categories: tuple[str, ...]
) -> None:
    """Proposed is tentative, everything else busy; the category goes by meaning, never by name."""
    content = _render(replace(booking(), status=status))
    assert (content.show_as, content.categories) == (show_as, categories)


@given(st.text(max_size=200))
def test_no_text_of_dataverse_becomes_markup(text: str) -> None:
    """Whatever stands in a Dataverse column, the body has the same elements and the same link."""
    hostile = replace(
        _with(
            account_name=f"A{text}",
            summary=f"S{text}",
            instructions=f"I{text}",
            number=f"N{text}",
            address=Address((f"L{text}",), f"C{text}"),
        ),
        name=f"B{text}",
        status=BookingStatus(f"T{text}", CommitType.COMMITTED),
    )
    elements = _Elements()
    content = _render(hostile)
    elements.feed(content.body_html)
    assert set(elements.tags) <= {"p", "b", "br", "a"}
    assert len(elements.links) == 1
    assert "\n" not in content.subject
    assert "\r" not in content.subject


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "{{ 7 * 7 }}", "{% for x in y %}", "<img src=x>"]
)
def test_markup_and_template_code_are_shown_as_text(text: str) -> None:
    """HTML is escaped and template code in data is never run."""
    content = _render(_with(summary=text))
    assert "<script" not in content.body_html
    assert "<img" not in content.body_html
    assert "49" not in content.body_html.replace("00100", "")


def test_lines_of_a_summary_stay_lines() -> None:
    """A summary of several lines is shown as such, each escaped."""
    assert "one<br>&lt;two&gt;" in _render(_with(summary="one\n<two>")).body_html


def test_a_long_subject_is_cut_to_outlooks_limit() -> None:
    """Outlook takes no longer subject."""
    assert len(_render(replace(booking(), name="x" * 500)).subject) == SUBJECT_MAX_CHARACTERS


def test_an_administrators_templates_are_used() -> None:
    """Own templates get the same names as the built-in ones."""
    style = EventStyle(event_zone("UTC"), URL, "{{ status }}: {{ booking_name }}", "<i>{{ summary }}</i>")
    content = _render(_with(summary="<b>"), EventRenderer(style))
    assert content.subject == "Scheduled: Boiler service"
    assert content.body_html == "<i>&lt;b&gt;</i>"


@pytest.mark.parametrize(
    "source", ["{{ nothing_of_the_kind }}", "{% if %}", "{{ ''.__class__.__mro__ }}", "{{ 1/0 }}"]
)
def test_a_template_that_cant_work_is_refused_at_once(source: str) -> None:
    """Unknown names, bad syntax and attempts to leave the sandbox are told before the first booking."""
    with pytest.raises(BadTemplateError):
        EventRenderer(EventStyle(event_zone("UTC"), URL, body_template=source))


def test_any_visible_change_changes_the_fingerprint() -> None:
    """The fingerprint is stable for the same content and moves with anything that is written."""
    plain = _render(booking())
    assert plain.fingerprint() == _render(booking()).fingerprint()
    varied = [
        _render(replace(booking(), name="Other")),
        _render(replace(booking(), status=TRAVELING)),
        _render(_with(summary="Other")),
        _render(_with(address=Address(("Elsewhere",)))),
        _render(replace(booking(), end=booking().start)),
    ]
    assert len({content.fingerprint() for content in (plain, *varied)}) == len(varied) + 1


def test_an_address_leaves_out_what_is_missing() -> None:
    """No stray commas."""
    assert one_line_address(Address(("", "Yard"), "Lahti", "", "", "Finland")) == "Yard, Lahti, Finland"
    assert one_line_address(WorkOrder().address) == ""


def test_every_text_of_a_work_order_is_shown() -> None:
    """Whatever text is read of a work order reaches the technician: none is lost while it is cleaned."""
    texts = {each.name: f"the {each.name}" for each in fields(WorkOrder) if each.type == "str"}
    assert {"number", "account_name", "summary"} <= set(texts)
    body = _render(_with(**texts)).body_html
    assert [name for name, text in texts.items() if text not in body] == []
