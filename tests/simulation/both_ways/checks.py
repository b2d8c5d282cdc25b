"""What must hold at rest where technicians' changes come back, beside what holds without that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from booking_sync.domain.return_path.side import ProposalKind

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator

    from booking_sync.domain.record import BookingRow, SyncRecord
    from booking_sync.domain.return_path.side import Returned
    from booking_sync.domain.return_path.times import Times
    from booking_sync.ports.dataverse.bookings import BookingRows, Recorded
    from tests.simulation.schedule import Schedule


def wrong_times(schedule: Schedule, booking_id: str, row: BookingRow | None) -> Iterator[tuple[str, str]]:
    """Kinds and words of what is wrong with a booking that shows."""
    profile = schedule.profile
    if row is None or not profile.both_ways:
        return
    about = f"booking {booking_id[-4:]}"
    if row.side and row.side.answered:
        yield "unheard", f"{about} has an answer that nobody acted on"
    if profile.graph.event_if_match != "checked" and profile.both_ways == "apply":
        return  # an unseen move may be written over
    if profile.habits:
        return  # nor can an event be put back to which people are invited, or moved that is made anew
    if schedule.dispatcher.ledger.is_open(booking_id):
        return
    start = row.booking.start
    allowed = schedule.dispatcher.ledger.allowed(booking_id)
    if start not in allowed:
        wanted = " or ".join(f"{each:%H:%M}" for each in sorted(allowed))
        yield "lost move", f"{about} starts at {start:%H:%M} instead of {wanted}"
    asked, shown = schedule.dispatcher.ledger.asked(booking_id), proposed(row)
    checked = profile.graph.event_if_match == "checked"
    if checked and asked and (shown is None or shown.start != asked):
        yield "lost proposal", f"{about} should be proposed for {asked:%H:%M}"


def proposed(row: BookingRow | None) -> Times | None:
    """Where the event is while a proposal is open; None: where the row says."""
    proposal = row.side.proposal if row and row.side else None
    return proposal.times if proposal and proposal.kind is ProposalKind.MOVE else None


def may_be_missing(row: BookingRow | None) -> bool:
    """Whether an event that is gone is a dispatcher's or an operator's by now."""
    side = row.side if row else None
    return side is not None and (side.waits_for_cancellation or " withheld: " in side.told)


@dataclass(frozen=True)
class CancelWatch:
    """Rows that pass everything on, and see that nobody cancels what no person deleted."""

    rows: BookingRows
    deleted: Callable[[], Container[str]]
    violations: list[tuple[str, str]]

    async def read(self, booking_id: str) -> BookingRow | None:
        """See the port."""
        return await self.rows.read(booking_id)

    async def record(
        self, booking_id: str, etag: str, record: SyncRecord, returned: Returned | None = None
    ) -> Recorded:
        """See the port."""
        if returned and returned.status_id:
            events = {each.event_id for each in returned.side.base.leaving}
            if not any(each in self.deleted() for each in events):
                words = f"booking {booking_id[-4:]} is cancelled, whose event nobody deleted"
                self.violations.append(("cancelled", words))
        return await self.rows.record(booking_id, etag, record, returned)
