"""The played day, which is what a newcomer sees first: it has to end in step."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from local.day.facts import EVENT_FILE
from local.day.run import DayOptions, DayRun
from local.day.verdict import CUSTOMER, URGENT_CATEGORY, compare
from local.stack import NO_TIMERS, LocalStack, StackOptions

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(240)


async def test_a_day_with_a_pilot_and_other_hands_in_the_calendars_ends_in_step(tmp_path: Path) -> None:
    """People leave and join, equipment gets a mailbox, technicians delete and move events; all comes right.

    What a technician deleted minutes ago is left to the audit, which plays last. A burst follows, as of
    `make run`, for those who take part.
    """
    async with LocalStack(StackOptions(tmp_path, settings={**NO_TIMERS, "EVENT_FILE": EVENT_FILE})) as stack:
        report = await DayRun(
            stack,
            DayOptions(bookings=24, technicians=6, burst=40, burst_mailboxes=8),
            Console(file=io.StringIO()),
        ).run()
        mailboxes = {each["id"]: each["categories"] for each in await stack.graph.mailboxes()}
    assert report.differences == []
    assert report.in_step
    assert {"technician taken out", "technician taken in again", "equipment given a mailbox"} <= set(
        report.tally
    )
    shown = {event.mailbox for event in report.facts.events if event.booking_id}
    assert all(URGENT_CATEGORY in mailboxes[each] for each in shown), "the audit gave it its colour"
    crane = {booking.id for booking in report.facts.bookings if booking.own_mailbox}
    assert crane & {event.booking_id for event in report.facts.events}
    outside = {booking.id for booking in report.facts.bookings if not booking.takes_part}
    assert outside
    assert not outside & {event.booking_id for event in report.facts.events}


async def test_the_day_shows_rules_and_two_languages(tmp_path: Path) -> None:
    """Urgent bookings stand out, technicians read their own language, and the verdict sees where not."""
    async with LocalStack(StackOptions(tmp_path, settings={**NO_TIMERS, "EVENT_FILE": EVENT_FILE})) as stack:
        day = DayRun(stack, DayOptions(bookings=10, technicians=3, burst=0), Console(file=io.StringIO()))
        facts = await day.first_plan()
    assert facts.expects_rules
    shown = [event for event in facts.events if event.booking_id]
    assert {facts.languages[event.mailbox][:2] for event in shown} == set(CUSTOMER)
    assert any(URGENT_CATEGORY in event.raw["categories"] for event in shown)
    assert compare(facts) == []
    english = [
        replace(each, raw={**each.raw, "body": {"content": "<b>Customer"}}) if each.booking_id else each
        for each in facts.events
    ]
    assert len(compare(replace(facts, events=english))) == len(shown)
