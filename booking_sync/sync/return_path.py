"""Judges what somebody made of an event's times in Outlook, before anything is written to it.

The row was read, then the event is seen; a write of times reads the row once more, since the two belong
together only if the row is the same before and after. What is returned to Dynamics 365 is one conditional
write of the row, which has that from its version.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from booking_sync.domain.plan import CreateEvent, Plan, UpdateEvent, Wanted
from booking_sync.domain.return_path.base import DayMoves
from booking_sync.domain.return_path.comparison import Agreement, Change, compare, last_agreed
from booking_sync.domain.return_path.policy import Circumstances, Mode, MoveRuling, ReturnPolicy, rule
from booking_sync.domain.return_path.side import OutlookSide, Returned
from booking_sync.domain.return_path.stamp import Stamp, read_stamp
from booking_sync.domain.return_path.times import Times
from booking_sync.errors import PermanentError
from booking_sync.ports.bookings import Recorded

if TYPE_CHECKING:
    from datetime import tzinfo

    from booking_sync.domain.event import ContentPart, EventRef, SeenEvent
    from booking_sync.domain.plan import DesiredState
    from booking_sync.domain.record import BookingRow
    from booking_sync.ports.bookings import BookingRows
    from booking_sync.ports.calendars import Calendar
    from booking_sync.ports.clock import Clock
    from booking_sync.sync.run import Run

_TEXTS: frozenset[ContentPart] = frozenset({"face", "body", "categories"})


@dataclass(frozen=True, slots=True)
class Turn:
    """What comes of looking at an event."""

    steps: Plan
    """What is to be done, with the times left alone or written."""
    side: OutlookSide | None = None
    """What the row is to hold then, if no times were written; None where there is no return path."""


class ReturnPath:
    """The way back from Outlook to Dynamics 365.

    Args:
        rows: the bookings.
        calendar: their events.
        policy: what is allowed.
        zone: whose days tell a near move from a far one.
        now: the time of day.
    """

    def __init__(
        self, rows: BookingRows, calendar: Calendar, policy: ReturnPolicy, zone: tzinfo, now: Clock
    ) -> None:
        self._rows = rows
        self._calendar = calendar
        self._policy = policy
        self._zone = zone
        self._now = now

    async def turn(self, run: Run, row: BookingRow, desired: DesiredState, steps: Plan) -> Turn | None:
        """What is done about an event that is there; None when another round has to decide.

        Args:
            run: of the booking, with the row's times.
            row: as it was read.
            desired: what Outlook is to show.
            steps: as planned without a look, with nothing to remove.

        Raises:
            TransientError: not now.
            PermanentError: the mailbox or the row can't be used.
        """
        side = row.side or OutlookSide()
        event = _event_of(steps, row)
        nothing_there = isinstance(steps.write, CreateEvent) or event is None or run.times is None
        if nothing_there or not isinstance(desired, Wanted):
            return Turn(steps, side)
        assert event  # noqa: S101 - narrows
        named = event == row.record.event
        if named and not self._must_look(run, side):
            return Turn(_with_times_kept(steps), side)
        seen = await self._calendar.see(event)
        if seen is None or seen.state.reshaped or seen.state.attended:
            return Turn(_forced(steps, desired, row, event), side)
        return await self._judge(run, row, desired, steps, seen)

    def _must_look(self, run: Run, side: OutlookSide) -> bool:
        assert run.times  # noqa: S101 - the caller saw them
        agreed = side.base.agreement
        planned = agreed is None or not run.times.same_as(agreed.times)
        return planned or run.rounds > 1 or not run.task.trusted or run.task.look

    async def _judge(
        self, run: Run, row: BookingRow, desired: Wanted, steps: Plan, seen: SeenEvent
    ) -> Turn | None:
        event = _event_of(steps, row)
        assert event  # noqa: S101 - it was seen
        assert run.times  # noqa: S101 - the caller saw them
        side = row.side or OutlookSide()
        named = event == row.record.event
        stamp, shown = read_stamp(seen.stamp), Times(seen.start, seen.end)
        agreed = last_agreed(side.base.agreement if named else None, stamp)
        change = compare(run.times, shown, agreed if named else None)
        if change is Change.EVENT:
            ruling = self._rule(run.times, shown, side)
            if ruling.mode is Mode.APPLY and run.refused_times != shown:
                assert stamp  # noqa: S101 - without one nothing counts as moved
                return await self._apply(run, row, shown, stamp)
            side = replace(side, told=self._words(ruling, shown, run))
        elif change is Change.CONFLICT:
            side = replace(side, told=_overruled(shown))
        if shown.same_as(run.times) and stamp:
            settled = replace(side.base, agreement=Agreement(run.times, stamp.nonce))
            return Turn(_with_times_kept(steps), replace(side, base=settled))
        again = await self._rows.read(row.booking.id)
        if again is None or again.etag != row.etag:
            return None
        forced = _forced(steps, desired, row, event)
        assert isinstance(forced.write, UpdateEvent)  # noqa: S101 - narrows
        return Turn(replace(forced, write=replace(forced.write, etag=seen.etag)), side)

    async def _apply(self, run: Run, row: BookingRow, shown: Times, stamp: Stamp) -> Turn | None:
        """Grant the wish: one conditional write of the row. Another round sees what became of it."""
        side = row.side or OutlookSide()
        today = self._now().date()
        base = replace(
            side.base,
            agreement=Agreement(shown, stamp.nonce),
            moves=DayMoves(today, (side.base.moves.on(today) if side.base.moves else 0) + 1),
        )
        returned = Returned(replace(side, base=base, told=_moved(shown)), shown)
        try:
            ended = await self._rows.record(row.booking.id, row.etag, row.record, returned)
        except PermanentError as error:
            run.refused_times, run.refusal = shown, error.reason
            return None
        if ended is Recorded.DONE:
            run.touched = True
        return None

    def _rule(self, planned: Times, shown: Times, side: OutlookSide) -> MoveRuling:
        now = self._now()
        moves = side.base.moves.on(now.date()) if side.base.moves else 0
        return rule(self._policy, planned, shown, Circumstances(now, moves_today=moves), self._zone)

    @staticmethod
    def _words(ruling: MoveRuling, shown: Times, run: Run) -> str:
        reason = run.refusal if run.refused_times == shown else ruling.reason
        return f"{_when(shown)} was wanted in Outlook and put back{f': {reason}' if reason else ''}."


def settled(run: Run, event: EventRef | None, side: OutlookSide) -> OutlookSide:
    """What the row is to hold of the return path after the writes of this round."""
    nonce = run.stamped.get(event) if event else None
    if event is None:
        return replace(side, base=replace(side.base, agreement=None))
    if nonce is None or run.times is None:
        return side
    return replace(side, base=replace(side.base, agreement=Agreement(run.times, nonce)))


def _event_of(steps: Plan, row: BookingRow) -> EventRef | None:
    return steps.write.event if isinstance(steps.write, UpdateEvent) else row.record.event


def _with_times_kept(steps: Plan) -> Plan:
    if not isinstance(steps.write, UpdateEvent):
        return steps
    return replace(steps, write=replace(steps.write, kept=steps.write.kept | {"times"}))


def _forced(steps: Plan, desired: Wanted, row: BookingRow, event: EventRef) -> Plan:
    """The steps with a write of the times, also where nothing else is to be written."""
    if steps.write:
        return steps
    write = UpdateEvent(event, desired.content, row.record.generation, tag=False, kept=_TEXTS)
    return replace(steps, write=write, must_record=True)


def _when(times: Times) -> str:
    return f"{times.start:%Y-%m-%d %H:%M} to {times.end:%Y-%m-%d %H:%M} UTC"


def _moved(times: Times) -> str:
    return f"Moved in Outlook to {_when(times)}."


def _overruled(times: Times) -> str:
    why = "the booking was changed in Dynamics 365 meanwhile, which counts"
    return f"{_when(times)} was wanted in Outlook; {why}."
