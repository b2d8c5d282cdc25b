"""Keeps this instance's journal in memory, and writes it into the text store, where every instance reads it.

No message waits for the journal, and none fails because of it: outcomes are noted in memory, and written
together some seconds later. A crash loses those seconds. A timer's run is written when it ends, under the
timer's name, so that the last run is known whichever instance made it.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections import deque
from datetime import timedelta
from typing import TYPE_CHECKING

from booking_sync.domain.ids import read_moment
from booking_sync.domain.messages.change import is_by_webhook
from booking_sync.domain.outcome import OutcomeKind
from booking_sync.errors import SyncError
from booking_sync.operations.journal.order_tally import MAX_ORDERS, OrderTally, counted, is_order
from booking_sync.operations.journal.trend import (
    HOUR,
    QUARTER,
    Slot,
    begin_of,
    closed_hours,
    decode_slots,
    encode_slots,
    kept,
    noted,
)
from booking_sync.operations.journal.values import (
    MAX_CLOSED,
    MAX_ENTRIES,
    ClosedMailbox,
    Entry,
    Journal,
    Zones,
    decode_journal,
    decode_run,
    decode_zones,
    encode,
    make_entry,
    make_run,
    merge,
    merge_zones,
)
from booking_sync.plumbing.log import log_event

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from booking_sync.domain.events.zones import ZoneDifference
    from booking_sync.domain.messages.change import BookingChange
    from booking_sync.domain.outcome import Outcome
    from booking_sync.domain.timers import Timer, TimerRun
    from booking_sync.ports.platform.clock import Clock
    from booking_sync.ports.platform.texts import TextStore

SAVE_SECONDS = 5.0
"""How long an entry may wait to be written; also the shortest time between two writes."""
KEPT = timedelta(days=1)
MAX_INSTANCES = 32
"""How many other instances' journals are read: the newest. An app scaled to nothing starts a new instance
whenever something happens."""
MAX_COUNTED = 200
"""How many instances' counts are put together by the hour."""

_INSTANCES = "instances/"
_RUNS = "runs/"
_ZONES = "zones"
_SEEN_SINCE = "seen-since"
_NO_DATE = "none"  # a text must not be empty: Storage refuses to send a part of nothing
_HOURS = "hours"
_SETTLE = timedelta(minutes=10)
_SECRET_EXPIRES = "secret-expires"  # noqa: S105 - a text's name, no secret

_logger = logging.getLogger(__name__)


class JournalStore:
    """This instance's journal, and what all instances wrote.

    Args:
        open_text_store: gives where journals are written, or None to keep them in memory only; called once,
            when there is something to write or to read, since it loads an SDK.
        instance: this process's name among the others.
        now: the time of day.
        closed: mailboxes that Graph asked this instance to leave alone, with the seconds that are left.
        save_seconds: see `SAVE_SECONDS`.
    """

    def __init__(
        self,
        open_text_store: Callable[[], TextStore | None],
        instance: str,
        now: Clock,
        closed: Callable[[], Mapping[str, float]],
        *,
        save_seconds: float = SAVE_SECONDS,
    ) -> None:
        self._open_text_store = functools.cache(open_text_store)
        self._instance = instance
        self._now = now
        self._closed = closed
        self._save_seconds = save_seconds
        self._entries: deque[Entry] = deque(maxlen=MAX_ENTRIES)
        self._slots: dict[datetime, Slot] = {}
        self._orders: dict[str, OrderTally] = {}
        self._runs: dict[Timer, TimerRun] = {}
        self._zones = Zones()
        self._zones_written = True
        self._timer: asyncio.TimerHandle | None = None
        self._saving: set[asyncio.Task[None]] = set()
        self._swept = False
        self._seen_since: datetime | None = None
        self._hours_kept: datetime | None = None
        self._secret_expires: datetime | None = None

    def outcome(self, change: BookingChange, outcome: Outcome) -> None:
        """Note how the handling of a message ended."""
        entry = make_entry(
            self._now(),
            change.booking_id,
            outcome=outcome.kind.value,
            reason=outcome.detail,
            correlation_id=change.correlation_id,
            attempt=change.attempt,
        )
        self._entries.appendleft(entry)
        self._count(change, outcome, entry)
        self._save_soon()

    def _count(self, change: BookingChange, outcome: Outcome, entry: Entry) -> None:
        """Count the outcome by its quarter of an hour, and for its order where an operator gave one."""
        start = begin_of(entry.moment, QUARTER)
        if start not in self._slots:
            self._slots = {each: slot for each, slot in self._slots.items() if each > start - KEPT}
        self._slots[start] = noted(
            self._slots.get(start, Slot(start)),
            entry.outcome,
            _lag(change, outcome, entry.moment),
            throttled=outcome.kind is OutcomeKind.DEFERRED
            and outcome.delay is not None
            and outcome.patience is None,
        )
        if is_order(entry.correlation_id):
            order = entry.correlation_id
            former = self._orders.pop(order, OrderTally(order))
            self._orders[order] = counted(former, entry.outcome, entry.reason)
            while len(self._orders) > MAX_ORDERS:
                self._orders.pop(next(iter(self._orders)))

    def zone_differs(self, difference: ZoneDifference) -> None:
        """Note that Exchange reads the events' zone by other rules."""
        self._zones = merge_zones([self._zones, Zones((difference,))], self._now() - KEPT)
        self._zones_written = False
        self._save_soon()

    async def ran(self, timer: Timer, tally: Mapping[str, int], problem: str = "") -> None:
        """Note the end of a timer's run; a text store that fails is only logged."""
        former = self._runs.get(timer)
        try:
            if problem:
                former = await self.last(timer)
        except SyncError:
            pass
        self._runs[timer] = run = make_run(self._now(), tally, problem, former)
        if (text_store := self._open_text_store()) is not None:
            try:
                await text_store.put(_RUNS + timer.value, encode(run))
                await self.note_seen()
            except SyncError as error:
                _tell(error)

    async def last(self, timer: Timer) -> TimerRun | None:
        """The last run that any instance made; None when none is known.

        Raises:
            SyncError: it can't be read now.
        """
        text_store = self._open_text_store()
        text = await text_store.get(_RUNS + timer.value) if text_store is not None else None
        written = decode_run(text) if text else None
        known = [run for run in (written, self._runs.get(timer)) if run is not None]
        return max(known, key=lambda run: run.finished, default=None)

    async def zones(self) -> Zones:
        """Where Exchange was seen to read the events' zone otherwise within a day, by any instance.

        Raises:
            SyncError: what others saw can't be read now.
        """
        text_store = self._open_text_store()
        text = await text_store.get(_ZONES) if text_store is not None else None
        written = decode_zones(text) if text else None
        return merge_zones([written or Zones(), self._zones], self._now() - KEPT)

    async def seen_since(self) -> datetime | None:
        """When any instance of the app was first seen; None where nobody noted it. This writes nothing.

        Raises:
            SyncError: it can't be read now.
        """
        if self._seen_since is None:
            text_store = self._open_text_store()
            text = await text_store.get(_SEEN_SINCE) if text_store is not None else None
            self._seen_since = read_moment(text) if text else None
        return self._seen_since

    async def note_seen(self) -> datetime:
        """When any instance of the app was first seen; where nobody noted it, that is now, and this notes it.

        For the app alone: a command that noted it would say that the app is there.

        Raises:
            SyncError: it can't be read or noted now.
        """
        if (known := await self.seen_since()) is not None:
            return known
        now = self._now()
        if (text_store := self._open_text_store()) is not None:
            # Two instances may do so at once; both write the same but for seconds.
            await text_store.put(_SEEN_SINCE, now.isoformat())
        self._seen_since = now
        return now

    async def secret_expires(self) -> datetime | None:
        """When the app registration's secret ends, as the last catch-up read it; None when that is not known.

        Raises:
            SyncError: it can't be read now.
        """
        text_store = self._open_text_store()
        text = await text_store.get(_SECRET_EXPIRES) if text_store is not None else None
        return read_moment(text) if text else self._secret_expires

    async def note_secret(self, expires: datetime | None) -> None:
        """Note when the secret ends; None when it carries no date. A text store that fails is only logged."""
        self._secret_expires = expires
        if (text_store := self._open_text_store()) is not None:
            try:
                await text_store.put(_SECRET_EXPIRES, expires.isoformat() if expires else _NO_DATE)
            except SyncError as error:
                _tell(error)

    async def everything(self) -> Journal:
        """What all instances of the last day remember.

        Raises:
            SyncError: the others' can't be read now.
        """
        now = self._now()
        text_store = self._open_text_store()
        texts = (
            await text_store.newest(_INSTANCES, now - KEPT, MAX_INSTANCES) if text_store is not None else ()
        )
        journals = [journal for text in texts if (journal := decode_journal(text)) is not None]
        # Our own is newer in memory than in the text store.
        others = [journal for journal in journals if journal.instance != self._instance]
        return merge([*others, self.own()], now)

    async def hours(self) -> tuple[Slot, ...]:
        """What was counted in each hour of the last week that is over, as far as `keep_hours` has seen to it.

        Raises:
            SyncError: it can't be read now.
        """
        text_store = self._open_text_store()
        text = await text_store.get(_HOURS) if text_store is not None else None
        return decode_slots(text) if text else ()

    async def keep_hours(self) -> None:
        """Put together what all instances counted in hours that are over.

        A text store that fails is only logged.

        Each hour is made anew from all that is there, so that two who do it at once, or one that was killed
        half-way, do no harm.
        """
        text_store, now = self._open_text_store(), self._now()
        if text_store is None or (self._hours_kept and now < self._hours_kept + HOUR + _SETTLE):
            return
        try:
            texts = await text_store.newest(_INSTANCES, now - KEPT, MAX_COUNTED)
            journals = [journal for text in texts if (journal := decode_journal(text)) is not None]
            closed = closed_hours((slot for journal in journals for slot in journal.slots), now)
            known = await self.hours()
            if any(each not in known for each in closed):
                await text_store.put(_HOURS, encode_slots(kept(known, closed, now)))
        except SyncError as error:
            _tell(error)
        else:
            self._hours_kept = begin_of(now, HOUR)

    def own(self) -> Journal:
        """What this instance remembers."""
        now = self._now()
        closed = [
            ClosedMailbox(mailbox, now + timedelta(seconds=seconds))
            for mailbox, seconds in self._closed().items()
        ]
        closed.sort(key=lambda each: each.until, reverse=True)
        return Journal(
            self._instance,
            tuple(self._entries),
            tuple(closed[:MAX_CLOSED]),
            tuple(self._slots.values()),
            tuple(self._orders.values()),
        )

    async def aclose(self) -> None:
        """Write what is not written yet. The caller closes the text store."""
        if self._timer is not None:
            self._timer.cancel()
            self._start_saving()
        await asyncio.gather(*self._saving)

    def _save_soon(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._save_seconds, self._start_saving)

    def _start_saving(self) -> None:
        self._timer = None
        task = asyncio.get_running_loop().create_task(self._save())
        self._saving.add(task)
        task.add_done_callback(self._saving.discard)

    async def _save(self) -> None:
        text_store = self._open_text_store()
        if text_store is None:
            return
        try:
            await text_store.put(_INSTANCES + self._instance, encode(self.own()))
            if not self._zones_written:
                # Of two instances that do this at once one may be overwritten: it is on that one's next look.
                self._zones_written = True
                await text_store.put(_ZONES, encode(await self.zones()))
            if not self._swept:
                # Each new instance removes what old ones left, so there are never many.
                self._swept = True
                await text_store.drop(_INSTANCES, self._now() - KEPT)
        except SyncError as error:
            _tell(error)


def _lag(change: BookingChange, outcome: Outcome, moment: datetime) -> float | None:
    """Seconds from a change in Dynamics 365 to its event.

    Only of what came by webhook: other runs queue bookings whenever they like, and with delays of their own.
    """
    if outcome.kind is not OutcomeKind.SYNCED or not is_by_webhook(change.correlation_id):
        return None
    return max(0.0, (moment - change.first_seen).total_seconds())


def _tell(error: SyncError) -> None:
    log_event(_logger, "journal_not_written", level=logging.WARNING, reason=error.reason)
