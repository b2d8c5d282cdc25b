"""Which requests travel together, and when none may."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from booking_sync.errors import TransientError
from booking_sync.outlook.graph import errors
from booking_sync.outlook.graph.scheduler import (
    BEHIND_SECONDS,
    HOLD_SECONDS,
    SILENCE_SECONDS,
    WINDOW_SECONDS,
    BatchScheduler,
    Share,
    compose,
)
from booking_sync.outlook.graph.wire import Answer, BatchResult, GraphRequest
from local.standin.virtual_time import run_virtually
from tests.outlook.kit import NOW, get, post

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass
class RecordingSender:
    """Answers each request with its own URL, and watches what is in flight."""

    seconds: float = 1.0
    answers: dict[str, Answer] = field(default_factory=dict)
    """By mailbox, instead of success."""
    pause: float | None = None
    batches: list[list[GraphRequest]] = field(default_factory=list)
    in_flight: Counter[str] = field(default_factory=Counter)
    most_batches: int = 0
    overlaps: int = 0
    _open: int = 0

    async def send(self, requests: Sequence[GraphRequest]) -> BatchResult:
        """Take a while."""
        self.batches.append(list(requests))
        mailboxes = {request.mailbox for request in requests}
        self.overlaps += sum(self.in_flight[mailbox] > 0 for mailbox in mailboxes)
        self.in_flight.update(mailboxes)
        self._open += 1
        self.most_batches = max(self.most_batches, self._open)
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.in_flight.subtract(mailboxes)
            self._open -= 1
        if self.pause:
            return BatchResult(tuple(TransientError("busy") for _ in requests), self.pause)
        return BatchResult(tuple(self._answer(request) for request in requests))

    def _answer(self, request: GraphRequest) -> Answer:
        return self.answers.get(request.mailbox) or Answer(200, {}, (request.mailbox, request.url))


HANG_SECONDS = 100.0


class HangingSender(RecordingSender):
    """No answer comes to a batch with this mailbox in it."""

    def __init__(self, mailbox: str) -> None:
        super().__init__()
        self._mailbox = mailbox

    async def send(self, requests: Sequence[GraphRequest]) -> BatchResult:
        """Wait in vain, or take a while."""
        if self._mailbox not in {request.mailbox for request in requests}:
            return await super().send(requests)
        self.batches.append(list(requests))
        await asyncio.sleep(HANG_SECONDS)
        return BatchResult(tuple(TransientError("no answer in time") for _ in requests), silent=True)


def scheduler(sender: RecordingSender, max_in_flight: int = 16) -> BatchScheduler:
    """One with Graph's own table of pauses."""
    return BatchScheduler(
        sender.send, lambda answer: errors.mailbox_pause(answer, NOW), max_in_flight=max_in_flight
    )


def throttled(seconds: float) -> Answer:
    """A 429 that names a time."""
    return Answer(429, {"retry-after": str(seconds)}, {"error": {"code": "ApplicationThrottled"}})


async def all_of(batches: BatchScheduler, requests: Sequence[GraphRequest]) -> list[Answer | BaseException]:
    """Submit all at once."""
    return await asyncio.gather(*(batches.submit(each) for each in requests), return_exceptions=True)


def test_nothing_waiting_makes_no_batch() -> None:
    """With nothing to send there is no batch."""
    assert compose([]) == []


def test_who_waited_too_long_comes_first() -> None:
    """A small mailbox that has waited too long is served before full ones, so that none starves."""
    waiting = [("small", 1), ("full", 20)]
    assert compose(waiting) == [Share("full", 20)]
    assert compose(waiting, head_first=True) == [Share("small", 1), Share("full", 19)]


def test_a_full_mailbox_has_a_batch_to_itself() -> None:
    """A mailbox with more items than a batch holds fills it alone."""
    assert compose([("a", 45), ("b", 1)]) == [Share("a", 20)]


def test_whole_mailboxes_come_before_parts() -> None:
    """What fits as a whole travels as a whole; only the room left over is filled with a part."""
    waiting = [("a", 8), ("b", 15), ("c", 4), ("d", 9)]
    assert compose(waiting) == [Share("b", 15), Share("c", 4), Share("d", 1)]


def test_each_caller_gets_its_own_answer() -> None:
    """Answers find their callers though many share a batch."""

    async def main() -> None:
        requests = [get(f"m{number % 7}", number) for number in range(50)]
        answers = await all_of(scheduler(RecordingSender()), requests)
        assert [each.body for each in answers if isinstance(each, Answer)] == [
            (each.mailbox, each.url) for each in requests
        ]

    run_virtually(main())


@pytest.mark.parametrize("seed", [None, 1, 2, 3])
def test_a_thousand_requests_need_few_batches(seed: int | None) -> None:
    """1,000 requests for 50 mailboxes travel in 50 to 55 batches, evenly spread or not."""
    chooser = random.Random(seed)  # noqa: S311 - a spread, no secret

    def mailbox(number: int) -> str:
        return f"m{number % 50 if seed is None else chooser.randrange(50)}"

    async def main() -> RecordingSender:
        sender = RecordingSender()
        await all_of(scheduler(sender), [get(mailbox(number), number) for number in range(1000)])
        return sender

    sender = run_virtually(main())
    assert 50 <= len(sender.batches) <= 55
    assert sender.overlaps == 0
    assert sender.most_batches == 16


def test_in_a_burst_a_batch_leaves_with_eight_items() -> None:
    """40 requests for 20 mailboxes are in Outlook after one short batch, not after one of five waves."""

    async def main() -> list[int]:
        sender = RecordingSender()
        await all_of(scheduler(sender), [get(f"m{number % 20}", number) for number in range(40)])
        return [len(batch) for batch in sender.batches]

    assert run_virtually(main()) == [8] * 5


def test_in_a_burst_a_mailbox_still_travels_whole() -> None:
    """Ten requests for a mailbox are one batch; two would wait for each other."""

    async def main() -> list[int]:
        sender = RecordingSender()
        await all_of(scheduler(sender), [get(f"m{number % 3}", number) for number in range(30)])
        return [len(batch) for batch in sender.batches]

    assert run_virtually(main()) == [10, 10, 10]


def test_in_a_flood_batches_are_filled() -> None:
    """After some seconds without a break each batch takes what it can hold."""

    async def main() -> list[int]:
        sender = RecordingSender(seconds=0.7)
        batches = scheduler(sender)
        for _ in range(4):
            sender.batches.clear()
            await all_of(batches, [get(f"m{number % 20}", number) for number in range(40)])
        return [len(batch) for batch in sender.batches]

    assert run_virtually(main()) == [20, 20]


def test_what_can_wait_goes_behind_what_cannot() -> None:
    """While its mailbox is busy a tag comes first and an event second; the event leaves first, alone."""

    async def main() -> list[list[str]]:
        sender = RecordingSender()
        batches = scheduler(sender)
        first = asyncio.ensure_future(batches.submit(post("a", 1)))
        await asyncio.sleep(0.5)
        tag = replace(post("a", 2), can_wait=True)
        await asyncio.gather(first, batches.submit(tag), batches.submit(post("a", 3)))
        return [[each.url for each in batch] for batch in sender.batches]

    assert run_virtually(main()) == [[post("a", 1).url], [post("a", 3).url], [post("a", 2).url]]


def test_what_can_wait_does_so_for_a_bounded_time() -> None:
    """Beside a mailbox's requests that never end, a tag is sent after a minute."""

    async def main() -> float:
        batches = scheduler(RecordingSender(seconds=2.0))

        async def flood() -> None:
            while True:
                await all_of(batches, [post("a", number) for number in range(40)])

        floods = [asyncio.ensure_future(flood()) for _ in range(3)]
        await asyncio.sleep(1)
        loop = asyncio.get_running_loop()
        started = loop.time()
        await batches.submit(replace(post("a", 99), can_wait=True))
        for each in floods:
            each.cancel()
        await asyncio.gather(*floods, return_exceptions=True)
        return loop.time() - started

    assert BEHIND_SECONDS < run_virtually(main()) < BEHIND_SECONDS + 10


def test_a_small_mailbox_is_not_starved() -> None:
    """Beside mailboxes that keep every batch full, a single request is sent before long."""

    async def main() -> float:
        batches = scheduler(RecordingSender(seconds=2.0), max_in_flight=1)

        async def flood(mailbox: str) -> None:
            while True:
                await all_of(batches, [get(mailbox, number) for number in range(40)])

        floods = [asyncio.ensure_future(flood(f"full{number}")) for number in range(3)]
        await asyncio.sleep(1)
        loop = asyncio.get_running_loop()
        started = loop.time()
        await batches.submit(get("small"))
        for each in floods:
            each.cancel()
        await asyncio.gather(*floods, return_exceptions=True)
        return loop.time() - started

    assert run_virtually(main()) < 20


def test_disjoint_mailboxes_fly_side_by_side() -> None:
    """Full batches over different mailboxes don't wait for each other."""

    async def main() -> float:
        requests = [get(f"m{number % 4}", number) for number in range(80)]
        loop = asyncio.get_running_loop()
        started = loop.time()
        await all_of(scheduler(RecordingSender(seconds=10)), requests)
        return loop.time() - started

    assert run_virtually(main()) < 15


def test_a_later_request_waits_for_its_mailbox_only() -> None:
    """While a mailbox has a batch in flight its next request waits, and that of another mailbox does not."""

    async def main() -> RecordingSender:
        sender = RecordingSender(seconds=10)
        batches = scheduler(sender)
        first = asyncio.ensure_future(batches.submit(get("a", 1)))
        await asyncio.sleep(5)
        await asyncio.gather(first, batches.submit(get("a", 2)), batches.submit(get("b", 3)))
        return sender

    sender = run_virtually(main())
    assert [[each.mailbox for each in batch] for batch in sender.batches] == [["a"], ["b"], ["a"]]
    assert sender.overlaps == 0


@settings(max_examples=60, deadline=None)
@given(
    wishes=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), max_size=120),
    limit=st.integers(1, 4),
    cancelled=st.sets(st.integers(0, 119), max_size=5),
)
def test_whatever_comes_the_rules_hold(
    wishes: list[tuple[int, int]], limit: int, cancelled: set[int]
) -> None:
    """One batch per mailbox at a time, at most 20 items, a mailbox's order kept, nothing lost or doubled."""

    async def main() -> RecordingSender:
        sender = RecordingSender(seconds=1.0)
        batches = scheduler(sender, max_in_flight=limit)

        async def ask(number: int, mailbox: int, delay: int) -> str:
            await asyncio.sleep(delay * 0.7 + number * 1e-6)
            request = get(f"m{mailbox}", number)
            answer = await batches.submit(request)
            assert answer.body == (request.mailbox, request.url)
            return request.url

        tasks = [asyncio.ensure_future(ask(number, *wish)) for number, wish in enumerate(wishes)]
        await asyncio.sleep(0.5)
        for number in cancelled & set(range(len(tasks))):
            tasks[number].cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        answered = {each for each in results if isinstance(each, str)}
        assert len(answered) >= len(wishes) - len(cancelled)
        assert answered <= {request.url for batch in sender.batches for request in batch}
        return sender

    sender = run_virtually(main())
    assert sender.overlaps == 0
    assert sender.most_batches <= limit
    assert all(1 <= len(batch) <= 20 for batch in sender.batches)
    order: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for batch in sender.batches:
        for request in batch:
            number = int(request.url.rsplit("/", 1)[1])
            order[request.mailbox].append((wishes[number][1], number))
    assert all(sent == sorted(sent) for sent in order.values())
    sent = [request.url for batch in sender.batches for request in batch]
    assert len(sent) == len(set(sent))


def test_a_throttled_mailbox_fails_at_once_and_others_go_on() -> None:
    """After a 429 whatever is for the mailbox fails unsent with the time left; other mailboxes go on."""

    async def main() -> None:
        sender = RecordingSender(answers={"hot": throttled(30)})
        batches = scheduler(sender)
        answers = await all_of(batches, [post("hot", number) for number in range(25)])
        sent = [each for each in answers if isinstance(each, Answer)]
        waiting = [each for each in answers if isinstance(each, TransientError)]
        assert (len(sent), len(waiting)) == (20, 5)
        assert all(each.retry_after == pytest.approx(30) for each in waiting)
        assert not any(each.maybe_applied for each in waiting)
        await asyncio.sleep(10)
        with pytest.raises(TransientError) as late:
            await batches.submit(post("hot"))
        assert late.value.retry_after == pytest.approx(20)
        assert (await batches.submit(post("cool"))).status == 200
        assert [len(batch) for batch in sender.batches] == [20, 1]

    run_virtually(main())


def test_closed_mailboxes_are_told_with_the_time_that_is_left() -> None:
    """Operators see whom Graph asked to leave alone, and for how long; what is over is not among them."""

    async def main() -> None:
        sender = RecordingSender(answers={"anna": throttled(30), "ben": throttled(5)})
        batches = scheduler(sender)
        assert batches.closed() == {}
        await all_of(batches, [post(each) for each in ("anna", "ben", "cleo")])
        closed = batches.closed()
        assert {mailbox: round(seconds) for mailbox, seconds in closed.items()} == {"anna": 30, "ben": 5}
        await asyncio.sleep(6)
        assert list(batches.closed()) == ["anna"]

    run_virtually(main())


def test_a_throttled_mailbox_opens_again() -> None:
    """Once the time is over, requests for the mailbox are sent again."""

    async def main() -> None:
        sender = RecordingSender(answers={"hot": throttled(30)})
        batches = scheduler(sender)
        await batches.submit(post("hot"))
        sender.answers.clear()
        await asyncio.sleep(30)
        assert (await batches.submit(post("hot"))).status == 200

    run_virtually(main())


def test_too_many_at_a_time_does_not_close_a_mailbox() -> None:
    """MailboxConcurrency fails its own item only; the next request is sent."""

    async def main() -> None:
        message = {"error": {"code": "ApplicationThrottled", "message": "MailboxConcurrency limit"}}
        sender = RecordingSender(answers={"hot": Answer(429, {"retry-after": "1"}, message)})
        batches = scheduler(sender)
        await batches.submit(post("hot"))
        await batches.submit(post("hot"))
        assert len(sender.batches) == 2

    run_virtually(main())


def test_a_mailbox_that_hangs_holds_others_up_once_and_its_own_no_longer_than_a_batch() -> None:
    """What waits for it fails when its batch does; it is then asked by itself, and others go on."""

    async def main() -> None:
        sender = HangingSender("sick")
        batches = scheduler(sender)
        waiting = [asyncio.create_task(batches.submit(post("sick", number))) for number in range(65)]
        began = asyncio.get_running_loop().time()
        failed = await asyncio.gather(*waiting, return_exceptions=True)
        assert asyncio.get_running_loop().time() - began < HANG_SECONDS + 1
        assert {str(each) for each in failed[20:]} == {"Graph does not answer for this mailbox"}
        sender.batches.clear()
        await asyncio.sleep(SILENCE_SECONDS)
        again = [asyncio.create_task(batches.submit(post("sick", number))) for number in range(3)]
        began = asyncio.get_running_loop().time()
        assert [each.status for each in await asyncio.gather(*(batches.submit(post("well")) for _ in "abc"))]
        assert asyncio.get_running_loop().time() - began < 3
        await asyncio.gather(*again, return_exceptions=True)
        assert all(len({each.mailbox for each in batch}) == 1 for batch in sender.batches)

    run_virtually(main())


def test_mailboxes_that_shared_a_silent_batch_share_again_once_they_answer() -> None:
    """Nobody knows which of them was the reason, until each has answered for itself."""

    async def main() -> None:
        sender = HangingSender("sick")
        batches = scheduler(sender)
        await all_of(batches, [post("sick"), post("one"), post("two")])
        await asyncio.sleep(SILENCE_SECONDS)
        await all_of(batches, [post("one"), post("two")])
        sender.batches.clear()
        await all_of(batches, [post("one"), post("two")])
        assert [len(batch) for batch in sender.batches] == [2]

    run_virtually(main())


def test_a_refused_batch_stops_the_whole_app_for_its_time() -> None:
    """When Graph refuses a whole batch with a time, every mailbox waits it out, unsent, and then goes on."""

    async def main() -> None:
        sender = RecordingSender(pause=60)
        batches = scheduler(sender, max_in_flight=1)
        answers = await all_of(batches, [post(f"m{number}") for number in range(30)])
        assert [each.retry_after for each in answers if isinstance(each, TransientError)] == [None] * 20 + [
            pytest.approx(60)
        ] * 10
        sender.pause = None
        with pytest.raises(TransientError):
            await batches.submit(post("any"))
        await asyncio.sleep(60)
        assert (await batches.submit(post("any"))).status == 200
        assert len(sender.batches) == 2

    run_virtually(main())


def test_what_is_not_sent_since_graph_as_a_whole_wants_rest_was_not_tried() -> None:
    """No message is given up for it; what one mailbox asks for counts as a try, and so does what was sent."""

    async def main() -> None:
        sender = RecordingSender(pause=60)
        batches = scheduler(sender, max_in_flight=1)
        answers = await all_of(batches, [post(f"m{number}") for number in range(30)])
        failed = [each.untried for each in answers if isinstance(each, TransientError)]
        assert failed == [False] * 20 + [True] * 10
        with pytest.raises(TransientError) as late:
            await batches.submit(post("any"))
        assert late.value.untried
        await asyncio.sleep(60)
        sender.pause = None
        sender.answers["hot"] = throttled(120)
        answers = await all_of(batches, [post("hot", number) for number in range(21)])
        assert [each.untried for each in answers if isinstance(each, TransientError)] == [False]
        sender.pause = 30
        await all_of(batches, [post("any")])
        for mailbox, untried in (("hot", False), ("any", True)):
            with pytest.raises(TransientError) as late:
                await batches.submit(post(mailbox))
            assert late.value.untried is untried

    run_virtually(main())


def test_closing_leaves_no_caller_waiting() -> None:
    """On shutdown what is in flight is in doubt, what waits is not, and nothing new is taken."""

    async def main() -> None:
        batches = scheduler(RecordingSender(seconds=100), max_in_flight=1)
        flying = asyncio.ensure_future(all_of(batches, [post("a", number) for number in range(21)]))
        await asyncio.sleep(1)
        await batches.aclose()
        doubts = [each.maybe_applied for each in await flying if isinstance(each, TransientError)]
        assert doubts == [True] * 20 + [False]
        with pytest.raises(TransientError):
            await batches.submit(post("a"))

    run_virtually(main())


def test_a_broken_sender_leaves_no_caller_waiting() -> None:
    """Should the sender have a bug, its callers get a transient error instead of waiting for ever."""

    async def broken(_requests: Sequence[GraphRequest]) -> BatchResult:
        raise RuntimeError("a bug")

    async def main() -> None:
        batches = BatchScheduler(broken, lambda _answer: None)
        with pytest.raises(TransientError, match="RuntimeError") as error:
            await batches.submit(post("a"))
        assert error.value.maybe_applied

    run_virtually(main())


def test_a_batch_that_is_not_full_waits_for_company_while_others_are_in_flight() -> None:
    """What comes within the hold shares the batch; what came alone leaves when the hold ends."""

    async def main() -> None:
        sender = RecordingSender()
        batches = scheduler(sender)
        first = asyncio.create_task(batches.submit(get("a")))
        await asyncio.sleep(WINDOW_SECONDS * 1.5)
        assert len(sender.batches) == 1, "nothing was in flight, so it had only the window to wait"
        others = [asyncio.create_task(batches.submit(get("b")))]
        await asyncio.sleep(WINDOW_SECONDS * 1.5)
        others.append(asyncio.create_task(batches.submit(get("c"))))
        await asyncio.sleep(WINDOW_SECONDS * 1.5)
        assert len(sender.batches) == 1
        await asyncio.sleep(HOLD_SECONDS)
        assert [len(batch) for batch in sender.batches] == [1, 2]
        await asyncio.gather(first, *others)

    run_virtually(main())


def test_a_full_batch_and_one_that_nothing_flies_beside_leave_at_once() -> None:
    """The hold ends early when the batch fills up, and when the last flight lands."""

    async def main() -> None:
        sender = RecordingSender(seconds=HOLD_SECONDS / 2)
        batches = scheduler(sender)
        first = asyncio.create_task(batches.submit(get("a")))
        await asyncio.sleep(WINDOW_SECONDS * 1.5)
        full = asyncio.create_task(all_of(batches, [get("b", number) for number in range(20)]))
        await asyncio.sleep(WINDOW_SECONDS * 1.5)
        assert [len(batch) for batch in sender.batches] == [1, 20]
        await asyncio.gather(first, full)
        held = asyncio.create_task(all_of(batches, [get("c")]))
        beside = asyncio.create_task(all_of(batches, [get("d", number) for number in range(20)]))
        await asyncio.sleep(WINDOW_SECONDS * 1.1)
        assert [len(batch) for batch in sender.batches[2:]] == [20]
        await asyncio.sleep(HOLD_SECONDS / 2 + 0.001)
        assert [len(batch) for batch in sender.batches[2:]] == [20, 1]
        await asyncio.gather(held, beside)

    run_virtually(main())
