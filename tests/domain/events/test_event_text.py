"""What the technician reads, and what hostile text can't do."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_sync.domain.bookings.booking import (
    Address,
    Booking,
    BookingStatus,
    CommitType,
    FieldServiceStatus,
    WorkOrder,
)
from booking_sync.domain.events.event import EventContent, unchanged_parts
from booking_sync.domain.events.event_text.columns import ColumnKind, ColumnValue, EventColumn
from booking_sync.domain.events.event_text.links import one_line_address
from booking_sync.domain.events.event_text.names import BUILT_IN_NAMES
from booking_sync.domain.events.event_text.renderer import SUBJECT_MAX_CHARACTERS, EventRenderer, EventStyle
from booking_sync.domain.events.event_text.templates import BadTemplateError
from booking_sync.domain.events.event_text.values import Wording
from booking_sync.domain.events.event_text.words import span_text
from booking_sync.domain.events.zones import event_zone
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


def test_the_body_tells_status_order_summary_and_address_and_links_to_map_and_booking() -> None:
    """The body has what a technician needs, the place on a map, and the booking."""
    body = _render(booking()).body_html
    place = "Harbour Street 4, 00100 Helsinki, Finland"
    for text in ("Scheduled", "WO-00017", "Yearly boiler service", place):
        assert text in body
    elements = _Elements()
    elements.feed(body)
    assert elements.links == [
        "https://www.bing.com/maps/default.aspx?where1=Harbour%20Street%204%2C%2000100%20Helsinki%2C%20Finland",
        f"{URL}/main.aspx?pagetype=entityrecord&etn=bookableresourcebooking&id={booking().id}",
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
    assert set(elements.tags) <= {"p", "b", "br", "i", "a"}
    assert len(elements.links) == 2
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


def _chosen(name: str, raw: str) -> ColumnValue:
    return ColumnValue(EventColumn(name, (), name, ColumnKind.TEXT), raw)


def _full() -> Booking:
    """A booking with everything that the built-in body shows."""
    plain = _with(
        priority="High",
        type="Service",
        incident_type="No heat",
        contact="Anna Virtanen",
        instructions="Ring twice\nMind the dog",
    )
    assert plain.start
    phone = {"phone": _chosen("phone", "+358 (0)40 123-4567 ext. 9")}
    return replace(plain, travel_minutes=35, arrival=plain.start + timedelta(minutes=35), values=phone)


def test_the_body_reads_well_as_plain_text() -> None:
    """Whoever sees no HTML sees what is to be done, line by line."""
    text = re.sub(r"</p>|<br>", "\n", _render(_full()).body_html)
    lines = [line for each in re.sub(r"<[^>]+>", "", text).splitlines() if (line := each.strip())]
    assert lines == [
        "Status: Scheduled",
        "Priority: High",
        "Work order: WO-00017",
        "Type: Service",
        "Incident: No heat",
        "Customer: Adatum Bakery",
        "Contact: Anna Virtanen +358 (0)40 123-4567 ext. 9",
        "Address: Harbour Street 4, 00100 Helsinki, Finland",
        "Travel: 35 min of this time",
        "Yearly boiler service",
        "Instructions:",
        "Ring twice",
        "Mind the dog",
        "Open the booking in Dynamics 365",
        "Made by Dynamics 365. Changes here are put back.",
    ]


def test_the_body_sets_no_colour_and_no_size() -> None:
    """Outlook's own letters and background are right in light and dark alike."""
    body = _render(_full()).body_html.lower()
    assert not re.search(r"style|color|background|font|class|<span|<div|<table", body)


@pytest.mark.parametrize(
    ("phone", "link"),
    [
        ("+358 (0)40 123-4567", "tel:+358401234567"),
        ("040 / 123 45 67", "tel:0401234567"),
        ("+49 30 1234-0 ext. 5", "tel:+493012340"),
        ("030 1234#99", "tel:0301234"),
        ("12", None),
        ("ask reception", None),
        ("\N{ARABIC-INDIC DIGIT ONE}" * 7, None),
        ("1" * 21, None),
        ("javascript:alert(1)", None),
    ],
)
def test_a_phone_can_be_called_where_it_is_clear_what_to_dial(phone: str, link: str | None) -> None:
    """A link dials the number; what is none stays a text."""
    content = _render(replace(booking(), values={"phone": _chosen("phone", phone)}))
    elements = _Elements()
    elements.feed(content.body_html)
    assert [each for each in elements.links if each.startswith("tel:")] == ([link] if link else [])
    assert phone in content.body_html


def test_a_booking_that_is_only_moved_keeps_its_body() -> None:
    """Notes that a technician made there outlive new times: the body tells none."""
    moved, day = _full(), timedelta(days=1)
    assert moved.start
    assert moved.end
    assert moved.arrival
    later = replace(moved, start=moved.start + day, end=moved.end + 2 * day, arrival=moved.arrival + day)
    before, after = _render(moved).fingerprint(), _render(later).fingerprint()
    assert before != after
    assert "body" in unchanged_parts(before, after)


@pytest.mark.parametrize(
    ("arrival", "text"),
    [
        (datetime(2026, 3, 2, 8, 35, tzinfo=UTC), "10.35"),
        (datetime(2026, 3, 3, 8, 35, tzinfo=UTC), "03.03.2026 10.35"),
        (None, ""),
    ],
)
def test_templates_may_tell_the_arrival(arrival: datetime | None, text: str) -> None:
    """Its time of day in the event's zone, with the date when that is another than the booking's."""
    style = EventStyle(
        event_zone("Europe/Helsinki"), URL, "{{ arrival }}.", date_format="%d.%m.%Y", time_format="%H.%M"
    )
    assert _render(replace(booking(), arrival=arrival), EventRenderer(style)).subject == f"{text}."


def test_a_chosen_column_takes_the_place_of_a_built_in_name() -> None:
    """An administrator who calls a column `account` means it; without a value it is empty."""
    style = EventStyle(event_zone("UTC"), URL, "{{ account }}|{{ floor }}", columns=("account", "floor"))
    subject = replace(booking(), values={"floor": _chosen("floor", "3")})
    assert _render(subject, EventRenderer(style)).subject == "|3"


def test_every_name_is_in_the_list_that_tells_them() -> None:
    """`BUILT_IN_NAMES` is what templates may use without an event file."""
    template = "".join(f"{{{{ {name} }}}}" for name in BUILT_IN_NAMES)
    EventRenderer(EventStyle(event_zone("UTC"), URL, template, template))


@pytest.mark.parametrize(
    ("minutes", "text"), [(0, ""), (-5, ""), (45, "45 min"), (60, "1 h"), (90, "1 h 30 min"), (1500, "25 h")]
)
def test_spans_are_told_in_hours_and_minutes(minutes: int, text: str) -> None:
    """As people say them; nothing for none."""
    assert span_text(minutes) == text


def test_moments_at_the_end_of_the_calendar_have_a_text() -> None:
    """A moment without a form in the event's zone is told in UTC."""
    wording = Wording(event_zone("America/New_York"))
    assert wording.moment(datetime(1, 1, 1, tzinfo=UTC)).endswith("01-01 00:00")


def test_what_nobody_chose_stays_as_it_is() -> None:
    """An update of the app rewrites no event: fingerprints are those that version 0.2 recorded."""
    start = datetime(2026, 11, 27, 8, tzinfo=UTC)
    end = start + timedelta(hours=2)
    place = Address(("Main St 1",), "Espoo", "", "02100", "Finland")
    full = Booking(
        id="3f2504e0-4f89-41d3-9a0c-0305e82c3301",
        name="Turbine check",
        start=start,
        end=end,
        active=True,
        status=BookingStatus("Scheduled", CommitType.COMMITTED, FieldServiceStatus.SCHEDULED),
        work_order=WorkOrder(
            "00042",
            "Fabrikam & Sons",
            "Check\nthe turbine",
            "Ring twice",
            place,
            "High",
            "Inspection",
            "Noise",
            "Kim",
        ),
        travel_minutes=90,
        arrival=start + timedelta(minutes=90),
    )
    bare = Booking(id=full.id, name="", start=start, end=end, active=True)
    times = "{{ arrival }}, {{ duration }}, {{ travel }}"
    helsinki = event_zone("Europe/Helsinki")
    recorded = {
        EventStyle(event_zone("UTC"), URL): (
            "1cd1bbc47aad79a55246fba7cf1238da",
            "f51561768af3286e394b739d3833238a",
        ),
        EventStyle(helsinki, URL, times): (
            "e733077f1caef7865246fba7cf1238da",
            "4eb5c09b27cddd58394b739d3833238a",
        ),
        EventStyle(helsinki, URL, times, date_format="%A %d. %b %Y", time_format="%I:%M %p"): (
            "1d1c3255e11e00215246fba7cf1238da",
            "4eb5c09b27cddd58394b739d3833238a",
        ),
    }
    for style, expected in recorded.items():
        renderer = EventRenderer(style)
        found = tuple(renderer.render(each, start, end).fingerprint() for each in (full, bare))
        assert found == expected
