"""Who takes part: which bookable resources' bookings are shown in Outlook, and in whose calendar.

A rollout begins with some technicians and goes on to all. What is said on a resource's own row counts first,
then the deployment's list, then what holds for everybody else. A resource that is no user (equipment, a
facility, a pool, a contractor) shows nowhere until its row names a mailbox.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

from booking_sync.domain.bookings.resource_type import ResourceType
from booking_sync.domain.ids import read_guid

if TYPE_CHECKING:
    from booking_sync.domain.bookings.booking import BookableResource

_ADDRESS = re.compile(r"[^\s@\x00-\x1f\x7f\"<>()\[\]\\,;:/?&%]{1,64}@[A-Za-z0-9.-]{1,253}")
"""Sign-in names and mail addresses; guests' sign-in names hold a `#`."""


class TakesPart(IntEnum):
    """The choices of the resource's column; empty leaves it to the settings.

    Numbered as Dataverse numbers a publisher's choices, by the prefix that provisioning gives the publisher.
    """

    YES = 725_900_000
    NO = 725_900_001


@dataclass(frozen=True, slots=True)
class Participation:
    """What the deployment says of resources whose rows say nothing."""

    everybody: bool = True
    """Whether those take part that nobody named."""
    named: frozenset[str] = field(default_factory=frozenset)
    """Bookable resource ids, and Entra object ids of mailboxes, that take part in any case; lower case."""

    def includes(self, resource: BookableResource) -> bool:
        """Whether the resource's bookings are shown."""
        if resource.takes_part in (TakesPart.YES, TakesPart.NO):
            return resource.takes_part == TakesPart.YES
        return self.everybody or not self.named.isdisjoint((resource.id, calendar_of(resource) or ""))

    def shows(self, resource: BookableResource) -> bool:
        """Whether it takes part and has a calendar to show its bookings in."""
        return self.includes(resource) and calendar_of(resource) is not None

    def is_undecided(self, resource: BookableResource) -> bool:
        """Whether the object id of its mailbox might be in the list, and neither address nor user tells it.

        Then nobody knows, and what is in Outlook must not go for that.
        """
        said = resource.takes_part in (TakesPart.YES, TakesPart.NO)
        unknown = bool(why_unknown(resource)) and calendar_of(resource) is None
        return unknown and bool(self.named) and not said and not self.includes(resource)


EVERYBODY = Participation()
"""Without any setting."""


def has_left(resource: BookableResource) -> bool:
    """Whether somebody said on the resource itself that it takes no part."""
    return resource.takes_part == TakesPart.NO


def why_unknown(resource: BookableResource) -> str:
    """Why its mailbox or its user can't be told, for a person to read; empty where nothing is wrong."""
    return resource.mailbox_problem or resource.user_problem


def address_of(resource: BookableResource) -> str | None:
    """The address that somebody typed on the resource's row and that has to be looked up; None for none.

    It goes into a query, so whatever can't be an address counts as none.
    """
    return resource.mailbox if _ADDRESS.fullmatch(resource.mailbox) else None


def calendar_of(resource: BookableResource) -> str | None:
    """The Entra object id of the mailbox that shows the resource's bookings, lower case; None for none.

    A mailbox on the resource's own row comes before its user's.
    """
    if resource.mailbox:
        return read_guid(resource.mailbox)
    user = resource.user if resource.type == ResourceType.USER else None
    return user.entra_object_id if user else None
