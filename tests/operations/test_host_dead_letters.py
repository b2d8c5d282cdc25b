"""Dead letters of the Functions host are taken over, so that a poison queue never empties itself."""

from __future__ import annotations

from datetime import timedelta

import pytest

from booking_sync.domain.messages.change import BookingChange, encode_change
from booking_sync.errors import TransientError
from booking_sync.operations.dead_letters import DeadLetter, read_dead_letter
from booking_sync.operations.host_dead_letters import (
    HIDDEN_SECONDS,
    MAX_ROUNDS,
    take_over_host_dead_letters,
)
from booking_sync.operations.operator_actions import OperatorActions
from tests.operations.kit import START, FakePoison, HandClock
from tests.support.fakes import FakeQueue

CHANGE = BookingChange("5b3f8f0e-1111-4222-8333-444455556666", "correlation-1", START)
WEEK = timedelta(days=7)


@pytest.fixture
def clock() -> HandClock:
    """The time of day."""
    return HandClock()


@pytest.fixture
def poison(clock: HandClock) -> FakePoison:
    """An empty poison queue."""
    return FakePoison(clock)


async def letters(poison: FakePoison) -> list[DeadLetter]:
    """What lies there for everybody to see."""
    return [read_dead_letter(each) for each in await poison.peek()]


async def test_a_message_of_the_host_survives_its_week(poison: FakePoison, clock: HandClock) -> None:
    """After eight days it is still there, readable, and says in words who gave it up and when."""
    poison.lay_as_host(encode_change(CHANGE))
    (before,) = await letters(poison)
    assert (before.came, before.expires) == (START, START + WEEK)
    clock.advance(240)
    assert (await take_over_host_dead_letters(poison, clock)).kept == 1
    clock.advance(8 * 86400)
    (letter,) = await letters(poison)
    assert letter.change == CHANGE
    assert letter.expires is None
    assert letter.dead_lettered_at == START.isoformat()
    assert letter.reason == (
        "The host gave up after five deliveries that ended without an answer: see the log for crashes around "
        f"{START:%Y-%m-%d %H:%M} UTC."
    )


async def test_without_that_it_would_be_gone(poison: FakePoison, clock: HandClock) -> None:
    """The queue that these tests run on forgets as Storage does."""
    poison.lay_as_host(encode_change(CHANGE))
    clock.advance(8 * 86400)
    assert await letters(poison) == []


async def test_a_body_that_is_no_base64_is_told_so(poison: FakePoison, clock: HandClock) -> None:
    """Nobody looks for crashes because of a message that somebody else wrote; its text is kept."""
    poison.lay_as_host("hello?", is_base64=False)
    await take_over_host_dead_letters(poison, clock)
    (letter,) = await letters(poison)
    assert letter.reason == "Not Base64: not written by this app."
    assert letter.change is None
    assert '"message": "hello?"' in next(iter(poison.texts.values()))


async def test_a_letter_that_a_tool_sent_again_keeps_its_reason(poison: FakePoison, clock: HandClock) -> None:
    """The portal lets messages expire by default; what the app wrote about one is not replaced."""
    poison.lay_as_host(poison.texts.pop(poison.lay(encode_change(CHANGE), "No mailbox.")))
    clock.advance(240)
    await take_over_host_dead_letters(poison, clock)
    (letter,) = await letters(poison)
    assert (letter.reason, letter.dead_lettered_at) == ("No mailbox.", START.isoformat())
    assert (letter.change, letter.expires) == (CHANGE, None)


async def test_our_own_are_left_and_not_even_hidden(poison: FakePoison, clock: HandClock) -> None:
    """A run that finds nothing of the host's takes nothing, so no operator misses a message meanwhile."""
    own = poison.lay("{}")
    assert (await take_over_host_dead_letters(poison, clock)).kept == 0
    assert poison.takes == 0
    poison.lay_as_host("{}")
    assert (await take_over_host_dead_letters(poison, clock)).kept == 1
    assert own in poison.visible()
    assert len(poison.texts) == len(poison.visible()) == 2


async def test_what_somebody_is_replaying_is_left(poison: FakePoison, clock: HandClock) -> None:
    """A message that is hidden is in somebody's hands; it is taken over once it shows again."""
    poison.lay_as_host("{}")
    await poison.take(300)
    assert (await take_over_host_dead_letters(poison, clock)).kept == 0
    clock.advance(301)
    assert (await take_over_host_dead_letters(poison, clock)).kept == 1


async def test_a_run_does_a_bounded_part(poison: FakePoison, clock: HandClock) -> None:
    """A flood is taken over by several runs; none is lost or doubled."""
    count = MAX_ROUNDS * 32 + 5
    for number in range(count):
        poison.lay_as_host(f'{{"number": {number}}}')
    await take_over_host_dead_letters(poison, clock)
    assert 0 < len(poison.expires.keys() & poison.texts.keys()) < count
    for _ in range(3):
        await take_over_host_dead_letters(poison, clock)
    assert not poison.expires.keys() & poison.texts.keys()
    assert len(poison.texts) == count


class ProcessEnd(BaseException):
    """Ends the process between two requests."""


@pytest.mark.parametrize("end", [ProcessEnd(), TransientError("Storage is busy")], ids=["crash", "failure"])
async def test_what_ends_between_put_and_delete_doubles_one_letter_harmlessly(
    poison: FakePoison, clock: HandClock, end: BaseException
) -> None:
    """Both are shown, the next run takes the old one over, and replaying all loses nothing."""
    poison.lay_as_host(encode_change(CHANGE))
    poison.lay_as_host(encode_change(CHANGE))
    poison.broken_delete = end
    if isinstance(end, ProcessEnd):
        with pytest.raises(ProcessEnd):
            await take_over_host_dead_letters(poison, clock)
    else:
        assert (await take_over_host_dead_letters(poison, clock)).problem == "Storage is busy"
    assert len(poison.texts) == 3, "a run doubles no more than one"
    poison.broken_delete = None
    clock.advance(HIDDEN_SECONDS + 1)
    assert (await take_over_host_dead_letters(poison, clock)).kept == 2
    queue = FakeQueue()
    replayed = await OperatorActions(poison, queue, clock, lambda: "id").replay(None)
    assert replayed.replayed == len(queue.sent) == 3
    assert {(change.booking_id, change.uncertain) for change, _ in queue.sent} == {(CHANGE.booking_id, True)}
    assert poison.texts == {}


async def test_storage_that_fails_ends_the_run_quietly(poison: FakePoison, clock: HandClock) -> None:
    """The catch-up has done its own work; there are days for the next try."""
    poison.lay_as_host("{}")
    poison.broken = TransientError("Storage is busy")
    assert (await take_over_host_dead_letters(poison, clock)).problem == "Storage is busy"
    poison.broken = None
    assert (await take_over_host_dead_letters(poison, clock)).kept == 1
