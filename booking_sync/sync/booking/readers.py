"""The readers of events: looked up before a booking is rendered, so that rendering stays pure.

`RowsForReaders` stands before the bookings in Dataverse and puts the reader on each row that will show, so
that sync, catch-up, audit, status and preview all see the same event. `KnownReaders` remembers what mailboxes
told: a person changes language once in years.

A booking that can't be shown in its reader's language yet waits. It would be written in another language and
then once more, and notes in its body would be lost for nothing. It does not wait for ever, though, and one
whose reader was known before does not wait at all.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from zlib import crc32

from booking_sync.domain.bookings.reader import NOBODY
from booking_sync.errors import PermanentError, TransientError
from booking_sync.ports.dataverse.bookings import BookingPage, UnreadableRow

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from datetime import datetime

    from booking_sync.domain.bookings.booking import Booking
    from booking_sync.domain.bookings.reader import Reader
    from booking_sync.domain.record import BookingRow, SyncRecord
    from booking_sync.domain.return_path.side import Returned
    from booking_sync.ports.dataverse.bookings import BookingQuery, Bookings, Recorded
    from booking_sync.ports.outlook.readers import Readers
    from booking_sync.ports.platform.clock import Clock

KNOWN_FOR: Final = timedelta(hours=12)
"""How long an answer counts."""
REFUSED_FOR: Final = timedelta(hours=1)
"""How long a refusal does: a right that was just granted arrives within two hours."""
AGAIN_AFTER: Final = timedelta(minutes=5)
"""When a mailbox is asked again that did not answer."""
WAITS_FOR: Final = timedelta(minutes=10)
"""How long a booking waits for a mailbox that never answered; then it shows as for somebody unknown."""
MAX_KNOWN: Final = 50_000
"""Mailboxes; those that were asked longest ago are forgotten first."""


@dataclass(frozen=True, slots=True)
class _Told:
    """What is known of a mailbox; moments are aware."""

    reader: Reader | None
    """None: it never told."""
    at: datetime
    """When it told that, or failed to for the first time."""
    until: datetime
    """Until then it is not asked."""


class KnownReaders:
    """Remembers readers for the life of the process.

    Answers of one mailbox end at the same moments in every process, each mailbox's at others: instances
    disagree at most until the next of them, and not all mailboxes are asked at once.

    Args:
        readers: who is asked.
        now: the time of day, aware.
        room: for how many mailboxes.
    """

    def __init__(self, readers: Readers, now: Clock, *, room: int = MAX_KNOWN) -> None:
        self._readers = readers
        self._now = now
        self._room = room
        self._told: OrderedDict[str, _Told] = OrderedDict()
        self._under_way: dict[str, asyncio.Task[Reader | TransientError]] = {}

    async def reader(self, mailbox: str) -> Reader:
        """Language and zone of the mailbox; `NOBODY` where they can't be told.

        Args:
            mailbox: Entra object id, lower case.

        Raises:
            TransientError: they can't be told now, and have not been for some minutes at most.
        """
        told = self._told.get(mailbox)
        if told is not None and self._now() < told.until:
            return told.reader or NOBODY
        asking = self._under_way.get(mailbox)
        if asking is None:
            asking = self._under_way[mailbox] = asyncio.create_task(self._ask(mailbox, told))
            asking.add_done_callback(lambda _: self._under_way.pop(mailbox, None))
        # Whoever waits may be canceled; the others go on waiting for the same answer.
        answer = await asyncio.shield(asking)
        if isinstance(answer, TransientError):
            raise answer
        return answer

    async def _ask(self, mailbox: str, before: _Told | None) -> Reader | TransientError:
        try:
            reader = await self._readers.reader(mailbox)
        except PermanentError:
            return self._refused(mailbox, before)
        except TransientError as error:
            return self._unanswered(mailbox, before, error)
        now = self._now()
        return self._keep(mailbox, _Told(reader, now, self._end(mailbox, now)))

    def _unanswered(
        self, mailbox: str, before: _Told | None, error: TransientError
    ) -> Reader | TransientError:
        """What was told before still counts; who never told is asked each time, as Graph may be back now."""
        now = self._now()
        if before and before.reader:
            return self._keep(mailbox, replace(before, until=now + AGAIN_AFTER))
        since = before.at if before else now
        reader = self._keep(mailbox, _Told(None, since, now))
        return error if error.untried or now - since < WAITS_FOR else reader

    def _refused(self, mailbox: str, before: _Told | None) -> Reader:
        """A right that was taken away counts once it has been missing for long: grants arrive in pieces."""
        now = self._now()
        if before and before.reader and now - before.at < 2 * KNOWN_FOR:
            return self._keep(mailbox, replace(before, until=now + REFUSED_FOR))
        return self._keep(mailbox, _Told(NOBODY, now, now + REFUSED_FOR))

    def _keep(self, mailbox: str, told: _Told) -> Reader:
        self._told[mailbox] = told
        self._told.move_to_end(mailbox)
        if len(self._told) > self._room:
            self._told.popitem(last=False)
        return told.reader or NOBODY

    @staticmethod
    def _end(mailbox: str, now: datetime) -> datetime:
        """The next moment at which this mailbox's answers end, everywhere."""
        age = KNOWN_FOR.total_seconds()
        return now + timedelta(seconds=age - (now.timestamp() + crc32(mailbox.encode())) % age)


class RowsForReaders:
    """Bookings with their readers; all else is as the rows have it.

    Args:
        rows: the bookings in Dataverse.
        readers: who reads.
        shown_in: the mailbox that a booking shows in; None for one that shows nowhere, whose resource's
            mailbox is nobody's business.
        single: whether a single row's reader is waited for. Otherwise a row whose reader can't be told now
            is one that can't be read, like those of lists.
    """

    def __init__(
        self,
        rows: Bookings,
        readers: KnownReaders,
        shown_in: Callable[[Booking], str | None],
        *,
        single: bool = True,
    ) -> None:
        self._rows = rows
        self._readers = readers
        self._shown_in = shown_in
        self._single = single

    def for_many(self) -> RowsForReaders:
        """The same for whoever reads rows one by one and is not to fail for one mailbox."""
        return RowsForReaders(self._rows, self._readers, self._shown_in, single=False)

    async def read(self, booking_id: str) -> BookingRow | None:
        """As `BookingRows.read`."""
        row = await self._rows.read(booking_id)
        if row is None:
            return None
        try:
            return await self._complete(row)
        except TransientError as error:
            if self._single:
                raise
            raise PermanentError(_unknown(error)) from error

    async def record(
        self, booking_id: str, etag: str, record: SyncRecord, returned: Returned | None = None
    ) -> Recorded:
        """As `BookingRows.record`."""
        return await self._rows.record(booking_id, etag, record, returned)

    async def list_bookings(self, query: BookingQuery) -> AsyncIterator[BookingPage]:
        """As `BookingListing.list_bookings`."""
        async for page in self._rows.list_bookings(query):
            yield await self._complete_page(page)

    async def count_bookings(self, query: BookingQuery) -> int:
        """As `BookingCounts.count_bookings`."""
        return await self._rows.count_bookings(query)

    async def _complete_page(self, page: BookingPage) -> BookingPage:
        done = await asyncio.gather(*(self._try(row) for row in page.rows))
        rows = tuple(each for each in done if not isinstance(each, UnreadableRow))
        unreadable = tuple(each for each in done if isinstance(each, UnreadableRow))
        return BookingPage(rows, (*page.unreadable, *unreadable))

    async def _try(self, row: BookingRow) -> BookingRow | UnreadableRow:
        try:
            return await self._complete(row)
        except TransientError as error:
            return UnreadableRow(row.booking.id, _unknown(error))

    async def _complete(self, row: BookingRow) -> BookingRow:
        mailbox = self._shown_in(row.booking)
        if mailbox is None:
            return row
        reader = await self._readers.reader(mailbox.lower())
        return replace(row, booking=replace(row.booking, reader=reader))


def _unknown(error: TransientError) -> str:
    return f"Outlook does not tell the language of the booking's reader now: {error.reason}."
