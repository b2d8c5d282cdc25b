"""Reads a technician, the bookings and the calendar of these days; writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from booking_sync.audit.compare import AuditWindow, Snapshot
from booking_sync.audit.parts import AuditPart, CalendarOwner
from booking_sync.ports.dataverse.bookings import BookingQuery
from booking_sync.status.days import Unread, day_entries, unread
from booking_sync.status.people import standing

if TYPE_CHECKING:
    from datetime import datetime

    from booking_sync.audit.inspection import Inspector
    from booking_sync.domain.bookings.participation import Participation
    from booking_sync.domain.plan import DesiredStateRule
    from booking_sync.ports.dataverse.bookings import BookingListing
    from booking_sync.ports.dataverse.lookup import NameSearch, Technician
    from booking_sync.ports.platform.clock import Clock
    from booking_sync.status.days import DayEntry
    from booking_sync.status.people import PersonStanding

BACK: Final = timedelta(days=1)
"""So long ago the days begin that are shown where nobody names others."""
SPAN: Final = timedelta(days=8)


@dataclass(frozen=True, slots=True)
class WeekSources:
    """Where a technician's days come from."""

    search: NameSearch
    listing: BookingListing
    inspector: Inspector
    """Lists bookings and calendar, as the audit does."""
    desired_state: DesiredStateRule
    """What Outlook should show of a booking."""
    participation: Participation
    organization_id: str
    now: Clock


@dataclass(frozen=True, slots=True)
class Week:
    """A technician's days."""

    technician: Technician
    standing: PersonStanding
    window: AuditWindow
    entries: tuple[DayEntry, ...]
    """By start."""
    calendar_problem: str = ""
    """Why the calendar could not be read; empty when it was, or when there is none."""


async def look_at_week(sources: WeekSources, resource_id: str, first: datetime | None = None) -> Week | None:
    """A technician's bookings and events of some days; None when there is no such resource.

    Args:
        sources: where to read.
        resource_id: of the bookable resource, a GUID.
        first: when the days begin, aware; None for yesterday, so that the next week is among them.

    Raises:
        TransientError: Dataverse can't answer completely now.
        PermanentError: Dataverse refuses the app.
    """
    technician = await sources.search.technician(resource_id)
    if technician is None:
        return None
    first = first or sources.now() - BACK
    window = AuditWindow(first, first + SPAN)
    stands = standing(technician.resource, sources.participation)
    owner = CalendarOwner(stands.mailbox, (technician.resource.id,))
    if stands.mailbox:
        part = AuditPart((owner,), mailboxes=frozenset({stands.mailbox}))
        snapshot, findings = await sources.inspector.look(part, window)
        missed = unread(findings)
    else:
        snapshot, missed = await _rows_only(sources, technician, window)
    entries = day_entries(snapshot, missed, sources.desired_state)
    problem = missed.mailboxes.get(stands.mailbox, "") if stands.mailbox else ""
    return Week(technician, stands, window, tuple(entries), problem)


async def _rows_only(
    sources: WeekSources, technician: Technician, window: AuditWindow
) -> tuple[Snapshot, Unread]:
    """The bookings of somebody who has no calendar."""
    query = BookingQuery(
        starts_from=window.first, starts_before=window.last, resource_ids=(technician.resource.id,)
    )
    pages = [page async for page in sources.listing.list_bookings(query)]
    rows = {row.booking.id: row for page in pages for row in page.rows}
    missed = Unread({row.booking_id: row.reason for page in pages for row in page.unreadable})
    return Snapshot(sources.organization_id, window, rows, {}), missed
