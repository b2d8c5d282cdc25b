"""One process of the app: the production parts, wired as `wiring` wires them, above simulated wires."""

from __future__ import annotations

import contextvars
import functools
from base64 import b64encode
from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

from azure.core.credentials import AccessToken

from booking_sync.azure.entra.identity import RenewableIdentity
from booking_sync.azure.key_vault.seal_keys import GivenSealKeys
from booking_sync.dataverse.bookings import DataverseBookings
from booking_sync.dataverse.reads.related import DataverseRelatedBookings
from booking_sync.dataverse.web_api.client import DataverseClient
from booking_sync.domain import plan
from booking_sync.domain.environment.columns import ReturnColumns, SupportColumns
from booking_sync.domain.events.event_calendars import MAIN
from booking_sync.domain.events.event_text.renderer import EventRenderer, EventStyle
from booking_sync.domain.events.ownership import Sealer, make_key
from booking_sync.domain.events.zones import event_zone
from booking_sync.domain.plan import shown_in
from booking_sync.domain.return_path.policy import Mode, ReturnPolicy
from booking_sync.outlook.calendar import OutlookCalendar
from booking_sync.outlook.graph import errors
from booking_sync.outlook.graph.batch import BatchSender
from booking_sync.outlook.graph.client import GraphClient
from booking_sync.outlook.graph.scheduler import BatchScheduler
from booking_sync.outlook.requests import EventRequests
from booking_sync.plumbing.circuit import Circuit
from booking_sync.plumbing.closed_on_exit import ClosedOnExit
from booking_sync.sync.back_off import BackOff
from booking_sync.sync.booking.per_booking import PerBookingRunner
from booking_sync.sync.booking.proof import EventProver
from booking_sync.sync.booking.return_path import ReturnPath
from booking_sync.sync.booking.synchronizer import Synchronizer
from booking_sync.sync.booking.zone_differences import ZoneDifferences
from booking_sync.sync.fan_out import FanOut
from booking_sync.sync.from_outlook.sweep import Sweeper, SweepSources, SweepWindow
from booking_sync.sync.worker import ChangeWorker, MessageHandlers, OutlookHandlers
from tests.simulation.both_ways.checks import CancelWatch
from tests.simulation.chance.clock import now
from tests.simulation.chance.conductor import OWNER
from tests.simulation.checks.calendars import ZoneWatch
from tests.simulation.checks.generations import GenerationWatch, LeavingWatch
from tests.simulation.meetings.mailing import MailWatch, RowWatch, watched_runs
from tests.simulation.services.dataverse import (
    DATAVERSE_URL,
    ORGANIZATION_ID,
    RESOURCE_COLUMNS,
    DataverseWire,
)
from tests.simulation.services.graph import EXTENSION, GRAPH_URL, GraphWire
from tests.simulation.services.queue import ProcessQueue
from tests.simulation.sign_in.chain import SignedTransport, SignedWire, open_credential
from tests.support.fakes import no_audit

WEEK = timedelta(days=7)
EVERYTHING = ReturnPolicy(
    Mode.APPLY, Mode.APPLY, Mode.APPLY, delete=Mode.REPORT, freeze=timedelta(days=-3650)
)
"""Every move is a wish, whenever the booking begins."""

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine, Sequence
    from datetime import datetime

    from booking_sync.domain.bookings.booking import Booking
    from booking_sync.domain.events.event import EventContent
    from booking_sync.domain.events.event_ref import EventRef
    from booking_sync.domain.messages.change import BookingChange
    from booking_sync.domain.return_path.messages import OutlookChange
    from booking_sync.outlook.graph.wire import Answer
    from booking_sync.ports.dataverse.bookings import BookingRows
    from booking_sync.ports.outlook.calendars import Calendar
    from booking_sync.sync.from_outlook.changes import EventHint
    from tests.simulation.schedule import Schedule
    from tests.simulation.services.queue import Delivery

KEYRING = GivenSealKeys(make_key(b64encode(bytes(range(32))).decode()))
SEALER = Sealer(ORGANIZATION_ID, KEYRING.keys, now, lambda _bits: 0)
"""Reads seals; each process makes them with the schedule's own chance."""
EVENT_ZONE = event_zone("Europe/Berlin")
"""Exchange reads it by other rules in some schedules."""
COLUMNS, BACK = SupportColumns(), ReturnColumns()
MAX_AGE = timedelta(hours=24)
LOOK_BACK = timedelta(days=7)
"""Of the fan-out: the schedules' bookings are of today."""
FAILURES_TO_OPEN = 2
"""In a row, for a circuit to open; fewer than in production, since schedules are short."""


MOST_TEXTS_KEPT = 1_000
_rendered: dict[str, EventContent] = {}
"""By what they were rendered of."""


class Credential(ClosedOnExit):
    """Tokens that are always good, for whoever judges a schedule; processes sign in (`sign_in`)."""

    async def get_token(self, *scopes: str, **_options: Any) -> AccessToken:
        """A token."""
        return AccessToken(f"token for {scopes}", 2**40)

    def renew(self) -> None:
        """Nothing is cached."""


@functools.cache
def graph_client() -> GraphClient:
    """The SDK's request builders: they hold no state of a process, and are slow to make."""
    return GraphClient(GRAPH_URL, Credential())


@functools.cache
def event_requests() -> EventRequests:
    """What they ask the SDK for once is the same in every process."""
    return EventRequests(graph_client())


@functools.cache
def _renderer() -> EventRenderer:
    return EventRenderer(EventStyle(EVENT_ZONE, DATAVERSE_URL))


def desired_state(booking: Booking, calendar: str = MAIN) -> plan.DesiredState:
    """What Outlook should show of a booking, by the real rules."""
    return plan.desired_state(booking, _render, require_work_order=True, calendar=calendar)


def _render(booking: Booking, start: datetime, end: datetime) -> EventContent:
    """As the renderer; each of a schedule's runs asks for the same few texts."""
    key = repr((booking, start, end))
    if key not in _rendered:
        if len(_rendered) >= MOST_TEXTS_KEPT:
            _rendered.clear()
        _rendered[key] = _renderer().render(booking, start, end)
    return _rendered[key]


def _same_rows(rows: BookingRows) -> BookingRows:
    return rows


def _same_calendar(calendar: Calendar) -> Calendar:
    return calendar


def _differences() -> ZoneDifferences:
    return ZoneDifferences(EVENT_ZONE, now)


def _same_change(change: BookingChange) -> BookingChange:
    return change


def _same_body(body: Any) -> Any:
    return body


def _same_prover(prover: EventProver) -> EventProver:
    return prover


@dataclass(frozen=True)
class Parts:
    """What of the protocol a schedule runs with; anything but the defaults is sabotage."""

    synchronizer: type[Synchronizer] = Synchronizer
    returns: type[ReturnPath] = ReturnPath
    chance: Callable[[int], int] | None = None
    """What stamps are told apart by; None: chance."""
    sweeper: type[Sweeper] = Sweeper
    rows: Callable[[BookingRows], BookingRows] = _same_rows
    calendar: Callable[[Calendar], Calendar] = _same_calendar
    mailbox_pause: Callable[[Answer], float | None] | None = None
    prover: Callable[[EventProver], EventProver] = _same_prover
    zones: Callable[[], ZoneDifferences] = _differences
    told: Callable[[BookingChange], BookingChange] = _same_change
    """What becomes of a webhook's change."""
    strangely: Callable[[Any], Any] = _same_body
    """What is made of a body that is no service's own, on its way from Graph."""
    identity: type[RenewableIdentity] = RenewableIdentity


async def _no_changes(change: OutlookChange) -> Sequence[EventHint]:
    """The simulation's notifications name bookings already."""
    raise AssertionError(change)


class Process:
    """One process; made alive, and dead after `crash`.

    Args:
        schedule: the world it lives in.
        number: for its name.
        parts: of the protocol.
    """

    def __init__(self, schedule: Schedule, number: int, parts: Parts) -> None:
        self.name = f"P{number}"
        self.dead = False
        self.at_work: list[Delivery] = []
        self.calendars = schedule.calendars
        """By the settings, which are read at the start."""
        self._schedule = schedule
        self._tasks: set[asyncio.Task[Any]] = set()
        self._context = contextvars.Context()
        self._context.run(OWNER.set, self)
        self.worker = self._make_worker(parts)

    def adopt(self, task: asyncio.Task[Any]) -> None:
        """See `Owner`."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if self.dead:
            task.cancel()

    def start(self, delivery: Delivery, invocation: Coroutine[Any, Any, None]) -> None:
        """Run a function of this process."""
        self.at_work.append(delivery)
        self._schedule.conductor.spawn(invocation, self._context)

    def finish(self, delivery: Delivery) -> None:
        """A function ended."""
        if delivery in self.at_work:
            self.at_work.remove(delivery)

    def crash(self) -> None:
        """SIGKILL: nothing of it runs on; requests that reached a service do."""
        self.dead = True
        for task in list(self._tasks):
            task.cancel()

    def _make_worker(self, parts: Parts) -> ChangeWorker:
        conductor, troubles = self._schedule.conductor, self._schedule.troubles
        tenant = self._schedule.tenant
        credential = open_credential(tenant, parts.identity)
        dataverse = DataverseClient(
            DATAVERSE_URL,
            credential,
            now,
            open_wire=lambda pause: SignedWire(
                DataverseWire(self._schedule.dataverse, conductor, troubles, self.name, pause), tenant
            ),
            circuit=self._circuit("Dynamics 365"),
        )
        sealer = Sealer(ORGANIZATION_ID, KEYRING.keys, now, conductor.random.getrandbits)
        back = self._schedule.profile.both_ways
        rows = DataverseBookings(
            dataverse,
            COLUMNS,
            sealer,
            KEYRING,
            of_resource=RESOURCE_COLUMNS,
            of_return=BACK if back else None,
        )
        wire = GraphWire(self._schedule.graph, conductor, troubles, self.name)
        signed = SignedTransport(wire, credential, tenant)
        batches = BatchScheduler(
            BatchSender(signed, credential, now, self._circuit("Graph")).send,
            parts.mailbox_pause or (lambda answer: errors.mailbox_pause(answer, now())),
        )
        extension = EXTENSION if self._schedule.profile.extension else ""
        calendar = OutlookCalendar(
            graph_client(),
            batches,
            extension_name=extension,
            now=now,
            calendars=self.calendars,
            requests=event_requests(),
        )
        violations = self._schedule.graph.violations
        heard: dict[EventRef, bool] = {}
        profile = self._schedule.profile
        lasting = not profile.returns.imports and "overwrite" not in profile.moves
        unmailed = MailWatch(calendar, self._schedule.habits, violations, heard)
        numbered = GenerationWatch(unmailed, violations)
        watched = parts.calendar(ZoneWatch(numbered if lasting else unmailed, EVENT_ZONE, violations))
        seen_rows = RowWatch(rows, heard, lasting)
        leaving = LeavingWatch(seen_rows, numbered, sealer.marker) if lasting else seen_rows
        cancels = CancelWatch(leaving, lambda: self._schedule.wishes.deleted, violations)
        watched_rows = parts.rows(cancels if back else seen_rows)
        policy = replace(EVERYTHING, path=Mode[back.upper()]) if back else EVERYTHING
        if profile.deletions:
            policy = replace(policy, delete=Mode.APPLY)
        wanted = functools.partial(desired_state, calendar=self.calendars.current)
        synchronizer = parts.synchronizer(
            watched_rows,
            watched,
            wanted,
            parts.prover(EventProver(watched, sealer, KEYRING)),
            now,
            zones=parts.zones(),
            chance=parts.chance or self._schedule.nonces.getrandbits,
            returns=parts.returns(
                watched_rows, watched, wanted, self._schedule.reads, policy, zone=UTC, now=now
            )
            if back
            else None,
        )
        queue = ProcessQueue(self._schedule.queue, conductor, troubles, self.name)
        fan_out = FanOut(DataverseRelatedBookings(dataverse), queue, LOOK_BACK, now)
        runner = PerBookingRunner(watched_runs(synchronizer.sync, conductor), max_bookings=100, linger=0.05)
        sources = SweepSources(
            rows,
            calendar.whole_mailboxes,
            EventProver(watched, sealer, KEYRING),
            lambda booking: shown_in(wanted(booking)),
        )
        sweeper = parts.sweeper(sources, SweepWindow(WEEK, WEEK), queue, now)
        outlook = OutlookHandlers(_no_changes, sweeper.sweep) if back else None
        handlers = MessageHandlers(runner, fan_out, synchronizer.note_failure, no_audit, outlook=outlook)

        async def open_handlers() -> MessageHandlers:
            return handlers

        return ChangeWorker(open_handlers, queue, now, MAX_AGE, BackOff(conductor.random.random))

    def _circuit(self, service: str) -> Circuit:
        conductor = self._schedule.conductor
        return Circuit(
            service,
            lambda: conductor.time,
            conductor.random.random,
            failures_to_open=FAILURES_TO_OPEN,
        )
