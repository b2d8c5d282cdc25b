"""What waits for a dispatcher, and whether an answer is one to it. Pure.

A form may be older than the row: an answer counts for the proposal that its dispatcher saw, and for no other.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Final

from booking_sync.domain.return_path.side import Proposal, ProposalAnswer, ProposalKind
from booking_sync.domain.return_path.times import Times

if TYPE_CHECKING:
    from booking_sync.domain.return_path.side import OutlookSide

SEEN_AFTER: Final = timedelta(minutes=1)
"""An answer that does not say which proposal it is for is not believed to be for a younger one."""


class AnswerVerdict(Enum):
    """What a dispatcher's answer comes to."""

    NONE = "none"
    """Nobody answered."""
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    STALE = "stale"
    """It may be for an earlier proposal."""


def judge_answer(side: OutlookSide, now: datetime) -> AnswerVerdict:
    """Whether the row's answer is one to the row's proposal."""
    answered, proposal = side.answered, side.proposal
    if answered is None:
        return AnswerVerdict.NONE
    if proposal is None or not _is_for(side, proposal, now):
        return AnswerVerdict.STALE
    return AnswerVerdict.ACCEPTED if answered.answer is ProposalAnswer.ACCEPT else AnswerVerdict.REJECTED


def _is_for(side: OutlookSide, proposal: Proposal, now: datetime) -> bool:
    assert side.answered  # noqa: S101 - narrows
    if not side.answered.answer_for.strip():
        return side.base.proposed is not None and now - side.base.proposed >= SEEN_AFTER
    said = _read(side.answered.answer_for.strip())
    about = proposal.times
    if proposal.kind is ProposalKind.CANCEL and side.base.agreement:
        about = side.base.agreement.times
    return said is not None and about is not None and said.same_as(about)


def _read(text: str) -> Times | None:
    """Start and end in ISO 8601 with a zone, and a slash between; None for anything else."""
    try:
        start, end = map(datetime.fromisoformat, text.split("/"))
        return Times(start, end)
    except ValueError:
        return None


def with_proposal(side: OutlookSide, proposal: Proposal, told: str, now: datetime) -> OutlookSide:
    """The side with this proposal, unanswered; unchanged where it is open already."""
    if is_open(side, proposal):
        return side
    base = replace(side.base, proposed=now.replace(microsecond=0))
    return replace(side, base=base, told=told, proposal=proposal, answered=None)


def is_open(side: OutlookSide, proposal: Proposal) -> bool:
    """Whether this very thing is proposed already."""
    was = side.proposal
    if was is None or was.kind is not proposal.kind:
        return False
    return was.kind is ProposalKind.CANCEL or is_same(was.times, proposal.times)


def without_proposal(side: OutlookSide, told: str = "") -> OutlookSide:
    """The side with nothing that waits for a dispatcher; it tells this unless nothing had waited."""
    if side.proposal is None and side.answered is None and side.base.proposed is None:
        return side
    base = replace(side.base, proposed=None)
    return replace(side, base=base, told=told or side.told, proposal=None, answered=None)


def is_same(one: Times | None, other: Times | None) -> bool:
    """Whether both are there and the same, to the minute."""
    return one is not None and other is not None and one.same_as(other)
