"""Queueing a selection: complete, resumable, and no more than was asked for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from booking_sync.bulk.queueing import Checkpoint, Queueing, Selection
from booking_sync.domain.events.event_ref import EventRef
from booking_sync.domain.record import SyncRecord
from booking_sync.domain.return_path.missing import Missing
from booking_sync.errors import PermanentError, TransientError
from booking_sync.plumbing.patience import Patience
from booking_sync.sync.sending import Pace, PacedSender
from tests.support.bookings import ANNA, BERT, booking
from tests.support.fakes import FakeQueue, FakeRows
from tests.support.pacing import Gauge, Sleeper

if TYPE_CHECKING:
    from booking_sync.domain.record import BookingRow

FIRST = datetime(2026, 3, 2, 8, tzinfo=UTC)
WORK_ORDER = "77777777-0000-4000-8000-000000000000"


@dataclass
class Notebook:
    """Keeps checkpoints in memory."""

    saved: list[Checkpoint] = field(default_factory=list)
    cleared: bool = False

    def save(self, checkpoint: Checkpoint) -> None:
        """See the port."""
        self.saved.append(checkpoint)

    def clear(self) -> None:
        """See the port."""
        self.cleared = True


class World:
    """Seven bookings, the last three at the same time."""

    def __init__(self) -> None:
        self.rows = FakeRows()
        self.queue = FakeQueue()
        self.notebook = Notebook()
        self.sleeper = Sleeper()
        self.ids = [f"{9 - number:08}-0000-4000-8000-000000000000" for number in range(7)]
        for number, each in enumerate(self.ids):
            start = FIRST + timedelta(hours=min(number, 4))
            self.rows.put(replace(booking(each), start=start, end=start + timedelta(hours=1)))

    def queueing(self, behind: set[str] | None = None) -> Queueing:
        """The use case."""

        def is_behind(row: BookingRow) -> bool:
            return behind is None or row.booking.id in behind

        return Queueing(self.rows, is_behind, Patience(sleep=self.sleeper))

    async def run(self, checkpoint: Checkpoint | None = None, queueing: Queueing | None = None) -> Checkpoint:
        """Run it, in handfuls of two."""
        sender = PacedSender(self.queue, Gauge(0), Pace(per_second=1), sleep=self.sleeper)
        begun = checkpoint or Checkpoint("c", Selection(FIRST), FIRST)
        return await (queueing or self.queueing()).run(begun, sender, self.notebook, lambda: FIRST)

    @property
    def queued(self) -> list[str]:
        """The bookings on the queue, in order."""
        return [change.booking_id for change, _ in self.queue.sent]


async def test_every_booking_is_queued_once_in_the_order_of_its_start() -> None:
    """As an ordinary hint; and the checkpoint is forgotten in the end."""
    world = World()
    done = await world.run()
    assert sorted(world.queued) == sorted(world.ids)
    assert world.queued[:4] == world.ids[:4]
    assert not any(change.uncertain for change, _ in world.queue.sent)
    assert (done.seen, done.queued, world.notebook.cleared) == (7, 7, True)


async def test_a_list_that_fails_is_taken_up_where_it_was_left() -> None:
    """Without doubles, also among bookings that start at the same moment; each page renews the patience."""
    world = World()
    world.rows.faults.after["list"] = [TransientError("busy")] * 8
    done = await world.run()
    assert sorted(world.queued) == sorted(world.ids)
    assert done.queued == 7


async def test_a_run_that_breaks_off_is_resumed_from_its_checkpoint() -> None:
    """Nothing is lost, and what was queued is not queued again."""
    world = World()
    world.rows.faults.before["list"] = []
    world.rows.faults.after["list"] = [TransientError("busy"), TransientError("out", retry_after=9999)]
    with pytest.raises(TransientError, match="out"):
        await world.run()
    assert 0 < len(world.queued) < 7
    assert not world.notebook.cleared
    await world.run(world.notebook.saved[-1])
    assert sorted(world.queued) == sorted(world.ids)


async def test_a_list_that_gets_nowhere_is_given_up() -> None:
    """Patience counts the tries that brought nothing."""
    world = World()
    world.rows.faults.before["list"] = [TransientError("busy")] * 20
    with pytest.raises(TransientError):
        await world.run()
    assert world.rows.calls == ["list"] * 5


async def test_a_run_that_is_refused_at_once_leaves_no_checkpoint() -> None:
    """Nothing is there to go on from, and the next run may just begin."""
    world = World()
    world.rows.faults.before["list"] = [PermanentError("no such column")]
    with pytest.raises(PermanentError):
        await world.run()
    assert world.notebook.cleared


async def test_a_refusal_ends_it_at_once() -> None:
    """Nobody waits for a permission."""
    world = World()
    world.rows.faults.before["list"] = [PermanentError("no")]
    with pytest.raises(PermanentError):
        await world.run()
    assert world.sleeper.slept == []


async def test_only_those_behind_are_queued_when_only_they_are_wanted() -> None:
    """All are seen."""
    world = World()
    selection = Selection(FIRST, only_behind=True)
    done = await world.run(Checkpoint("c", selection, FIRST), world.queueing({world.ids[1], world.ids[5]}))
    assert sorted(world.queued) == sorted([world.ids[1], world.ids[5]])
    assert (done.seen, done.queued) == (7, 2)


async def test_a_count_queues_nothing() -> None:
    """It tells what a run would queue, within the selection."""
    world = World()
    world.rows.names[world.ids[2]] = {WORK_ORDER}
    selection = Selection(FIRST, FIRST + timedelta(hours=4), work_order_ids=(WORK_ORDER,))
    counted = await world.queueing().count(Checkpoint("c", selection, FIRST))
    assert (counted.queued, world.queued, world.notebook.saved) == (1, [], [])


async def test_a_row_that_can_t_be_read_is_queued_all_the_same() -> None:
    """The worker tells people on the row."""
    world = World()
    world.rows.unreadable[world.ids[3]] = "hidden"
    done = await world.run()
    assert sorted(world.queued) == sorted(world.ids)
    assert done.queued == 7


async def test_mistrusting_hints_say_where_to_look() -> None:
    """Nothing recorded is believed, nothing missing is a wish, and the right mailboxes are searched."""
    world = World()
    moved, unreadable = world.ids[1], world.ids[3]
    former = SyncRecord(EventRef(BERT, "E1"), 1, "of another time")
    world.rows.rows[moved] = replace(world.rows.rows[moved], record=former)
    world.rows.unreadable[unreadable] = "hidden"
    await world.run(Checkpoint("c", Selection(FIRST, mistrusted=True), FIRST))
    hints = {change.booking_id: change for change, _ in world.queue.sent}
    assert hints.keys() == set(world.ids)
    assert {(hint.uncertain, hint.missing) for hint in hints.values()} == {(True, Missing.ORDERED)}
    assert hints[moved].suspects == {ANNA, BERT}
    assert hints[unreadable].suspects == frozenset()
    assert {hints[each].suspects for each in world.ids if each not in (moved, unreadable)} == {
        frozenset({ANNA})
    }


async def test_rows_that_can_t_be_read_are_queued_once_though_the_list_fails() -> None:
    """They have no start to go on from, and are remembered only as long as they may be listed again."""
    world = World()
    for each in world.ids[:2]:
        world.rows.unreadable[each] = "hidden"
    world.rows.faults.after["list"] = [TransientError("busy")] * 3
    done = await world.run()
    assert sorted(world.queued) == sorted(world.ids)
    assert (done.seen, done.queued) == (7, 7)
