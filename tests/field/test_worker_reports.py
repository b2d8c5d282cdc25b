"""Reports on queue workers, as docs/field-cases.md numbers them."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from booking_sync.domain.events.event_ref import EventClaim
from booking_sync.domain.events.event_text.renderer import EventRenderer, EventStyle
from booking_sync.domain.events.zones import event_zone
from booking_sync.domain.outcome import OutcomeKind
from booking_sync.domain.plan import DesiredState, desired_state
from booking_sync.sync.booking.synchronizer import Synchronizer
from booking_sync.sync.booking.task import SyncTask
from tests.support.bookings import BOOKING_ID, CANCELED, ORGANIZATION_ID, booking
from tests.support.fakes import FakeCalendar, FakeRows, events_clock
from tests.support.seals import prover

_RENDERER = EventRenderer(EventStyle(event_zone("UTC"), "https://contoso.crm4.dynamics.com"))


class Stuck:
    """Holds up the first one who comes to a point, until it is let go."""

    def __init__(self, point: str) -> None:
        self._point = point
        self._taken = False
        self.reached = asyncio.Event()
        self.go_on = asyncio.Event()

    async def __call__(self, point: str) -> None:
        """Somebody comes to a point."""
        await asyncio.sleep(0)
        if point == self._point and not self._taken:
            self._taken = True
            self.reached.set()
            await self.go_on.wait()


@pytest.mark.parametrize("meanwhile", ["nothing", "renamed", "canceled", "deleted"])
@pytest.mark.parametrize("point", ["calendar.create", "calendar.tag", "rows.record", "calendar.update"])
async def test_b10_a_run_that_outlives_its_invocation_changes_nothing_for_the_worse(
    point: str, meanwhile: str
) -> None:
    """The host gave the message to somebody else, who was done long ago, when the first run goes on."""
    stuck = Stuck(point)
    rows, calendar = FakeRows(hook=stuck), FakeCalendar(hook=stuck)

    def desired(subject: object) -> DesiredState:
        return desired_state(subject, _RENDERER.render, require_work_order=True)  # type: ignore[arg-type]

    def host() -> Synchronizer:
        return Synchronizer(rows, calendar, desired, prover(calendar, ORGANIZATION_ID), events_clock)

    rows.put(booking())
    if point == "calendar.update":
        assert (await host().sync(SyncTask(BOOKING_ID))).kind is OutcomeKind.SYNCED
        rows.put(replace(booking(), name="earlier"))
    first = asyncio.create_task(host().sync(SyncTask(BOOKING_ID)))
    await stuck.reached.wait()
    changed = {
        "renamed": replace(booking(), name="later"),
        "canceled": replace(booking(), status=CANCELED),
    }
    if meanwhile in changed:
        rows.put(changed[meanwhile])
    claims = frozenset[EventClaim]()
    if meanwhile == "deleted":
        event = rows.remove(BOOKING_ID).record.event
        claims = frozenset({EventClaim(event)} if event else ())
    await host().sync(SyncTask(BOOKING_ID, trusted=False, deleted=claims))
    stuck.go_on.set()
    await first
    shown = [each.content.subject.rpartition(" ")[2] for each in calendar.events.values()]
    named = rows.rows[BOOKING_ID].record.event if BOOKING_ID in rows.rows else None
    if meanwhile in ("canceled", "deleted"):
        assert (shown, named) == ([], None)
    else:
        last = {"renamed": "later", "nothing": "earlier" if point == "calendar.update" else "service"}
        assert (shown, [named]) == ([last[meanwhile]], list(calendar.events))
