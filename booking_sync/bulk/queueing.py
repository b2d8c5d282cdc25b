"""Queues a hint for every booking that matches, at a pace: what `backfill` and `resync --all` do.

Hints are ordinary ones, or mistrusting ones, for a Dataverse whose records may be older than the calendars.
Bookings are listed by their start and queued in that order, by handfuls. After each handful a checkpoint says
how far it came, so that a run which breaks off, by Ctrl-C or by a service that fails, is taken up there. A
booking that is rescheduled meanwhile may be met twice or not at all; its own webhook sees to it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import accumulate, islice
from typing import TYPE_CHECKING, Protocol

from booking_sync.domain.messages.change import BookingChange
from booking_sync.domain.return_path.missing import Missing
from booking_sync.errors import PermanentError, TransientError
from booking_sync.ports.dataverse.bookings import BookingQuery

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from booking_sync.domain.record import BookingRow
    from booking_sync.plumbing.patience import Patience
    from booking_sync.ports.dataverse.bookings import BookingListing, BookingPage
    from booking_sync.ports.platform.clock import Clock
    from booking_sync.sync.sending import PacedSender


@dataclass(frozen=True, slots=True)
class Selection:
    """Which bookings to queue: those to which all that is given here applies."""

    starts_from: datetime
    """Aware."""
    starts_before: datetime | None = None
    resource_id: str = ""
    work_order_ids: tuple[str, ...] = ()
    condition: str = ""
    """As in `BookingQuery`."""
    only_behind: bool = False
    """Leave out those whose rows say that nothing is to be done; those that carry an error are kept."""
    mistrusted: bool = False
    """Have the worker believe no record, sealed or not, and look for each event by its marker."""

    def query(self, starts_from: datetime) -> BookingQuery:
        """The list of those that start then or later."""
        return BookingQuery(
            starts_from=starts_from,
            starts_before=self.starts_before,
            resource_ids=(self.resource_id,) if self.resource_id else (),
            work_order_ids=self.work_order_ids,
            condition=self.condition,
            by_start=True,
        )


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a run has come."""

    correlation_id: str
    selection: Selection
    position: datetime
    """All that starts earlier is queued."""
    done_at_position: frozenset[str] = field(default_factory=frozenset)
    """Ids of the bookings that start right then and are done as well."""
    seen: int = 0
    """Bookings that were looked at."""
    queued: int = 0

    def remaining(self) -> BookingQuery:
        """The list of what is not done yet, and of those at `done_at_position`."""
        return self.selection.query(self.position)

    def passed(self, rows: Sequence[BookingRow], *, queued: int) -> Checkpoint:
        """With these bookings done too; made once for all of them, since thousands may start at one moment.

        Args:
            rows: at least one, in the list's order.
            queued: how many of them were queued.
        """
        starts = list(accumulate((row.booking.start for row in rows), _later, initial=self.position))[1:]
        last = starts[-1]
        at = self.done_at_position if last == self.position else frozenset()
        return replace(
            self,
            position=last,
            done_at_position=at.union(
                row.booking.id for row, start in zip(rows, starts, strict=True) if start == last
            ),
            seen=self.seen + len(rows),
            queued=self.queued + queued,
        )


def _later(position: datetime, start: datetime | None) -> datetime:
    """A booking without a start stands where the one before it does."""
    return start or position


class Checkpoints(Protocol):
    """Where a checkpoint is kept."""

    def save(self, checkpoint: Checkpoint) -> None:
        """Write it down, in place of the one before."""

    def clear(self) -> None:
        """Forget it: all is done."""


class Queueing:
    """Queues bookings.

    Args:
        listing: the bookings in Dataverse.
        is_behind: whether there may be something to do for a booking, by its row alone.
        patience: with a list that fails.
        progress: told the checkpoint each time that it moves.
    """

    def __init__(
        self,
        listing: BookingListing,
        is_behind: Callable[[BookingRow], bool],
        patience: Patience,
        progress: Callable[[Checkpoint], None] = lambda _checkpoint: None,
    ) -> None:
        self._listing = listing
        self._is_behind = is_behind
        self._patience = patience
        self._progress = progress

    async def count(self, checkpoint: Checkpoint) -> Checkpoint:
        """How many there are to be queued; nothing is.

        Raises:
            SyncError: Dataverse can't list them.
        """
        run = _Run(checkpoint, None, None)
        await self._insist(run)
        return run.checkpoint

    async def run(
        self, checkpoint: Checkpoint, sender: PacedSender, checkpoints: Checkpoints, now: Clock
    ) -> Checkpoint:
        """Queue them all; returns the last checkpoint, which is forgotten then.

        Raises:
            SyncError: Dataverse or the queue failed for good; the checkpoint is there to go on from, unless
                it was refused before any booking was reached.
        """
        run = _Run(checkpoint, sender, checkpoints, now)
        checkpoints.save(checkpoint)
        try:
            await self._insist(run)
        except PermanentError:
            if not run.checkpoint.seen:
                checkpoints.clear()
            raise
        checkpoints.clear()
        return run.checkpoint

    async def _insist(self, run: _Run) -> None:
        """List from the checkpoint on, again and again, until the list came to its end."""
        tried = 0
        while True:
            before = run.checkpoint
            try:
                pages = self._listing.list_bookings(run.checkpoint.remaining())
                await self._take(pages, run)
            except TransientError as error:
                tried = 1 if run.checkpoint != before else tried + 1
                seconds = self._patience.wait(tried, error)
                if seconds is None:
                    raise
                await self._patience.sleep(seconds)
            else:
                return

    async def _take(self, pages: AsyncIterator[BookingPage], run: _Run) -> None:
        async for page in pages:
            # Rows that can't be read have no start to go on from, and are the worker's to tell about.
            await run.add_unreadable([row.booking_id for row in page.unreadable], moving=bool(page.rows))
            done = run.checkpoint.done_at_position
            fresh = [row for row in page.rows if row.booking.id not in done]
            for handful in _handfuls(fresh, run.handful):
                await run.add(handful, self._wanted(handful, run.checkpoint.selection))
                self._progress(run.checkpoint)

    def _wanted(self, rows: Iterable[BookingRow], selection: Selection) -> frozenset[str]:
        return frozenset(row.booking.id for row in rows if not selection.only_behind or self._is_behind(row))


@dataclass(slots=True)
class _Run:
    """One run and how far it has come; without a sender it only counts."""

    checkpoint: Checkpoint
    sender: PacedSender | None
    checkpoints: Checkpoints | None
    now: Clock | None = None
    _unreadable: set[str] = field(default_factory=set)

    @property
    def handful(self) -> int:
        return self.sender.pace.handful if self.sender else 500

    async def add(self, rows: Sequence[BookingRow], wanted: frozenset[str]) -> None:
        """Queue what is wanted of these, and move the checkpoint past all of them."""
        await self._send({row.booking.id: row.mailboxes for row in rows if row.booking.id in wanted})
        self.checkpoint = self.checkpoint.passed(rows, queued=len(wanted))
        if self.checkpoints:
            self.checkpoints.save(self.checkpoint)

    async def add_unreadable(self, booking_ids: Sequence[str], *, moving: bool) -> None:
        """Queue those that can't be read, once each as long as they may be listed again.

        Args:
            booking_ids: of one page.
            moving: the page has others, so that what came before it is listed no more.
        """
        fresh = [each for each in booking_ids if each not in self._unreadable]
        await self._send(dict.fromkeys(fresh, frozenset()))
        self._unreadable = set(booking_ids) if moving else self._unreadable.union(booking_ids)
        self.checkpoint = replace(
            self.checkpoint,
            seen=self.checkpoint.seen + len(fresh),
            queued=self.checkpoint.queued + len(fresh),
        )

    async def _send(self, mailboxes: Mapping[str, frozenset[str]]) -> None:
        """Queue these bookings, with the calendars in which their events are or should be."""
        if not (self.sender and self.now and mailboxes):
            return
        moment, mistrusted = self.now(), self.checkpoint.selection.mistrusted
        hints = [
            BookingChange(
                booking_id,
                self.checkpoint.correlation_id,
                moment,
                uncertain=mistrusted,
                suspects=suspects if mistrusted else frozenset(),
                missing=Missing.ORDERED if mistrusted else Missing.UNKNOWN,
            )
            for booking_id, suspects in mailboxes.items()
        ]
        await self.sender.send(hints)


def _handfuls(rows: Iterable[BookingRow], size: int) -> Iterator[list[BookingRow]]:
    remaining = iter(rows)
    while handful := list(islice(remaining, size)):
        yield handful
