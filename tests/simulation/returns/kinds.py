"""How much comes back changed in one schedule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.dataverse.config import RestoreRaises
from local.graph.config import ForeignIds, MalformedIds

if TYPE_CHECKING:
    import random


@dataclass(frozen=True)
class Returns:
    """Upper bounds of what may happen, and how the services are about it."""

    restores: int = 0
    """Deleted bookings that are taken out of the recycle bin."""
    imports: int = 0
    """Exports of bookings, and imports of what was exported, together."""
    new_ids: int = 0
    """Events that are given another id."""
    strange_answers: int = 0
    """Answers that are no service's own."""
    restoring: RestoreRaises = "restore"
    """Which messages a restored booking raises."""
    former_ids: ForeignIds = "not_found"
    """How Graph answers an id from before."""
    odd_ids: MalformedIds = "not_found"
    """How Graph answers what can't be an id."""


def draw_returns(drawn: random.Random) -> Returns:
    """By chance, without a draw from the schedule's own: so that old seeds replay as they did.

    Args:
        drawn: the chance that drew the rest of the profile; it is not changed.
    """
    chance = type(drawn)()
    chance.setstate(drawn.getstate())

    def some(most: int) -> int:
        return chance.randint(1, most) if chance.random() < 0.25 else 0

    return Returns(
        restores=some(3),
        imports=some(6),
        new_ids=some(3),
        strange_answers=some(4),
        restoring=chance.choice(("restore", "restore_and_create", "create")),
        former_ids=chance.choice(("not_found", "malformed", "other_mailbox")),
        odd_ids=chance.choice(("not_found", "malformed")),
    )
