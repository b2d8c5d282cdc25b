"""What a booking's row holds of the return path, beside the record of its event."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from booking_sync.domain.return_path.base import NO_BASE, Base
from booking_sync.domain.return_path.times import Times

if TYPE_CHECKING:
    from datetime import datetime


class ProposalKind(IntEnum):
    """What a proposal asks for, by the values of its column."""

    MOVE = 1
    CANCEL = 2


class ProposalAnswer(IntEnum):
    """What a dispatcher answered, by the values of its column."""

    ACCEPT = 1
    REJECT = 2


@dataclass(frozen=True, slots=True)
class Proposal:
    """What somebody wants of a booking, and a dispatcher has to decide."""

    kind: ProposalKind
    times: Times | None = None
    """Where the event was put; None for a cancellation."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A dispatcher's answer."""

    answer: ProposalAnswer
    answer_for: str = ""
    """The proposal's times as the form showed them; empty: whatever is proposed now."""


@dataclass(frozen=True, slots=True)
class OutlookSide:
    """The columns of the return path on one row."""

    base: Base = NO_BASE
    """What both sides last agreed on."""
    told: str = ""
    """What became of the last change from Outlook, in words for people."""
    proposal: Proposal | None = None
    """What waits for a dispatcher."""
    answered: Answered | None = None
    """What a dispatcher said to it; whoever has acted on it clears it."""

    @property
    def waits_for_times(self) -> bool:
        """A dispatcher is asked whether the booking may go where its event was put."""
        return self.proposal is not None and self.proposal.kind is ProposalKind.MOVE

    @property
    def waits_for_cancellation(self) -> bool:
        """A dispatcher is asked whether to cancel the booking, whose event is gone."""
        return self.proposal is not None and self.proposal.kind is ProposalKind.CANCEL

    def asks_to_cancel(self, start: datetime | None, end: datetime | None) -> bool:
        """Whether a dispatcher is asked to cancel a booking that is planned as it was when its event went.

        Args:
            start: of the booking, aware; None where it has none.
            end: likewise.
        """
        agreed = self.base.agreement
        if not self.waits_for_cancellation or agreed is None or start is None or end is None:
            return False
        return agreed.times.same_as(Times(start, end))


@dataclass(frozen=True, slots=True)
class Returned:
    """What a record writes of the return path, in the same conditional request."""

    side: OutlookSide
    times: Times | None = None
    """New start and end of the booking itself: a person's wish that is granted; None leaves them."""
    arrival: datetime | None = None
    """The estimated arrival, which moves along: aware; None leaves it."""
    status_id: str = ""
    """A new booking status: a cancellation that is granted; empty leaves it."""
