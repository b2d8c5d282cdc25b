"""Sweeps of a mailbox, on real proofs and fake services."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from booking_sync.domain.bookings.booking import Booking
from booking_sync.domain.events.event import FoundEvent, MarkedEvent
from booking_sync.domain.events.event_ref import EventRef
from booking_sync.domain.events.ownership import transaction_id
from booking_sync.domain.outcome import OutcomeKind
from booking_sync.domain.record import BookingRow, SyncRecord
from booking_sync.domain.return_path.guard import GRACE
from booking_sync.domain.return_path.messages import Lifecycle, MailboxSweep
from booking_sync.domain.return_path.missing import Missing
from booking_sync.domain.return_path.side import OutlookSide, Proposal, ProposalKind
from booking_sync.domain.return_path.words import Told, beginning
from booking_sync.errors import PermanentError, SyncError, TransientError
from booking_sync.ports.outlook.sweeps import CalendarContents, TooManyCalendarsError
from booking_sync.sync.from_outlook.sweep import (
    HINTS_PER_SECOND,
    MOST_PROVEN,
    Sweeper,
    SweepSources,
    SweepWindow,
)
from tests.support.bookings import ANNA, BERT, ORGANIZATION_ID, booking
from tests.support.fakes import FakeCalendar, FakeQueue, FakeRows
from tests.support.seals import prover
from tests.sync.from_outlook.test_watch import World as WatchWorld

if TYPE_CHECKING:
    from collections.abc import Sequence

NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
SWEEP = MailboxSweep(ANNA, "sweep-1", NOW)
DAYS = timedelta(days=1)


def booking_id(number: int) -> str:
    """Of a booking of the tests."""
    return f"0d7c1f57-3b1e-4c8e-9a55-{number:012}"


class FakeMailbox:
    """A mailbox with a main calendar and others; fulfils `MailboxEvents`."""

    def __init__(self) -> None:
        self.main: list[MarkedEvent] = []
        self.others: list[MarkedEvent] = []
        self.entries = 5
        """People's own."""
        self.found: dict[str, list[FoundEvent]] = {}
        """By marker: what a search finds."""
        self.fails: SyncError | None = None
        self.elsewhere_fails: SyncError | None = None
        self.calls: list[str] = []

    def _enter(self, call: str) -> None:
        self.calls.append(call)
        if self.fails:
            raise self.fails

    async def list_shown(self, mailbox: str, first: datetime, last: datetime) -> CalendarContents:
        """See the port."""
        self._enter("shown")
        assert (mailbox, last - first) == (ANNA, 8 * DAYS)
        return CalendarContents(self.main, len(self.main) + self.entries)

    async def list_elsewhere(self, mailbox: str, first: datetime, last: datetime) -> Sequence[MarkedEvent]:
        """See the port."""
        self._enter("elsewhere")
        if self.elsewhere_fails:
            raise self.elsewhere_fails
        assert (mailbox, first, last) == (ANNA, NOW - DAYS, NOW + 7 * DAYS)
        return self.others

    async def find_everywhere(self, mailbox: str, marker: str) -> Sequence[FoundEvent]:
        """See the port."""
        self._enter("find")
        assert mailbox == ANNA
        return self.found.get(marker, [])


class World:
    """So many bookings of Anna's, each with its event."""

    def __init__(self, count: int) -> None:
        self.rows = FakeRows()
        self.rows.page_rows = 3
        self.mailbox = FakeMailbox()
        self.queue = FakeQueue()
        self.prover = prover(FakeCalendar(), ORGANIZATION_ID)
        self.watch = WatchWorld(ANNA)
        for number in range(count):
            self.book(number)
            self.mailbox.main.append(self.event(number))
        sources = SweepSources(self.rows, self.mailbox, self.prover, self._shows_in)
        self.sweeper = Sweeper(
            sources, SweepWindow(DAYS, 7 * DAYS), self.queue, lambda: NOW, self.watch.watch
        )

    @staticmethod
    def _shows_in(booked: Booking) -> str | None:
        user = booked.resource.user if booked.resource else None
        return user.entra_object_id if user and booked.active else None

    def book(self, number: int, side: OutlookSide | None = None, **changes: object) -> None:
        """A booking whose row names its event."""
        made = replace(booking(booking_id(number)), **changes)  # type: ignore[arg-type]
        record = SyncRecord(EventRef(ANNA, f"E{number}"), generation=1)
        self.rows.rows[made.id] = BookingRow(made, record, "1", side=side or OutlookSide())
        self.rows.modified[made.id] = NOW

    def event(self, number: int, event_id: str = "", hours: int = 0) -> MarkedEvent:
        """The booking's event, as a calendar shows it."""
        booked = booking()
        assert booked.start
        assert booked.end
        later = timedelta(hours=hours)
        return MarkedEvent(
            EventRef(ANNA, event_id or f"E{number}"),
            self.marker(number),
            None,
            "",
            booked.start + later,
            booked.end + later,
            "busy",
            frozenset(),
            "",
        )

    def marker(self, number: int) -> str:
        """What marks the booking's events."""
        return self.prover.sealer.marker(booking_id(number))

    def delete(self, *numbers: int) -> None:
        """Somebody deletes events."""
        gone = {f"E{number}" for number in numbers}
        self.mailbox.main = [each for each in self.mailbox.main if each.ref.event_id not in gone]

    def own(self, number: int, event_id: str) -> FoundEvent:
        """An event that is proven to be the booking's."""
        ref = EventRef(ANNA, event_id)
        sealer = self.prover.sealer
        uid = f"uid {event_id}"
        return FoundEvent(
            ref,
            transaction_id(booking_id(number), ANNA, 1),
            marker=self.marker(number),
            created=NOW,
            uid=uid,
            tag=sealer.tag(booking_id(number), ref, uid, 1),
        )

    async def sweep(self, *missing: int, sweep: MailboxSweep = SWEEP) -> OutcomeKind:
        """A sweep, which asks about these bookings."""
        asked = replace(sweep, missing=frozenset(map(booking_id, missing)))
        return (await self.sweeper.sweep(asked)).kind

    @property
    def hints(self) -> dict[str, tuple[Missing, frozenset[str]]]:
        """What was queued about bookings."""
        assert all(each.look for each, _ in self.queue.sent)
        return {each.booking_id: (each.missing, each.suspects) for each, _ in self.queue.sent}

    @property
    def second(self) -> list[frozenset[str]]:
        """What later sweeps are to confirm."""
        assert all(delay == GRACE.total_seconds() for _, delay in self.queue.outlook)
        return [each.missing for each, _ in self.queue.outlook if isinstance(each, MailboxSweep)]


UNKNOWN = (Missing.UNKNOWN, frozenset[str]())
CONFIRMED = (Missing.CONFIRMED, frozenset[str]())
WITHHELD = (Missing.WITHHELD, frozenset[str]())


async def test_a_mailbox_at_rest_costs_one_list_of_each_side() -> None:
    """And queues nothing."""
    world = World(20)
    assert await world.sweep() is OutcomeKind.UNCHANGED
    assert (world.hints, world.queue.outlook, world.mailbox.calls) == ({}, [], ["shown"])


async def test_without_bookings_the_mailbox_is_not_even_listed() -> None:
    """Those that are canceled, reassigned or out of time are not expected there."""
    world = World(0)
    world.book(1, active=False)
    world.book(2, resource=booking(mailbox=BERT).resource)
    far = NOW + 30 * DAYS
    world.book(3, start=far, end=far + DAYS)
    assert await world.sweep() is OutcomeKind.SKIPPED
    assert world.mailbox.calls == []


async def test_what_differs_is_looked_at() -> None:
    """At a pace."""
    world = World(10)
    world.mailbox.main[2:5] = [world.event(number, hours=1) for number in (2, 3, 4)]
    await world.sweep()
    assert world.hints == {booking_id(number): UNKNOWN for number in (2, 3, 4)}
    assert [delay for _, delay in world.queue.sent] == [place / HINTS_PER_SECOND for place in range(3)]
    assert [each.first_seen for each, _ in world.queue.sent][-1] > NOW


async def test_an_event_in_another_calendar_is_there() -> None:
    """Whoever dragged it there deleted nothing; who moved it as well is looked at."""
    world = World(10)
    world.delete(*range(6))
    world.mailbox.others = [world.event(number) for number in range(5)] + [world.event(5, hours=2)]
    await world.sweep()
    assert (world.hints, world.second) == ({booking_id(5): UNKNOWN}, [])


async def test_a_deletion_takes_two_sweeps() -> None:
    """The first finds it and queues the second, hidden for the grace; the second confirms it."""
    world = World(10)
    world.delete(3, 4)
    await world.sweep()
    assert (world.hints, world.second) == ({}, [frozenset({booking_id(3), booking_id(4)})])
    world.queue.outlook.clear()
    await world.sweep(3, 4)
    assert (world.hints, world.second) == ({booking_id(3): CONFIRMED, booking_id(4): CONFIRMED}, [])


async def test_only_what_was_gone_before_is_confirmed() -> None:
    """What was deleted meanwhile gets a grace of its own; what came back is left alone."""
    world = World(10)
    world.delete(3)
    await world.sweep(5)
    assert (world.hints, world.second) == ({}, [frozenset({booking_id(3)})])


@pytest.mark.parametrize(("count", "gone"), [(10, 4), (300, 61), (300, 300)])
async def test_too_many_are_nobody_s_wish(count: int, gone: int, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is confirmed, all rows are told, and the log raises an alarm; no search is made for them."""
    world = World(count)
    world.delete(*range(gone))
    with caplog.at_level(logging.WARNING):
        await world.sweep(*range(min(gone, 100)))
    assert set(world.hints.values()) == {WITHHELD}
    assert len(world.hints) == gone
    assert world.second == []
    assert "mailbox_withheld" in caplog.text
    assert "find" not in world.mailbox.calls


async def test_a_mailbox_that_shows_nothing_at_all_concludes_nothing() -> None:
    """However few events should be there."""
    world = World(1)
    world.delete(0)
    world.mailbox.entries = 0
    await world.sweep(0)
    assert world.hints == {booking_id(0): WITHHELD}
    world.mailbox.entries = 1
    world.queue.sent.clear()
    await world.sweep(0)
    assert world.hints == {booking_id(0): CONFIRMED}


async def test_what_other_calendars_show_does_not_fill_an_empty_one() -> None:
    """Holidays, birthdays and an event that was dragged there say nothing of the calendar of bookings."""
    world = World(2)
    world.delete(0, 1)
    world.mailbox.entries = 0
    world.mailbox.others = [world.event(1)]
    await world.sweep(0)
    assert world.hints == {booking_id(0): WITHHELD}


async def test_where_a_person_has_too_many_calendars_to_look_into_the_rows_say_so() -> None:
    """An event may have been dragged to any of them: nothing is concluded, and that is told."""
    world = World(10)
    world.delete(3, 4)
    world.mailbox.main.append(world.event(4, "new-4"))
    world.mailbox.main[0] = world.event(0, hours=1)
    world.mailbox.elsewhere_fails = TooManyCalendarsError("too many")
    assert await world.sweep(3, 4) is OutcomeKind.SYNCED
    assert world.hints == {booking_id(0): UNKNOWN, booking_id(3): WITHHELD, booking_id(4): WITHHELD}
    assert (world.second, world.mailbox.calls) == ([], ["shown", "elsewhere"])


async def test_rows_that_know_it_are_not_told_again() -> None:
    """A wiped mailbox is swept every half hour, until somebody decides."""
    world = World(10)
    world.delete(*range(10))
    today = OutlookSide(told=f"{beginning(NOW.date(), Told.WITHHELD)} many")
    yesterday = OutlookSide(told=f"{beginning((NOW - DAYS).date(), Told.WITHHELD)} many")
    other = OutlookSide(told=f"{beginning(NOW.date(), Told.PUT_BACK)} once")
    world.book(3, today)
    world.book(4, yesterday)
    world.book(5, other)
    await world.sweep()
    assert not {booking_id(3), booking_id(4)} & world.hints.keys()
    assert booking_id(5) in world.hints


async def test_rows_that_say_withheld_of_events_that_are_there_are_looked_at() -> None:
    """Somebody restored the mailbox."""
    world = World(3)
    world.book(1, OutlookSide(told=f"{beginning((NOW - DAYS).date(), Told.WITHHELD)} many"))
    await world.sweep()
    assert set(world.hints) == {booking_id(1)}


async def test_an_event_under_another_id_is_taken_up_again() -> None:
    """However many of them: a migration gives every event another id, and none is gone."""
    world = World(10)
    world.mailbox.main = [world.event(number, f"new-{number}") for number in range(10)]
    world.mailbox.found = {world.marker(number): [world.own(number, f"new-{number}")] for number in range(10)}
    await world.sweep(*range(10))
    assert world.hints == {booking_id(number): (Missing.UNKNOWN, frozenset({ANNA})) for number in range(10)}


async def test_a_copy_stands_for_nothing() -> None:
    """Whoever copied an event and deleted the original has deleted it."""
    world = World(10)
    world.delete(3)
    world.mailbox.main.append(world.event(3, "copy"))
    copied = replace(world.own(3, "E3"), ref=EventRef(ANNA, "copy"), uid="copied")
    world.mailbox.found = {world.marker(3): [copied]}
    await world.sweep(3)
    assert world.hints == {booking_id(3): CONFIRMED}


async def test_of_very_many_new_ids_some_are_proven_at_a_time() -> None:
    """Nothing is concluded of the others."""
    count = MOST_PROVEN + 5
    world = World(count)
    world.mailbox.main = [world.event(number, f"new-{number}") for number in range(count)]
    world.mailbox.found = {
        world.marker(number): [world.own(number, f"new-{number}")] for number in range(count)
    }
    await world.sweep(*range(5))
    assert len(world.hints) == MOST_PROVEN
    assert world.mailbox.calls.count("find") == MOST_PROVEN
    assert world.second == []


async def test_an_event_that_was_moved_far_away_is_there() -> None:
    """Out of the time that is listed; a search finds it, and it is looked at."""
    world = World(10)
    world.delete(3)
    world.mailbox.found = {world.marker(3): [world.own(3, "E3")]}
    await world.sweep(3)
    assert world.hints == {booking_id(3): UNKNOWN}


async def test_what_a_dispatcher_is_asked_about_is_not_asked_again() -> None:
    """Nor does it count for the guard; when the event comes back it is looked at."""
    world = World(10)
    asked = OutlookSide(proposal=Proposal(ProposalKind.CANCEL))
    for number in range(5):
        world.book(number, asked)
    world.delete(0, 1, 2, 3, 5)
    await world.sweep(5)
    assert world.hints == {booking_id(4): UNKNOWN, booking_id(5): CONFIRMED}


@pytest.mark.parametrize("side", ["rows", "events"])
async def test_half_a_list_concludes_nothing(side: str) -> None:
    """Neither side may be cut short."""
    world = World(10)
    world.delete(3)
    if side == "rows":
        world.rows.faults.after["list"] = [TransientError("a page failed")]
    else:
        world.mailbox.fails = TransientError("a page failed")
    assert await world.sweep(3) is OutcomeKind.DEFERRED
    assert (world.hints, world.second) == ({}, [])


async def test_a_mailbox_that_can_t_be_read_is_no_deletion() -> None:
    """Gone, unlicensed or out of scope: nothing is concluded, and nothing is dead-lettered."""
    world = World(10)
    world.mailbox.fails = PermanentError("no mailbox")
    assert await world.sweep(3) is OutcomeKind.SKIPPED
    assert world.hints == {}


async def test_a_queue_that_is_down_keeps_the_sweep() -> None:
    """It is delivered again."""
    world = World(10)
    world.delete(3)
    world.queue.down = True
    with pytest.raises(TransientError):
        await world.sweep()


async def test_a_subscription_that_asks_for_it_is_renewed_and_nothing_swept() -> None:
    """Nothing was missed yet; one that is gone is made anew, and what was missed is found."""
    world = World(10)
    world.mailbox.main[2] = world.event(2, hours=1)
    held = world.watch.graph.put(ANNA, "https://x", world.watch.time + timedelta(hours=1))
    renew = replace(SWEEP, lifecycle=Lifecycle.RENEW, subscription_id=held)
    await world.sweep(sweep=renew)
    assert (world.watch.graph.calls["renew"], world.mailbox.calls, world.hints) == (1, [], {})
    world.watch.graph.held.clear()
    await world.sweep(sweep=renew)
    assert world.watch.graph.mailboxes() == {ANNA: 1}
    assert world.hints == {booking_id(2): UNKNOWN}


async def test_a_subscription_that_graph_ended_is_made_anew() -> None:
    """And the gap is swept, also where the mailbox takes none any more."""
    world = World(10)
    world.mailbox.main[2] = world.event(2, hours=1)
    removed = replace(SWEEP, lifecycle=Lifecycle.REMOVED, subscription_id=booking_id(1))
    await world.sweep(sweep=removed)
    assert world.watch.graph.mailboxes() == {ANNA: 1}
    assert world.hints == {booking_id(2): UNKNOWN}
    world.watch.graph.fails[ANNA] = PermanentError("takes none")
    world.queue.sent.clear()
    await world.sweep(sweep=removed)
    assert world.hints == {booking_id(2): UNKNOWN}
    world.watch.graph.fails[ANNA] = TransientError("later")
    assert await world.sweep(sweep=removed) is OutcomeKind.DEFERRED
