"""From events that changed in Outlook to the bookings that name them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from booking_sync.domain.messages.change import BookingChange
from booking_sync.domain.return_path.messages import OutlookChange
from booking_sync.domain.return_path.version import version_of
from booking_sync.sync.from_outlook.changes import EventHint, OutlookChanges
from tests.support.bookings import ANNA, BOOKING_ID

if TYPE_CHECKING:
    from collections.abc import Sequence

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
OTHER = BOOKING_ID.replace("0d7c", "1d7c")


class FakeOwners:
    """Two bookings and their events; fulfils `EventOwners`."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, tuple[str, ...], datetime]] = []

    async def bookings_of(
        self, mailbox: str, event_ids: Sequence[str], starts_from: datetime
    ) -> dict[str, str]:
        """See the port."""
        self.asked.append((mailbox, tuple(event_ids), starts_from))
        return {BOOKING_ID: "E1", OTHER: "E2"}


async def test_events_become_looks_at_their_bookings() -> None:
    """One question for all; of a deleted one it is told from where it is gone."""
    owners = FakeOwners()
    changes = OutlookChanges(owners, timedelta(days=7), lambda: NOW)
    version = version_of("1")
    change = OutlookChange(
        ANNA,
        ("E1", "E2", "E3"),
        "outlook-1",
        NOW,
        deleted=frozenset({"E2", "E3"}),
        versions=frozenset({("E1", version), ("E9", version_of("2"))}),
    )
    assert await changes.bookings_of(change) == [
        EventHint(BookingChange(BOOKING_ID, "outlook-1", NOW, look=True, versions=frozenset({version}))),
        EventHint(BookingChange(OTHER, "outlook-1", NOW, look=True), gone_from=ANNA),
    ]
    assert owners.asked == [(ANNA, ("E1", "E2", "E3"), NOW - timedelta(days=7))]
