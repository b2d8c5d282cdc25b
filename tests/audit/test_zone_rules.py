"""A law changes the clocks and only Exchange knows: calendars end right, and the audit has nothing to do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

import pytest

from local.graph.config import ZoneShift

if TYPE_CHECKING:
    from booking_sync.domain.bookings.booking import Booking
    from tests.audit.world import AuditWorld

SHIFT = ZoneShift("W. Europe Standard Time", "2020-01-01T00:00:00+00:00", 60)
HOUR = timedelta(hours=1)


def change_the_law(world: AuditWorld) -> None:
    """From now on Exchange reads the configured zone an hour late."""
    state = world.graph.standin.state
    state.config = replace(state.config, zone_shifts=(SHIFT,))


def assert_at_its_time(world: AuditWorld, booking: Booking) -> None:
    """The one event is where its booking is."""
    (event,) = world.events()
    assert booking.start
    assert booking.end
    assert (event.start.utc, event.end.utc) == (booking.start.astimezone(UTC), booking.end.astimezone(UTC))


@pytest.mark.parametrize("law", ["before", "after"])
async def test_an_audit_after_a_change_of_law_finds_nothing(world: AuditWorld, law: str) -> None:
    """Whether the law changed before or after the event was written, the audits write nothing for it."""
    if law == "before":
        change_the_law(world)
    booking = await world.book()
    if law == "after":
        change_the_law(world)
    assert_at_its_time(world, booking)
    for _ in range(2):
        report = await world.audit()
        assert (report.counts(), report.enqueued) == ({}, 0)


async def test_an_event_of_the_former_law_is_mended_by_one_audit(world: AuditWorld) -> None:
    """Exchange moved the event when it took the new rules: one audit mends it, the next finds nothing."""
    booking = await world.book()
    (event,) = world.events()
    change_the_law(world)
    times = {
        name: {"dateTime": f"{moment.utc + HOUR:%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"}
        for name, moment in (("start", event.start), ("end", event.end))
    }
    world.user_edits(event, **times)
    report = await world.audit()
    assert report.counts() == {"drift": 1}
    await world.work_off()
    assert_at_its_time(world, booking)
    report = await world.audit()
    assert (report.counts(), report.enqueued) == ({}, 0)
