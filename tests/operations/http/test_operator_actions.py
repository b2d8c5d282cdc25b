"""What an operator actions is carried out once, and nothing gets lost on the way."""

from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta

from booking_sync.domain.environment.watched import RelatedTable
from booking_sync.domain.events.event_ref import EventClaim, EventRef
from booking_sync.domain.messages.change import BookingChange, RelatedChange, encode_change, encode_related
from booking_sync.domain.return_path.missing import Missing
from booking_sync.errors import TransientError
from booking_sync.operations.operator_actions import CLOCKS_APART, HIDDEN_SECONDS, OperatorActions
from tests.operations.kit import START, FakePoison, HandClock
from tests.support.bookings import ANNA, BOOKING_ID
from tests.support.fakes import FakeQueue

LONG_AGO = START - timedelta(days=9)
CHANGE = BookingChange(
    BOOKING_ID,
    "correlation-1",
    LONG_AGO,
    deleted=True,
    event=EventClaim(EventRef(ANNA, "AAMkAD==")),
    attempt=7,
    suspects=frozenset({ANNA}),
)
TEXT = encode_change(CHANGE)


class Harness:
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


async def test_a_dead_letter_goes_back_with_its_full_time_and_untrusted() -> None:
    """A replay keeps what the change says of the past, and begins its age and its tries anew."""
    harness = Harness()
    harness.poison.lay(TEXT)
    done = await harness.actions.replay(None)
    (change,) = harness.sent
    assert (change.first_seen, change.attempt, change.waited, change.uncertain) == (START, 0, 0.0, True)
    assert (change.event, change.suspects, change.deleted) == (CHANGE.event, CHANGE.suspects, True)
    assert change.correlation_id.startswith("replay-")
    assert (done.replayed, done.problem, harness.poison.texts) == (1, "", {})


async def test_what_fails_again_while_all_is_replayed_is_left_where_it_came_back() -> None:
    """Under another id: the same order would send it again and again, and a drop delete what nobody saw."""
    harness = Harness()
    harness.poison.lay(TEXT)
    since = harness.clock()
    await harness.actions.replay(None, since)
    harness.clock.advance(CLOCKS_APART.total_seconds() + 1)
    harness.poison.lay(TEXT)
    assert (await harness.actions.replay(None, since)).replayed == 0
    assert (await harness.actions.drop(None, since)).ids == set()
    assert len(harness.poison.texts) == 1
    assert (await harness.actions.replay(None)).replayed == 1


async def test_a_change_of_another_row_goes_back_too() -> None:
    """A work order whose change was given up spreads to its bookings again, from where it stopped."""
    harness = Harness()
    related = RelatedChange(
        RelatedTable.WORK_ORDER, BOOKING_ID, "c", LONG_AGO, attempt=3, waited=9e4, starts_from=START
    )
    harness.poison.lay(encode_related(related))
    await harness.actions.replay(None)
    ((change, _),) = harness.queue.related
    assert (change.first_seen, change.attempt, change.waited, change.starts_from) == (START, 0, 0.0, START)


async def test_a_bare_message_of_the_host_goes_back() -> None:
    """What the host gave up itself lies there without a reason, and is a change all the same."""
    harness = Harness()
    harness.poison.texts["bare"] = TEXT
    await harness.actions.replay(None)
    assert [change.booking_id for change in harness.sent] == [BOOKING_ID]


async def test_one_dead_letter_of_many_goes_back_and_the_others_stay_visible() -> None:
    """Whoever tries one again sees the others at once as before, wherever in the queue it lay."""
    harness = Harness()
    harness.poison.page = 2
    ids = [harness.poison.lay(TEXT) for _ in range(5)]
    done = await harness.actions.replay(frozenset({ids[3]}))
    assert (done.replayed, len(harness.sent)) == (1, 1)
    assert harness.poison.visible() == [*ids[:3], ids[4]]


async def test_a_double_click_replays_once() -> None:
    """Two actions at the same moment share what lies there; no message goes back twice."""
    harness = Harness()
    for _ in range(40):
        harness.poison.lay(TEXT)
    results = await asyncio.gather(*(harness.actions.replay(None) for _ in range(3)))
    assert sum(done.replayed for done in results) == 40
    assert len(harness.sent) == 40
    assert harness.poison.texts == {}


async def test_a_dead_letter_that_is_gone_is_no_error() -> None:
    """Somebody else was faster: nothing happens."""
    done = await Harness().actions.replay(frozenset({"gone"}))
    assert (done.replayed, done.unreadable, done.problem) == (0, 0, "")


async def test_what_is_not_ours_stays_where_it_is() -> None:
    """A message that nobody can read is counted, and shows again at once."""
    harness = Harness()
    ids = [harness.poison.lay("no JSON"), harness.poison.lay('{"version": 99}')]
    done = await harness.actions.replay(None)
    assert (done.replayed, done.unreadable) == (0, 2)
    assert (harness.sent, harness.poison.visible()) == ([], ids)


async def test_a_queue_that_is_down_loses_no_message() -> None:
    """Nothing is deleted that was not sent; the messages are visible again, and the result says why."""
    harness = Harness()
    ids = [harness.poison.lay(TEXT) for _ in range(3)]
    harness.queue.down = True
    done = await harness.actions.replay(None)
    assert (done.replayed, done.problem) == (0, "the queue can't be reached")
    assert harness.poison.visible() == ids


async def test_a_crash_between_sending_and_deleting_leaves_both() -> None:
    """Sent first, deleted then: what can't be deleted shows again later, and a second hint does no harm."""
    harness = Harness()
    letter = harness.poison.lay(TEXT)
    harness.poison.broken_delete = TransientError("the storage queue did not answer in time")
    done = await harness.actions.replay(None)
    assert (len(harness.sent), done.replayed, done.problem) == (
        *(1, 1),
        "the storage queue did not answer in time",
    )
    assert harness.poison.visible() == []
    harness.clock.advance(HIDDEN_SECONDS)
    assert harness.poison.visible() == [letter]


async def test_a_poison_queue_that_is_down_is_told() -> None:
    """The result says that nothing was done."""
    harness = Harness()
    harness.poison.broken = TransientError("the storage queue can't be reached")
    assert (await harness.actions.replay(None)).problem == "the storage queue can't be reached"


async def test_a_resync_believes_no_record() -> None:
    """Bookings that are synced again are written whatever their rows say, and made anew if they are gone."""
    harness = Harness()
    correlation_id = await harness.actions.resync([BOOKING_ID, ANNA])
    assert harness.sent == [
        BookingChange(each, correlation_id, START, uncertain=True, missing=Missing.ORDERED)
        for each in (BOOKING_ID, ANNA)
    ]
    assert correlation_id == "resync-1"
