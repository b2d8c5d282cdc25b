"""What a preview shows, and that nothing in it acts."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest

from booking_sync.domain.events.event import NO_REMINDER
from booking_sync.domain.events.event_text.colours import CategoryColour
from booking_sync.domain.events.event_text.renderer import EventRenderer, EventStyle
from booking_sync.domain.events.event_text.rules import EventRule, EventRules
from booking_sync.domain.events.zones import event_zone
from booking_sync.domain.plan import desired_state
from booking_sync.domain.record import BookingRow, SyncRecord
from booking_sync.errors import PermanentError
from booking_sync.preview.look import GONE, Preview, PreviewSources, look
from booking_sync.preview.page import page
from booking_sync.preview.text import as_json, lines, plain_text
from tests.hostile.texts import ALL
from tests.support.bookings import BOOKING_ID, CANCELED, booking

RENDERER = EventRenderer(EventStyle(event_zone("Europe/Helsinki"), "https://contoso.crm4.dynamics.com"))


class Rows:
    """Rows by id; one can't be read."""

    async def read(self, booking_id: str) -> BookingRow | None:
        """The row."""
        if booking_id == "broken":
            raise PermanentError("Dynamics 365: the column 'name' does not hold text.")
        if booking_id == "gone":
            return None
        status = CANCELED if booking_id == "canceled" else booking().status
        return BookingRow(replace(booking(), status=status), SyncRecord(), 'W/"1"')


async def looked(*ids: str) -> list[Preview]:
    """What is shown of these bookings."""

    def rule(subject):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - a partial of the product's rule
        return desired_state(subject, RENDERER.render, require_work_order=True)

    return list(await look(PreviewSources(Rows(), rule), ids))  # type: ignore[arg-type]  # it reads only


async def test_a_booking_is_shown_as_its_event() -> None:
    """Line by line for a terminal, with the wall-clock times of the event's zone."""
    (shown,) = await looked(BOOKING_ID)
    assert shown.content
    told = dict(lines(shown.content))
    assert told["subject"] == "Adatum Bakery \N{EN DASH} Boiler service"
    assert told["when"] == "2026-03-02 10:00:00 to 2026-03-02 12:30:00 (FLE Standard Time)"
    assert told["place"] == "Harbour Street 4, 00100 Helsinki, Finland"
    assert "Status: Scheduled\nWork order: WO-00017\n" in told["body"]
    assert as_json(shown)["reason"] == ""


@pytest.mark.parametrize(
    ("booking_id", "reason"), [("gone", GONE), ("broken", "does not hold text"), ("canceled", "canceled")]
)
async def test_a_booking_without_an_event_says_why(booking_id: str, reason: str) -> None:
    """One that can't be shown keeps the others from nothing."""
    none, other = await looked(booking_id, BOOKING_ID)
    assert none.content is None
    assert reason in none.reason
    assert other.content
    assert as_json(none) == {"booking": booking_id, "event": None, "reason": none.reason}
    assert html.escape(none.reason, quote=False) in html.unescape(page([none])).replace("&#39;", "'")


async def test_the_page_shows_each_event_in_light_and_in_dark() -> None:
    """Side by side, with the body as the event has it."""
    (shown,) = await looked(BOOKING_ID)
    assert shown.content
    made = page([shown])
    frames = re.findall(r'<iframe sandbox title="[^"]*" srcdoc="([^"]*)"></iframe>', made)
    assert len(frames) == 2
    assert [re.search(r"color-scheme: (\w+)", html.unescape(each))[1] for each in frames] == ["light", "dark"]  # type: ignore[index]
    assert all(shown.content.body_html in html.unescape(each) for each in frames)


@pytest.mark.parametrize("text", [each for each in ALL if "\ud800" not in each and "\udc00" not in each])
async def test_no_text_gets_out_of_its_place(text: str) -> None:
    """Neither a subject nor a body, even of a template that writes markup, closes its frame or adds a tag."""
    (shown,) = await looked(BOOKING_ID)
    assert shown.content
    content = replace(shown.content, subject=text, location_name=text, body_html=f"<p>{text}</p></iframe>")
    made = page([Preview(BOOKING_ID, content), Preview(text, reason=text)])
    plain = page([shown, Preview("x", reason="y")])
    tags = re.compile(r"<[a-z!/][^\s>]*")
    outside = [re.sub(r'srcdoc="[^"]*"', "", each) for each in (made, plain)]
    assert tags.findall(outside[0]) == tags.findall(outside[1])
    assert made.count("<iframe sandbox ") == 2


def test_a_body_reads_well_without_its_tags() -> None:
    """Breaks are lines, blank ones go, and what was escaped is as people wrote it."""
    assert plain_text("<p><b>A:</b> 1 &lt; 2<br>B</p>\n\n<ul><li>C</li></ul>") == "A: 1 < 2\nB\nC"


# --- rules ------------------------------------------------------------------------------------------------

RULED = EventRules(
    (
        EventRule(show_as="oof", sensitivity="private", reminder=NO_REMINDER),
        EventRule(show_as="free"),
        EventRule(importance="high", category="Field Service: VIP"),
    )
)


async def ruled(rules: EventRules) -> Preview:
    """The booking as these rules have it shown."""
    renderer = EventRenderer(replace(RENDERER.style, rules=rules))

    def rule(subject):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - a partial of the product's rule
        return desired_state(subject, renderer.render, require_work_order=True, rules=rules)

    (shown,) = await look(PreviewSources(Rows(), rule, rules), [BOOKING_ID])  # type: ignore[arg-type]  # it reads only
    return shown


async def test_what_rules_did_is_told_with_their_numbers() -> None:
    """In the terminal, on the page and as JSON; a rule that had no say is not among them."""
    shown = await ruled(RULED)
    assert shown.content
    told = dict(lines(shown.content, shown.rules))
    assert (told["shown as"], told["categories"]) == ("oof", "Field Service: VIP")
    assert (told["private"], told["reminder"], told["importance"]) == ("yes", "none", "high")
    assert told["by rules"] == "1, 3"
    made = page([shown])
    for name, value in (
        ("Private", "yes"),
        ("Reminder", "none"),
        ("Importance", "high"),
        ("By rules", "1, 3"),
    ):
        assert made.count(f"<dt>{name}</dt><dd>{value}</dd>") == 2
    event = as_json(shown)["event"]
    assert isinstance(event, dict)
    assert (event["sensitivity"], event["reminder"], event["rules"]) == ("private", NO_REMINDER, [1, 3])


async def test_without_rules_nothing_is_told_of_them() -> None:
    """What is the technician's own the preview can't know."""
    (shown,) = await looked(BOOKING_ID)
    assert shown.content
    assert not {"private", "reminder", "importance", "by rules"} & dict(lines(shown.content, ())).keys()
    assert "By rules" not in page([shown])


async def test_an_event_that_a_rule_hides_says_by_which() -> None:
    """So that whoever looks for it finds the rule."""
    hidden = await ruled(EventRules((EventRule(show_as="free"), EventRule(event=False))))
    assert (hidden.content, hidden.reason) == (None, "rule 2 of the event file wants no event")


async def test_an_event_has_the_colour_of_its_category() -> None:
    """As Outlook shows it; a category without a colour that is known leaves the usual one."""
    shown = await ruled(RULED)
    for preset, count in (("preset15", 2), ("none", 0), ('"><script>', 0)):
        made = page([shown], [CategoryColour("Field Service: VIP", preset)])
        assert made.count('<article style="border-left-color: #c11a25">') == count
        assert "<script>" not in made
