"""The audit's use case: list both sides, compare them, look twice, ask the worker to mend, report.

The order of the steps is chosen so that what changes meanwhile leads to no finding: rows first, then
calendars, and in the end the rows of all findings once more. A row that has changed in between was worked on
by somebody, which is the worker's business; the next audit sees how that ended.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING

from booking_sync.audit.compare import AuditWindow, Snapshot, booking_of, compare
from booking_sync.audit.findings import Finding, Kind
from booking_sync.audit.guard import Listed, judge
from booking_sync.audit.hints import make_hints
from booking_sync.audit.report import AuditReport
from booking_sync.errors import PermanentError, SyncError, TransientError
from booking_sync.plumbing import telemetry
from booking_sync.plumbing.log import log_event
from booking_sync.plumbing.telemetry import Attribute, Metric
from booking_sync.ports.bookings import BookingQuery, Presence
from booking_sync.sync.sending import do_all

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from booking_sync.domain.change import BookingChange
    from booking_sync.domain.event import EventRef, MarkedEvent
    from booking_sync.domain.plan import DesiredStateRule
    from booking_sync.domain.record import BookingRow
    from booking_sync.ports.bookings import AuditReads, BookingListing, BookingRows
    from booking_sync.ports.calendars import MarkedEvents
    from booking_sync.ports.clock import Clock
    from booking_sync.ports.queues import ChangeQueue
    from booking_sync.sync.proof import EventProver

MAILBOXES_AT_ONCE = 60
"""Three full batches: enough to be quick, and little beside the sixteen that may be in flight."""
LISTING_TRIES = 3
LONGEST_WAIT_SECONDS = 10.0
"""A mailbox that asks for more patience is audited the next time."""
SENDS_AT_ONCE = 8

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AuditRequest:
    """What one run is to do."""

    fix: bool = True
    """Enqueue hints; without it the audit only reports."""
    force: bool = False
    """Repair whatever the guard would hold back."""
    mailboxes: frozenset[str] = frozenset()
    """Only these (Entra object ids, lower case); empty for all."""


@dataclass(frozen=True, slots=True)
class AuditScope:
    """How far the audit looks, and how much it believes."""

    days_back: float
    days_ahead: float
    max_removal_ratio: float
    max_unrecorded: int = 1_000
    """Marked events of one calendar that no listed row names. After a disaster there are some hundreds;
    whoever fills an own calendar with more must not use up the time of everybody's audit."""
    listing_seconds: float = 180.0
    """For one calendar; a run as a whole has ten minutes (`functionTimeout`)."""


@dataclass(frozen=True, slots=True)
class AuditSources:
    """Where the two sides are listed."""

    listing: BookingListing
    rows: BookingRows
    reads: AuditReads
    events: MarkedEvents
    prover: EventProver


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


class Auditor:
    """Compares calendars with rows; any number of runs may overlap, with each other and with the worker.

    Args:
        sources: where the two sides are listed.
        queue: gets the hints.
        desired_state: what Outlook should show of a booking.
        organization_id: of the Dataverse environment, for the marker.
        scope: how far to look.
        now: the time of day.
        new_id: names a run.
        sleep: waits for a mailbox that asked for a moment's patience.
    """

    def __init__(
        self,
        sources: AuditSources,
        queue: ChangeQueue,
        desired_state: DesiredStateRule,
        organization_id: str,
        *,
        scope: AuditScope,
        now: Clock,
        new_id: Callable[[], str],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._sources = sources
        self._queue = queue
        self._desired_state = desired_state
        self._organization_id = organization_id
        self.scope = scope
        self._now = now
        self._new_id = new_id
        self._sleep = sleep

    async def run(self, request: AuditRequest) -> AuditReport:
        """One audit.

        Raises:
            TransientError: Dataverse could not be listed completely, or the queue not be reached, now.
            PermanentError: Dataverse refuses the app.
        """
        audit_id = f"audit-{self._new_id()}"
        try:
            report = await self._run(audit_id, request)
        except SyncError as error:
            log_event(
                _logger, "audit_failed", level=logging.ERROR, correlationId=audit_id, reason=error.reason
            )
            raise
        _log(report)
        return report

    async def _run(self, audit_id: str, request: AuditRequest) -> AuditReport:
        gathered = await self._gather(request)
        snapshot = self._snapshot(gathered)
        # In a thread, since rendering thousands of bookings would hold up every change on the loop.
        found = await asyncio.to_thread(compare, snapshot, self._desired_state)
        steady = await self._look_again(found, gathered.rows)
        listed = _measure(snapshot, gathered)
        verdict = judge(steady, listed, self.scope.max_removal_ratio, force=request.force)
        enqueued = await self._enqueue(verdict.repairs, audit_id) if request.fix else 0
        return AuditReport(
            audit_id=audit_id,
            window=gathered.window,
            mailboxes=len(gathered.calendars),
            listed=listed,
            findings=(*verdict.alarms, *gathered.unreadable(), *steady),
            in_motion=len(found) - len(steady),
            withheld=len(verdict.withheld),
            enqueued=enqueued,
        )

    # --- listing --------------------------------------------------------------------------------------

    async def _gather(self, request: AuditRequest) -> _Gathered:
        today = self._now()
        window = AuditWindow(
            (today - timedelta(days=self.scope.days_back)).replace(microsecond=0),
            (today + timedelta(days=self.scope.days_ahead)).replace(microsecond=0),
        )
        gathered = _Gathered(window)
        await self._list_rows(gathered, request)
        concerned = request.mailboxes
        if not concerned:
            concerned = frozenset().union(*(row.mailboxes for row in gathered.rows.values()))
        others = frozenset() if request.mailboxes else await self._sources.reads.user_mailboxes() - concerned
        await self._list_calendars(gathered, concerned, others)
        self._leave_out_crowded(gathered)
        await self._read_other_rows(gathered)
        await self._prove_unrecorded(gathered)
        return gathered

    async def _list_rows(self, gathered: _Gathered, request: AuditRequest) -> None:
        window = gathered.window
        query = BookingQuery(starts_from=window.first, starts_before=window.last)
        async for page in self._sources.listing.list_bookings(query):
            gathered.rows_in_window += len(page.rows) + len(page.unreadable)
            for row in page.rows:
                if not request.mailboxes or request.mailboxes & row.mailboxes:
                    gathered.rows[row.booking.id] = row
            gathered.unreadable_rows |= {row.booking_id: row.reason for row in page.unreadable}

    async def _list_calendars(
        self, gathered: _Gathered, concerned: frozenset[str], others: frozenset[str]
    ) -> None:
        """List each mailbox.

        A resource whom no booking concerns may well have no mailbox, or one outside the app's scope: that
        others are refused is no finding, or no audit would ever be clean.
        """

        async def list_one(mailbox: str) -> None:
            try:
                async with asyncio.timeout(self.scope.listing_seconds):
                    gathered.calendars[mailbox] = await self._list_calendar(mailbox, gathered.window)
            except TimeoutError:
                gathered.unreadable_mailboxes[mailbox] = (
                    f"It could not be listed within {self.scope.listing_seconds:g} seconds."
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
        most = self.scope.max_unrecorded
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
        """Each row, None for one that a complete answer did not hold, or why this very row can't be read."""
        results = await asyncio.gather(
            *(self._sources.rows.read(booking_id) for booking_id in booking_ids), return_exceptions=True
        )
        rows: list[BookingRow | PermanentError | None] = []
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, PermanentError):
                raise result
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

    # --- repairing ------------------------------------------------------------------------------------

    async def _enqueue(self, findings: Iterable[Finding], audit_id: str) -> int:
        hints = list(make_hints(findings, audit_id, self._now()))

        async def send(hint: tuple[BookingChange, float]) -> None:
            change, delay = hint
            await self._queue.send(change, delay)

        return len(await do_all(hints, send, at_once=SENDS_AT_ONCE))


def _measure(snapshot: Snapshot, gathered: _Gathered) -> Listed:
    listed = (event for events in snapshot.calendars.values() for event in events)
    return Listed(
        rows=gathered.rows_in_window,
        events=sum(booking_of(event, snapshot.organization_id) is not None for event in listed),
        expected=sum(
            row.record.event is not None
            and row.record.event.mailbox in snapshot.calendars
            and snapshot.window.shows(row.booking)
            for row in snapshot.rows.values()
        ),
    )


def _log(report: AuditReport) -> None:
    for kind, count in report.counts().items():
        telemetry.count(Metric.AUDIT_FINDINGS, count, {Attribute.KIND: kind})
        level = logging.ERROR if kind == Kind.GUARD else logging.WARNING
        words = sorted({each.words for each in report.findings if each.kind == kind})[:3]
        log_event(
            _logger,
            "audit_finding",
            level=level,
            kind=kind,
            count=count,
            words=words,
            correlationId=report.audit_id,
        )
    log_event(
        _logger,
        "audit_finished",
        correlationId=report.audit_id,
        mailboxes=report.mailboxes,
        bookings=report.listed.rows,
        events=report.listed.events,
        findings=len(report.findings),
        inMotion=report.in_motion,
        withheld=report.withheld,
        enqueued=report.enqueued,
    )
