"""Decides what to do about one booking, purely from the row, our record on it, and what may be trusted.

    desired_state(booking)             what Outlook should show: Wanted, Unwanted or Invalid
    plan(record, desired, knowledge)   which event to remove, which to write, and what the row is to remember

The synchronizer carries the plan out; nothing is decided there that could be decided here.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from booking_sync.domain.bookings.booking import Booking, CommitType
from booking_sync.domain.bookings.participation import EVERYBODY, calendar_of, has_left, why_unknown
from booking_sync.domain.bookings.resource_type import ResourceType
from booking_sync.domain.events.event import (
    EventContent,
    EventTime,
    is_same_content,
    is_same_place,
    tells_content,
    unchanged_parts,
)
from booking_sync.domain.events.event_calendars import MAIN
from booking_sync.domain.events.event_text.rules import NO_RULES
from booking_sync.domain.events.event_text.templates import BadTemplateError
from booking_sync.domain.record import SyncRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from booking_sync.domain.bookings.booking import BookableResource
    from booking_sync.domain.bookings.participation import Participation
    from booking_sync.domain.events.event import ContentPart
    from booking_sync.domain.events.event_ref import EventRef
    from booking_sync.domain.events.event_text.rules import EventRules
    from booking_sync.domain.events.ownership import Own

    Render = Callable[[Booking, datetime, datetime], EventContent]
    DesiredStateRule = Callable[[Booking], "DesiredState"]
    """What Outlook should show of a booking, by an app's settings."""


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
    """The resource's mailbox all the same: where an unrecorded event may have been left."""
    left: bool = False
    """Somebody said on the resource that it takes no part: that its events go is no accident."""


@dataclass(frozen=True, slots=True)
class Invalid:
    """The booking's data makes no sense as an event; what is in Outlook stays as it is."""

    reason: str


DesiredState = Wanted | Unwanted | Invalid


_NOTHING = EventContent("", "", EventTime("", ""), EventTime("", ""), "busy")
_NO_USER = "The resource is of type User but names no user, so this booking has no Outlook event."
_DISABLED = "The resource's user is disabled in Dynamics 365, so this booking has no Outlook event."
_NO_PART = "the resource takes no part"
_BAD_MAILBOX = (
    "The mailbox on the resource's row is no Entra object id (a GUID such as "
    "3f2504e0-4f89-41d3-9a0c-0305e82c3301) and no address: correct it there, or empty it."
)


def desired_state(
    booking: Booking,
    render: Render,
    *,
    require_work_order: bool,
    participation: Participation = EVERYBODY,
    rules: EventRules = NO_RULES,
    calendar: str = MAIN,
) -> DesiredState:
    """What Outlook should show of a booking.

    Args:
        booking: all that is read of it.
        render: makes the event's content.
        require_work_order: whether bookings without one show nowhere.
        participation: whose bookings are shown.
        rules: which of them get no event.
        calendar: name of the calendar that shows them.
    """
    resource = booking.resource
    against = _reason_against(booking, require_work_order=require_work_order)
    if resource is None:
        return Unwanted(against or "the booking has no resource")
    if against:
        return Unwanted(against, mailbox=calendar_of(resource))
    if participation.is_undecided(resource):
        return Invalid(why_unknown(resource))
    if not participation.includes(resource):
        return Unwanted(_NO_PART, mailbox=calendar_of(resource), left=has_left(resource))
    mailbox = calendar_of(resource)
    if hiding := rules.hiding(booking):
        return Unwanted(f"rule {hiding} of the event file wants no event", mailbox=mailbox)
    return _nowhere(resource) or _show(booking, mailbox, render, calendar)


def shown_in(desired: DesiredState) -> str | None:
    """The mailbox whose calendar is to show the booking; None for one that shows nowhere."""
    return desired.mailbox if isinstance(desired, Wanted) else None


def nothing_to_see(_booking: Booking, _start: datetime, _end: datetime) -> EventContent:
    """Renders nothing, for whoever wants to know whether and where a booking shows."""
    return _NOTHING


def _nowhere(resource: BookableResource) -> Unwanted | Invalid | None:
    """Why a resource that takes part has no calendar to show its bookings in; None when it has one."""
    if resource.user_problem:
        return Invalid(why_unknown(resource))
    if resource.mailbox:
        return None if calendar_of(resource) else Invalid(resource.mailbox_problem or _BAD_MAILBOX)
    if resource.type != ResourceType.USER:
        return Unwanted("the resource is no user and names no mailbox")
    if resource.user is None:
        return Unwanted("the resource has no user", notice=_NO_USER)
    if resource.user.disabled:
        return Unwanted(
            "the resource's user is disabled", notice=_DISABLED, mailbox=resource.user.entra_object_id
        )
    return None


def _show(booking: Booking, mailbox: str | None, render: Render, calendar: str) -> Wanted | Invalid:
    if mailbox is None:
        return Invalid("The resource's user has no Microsoft Entra account, hence no Outlook calendar.")
    if booking.start is None or booking.end is None:
        return Invalid("The booking has no start or no end time.")
    if booking.end < booking.start:
        return Invalid("The booking ends before it starts.")
    try:
        content = render(booking, booking.start, booking.end)
        return Wanted(mailbox, replace(content, calendar=calendar) if calendar else content)
    except BadTemplateError as error:
        return Invalid(f"The event template can't be used for this booking: {error}")
    except OverflowError:
        return Invalid("The booking's times are too far away for a calendar.")


def _reason_against(booking: Booking, *, require_work_order: bool) -> str:
    if not booking.active:
        return "the booking is inactive"
    if booking.status and booking.status.commit_type == CommitType.CANCELED:
        return "the booking is canceled"
    if require_work_order and booking.work_order is None:
        return "the booking has no work order"
    return ""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What this run knows beyond the row."""

    trusted: bool
    """The recorded fingerprint may be believed: first delivery, first round, no uncertain past."""
    own: Own | None = None
    burned: Mapping[str, int] = field(default_factory=dict)
    """By mailbox: the highest generation whose event this run met and saw removed, never to be used again.

    Kept by mailbox because transactionIds are: workers that race to create the event in another mailbox must
    go on meeting each other under the same one.
    """


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
    """Whether its open extension may be missing: nothing says that an earlier try came to its end."""
    kept: frozenset[ContentPart] = frozenset()
    """Parts that are as they were when they were written: what people added there stays."""
    etag: str = ""
    """The version that it must still be; empty for any."""
    misplaced: bool = False
    """It is in another calendar than the content's: it is to be removed, and made anew where it belongs."""


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


def plan(record: SyncRecord, desired: DesiredState, knowledge: Knowledge) -> Plan:
    """What to do so that Outlook shows the desired state.

    Args:
        record: what the row remembers.
        desired: what Outlook should show.
        knowledge: what this run knows beyond the row.
    """
    own = knowledge.own
    if own is not None and own.event == record.event:
        own = None  # somebody recorded it meanwhile (a replayed creation): it is the row's now
    used = max((record.generation, *knowledge.burned.values(), own.generation if own else 0))
    match desired:
        case Invalid(reason):
            return _plan_removal((), replace(record, generation=used, error=reason), record, own)
        case Unwanted():
            named = (record.event,) if record.event else ()
            return _plan_removal(named, SyncRecord(None, used, "", desired.notice), record, own)
        case Wanted():
            return _plan_wanted(record, used, own, desired, knowledge)


def _plan_removal(
    remove: tuple[EventRef, ...], after: SyncRecord, record: SyncRecord, own: Own | None
) -> Plan:
    if own:
        remove = (*remove, own.event)
    return Plan(remove, None, after, bool(remove) or after != record, own)


def _plan_wanted(
    record: SyncRecord, used: int, own: Own | None, desired: Wanted, knowledge: Knowledge
) -> Plan:
    fingerprint = desired.content.fingerprint()
    current = record.event if record.event and record.event.mailbox == desired.mailbox else None
    undone = own if own and (current or own.event.mailbox != desired.mailbox) else None
    remove = [event for event in (record.event,) if event and not current]
    remove += [undone.event] if undone else []
    after = SyncRecord(current, used, fingerprint)
    if current and knowledge.trusted and not remove and is_same_content(record.fingerprint, fingerprint):
        after = replace(after, fingerprint=record.fingerprint)
        return Plan(record=after, must_record=after != record)
    write: CreateEvent | UpdateEvent
    if current:
        tag = not tells_content(record.fingerprint) or not knowledge.trusted
        kept = unchanged_parts(record.fingerprint, fingerprint) if knowledge.trusted else frozenset()
        content = desired.content.after(record.fingerprint, trusted=knowledge.trusted)
        misplaced = not is_same_place(record.fingerprint, fingerprint)
        write = UpdateEvent(current, content, used, tag, kept, misplaced=misplaced)
    elif own and not undone:
        content = desired.content.after("", trusted=False)
        misplaced = own.is_misplaced(content.calendar)
        write = UpdateEvent(own.event, content, own.generation, tag=True, misplaced=misplaced)
    else:  # whole, for the answer may be an event that an earlier try made, with other options
        generation = max(record.generation, knowledge.burned.get(desired.mailbox, 0))
        content = desired.content.after("", trusted=False)
        write = CreateEvent(desired.mailbox, content, generation + 1)
    return Plan(tuple(remove), write, after, must_record=True, undone=undone)
