"""Who changed the times: three values, compared.

The base is what both sides last agreed on. It is on the row, and the event's stamp says whether it still
holds: a stamp with another nonce than the base has seen is of a write that came later, recorded or not, and
then the base is what that write gave the event.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from booking_sync.domain.return_path.stamp import Stamp
    from booking_sync.domain.return_path.times import Times


class Change(StrEnum):
    """Which side changed its times since both agreed."""

    NEITHER = "neither"
    ROW = "row"
    """The event has to follow."""
    EVENT = "event"
    """A person moved it: their wish."""
    BOTH_ALIKE = "both alike"
    """Both sides say the same already; it is to be remembered."""
    CONFLICT = "conflict"
    """The plan is the dispatcher's: the event has to follow, and people are told what Outlook had wanted."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """What a row remembers of the last agreement: its times, and the nonce of the stamp behind it."""

    times: Times
    nonce: str


def last_agreed(agreement: Agreement | None, stamp: Stamp | None) -> Times | None:
    """The times that both sides last agreed on, or that the event was last given; None when nobody knows.

    Args:
        agreement: the row's; None when it remembers none.
        stamp: the event's; None when it has none, and then it carries no wish.
    """
    if stamp is None:
        return None
    if agreement is not None and agreement.nonce == stamp.nonce:
        return agreement.times
    return stamp.times


def compare(row: Times, event: Times, agreed: Times | None) -> Change:
    """Who changed the times.

    Args:
        row: of the booking now.
        event: of its event now; the two must belong together, see the synchronizer.
        agreed: as `last_agreed` has it; None counts as if the row had changed.
    """
    moved = agreed is not None and not event.same_as(agreed)
    planned = agreed is None or not row.same_as(agreed)
    if moved and planned:
        return Change.BOTH_ALIKE if row.same_as(event) else Change.CONFLICT
    if moved:
        return Change.EVENT
    if planned and not row.same_as(event):
        return Change.ROW
    return Change.NEITHER
