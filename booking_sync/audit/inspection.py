"""Looks at a part of the calendars: lists both sides, compares them, and looks twice.

The order of the steps is chosen so that what changes meanwhile leads to no finding: rows first, then
calendars, and in the end the rows of all findings once more. A row that has changed in between was worked on
by somebody, which is the worker's business; the next audit sees how that ended.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING

from booking_sync.audit.compare import AuditWindow, Snapshot, booking_of, compare
from booking_sync.audit.findings import ABOUT_EVENTS, Finding, Kind
from booking_sync.audit.parts import MAX_ROWS_PER_PART, AuditPart
from booking_sync.errors import PermanentError, SyncError, TransientError
from booking_sync.ports.dataverse.bookings import (
    BookingPage,
    BookingQuery,
    HiddenBookingError,
    Presence,
    UnreadableRow,
    UntoldBookingError,
)
from booking_sync.sync.sending import do_all

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from booking_sync.domain.events.event import MarkedEvent
    from booking_sync.domain.events.event_ref import EventRef
    from booking_sync.domain.plan import DesiredStateRule
    from booking_sync.domain.record import BookingRow
    from booking_sync.ports.dataverse.bookings import AuditReads, BookingListing, BookingRows
    from booking_sync.ports.outlook.calendars import MarkedEvents
    from booking_sync.sync.booking.proof import EventProver

MAILBOXES_AT_ONCE = 60
"""Three full batches: enough to be quick, and little beside the sixteen that may be in flight."""
LISTING_TRIES = 3
LONGEST_WAIT_SECONDS = 10.0
"""A mailbox that asks for more patience is audited the next time."""
RESOURCES_PER_QUERY = 60
"""Each is a condition of some 60 characters; keeps the URL far below Dataverse's 32 KB."""


@dataclass(frozen=True, slots=True)
class InspectionLimits:
    """How much is looked at together, and how long is waited for one calendar."""

    most_rows: int = MAX_ROWS_PER_PART
    """More bookings than this are not held at once, where a part may shrink."""
    max_unrecorded: int = 1_000
    """Marked events of one calendar that no listed row names. After a disaster there are some hundreds;
    whoever fills an own calendar with more must not use up the time of everybody's audit."""
    listing_seconds: float = 180.0
    """For one calendar; less than a part has."""


class PartTooLargeError(Exception):
    """There are more bookings than fit into memory together: look at fewer mailboxes at a time."""


@dataclass(frozen=True, slots=True)
class AuditSources:
    """Where the two sides are listed."""

    listing: BookingListing
    rows: BookingRows
    reads: AuditReads
    events: MarkedEvents
    prover: EventProver
    edits_stay: bool = False
    """As in `Snapshot`."""


@dataclass(frozen=True, slots=True)
class Inspected:
    """What was seen of a part."""

    findings: tuple[Finding, ...]
    """Those that the second look confirmed."""
    unreadable: tuple[Finding, ...]
    """What nothing could be concluded about."""
    in_motion: int
    """Findings dropped because their rows changed while the audit looked."""
    mailboxes: int
    """Listed completely."""
    rows: int
    """Bookings in the window."""
    events: int
    """Marked events of this organisation."""
    expected: int
    """Rows that name an event which should be among the events."""
    failing: frozenset[str]
    """Bookings whose rows tell of an error."""


@dataclass(slots=True)
class _Gathered:
    """What one run has listed so far."""

    window: AuditWindow
    rows: dict[str, BookingRow] = field(default_factory=dict)
    rows_in_window: int = 0
    unreadable_rows: dict[str, str] = field(default_factory=dict)
    calendars: dict[str, Sequence[MarkedEvent]] = field(default_factory=dict)
    unreadable_mailboxes: dict[str, str] = field(default_factory=dict)
    presence: Mapping[str, Presence] = field(default_factory=dict)
    proven: dict[EventRef, int] = field(default_factory=dict)

    def unreadable(self) -> list[Finding]:
        """What nothing could be concluded about."""
        mailboxes = [
            Finding(Kind.UNREADABLE, f"The mailbox was not audited. {reason}", mailbox=mailbox)
            for mailbox, reason in self.unreadable_mailboxes.items()
        ]
        rows = [
            Finding(Kind.UNREADABLE, f"The booking was not audited. {reason}", booking_id)
            for booking_id, reason in self.unreadable_rows.items()
        ]
        return mailboxes + rows

    def leave_to_others(self, mailboxes: frozenset[str], organization_id: str) -> None:
        """In these mailboxes, which are other parts', leave the events of other bookings to them."""
        ours = self.rows.keys() | self.unreadable_rows.keys()
        for mailbox in self.calendars.keys() & mailboxes:
            listed = self.calendars[mailbox]
            self.calendars[mailbox] = [each for each in listed if booking_of(each, organization_id) in ours]


class Inspector:
    """Looks at parts; any number of looks may overlap, with each other and with the worker.

    Args:
        sources: where the two sides are listed.
        desired_state: what Outlook should show of a booking.
        organization_id: of the Dataverse environment, for the marker.
        limits: how much is looked at together.
        sleep: waits for a mailbox that asked for a moment's patience.
    """

    def __init__(
        self,
        sources: AuditSources,
        desired_state: DesiredStateRule,
        organization_id: str,
        *,
        limits: InspectionLimits | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._sources = sources
        self._desired_state = desired_state
        self._organization_id = organization_id
        self._limits = limits or InspectionLimits()
        self._sleep = sleep

    async def inspect(self, part: AuditPart, window: AuditWindow) -> Inspected:
        """One look.

        Raises:
            PartTooLargeError: the part has too many bookings, and may shrink.
            TransientError: Dataverse could not be listed completely.
            PermanentError: Dataverse refuses the app.
        """
        gathered = await self._gather(part, window)
        snapshot = self._snapshot(gathered)
        # In a thread, since rendering thousands of bookings would hold up every change on the loop.
        found = await asyncio.to_thread(compare, snapshot, self._desired_state)
        found = [each for each in found if not _is_elsewhere(each, part)]
        steady = await self._look_again(found, gathered.rows)
        own = snapshot.calendars.keys() - part.elsewhere
        return Inspected(
            findings=steady,
            unreadable=tuple(gathered.unreadable()),
            in_motion=len(found) - len(steady),
            mailboxes=len(own),
            rows=gathered.rows_in_window,
            events=_count_events(snapshot, own),
            expected=_count_expected(snapshot, own),
            failing=frozenset(each for each, row in gathered.rows.items() if row.record.error),
        )

    async def look(self, part: AuditPart, window: AuditWindow) -> tuple[Snapshot, tuple[Finding, ...]]:
        """Both sides as they are now, for whoever shows them, and what nothing can be concluded about.

        Raises:
            TransientError: Dataverse could not be listed completely.
            PermanentError: Dataverse refuses the app.
        """
        gathered = await self._gather(part, window)
        return self._snapshot(gathered), tuple(gathered.unreadable())

    # --- listing --------------------------------------------------------------------------------------

    async def _gather(self, part: AuditPart, window: AuditWindow) -> _Gathered:
        gathered = _Gathered(window)
        async for page in self._pages(part, window):
            self._take(page, part, gathered)
        named = part.mailboxes or frozenset().union(*(row.mailboxes for row in gathered.rows.values()))
        await self._list_calendars(gathered, named, part.own_mailboxes - named)
        gathered.leave_to_others(part.elsewhere, self._organization_id)
        self._leave_out_crowded(gathered)
        await self._read_other_rows(gathered)
        await self._prove_unrecorded(gathered)
        return gathered

    async def _pages(self, part: AuditPart, window: AuditWindow) -> AsyncIterator[BookingPage]:
        query = BookingQuery(starts_from=window.first, starts_before=window.last)
        if part.booking_ids:
            rows = await self._read_rows(part.booking_ids)
            yield _page_of(part.booking_ids, rows, window)
            return
        if part.undivided:
            async for page in self._sources.listing.list_bookings(query):
                yield page
            return
        for start in range(0, len(part.resource_ids), RESOURCES_PER_QUERY):
            some = part.resource_ids[start : start + RESOURCES_PER_QUERY]
            async for page in self._sources.listing.list_bookings(replace(query, resource_ids=some)):
                yield page

    def _take(self, page: BookingPage, part: AuditPart, gathered: _Gathered) -> None:
        gathered.rows_in_window += len(page.rows) + len(page.unreadable)
        for row in page.rows:
            if not part.mailboxes or part.mailboxes & row.mailboxes:
                gathered.rows[row.booking.id] = row
        gathered.unreadable_rows |= {row.booking_id: row.reason for row in page.unreadable}
        if part.may_shrink and len(gathered.rows) > self._limits.most_rows:
            raise PartTooLargeError

    async def _list_calendars(
        self, gathered: _Gathered, concerned: frozenset[str], others: frozenset[str]
    ) -> None:
        """List each mailbox.

        A resource whom no booking concerns may well have no mailbox, or one outside the app's scope: that
        others are refused is no finding, or no audit would ever be clean.
        """

        async def list_one(mailbox: str) -> None:
            try:
                async with asyncio.timeout(self._limits.listing_seconds):
                    gathered.calendars[mailbox] = await self._list_calendar(mailbox, gathered.window)
            except TimeoutError:
                gathered.unreadable_mailboxes[mailbox] = (
                    f"It could not be listed within {self._limits.listing_seconds:g} seconds."
                )
            except SyncError as error:
                if mailbox in concerned or isinstance(error, TransientError):
                    gathered.unreadable_mailboxes[mailbox] = error.reason

        await do_all(sorted(concerned | others), list_one, at_once=MAILBOXES_AT_ONCE)

    async def _list_calendar(self, mailbox: str, window: AuditWindow) -> Sequence[MarkedEvent]:
        """The whole list, from the beginning on each try: halves of two lists are no list."""
        for _ in range(LISTING_TRIES - 1):
            try:
                return await self._sources.events.list_marked(mailbox, window.first, window.last)
            except TransientError as error:
                wait = 1.0 if error.retry_after is None else error.retry_after
                if wait > LONGEST_WAIT_SECONDS:
                    raise
                await self._sleep(wait)
        return await self._sources.events.list_marked(mailbox, window.first, window.last)

    def _leave_out_crowded(self, gathered: _Gathered) -> None:
        """Take no calendar for audited whose unrecorded events would cost too many requests."""
        most = self._limits.max_unrecorded
        for mailbox, events in list(gathered.calendars.items()):
            strange = (event for event in events if self._is_strange(event, gathered.rows))
            if next(islice(strange, most, None), None) is not None:
                del gathered.calendars[mailbox]
                gathered.unreadable_mailboxes[mailbox] = (
                    f"It holds more than {most} events with the app's mark that no booking names."
                )

    def _is_strange(self, event: MarkedEvent, rows: Mapping[str, BookingRow]) -> bool:
        booking_id = booking_of(event, self._organization_id)
        row = rows.get(booking_id or "")
        return booking_id is not None and (row is None or row.record.event != event.ref)

    async def _read_other_rows(self, gathered: _Gathered) -> None:
        """The rows that events name, and that are not among the window's; and what became of missing ones."""
        named = {
            booking_id
            for events in gathered.calendars.values()
            for event in events
            if (booking_id := booking_of(event, self._organization_id))
        }
        unknown = sorted(named - gathered.rows.keys() - gathered.unreadable_rows.keys())
        absent: list[str] = []
        for booking_id, row in zip(unknown, await self._read_rows(unknown), strict=True):
            if row is None:
                absent.append(booking_id)
            elif isinstance(row, PermanentError):
                gathered.unreadable_rows[booking_id] = row.reason
            else:
                gathered.rows[booking_id] = row
        gathered.presence = await self._sources.reads.presence(absent) if absent else {}

    async def _prove_unrecorded(self, gathered: _Gathered) -> None:
        """Look which of the events that no sealed record names are ours: people copy events, markers and all.

        A mailbox in which that can't be told was not audited.
        """

        async def prove(claimed: tuple[str, str]) -> None:
            mailbox, booking_id = claimed
            try:
                own = await self._sources.prover.own_events(booking_id, mailbox)
            except SyncError as error:
                gathered.calendars.pop(mailbox, None)
                gathered.unreadable_mailboxes[mailbox] = error.reason
            else:
                gathered.proven |= {each.event: each.generation for each in own}

        await do_all(sorted(self._unrecorded(gathered)), prove, at_once=MAILBOXES_AT_ONCE)

    def _unrecorded(self, gathered: _Gathered) -> set[tuple[str, str]]:
        """Mailboxes and bookings of events that no sealed record names."""
        hidden = {each for each, state in gathered.presence.items() if state is not Presence.GONE}
        found: set[tuple[str, str]] = set()
        for mailbox, events in gathered.calendars.items():
            for event in events:
                booking_id = booking_of(event, self._organization_id)
                if not booking_id or booking_id in hidden or booking_id in gathered.unreadable_rows:
                    continue
                row = gathered.rows.get(booking_id)
                if row is None or row.record.event != event.ref:
                    found.add((mailbox, booking_id))
        return found

    async def _read_rows(self, booking_ids: Sequence[str]) -> list[BookingRow | PermanentError | None]:
        """Each row, None for one that no list holds, or why this very row can't be read."""
        results = await asyncio.gather(
            *(self._sources.rows.read(booking_id) for booking_id in booking_ids), return_exceptions=True
        )
        rows: list[BookingRow | PermanentError | None] = []
        for result in results:
            if isinstance(result, (HiddenBookingError, UntoldBookingError)):
                rows.append(None)
            elif isinstance(result, BaseException) and not isinstance(result, PermanentError):
                raise result
            else:
                rows.append(result)
        return rows

    # --- judging --------------------------------------------------------------------------------------

    def _snapshot(self, gathered: _Gathered) -> Snapshot:
        def those(state: Presence) -> frozenset[str]:
            return frozenset(each for each, found in gathered.presence.items() if found is state)

        return Snapshot(
            organization_id=self._organization_id,
            window=gathered.window,
            rows=gathered.rows,
            calendars=gathered.calendars,
            proven=gathered.proven,
            gone=those(Presence.GONE),
            hidden=those(Presence.HIDDEN),
            edits_stay=self._sources.edits_stay,
        )

    async def _look_again(
        self, findings: Sequence[Finding], rows: Mapping[str, BookingRow]
    ) -> tuple[Finding, ...]:
        """The findings but for those whose rows are not what they were."""
        suspected = {each.booking_id for each in findings if each.repairable} & rows.keys()
        ordered = sorted(suspected)
        moved = {
            booking_id
            for booking_id, row in zip(ordered, await self._read_rows(ordered), strict=True)
            if row is None or isinstance(row, PermanentError) or row.etag != rows[booking_id].etag
        }
        return tuple(finding for finding in findings if finding.booking_id not in moved)


def _page_of(
    booking_ids: Sequence[str], rows: Sequence[BookingRow | PermanentError | None], window: AuditWindow
) -> BookingPage:
    """Rows that were read by their ids, as a page of the window's; what is gone or moved out is left out."""
    unreadable = [
        UnreadableRow(booking_id, row.reason)
        for booking_id, row in zip(booking_ids, rows, strict=True)
        if isinstance(row, PermanentError)
    ]
    readable = [row for row in rows if row is not None and not isinstance(row, PermanentError)]
    return BookingPage(tuple(row for row in readable if window.starts(row.booking)), tuple(unreadable))


def _is_elsewhere(finding: Finding, part: AuditPart) -> bool:
    """Whether it is about an event in another part's mailbox, which finds it too."""
    return finding.kind in ABOUT_EVENTS and finding.mailbox in part.elsewhere


def _count_events(snapshot: Snapshot, mailboxes: AbstractSet[str]) -> int:
    listed = (event for mailbox in mailboxes for event in snapshot.calendars[mailbox])
    return sum(booking_of(event, snapshot.organization_id) is not None for event in listed)


def _count_expected(snapshot: Snapshot, mailboxes: AbstractSet[str]) -> int:
    return sum(
        row.record.event is not None
        and row.record.event.mailbox in mailboxes
        and snapshot.window.shows(row.booking)
        for row in snapshot.rows.values()
    )


def too_slow(part: AuditPart) -> Inspected:
    """What is told of a part that can't be looked at within its time, and can't be made smaller."""
    words = "was not audited. There was no complete answer in time."
    mailboxes = part.mailboxes or part.own_mailboxes
    unreadable = [
        *(Finding(Kind.UNREADABLE, f"The mailbox {words}", mailbox=each) for each in sorted(mailboxes)),
        *(Finding(Kind.UNREADABLE, f"The booking {words}", each) for each in part.booking_ids),
    ]
    return Inspected((), tuple(unreadable), 0, 0, 0, 0, 0, frozenset())
