"""What is done about a person's change of times in Outlook: the lower of what is allowed and what is safe."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime, tzinfo

    from booking_sync.domain.return_path.times import Times

MAX_MOVES_PER_DAY: Final = 12
"""Of one booking: more is no person's doing, but a rival program that moves it back each time."""
MAX_CANCELS_PER_DAY: Final = 10
"""Of one bookable resource: more deletions than that are proposed, however they came about."""
MAX_MOVED_PER_RESOURCE: Final = 20
"""Bookings of one bookable resource on one day: more is a tool for time zones, or a migration."""
NEAR: Final = timedelta(hours=4)
"""How far a move may go that needs nobody's consent."""


class Mode(IntEnum):
    """What becomes of a change; a higher one does more."""

    OFF = 0
    """The event is put right by the row's next change or the audit, as if there were no return path."""
    REPORT = 1
    """It is put right at once, and the row says what Outlook had wanted."""
    PROPOSE = 2
    """It stays where it was put, and the dispatcher decides."""
    APPLY = 3
    """The booking is changed."""


class MoveKind(StrEnum):
    """What somebody did to the event."""

    NEAR_MOVE = "near move"
    """The same length, the same day, a few hours at most."""
    FAR_MOVE = "far move"
    """Every other change of times: a length is travel and work, and what was meant only a person knows."""


@dataclass(frozen=True, slots=True)
class ReturnPolicy:
    """What an administrator allows."""

    path: Mode = Mode.OFF
    near: Mode = Mode.APPLY
    far: Mode = Mode.PROPOSE
    delete: Mode = Mode.PROPOSE
    """Of a deleted event: to report is to make it anew."""
    repairs_face: bool = True
    """Whether subject, place, show-as and our categories are put right that somebody changed."""
    freeze: timedelta = timedelta(minutes=30)
    """Before its start a booking belongs to the dispatcher alone."""

    @property
    def cancels(self) -> bool:
        """Whether a booking can be canceled from Outlook, be it after a dispatcher's word."""
        return min(self.path, self.delete) >= Mode.PROPOSE

    def allowed(self, kind: MoveKind) -> Mode:
        """The lower of the whole path's mode and this kind's."""
        return min(self.path, self.near if kind is MoveKind.NEAR_MOVE else self.far)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known of a booking whose event somebody moved."""

    now: datetime
    scheduled: bool = True
    """Its Field Service status is Scheduled, or it has none."""
    ordinary: bool = True
    """Its event is neither an all-day one nor a series."""
    moves_today: int = 0
    """How often Outlook moved it today already."""
    moved_of_resource: int = 0
    """How many bookings of its resource Outlook moved today."""
    overlaps: bool = False
    """Another booking of the resource lies where it was put."""
    outside_window: bool = False
    """It was put outside what the work order promises."""
    time_locked: bool = False
    """Somebody locked its time for the optimizer."""
    crew: bool = False
    """It is a crew's, whose other bookings hang on it."""


@dataclass(frozen=True, slots=True)
class MoveRuling:
    """What is done, and why not more."""

    mode: Mode
    reason: str = ""
    """In words for the row; empty where the setting alone decides."""
    leaves_times: bool = False
    """The times are not even put right, until the row changes: something moves them back each time."""


def kind_of(planned: Times, wished: Times, zone: tzinfo) -> MoveKind:
    """What sort of move it is; days are those of the zone."""
    days = {moment.astimezone(zone).date() for moment in (planned.start, wished.start)}
    same_length = abs(planned.length - wished.length) < timedelta(minutes=1)
    near = abs(planned.start - wished.start) <= NEAR
    return MoveKind.NEAR_MOVE if same_length and near and len(days) == 1 else MoveKind.FAR_MOVE


def rule(
    policy: ReturnPolicy, planned: Times, wished: Times, known: Circumstances, zone: tzinfo
) -> MoveRuling:
    """What is done about a person's move.

    Args:
        policy: what is allowed.
        planned: the booking's times.
        wished: where the event was put.
        known: of the booking.
        zone: whose days count.
    """
    allowed = policy.allowed(kind_of(planned, wished, zone))
    if allowed is Mode.OFF:
        return MoveRuling(Mode.OFF)
    if known.moves_today >= MAX_MOVES_PER_DAY:
        words = f"something in Outlook has moved this booking {known.moves_today} times today"
        return MoveRuling(Mode.REPORT, words, leaves_times=True)
    if reason := next(_against_any(policy, planned, wished, known), ""):
        return MoveRuling(Mode.REPORT, reason)
    if allowed is Mode.APPLY and (reason := next(_against_applying(known), "")):
        return MoveRuling(Mode.PROPOSE, reason)
    return MoveRuling(allowed)


def _against_any(policy: ReturnPolicy, planned: Times, wished: Times, known: Circumstances) -> Iterator[str]:
    """Why nothing is proposed either."""
    if not known.scheduled:
        yield "work on it has begun or ended"
    if not known.ordinary:
        yield "the event was made an all-day event or a series"
    if wished.end <= wished.start:
        yield "the event has no length"
    if min(planned.start, wished.start) <= known.now + policy.freeze:
        yield f"it starts in less than {policy.freeze // timedelta(minutes=1)} minutes, or has started"


def _against_applying(known: Circumstances) -> Iterator[str]:
    """Why a dispatcher has to look."""
    if known.overlaps:
        yield "another booking of the resource lies there"
    if known.outside_window:
        yield "it is outside the time that the work order promises"
    if known.time_locked:
        yield "the booking's time is locked"
    if known.crew:
        yield "the booking is a crew's"
    if known.moved_of_resource >= MAX_MOVED_PER_RESOURCE:
        yield f"{known.moved_of_resource} bookings of the resource were moved from Outlook today"


def still_proposes(policy: ReturnPolicy, planned: Times, wished: Times | None, zone: tzinfo) -> bool:
    """Whether what waits for a dispatcher would be proposed today: an administrator may allow less by now.

    Args:
        policy: what is allowed.
        planned: the booking's times.
        wished: where its event was put; None where it was deleted.
        zone: whose days count.
    """
    if wished is None:
        return policy.cancels
    return policy.allowed(kind_of(planned, wished, zone)) >= Mode.PROPOSE


def rule_deletion(policy: ReturnPolicy, planned: Times, *, now: datetime, scheduled: bool) -> MoveRuling:
    """What is done about a person's deletion.

    Args:
        policy: what is allowed.
        planned: the booking's times.
        now: the time of day.
        scheduled: as in `Circumstances`.
    """
    mode = min(policy.path, policy.delete)
    known = Circumstances(now, scheduled=scheduled)
    reason = next(_against_any(policy, planned, planned, known), "") if mode > Mode.REPORT else ""
    return MoveRuling(Mode.REPORT if reason else mode, reason)
