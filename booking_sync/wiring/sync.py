"""What the sync runs on. Records and events are bound to Dataverse's organisation, so that is asked first."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING

from booking_sync.dataverse.bookings import DataverseBookings
from booking_sync.domain.events.ownership import Sealer
from booking_sync.domain.plan import desired_state, nothing_to_see, shown_in
from booking_sync.domain.return_path.policy import Mode
from booking_sync.event_file.checking import Overrides, make_renderer
from booking_sync.settings.parts import columns_of_return
from booking_sync.sync.booking.per_booking import PerBookingRunner
from booking_sync.sync.booking.proof import EventProver
from booking_sync.sync.booking.synchronizer import Synchronizer
from booking_sync.sync.booking.zone_differences import ZoneDifferences
from booking_sync.sync.fan_out import FanOut
from booking_sync.sync.worker import MessageHandlers
from booking_sync.wiring.basics import new_id

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from booking_sync.audit.auditor import Auditor
    from booking_sync.audit.stretches import AuditEnded, AuditStretches
    from booking_sync.bulk.colouring import Colouring
    from booking_sync.domain.bookings.booking import Booking
    from booking_sync.domain.events.event_text.colours import CategoryColour
    from booking_sync.domain.events.event_text.columns import EventColumn
    from booking_sync.domain.events.event_text.renderer import EventRenderer, EventStyle
    from booking_sync.domain.events.zones import ZoneDifference
    from booking_sync.domain.messages.audit_progress import AuditProgress
    from booking_sync.domain.outcome import Outcome
    from booking_sync.domain.plan import DesiredStateRule, Render
    from booking_sync.event_file.content import EventFile
    from booking_sync.ports.dataverse.bookings import Bookings
    from booking_sync.ports.outlook.calendars import MarkedEvents
    from booking_sync.settings.parts import EventSettings
    from booking_sync.settings.table import Settings
    from booking_sync.sync.booking.readers import RowsForReaders
    from booking_sync.sync.booking.return_path import ReturnPath
    from booking_sync.sync.catch_up import CatchUp
    from booking_sync.sync.from_outlook.overdue import OverdueProposals
    from booking_sync.wiring.from_outlook import WayFromOutlook
    from booking_sync.wiring.services import Services


@dataclass(frozen=True, slots=True)
class Observers:
    """Who is told what the sync meets; a command tells nobody."""

    zone: Callable[[ZoneDifference], None] | None = None
    """Where Exchange reads the events' zone by other rules."""
    audit: Callable[[AuditEnded], Awaitable[None]] | None = None
    """How an audit ended."""


@dataclass(frozen=True, slots=True)
class Events:
    """What events show."""

    renderer: EventRenderer
    columns: tuple[EventColumn, ...] = ()
    """Those that the event file names, as the environment knows them."""
    colours: tuple[CategoryColour, ...] = ()
    """Of categories, in the mailboxes' own lists."""


async def start_sync(services: Services, observers: Observers | None = None) -> SyncServices:
    """Make what the sync runs on; `services` are closed when it can't be made.

    Args:
        services: what it asks.
        observers: who is told what it meets.

    Raises:
        SettingsError: a setting or a template can't be used, or the environment is not the one that the
            settings name.
        TransientError: Dataverse, Entra or Key Vault can't be reached.
        PermanentError: Dataverse refuses us, or nobody is signed in.
    """
    try:
        settings = services.settings()
        file = services.event_file()
        renderer = event_renderer(settings, file)
        organization_id = await services.check_organization()
        await services.seal_keys.load()
        events = Events(renderer, await services.event_columns(file), file.categories)
        return SyncServices(services, settings, organization_id, events, observers or Observers())
    except BaseException:
        await services.aclose()
        raise


def event_renderer(
    settings: Settings | EventSettings, file: EventFile, *, fully: bool = False
) -> EventRenderer:
    """Renders bookings as these settings and the event file say.

    Args:
        settings: override the file.
        file: the event file.
        fully: as in `make_renderer`.

    Raises:
        SettingsError: a template can't be used.
    """
    given = Overrides(settings.event_time_zone, settings.event_subject_template, settings.event_body_template)
    return make_renderer(file, given, settings.dataverse_url, fully=fully)


def desired_state_rule(settings: Settings, renderer: EventRenderer) -> DesiredStateRule:
    """What Outlook should show of a booking, by these settings."""
    return _rule(settings, renderer.style, renderer.render)


def _rule(settings: Settings, style: EventStyle, render: Render) -> DesiredStateRule:
    return partial(
        desired_state,
        render=render,
        require_work_order=settings.require_work_order,
        participation=settings.participation,
        rules=style.rules,
        calendar=settings.calendars.current,
    )


async def _tell_nobody(_ended: AuditEnded) -> None:
    """Commands report for themselves."""


class SyncServices:
    """The path of a change behind its queue message, and the timers' runs.

    Args:
        services: what it asks; closing them closes all of this.
        settings: as they were at the start.
        organization_id: Dataverse's.
        events: what they show.
        observers: who is told what it meets.
    """

    def __init__(
        self,
        services: Services,
        settings: Settings,
        organization_id: str,
        events: Events,
        observers: Observers,
    ) -> None:
        self.services = services
        self.settings = settings
        self.organization_id = organization_id
        self.events = events
        self.desired_state = rule = desired_state_rule(settings, events.renderer)
        self._observers = observers
        keyring = services.seal_keys
        sealer = Sealer(organization_id, keyring.keys, services.clock, random.getrandbits)
        self.prover = EventProver(services.calendar, sealer, keyring)
        self.bare_rows = DataverseBookings(
            services.dataverse,
            settings.columns,
            sealer,
            keyring,
            of_resource=settings.resource_columns,
            event_columns=events.columns,
            of_return=columns_of_return(settings.columns, settings.return_policy),
            addresses=services.mailbox_addresses,
            in_burst=services.burst.records,
        )
        self._by_reader = self._for_readers() if events.renderer.style.from_reader else None
        zones = ZoneDifferences(events.renderer.style.zone, services.clock, observers.zone)
        self.synchronizer = Synchronizer(
            self.rows,
            services.calendar,
            rule,
            self.prover,
            services.clock,
            zones=zones,
            returns=self._way_back(),
        )
        self.per_booking = PerBookingRunner(
            self.synchronizer.sync,
            max_bookings=settings.batch_max_bookings,
            linger=settings.batch_linger_seconds,
        )

    @property
    def rows(self) -> Bookings:
        """The bookings, with their readers where events go by them."""
        return self._by_reader or self.bare_rows

    @property
    def rows_of_many(self) -> Bookings:
        """The same for whoever reads many: one mailbox that can't be asked now fails its own rows alone."""
        return self._by_reader.for_many() if self._by_reader else self.bare_rows

    def _way_back(self) -> ReturnPath | None:
        """From Outlook to Dynamics 365; None where it is off."""
        policy = self.settings.return_policy
        if policy.path is Mode.OFF:
            return None
        from booking_sync.sync.booking.return_path import ReturnPath

        services, zone = self.services, self.events.renderer.style.zone
        reads = services.return_reads
        assert reads  # noqa: S101 - they are there where the path is not off
        return ReturnPath(
            self.rows,
            services.calendar,
            self.desired_state,
            reads,
            policy,
            zone=zone.rules,
            now=services.clock,
        )

    def shows_in(self, booking: Booking) -> str | None:
        """The mailbox in which a booking is to show; None for nowhere."""
        return shown_in(_rule(self.settings, self.events.renderer.style, nothing_to_see)(booking))

    def _for_readers(self) -> RowsForReaders:
        from booking_sync.sync.booking.readers import KnownReaders, RowsForReaders

        services = self.services
        readers = KnownReaders(services.calendar.readers, services.clock)
        return RowsForReaders(self.bare_rows, readers, self.shows_in)

    @cached_property
    def handlers(self) -> MessageHandlers:
        """What the worker hands its messages to."""
        look_back = timedelta(days=self.settings.audit_days_back)
        services = self.services
        fan_out = FanOut(services.related_bookings, services.storage.queue, look_back, services.clock)
        return MessageHandlers(
            self.per_booking,
            fan_out,
            self.synchronizer.note_failure,
            self._go_on_with_audit,
            outlook=self.from_outlook.handlers if self.from_outlook else None,
        )

    @cached_property
    def from_outlook(self) -> WayFromOutlook | None:
        """What comes from Outlook; None where the return path is off."""
        if self.settings.return_policy.path is Mode.OFF:
            return None
        from booking_sync.wiring.from_outlook import WayFromOutlook

        return WayFromOutlook(self)

    @cached_property
    def audits(self) -> AuditStretches:
        """Does audits; imported late, since no change waits for them."""
        from booking_sync.audit.stretches import AuditStretches

        services = self.services
        return AuditStretches(
            self.auditor(), services.storage.queue, services.clock, self._observers.audit or _tell_nobody
        )

    async def _go_on_with_audit(self, progress: AuditProgress) -> Outcome:
        return await self.audits.go_on(progress)

    @cached_property
    def catch_up(self) -> CatchUp:
        """Finds bookings whose webhooks were missed."""
        from booking_sync.sync.catch_up import CatchUp, CatchUpWindow

        window = CatchUpWindow(
            timedelta(minutes=self.settings.catch_up_look_back_minutes),
            timedelta(seconds=self.settings.catch_up_settle_seconds),
        )
        services = self.services
        return CatchUp(
            self.rows, services.storage.queue, self.desired_state, window, now=services.clock, new_id=new_id
        )

    def overdue_proposals(self) -> OverdueProposals | None:
        """Finds proposals that have to end; None where nothing is proposed."""
        columns = columns_of_return(self.settings.columns, self.settings.return_policy)
        if columns is None:
            return None
        from booking_sync.sync.from_outlook.overdue import OverdueProposals

        services = self.services
        return OverdueProposals(
            self.bare_rows,
            services.storage.queue,
            columns.proposal,
            self.settings.return_policy,
            zone=self.events.renderer.style.zone.rules,
            now=services.clock,
            new_id=new_id,
        )

    def auditor(self, calendars: MarkedEvents | None = None) -> Auditor:
        """Compares calendars with bookings.

        Args:
            calendars: instead of the services' own, to watch what is listed.
        """
        from booking_sync.audit.auditor import Auditor, AuditScope
        from booking_sync.audit.inspection import AuditSources, Inspector
        from booking_sync.audit.mending import Mender

        services, settings = self.services, self.settings
        reads = services.audit_reads
        sources = AuditSources(
            self.rows_of_many,
            self.rows_of_many,
            reads,
            calendars or services.calendar,
            self.prover,
            edits_stay=not settings.return_policy.repairs_face,
        )
        scope = AuditScope(settings.audit_days_back, settings.audit_days_ahead)
        return Auditor(
            Inspector(sources, self.desired_state, self.organization_id),
            Mender(services.storage.queue, settings.audit_max_removal_ratio, services.clock),
            reads,
            scope=scope,
            now=services.clock,
            new_id=new_id,
            beside=self.colouring().quietly if self.events.colours else None,
        )

    def colouring(self) -> Colouring:
        """Gives categories their colours."""
        from booking_sync.bulk.colouring import Colouring

        return Colouring(self.services.calendar.category_lists, self.events.colours)
