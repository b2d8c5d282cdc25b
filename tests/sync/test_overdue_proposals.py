"""Proposals that nobody answered in time are looked at once more, before their bookings begin."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from booking_sync.domain.return_path.policy import Mode, ReturnPolicy
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
EVERYTHING = ReturnPolicy(Mode.APPLY)


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


def _overdue(
    listing: Listing, queue: FakeQueue, moment: datetime, policy: ReturnPolicy = EVERYTHING
) -> OverdueProposals:
    return OverdueProposals(
        listing, queue, "bsync_outlookproposal", policy, zone=UTC, now=lambda: moment, new_id=lambda: "c"
    )


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
    assert await _overdue(listing, queue, moment).run() == queued
    assert [(change.booking_id, change.look) for change, _ in queue.sent] == [(BOOKING_ID, True)] * queued
    assert listing.conditions == ["bsync_outlookproposal ne null"]


@pytest.mark.parametrize(
    ("policy", "ended"),
    [
        (ReturnPolicy(Mode.PROPOSE), set()),
        (ReturnPolicy(Mode.REPORT), {"near", "far", "cancel"}),
        (ReturnPolicy(Mode.APPLY, far=Mode.REPORT), {"far"}),
        (ReturnPolicy(Mode.APPLY, near=Mode.REPORT), {"near"}),
        (ReturnPolicy(Mode.APPLY, delete=Mode.REPORT), {"cancel"}),
    ],
)
async def test_what_an_administrator_allows_no_more_ends_at_once(
    policy: ReturnPolicy, ended: set[str]
) -> None:
    """Its booking is looked at, however far ahead it is."""
    assert START
    assert END
    far = Proposal(ProposalKind.MOVE, Times(START + 24 * HOUR, END + 24 * HOUR))
    for name, proposal in {"near": LATER, "far": far, "cancel": CANCEL}.items():
        queue = FakeQueue()
        assert await _overdue(Listing(proposal), queue, START - 99 * HOUR, policy).run() == (name in ended)
