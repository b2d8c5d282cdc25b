"""Reports on texts and times, as docs/field-cases.md numbers them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from booking_sync.domain.bookings.booking import WorkOrder
from booking_sync.domain.outcome import OutcomeKind
from tests.audit.world import REPORT_ONLY
from tests.dataverse.world import BOOKINGS

if TYPE_CHECKING:
    from tests.audit.world import AuditWorld

TITLES = {
    "letters": "x" * 400,
    "emoji": "\N{MEMO}" * 300,
    "an emoji at the cut": "x" * 236 + "\N{MEMO}" * 20,
    "joined emoji": "\N{WOMAN}\u200d\N{WRENCH}" * 100,
    "accents of their own": "e\u0301" * 300,
    "spaces around": "  Boiler \u00a0\t service \u3000 ",
    "lines": "Boiler\r\nservice\u2028now",
    "directions": "\u202eBoiler\u2067 service",
}


@pytest.mark.parametrize("title", TITLES.values(), ids=TITLES)
async def test_b8_a_title_that_no_calendar_keeps_is_written_once(world: AuditWorld, title: str) -> None:
    """What is written is what Outlook keeps, so that no audit finds a difference in it."""
    made = await world.book()
    world.dataverse.put(replace(made, name=title[:50], work_order=WorkOrder(account_name=title[:80])))
    await world.sync(made.id)
    (event,) = world.events()
    assert len(event.content["subject"].encode("utf-16-le")) <= 2 * 255
    assert (await world.audit(REPORT_ONLY)).counts() == {}


@pytest.mark.parametrize("text", ["2026-03-03", "2026-03-03T08:00:00", "2026-03-03T08:00:00 "])
async def test_b9_a_start_without_its_zone_is_told_and_not_guessed(world: AuditWorld, text: str) -> None:
    """A column whose behaviour was changed would put each booking a day or some hours off."""
    made = await world.book()
    world.dataverse.standin.state.rows(BOOKINGS)[made.id]["starttime"] = text
    outcome = await world.sync(made.id)
    assert (outcome.kind, "'starttime'" in outcome.detail) == (OutcomeKind.FAILED, True)
    (event,) = world.events()
    assert event.start.utc == made.start
