"""The evening on which technicians change events in Outlook: what `make run` and `make both-ways` play."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from local.day.both_ways import ACCEPT, REJECT, SETTINGS, BothWays, as_json, show
from local.stack import LocalStack, StackOptions

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(240)


async def test_an_evening_of_changes_in_outlook_ends_in_step(tmp_path: Path) -> None:
    """Graph notifies, the app decides, dispatchers answer; three deletions are three questions."""
    async with LocalStack(StackOptions(tmp_path, settings=SETTINGS)) as stack:
        evening = await BothWays(stack).play()
    assert evening.differences == []
    kinds = [evening.told[act.booking_id].split(" ")[1:2] for act in evening.acts]
    assert kinds.count(["proposed:"]) == 6
    assert ["moved:"] in kinds
    assert ["overruled:"] in kinds or kinds.count(["moved:"]) == 3
    rows = {each.id: each for each in evening.now.bookings}
    answered = {act.answer: rows[act.booking_id] for act in evening.acts if act.words == "deletes it"}
    shown = {event.booking_id for event in evening.now.events}
    assert answered[ACCEPT].canceled
    assert answered[REJECT].id in shown
    assert answered[0].asked_to_cancel
    assert len(as_json(evening)["acts"]) == len(evening.acts)
    console = Console(file=io.StringIO(), width=100)
    show(console, evening)
