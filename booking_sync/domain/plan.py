"""Decides what to do about one booking, purely from the row, our record on it, and what may be trusted.

    desire(booking)                    what Outlook should show: Wanted, Unwanted or Invalid
    plan(record, desire, knowledge)    which event to remove, which to write, and what the row is to remember

The synchronizer carries the plan out; nothing is decided there that could be decided here.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from booking_sync.domain.booking import Booking, CommitType, ResourceType
from booking_sync.domain.record import SyncRecord
from booking_sync.domain.rendering import BadTemplateError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from booking_sync.domain.event import EventContent, EventRef

    Render = Callable[[Booking, datetime, datetime], EventContent]


@dataclass(frozen=True, slots=True)
class Wanted:
    """One event, in this mailbox, with this content."""

    mailbox: str
    content: EventContent


@dataclass(frozen=True, slots=True)
class Unwanted:
    """No event."""

    reason: str
    notice: str = ""
    """For the row's error column, where a dispatcher would otherwise wonder."""
    mailbox: str | None = None
    """The resource user's mailbox all the same: where an unrecorded event may have been left."""


@dataclass(frozen=True, slots=True)
class Invalid:
    """The booking's data makes no sense as an event; what is in Outlook stays as it is."""

    reason: str


Desire = Wanted | Unwanted | Invalid


_NO_USER = "The resource is of type User but names no user, so this booking has no Outlook event."
_DISABLED = "The resource's user is disabled in Dynamics 365, so this booking has no Outlook event."


def desire(booking: Booking, render: Render, *, require_work_order: bool) -> Desire:
    """What Outlook should show of a booking."""
    resource = booking.resource
    user = resource.user if resource and resource.type == ResourceType.USER else None
    mailbox = user.entra_object_id if user else None
    against = _reason_against(booking, require_work_order=require_work_order)
    if against:
        return Unwanted(against, mailbox=mailbox)
    if user is None:
        return Unwanted("the resource has no user", notice=_NO_USER)
    if user.disabled:
        return Unwanted("the resource's user is disabled", notice=_DISABLED, mailbox=mailbox)
    return _show(booking, mailbox, render)


def _show(booking: Booking, mailbox: str | None, render: Render) -> Wanted | Invalid:
    if mailbox is None:
        return Invalid("The resource's user has no Microsoft Entra account, hence no Outlook calendar.")
    if booking.start is None or booking.end is None:
        return Invalid("The booking has no start or no end time.")
    if booking.end < booking.start:
        return Invalid("The booking ends before it starts.")
    try:
        return Wanted(mailbox, render(booking, booking.start, booking.end))
    except BadTemplateError as error:
        return Invalid(f"The event template can't be used for this booking: {error}")


def _reason_against(booking: Booking, *, require_work_order: bool) -> str:
    if not booking.active:
        return "the booking is inactive"
    if booking.status and booking.status.commit_type == CommitType.CANCELED:
        return "the booking is canceled"
    if require_work_order and booking.work_order is None:
        return "the booking has no work order"
    if booking.resource is None:
        return "the booking has no resource"
    return "" if booking.resource.type == ResourceType.USER else "the resource is not a user"


@dataclass(frozen=True, slots=True)
class Own:
    """An event that this very run created and no row was seen to name yet."""

    event: EventRef
    generation: int


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What this run knows beyond the row."""

    trusted: bool
    """The recorded fingerprint may be believed: first delivery, first round, no uncertain past."""
    own: Own | None = None
    burned_generation: int = 0
    """The highest generation whose event this run created and removed again: never to be used again."""


@dataclass(frozen=True, slots=True)
class CreateEvent:
    """Create the booking's event of this generation."""

    mailbox: str
    content: EventContent
    generation: int


@dataclass(frozen=True, slots=True)
class UpdateEvent:
    """Write the content of an event that exists as far as we know."""

    event: EventRef
    content: EventContent
    generation: int
    tag: bool
    """Whether its open extension may be missing: nothing says that the creation was completed."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do; empty plans are common."""

    remove: tuple[EventRef, ...] = ()
    write: CreateEvent | UpdateEvent | None = None
    record: SyncRecord = field(default_factory=SyncRecord)
    """What the row is to remember; with a write, its event and generation are known only afterwards."""
    must_record: bool = False
    """Something is removed or written, or the row remembers something else."""
    undone: Own | None = None
    """The own event among those to remove, whose generation is burned by that."""


def plan(record: SyncRecord, wish: Desire, knowledge: Knowledge) -> Plan:
    """What to do so that Outlook shows what is wished.

    Args:
        record: what the row remembers.
        wish: what Outlook should show.
        knowledge: what this run knows beyond the row.
    """
    base = replace(record, generation=max(record.generation, knowledge.burned_generation))
    own = knowledge.own
    if own is not None and own.event == record.event:
        own = None  # somebody recorded it meanwhile (a replayed creation): it is the row's now
    match wish:
        case Invalid(reason):
            return _plan_invalid(record, base, own, reason)
        case Unwanted():
            return _plan_unwanted(record, base, own, wish)
        case Wanted():
            return _plan_wanted(record, base, own, wish, trusted=knowledge.trusted)


def _plan_invalid(record: SyncRecord, base: SyncRecord, own: Own | None, reason: str) -> Plan:
    wanted = replace(base, error=reason)
    remove = (own.event,) if own else ()
    return Plan(remove, None, _burned(wanted, own), bool(remove) or wanted != record, own)


def _plan_unwanted(record: SyncRecord, base: SyncRecord, own: Own | None, wish: Unwanted) -> Plan:
    remove = tuple(event for event in (record.event, own.event if own else None) if event)
    wanted = _burned(SyncRecord(None, base.generation, "", wish.notice), own)
    return Plan(remove, None, wanted, bool(remove) or wanted != record, own)


def _plan_wanted(
    record: SyncRecord, base: SyncRecord, own: Own | None, wish: Wanted, *, trusted: bool
) -> Plan:
    fingerprint = wish.content.fingerprint()
    current = record.event if record.event and record.event.mailbox == wish.mailbox else None
    remove = [record.event] if record.event and not current else []
    undone = own if own and (current or own.event.mailbox != wish.mailbox) else None
    if undone:
        remove.append(undone.event)
        base, own = _burned(base, undone), None
    after = SyncRecord(current, base.generation, fingerprint)
    if current and trusted and not remove and record.fingerprint == fingerprint:
        return Plan(record=after, must_record=after != record)
    write: CreateEvent | UpdateEvent
    if current:
        write = UpdateEvent(current, wish.content, base.generation, tag=not record.fingerprint)
    elif own:
        write = UpdateEvent(own.event, wish.content, max(base.generation, own.generation), tag=True)
    else:
        write = CreateEvent(wish.mailbox, wish.content, base.generation + 1)
    return Plan(tuple(remove), write, after, must_record=True, undone=undone)


def _burned(record: SyncRecord, own: Own | None) -> SyncRecord:
    return replace(record, generation=max(record.generation, own.generation)) if own else record
