"""Batching costs nothing in delivery guarantees."""

from __future__ import annotations

import asyncio

import pytest

from booking_sync.domain.outcome import Outcome, OutcomeKind
from booking_sync.sync.booking.per_booking import PerBookingRunner
from booking_sync.sync.booking.task import SyncTask

DONE = Outcome(OutcomeKind.SYNCED)


class Work:
    """Records the tasks it is given and ends them when told."""

    def __init__(self) -> None:
        self.tasks: list[SyncTask] = []
        self.gate = asyncio.Event()
        self.error: Exception | None = None
        self.busy: set[str] = set()

    async def __call__(self, task: SyncTask) -> Outcome:
        """Work on a task; the same booking twice at once is a fault of the runner."""
        assert task.booking_id not in self.busy
        self.busy.add(task.booking_id)
        self.tasks.append(task)
        await self.gate.wait()
        self.busy.discard(task.booking_id)
        if self.error:
            raise self.error
        return DONE


async def _settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_messages_of_one_booking_become_one_task() -> None:
    """Several hints of the same booking cost one piece of work and each get its outcome."""
    work = Work()
    work.gate.set()
    runner = PerBookingRunner(work, max_bookings=100, linger=0.01)
    outcomes = await asyncio.gather(
        *(runner.submit(SyncTask("b", trusted=trusted)) for trusted in (True, False, True))
    )
    assert outcomes == [DONE] * 3
    assert work.tasks == [SyncTask("b", trusted=False)]


async def test_a_full_batch_starts_without_lingering() -> None:
    """At the size limit work begins at once, however long the linger."""
    work = Work()
    work.gate.set()
    runner = PerBookingRunner(work, max_bookings=3, linger=3600)
    outcomes = await asyncio.gather(*(runner.submit(SyncTask(name)) for name in "abc"))
    assert outcomes == [DONE] * 3


async def test_tasks_wait_for_company() -> None:
    """Nothing starts before the linger is over, then everything starts together."""
    work = Work()
    runner = PerBookingRunner(work, max_bookings=100, linger=0.02)
    waiting = [asyncio.create_task(runner.submit(SyncTask(name))) for name in "ab"]
    await _settle()
    assert not work.tasks
    work.gate.set()
    await asyncio.gather(*waiting)
    assert [task.booking_id for task in work.tasks] == ["a", "b"]


async def test_a_booking_under_way_is_not_worked_on_twice_at_once() -> None:
    """A hint that comes while its booking is in work gets work of its own, afterwards."""
    work = Work()
    runner = PerBookingRunner(work, max_bookings=1, linger=0)
    first = asyncio.create_task(runner.submit(SyncTask("b")))
    await _settle()
    later = [asyncio.create_task(runner.submit(SyncTask("b"))) for _ in range(2)]
    await _settle()
    assert len(work.tasks) == 1
    work.gate.set()
    assert await asyncio.gather(first, *later) == [DONE] * 3
    assert len(work.tasks) == 2


async def test_an_unexpected_error_reaches_every_waiting_message_and_no_other() -> None:
    """A bug in one booking fails its own messages; the runner goes on."""
    work = Work()
    work.gate.set()
    work.error = RuntimeError("bug")
    runner = PerBookingRunner(work, max_bookings=100, linger=0)
    results = await asyncio.gather(*(runner.submit(SyncTask("b")) for _ in range(2)), return_exceptions=True)
    assert [type(result) for result in results] == [RuntimeError] * 2
    work.error = None
    assert await runner.submit(SyncTask("b")) == DONE


async def test_a_cancelled_message_does_not_disturb_the_others() -> None:
    """One invocation that the host gives up leaves its siblings their outcome."""
    work = Work()
    runner = PerBookingRunner(work, max_bookings=1, linger=0)
    gone, stays = (asyncio.create_task(runner.submit(SyncTask("b"))) for _ in range(2))
    await _settle()
    gone.cancel()
    work.gate.set()
    assert await stays == DONE
    with pytest.raises(asyncio.CancelledError):
        await gone


async def test_work_that_is_cancelled_cancels_the_messages_that_wait_for_it() -> None:
    """As when the process ends: none of them waits for ever, and each is delivered again."""

    async def ended(task: SyncTask) -> Outcome:
        raise asyncio.CancelledError(task.booking_id)

    runner = PerBookingRunner(ended, max_bookings=100, linger=0.01)
    waiting = [runner.submit(SyncTask("b")), runner.submit(SyncTask("b"))]
    async with asyncio.timeout(5):
        ends = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(each) for each in ends] == [asyncio.CancelledError] * 2
