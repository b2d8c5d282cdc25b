"""Reads bookings, and what Outlook should show of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from booking_sync.domain.events.event_text.rules import NO_RULES
from booking_sync.domain.plan import Invalid, Unwanted, Wanted
from booking_sync.errors import PermanentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from booking_sync.domain.bookings.reader import Reader
    from booking_sync.domain.events.event import EventContent
    from booking_sync.domain.events.event_text.colours import CategoryColour
    from booking_sync.domain.events.event_text.rules import EventRules
    from booking_sync.domain.plan import DesiredStateRule
    from booking_sync.ports.dataverse.bookings import BookingRows

GONE = "There is no such booking."


@dataclass(frozen=True, slots=True)
class PreviewSources:
    """What is asked."""

    rows: BookingRows
    desired_state: DesiredStateRule
    rules: EventRules = NO_RULES
    """Those by which the state is desired, to tell which of them did something."""
    colours: Sequence[CategoryColour] = ()
    """Of the event file."""
    reader: Reader | None = None
    """Whom to show them to; None: to those whose calendars show them."""


@dataclass(frozen=True, slots=True)
class Preview:
    """One booking: its event, or why it has none."""

    booking_id: str
    content: EventContent | None = None
    reason: str = ""
    """Empty where there is an event."""
    rules: tuple[int, ...] = ()
    """The numbers of the rules that decided something about the event."""
    reader: Reader | None = None
    """Whose language and zone were taken; None where they do not matter."""


async def look(sources: PreviewSources, booking_ids: Sequence[str]) -> Sequence[Preview]:
    """The bookings as their events would show.

    Raises:
        TransientError: Dataverse can't answer now.
    """
    return [await _look(sources, each) for each in booking_ids]


async def _look(sources: PreviewSources, booking_id: str) -> Preview:
    try:
        row = await sources.rows.read(booking_id)
    except PermanentError as error:  # what this row holds; the others may be shown
        return Preview(booking_id, reason=error.reason)
    if row is None:
        return Preview(booking_id, reason=GONE)
    booking = replace(row.booking, reader=sources.reader) if sources.reader else row.booking
    match sources.desired_state(booking):
        case Wanted() as wanted:
            numbers = sources.rules.judge(booking).numbers
            return Preview(booking_id, wanted.content, rules=numbers, reader=booking.reader)
        case Unwanted() | Invalid() as other:
            return Preview(booking_id, reason=other.reason)
