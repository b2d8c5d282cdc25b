"""What looks at single bookings and technicians, made of what the sync runs on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from booking_sync.audit.inspection import AuditSources, InspectionLimits, Inspector
from booking_sync.domain.return_path.policy import Mode
from booking_sync.status.endpoint import LookupSources
from booking_sync.status.look import StatusSources
from booking_sync.status.way_back import Allowed
from booking_sync.status.week import WeekSources

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from booking_sync.ports.dataverse.bookings import NamedResource
    from booking_sync.ports.dataverse.lookup import NameSearch
    from booking_sync.wiring.sync import SyncServices

LIMITS = InspectionLimits(max_unrecorded=50, listing_seconds=15.0)
"""For one calendar that somebody waits for."""


@dataclass(frozen=True, slots=True)
class NameSources:
    """Where a command learns what people call bookings and technicians."""

    search: NameSearch
    everybody: Callable[[], Awaitable[Sequence[NamedResource]]]
    """All bookable resources."""


def name_sources(sync: SyncServices) -> NameSources:
    """What the command line finds names by."""
    services = sync.services
    return NameSources(services.name_search, services.resources.everybody)


def status_sources(sync: SyncServices) -> StatusSources:
    """Where one booking's status comes from."""
    services, policy = sync.services, sync.settings.return_policy
    zone = sync.events.renderer.style.zone.rules
    on = policy.path is not Mode.OFF
    return StatusSources(
        rows=sync.rows,
        details=services.details,
        presence=services.audit_reads,
        events=services.calendar,
        poison=services.storage.inspection,
        desired_state=sync.desired_state,
        prover=sync.prover,
        see=services.calendar.see if on else None,
        allowed=(lambda: Allowed(policy, zone, services.clock())) if on else None,
    )


def lookup_sources(sync: SyncServices) -> LookupSources:
    """Where the operator's page learns of bookings and technicians."""
    services = sync.services
    rows = sync.rows_of_many
    listed = AuditSources(rows, rows, services.audit_reads, services.calendar, sync.prover)
    week = WeekSources(
        services.name_search,
        rows,
        Inspector(listed, sync.desired_state, sync.organization_id, limits=LIMITS),
        sync.desired_state,
        services.people.participation,
        sync.organization_id,
        services.clock,
    )
    return LookupSources(services.name_search, status_sources(sync), week)
