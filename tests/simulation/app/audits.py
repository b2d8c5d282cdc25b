"""The real audit, twice in a row, once a schedule has come to rest: the second has nothing left to do.

Schedules themselves are audited by hints about every booking, which look everywhere and trust nothing. Here
the app's own audit lists both sides and decides what to hint at. What it finds again and again, or mends
again and again, would cost requests every night and hide what is new.
"""

from __future__ import annotations

import asyncio
import functools
from dataclasses import replace
from typing import TYPE_CHECKING

from booking_sync.audit.auditor import Auditor, AuditRequest, AuditScope
from booking_sync.audit.inspection import AuditSources, Inspector
from booking_sync.audit.mending import Mender
from booking_sync.dataverse.bookings import DataverseBookings
from booking_sync.dataverse.reads.audit_reads import DataverseAuditReads
from booking_sync.dataverse.resources import DataverseResources
from booking_sync.dataverse.web_api.client import DataverseClient
from booking_sync.domain.environment.columns import ReturnColumns, SupportColumns
from booking_sync.outlook.calendar import OutlookCalendar
from booking_sync.outlook.graph import errors
from booking_sync.outlook.graph.batch import BatchSender
from booking_sync.outlook.graph.scheduler import BatchScheduler
from booking_sync.sync.booking.proof import EventProver
from tests.simulation.app.process import (
    KEYRING,
    SEALER,
    Credential,
    desired_state,
    event_requests,
    graph_client,
)
from tests.simulation.chance.clock import now
from tests.simulation.checks.invariants import Violation, check_bookings
from tests.simulation.people import ANNA, BERT
from tests.simulation.services.dataverse import (
    DATAVERSE_URL,
    ORGANIZATION_ID,
    RESOURCE_COLUMNS,
    DataverseWire,
)
from tests.simulation.services.graph import EXTENSION, GraphWire
from tests.simulation.services.queue import ProcessQueue

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from booking_sync.audit.findings import Finding
    from booking_sync.domain.record import BookingRow
    from tests.simulation.schedule import Schedule

NIGHT_SECONDS = 900.0
"""Before each audit; by then a search knows every event."""
_FORCED = AuditRequest(fix=True, force=True)
"""The guard is not on trial: it would hold back the orphans of a schedule whose bookings are all deleted."""
_BY_NAME = replace(_FORCED, mailboxes=frozenset({ANNA, BERT}))


class Nights:
    """Two nights, each with an audit.

    Args:
        schedule: at rest, and with healthy services.
        work_off: plays until the queue is empty.
        read_rows: the bookings' rows as they are.
    """

    def __init__(
        self,
        schedule: Schedule,
        work_off: Callable[[], Awaitable[None]],
        read_rows: Callable[[], Awaitable[dict[str, BookingRow | None]]],
    ) -> None:
        self._schedule = schedule
        self._work_off = work_off
        self._read_rows = read_rows
        self._audit = _auditor(schedule)
        self._in_motion = 0
        """Of the last audit: findings that it left to the next, since their rows changed under its eyes."""

    async def violations(self) -> list[Violation]:
        """What the first audit leaves wrong, and what the second finds or writes all the same.

        A copy that nothing sets apart from its original stands for that one once it is removed: each may
        take a night of its own. So may a row that tells of people who are not there any more: the hint about
        it changes it while the same audit looks at what they left. And a mailbox that no resource and no row
        names any more is audited only where somebody names it.
        """
        for _ in range(1 + len(self._schedule.graph.indistinct) + bool(self._schedule.habits.met)):
            await self._night()
        if self._in_motion:
            # Mailboxes that are looked at one by one: a hint of the first pass changed a row of the second.
            await self._night()
        if self._schedule.dispatcher.related:
            await self._night(_BY_NAME)
        rows = await self._read_rows()
        wrong = check_bookings(self._schedule, rows)
        before = _writes(self._schedule)
        again = await self._night()
        wrong += [
            Violation("second audit", f"finds again: {each.kind}, {each.words}", each.booking_id)
            for each in again
            if not _is_lasting(self._schedule, each, rows.get(each.booking_id))
        ]
        if written := _writes(self._schedule) - before:
            wrong.append(Violation("second audit", f"led to {written} writes"))
        return wrong

    async def _night(self, request: AuditRequest = _FORCED) -> list[Finding]:
        """One audit and what it leads to; gives what it found to mend."""
        await asyncio.sleep(NIGHT_SECONDS)
        report = await self._audit.run(request)
        self._in_motion = report.in_motion
        self._schedule.conductor.note(f"-- audit: {report.counts()}, {report.enqueued} hints")
        await self._work_off()
        return [each for each in report.findings if each.repairable]


def _is_lasting(schedule: Schedule, finding: Finding, row: BookingRow | None) -> bool:
    """Whether only a person can mend it: then each audit asks again, and writes nothing.

    The row says what is wrong, or people are invited to the event.
    """
    if row and row.record.error:
        return True
    mailbox = schedule.graph.state.mailboxes.get(finding.mailbox)
    event = mailbox.events.get(finding.event_id) if mailbox else None
    return bool(event and event.content.get("attendees"))


def _writes(schedule: Schedule) -> int:
    return schedule.graph.writes + schedule.dataverse.writes


def _auditor(schedule: Schedule) -> Auditor:
    conductor, troubles = schedule.conductor, schedule.troubles
    client = DataverseClient(
        DATAVERSE_URL,
        Credential(),
        now,
        open_wire=lambda pause: DataverseWire(schedule.dataverse, conductor, troubles, "audit", pause),
    )
    back = ReturnColumns() if schedule.profile.both_ways else None
    rows = DataverseBookings(
        client, SupportColumns(), SEALER, KEYRING, of_resource=RESOURCE_COLUMNS, of_return=back
    )
    batches = BatchScheduler(
        BatchSender(GraphWire(schedule.graph, conductor, troubles, "audit"), Credential(), now).send,
        lambda answer: errors.mailbox_pause(answer, now()),
    )
    extension = EXTENSION if schedule.profile.extension else ""
    calendars = schedule.calendars
    calendar = OutlookCalendar(
        graph_client(),
        batches,
        extension_name=extension,
        now=now,
        calendars=calendars,
        requests=event_requests(),
    )
    rule = functools.partial(desired_state, calendar=calendars.current)
    numbers = iter(range(10))
    reads = DataverseAuditReads(client, SupportColumns(), DataverseResources(client, RESOURCE_COLUMNS))
    sources = AuditSources(rows, rows, reads, calendar, EventProver(calendar, SEALER, KEYRING))
    queue = ProcessQueue(schedule.queue, conductor, troubles, "audit")
    return Auditor(
        Inspector(sources, rule, ORGANIZATION_ID),
        Mender(queue, 1.0, now),
        reads,
        # One mailbox at a time or all at once, by the seed: both are the same audit.
        scope=AuditScope(days_back=7, days_ahead=7, part_size=1 + schedule.seed % 2 * 59),
        now=now,
        new_id=lambda: str(next(numbers)),
    )
