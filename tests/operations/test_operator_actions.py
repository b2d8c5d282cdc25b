"""What an operator actions is carried out once, and nothing gets lost on the way."""

from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta

from booking_sync.domain.change import BookingChange, RelatedChange, encode_change, encode_related
from booking_sync.domain.event import EventRef
from booking_sync.domain.watched import RelatedTable
from booking_sync.errors import TransientError
from booking_sync.operations.operator_actions import HIDDEN_SECONDS, OperatorActions
from tests.operations.kit import START, FakePoison, HandClock
from tests.support.bookings import ANNA, BOOKING_ID
from tests.support.fakes import FakeQueue

LONG_AGO = START - timedelta(days=9)
CHANGE = BookingChange(
    BOOKING_ID,
    "correlation-1",
    LONG_AGO,
    deleted=True,
    event=EventRef(ANNA, "AAMkAD=="),
    attempt=7,
    suspects=frozenset({ANNA}),
)
TEXT = encode_change(CHANGE)


class Bench:
    """OperatorActions on a poison queue and a change queue in memory."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.poison = FakePoison(self.clock)
        self.queue = FakeQueue()
        ids = itertools.count(1)
        self.actions = OperatorActions(self.poison, self.queue, self.clock, lambda: str(next(ids)))

    @property
    def sent(self) -> list[BookingChange]:
        """What lies on the change queue."""
        return [change for change, _ in self.queue.sent]


async def test_a_letter_goes_back_with_its_full_time_and_untrusted() -> None:
    """A replay keeps what the change says of the past, and begins its age and its tries anew."""
    bench = Bench()
    bench.poison.lay(TEXT)
    done = await bench.actions.replay(None)
    (change,) = bench.sent
    assert (change.first_seen, change.attempt, change.uncertain) == (START, 0, True)
    assert (change.event, change.suspects, change.deleted) == (CHANGE.event, CHANGE.suspects, True)
    assert change.correlation_id == "correlation-1"
    assert (done.replayed, done.problem, bench.poison.texts) == (1, "", {})


async def test_a_change_of_another_row_goes_back_too() -> None:
    """A work order whose change was given up spreads to its bookings again, from where it stopped."""
    bench = Bench()
    related = RelatedChange(RelatedTable.WORK_ORDER, BOOKING_ID, "c", LONG_AGO, attempt=3, starts_from=START)
    bench.poison.lay(encode_related(related))
    await bench.actions.replay(None)
    ((change, _),) = bench.queue.related
    assert (change.first_seen, change.attempt, change.starts_from) == (START, 0, START)


async def test_a_bare_message_of_the_host_goes_back() -> None:
    """What the host gave up itself lies there without a reason, and is a change all the same."""
    bench = Bench()
    bench.poison.texts["bare"] = TEXT
    await bench.actions.replay(None)
    assert [change.booking_id for change in bench.sent] == [BOOKING_ID]


async def test_one_letter_of_many_goes_back_and_the_others_stay_visible() -> None:
    """Whoever tries one again sees the others at once as before, wherever in the queue it lay."""
    bench = Bench()
    bench.poison.page = 2
    ids = [bench.poison.lay(TEXT) for _ in range(5)]
    done = await bench.actions.replay(frozenset({ids[3]}))
    assert (done.replayed, len(bench.sent)) == (1, 1)
    assert bench.poison.visible() == [*ids[:3], ids[4]]


async def test_a_double_click_replays_once() -> None:
    """Two actions at the same moment share what lies there; no letter goes back twice."""
    bench = Bench()
    for _ in range(40):
        bench.poison.lay(TEXT)
    results = await asyncio.gather(*(bench.actions.replay(None) for _ in range(3)))
    assert sum(done.replayed for done in results) == 40
    assert len(bench.sent) == 40
    assert bench.poison.texts == {}


async def test_a_letter_that_is_gone_is_no_error() -> None:
    """Somebody else was faster: nothing happens."""
    done = await Bench().actions.replay(frozenset({"gone"}))
    assert (done.replayed, done.unreadable, done.problem) == (0, 0, "")


async def test_what_is_not_ours_stays_where_it_is() -> None:
    """A message that nobody can read is counted, and shows again at once."""
    bench = Bench()
    ids = [bench.poison.lay("no JSON"), bench.poison.lay('{"version": 99}')]
    done = await bench.actions.replay(None)
    assert (done.replayed, done.unreadable) == (0, 2)
    assert (bench.sent, bench.poison.visible()) == ([], ids)


async def test_a_queue_that_is_down_loses_no_letter() -> None:
    """Nothing is deleted that was not sent; the letters show again at once, and the order says why."""
    bench = Bench()
    ids = [bench.poison.lay(TEXT) for _ in range(3)]
    bench.queue.down = True
    done = await bench.actions.replay(None)
    assert (done.replayed, done.problem) == (0, "the queue can't be reached")
    assert bench.poison.visible() == ids


async def test_a_crash_between_sending_and_deleting_leaves_both() -> None:
    """Sent first, deleted then: what can't be deleted shows again later, and a second hint does no harm."""
    bench = Bench()
    letter = bench.poison.lay(TEXT)
    bench.poison.broken_delete = TransientError("the storage queue did not answer in time")
    done = await bench.actions.replay(None)
    assert (len(bench.sent), done.replayed, done.problem) == (
        *(1, 1),
        "the storage queue did not answer in time",
    )
    assert bench.poison.visible() == []
    bench.clock.advance(HIDDEN_SECONDS)
    assert bench.poison.visible() == [letter]


async def test_a_poison_queue_that_is_down_is_told() -> None:
    """The order says that it was not carried out."""
    bench = Bench()
    bench.poison.broken = TransientError("the storage queue can't be reached")
    assert (await bench.actions.replay(None)).problem == "the storage queue can't be reached"


async def test_a_resync_believes_no_record() -> None:
    """Bookings that are synced again are written whatever their rows say, under one correlation id."""
    bench = Bench()
    correlation_id = await bench.actions.resync([BOOKING_ID, ANNA])
    assert bench.sent == [
        BookingChange(each, correlation_id, START, uncertain=True) for each in (BOOKING_ID, ANNA)
    ]
    assert correlation_id == "resync-1"
