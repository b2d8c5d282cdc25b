"""Reads everything there is of one booking; writes nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from booking_sync.domain.events.event_calendars import MAIN
from booking_sync.domain.events.event_ref import EventRef
from booking_sync.domain.plan import Unwanted, Wanted
from booking_sync.domain.record import read_record
from booking_sync.errors import SyncError
from booking_sync.operations.dead_letters import read_dead_letter
from booking_sync.ports.dataverse.bookings import HiddenBookingError, Presence, UntoldBookingError
from booking_sync.status.facts import BookingFacts, RowFacts
from booking_sync.status.way_back import judge_way_back

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from booking_sync.domain.events.event import MarkedEvent, SeenEvent
    from booking_sync.domain.plan import DesiredStateRule
    from booking_sync.domain.record import BookingRow
    from booking_sync.operations.dead_letters import DeadLetter
    from booking_sync.ports.dataverse.bookings import AuditReads, BookingDetailReads, BookingRows
    from booking_sync.ports.outlook.calendars import EventReads
    from booking_sync.ports.platform.queues import PoisonQueue
    from booking_sync.status.way_back import Allowed, WayBack
    from booking_sync.sync.booking.proof import EventProver


@dataclass(frozen=True, slots=True)
class StatusSources:
    """Where the facts come from."""

    rows: BookingRows
    details: BookingDetailReads
    presence: AuditReads
    events: EventReads
    poison: PoisonQueue
    desired_state: DesiredStateRule
    """What Outlook should show of a booking."""
    prover: EventProver
    see: Callable[[EventRef], Awaitable[SeenEvent | None]] | None = None
    """The event's times as they are now, with our stamp; None where nothing comes back from Outlook."""
    allowed: Callable[[], Allowed] | None = None
    """What may come back; None as above."""


async def look(sources: StatusSources, booking_id: str) -> BookingFacts:
    """Row, record, events and dead letters of a booking.

    Args:
        sources: where to read.
        booking_id: a GUID in lower case.

    Raises:
        TransientError: Dataverse or the queue can't answer now; a calendar that can't is told.
        PermanentError: Dataverse or the queue refuses.
    """
    organization_id = sources.prover.sealer.organization_id
    dead_letters = await _dead_letters(sources, booking_id)
    try:
        row = await sources.rows.read(booking_id)
    except (HiddenBookingError, UntoldBookingError):
        row = None
    if row is None:
        found = await sources.presence.presence([booking_id])
        return BookingFacts(booking_id, organization_id, None, found[booking_id], dead_letters=dead_letters)
    details = await sources.details.details(booking_id)
    read = read_record(
        booking_id,
        sources.prover.sealer,
        event_id=details.event_id,
        mailbox=details.mailbox,
        state=details.state,
    )
    back = await _way_back(sources, row)
    facts = RowFacts(row, details, sources.desired_state(row.booking), read.seal, back)
    calendars: dict[str, Sequence[MarkedEvent]] = {}
    closed: dict[str, str] = {}
    proven: dict[EventRef, int] = {}
    for mailbox in _mailboxes(facts):
        try:
            calendars[mailbox] = await _events(sources, facts, mailbox)
            own = await sources.prover.own_events(booking_id, mailbox)
            proven |= {each.event: each.generation for each in own}
        except SyncError as error:  # row and record are worth a look all the same
            closed[mailbox] = error.reason
    return BookingFacts(
        booking_id,
        organization_id,
        facts,
        Presence.EXISTS,
        calendars=calendars,
        proven=proven,
        closed=closed,
        dead_letters=dead_letters,
    )


async def _way_back(sources: StatusSources, row: BookingRow) -> WayBack | None:
    if sources.see is None or sources.allowed is None or row.side is None:
        return None
    seen, read = None, True
    if row.record.event:
        try:
            seen = await sources.see(row.record.event)
        except SyncError:  # why is told where the mailbox is searched
            read = False
    return judge_way_back(row, seen, read, sources.allowed())


def _mailboxes(facts: RowFacts) -> list[str]:
    """Where an event may be: in the recorded mailbox, and in the one of the booking's resource."""
    recorded = facts.row.record.event
    wanted = facts.desired.mailbox if isinstance(facts.desired, Wanted | Unwanted) else None
    named = (recorded.mailbox if recorded else None, wanted)
    return list(dict.fromkeys(mailbox.lower() for mailbox in named if mailbox))


async def _events(sources: StatusSources, facts: RowFacts, mailbox: str) -> list[MarkedEvent]:
    """The events with the booking's marker, and the recorded one: an adopted event may carry no marker.

    One that carries it and that the search does not list lies where nobody sees it: in Deleted Items, where
    its id still answers.
    """
    own = sources.prover.sealer.marker(facts.row.booking.id)
    recorded = facts.row.record.event
    found = await sources.events.find(mailbox, own)
    listed = {EventRef(mailbox, each.ref.event_id): each.calendar or MAIN for each in found}
    refs = set(listed)
    if recorded and recorded.mailbox.lower() == mailbox:
        refs.add(EventRef(mailbox, recorded.event_id))
    events = [await sources.events.read(ref) for ref in sorted(refs, key=lambda ref: ref.event_id)]
    shown = [each for each in events if each and (each.ref in listed or not each.marker)]
    return [
        replace(event, marker=event.marker or own, calendar=listed.get(event.ref, MAIN)) for event in shown
    ]


async def _dead_letters(sources: StatusSources, booking_id: str) -> tuple[DeadLetter, ...]:
    dead_letters = [read_dead_letter(message) for message in await sources.poison.peek()]
    return tuple(dead_letter for dead_letter in dead_letters if dead_letter.booking_id == booking_id)
