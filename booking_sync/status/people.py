"""Whether a technician's bookings show in Outlook, and where; in words for people. Pure.

The rule that every booking goes through decides here as well, tried on a booking that nobody has.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from booking_sync.domain.bookings.example import example_booking
from booking_sync.domain.bookings.participation import TakesPart, calendar_of, has_left
from booking_sync.domain.bookings.resource_type import ResourceType
from booking_sync.domain.ids import NO_GUID
from booking_sync.domain.plan import Invalid, Unwanted, Wanted, desired_state, nothing_to_see

if TYPE_CHECKING:
    from booking_sync.domain.bookings.booking import BookableResource
    from booking_sync.domain.bookings.participation import Participation

_WHEN: Final = datetime(2026, 1, 5, 12, tzinfo=UTC)
_KINDS: Final = {int(each): each.name.capitalize() for each in ResourceType}


@dataclass(frozen=True, slots=True)
class PersonStanding:
    """Whether a bookable resource's bookings show."""

    takes_part: bool
    words: str
    """Why, or why not, and what would change it."""
    mailbox: str = ""
    """Entra object id of the mailbox that shows them, or may still hold events; empty for none."""


def standing(resource: BookableResource, participation: Participation) -> PersonStanding:
    """How a bookable resource stands by its row and the settings."""
    mailbox = calendar_of(resource) or ""
    booking = replace(example_booking(NO_GUID, "", _WHEN, _WHEN + timedelta(hours=1)), resource=resource)
    desired = desired_state(booking, nothing_to_see, require_work_order=False, participation=participation)
    match desired:
        case Wanted():
            return PersonStanding(takes_part=True, words=_why(resource, participation), mailbox=mailbox)
        case Unwanted(reason, notice) if participation.includes(resource):
            return PersonStanding(takes_part=False, words=notice or _sentence(reason), mailbox=mailbox)
        case Unwanted():
            return PersonStanding(takes_part=False, words=_why_not(resource), mailbox=mailbox)
        case Invalid(reason):
            return PersonStanding(takes_part=False, words=reason, mailbox=mailbox)


def kind_of(resource: BookableResource) -> str:
    """What Dynamics 365 calls the type of a bookable resource."""
    return _KINDS.get(resource.type, "")


def _why(resource: BookableResource, participation: Participation) -> str:
    if resource.takes_part == TakesPart.YES:
        return "The row in Dynamics 365 says that it takes part."
    if participation.everybody:
        return "By the settings everybody takes part."
    return "The setting PARTICIPANTS names it."


def _why_not(resource: BookableResource) -> str:
    if has_left(resource):
        return "The row in Dynamics 365 says that it takes no part: choose otherwise there."
    return (
        "By the settings only those take part who are named: choose Takes part on the row in Dynamics 365, "
        "or name it in PARTICIPANTS."
    )


def _sentence(reason: str) -> str:
    return f"{reason[:1].upper()}{reason[1:]}."
