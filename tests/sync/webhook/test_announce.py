"""Announcements of a row that keeps changing: few, and none lost."""

from __future__ import annotations

import asyncio

import pytest

from booking_sync.errors import TransientError
from booking_sync.sync.webhook.announce import MARGIN_SECONDS, SETTLE_SECONDS, SPACING_SECONDS, Coalescer


class AnnounceWorld:
    """A coalescer with a clock set by hand, and a queue that can fail or be slow."""

    def __init__(self) -> None:
        self.time = 100.0
        self.visible_at: list[float] = []
        """When each announcement that was sent becomes visible."""
        self.fails = False
        self.gate = asyncio.Event()
        self.gate.set()
        self.coalescer = Coalescer(lambda: self.time)

    async def announce(self, key: str = "row") -> bool:
        """Announce a row now."""
        return await self.coalescer.announce(key, self._send)

    async def _send(self, delay: float) -> None:
        asked = self.time
        await self.gate.wait()
        if self.fails:
            raise TransientError("the queue can't be reached")
        self.visible_at.append(asked + delay)


async def test_a_first_announcement_is_hidden_for_a_moment() -> None:
    """A row that changes once is looked at a few seconds later."""
    world = AnnounceWorld()
    assert await world.announce()
    assert world.visible_at == [100.0 + SETTLE_SECONDS]


async def test_ten_changes_in_a_minute_are_three_announcements() -> None:
    """A row that changes every six seconds is announced at intervals, the last time after its last change."""
    world = AnnounceWorld()
    for number in range(10):
        world.time = 100.0 + 6 * number
        await world.announce()
    first = 100.0 + SETTLE_SECONDS
    assert world.visible_at == [first, first + SPACING_SECONDS, first + 2 * SPACING_SECONDS]
    assert world.visible_at[-1] > world.time


async def test_every_change_is_followed_by_an_announcement() -> None:
    """Whatever the pace, something stored becomes visible after each change."""
    for pace in (0.1, 0.7, 2.0, 2.5, 3.0, 29.0, 31.0, 34.0, 100.0):
        world = AnnounceWorld()
        for _ in range(40):
            await world.announce()
            assert world.visible_at[-1] > world.time + MARGIN_SECONDS - 0.001
            world.time += pace


async def test_one_about_to_be_visible_covers_nothing() -> None:
    """The queue's clock may be a little ahead, so the last second of hiding does not count."""
    world = AnnounceWorld()
    await world.announce()
    world.time += SETTLE_SECONDS - MARGIN_SECONDS
    assert await world.announce()


async def test_rows_do_not_cover_each_other() -> None:
    """Joining is by row."""
    world = AnnounceWorld()
    assert [await world.announce(key) for key in ("a", "b", "a", "b")] == [True, True, False, False]


async def test_changes_at_the_same_moment_share_one_sending() -> None:
    """A save that is told twice at once is one message; neither caller is answered before it is stored."""
    world = AnnounceWorld()
    world.gate.clear()
    callers = [asyncio.create_task(world.announce()) for _ in range(3)]
    await asyncio.sleep(0)
    assert not any(caller.done() for caller in callers)
    world.gate.set()
    assert sorted(await asyncio.gather(*callers)) == [False, False, True]
    assert len(world.visible_at) == 1


async def test_a_sending_that_fails_fails_all_who_relied_on_it_and_covers_nobody_after() -> None:
    """Nothing is taken for queued that is not; the next change tries again."""
    world = AnnounceWorld()
    world.gate.clear()
    world.fails = True
    callers = [asyncio.create_task(world.announce()) for _ in range(2)]
    await asyncio.sleep(0)
    world.gate.set()
    found = await asyncio.gather(*callers, return_exceptions=True)
    assert [type(each) for each in found] == [TransientError, TransientError]
    world.fails = False
    assert await world.announce()
    assert len(world.visible_at) == 1


async def test_a_caller_that_goes_away_takes_no_message_from_others() -> None:
    """A client that hangs up does not stop a sending that somebody else relies on."""
    world = AnnounceWorld()
    world.gate.clear()
    first, second = (asyncio.create_task(world.announce()) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    world.gate.set()
    assert await second is False
    assert len(world.visible_at) == 1
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_rows_that_rest_are_forgotten() -> None:
    """A thousand rows that changed once leave nothing behind, and count as unchanged again."""
    world = AnnounceWorld()
    for number in range(1000):
        await world.announce(str(number))
    world.time += SETTLE_SECONDS + SPACING_SECONDS
    await world.announce("0")
    assert world.visible_at[-1] == world.time + SETTLE_SECONDS
    assert len(world.coalescer) == 1
