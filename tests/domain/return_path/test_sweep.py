"""A mailbox's rows against its events."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from booking_sync.domain.events.event import MarkedEvent
from booking_sync.domain.events.event_ref import EventRef
from booking_sync.domain.record import BookingRow, SyncRecord
from booking_sync.domain.return_path.side import (
    Answered,
    OutlookSide,
    Proposal,
    ProposalAnswer,
    ProposalKind,
)
from booking_sync.domain.return_path.sweep import Swept, compare_mailbox
from booking_sync.domain.return_path.times import Times
from tests.support.bookings import ANNA, BOOKING_ID, booking

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
END = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
EVENT = MarkedEvent(EventRef(ANNA, "E1"), "m", None, "", START, END, "busy", frozenset(), "")
ROW = BookingRow(booking(), SyncRecord(EVENT.ref, generation=1), "1", side=OutlookSide())
MOVED = replace(EVENT, start=START + timedelta(hours=1), end=END + timedelta(hours=1))
PROPOSED = OutlookSide(proposal=Proposal(ProposalKind.MOVE, Times(MOVED.start, MOVED.end)))
CANCELLING = OutlookSide(proposal=Proposal(ProposalKind.CANCEL))
NOTHING = Swept((), (), 1)
LOOK = Swept((BOOKING_ID,), (), 1)


@pytest.mark.parametrize(
    ("side", "event", "found"),
    [
        (OutlookSide(), EVENT, NOTHING),
        (OutlookSide(), replace(EVENT, start=START + timedelta(seconds=59)), NOTHING),
        (OutlookSide(), MOVED, LOOK),
        (OutlookSide(), replace(EVENT, end=END + timedelta(minutes=1)), LOOK),
        (OutlookSide(), replace(EVENT, all_day=True), LOOK),
        (OutlookSide(), replace(EVENT, repeats=True), LOOK),
        (None, MOVED, LOOK),
        (PROPOSED, MOVED, NOTHING),
        (PROPOSED, EVENT, LOOK),
        (replace(PROPOSED, answered=Answered(ProposalAnswer.ACCEPT)), MOVED, LOOK),
        (CANCELLING, EVENT, LOOK),
    ],
)
def test_what_has_to_be_looked_at(side: OutlookSide | None, event: MarkedEvent, found: Swept) -> None:
    """Other times than the booking's, unless just these are proposed; an event that came back; an answer."""
    assert compare_mailbox([replace(ROW, side=side)], {"E1": event}) == found


def test_what_is_not_there() -> None:
    """By its id; an event about whose end a dispatcher is asked already is expected no more."""
    other = replace(EVENT, ref=EventRef(ANNA, "e1"))
    assert compare_mailbox([ROW], {"e1": other}) == Swept((), (BOOKING_ID,), 1)
    assert compare_mailbox([replace(ROW, side=CANCELLING)], {}) == Swept((), (), 0)
