"""Templates of an administrator: kept from Python's insides, bounded, and silent about what they met."""

from __future__ import annotations

import pytest

from booking_sync.domain.events.event_text.renderer import BODY_MAX_BYTES, EventRenderer, EventStyle
from booking_sync.domain.events.event_text.templates import BadTemplateError
from booking_sync.domain.events.zones import event_zone
from booking_sync.domain.plan import Invalid, desired_state
from tests.hostile.texts import ALL, COLUMNS, URL, read_page, rendered, written


def style(subject: str = "", body: str = "") -> EventStyle:
    """Own templates."""
    return EventStyle(event_zone("UTC"), URL, subject, body)


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__ }}",
        "{{ status.__init__.__globals__ }}",
        "{{ ''|attr('__class__') }}",
        "{{ '{0.__class__}'.format(1) }}",
        "{{ cycler.__init__.__globals__.os }}",
        "{{ lipsum.__globals__['os'].popen('id').read() }}",
        "{{ self._TemplateReference__context }}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}",
        "{% for i in range(10**9) %}x{% endfor %}",
        "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
        "{{ 'x' * 1000000 }}",
        "{{ booking_name.nothing.of.the.kind }}",
    ],
)
def test_a_template_that_reaches_too_far_is_refused_before_the_first_booking(source: str) -> None:
    """Python's insides, files, huge ranges, endless recursion and huge bodies are told at once."""
    with pytest.raises(BadTemplateError):
        EventRenderer(style(body=source))


@pytest.mark.parametrize("text", ALL)
def test_own_templates_escape_too(text: str) -> None:
    """In an administrator's body a column is text as well, in and between attributes."""
    own = EventRenderer(
        style("{{ account }}", '<i title="{{ account }}">{{ summary }}</i>{{ booking_name }}')
    )
    page = read_page(rendered(written(dict.fromkeys(COLUMNS, text)), own).body_html)
    assert page.tags == {"i"}
    assert [name for name, _ in page.attributes] == ["title"]


@pytest.mark.parametrize(
    "source",
    [
        "{{ {}[summary] }}",
        "{% if summary %}{{ 1 // (summary|int) }}{% endif %}",
        "{% if summary %}{{ booking_url.index(summary) }}{% endif %}",
        "{{ ''|attr(summary) + '' if summary else '' }}",
        "{% for each in summary %}{{ 'x' * 100000 }}{% endfor %}",
    ],
)
def test_what_fails_on_a_booking_quotes_nothing_of_it(source: str) -> None:
    """The reason for the row, the poison queue and the log names the kind of error, never a column's text."""
    try:
        own = EventRenderer(style(body=source))
    except BadTemplateError:
        return  # told at once, on a booking without texts
    secret = "Adatum Bakery's safe is behind the oven"
    desired = desired_state(written({"summary": secret}), own.render, require_work_order=True)
    assert isinstance(desired, Invalid)
    assert "Adatum" not in desired.reason
    assert len(desired.reason) < 200


def test_a_body_that_grows_with_its_booking_is_bounded() -> None:
    """A template may multiply what a booking holds; what exceeds the bound is told instead of sent."""
    own = EventRenderer(style(body="{% for each in summary %}{{ summary }}{% endfor %}"))
    assert len(rendered(written({"summary": "short"}), own).body_html) < BODY_MAX_BYTES
    with pytest.raises(BadTemplateError, match="bytes"):
        rendered(written({"summary": "long" * 1000}), own)
