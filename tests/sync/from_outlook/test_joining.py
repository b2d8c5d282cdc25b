"""Notifications of one event that come together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from booking_sync.domain.return_path.version import version_of
from booking_sync.errors import TransientError
from booking_sync.sync.from_outlook.joining import EventJoiner, EventNews
from booking_sync.sync.webhook.announce import MARGIN_SECONDS, SETTLE_SECONDS
from tests.support.bookings import ANNA, BERT


class World:
    """A joiner, a clock that is set by hand, and what was sent."""

    def __init__(self) -> None:
        self.time = 0.0
        self.sent: list[tuple[list[str], float]] = []
        self.news: list[EventNews] = []
        self.fails = False
        self.gate: asyncio.Event | None = None
        self.joiner = EventJoiner(lambda: self.time)

    async def send(self, news: Sequence[EventNews], delay: float) -> None:
        """Note what is sent."""
        if self.gate:
            await self.gate.wait()
        if self.fails:
            raise TransientError("the queue can't be reached")
        self.sent.append(([each.event_id for each in news], delay))
        self.news += news

    async def announce(self, *event_ids: str, mailbox: str = ANNA) -> int:
        """Events are notified."""
        return await self.tell(*(EventNews(each) for each in event_ids), mailbox=mailbox)

    async def tell(self, *news: EventNews, mailbox: str = ANNA) -> int:
        """The same, with all that was notified."""
        return await self.joiner.announce(mailbox, news, self.send)


async def test_an_event_that_lies_hidden_is_not_sent_again() -> None:
    """Until it may be read any moment; then a change might come too late for it."""
    world = World()
    assert await world.announce("E1", "E2") == 2
    world.time = SETTLE_SECONDS - MARGIN_SECONDS - 0.1
    assert await world.announce("E2", "E3") == 1
    world.time = SETTLE_SECONDS - MARGIN_SECONDS
    assert await world.announce("E2") == 1
    assert [ids for ids, _ in world.sent] == [["E1", "E2"], ["E3"], ["E2"]]
    assert {delay for _, delay in world.sent} == {SETTLE_SECONDS}


async def test_mailboxes_have_events_of_their_own() -> None:
    """And ids that differ in case are other events."""
    world = World()
    assert await world.announce("E1") == 1
    assert await world.announce("e1") == 1
    assert await world.announce("E1", mailbox=BERT) == 1


async def test_whoever_joins_waits_until_it_is_stored() -> None:
    """A notification is acknowledged only when what covers it is on the queue."""
    world = World()
    world.gate = asyncio.Event()
    first, second = (asyncio.ensure_future(world.announce("E1")) for _ in range(2))
    await asyncio.sleep(0)
    assert not first.done()
    assert not second.done()
    world.gate.set()
    assert [await first, await second] == [1, 0]
    assert len(world.sent) == 1


async def test_what_could_not_be_stored_covers_nothing() -> None:
    """Whoever joined is told, and the next one tries again."""
    world = World()
    world.fails = True
    for ended in await asyncio.gather(world.announce("E1"), world.announce("E1"), return_exceptions=True):
        assert isinstance(ended, TransientError)
    world.fails = False
    assert await world.announce("E1") == 1


async def test_a_caller_that_goes_away_takes_the_message_from_nobody() -> None:
    """The sending goes on."""
    world = World()
    world.gate = asyncio.Event()
    first = asyncio.ensure_future(world.announce("E1"))
    await asyncio.sleep(0)
    second = asyncio.ensure_future(world.announce("E1"))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    world.gate.set()
    assert await second == 0
    assert len(world.sent) == 1


async def test_what_is_over_is_forgotten() -> None:
    """The memory is as long as the hiding."""
    world = World()
    for second in range(1000):
        world.time = float(second)
        await world.announce(f"E{second}")
        assert len(world.joiner) <= SETTLE_SECONDS


V1, V2, V3 = (EventNews("E1", versions=frozenset({version_of(each)})) for each in "123")


async def test_a_version_is_covered_by_itself_and_by_whatever_there_is() -> None:
    """Whoever looks at whatever there is sees every version of before."""
    world = World()
    assert [await world.tell(each) for each in (V1, V1)] == [1, 0]
    other = World()
    assert [await other.tell(each) for each in (EventNews("E1"), V1, V2)] == [1, 0, 0]


async def test_a_second_version_is_a_look_that_covers_all_others() -> None:
    """A message about the first may end without a look, and then nobody would see the second."""
    world = World()
    assert [await world.tell(each) for each in (V1, V2, V3, V2)] == [1, 1, 0, 0]
    assert world.news == [V1, EventNews("E1")]


async def test_that_an_event_is_gone_is_news_beside_every_version() -> None:
    """And what was changed before is not covered by it."""
    world = World()
    gone = EventNews("E1", deleted=True)
    assert [await world.tell(each) for each in (V1, gone, gone, V1)] == [1, 1, 0, 0]
    other = World()
    assert [await other.tell(each) for each in (gone, V1)] == [1, 1]
    assert other.news == [gone, V1]
