"""Who gets mail when an event changes.

Microsoft documents that attendees of a meeting are told of changes and that there is no switch for it; that a
PATCH with nothing but `attendees` reaches only those who changed; and nothing about which other PATCHes are
quiet. So this can be set: every PATCH mails, or only one that names what attendees see.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from local.graph.config import UpdateMails

SEEN_BY_ATTENDEES = frozenset(
    {
        *("subject", "body", "start", "end", "isAllDay", "location", "locations", "recurrence", "attendees"),
        *("importance", "sensitivity", "responseRequested", "allowNewTimeProposals", "hideAttendees"),
    }
)
"""What a meeting request carries. Reminder, categories, `showAs`, extended properties and extensions are the
organizer's own."""


@dataclass(frozen=True)
class Mail:
    """One mail to some people about an event."""

    kind: str
    """`invitation`, `update` or `cancellation`."""
    to: tuple[str, ...]


def mails_of_change(
    before: list[dict[str, Any]], after: list[dict[str, Any]], named: AbstractSet[str], rule: UpdateMails
) -> list[Mail]:
    """The mails that a PATCH sends.

    Args:
        before: attendees.
        after: attendees as they are then.
        named: the properties that the PATCH names, whether their values differ or not.
        rule: see `GraphConfig.update_mails`.
    """
    old, new = addresses(before), addresses(after)
    came = tuple(each for each in new if each not in old)
    left = tuple(each for each in old if each not in new)
    stayed = tuple(each for each in new if each in old)
    loud = rule == "every_change" or bool(named & SEEN_BY_ATTENDEES)
    told = stayed if loud and named != {"attendees"} else ()
    mails = (Mail("invitation", came), Mail("cancellation", left), Mail("update", told))
    return [each for each in mails if each.to]


def addresses(attendees: list[dict[str, Any]]) -> tuple[str, ...]:
    """The attendees' mail addresses."""
    return tuple(str(each["emailAddress"]["address"]) for each in attendees)
