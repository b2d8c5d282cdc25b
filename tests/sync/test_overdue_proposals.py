"""Proposals that nobody answered in time are looked at once more, before their bookings begin."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from booking_sync.domain.return_path.side import OutlookSide, Proposal, ProposalKind
from booking_sync.domain.return_path.times import Times
from booking_sync.ports.dataverse.bookings import BookingPage
from booking_sync.sync.from_outlook.overdue import OverdueProposals
from tests.support.bookings import BOOKING_ID, booking
from tests.support.fakes import FakeQueue, FakeRows

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from booking_sync.ports.dataverse.bookings import BookingQuery

HOUR, HALF = timedelta(hours=1), timedelta(minutes=30)
START, END = booking().start, booking().end
assert START
assert END
EARLIER = Proposal(ProposalKind.MOVE, Times(START - 2 * HOUR, END - 2 * HOUR))
LATER = Proposal(ProposalKind.MOVE, Times(START + 2 * HOUR, END + 2 * HOUR))
CANCEL = Proposal(ProposalKind.CANCEL)


class Listing:
    """The rows that Dataverse finds by the column of proposals."""

    def __init__(self, proposal: Proposal) -> None:
        rows = FakeRows()
        rows.put(booking())
        self.row = replace(rows.rows[BOOKING_ID], side=OutlookSide(proposal=proposal))
        self.conditions: list[str] = []

    async def list_bookings(self, query: BookingQuery) -> AsyncIterator[BookingPage]:
        """See the port."""
        self.conditions.append(query.condition)
        yield BookingPage((self.row,))

    async def count_bookings(self, query: BookingQuery) -> int:
        """See the port."""
        raise NotImplementedError(query)


@pytest.mark.parametrize(
    ("proposal", "before_start", "queued"),
    [
        (LATER, HALF, 1),
        (LATER, HALF + timedelta(seconds=1), 0),
        (EARLIER, 2 * HOUR + HALF, 1),
        (EARLIER, 2 * HOUR + HALF + timedelta(seconds=1), 0),
        (CANCEL, HALF, 1),
        (CANCEL, HOUR, 0),
    ],
)
async def test_a_proposal_ends_before_the_earlier_of_both_starts(
    proposal: Proposal, before_start: timedelta, queued: int
) -> None:
    """Its booking is looked at in the last half hour, and not before."""
    listing, queue = Listing(proposal), FakeQueue()
    assert START
    moment = START - before_start
    overdue = OverdueProposals(
        listing, queue, "bsync_outlookproposal", HALF, now=lambda: moment, new_id=lambda: "c"
    )
    assert await overdue.run() == queued
    assert [(change.booking_id, change.look) for change, _ in queue.sent] == [(BOOKING_ID, True)] * queued
    assert listing.conditions == ["bsync_outlookproposal ne null"]
