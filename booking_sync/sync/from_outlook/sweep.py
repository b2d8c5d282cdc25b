"""Compares one mailbox with the rows that name it: finds what no notification told, and what is gone.

A sweep changes nothing. It queues hints, and the synchronizer decides again from row and event. Both sides
are listed completely, rows first, or nothing is concluded. That an event is gone takes two sweeps: the
first finds it so, the second, once somebody could have taken the deletion back, confirms it within the
guard's bounds.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from booking_sync.domain.messages.change import BookingChange
from booking_sync.domain.outcome import Outcome, OutcomeKind, deferred_by
from booking_sync.domain.return_path.guard import GRACE, weigh
from booking_sync.domain.return_path.messages import MAX_MISSING, Lifecycle, MailboxSweep
from booking_sync.domain.return_path.missing import Missing
from booking_sync.domain.return_path.sweep import Swept, compare_mailbox
from booking_sync.domain.return_path.words import Told, tells
from booking_sync.errors import PermanentError, TransientError
from booking_sync.plumbing.log import log_event
from booking_sync.ports.dataverse.bookings import BookingQuery
from booking_sync.ports.outlook.sweeps import TooManyCalendarsError
from booking_sync.sync.sending import do_all

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping
    from datetime import datetime

    from booking_sync.domain.bookings.booking import Booking
    from booking_sync.domain.events.event import MarkedEvent
    from booking_sync.domain.record import BookingRow
    from booking_sync.ports.dataverse.bookings import BookingListing
    from booking_sync.ports.outlook.sweeps import MailboxEvents
    from booking_sync.ports.platform.clock import Clock
    from booking_sync.ports.platform.queues import MessageQueue
    from booking_sync.sync.booking.proof import EventProver
    from booking_sync.sync.from_outlook.watch import Watch

MOST_PROVEN: Final = 200
PROVEN_AT_ONCE: Final = 4
"""Graph takes four requests at a time of one mailbox."""
HINTS_PER_SECOND: Final = 5.0
"""As the audit's: the changes of the day go between."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SweepSources:
    """Where the two sides are listed."""

    rows: BookingListing
    events: MailboxEvents
    prover: EventProver
    shows_in: Callable[[Booking], str | None]
    """The mailbox in which a booking is to show; None for nowhere."""


@dataclass(frozen=True, slots=True)
class SweepWindow:
    """The time in which bookings start that are swept, from now."""

    back: timedelta
    ahead: timedelta


class Sweeper:
    """Sweeps mailboxes.

    Args:
        sources: where the two sides are listed.
        window: which bookings.
        queue: gets hints, and the second sweeps.
        now: the time of day.
        watch: sees to a mailbox's subscription; None where Graph reports nothing.
    """

    def __init__(
        self,
        sources: SweepSources,
        window: SweepWindow,
        queue: MessageQueue,
        now: Clock,
        watch: Watch | None = None,
    ) -> None:
        self._sources = sources
        self._window = window
        self._queue = queue
        self._now = now
        self._watch = watch

    async def sweep(self, sweep: MailboxSweep) -> Outcome:
        """One sweep; how it ended. Everything is on the queue unless it is deferred.

        Raises:
            SyncError: the queue can't take what is to be sent.
        """
        try:
            if await self._settles_subscription(sweep):
                return Outcome(OutcomeKind.SYNCED, "subscription renewed")
            found = await self._compare(sweep)
        except TransientError as error:
            return deferred_by(error)
        except PermanentError as error:
            # The mailbox is gone, or out of our reach: that is no deletion, and no fault of a booking.
            return Outcome(OutcomeKind.SKIPPED, f"nothing is concluded. {error.reason}")
        return found if isinstance(found, Outcome) else await found.send(self._queue, self._now())

    async def _settles_subscription(self, sweep: MailboxSweep) -> bool:
        """Do what Graph says of the subscription; whether nothing was missed meanwhile."""
        if self._watch is None or sweep.lifecycle is Lifecycle.NONE:
            return False
        try:
            if sweep.lifecycle is Lifecycle.RENEW:
                return await self._watch.renew(sweep.mailbox, sweep.subscription_id)
            await self._watch.recreate(sweep.mailbox)
        except PermanentError as error:
            log_event(_logger, "watch_refused", mailbox=sweep.mailbox, reason=error.reason)
        return False

    async def _compare(self, sweep: MailboxSweep) -> Outcome | _Hints:
        now, mailbox = self._now(), sweep.mailbox
        first, last = now - self._window.back, now + self._window.ahead
        rows = {row.booking.id: row async for row in self._rows(mailbox, first, last)}
        if not rows:
            return Outcome(OutcomeKind.SKIPPED, "no event of a booking is expected there")
        shown = await self._sources.events.list_shown(mailbox, first, last)
        events = _by_id(shown.events)
        swept = compare_mailbox(rows.values(), events)
        whole = True
        if swept.missing:
            try:
                elsewhere = await self._sources.events.list_elsewhere(mailbox, first, last)
            except TooManyCalendarsError:
                whole, elsewhere = False, ()
            events = {**_by_id(elsewhere), **events}
            swept = compare_mailbox(rows.values(), events)
        hints = _Hints(sweep, swept, len(events))
        told = (each for each, row in rows.items() if tells(_told(row), Told.WITHHELD))
        hints.elsewhere = [each for each in told if each not in swept.missing]
        if not whole:
            _withhold(hints, rows)
            return hints
        await self._find_renamed(hints, events.values())
        await self._judge_missing(hints, rows, shown.entries)
        return hints

    async def _find_renamed(self, hints: _Hints, events: Iterable[MarkedEvent]) -> None:
        """Take out those whose events are there under another id: a migration, an archive, a restored file.

        A copy does not count. Of very many, some are proven in each sweep; nothing is concluded of others.
        """
        marker = self._sources.prover.sealer.marker
        shown = {each.marker.lower() for each in events}
        claimed = [each for each in hints.swept.missing if marker(each).lower() in shown]
        if not claimed:
            return
        copied: set[str] = set()

        async def prove(booking_id: str) -> None:
            found = await self._sources.events.find_everywhere(hints.sweep.mailbox, marker(booking_id))
            if await self._sources.prover.own_among(booking_id, found):
                hints.renamed.append(booking_id)
            else:
                copied.add(booking_id)

        await do_all(claimed[:MOST_PROVEN], prove, at_once=PROVEN_AT_ONCE)
        hints.renamed.sort()
        settled = set(claimed) - copied
        hints.swept = replace(
            hints.swept,
            missing=tuple(each for each in hints.swept.missing if each not in settled),
            expected=hints.swept.expected - len(settled),
        )

    async def _rows(self, mailbox: str, first: datetime, last: datetime) -> AsyncIterator[BookingRow]:
        """The rows whose bookings should show in this mailbox, and name an event there."""
        query = BookingQuery(starts_from=first, starts_before=last, mailbox=mailbox, names_event=True)
        async for page in self._sources.rows.list_bookings(query):
            for row in page.rows:
                event = row.record.event
                if event and event.mailbox == mailbox and self._sources.shows_in(row.booking) == mailbox:
                    yield row

    async def _judge_missing(self, hints: _Hints, rows: Mapping[str, BookingRow], entries: int) -> None:
        """What the missing events mean: too many for anybody's wish, to be confirmed later, or gone."""
        swept, mailbox = hints.swept, hints.sweep.mailbox
        if self._weigh(swept, entries) is Missing.WITHHELD:
            _withhold(hints, rows)
            return
        awaited = hints.sweep.missing
        hints.later = [each for each in swept.missing if each not in awaited]
        for booking_id in (each for each in swept.missing if each in awaited):
            found = await self._sources.events.find_everywhere(
                mailbox, self._sources.prover.sealer.marker(booking_id)
            )
            if any(each.ref == rows[booking_id].record.event for each in found):
                hints.elsewhere.append(booking_id)  # moved out of the time that is listed
            elif await self._sources.prover.own_among(booking_id, found):
                hints.renamed.append(booking_id)
            else:
                hints.confirmed.append(booking_id)

    def _weigh(self, swept: Swept, entries: int) -> Missing:
        """What it means that these are gone, beside what their calendar shows."""
        return weigh(len(swept.missing), expected=swept.expected, listed=entries)


class _Hints:
    """What a sweep is to queue."""

    def __init__(self, sweep: MailboxSweep, swept: Swept, events: int) -> None:
        self.sweep = sweep
        self.swept = swept
        self._events = events
        self.confirmed: list[str] = []
        self.withheld: list[str] = []
        self.renamed: list[str] = []
        """Their events turned up under another id."""
        self.elsewhere: list[str] = []
        """Their events are there, at another time or again, which their rows do not say."""
        self.later: list[str] = []
        """To be confirmed by a second sweep."""

    async def send(self, queue: MessageQueue, now: datetime) -> Outcome:
        """Queue all of it.

        Raises:
            SyncError: not all could be queued.
        """
        changes = list(self._changes(now))
        for start in range(0, len(self.later), MAX_MISSING):
            second = MailboxSweep(
                self.sweep.mailbox,
                self.sweep.correlation_id,
                now,
                missing=frozenset(self.later[start : start + MAX_MISSING]),
            )
            await queue.send_outlook(second, GRACE.total_seconds())

        async def send(place: int) -> None:
            await queue.send(*changes[place])

        await do_all(range(len(changes)), send)
        return Outcome(
            OutcomeKind.SYNCED if changes or self.later else OutcomeKind.UNCHANGED,
            f"events: {self._events}, expected: {self.swept.expected}, missing: {len(self.swept.missing)}, "
            f"hints: {len(changes)}",
        )

    def _changes(self, now: datetime) -> Iterable[tuple[BookingChange, float]]:
        """Each with the seconds that it is held back."""
        mailbox = frozenset({self.sweep.mailbox})
        told = (
            *((each, Missing.CONFIRMED, frozenset[str]()) for each in self.confirmed),
            *((each, Missing.UNKNOWN, mailbox) for each in self.renamed),
            *((each, Missing.UNKNOWN, frozenset[str]()) for each in (*self.elsewhere, *self.swept.differing)),
            *((each, Missing.WITHHELD, frozenset[str]()) for each in self.withheld),
        )
        for place, (booking_id, missing, suspects) in enumerate(told):
            delay = place / HINTS_PER_SECOND
            change = BookingChange(
                booking_id,
                self.sweep.correlation_id,
                # Patience is counted from when the hint is first seen, not while we hold it back ourselves.
                first_seen=now + timedelta(seconds=delay),
                suspects=suspects,
                look=True,
                missing=missing,
            )
            yield change, delay


def _withhold(hints: _Hints, rows: Mapping[str, BookingRow]) -> None:
    """Conclude nothing from what is missing, and have the operator and the rows told."""
    swept = hints.swept
    log_event(
        _logger,
        "mailbox_withheld",
        level=logging.WARNING,
        mailbox=hints.sweep.mailbox,
        missing=len(swept.missing),
        expected=swept.expected,
    )
    hints.withheld = [each for each in swept.missing if not tells(_told(rows[each]), Told.WITHHELD)]


def _by_id(events: Iterable[MarkedEvent]) -> dict[str, MarkedEvent]:
    return {each.ref.event_id: each for each in events}


def _told(row: BookingRow) -> str:
    return row.side.told if row.side else ""
