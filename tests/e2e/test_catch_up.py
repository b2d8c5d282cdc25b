"""Missed webhooks: however they got lost, the timer brings the bookings in step."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from local.day.world import bind_status, booking_row, times
from local.functions_host.keys import HEADER
from local.stack import booking_webhook
from local.standin.faults import Fault
from tests.e2e.office import BOOKINGS

if TYPE_CHECKING:
    from tests.e2e.office import Office

pytestmark = pytest.mark.asyncio(loop_scope="session")

LISTING = "modifiedon"
"""Only the catch-up asks for bookings by the time of their change."""


def log_lines(office: Office) -> list[dict[str, Any]]:
    """What the runs so far have logged."""
    text = (office.stack.options.folder / "host-0.log").read_text()
    found = (line[line.index("{") :] for line in text.splitlines() if '"event":"catch_up"' in line)
    return [json.loads(line) for line in found]


async def run_catch_up(office: Office) -> dict[str, Any]:
    """Run the timer function by the host's admin API, to the end; returns its log line."""
    before = len(log_lines(office))
    async with office.stack.session.post(
        f"{office.stack.host_url}/admin/functions/catch_up",
        json={"input": ""},
        headers={HEADER: office.stack.keys.master},
    ) as answer:
        assert answer.status == 202
    while len(lines := log_lines(office)) == before:  # noqa: ASYNC110 - a log file has no event
        await asyncio.sleep(0.05)
    await office.settle()
    return lines[-1]


async def test_bookings_of_which_no_webhook_tells_are_caught_up(office: Office) -> None:
    """Bookings of an import that bypasses webhooks show after one run; a second run finds nothing to do."""
    plans = [office.plan() for _ in range(20)]
    await office.stack.dataverse.create_many(BOOKINGS, [booking_row(plan) for plan in plans], webhooks=False)

    line = await run_catch_up(office)

    assert line["queued"] >= 20
    assert [(await office.event(plan)).start for plan in plans] == [plan.start for plan in plans]
    assert (await run_catch_up(office))["behind"] == 0


async def test_lost_deliveries_are_caught_up(office: Office) -> None:
    """A change and a cancellation whose webhooks Dataverse gave up are in Outlook after one run."""
    moved, canceled = await office.book(), await office.book()
    later = moved.moved(timedelta(minutes=20))
    await office.stack.dataverse.configure(webhooks_lose_every=1)
    await office.stack.dataverse.update(BOOKINGS, moved.id, times(later.start, later.end))
    cancellation = bind_status(office.world.status("Canceled").id)
    await office.stack.dataverse.update(BOOKINGS, canceled.id, cancellation)
    await office.settle()
    await office.stack.dataverse.configure(webhooks_lose_every=0)
    assert (await office.event(moved)).start == moved.start

    await run_catch_up(office)

    assert (await office.event(moved)).start == later.start
    assert await office.events(canceled) == []


async def test_rejected_webhook_is_caught_up(office: Office) -> None:
    """A booking whose webhook came with a key that was no longer good shows after one run."""
    plan = office.plan()
    await office.stack.dataverse.create(BOOKINGS, booking_row(plan), webhooks=False)
    webhook = booking_webhook(office.stack.identities, "Create", plan.id)
    assert await office.stack.post_webhook(webhook, key="replaced") == 401

    await run_catch_up(office)

    assert (await office.event(plan)).start == plan.start


async def test_failing_booking_is_not_tried_again_and_again(office: Office) -> None:
    """A booking that says why it can't be synced is counted by the timer, and adds no poison message."""
    await office.stack.queue.take_poison()
    plan = await office.book(office.world.without_mailbox)
    assert len(await office.stack.queue.take_poison()) == 1

    lines = [await run_catch_up(office) for _ in range(2)]

    assert [line["failing"] >= 1 for line in lines] == [True, True]
    assert await office.stack.queue.take_poison() == []
    assert "no Exchange Online mailbox" in (await office.row(plan)).error


async def test_run_that_fails_is_made_up_for_by_the_next(office: Office) -> None:
    """When Dataverse breaks off the list, the run fails and says so, and the next one catches up."""
    plan = office.plan()
    await office.stack.dataverse.create(BOOKINGS, booking_row(plan), webhooks=False)
    await office.stack.dataverse.add_fault(Fault(path=LISTING, status=500))

    failed = await run_catch_up(office)
    assert "Dynamics 365" in failed["problem"]
    assert await office.events(plan) == []

    await run_catch_up(office)
    assert (await office.event(plan)).start == plan.start
