"""An event's own words in a language: labels, dates, spans, and what templates say themselves."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from booking_sync.domain.bookings.booking import Booking, WorkOrder
from booking_sync.domain.events.event_text.renderer import EventRenderer, EventStyle
from booking_sync.domain.events.event_text.templates import BadTemplateError
from booking_sync.domain.events.event_text.words import broader, clock_text, date_text, read_tag
from booking_sync.domain.events.zones import event_zone
from booking_sync.languages.catalogue import compiled, words_of

if TYPE_CHECKING:
    from booking_sync.domain.events.event import EventContent
    from booking_sync.domain.events.event_text.words import Words

URL = "https://contoso.crm4.dynamics.com"
START, END = datetime(2026, 12, 7, 9, tzinfo=UTC), datetime(2026, 12, 7, 10, 30, tzinfo=UTC)
BOOKING = Booking(
    id="3f2504e0-4f89-41d3-9a0c-0305e82c3301",
    name="",
    start=START,
    end=END,
    active=True,
    work_order=WorkOrder(account_name="<b>A&B</b>", contact="%(x)s", summary="one"),
    travel_minutes=30,
    arrival=datetime(2026, 12, 6, 22, 5, tzinfo=UTC),
)


def render(words: Words, subject: str = "", body: str = "", booking: Booking = BOOKING) -> EventContent:
    """The booking's event."""
    style = EventStyle(event_zone("UTC"), URL, subject, body, language="x", words=words)
    return EventRenderer(style).render(booking, START, END)


@pytest.mark.parametrize(
    ("tag", "label", "travel", "last"),
    [
        ("de", "<b>Kunde:</b>", "30 Min., in dieser Zeit enthalten", "Änderungen hier werden zurückgesetzt."),
        ("fr", "<b>Client\xa0:</b>", "30 min, compris dans ce créneau", "seront annulées."),
        ("es", "<b>Cliente:</b>", "30 min, incluido en este horario", "se desharán."),
        ("fi", "<b>Asiakas:</b>", "30 min, sisältyy tähän aikaan", "Tähän tehdyt muutokset kumotaan."),
        ("sv", "<b>Kund:</b>", "30 min, ingår i den här tiden", "Ändringar som görs här återställs."),
        ("pl", "<b>Customer:</b>", "30 min of this time", "Changes here are put back."),
    ],
)
def test_the_built_in_body_speaks_the_language(tag: str, label: str, travel: str, last: str) -> None:
    """Every label, and nothing of what people wrote; a language without a catalogue is English."""
    body = render(words_of(tag, {})).body_html
    assert f"{label} &lt;b&gt;A&amp;B&lt;/b&gt;<br>" in body
    assert f"</b> {travel}<br>" in body
    assert f"{last}</i>" in body
    english = {"Status:", "Contact:", "of this time", "Open the booking"}
    assert tag == "pl" or not any(each in body for each in english - {"Contact:"})


def test_an_event_without_a_name_is_called_booking_in_the_language() -> None:
    """The one word of the built-in subject."""
    bare = Booking(BOOKING.id, "", START, END, active=True)
    assert render(words_of("fi", {}), booking=bare).subject == "Varaus"


@pytest.mark.parametrize(
    ("tag", "text"),
    [
        ("de", "06.12.2026 22:05|1 Std. 30 Min."),
        ("fr", "06/12/2026 22:05|1 h 30 min"),
        ("fi", "06.12.2026 22.05|1 t 30 min"),
        ("sv", "2026-12-06 22:05|1 tim 30 min"),
        ("en", "2026-12-06 22:05|1 h 30 min"),
    ],
)
def test_dates_times_and_spans_go_by_the_language(tag: str, text: str) -> None:
    """Unless the event file says how they are written."""
    assert render(words_of(tag, {}), "{{ arrival }}|{{ duration }}").subject == text


@pytest.mark.parametrize(
    ("tag", "form", "text"),
    [
        ("en", "%A, %d %B %Y, %a %b", "Monday, 07 December 2026, Mon Dec"),
        ("fi", "%A %d. %B %Y, %a %b", "maanantai 07. joulukuuta 2026, ma joulu"),
        ("de", "100%% %A é", "100% Montag é"),
    ],
)
def test_names_of_days_and_months_are_those_of_the_language(tag: str, form: str, text: str) -> None:
    """And not those of the process, which speaks English on every server."""
    assert date_text(date(2026, 12, 7), form, words_of(tag, {})) == text


def test_half_days_are_told_in_the_language() -> None:
    """Morning and afternoon by a clock of twelve hours."""
    assert clock_text(START, "%I:%M %p", words_of("es", {})) == "09:00 a.\u202fm."
    assert clock_text(START, "%I:%M %p") == "09:00 AM"


def test_a_template_s_own_words_are_translated() -> None:
    """By a catalogue of the deployment's, with places and numbers; what it lacks stays as it is written."""
    words = words_of(
        "de",
        {
            "de": compiled(
                'msgid "Access for %(who)s:"\nmsgstr "Zugang für %(who)s:"\n\n'
                'msgid "%(count)s visit"\nmsgid_plural "%(count)s visits"\n'
                'msgstr[0] "%(count)s Besuch"\nmsgstr[1] "%(count)s Besuche"\n'
            )
        },
    )
    body = (
        "{{ _('Access for %(who)s:', who=account) }}|{{ gettext('Gate') }}|{{ _('') }}|"
        "{{ ngettext('%(count)s visit', '%(count)s visits', '2') }}"
    )
    assert render(words, body=body).body_html == "Zugang für &lt;b&gt;A&amp;B&lt;/b&gt;:|Gate||2 Besuche"


@pytest.mark.parametrize(
    "body", ["{{ _(account) }}", "{{ _('%(a)s', a=account) }}", "{{ gettext(account) }}"]
)
def test_what_people_wrote_never_becomes_markup_by_translation(body: str) -> None:
    """It is escaped behind it, as everything else."""
    assert render(words_of("de", {}), body=body).body_html == "&lt;b&gt;A&amp;B&lt;/b&gt;"


def test_a_text_with_places_of_its_own_is_not_filled() -> None:
    """Somebody's percent sign means nothing."""
    assert render(words_of("de", {}), body="{{ _(contact) }}").body_html == "%(x)s"


@pytest.mark.parametrize(
    "body", ["{{ _('%(a)s') }}{{ _('%(a)s', b=1) }}", "{{ _.__globals__ }}", "{{ ngettext('a','b','x') }}"]
)
def test_what_translation_can_t_do_is_told_when_the_file_is_checked(body: str) -> None:
    """And leads nowhere inside the app."""
    with pytest.raises(BadTemplateError):
        render(words_of("de", {}), body=body)


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("de-AT", "de-at"),
        (" pt_BR ", "pt-br"),
        ("zh-Hant-TW", "zh-hant-tw"),
        ("../../etc/passwd", ""),
        ("de/../fi", ""),
        ("", ""),
        ("d", ""),
        ("de-", ""),
        ("de\n", "de"),
        ("de\x00", ""),
        ("d\u00e9", ""),
        ("de" + "-a1b2c3d4" * 9, ""),
    ],
)
def test_only_what_can_be_a_language_is_taken_for_one(text: str, tag: str) -> None:
    """It comes from people's mailboxes and from names of files."""
    assert read_tag(text) == tag


def test_a_language_is_a_form_of_what_stands_before_its_last_part() -> None:
    """As BCP 47 looks tags up."""
    assert list(broader("zh-hant-tw")) == ["zh-hant-tw", "zh-hant", "zh"]
