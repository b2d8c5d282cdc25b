"""What mailboxes are set to: the real SDK against the strict stand-in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from booking_sync.domain.bookings.reader import NOBODY, Reader
from booking_sync.domain.events.zones import zone_of
from booking_sync.errors import PermanentError, TransientError
from booking_sync.outlook.mailboxes.mailbox_settings import DENIED_REASON, read_settings
from local.standin.faults import Fault
from tests.outlook.kit import DENIED_MAILBOX, MAILBOX, MISSING_MAILBOX

if TYPE_CHECKING:
    from tests.outlook.kit import GraphHere

SETTINGS = r"/mailboxSettings"


def set_mailbox(graph: GraphHere, language: str, zone: str, mode: str = "told") -> None:
    """What the person chose, and whether the app may know."""
    graph.configure(mailbox_settings=mode)
    mailbox = graph.standin.state.user(MAILBOX)
    mailbox.language, mailbox.time_zone = language, zone


@pytest.mark.parametrize(
    ("locale", "zone", "reader"),
    [
        ("fi-FI", "FLE Standard Time", Reader("fi-fi", "FLE Standard Time")),
        ("de", "Europe/Vienna", Reader("de", "Europe/Vienna")),
        ("", "", NOBODY),
        ("../../etc/passwd", "tzone://Microsoft/Custom", Reader("", "tzone://Microsoft/Custom")),
    ],
)
async def test_language_and_zone_are_read(graph: GraphHere, locale: str, zone: str, reader: Reader) -> None:
    """As the person chose them; what can be no language is none."""
    set_mailbox(graph, locale, zone)
    assert await graph.calendar.readers.reader(MAILBOX) == reader


async def test_nothing_else_is_asked_for(graph: GraphHere) -> None:
    """Not what people let others know who write to them."""
    set_mailbox(graph, "fi-FI", "UTC")
    await graph.calendar.readers.reader(MAILBOX)
    (batch,) = graph.batches
    (item,) = batch.items
    assert (item["method"], item["path"]) == (
        "GET",
        f"/users/{MAILBOX}/mailboxSettings?$select=language,timeZone",
    )


async def test_without_the_right_the_words_say_what_to_grant(graph: GraphHere) -> None:
    """It is a right of its own."""
    set_mailbox(graph, "fi-FI", "UTC", mode="denied")
    with pytest.raises(PermanentError) as error:
        await graph.calendar.readers.reader(MAILBOX)
    assert error.value.reason == DENIED_REASON
    assert "Application MailboxSettings.Read" in DENIED_REASON


@pytest.mark.parametrize("code", ["ErrorAccessDenied", "Authorization_RequestDenied", "SomethingNew"])
async def test_a_refusal_is_one_whatever_its_code(graph: GraphHere, code: str) -> None:
    """Otherwise bookings would wait for a right that nobody is going to grant."""
    set_mailbox(graph, "fi-FI", "UTC")
    graph.standin.faults.add(Fault(SETTINGS, status=403, body={"error": {"code": code, "message": "No."}}))
    with pytest.raises(PermanentError):
        await graph.calendar.readers.reader(MAILBOX)


@pytest.mark.parametrize("mailbox", [DENIED_MAILBOX, MISSING_MAILBOX])
async def test_a_mailbox_that_can_t_be_used_tells_nothing(graph: GraphHere, mailbox: str) -> None:
    """As for its calendar."""
    graph.configure(mailbox_settings="told")
    with pytest.raises(PermanentError):
        await graph.calendar.readers.reader(mailbox)


@pytest.mark.parametrize("status", [403, 429, 500, 503, 504])
async def test_trouble_on_the_way_tells_nothing_yet(graph: GraphHere, status: int) -> None:
    """Neither does a page of somebody in between."""
    set_mailbox(graph, "fi-FI", "UTC")
    graph.standin.faults.add(Fault(SETTINGS, status=status, body=None))
    with pytest.raises(TransientError):
        await graph.calendar.readers.reader(MAILBOX)


@pytest.mark.parametrize("body", [None, [], "fi", {}, {"value": "fi-FI"}])
def test_half_an_answer_is_none(body: Any) -> None:
    """It is asked for again."""
    with pytest.raises(TransientError):
        read_settings(body)


@pytest.mark.parametrize(
    "body",
    [
        {"language": None, "timeZone": None},
        {"language": {"locale": None, "displayName": None}, "timeZone": ""},
        {"language": "fi", "timeZone": ["UTC"]},
        {"language": {"locale": 11}, "timeZone": {"name": "UTC"}},
        {"language": {"locale": "fi/../de"}, "timeZone": "U\x00TC"},
        {"language": {"locale": "a" * 5000}, "timeZone": "Z" * 5000},
        {"timeZone": 7},
    ],
)
def test_what_is_no_text_tells_nothing(body: Any) -> None:
    """Settings of whatever kind harm nobody."""
    assert read_settings(body) == NOBODY


@pytest.mark.parametrize(
    ("name", "graph_name"),
    [
        ("FLE Standard Time", "FLE Standard Time"),
        ("Europe/Helsinki", "FLE Standard Time"),
        ("UTC", "UTC"),
        ("tzone://Microsoft/Custom", None),
        ("Customized Time Zone", None),
        ("../../../etc/localtime", None),
        ("/etc/localtime", None),
        ("localtime", None),
        ("", None),
        ("Z" * 101, None),
    ],
)
def test_a_zone_s_name_is_believed_where_it_is_one(name: str, graph_name: str | None) -> None:
    """By Windows's names and IANA's; no name leads to a file."""
    zone = zone_of(name)
    assert (zone.graph_name if zone else None) == graph_name
