"""Both stand-ins, the real adapters, the worker's synchronizer and the auditor, in one process."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from booking_sync.audit.auditor import Auditor, AuditRequest, AuditScope
from booking_sync.audit.inspection import AuditSources, InspectionLimits, Inspector
from booking_sync.audit.mending import Mender
from booking_sync.dataverse.reads.audit_reads import DataverseAuditReads
from booking_sync.dataverse.web_api.client import DataverseClient
from booking_sync.domain.environment.columns import SupportColumns
from booking_sync.outlook.graph.wire import MAX_BATCH_ITEMS
from booking_sync.sync.booking.synchronizer import Synchronizer
from booking_sync.sync.booking.task import SyncTask
from booking_sync.sync.booking.zone_differences import ZoneDifferences
from local.graph.mailbox.schema import read_event
from local.graph.mailbox.store import time_of_day
from tests.audit.kit import EVENT_ZONE, desired
from tests.dataverse.world import BOOKINGS, DataverseWorld, dataverse_world
from tests.outlook.kit import MAILBOX, NOW, GraphHere, running_graph
from tests.support.bookings import booking
from tests.support.fakes import FakeQueue
from tests.support.seals import prover

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
    from datetime import datetime

    import httpx

    from booking_sync.audit.report import AuditReport
    from booking_sync.domain.bookings.booking import Booking
    from booking_sync.domain.events.event import MarkedEvent
    from booking_sync.domain.events.ownership import Sealer
    from booking_sync.domain.messages.change import BookingChange
    from booking_sync.domain.outcome import Outcome
    from booking_sync.outlook.calendar import OutlookCalendar
    from booking_sync.ports.platform.clock import Clock
    from local.graph.mailbox.events import Mailbox, StoredEvent
    from local.stack.certificates import Certificates

REPORT_ONLY = AuditRequest(fix=False)
REPAIR = AuditRequest(fix=True)
FORCE = AuditRequest(fix=True, force=True)


@dataclass
class WatchedCalendars:
    """The calendars, with something that happens while they are listed."""

    calendar: OutlookCalendar
    meanwhile: Callable[[], None] = lambda: None
    endless: frozenset[str] = frozenset()
    """Mailboxes whose list goes on and on."""

    async def list_marked(self, mailbox: str, first: datetime, last: datetime) -> Sequence[MarkedEvent]:
        """See the port."""
        if mailbox in self.endless:
            await asyncio.Event().wait()
        listed = await self.calendar.list_marked(mailbox, first, last)
        self.meanwhile()
        return listed


@dataclass
class AuditWorld:
    """Everything; bookings are made in step, and then something happens to them."""

    dataverse: DataverseWorld
    graph: GraphHere
    auditor: Auditor
    synchronizer: Synchronizer
    queue: FakeQueue
    calendars: WatchedCalendars
    sealer: Sealer
    sources: AuditSources
    organization_id: str
    naps: list[float] = field(default_factory=list)
    """How long the auditor slept, each time."""

    def in_parts(
        self,
        size: int,
        *,
        now: Clock = lambda: NOW,
        part_seconds: float = 60.0,
        limits: InspectionLimits | None = None,
    ) -> Auditor:
        """The auditor, looking at so many mailboxes at a time."""
        return make_auditor(
            self.sources,
            self.queue,
            self.organization_id,
            AuditScope(days_back=7, days_ahead=60, part_size=size, part_seconds=part_seconds),
            now=now,
            limits=limits,
        )

    async def book(self, mailbox: str = MAILBOX, days: float = 1) -> Booking:
        """A booking some days from now, in step."""
        start = NOW + timedelta(days=days)
        made = replace(booking(str(uuid.uuid4()), mailbox), start=start, end=start + timedelta(hours=1))
        self.dataverse.put(made)
        await self.sync(made.id)
        return made

    async def sync(self, booking_id: str) -> Outcome:
        """What a webhook's message leads to."""
        return await self.synchronizer.sync(SyncTask(booking_id))

    async def audit(self, request: AuditRequest = REPAIR) -> AuditReport:
        """One run."""
        return await self.auditor.run(request)

    async def work_off(self) -> list[BookingChange]:
        """Do what the worker does with the hints; gives them."""
        hints = [change for change, _ in self.queue.sent]
        self.queue.sent.clear()
        for hint in hints:
            await self.synchronizer.sync(
                SyncTask(hint.booking_id, trusted=not hint.uncertain, suspects=hint.suspects)
            )
        return hints

    def events(self, mailbox: str = MAILBOX) -> list[StoredEvent]:
        """What is really in a calendar."""
        return list(self.graph.standin.state.user(mailbox).events.values())

    def user_edits(self, event: StoredEvent, **changes: object) -> None:
        """A technician changes an event."""
        state = self.graph.standin.state
        draft = read_event(changes, creating=False)
        state.change(self._owner(event), event, draft, by_app=False)

    def user_deletes(self, event: StoredEvent) -> None:
        """A technician deletes an event."""
        self.graph.standin.state.delete(self._owner(event), event, by_app=False)

    def age(self, event: StoredEvent) -> None:
        """Time passes: every search knows an event as old as this."""
        event.created -= timedelta(hours=1)

    def user_copies(self, event: StoredEvent) -> StoredEvent:
        """A technician copies an event."""
        copied = self.graph.standin.state.copy(self._owner(event), event)
        copied.transaction_id = event.transaction_id  # as Outlook was seen to do
        return copied

    def hide(self, *booking_ids: str) -> None:
        """An administrator takes away our right to read these."""
        self.dataverse.standin.state.configure(hidden_bookings=list(booking_ids))

    def booking_ids(self) -> list[str]:
        """Every booking that there is."""
        return list(self.dataverse.standin.state.rows(BOOKINGS))

    def _owner(self, event: StoredEvent) -> Mailbox:
        boxes = self.graph.standin.state.mailboxes.values()
        return next(each for each in boxes if event.immutable_id in each.events)


def make_auditor(
    sources: AuditSources,
    queue: FakeQueue,
    organization_id: str,
    scope: AuditScope,
    *,
    now: Clock = lambda: NOW,
    limits: InspectionLimits | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    beside: Callable[[Iterable[str]], Awaitable[None]] | None = None,
) -> Auditor:
    """An auditor as the app makes it."""
    return Auditor(
        Inspector(sources, desired, organization_id, limits=limits, sleep=sleep),
        Mender(queue, 0.2, now),
        sources.reads,
        scope=scope,
        now=now,
        new_id=lambda: "1",
        beside=beside,
    )


@contextlib.asynccontextmanager
async def audit_world(
    certificates: Certificates, key: bytes, transport: httpx.AsyncBaseTransport | None = None
) -> AsyncIterator[AuditWorld]:
    """The world while the context lasts.

    Args:
        certificates: the stand-ins'.
        key: of Graph's tokens.
        transport: what requests to Graph travel on; None for connections of the app's own.
    """
    async with (
        dataverse_world(certificates) as dataverse,
        running_graph(certificates, key, transport, in_burst=MAX_BATCH_ITEMS) as graph,
    ):
        client = DataverseClient(dataverse.url, dataverse.credential, dataverse.clock)
        try:
            organization_id = (await client.who_am_i()).organization_id
            queue, naps = FakeQueue(), list[float]()

            async def nap(seconds: float) -> None:
                naps.append(seconds)
                await asyncio.sleep(seconds)

            proofs = prover(graph.calendar, organization_id, time_of_day)
            calendars = WatchedCalendars(graph.calendar)
            reads = DataverseAuditReads(client, SupportColumns())
            sources = AuditSources(dataverse.rows, dataverse.rows, reads, calendars, proofs)
            auditor = make_auditor(
                sources, queue, organization_id, AuditScope(days_back=7, days_ahead=60), sleep=nap
            )
            synchronizer = Synchronizer(
                dataverse.rows,
                graph.calendar,
                desired,
                proofs,
                time_of_day,
                zones=ZoneDifferences(EVENT_ZONE, time_of_day),
            )
            yield AuditWorld(
                dataverse,
                graph,
                auditor,
                synchronizer,
                queue,
                calendars,
                proofs.sealer,
                sources,
                organization_id,
                naps,
            )
        finally:
            await client.aclose()
