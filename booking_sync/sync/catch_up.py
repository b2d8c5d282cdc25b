"""The net under the webhooks: finds bookings that changed without being brought in step, and queues them.

Dataverse tries a webhook twice at most; one that was lost, refused, switched off by an import or registered
too late leaves a row that is behind its record. That shows on the row alone, so a run costs pages of rows and
no call to Outlook: every booking that was changed lately is planned as a first delivery would plan it, and a
plan that does anything means that nobody did it yet.

A run that has taken its time stops between two pages, and the next one goes on from there before it looks
at what is new. So an import of half a million rows has no run end by the platform's limit, again and again at
the same place.

Nothing is remembered that may not be lost. The windows of consecutive runs overlap many times over, and a
hint too many costs one read. What this can't see: rows that are gone, rows that changed before the look-back,
and what people do in Outlook. Those are the audit's.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from booking_sync.domain.messages.change import BookingChange
from booking_sync.domain.plan import Knowledge, UpdateEvent, plan
from booking_sync.errors import SyncError
from booking_sync.plumbing import telemetry
from booking_sync.plumbing.log import log_event
from booking_sync.plumbing.telemetry import Metric
from booking_sync.ports.dataverse.bookings import BookingQuery
from booking_sync.sync.sending import do_all

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from booking_sync.domain.plan import DesiredStateRule, Plan
    from booking_sync.domain.record import BookingRow
    from booking_sync.ports.dataverse.bookings import BookingListing, BookingPage
    from booking_sync.ports.platform.clock import Clock
    from booking_sync.ports.platform.queues import ChangeQueue

ROWS_PER_TURN = 50
"""Rows planned before others may use the event loop: well below ten milliseconds."""

RUN_SECONDS = 240.0
"""After which no further page is taken; well below what a function may run (`functionTimeout`: 10 min)."""

_logger = logging.getLogger(__name__)


class Standing(StrEnum):
    """How a booking stands, by its row alone."""

    IN_STEP = "in step"
    BEHIND = "behind"
    """There is something to do, and nothing says that it was tried."""
    FAILING = "failing"
    """It was tried, and the row tells people why it can't be done; trying again is not for a timer."""
    UNREADABLE = "unreadable"
    """Not all of it may be seen, or it holds what can't be planned."""


def standing(row: BookingRow, desired_state: DesiredStateRule) -> Standing:
    """How a booking stands; never raises, since one odd row must not end the search among all others.

    A dispatcher's answer, or an event that was withdrawn and is perhaps not removed, waits for somebody too.
    """
    if row.record.error:
        return Standing.FAILING
    try:
        steps = plan(row.record, desired_state(row.booking), Knowledge(trusted=True))
    except Exception:  # noqa: BLE001 - whatever the row does to us, the next ones are to be looked at
        return Standing.UNREADABLE
    waits = row.side is not None and (row.side.answered is not None or row.side.base.leaving)
    if waits or (steps.must_record and not _awaits_its_cancellation(row, steps)):
        return Standing.BEHIND
    return Standing.IN_STEP


def _awaits_its_cancellation(row: BookingRow, steps: Plan) -> bool:
    """Whether there is no event that could show more, until a dispatcher says what becomes of the booking."""
    step = steps.write
    return row.asks_to_cancel and isinstance(step, UpdateEvent) and step.event == row.record.event


@dataclass(frozen=True, slots=True)
class CatchUpWindow:
    """Which bookings a run looks at, counted back from now."""

    look_back: timedelta
    """How long ago a booking may have changed; several times the timer's interval."""
    settle: timedelta
    """How long a change is left to its webhook."""


@dataclass(slots=True)
class Tally:
    """What a run has seen so far."""

    pages: int = 0
    rows: int = 0
    behind: int = 0
    queued: int = 0
    """Of those behind; the others were queued by an earlier run, at the same version."""
    failing: int = 0
    unreadable: int = 0
    unfinished: int = 0
    """1 when the next run has to go on with this one's rows."""


class CatchUp:
    """Queues the bookings that are behind.

    Args:
        listing: the bookings in Dataverse.
        queue: where hints go.
        desired_state: what Outlook should show of a booking, as the synchronizer has it.
        window: which bookings to look at.
        now: the time of day.
        new_id: a fresh GUID's text, for correlation.
    """

    def __init__(
        self,
        listing: BookingListing,
        queue: ChangeQueue,
        desired_state: DesiredStateRule,
        window: CatchUpWindow,
        *,
        now: Clock,
        new_id: Callable[[], str],
    ) -> None:
        self._listing = listing
        self._queue = queue
        self._desired_state = desired_state
        self._now = now
        self._window = window
        self._new_id = new_id
        self._queued: dict[str, str] = {}
        """The version at which each booking was queued that the last run found behind.

        One that waits for long, because its mailbox is throttled, is not queued by every run. Never holds
        more than one window's bookings; losing it costs one hint for each that waits.
        """
        self._rest: BookingQuery | None = None
        """What the last run left; losing it leaves those rows to the audit once they are too old."""

    async def run(self) -> Tally:
        """Look once, and queue what is behind; logs one line, a warning when it found any.

        Raises:
            SyncError: Dataverse or the queue failed, so not all was looked at; the next run repeats it.
        """
        tally = Tally()
        behind: dict[str, str] = {}
        end = self._now() + timedelta(seconds=RUN_SECONDS)
        try:
            if self._rest is not None:
                self._rest = await self._look(self._rest, end, tally, behind)
            if self._rest is None and self._now() < end:
                self._rest = await self._look(self._query(), end, tally, behind)
        except SyncError as error:
            _report(tally, error.reason)
            raise
        finally:
            self._queued = self._queued | behind if self._rest else behind
        tally.unfinished = int(self._rest is not None)
        _report(tally)
        return tally

    def _query(self) -> BookingQuery:
        now = self._now()
        return BookingQuery(
            modified_from=now - self._window.look_back,
            modified_until=now - self._window.settle,
            by_start=True,
        )

    async def _look(
        self, query: BookingQuery, end: datetime, tally: Tally, behind: dict[str, str]
    ) -> BookingQuery | None:
        """Look at the query's bookings until the time is over; what is left of it then."""
        pages = self._listing.list_bookings(query)
        async for page in pages:
            await self._take(page, tally, behind)
            starts = [row.booking.start for row in page.rows if row.booking.start]
            if starts and self._now() >= end:
                return replace(query, starts_from=starts[-1])
        return None

    async def _take(self, page: BookingPage, tally: Tally, behind: dict[str, str]) -> None:
        """Look at one page and queue what is behind on it; `behind` gets the versions that are queued."""
        tally.pages += 1
        tally.rows += len(page.rows) + len(page.unreadable)
        tally.unreadable += len(page.unreadable)
        late = []
        for number, row in enumerate(page.rows, 1):
            match standing(row, self._desired_state):
                case Standing.BEHIND:
                    late.append(row)
                case Standing.FAILING:
                    tally.failing += 1
                case Standing.UNREADABLE:
                    tally.unreadable += 1
            if number % ROWS_PER_TURN == 0:
                await asyncio.sleep(0)
        tally.behind += len(late)
        known = {row.booking.id: row.etag for row in late if self._queued.get(row.booking.id) == row.etag}
        behind.update(known)
        await self._send([row for row in late if row.booking.id not in known], tally, behind)

    async def _send(self, rows: Sequence[BookingRow], tally: Tally, behind: dict[str, str]) -> None:
        """Queue all; a failure is raised once all have been tried."""

        async def send(row: BookingRow) -> None:
            await self._queue.send(BookingChange(row.booking.id, f"catch-up-{self._new_id()}", self._now()))
            tally.queued += 1
            behind[row.booking.id] = row.etag

        await do_all(rows, send)


def _report(tally: Tally, problem: str = "") -> None:
    telemetry.count(Metric.CATCH_UP_FOUND, tally.queued)
    fields = asdict(tally)
    if problem:
        fields["problem"] = problem
    found = tally.behind or tally.unreadable or tally.unfinished or problem
    log_event(_logger, "catch_up", level=logging.WARNING if found else logging.INFO, **fields)
