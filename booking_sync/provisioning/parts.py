"""Parts of a plan: how each stands, and what is to be done about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from booking_sync.ports.dataverse.customization_actions import Action


class PartState(StrEnum):
    """How a part stands."""

    EXISTS = "exists"
    MISSING = "missing"
    DIFFERS = "differs"
    SURPLUS = "to be removed"
    KEPT = "kept"
    """Not ours to change, or to be left in place on purpose."""
    CONFLICT = "in the way"
    """Nothing is done until a person has seen to it."""


@dataclass(frozen=True, slots=True)
class PlannedPart:
    """One part: how it stands and what is to be done about it."""

    kind: str
    name: str
    state: PartState
    detail: str = ""
    actions: tuple[Action, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class ProvisioningPlan:
    """All parts, in the order in which they are dealt with."""

    parts: tuple[PlannedPart, ...]

    @property
    def actions(self) -> tuple[Action, ...]:
        """What is to be done; nothing at all while something is in the way."""
        if self.conflicts:
            return ()
        return tuple(action for part in self.parts for action in part.actions)

    @property
    def conflicts(self) -> tuple[PlannedPart, ...]:
        """What is in the way."""
        return tuple(part for part in self.parts if part.state is PartState.CONFLICT)
