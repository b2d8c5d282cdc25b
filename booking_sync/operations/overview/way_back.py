"""What an operator should know of what comes back: proposals, overruled moves, withheld deletions. Pure.

Deletions are withheld by mailbox, so they are shown and taken by mailbox.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from booking_sync.domain.return_path.words import Told
from booking_sync.domain.text import clean_line, clean_lines
from booking_sync.operations.overview.describe import text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from booking_sync.ports.dataverse.return_path import ReturnedChange, ReturnedChanges

    Link = Callable[[str], str]
    """The address of a booking for people, by its id; empty when it can't be told."""

MAX_CHANGES: Final = 1_000
SHOWN: Final = 50
"""Of each kind."""
OVERRULED_FOR: Final = timedelta(days=7)
"""How long a move that was overruled is worth knowing."""
OFF: Final[dict[str, Any]] = {"on": False}
_MAX_NAME, _MAX_TOLD = 200, 1000


def describe_way_back(found: ReturnedChanges, link: Link) -> dict[str, Any]:
    """All of it, as JSON values."""
    withheld = [each for each in found.changes if each.kind == Told.WITHHELD and each.proposal is None]
    proposals = [each for each in found.changes if each.proposal is not None]
    overruled = [each for each in found.changes if each.kind == Told.OVERRULED and each.proposal is None]
    return {
        "on": True,
        "proposals": len(proposals),
        "proposed": [_change(each, link) for each in proposals[:SHOWN]],
        "overruled": [_change(each, link) for each in overruled[:SHOWN]],
        "withheld": _by_mailbox(withheld, link),
        "more": found.more,
    }


def _by_mailbox(changes: Sequence[ReturnedChange], link: Link) -> list[dict[str, Any]]:
    mailboxes: defaultdict[str, list[ReturnedChange]] = defaultdict(list)
    for each in changes:
        mailboxes[each.mailbox].append(each)
    return [
        {
            "mailbox": mailbox,
            "technician": clean_line(several[0].resource_name, _MAX_NAME),
            "technicianId": several[0].resource_id,
            "count": len(several),
            "ids": [each.booking_id for each in several],
            "bookings": [_change(each, link) for each in several[:SHOWN]],
        }
        for mailbox, several in sorted(mailboxes.items())
    ]


def _change(change: ReturnedChange, link: Link) -> dict[str, Any]:
    proposed = change.proposed
    return {
        "bookingId": change.booking_id,
        "name": clean_line(change.name, _MAX_NAME),
        "technician": clean_line(change.resource_name, _MAX_NAME),
        "technicianId": change.resource_id,
        "starts": text_of(change.starts),
        "modified": text_of(change.modified),
        "told": clean_lines(change.told, _MAX_TOLD),
        "proposal": change.proposal.name.lower() if change.proposal else "",
        "proposedStart": text_of(proposed.start) if proposed else "",
        "answered": change.answered,
        "link": link(change.booking_id),
    }
