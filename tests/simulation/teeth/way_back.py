"""The way back from Outlook with one rule removed at a time, to prove that the simulation notices each."""

from __future__ import annotations

import functools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from booking_sync.domain.plan import UpdateEvent
from booking_sync.domain.return_path.comparison import last_agreed
from booking_sync.domain.return_path.missing import Missing
from booking_sync.domain.return_path.proposal import AnswerVerdict
from booking_sync.domain.return_path.side import ProposalAnswer
from booking_sync.sync.booking.removing import EventRemover
from booking_sync.sync.booking.return_path import ReturnPath, Turn
from booking_sync.sync.booking.synchronizer import Synchronizer
from booking_sync.sync.from_outlook.sweep import Sweeper
from tests.simulation.app.process import Parts
from tests.simulation.both_ways.shape import both_ways
from tests.simulation.chance.focus import mixed
from tests.simulation.checks.calendars import WrappedCalendar
from tests.simulation.teeth.sabotage import AnyVersion, Sabotage

if TYPE_CHECKING:
    from booking_sync.domain.events.event import ContentPart, EventContent
    from booking_sync.domain.events.event_ref import EventRef
    from booking_sync.domain.plan import DesiredState, Plan, Wanted
    from booking_sync.domain.record import BookingRow
    from booking_sync.domain.return_path.side import OutlookSide
    from booking_sync.domain.return_path.stamp import Stamp
    from booking_sync.domain.return_path.sweep import Swept
    from booking_sync.domain.return_path.times import Times
    from booking_sync.ports.outlook.calendars import Written
    from booking_sync.sync.booking.run import Run
    from tests.simulation.chance.trouble import BothWays, Profile

ECHO = timedelta(minutes=1)
"""What programs that tell echoes by time take for one."""


class TwoWayCompare(ReturnPath):
    """No base at all: on a notification the event wins, on everything else the row."""

    def _agreed(self, run: Run, side: OutlookSide, stamp: Stamp | None, *, named: bool) -> Times | None:
        del side
        return run.times if run.task.look and stamp and named else None


class EchoByTiming(TwoWayCompare):
    """What is told within a minute of a write of ours is its echo, everything else is believed."""

    _wrote = datetime.min.replace(tzinfo=UTC)

    async def turn(self, run: Run, row: BookingRow, desired: DesiredState, steps: Plan) -> Turn | None:
        """As ever, but that what comes soon after a write counts as nothing."""
        turn = await super().turn(run, row, desired, steps)
        if turn and isinstance(turn.steps.write, UpdateEvent):
            self._wrote = self._now()
        return turn

    async def _look(self, run: Run, row: BookingRow, desired: Wanted, steps: Plan) -> Turn | None:
        if run.task.look and self._now() < self._wrote + ECHO:
            return Turn(self._with_times_kept(steps), row.side)
        return await super()._look(run, row, desired, steps)


class BaseOnRowOnly(ReturnPath):
    """No stamp: moved means other times than the row's base."""

    def _agreed(self, run: Run, side: OutlookSide, stamp: Stamp | None, *, named: bool) -> Times | None:
        del run
        return side.base.agreement.times if side.base.agreement and stamp and named else None


class BaseOnEventOnly(ReturnPath):
    """The row does not remember which stamp its base superseded."""

    def _agreed(self, run: Run, side: OutlookSide, stamp: Stamp | None, *, named: bool) -> Times | None:
        del run, side
        return stamp.times if stamp and named else None


class UnnamedWishes(ReturnPath):
    """An event that no row names yet may move the booking."""

    def _agreed(self, run: Run, side: OutlookSide, stamp: Stamp | None, *, named: bool) -> Times | None:
        del run
        return last_agreed(side.base.agreement if named else None, stamp)


class NoSecondRead(ReturnPath):
    """Times are written to an event that was seen later than its row."""

    async def _is_unchanged(self, row: BookingRow) -> bool:
        del row
        return True


class WholePatch(ReturnPath):
    """A change of text carries the times along."""

    def _with_times_kept(self, steps: Plan) -> Plan:
        return steps


class UnboundAnswer(ReturnPath):
    """A dispatcher's answer to one proposal is taken for whatever is proposed."""

    def _verdict(self, side: OutlookSide) -> AnswerVerdict:
        if side.answered is None or side.proposal is None:
            return super()._verdict(side)
        accepted = side.answered.answer is ProposalAnswer.ACCEPT
        return AnswerVerdict.ACCEPTED if accepted else AnswerVerdict.REJECTED


class LookingAtHintsOnly(ReturnPath):
    """Whoever trusts nothing does not look at the event's times: a lost notification stays lost."""

    def _must_look(self, run: Run, side: OutlookSide) -> bool:
        trusting = replace(run.task, trusted=True)
        run.task, task = trusting, run.task
        try:
            return super()._must_look(run, side)
        finally:
            run.task = task


class _AnyEventVersion(WrappedCalendar):
    """Times are written to whatever version the event has."""

    async def update(
        self,
        event: EventRef,
        content: EventContent,
        kept: frozenset[ContentPart] = frozenset(),
        *,
        stamp: str = "",
        etag: str = "",
    ) -> Written | None:
        del etag
        return await self.calendar.update(event, content, kept, stamp=stamp)


def _no_chance(_bits: int) -> int:
    return 0


def _shape(mode: BothWays, *, deletes: bool = False) -> functools.partial[Profile]:
    return functools.partial(_busy, mode=mode, deletes=deletes)


def _busy(profile: Profile, mode: BothWays, *, deletes: bool) -> Profile:
    """Everybody at one booking: schedules that meet what each rule is for, soon."""
    mixed_up = both_ways(mixed(profile), mode, "checked", deletes=deletes)
    return replace(mixed_up, bookings=1, processes=3, wishes=6, changes=max(mixed_up.changes, 5), haste=0.15)


class Unguarded(Sweeper):
    """Whatever is gone was deleted by somebody who meant it."""

    def _weigh(self, swept: Swept, entries: int) -> Missing:
        del entries
        return Missing.CONFIRMED if swept.missing else Missing.UNKNOWN


class _RemovingNamed(EventRemover):
    def may_remove(self, run: Run, *events: EventRef) -> None:
        del run, events


class RemovingNamed(Synchronizer):
    """An event is removed while its row names it still."""

    remover = _RemovingNamed


_LOST = frozenset({"lost move"})
_CANCELLED = frozenset({"cancelled"})
_APPLY, _PROPOSE, _DELETIONS = _shape("apply"), _shape("propose"), _shape("apply", deletes=True)

OF_THE_WAY_BACK = {
    "the base": Sabotage(Parts(returns=TwoWayCompare), _LOST, _APPLY),
    "what an echo is": Sabotage(Parts(returns=EchoByTiming), _LOST, _APPLY),
    "the stamp": Sabotage(Parts(returns=BaseOnRowOnly), _LOST, _APPLY),
    "the base on the row": Sabotage(Parts(returns=BaseOnEventOnly), _LOST, _APPLY),
    "the nonce": Sabotage(Parts(chance=_no_chance), _LOST, _APPLY),
    "no wish from an event that no row names": Sabotage(Parts(returns=UnnamedWishes), _LOST, _APPLY),
    "If-Match of a record with a base": Sabotage(Parts(rows=AnyVersion), _LOST, _APPLY),
    "the second read of the row": Sabotage(Parts(returns=NoSecondRead), _LOST, _APPLY),
    "the groups of a write": Sabotage(Parts(returns=WholePatch), _LOST, _APPLY),
    "the binding of answers": Sabotage(Parts(returns=UnboundAnswer), _LOST, _PROPOSE),
    "the look of whoever trusts nothing": Sabotage(
        Parts(returns=LookingAtHintsOnly), frozenset({"content"}), _APPLY
    ),
    "If-Match of an event": Sabotage(Parts(calendar=_AnyEventVersion), _LOST, _APPLY),
    "withdrawing before removing": Sabotage(Parts(synchronizer=RemovingNamed), _CANCELLED, _DELETIONS),
    "the guard": Sabotage(Parts(sweeper=Unguarded), _CANCELLED, _DELETIONS),
}
"""For each a schedule is built that shows it (`built`): by chance they are met too rarely."""
