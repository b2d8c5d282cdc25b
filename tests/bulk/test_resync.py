"""Bookings that an operator wants written afresh, by id or by mailbox."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from booking_sync.bulk.resync import Chosen, Resync, ResyncSources
from booking_sync.domain.events.event_ref import EventRef
from booking_sync.domain.record import SyncRecord
from booking_sync.domain.return_path.missing import Missing
from booking_sync.plumbing.patience import Patience
from booking_sync.sync.sending import Pace, PacedSender
from tests.support.bookings import ANNA, BERT, booking
from tests.support.fakes import FakeQueue, FakeRows
from tests.support.pacing import Gauge, Sleeper

FIRST = datetime(2026, 3, 2, 8, tzinfo=UTC)
ANNAS = "4a000000-0000-4000-8000-000000000000"
RECORDED, BERTS, HIDDEN, PAST = (f"{each}0000000-0000-4000-8000-000000000000" for each in range(1, 5))
NOBODYS = "90000000-0000-4000-8000-000000000000"


class _Resources:
    """Who is whose mailbox."""

    async def mailboxes(self) -> dict[str, str]:
        """See the port."""
        return {ANNAS: ANNA}


class World:
    """Three recorded in Anna's mailbox, one of them unreadable and one past; and one of Bert's."""

    def __init__(self) -> None:
        self.rows, self.queue, self.sleeper = FakeRows(), FakeQueue(), Sleeper()
        for each in (RECORDED, BERTS, HIDDEN, PAST):
            start = FIRST - timedelta(days=1) if each == PAST else FIRST
            self.rows.put(replace(booking(each), start=start, end=start + timedelta(hours=1)))
            record = SyncRecord(EventRef(BERT if each == BERTS else ANNA, each), 1, "of it")
            self.rows.rows[each] = replace(self.rows.rows[each], record=record)
        self.rows.unreadable[HIDDEN] = "hidden"
        patience = Patience(sleep=self.sleeper)
        self.resync = Resync(ResyncSources(self.rows, self.rows, _Resources()), patience)

    async def queued(self, chosen: Chosen) -> list[str]:
        """The bookings of the hints that this makes."""
        sender = PacedSender(self.queue, Gauge(0), Pace(per_second=1), sleep=self.sleeper)
        await self.resync.queue(chosen, sender, "c", lambda: FIRST)
        return [change.booking_id for change, _ in self.queue.sent]


async def test_bookings_by_id_are_queued_once_and_those_that_are_not_there_named() -> None:
    """One that can't be read is queued too: the worker says why on its row."""
    world = World()
    chosen = await world.resync.by_id([RECORDED, HIDDEN, NOBODYS, RECORDED])
    assert chosen == Chosen((RECORDED, HIDDEN), (NOBODYS,), 1)
    assert await world.queued(chosen) == [RECORDED, HIDDEN]


async def test_a_mailbox_s_bookings_are_those_that_are_recorded_there() -> None:
    """From the given day on."""
    world = World()
    chosen = await world.resync.by_mailbox(ANNA.upper(), FIRST)
    assert set(chosen.booking_ids) == {RECORDED, HIDDEN}
    assert chosen.unreadable == 1


@pytest.mark.parametrize("by_id", [True, False])
async def test_an_order_believes_nothing_and_takes_no_missing_event_for_a_wish(by_id: bool) -> None:  # noqa: FBT001 - a case
    """With a way back, an event that is gone would else be a technician's deletion of it."""
    world = World()
    chosen = await (world.resync.by_id([RECORDED]) if by_id else world.resync.by_mailbox(ANNA, FIRST))
    assert await world.queued(chosen)
    assert {(hint.uncertain, hint.missing) for hint, _ in world.queue.sent} == {(True, Missing.ORDERED)}
