"""What must hold at rest where technicians' changes come back, beside what holds without that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from booking_sync.domain.return_path.side import ProposalKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from booking_sync.domain.record import BookingRow
    from booking_sync.domain.return_path.times import Times
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
    start = row.booking.start
    allowed = schedule.dispatcher.ledger.allowed(booking_id)
    if start not in allowed:
        wanted = " or ".join(f"{each:%H:%M}" for each in sorted(allowed))
        yield "lost move", f"{about} starts at {start:%H:%M} instead of {wanted}"


def proposed(row: BookingRow | None) -> Times | None:
    """Where the event is while a proposal is open; None: where the row says."""
    proposal = row.side.proposal if row and row.side else None
    return proposal.times if proposal and proposal.kind is ProposalKind.MOVE else None
