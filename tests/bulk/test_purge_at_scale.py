"""A purge of any size: what it holds in memory does not grow with the number of bookings."""

from __future__ import annotations

import gc
import tracemalloc
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

from booking_sync.bulk.inventory import CHUNK
from booking_sync.bulk.purge import Purge, PurgeSources
from booking_sync.domain.events.event_ref import EventRef
from booking_sync.domain.plan import Unwanted
from booking_sync.domain.record import BookingRow, SyncRecord
from booking_sync.domain.return_path.side import Returned
from booking_sync.plumbing.patience import Patience
from booking_sync.ports.dataverse.bookings import BookingPage, BookingQuery, Recorded
from tests.bulk.test_purge import EVERYBODY, Reads
from tests.support.bookings import ORGANIZATION_ID, booking
from tests.support.calendars import WholeCalendar
from tests.support.seals import prover

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

MAILBOXES = [str(UUID(int=number + 1)) for number in range(2)]
PAGE = 100


class Crowd(Reads):
    """Rows that are made up page by page, spread over the mailboxes, and forget what they are told."""

    def __init__(self, bookings: int) -> None:
        super().__init__()
        self.cleared = 0
        self.removed = 0
        self._bookings = bookings
        self._at_once = 0
        self.most_at_once = 0

    async def resources(self) -> Mapping[str, str]:
        """See the port."""
        return {each: each for each in MAILBOXES}

    async def list_bookings(self, query: BookingQuery) -> AsyncIterator[BookingPage]:
        """See the port."""
        assert query == BookingQuery(names_event=True)
        for first in range(0, self._bookings, PAGE):
            yield BookingPage(tuple(map(row, range(first, first + PAGE))))

    async def read(self, booking_id: str) -> BookingRow | None:
        """See the port."""
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        return row(UUID(booking_id).int)

    async def record(
        self, booking_id: str, etag: str, record: SyncRecord, returned: Returned | None = None
    ) -> Recorded:
        """See the port."""
        assert (etag, record.event, returned) == (booking_id, None, None)
        self.cleared += 1
        self._at_once -= 1
        return Recorded.DONE


class Calendars(WholeCalendar):
    """Calendars that remove whatever they are told to."""

    def __init__(self) -> None:
        super().__init__()
        self.removed = 0

    async def delete(self, event: EventRef) -> bool:
        """See the port."""
        assert event.mailbox in MAILBOXES
        self.removed += 1
        return True

    async def _enter(self, operation: str, mailbox: str) -> None:
        """Unlike the others, keep no list of calls."""


def row(number: int) -> BookingRow:
    """One that names an event."""
    booking_id, mailbox = str(UUID(int=number)), MAILBOXES[number % len(MAILBOXES)]
    event = EventRef(mailbox, f"AAMkEvent{number:0100}")
    return BookingRow(replace(booking(), id=booking_id), SyncRecord(event, 1), booking_id)


async def purge_all(bookings: int) -> tuple[Crowd, Calendars, int]:
    """Purge a crowd; what it came to, and the most that was held, in bytes."""
    crowd, calendars = Crowd(bookings), Calendars()
    sources = PurgeSources(crowd, crowd, crowd, calendars, calendars, prover(calendars, ORGANIZATION_ID))
    purge = Purge(sources, lambda _: Unwanted("over"), ORGANIZATION_ID, Patience())
    gc.collect()
    tracemalloc.start()
    survey = await purge.survey(EVERYBODY)
    assert sum(each.events for each in survey.mailboxes) == bookings
    assert sum(each.bookings for each in survey.mailboxes) == bookings
    done = await purge.carry_out(survey)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [each.problems for each in done] == [[]] * len(MAILBOXES)
    return crowd, calendars, most


async def test_four_times_the_bookings_take_no_more_memory() -> None:
    """Every event is removed and every record cleared, some hundred at a time."""
    await purge_all(PAGE)  # loads what is loaded at first use
    _, _, few = await purge_all(600)
    crowd, calendars, many = await purge_all(2_400)
    assert (crowd.cleared, calendars.removed) == (2_400, 2_400)
    assert crowd.most_at_once <= CHUNK * len(MAILBOXES)
    assert many < 1.3 * few, (many, few)
