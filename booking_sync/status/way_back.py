"""What the way back from Outlook makes of one booking: both sides, the base, the stamp, what would be done.

Pure. The comparison and the rules are the worker's own; what only Dataverse can tell around a move (who else
is booked there, what is promised) is not asked, and the words say so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from booking_sync.domain.bookings.booking import FieldServiceStatus
from booking_sync.domain.return_path.comparison import Change, compare, last_agreed
from booking_sync.domain.return_path.policy import Circumstances, Mode, rule, rule_deletion
from booking_sync.domain.return_path.side import OutlookSide, ProposalKind
from booking_sync.domain.return_path.stamp import read_stamp
from booking_sync.domain.return_path.times import Times
from booking_sync.domain.return_path.words import when

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

    from booking_sync.domain.bookings.booking import Booking
    from booking_sync.domain.events.event import SeenEvent
    from booking_sync.domain.record import BookingRow
    from booking_sync.domain.return_path.policy import MoveRuling, ReturnPolicy

_CHANGED: Final = {
    Change.NEITHER: "nobody",
    Change.ROW: "the booking, in Dynamics 365",
    Change.EVENT: "the event, in Outlook",
    Change.BOTH_ALIKE: "both, to the same times",
    Change.CONFLICT: "both, to different times",
}
_WOULD: Final = {
    Change.NEITHER: "nothing",
    Change.ROW: "give the event the booking's times",
    Change.BOTH_ALIKE: "remember that both agree",
    Change.CONFLICT: "give the event the booking's times: the plan counts",
}
_BY_MODE: Final = {
    Mode.OFF: "nothing, until the booking changes or an audit comes",
    Mode.REPORT: "put the event back, and say so on the row",
    Mode.PROPOSE: "propose it to a dispatcher",
    Mode.APPLY: "move the booking, unless something there stands in the way",
}
_DELETION: Final = {
    Mode.OFF: "make the event anew",
    Mode.REPORT: "make the event anew, and say so on the row",
    Mode.PROPOSE: "propose to cancel the booking, once its mailbox was looked at",
    Mode.APPLY: "cancel the booking, once its mailbox was looked at",
}


@dataclass(frozen=True, slots=True)
class Allowed:
    """What an administrator allows, and by which clock."""

    policy: ReturnPolicy
    zone: tzinfo
    """Whose days tell a near move from a far one."""
    now: datetime
    """Aware."""


@dataclass(frozen=True, slots=True)
class WayBack:
    """How one booking stands with Outlook's side."""

    side: OutlookSide
    booking: Times | None
    event: Times | None
    """None when it is gone, or was not read."""
    stamp: Times | None
    """What we last wrote there, as the event itself says."""
    seen: bool
    """The row knows of that write."""
    changed: str
    """Who changed the times since both agreed, in words."""
    would: str
    """What would be done about that."""

    def as_json(self) -> dict[str, Any]:
        """For `--json` and for the page."""
        agreed = self.side.base.agreement
        proposal = self.side.proposal
        return {
            "agreed": _shown(agreed.times if agreed else None),
            "booking": _shown(self.booking),
            "event": _shown(self.event),
            "stamp": _shown(self.stamp),
            "stampSeen": self.seen,
            "changed": self.changed,
            "would": self.would,
            "proposal": "" if proposal is None else proposal.kind.name.lower(),
            "proposed": _shown(proposal.times if proposal else None),
            "answer": self.side.answered.answer.name.lower() if self.side.answered else "",
            "leaving": len(self.side.base.leaving),
            "told": self.side.told,
        }

    def lines(self) -> tuple[tuple[str, str], ...]:
        """For people."""
        told = self.as_json()
        stamp = f"{told['stamp']} ({'as' if self.seen else 'later than'} the row remembers)"
        lines = [
            ("last agreed", told["agreed"] or "never"),
            ("event has", told["event"] or "no times that can be read"),
            ("we wrote last", stamp if told["stamp"] else "nothing that it tells of"),
            ("who changed", self.changed),
            ("the worker would", self.would),
            ("proposal", _proposal(self.side)),
            ("row tells", self.side.told or "nothing"),
        ]
        if self.side.base.leaving:
            lines.append(
                ("being removed", f"{len(self.side.base.leaving)} events that the row names no more")
            )
        return tuple(lines)


def judge_way_back(row: BookingRow, seen: SeenEvent | None, read: bool, allowed: Allowed) -> WayBack:  # noqa: FBT001 - a fact, no switch
    """How the booking stands.

    Args:
        row: with its side.
        seen: the event that it names, as it is now.
        read: whether the event could be asked for; then None says that it is gone.
        allowed: by whom and when.
    """
    side, booking = row.side or OutlookSide(), _times_of(row.booking)
    agreement = side.base.agreement
    if seen is None:
        changed, would = _without_event(row, booking, allowed) if read else ("not known", "not known")
        return WayBack(side, booking, None, None, seen=False, changed=changed, would=would)
    stamp, event = read_stamp(seen.stamp), Times(seen.start, seen.end)
    known = bool(stamp and agreement and stamp.nonce == agreement.nonce)
    changed, would = "not known", "not known"
    if booking:
        change = compare(booking, event, last_agreed(agreement, stamp))
        changed, would = _CHANGED[change], _WOULD.get(change) or _about(row, booking, event, allowed)
    written = stamp.times if stamp else None
    return WayBack(side, booking, event, written, seen=known, changed=changed, would=would)


def _about(row: BookingRow, booking: Times, event: Times, allowed: Allowed) -> str:
    """What is done about a person's move."""
    now = allowed.now
    moves = row.side.base.moves if row.side else None
    known = Circumstances(
        now, scheduled=_is_scheduled(row.booking), moves_today=moves.on(now.date()) if moves else 0
    )
    return _with_reason(_BY_MODE, rule(allowed.policy, booking, event, known, allowed.zone))


def _without_event(row: BookingRow, booking: Times | None, allowed: Allowed) -> tuple[str, str]:
    """The row names an event that is gone, or none."""
    agreed = row.side.base.agreement if row.side else None
    if row.record.event is None:
        return "nobody: the row names no event", "nothing on the way back"
    if booking is None or agreed is None or not booking.same_as(agreed.times):
        return "both: the event is gone, and the booking was changed", "make the event anew: the plan counts"
    scheduled = _is_scheduled(row.booking)
    ruling = rule_deletion(allowed.policy, booking, now=allowed.now, scheduled=scheduled)
    return "the event, which is gone from Outlook", _with_reason(_DELETION, ruling)


def _with_reason(words: dict[Mode, str], ruling: MoveRuling) -> str:
    text = "leave the times alone" if ruling.leaves_times else words[ruling.mode]
    return f"{text}: {ruling.reason}" if ruling.reason else text


def _proposal(side: OutlookSide) -> str:
    if side.proposal is None:
        return "none"
    answer = f", answered: {side.answered.answer.name.lower()}" if side.answered else ", not answered"
    if side.proposal.kind is ProposalKind.CANCEL:
        return f"to cancel the booking{answer}"
    return f"to move it to {_shown(side.proposal.times) or 'unknown times'}{answer}"


def _is_scheduled(booking: Booking) -> bool:
    status = booking.status.field_service_status if booking.status else None
    return status in {None, FieldServiceStatus.SCHEDULED}


def _times_of(booking: Booking) -> Times | None:
    return Times(booking.start, booking.end) if booking.start and booking.end else None


def _shown(times: Times | None) -> str:
    return when(times) if times else ""
