"""Decides which requests travel together, so that Graph is used fully and does not throttle us for it.

Graph allows 4 requests at a time per app and mailbox, and itself runs at most 4 items of one batch at a time.
So one batch may fill a mailbox's whole allowance, and at most ONE batch in flight may touch a given mailbox;
batches over disjoint mailboxes run side by side. Since a batch of 20 takes five waves of 4 whatever its
mailboxes are, it is best filled with few mailboxes, whole: that keeps the others free for the next batch.
In a burst, as long as many more batches may be in flight, one leaves with eight items, which are two waves:
people see their events sooner, and Graph counts the items of batches against its limits and not the batches.
What nobody waits for (`GraphRequest.can_wait`) goes behind whatever its mailbox is asked for else.
People report that Graph runs more items of a batch at a time, which then refuse each other: a mailbox whose
items were refused for that gets as many as passed, and in time more again (`shares`).

When Graph asks to be left alone, for one mailbox or altogether, all requests that wait for it fail at once
with the time that is left. Their messages wait on the queue, and other mailboxes go on. What is refused since
Graph as a whole asked was not tried, so that no message is given up for it.

A batch to which no answer comes counts as such a request too, or all that waits for its mailboxes would wait
for one silence after the other. Nobody knows which of its mailboxes was the reason, so each of them is asked
by itself until it answers: a mailbox that hangs holds others up once.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from booking_sync.errors import TransientError
from booking_sync.outlook.graph.errors import is_concurrency
from booking_sync.outlook.graph.shares import MailboxShares
from booking_sync.outlook.graph.wire import MAX_BATCH_ITEMS, Answer, BatchResult
from booking_sync.plumbing import telemetry
from booking_sync.plumbing.busy_time import BURST_SIZES, BusyTime

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from booking_sync.errors import SyncError
    from booking_sync.outlook.graph.wire import GraphRequest
    from booking_sync.plumbing.telemetry import Origin

WINDOW_SECONDS = 0.01
HOLD_SECONDS = 0.05
"""How long a batch that is not full waits for more while others are in flight: more is likely to come."""
MAX_BATCHES_IN_FLIGHT = 64
"""Graph bounds an app by requests per time and by mailbox, not by calls at a time."""
PATIENCE_SECONDS = 10.0
"""A mailbox with few items that has waited this long goes before larger ones."""
BEHIND_SECONDS = 60.0
"""For so long what can wait lets the others of its mailbox go first."""
SILENCE_SECONDS = 30.0
"""How long the mailboxes of a batch are left alone to which no answer came in time."""


@dataclass(frozen=True, slots=True)
class Share:
    """The part of a batch that one mailbox gets."""

    mailbox: str
    items: int


def compose(
    waiting: Sequence[tuple[str, int]], *, head_first: bool = False, enough: int = MAX_BATCH_ITEMS
) -> list[Share]:
    """Which mailboxes the next batch serves, and with how many items each.

    Mailboxes whose items fit as a whole fill it, largest first, until it holds enough; what room is left
    until then goes to a part of the largest one that does not fit.

    Args:
        waiting: mailboxes without a batch in flight and how many items wait for each, longest waiting first.
        head_first: the mailbox at the head has waited too long and comes first whatever its size.
        enough: items with which the batch may leave.
    """
    room = MAX_BATCH_ITEMS
    ranked = sorted(waiting, key=lambda entry: -entry[1])
    if head_first:
        ranked.remove(waiting[0])
        ranked.insert(0, waiting[0])
    shares: list[Share] = []
    too_large: str | None = None
    for mailbox, items in ranked:
        if items <= room:
            shares.append(Share(mailbox, items))
            room -= items
        elif not shares:
            return [Share(mailbox, room)]
        else:
            too_large = too_large or mailbox
        if MAX_BATCH_ITEMS - room >= enough:
            return shares
    if too_large:
        shares.append(Share(too_large, room))
    return shares


@dataclass(frozen=True, slots=True, eq=False)
class _Entry:
    request: GraphRequest
    future: asyncio.Future[Answer]
    origin: Origin
    """Whose trace it is a part of."""
    since: float
    """Loop time at which it came."""

    def fail(self, error: SyncError) -> None:
        if not self.future.done():
            self.future.set_exception(error)


@dataclass(slots=True)
class _Line:
    """What waits for one mailbox."""

    since: float
    """Loop time at which the first came, or the mailbox was last served."""
    first: deque[_Entry] = field(default_factory=deque)
    behind: deque[_Entry] = field(default_factory=deque)
    """What can wait."""

    def __len__(self) -> int:
        return len(self.first) + len(self.behind)

    def of(self, request: GraphRequest) -> deque[_Entry]:
        """Where this request has its place."""
        return self.behind if request.can_wait else self.first

    def take(self, now: float) -> _Entry:
        """The next one; what can wait does so for a bounded time."""
        waited_long = bool(self.behind) and now - self.behind[0].since > BEHIND_SECONDS
        return (self.behind if waited_long or not self.first else self.first).popleft()


@dataclass(frozen=True, slots=True)
class _NextBatch:
    """What would be sent."""

    shares: Sequence[Share]
    enough: int
    """Items with which it need not wait for more."""

    @property
    def items(self) -> int:
        return sum(share.items for share in self.shares)


class BatchScheduler:
    """Gathers requests from many callers into batches. One per process, used on one event loop.

    Items of one mailbox leave in the order in which they were submitted, those that can wait behind the
    others; within one batch Graph still runs them in any order, so a caller awaits one step before it asks
    for the next.

    Args:
        send: executes a batch of at most 20.
        mailbox_pause: seconds for which an answer asks to leave its mailbox alone, or None.
        window: seconds that the first request waits for company.
        hold: seconds that it waits at most while other batches are in flight and its own is not full.
        max_in_flight: how many batches run side by side.
        in_burst: with how many items a batch leaves in a burst.
    """

    def __init__(
        self,
        send: Callable[[Sequence[GraphRequest]], Coroutine[Any, Any, BatchResult]],
        mailbox_pause: Callable[[Answer], float | None],
        *,
        window: float = WINDOW_SECONDS,
        hold: float = HOLD_SECONDS,
        max_in_flight: int = MAX_BATCHES_IN_FLIGHT,
        in_burst: int = BURST_SIZES.events,
    ) -> None:
        self._send = send
        self._mailbox_pause = mailbox_pause
        self._window = window
        self._hold = hold
        self._max_in_flight = max_in_flight
        self._in_burst = in_burst
        self._waiting: dict[str, _Line] = {}  # longest waiting first
        self._busy: set[str] = set()
        self._shares = MailboxShares()
        self._silent: set[str] = set()
        """Mailboxes of which a batch got no answer, each sent by itself until one comes."""
        self._closed_until: dict[str, float] = {}
        self._all_closed_until = 0.0
        self._timer: asyncio.Handle | None = None
        self._holding: asyncio.Handle | None = None
        self._flights: set[asyncio.Task[BatchResult]] = set()
        self._busy_time = BusyTime()
        self._shut = False

    async def submit(self, request: GraphRequest) -> Answer:
        """The request's own answer, whatever its status.

        Raises:
            TransientError: Graph asked to be left alone (nothing was sent then), or no answer came.
        """
        self._refuse_if_closed(request.mailbox)
        loop = asyncio.get_running_loop()
        entry = _Entry(request, loop.create_future(), telemetry.here(), loop.time())
        self._waiting.setdefault(request.mailbox, _Line(loop.time())).of(request).append(entry)
        if self._timer is None:
            self._timer = loop.call_later(self._window, self._dispatch)
        try:
            return await entry.future
        finally:
            self._forget(entry)  # cancelled while it waited: Graph need not be asked

    def closed(self) -> dict[str, float]:
        """Mailboxes that Graph asked to leave alone, and the seconds left; "" stands for Graph as a whole."""
        now = asyncio.get_running_loop().time()
        until = {**self._closed_until, "": self._all_closed_until}
        return {mailbox: moment - now for mailbox, moment in until.items() if moment > now}

    async def aclose(self) -> None:
        """Fail what is in flight or waits, and whatever comes later, with a TransientError."""
        self._shut = True
        for timer in (self._timer, self._holding):
            if timer is not None:
                timer.cancel()
        flights = list(self._flights)
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)
        for mailbox in list(self._waiting):
            self._fail_waiting(mailbox, _shutting_down)

    def _dispatch(self) -> None:
        """Send every batch that may go now."""
        self._timer = None
        if self._holding is not None:
            self._holding.cancel()
            self._holding = None
        while len(self._flights) < self._max_in_flight:
            free = [mailbox for mailbox in self._waiting if mailbox not in self._busy]
            if not free:
                return
            next_batch = self._next_batch(free)
            held = self._held(next_batch, free)
            if held > 0:
                self._holding = asyncio.get_running_loop().call_later(held, self._dispatch)
                return
            batch = [entry for share in next_batch.shares for entry in self._take(share)]
            flight = asyncio.get_running_loop().create_task(
                self._send([entry.request for entry in batch]),
                context=telemetry.shared_by([entry.origin for entry in batch]),
            )
            self._flights.add(flight)
            self._busy_time.begin(asyncio.get_running_loop().time())
            flight.add_done_callback(partial(self._land, batch))

    def _next_batch(self, free: Sequence[str]) -> _NextBatch:
        """What to send next of what waits for these mailboxes, longest waiting first."""
        now = asyncio.get_running_loop().time()
        head_first = now - self._waiting[free[0]].since > PATIENCE_SECONDS
        alone = next((mailbox for mailbox in free if mailbox in self._silent), None)
        sizes = [(mailbox, len(self._waiting[mailbox])) for mailbox in ([alone] if alone else free)]
        enough = MAX_BATCH_ITEMS
        hurried = [(mailbox, items) for mailbox in free if (items := len(self._waiting[mailbox].first))]
        if hurried and self._busy_time.is_burst(now) and not alone and not head_first:
            sizes = hurried
            places = self._max_in_flight - len(self._flights)
            even = -(-sum(items for _, items in sizes) // places)
            enough = min(max(even, self._in_burst), MAX_BATCH_ITEMS)
        bearable = [(mailbox, min(items, self._shares.most(mailbox))) for mailbox, items in sizes]
        return _NextBatch(compose(bearable, head_first=head_first, enough=enough), enough)

    def _held(self, batch: _NextBatch, free: Sequence[str]) -> float:
        """Seconds for which a batch should wait for more items."""
        if not self._flights or batch.items >= batch.enough:
            return 0.0
        return self._waiting[free[0]].since + self._hold - asyncio.get_running_loop().time()

    def _take(self, share: Share) -> list[_Entry]:
        line, now = self._waiting.pop(share.mailbox), asyncio.get_running_loop().time()
        taken = [line.take(now) for _ in range(share.items)]
        if line:  # behind the others: just served
            line.since = now
            self._waiting[share.mailbox] = line
        self._busy.add(share.mailbox)
        return taken

    def _land(self, batch: Sequence[_Entry], flight: asyncio.Task[BatchResult]) -> None:
        """Free the batch's mailboxes, hand out its answers, and send what waited for the mailboxes."""
        self._flights.discard(flight)
        self._busy_time.end(asyncio.get_running_loop().time())
        self._busy.difference_update(entry.request.mailbox for entry in batch)
        result = _outcome(flight, batch)
        self._note_pauses(batch, result)
        self._note_shares(batch, result)
        for entry, answer in zip(batch, result.results, strict=True):
            if not isinstance(answer, Answer):
                entry.fail(answer)
            elif not entry.future.done():
                entry.future.set_result(answer)
        if self._timer is None and self._waiting and not self._shut:
            # Not at once: callers that just got their answer may ask for the next thing first.
            self._timer = asyncio.get_running_loop().call_soon(self._dispatch)

    def _note_pauses(self, batch: Sequence[_Entry], result: BatchResult) -> None:
        for entry, answer in zip(batch, result.results, strict=True):
            seconds = self._mailbox_pause(answer) if isinstance(answer, Answer) else None
            if seconds:
                self._close_mailbox(entry.request.mailbox, seconds)
        if result.pause:
            self._close_all(result.pause)
        mailboxes = {entry.request.mailbox for entry in batch}
        if not result.silent:
            self._silent -= mailboxes
            return
        self._silent |= mailboxes
        for mailbox in mailboxes:
            self._close_mailbox(mailbox, SILENCE_SECONDS, _no_answer)

    def _note_shares(self, batch: Sequence[_Entry], result: BatchResult) -> None:
        """Learn how many items of a batch each mailbox bears."""
        sent, crowded = Counter[str](), Counter[str]()
        for entry, answer in zip(batch, result.results, strict=True):
            if isinstance(answer, Answer):
                sent[entry.request.mailbox] += 1
                crowded[entry.request.mailbox] += is_concurrency(answer)
        for mailbox, items in sent.items():
            self._shares.note(mailbox, items, crowded[mailbox])

    def _close_mailbox(
        self, mailbox: str, seconds: float, error: Callable[[float], TransientError] | None = None
    ) -> None:
        now = asyncio.get_running_loop().time()
        self._closed_until = {name: until for name, until in self._closed_until.items() if until > now}
        until = max(self._closed_until.get(mailbox, now), now + seconds)
        self._closed_until[mailbox] = until
        self._fail_waiting(mailbox, partial(error or _come_back, until - now))

    def _close_all(self, seconds: float) -> None:
        now = asyncio.get_running_loop().time()
        self._all_closed_until = max(self._all_closed_until, now + seconds)
        for mailbox in list(self._waiting):
            self._fail_waiting(mailbox, partial(_come_back, self._all_closed_until - now, untried=True))

    def _refuse_if_closed(self, mailbox: str) -> None:
        if self._shut:
            raise _shutting_down()
        own, everybody = self._closed_until.get(mailbox, 0.0), self._all_closed_until
        left = max(own, everybody) - asyncio.get_running_loop().time()
        if left > 0:
            raise _come_back(left, untried=everybody >= own)

    def _fail_waiting(self, mailbox: str, error: Callable[[], SyncError]) -> None:
        line = self._waiting.pop(mailbox, None)
        for entry in (*line.first, *line.behind) if line else ():
            entry.fail(error())  # each caller its own: a raised exception carries the caller's traceback

    def _forget(self, entry: _Entry) -> None:
        line = self._waiting.get(entry.request.mailbox)
        if line and entry in line.of(entry.request):
            line.of(entry.request).remove(entry)
            if not line:
                del self._waiting[entry.request.mailbox]


def _come_back(seconds: float, *, untried: bool = False) -> TransientError:
    return TransientError("Graph asked to be left alone for a while", retry_after=seconds, untried=untried)


def _no_answer(seconds: float) -> TransientError:
    return TransientError("Graph does not answer for this mailbox", retry_after=seconds)


def _shutting_down() -> TransientError:
    return TransientError("the app is shutting down")


def _outcome(flight: asyncio.Task[BatchResult], batch: Sequence[_Entry]) -> BatchResult:
    """The flight's result; should it have been cancelled or have a bug, then one error per request."""
    if flight.cancelled():
        reason = "the app is shutting down"
    elif (error := flight.exception()) is not None:
        reason = f"sending a batch failed ({type(error).__name__})"
    else:
        return flight.result()
    return BatchResult(tuple(TransientError(reason, maybe_applied=entry.request.writes) for entry in batch))
