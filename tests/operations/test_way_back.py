"""What the operator's page tells of the way back from Outlook, and the button for withheld deletions."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from booking_sync.domain.messages.change import BookingChange
from booking_sync.domain.return_path.missing import Missing
from booking_sync.domain.return_path.side import ProposalKind
from booking_sync.domain.return_path.times import Times
from booking_sync.operations.overview.way_back import SHOWN, describe_way_back
from booking_sync.operations.requests import read_resync
from booking_sync.plumbing.http.orders import BadRequestError
from booking_sync.ports.dataverse.return_path import ReturnedChange, ReturnedChanges
from tests.operations.in_memory import Harness, Returns
from tests.operations.page.test_page import violations
from tests.operations.page.test_page_states import opened
from tests.support.bookings import ANNA, BERT, BOOKING_ID

if TYPE_CHECKING:
    from playwright.async_api import Browser

NOW = datetime(2026, 11, 28, 8, tzinfo=UTC)
JSON = {"Content-Type": "application/json"}
WITHHELD = "2026-11-28 withheld: the event is gone, with many others of its mailbox."
OVERRULED = "2026-11-28 overruled: 2026-11-30 10:00 to 11:00 UTC was wanted in Outlook."


def change(told: str, mailbox: str = ANNA, **more: object) -> ReturnedChange:
    """A booking of which somebody wanted something."""
    known = {
        "booking_id": str(uuid.uuid4()),
        "name": "Boiler",
        "resource_id": BERT,
        "resource_name": "Anna <b>Field</b>",
        "mailbox": mailbox,
        "starts": NOW,
        "modified": NOW,
        "told": told,
    }
    return ReturnedChange(**{**known, **more})  # type: ignore[arg-type]


def found(*changes: ReturnedChange) -> Returns:
    """What Dataverse knows of."""
    returns = Returns()
    returns.found = ReturnedChanges(changes, more=False)
    return returns


def test_withheld_deletions_stand_by_mailbox() -> None:
    """However many there are, all their ids go with the button; few are shown."""
    many = [change(WITHHELD) for _ in range(SHOWN + 5)]
    told = describe_way_back(ReturnedChanges((*many, change(WITHHELD, BERT)), more=True), str)
    first, second = told["withheld"]
    assert (first["mailbox"], first["count"], len(first["ids"])) == (ANNA, SHOWN + 5, SHOWN + 5)
    assert len(first["bookings"]) == SHOWN
    assert (second["mailbox"], second["count"], told["more"]) == (BERT, 1, True)


def test_each_change_stands_in_one_place() -> None:
    """An open proposal counts for more than what the row told last; what was simply done is nobody's news."""
    moved = Times(NOW, NOW + timedelta(hours=1))
    proposal = change(OVERRULED, proposal=ProposalKind.MOVE, proposed=moved, answered=True)
    told = describe_way_back(
        ReturnedChanges((proposal, change(OVERRULED), change("2026-11-28 moved: x")), more=False), str
    )
    assert (told["proposals"], len(told["overruled"]), told["withheld"]) == (1, 1, [])
    assert told["proposed"][0]["proposedStart"] == NOW.isoformat()
    assert told["proposed"][0]["answered"] is True


async def test_nothing_is_asked_where_nothing_comes_back() -> None:
    """Off costs nothing, and the page has no such section."""
    assert (await Harness().status())["wayBack"] == {"problem": "", "on": False}


async def test_deletions_that_a_person_takes_are_confirmed_and_looked_at_once_more(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """They are queued as what a sweep would have concluded, in nobody's hurry, and who said so is logged."""
    harness = Harness()
    body = json.dumps({"bookings": [BOOKING_ID], "deletions": True}).encode()
    with caplog.at_level("INFO"):
        answer = await harness.endpoints.resync(JSON, body)
    assert answer.status == 202
    ((sent, _delay),) = harness.queue.sent
    assert isinstance(sent, BookingChange)
    assert (sent.booking_id, sent.look, sent.missing) == (BOOKING_ID, True, Missing.CONFIRMED)
    assert not sent.uncertain
    (line,) = [json.loads(each) for each in caplog.messages if "operator_order" in each]
    assert (line["order"], line["by"]) == ("deletions", "somebody")


def test_an_order_says_yes_or_no() -> None:
    """Whatever else stands there is no order."""
    body = {"bookings": [BOOKING_ID], "deletions": "yes"}
    with pytest.raises(BadRequestError, match="deletions"):
        read_resync(JSON, json.dumps(body).encode())


@pytest.mark.asyncio(loop_scope="session")
async def test_the_operator_takes_the_deletions_of_one_mailbox_by_one_click(
    browser: Browser, axe: str
) -> None:
    """The page says what is gone, whose it is, and what to do; texts from Dynamics 365 stay texts."""
    async with opened(browser) as app:
        withheld = [change(WITHHELD) for _ in range(120)]
        proposal = change("2026-11-28 proposed: x.", BERT, proposal=ProposalKind.CANCEL)
        app.harness.returns = found(*withheld, proposal, change(OVERRULED, BERT))
        await app.open()
        section = app.section("Changes from Outlook")
        await expect(section).to_contain_text("120 events are gone from the calendar of Anna <b>Field</b>")
        await expect(section).to_contain_text("1 proposal for a dispatcher")
        await expect(section).to_contain_text("1 move was overruled")
        await app.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert await violations(app.page, axe) == []
        await section.get_by_role("button", name="Take these deletions").click()
        await expect(section).to_contain_text("120 deletions are looked at once more, and decided.")
        assert await app.clicks() == 1
        sent = {each.booking_id for each, _delay in app.harness.queue.sent}
        assert sent == {each.booking_id for each in withheld}


@pytest.mark.asyncio(loop_scope="session")
async def test_the_page_has_no_such_section_where_nothing_comes_back(browser: Browser) -> None:
    """Nobody is bothered with what is switched off; where it is on, it says that nothing waits."""
    async with opened(browser) as app:
        await app.open()
        await expect(app.section("Changes from Outlook")).to_be_hidden()
        app.harness.returns = found()
        app.harness.clock.advance(120)
        await app.page.get_by_role("button", name="Refresh", exact=True).click()
        await expect(app.section("Changes from Outlook")).to_contain_text("Nothing waits for anybody.")
