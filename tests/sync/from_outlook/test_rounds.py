"""Every mailbox's turn to be swept."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from booking_sync.errors import TransientError
from booking_sync.sync.from_outlook.rounds import EVERY, SHARES, SPREAD_SECONDS, SweepRounds
from tests.support.fakes import FakeQueue

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
MAILBOXES = frozenset(f"a0000000-0000-4000-8000-{number:012}" for number in range(1_000))


class World:
    """Rounds by a clock that is set by hand."""

    def __init__(self, *, reported: bool) -> None:
        self.time = NOW
        self.queue = FakeQueue()
        self.rounds = SweepRounds(
            self._mailboxes, self.queue, reported=reported, now=lambda: self.time, new_id=lambda: "1"
        )

    async def _mailboxes(self) -> frozenset[str]:
        return MAILBOXES

    def swept(self) -> list[str]:
        """Mailboxes of the sweeps that were queued since the last call."""
        found = [each.mailbox for each, _ in self.queue.outlook]
        self.queue.outlook.clear()
        return found


async def test_without_reports_each_run_sweeps_all_spread_over_the_time() -> None:
    """None comes after the next run."""
    world = World(reported=False)
    assert await world.rounds.run() == len(MAILBOXES)
    delays = [delay for _, delay in world.queue.outlook]
    assert max(delays) <= SPREAD_SECONDS < EVERY.total_seconds()
    assert len({round(delay) for delay in delays}) > 400
    assert set(world.swept()) == MAILBOXES


async def test_with_reports_all_are_swept_within_six_hours() -> None:
    """Each once, in the same run of every process, wherever it begins."""
    world = World(reported=True)
    swept: list[str] = []
    for turn in range(SHARES):
        world.time = NOW + EVERY * (turn + 5)
        await world.rounds.run()
        found = world.swept()
        assert len(found) < len(MAILBOXES) / SHARES * 2
        swept += found
    assert sorted(swept) == sorted(MAILBOXES)


async def test_a_queue_that_is_down_fails_the_run() -> None:
    """The next one does it again."""
    world = World(reported=False)
    world.queue.down = True
    with pytest.raises(TransientError):
        await world.rounds.run()
