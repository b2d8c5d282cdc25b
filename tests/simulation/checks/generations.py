"""No transactionId twice in a run: what carried it, the run has removed.

Graph may remember a deleted event's transactionId and answer with that event (docs/architecture.md, "Creating
exactly once"), so a run that uses one again gets another dead event for it. The next generation is free.

With a way back the row lists an event before anybody removes it, and has used up its generation from then on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from booking_sync.domain.events.event_ref import EventRef
from booking_sync.domain.events.ownership import transaction_id as transaction_of
from booking_sync.ports.outlook.calendars import Written
from tests.simulation.checks.calendars import WrappedCalendar
from tests.simulation.meetings.mailing import RUN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from booking_sync.domain.events.event import EventContent, FoundEvent
    from booking_sync.domain.record import BookingRow, SyncRecord
    from booking_sync.domain.return_path.side import Returned
    from booking_sync.ports.dataverse.bookings import BookingRows, Recorded
    from booking_sync.ports.outlook.calendars import AlreadyCreated
    from tests.simulation.meetings.mailing import Run


@dataclass(frozen=True)
class GenerationWatch(WrappedCalendar):
    """One process's calendars."""

    violations: list[tuple[str, str]]
    made_by: dict[EventRef, str] = field(default_factory=dict)
    """By event, the transactionId that made it."""
    spent: list[tuple[Run | None, str]] = field(default_factory=list)
    """By run, the transactionIds whose events it removed."""

    async def create(
        self,
        mailbox: str,
        content: EventContent,
        *,
        marker: str,
        transaction_id: str,
        birth: str,
        stamp: str = "",
    ) -> Written | AlreadyCreated:
        """See the port."""
        if any(run is RUN.get() and spent == transaction_id for run, spent in self.spent):
            self.violations.append(
                ("generation", f"{transaction_id} is used again by the run that removed its event")
            )
        created = await super().create(
            mailbox, content, marker=marker, transaction_id=transaction_id, birth=birth, stamp=stamp
        )
        if created.event_id:
            self.made_by[EventRef(mailbox, created.event_id)] = transaction_id
        return created

    async def delete(self, event: EventRef) -> bool:
        """See the port."""
        deleted = await super().delete(event)
        if event in self.made_by:
            self.spent.append((RUN.get(), self.made_by[event]))
        return deleted

    async def find(self, mailbox: str, marker: str) -> Sequence[FoundEvent]:
        """See the port."""
        found = await super().find(mailbox, marker)
        self.made_by.update({each.ref: each.transaction_id for each in found if each.transaction_id})
        return found


@dataclass(frozen=True)
class LeavingWatch:
    """Rows that pass everything on, and see that what is to leave has its generation used up on the row."""

    rows: BookingRows
    calendar: GenerationWatch
    marker: Callable[[str], str]

    async def read(self, booking_id: str) -> BookingRow | None:
        """See the port."""
        return await self.rows.read(booking_id)

    async def record(
        self, booking_id: str, etag: str, record: SyncRecord, returned: Returned | None = None
    ) -> Recorded:
        """See the port."""
        for event in returned.side.base.leaving if returned else ():
            mark, used = self.marker(booking_id), range(record.generation + 1)
            made_by = self.calendar.made_by.get(event)
            if made_by and made_by not in {transaction_of(mark, event.mailbox, each) for each in used}:
                words = f"{event.event_id} leaves, and its row is at generation {record.generation} still"
                self.calendar.violations.append(("generation", words))
        return await self.rows.record(booking_id, etag, record, returned)
