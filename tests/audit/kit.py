"""Rows and events for the audit's tests: one booking in step, to be varied."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from booking_sync.audit.compare import AuditWindow, Snapshot
from booking_sync.domain.bookings.booking import Booking
from booking_sync.domain.events.event import MarkedEvent
from booking_sync.domain.events.event_ref import EventRef
from booking_sync.domain.events.event_text.renderer import EventRenderer, EventStyle
from booking_sync.domain.events.ownership import marker, own_generation, transaction_id
from booking_sync.domain.events.zones import event_zone
from booking_sync.domain.plan import DesiredState, Wanted, desired_state
from booking_sync.domain.record import BookingRow, SyncRecord
from tests.support.bookings import ANNA, BERT, BOOKING_ID, ORGANIZATION_ID, booking

WINDOW = AuditWindow(datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))
EVENT = EventRef(ANNA, "E1")
GENERATION = 3

EVENT_ZONE = event_zone("Europe/Berlin")
_RENDERER = EventRenderer(EventStyle(EVENT_ZONE, "https://contoso.crm4.dynamics.com"))


def desired(subject: Booking) -> DesiredState:
    """What Outlook should show, as the app decides it."""
    return desired_state(subject, _RENDERER.render, require_work_order=True)


def in_step(subject: Booking | None = None, event: EventRef = EVENT) -> BookingRow:
    """A row whose record says that the event shows the booking as it is."""
    subject = subject or booking()
    wanted = desired(subject)
    assert isinstance(wanted, Wanted)
    record = SyncRecord(event, GENERATION, wanted.content.fingerprint())
    return BookingRow(subject, record, 'W/"1"')


def shown(
    mailbox: str = ANNA,
    event_id: str = "E1",
    *,
    generation: int | None = GENERATION,
    booking_id: str = BOOKING_ID,
    organization_id: str = ORGANIZATION_ID,
) -> MarkedEvent:
    """The event of the booking as a calendar shows it; without a generation, a user's copy."""
    subject = booking(booking_id)
    wanted = desired(subject)
    assert isinstance(wanted, Wanted)
    assert subject.start
    assert subject.end
    content, mark = wanted.content, marker(organization_id, booking_id)
    return MarkedEvent(
        ref=EventRef(mailbox, event_id),
        marker=mark,
        transaction_id=transaction_id(mark, mailbox, generation) if generation else None,
        subject=content.subject,
        start=subject.start,
        end=subject.end,
        show_as=content.show_as,
        categories=frozenset(content.categories),
        location_name=content.location_name,
    )


def generation_of(event: MarkedEvent) -> int:
    """Of an event that `shown` made: the creation that it is of; 0 for a user's copy."""
    return own_generation(event.transaction_id, event.marker, event.ref.mailbox, 50)


def snapshot(
    row: BookingRow | None, *events: MarkedEvent, mailboxes: tuple[str, ...] = (ANNA, BERT)
) -> Snapshot:
    """Both sides; these mailboxes were listed completely."""
    return Snapshot(
        organization_id=ORGANIZATION_ID,
        window=WINDOW,
        rows={row.booking.id: row} if row else {},
        calendars={
            mailbox: [event for event in events if event.ref.mailbox == mailbox] for mailbox in mailboxes
        },
        proven={event.ref: number for event in events if (number := generation_of(event))},
    )


def recording(row: BookingRow, **changes: Any) -> BookingRow:
    """The row with other values in its record."""
    return replace(row, record=replace(row.record, **changes))
