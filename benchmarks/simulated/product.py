"""The contender booking_sync, as `wiring` wires it, in a simulated world.

With the default settings, and nothing of it replaced: ChangeWorker, PerBookingRunner, Synchronizer,
OutlookCalendar with the Graph SDK's requests and the BatchScheduler, DataverseBookings. Only where the
process ends does the simulated world begin: tokens are at hand, requests travel in process, the storage queue
is a simulated one.
"""

from __future__ import annotations

import asyncio
import random
import uuid
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from benchmarks.common.seals import KEYRING
from benchmarks.simulated.world import DATAVERSE_URL, GRAPH_URL
from booking_sync.azure.storage.queue import dead_letter_text
from booking_sync.domain.events.event_ref import EventClaim, EventRef
from booking_sync.domain.messages.change import BookingChange, encode_change
from booking_sync.domain.outcome import OutcomeKind
from booking_sync.plumbing.busy_time import BURST_SIZES, BurstSizes
from booking_sync.sync.back_off import BackOff
from booking_sync.sync.booking.task import SyncTask
from booking_sync.sync.fan_out import FanOut
from booking_sync.sync.from_outlook.sweep import Sweeper, SweepSources, SweepWindow
from booking_sync.sync.from_outlook.watch import Watch, WatchedAddress
from booking_sync.sync.worker import ChangeWorker, MessageHandlers
from booking_sync.wiring.services import Services, Substitutes
from booking_sync.wiring.sync import start_sync

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from benchmarks.simulated.load import Change
    from benchmarks.simulated.queue import SimulatedQueue
    from benchmarks.simulated.world import SimulatedWorld
    from booking_sync.domain.messages.audit_progress import AuditProgress
    from booking_sync.domain.outcome import Outcome
    from booking_sync.ports.platform.keys import NotificationKeyring
    from booking_sync.ports.platform.queues import MessageQueue
    from booking_sync.wiring.sync import SyncServices

SETTINGS = {
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    "KEY_VAULT_URL": "https://contoso.vault.azure.net",
    "ENTRA_TENANT_ID": "0a1c7a52-5b1e-4b1f-9a58-1d0c40f0c001",
    "ENTRA_CLIENT_ID": "0a1c7a52-5b1e-4b1f-9a58-1d0c40f0c002",
    "DATAVERSE_URL": DATAVERSE_URL,
    "GRAPH_URL": GRAPH_URL,
}
"""What has no default."""
NOTIFICATION_URL = "https://contoso.azurewebsites.net/api/outlook/notifications"


class Product:
    """booking_sync, warm: the sync has started."""

    def __init__(self, world: SimulatedWorld, sync: SyncServices) -> None:
        self._world = world
        self._sync = sync

    async def submit_all(self, changes: Sequence[Change]) -> None:
        """All to the PerBookingRunner at once; what is deferred comes again after the delay asked for."""
        await asyncio.gather(*(self._settle(self._task(change)) for change in changes))

    async def hint(
        self, booking_ids: Sequence[str], *, look: bool, versions: Mapping[str, frozenset[str]]
    ) -> None:
        """Bookings that may have changed, all at once; `look`: in Outlook, of which it names versions."""
        tasks = (SyncTask(each, look=look, versions=versions.get(each, frozenset())) for each in booking_ids)
        await asyncio.gather(*(self._settle(each) for each in tasks))

    def sweeper(self, queue: MessageQueue) -> Sweeper:
        """What compares a mailbox with the rows that name it."""
        sync, days = self._sync, timedelta(days=30)
        sources = SweepSources(
            sync.rows_of_many, sync.services.calendar.whole_mailboxes, sync.prover, sync.shows_in
        )
        return Sweeper(sources, SweepWindow(days, days), queue, self._world.now)

    def watch(self, mailboxes: frozenset[str], keyring: NotificationKeyring, queue: MessageQueue) -> Watch:
        """What sees to it that Graph reports changes of these mailboxes."""

        async def wanted() -> frozenset[str]:
            return mailboxes

        chance = random.Random(7).random  # noqa: S311 - the same every time
        return Watch(
            self._sync.services.calendar.subscriptions,
            wanted,
            keyring,
            WatchedAddress(NOTIFICATION_URL, "benchmark"),
            queue,
            now=self._world.now,
            new_id=lambda: str(uuid.uuid4()),
            chance=chance,
        )

    def message(self, change: Change) -> bytes:
        """The queue message that a webhook of this change leads to."""
        return encode_change(
            BookingChange(
                change.booking_id,
                correlation_id=change.booking_id,
                first_seen=self._world.now(),
                deleted=bool(change.event_id),
                event=_event(change),
            )
        ).encode()

    def worker(self, queue: SimulatedQueue) -> ChangeWorker:
        """The function behind the queue trigger; puts back on this queue."""
        sync, changes = self._sync, _ChangeQueue(queue, self._world)
        look_back = timedelta(days=sync.settings.audit_days_back)
        fan_out = FanOut(sync.services.related_bookings, changes, look_back, self._world.now)
        handlers = MessageHandlers(sync.per_booking, fan_out, sync.synchronizer.note_failure, no_audit)

        async def open_handlers() -> MessageHandlers:
            return handlers

        return ChangeWorker(
            open_handlers,
            changes,
            self._world.now,
            timedelta(hours=sync.settings.message_max_age_hours),
            BackOff(random.Random(7).random),  # noqa: S311 - the same every time
        )

    async def _settle(self, task: SyncTask) -> None:
        back_off = BackOff(random.Random(task.booking_id).random)  # noqa: S311 - the same every time
        attempt = 0
        while (outcome := await self._sync.per_booking.submit(task)).kind is OutcomeKind.DEFERRED:
            await asyncio.sleep(back_off.delay(attempt, outcome.delay))
            attempt += not outcome.untried
            task = _again(task, outcome)

    def _task(self, change: Change) -> SyncTask:
        event = _event(change)
        return SyncTask(change.booking_id, deleted=frozenset({event} if event else ()))


@asynccontextmanager
async def open_product(
    world: SimulatedWorld, settings: Mapping[str, str] | None = None, burst: BurstSizes = BURST_SIZES
) -> AsyncIterator[Product]:
    """booking_sync in this world while the context lasts.

    Args:
        world: may hold anything.
        settings: app settings other than the defaults.
        burst: what the batches of a burst hold.
    """
    environ = {**SETTINGS, **(settings or {})}
    substitutes = Substitutes(world.credential, KEYRING, world.wire, world.graph_transport, burst)
    async with Services(environ, clock=world.now, substitutes=substitutes) as services:
        yield Product(world, await start_sync(services))


async def no_audit(progress: AuditProgress) -> Outcome:
    """No load holds an audit."""
    raise NotImplementedError(progress)


class _ChangeQueue:
    """Fulfils `ChangeQueue` on a simulated queue."""

    def __init__(self, queue: SimulatedQueue, world: SimulatedWorld) -> None:
        self._queue = queue
        self._world = world

    async def send(self, change: BookingChange, delay: float = 0.0) -> None:
        """Put a change on the queue, visible after `delay` seconds."""
        await self._queue.put(encode_change(change).encode(), delay)

    async def send_related(self, change: object, delay: float = 0.0) -> None:
        """No load changes the rows that bookings refer to."""
        raise NotImplementedError(change, delay)

    async def send_audit(self, progress: object, delay: float = 0.0) -> None:
        """No load holds an audit."""
        raise NotImplementedError(progress, delay)

    async def send_outlook(self, message: object, delay: float = 0.0) -> None:
        """No load holds a change in Outlook."""
        raise NotImplementedError(message, delay)

    async def dead_letter(self, message: str, reason: str) -> None:
        """Put a message's text on the poison queue beside the reason."""
        await self._queue.put_poison(dead_letter_text(message, reason, self._world.now()).encode())


def _event(change: Change) -> EventClaim | None:
    if not change.event_id:
        return None
    return EventClaim(EventRef(change.mailbox, change.event_id), change.state)


def _again(task: SyncTask, outcome: Outcome) -> SyncTask:
    trusted = task.trusted and not outcome.uncertain
    return SyncTask(task.booking_id, trusted, task.deleted, outcome.suspects)
