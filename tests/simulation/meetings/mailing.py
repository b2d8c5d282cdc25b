"""I5 in a process's own view: no write, tag or removal of an event to which people are invited.

One window is documented (docs/architecture.md, "When somebody is invited"): people were invited since the app
last heard of the event, and what it hears it keeps on the row. So a touch is a mistake when

- the run has heard of the people, or an earlier one of this process that recorded something after it had, and
  nothing else was heard since, or
- they were invited before the run began, and the run may not believe the row: it is untrusted, or the row's
  record has no fingerprint. Such a run has to look first.
"""

from __future__ import annotations

import contextvars
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from booking_sync.domain.events.event_ref import EventRef
from booking_sync.domain.record import read_fingerprint
from booking_sync.domain.return_path.side import Returned
from booking_sync.ports.dataverse.bookings import Recorded
from booking_sync.ports.outlook.calendars import Written
from tests.simulation.checks.calendars import WrappedCalendar
from tests.simulation.meetings.habits import Habits

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from booking_sync.domain.events.event import ContentPart, EventContent, EventState, FoundEvent, SeenEvent
    from booking_sync.domain.outcome import Outcome
    from booking_sync.domain.record import BookingRow, SyncRecord
    from booking_sync.ports.dataverse.bookings import BookingRows
    from booking_sync.ports.outlook.calendars import AlreadyCreated
    from booking_sync.sync.booking.task import SyncTask
    from tests.simulation.chance.conductor import Conductor


@dataclass
class Run:
    """One run of a task."""

    began: int
    """The conductor's decision at which it did."""
    task: SyncTask
    row_event: EventRef | None = None
    """The event whose fingerprint the row, as it was read last, records."""
    withdrawn: set[EventRef] = field(default_factory=set)
    """Events that it took off the row, which it believed; nobody else's record came between."""
    heard: dict[EventRef, bool] = field(default_factory=dict)
    """By event, whether the last answer that told of it told of people."""

    def may_believe(self, event: EventRef) -> bool:
        """Whether it need not look before it touches the event."""
        claimed = {each.event for each in self.task.deleted if read_fingerprint(each.state)}
        return self.task.trusted and event in {self.row_event, *claimed, *self.withdrawn}


RUN: contextvars.ContextVar[Run | None] = contextvars.ContextVar("run", default=None)


def watched_runs(
    sync: Callable[[SyncTask], Awaitable[Outcome]], conductor: Conductor
) -> Callable[[SyncTask], Awaitable[Outcome]]:
    """The same, with each run known to what it calls."""

    async def watched(task: SyncTask) -> Outcome:
        token = RUN.set(Run(conductor.decisions, task))
        try:
            return await sync(task)
        finally:
            RUN.reset(token)

    return watched


@dataclass(frozen=True)
class RowWatch:
    """Rows that pass everything on, and note what a run read, and that it recorded what it heard."""

    rows: BookingRows
    heard: dict[EventRef, bool]
    """What the process's runs had heard by the time they recorded."""
    lasting: bool
    """What is recorded stays on the row: nobody brings an earlier record back, which knows nothing."""

    async def read(self, booking_id: str) -> BookingRow | None:
        """See the port."""
        row = await self.rows.read(booking_id)
        run = RUN.get()
        if run is not None:
            run.row_event = row.record.event if row and row.record.fingerprint else None
        return row

    async def record(
        self, booking_id: str, etag: str, record: SyncRecord, returned: Returned | None = None
    ) -> Recorded:
        """See the port."""
        recorded = await self.rows.record(booking_id, etag, record, returned)
        run = RUN.get()
        if run is not None and recorded is Recorded.DONE and self.lasting:
            self.heard.update(run.heard)
        if run is not None:
            leaving = returned.side.base.leaving if returned else frozenset[EventRef]()
            believed = {run.row_event, *run.withdrawn} & leaving if recorded is Recorded.DONE else ()
            run.withdrawn = {each for each in believed if each}
        return recorded


@dataclass(frozen=True)
class MailWatch(WrappedCalendar):
    """One process's calendars."""

    habits: Habits
    violations: list[tuple[str, str]]
    heard: dict[EventRef, bool]
    """As `RowWatch.heard`."""

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
        created = await super().create(
            mailbox, content, marker=marker, transaction_id=transaction_id, birth=birth, stamp=stamp
        )
        if isinstance(created, Written):
            self._hear(EventRef(mailbox, created.event_id), created.state)
        return created

    async def update(
        self,
        event: EventRef,
        content: EventContent,
        kept: frozenset[ContentPart] = frozenset(),
        *,
        stamp: str = "",
        etag: str = "",
    ) -> Written | None:
        """See the port."""
        self._check(event, "update")
        written = await super().update(event, content, kept, stamp=stamp, etag=etag)
        if written is not None:
            self._hear(event, written.state)
        return written

    async def delete(self, event: EventRef) -> bool:
        """See the port."""
        self._check(event, "delete")
        return await super().delete(event)

    async def tag(self, event: EventRef, booking_id: str, seal: str) -> bool:
        """See the port."""
        self._check(event, "tag")
        return await super().tag(event, booking_id, seal)

    async def look(self, event: EventRef) -> FoundEvent | None:
        """See the port."""
        found = await super().look(event)
        if found is not None:
            self._hear(event, found.state)
        return found

    async def see(self, event: EventRef) -> SeenEvent | None:
        """See the port."""
        seen = await super().see(event)
        if seen is not None:
            self._hear(event, seen.state)
        return seen

    async def find(self, mailbox: str, marker: str) -> Sequence[FoundEvent]:
        """See the port."""
        found = await super().find(mailbox, marker)
        for each in found:
            self._hear(each.ref, each.state)
        return found

    def _hear(self, event: EventRef, state: EventState) -> None:
        if run := RUN.get():
            run.heard[_key(event)] = state.attended

    def _check(self, event: EventRef, what: str) -> None:
        since, run = self.habits.invited_since(event), RUN.get()
        if since is None:
            return
        if (run.heard if run else self.heard).get(_key(event), self.heard.get(_key(event))):
            why = "has heard of"
        elif run is None or (since < run.began and not run.may_believe(event)):
            why = "did not look for"
        else:
            return
        self.violations.append(("mail", f"{what} of {event.event_id} by a process that {why} the people"))


def _key(event: EventRef) -> EventRef:
    return replace(event, mailbox=event.mailbox.lower())
