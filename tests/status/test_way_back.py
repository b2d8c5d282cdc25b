"""What the way back from Outlook makes of one booking, in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from booking_sync.domain.bookings.booking import FieldServiceStatus
from booking_sync.domain.events.event import SeenEvent
from booking_sync.domain.events.event_ref import EventRef
from booking_sync.domain.record import BookingRow, SyncRecord
from booking_sync.domain.return_path.base import Base, DayMoves
from booking_sync.domain.return_path.comparison import Agreement
from booking_sync.domain.return_path.policy import Mode, ReturnPolicy
from booking_sync.domain.return_path.side import (
    Answered,
    OutlookSide,
    Proposal,
    ProposalAnswer,
    ProposalKind,
)
from booking_sync.domain.return_path.stamp import Stamp, format_stamp
from booking_sync.domain.return_path.times import Times
from booking_sync.status.way_back import Allowed, WayBack, judge_way_back
from tests.support.bookings import ANNA, TRAVELING, booking

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
PLANNED = Times(START, START + timedelta(minutes=150))
MOVED = Times(START + timedelta(hours=2), START + timedelta(hours=4, minutes=30))
FAR = Times(START + timedelta(days=1), START + timedelta(days=1, minutes=150))
EVENT = EventRef(ANNA, "AAA")
EVERYTHING = Allowed(ReturnPolicy(Mode.APPLY), UTC, START - timedelta(days=3))


def row(agreed: Times | None = PLANNED, **side: Any) -> BookingRow:
    """A booking with its event, and what both sides agreed on."""
    base = Base(Agreement(agreed, "a1") if agreed else None)
    return BookingRow(booking(), SyncRecord(EVENT, 1, "f"), 'W/"1"', side=replace(OutlookSide(base), **side))


def seen(shown: Times, written: Times = PLANNED, nonce: str = "a1") -> SeenEvent:
    """The event as it is now."""
    return SeenEvent(shown.start, shown.end, stamp=format_stamp(Stamp(written, nonce)))


def judged(known: BookingRow, event: SeenEvent | None, allowed: Allowed = EVERYTHING) -> WayBack:
    """What is made of it."""
    return judge_way_back(known, event, read=True, allowed=allowed)


def test_both_sides_agree() -> None:
    """Nothing is to be done, and the row knows of our last write."""
    back = judged(row(), seen(PLANNED))
    assert (back.changed, back.would, back.seen) == ("nobody", "nothing", True)
    assert back.as_json()["stamp"] == "2026-03-02 08:00 to 10:30 UTC"


@pytest.mark.parametrize(
    ("shown", "policy", "would"),
    [
        (MOVED, ReturnPolicy(Mode.APPLY), "move the booking"),
        (FAR, ReturnPolicy(Mode.APPLY), "propose it"),
        (MOVED, ReturnPolicy(Mode.REPORT), "put the event back"),
        (FAR, ReturnPolicy(Mode.APPLY, far=Mode.OFF), "nothing, until"),
    ],
)
def test_somebody_moved_the_event(shown: Times, policy: ReturnPolicy, would: str) -> None:
    """What is done goes by the administrator's word, as the worker would do it."""
    back = judged(row(), seen(shown), replace(EVERYTHING, policy=policy))
    assert back.changed == "the event, in Outlook"
    assert back.would.startswith(would)


def test_why_not_more_is_done_is_told() -> None:
    """Work has begun; or something moves it all day long."""
    begun = row()
    begun = replace(begun, booking=replace(begun.booking, status=TRAVELING))
    assert begun.booking.status
    assert begun.booking.status.field_service_status == FieldServiceStatus.TRAVELING
    assert judged(begun, seen(MOVED)).would.endswith(": work on it has begun or ended")
    rival = row()
    assert rival.side
    often = replace(rival.side.base, moves=DayMoves(EVERYTHING.now.date(), 12))
    rival = replace(rival, side=replace(rival.side, base=often))
    assert judged(rival, seen(MOVED)).would.startswith("leave the times alone: something in Outlook")


def test_the_plan_counts_where_both_changed() -> None:
    """And where the booking alone did, the event follows."""
    assert judged(row(agreed=FAR), seen(MOVED)).changed == "both, to different times"
    late = judged(row(agreed=MOVED), seen(MOVED, MOVED, "b2"))
    assert (late.changed, late.seen) == ("the booking, in Dynamics 365", False)
    assert late.would == "give the event the booking's times"


@pytest.mark.parametrize(
    ("delete", "would"),
    [
        (Mode.APPLY, "cancel the booking, once its mailbox"),
        (Mode.PROPOSE, "propose to cancel"),
        (Mode.REPORT, "make the event anew, and say so"),
    ],
)
def test_the_event_is_gone(delete: Mode, would: str) -> None:
    """It may be somebody's wish while the plan stands, and is none once the booking has changed."""
    allowed = replace(EVERYTHING, policy=ReturnPolicy(Mode.APPLY, delete=delete))
    assert judged(row(), None, allowed).would.startswith(would)
    assert judged(row(agreed=FAR), None, allowed).would.startswith("make the event anew: the plan counts")


def test_what_can_t_be_read_is_not_guessed() -> None:
    """A mailbox that does not answer is no deletion."""
    back = judge_way_back(row(), None, read=False, allowed=EVERYTHING)
    assert (back.changed, back.would) == ("not known", "not known")


def test_a_proposal_and_its_answer_are_told() -> None:
    """With what the row tells people."""
    told = "2026-02-27 proposed: to move it to 2026-03-02 10:00 to 12:30 UTC."
    back = judged(row(proposal=Proposal(ProposalKind.MOVE, MOVED), told=told), seen(MOVED))
    lines = dict(back.lines())
    assert lines["proposal"] == "to move it to 2026-03-02 10:00 to 12:30 UTC, not answered"
    assert lines["row tells"] == told
    answered = row(proposal=Proposal(ProposalKind.CANCEL), answered=Answered(ProposalAnswer.REJECT))
    assert dict(judged(answered, None).lines())["proposal"] == "to cancel the booking, answered: reject"
    assert judged(answered, None).as_json()["answer"] == "reject"
