"""The way back: what a person's change of an event in Outlook makes of its booking.

The event is looked at where somebody may have changed it, or where its times are about to be written. A wish
that is granted is one conditional write of the row, and another round; every other wish is written over, or
waits for a dispatcher. Graph is written to only by the synchronizer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from booking_sync.domain.bookings.booking import FieldServiceStatus
from booking_sync.domain.events.event import with_invited
from booking_sync.domain.plan import CreateEvent, Plan, Unwanted, UpdateEvent, Wanted
from booking_sync.domain.record import SyncRecord
from booking_sync.domain.return_path.base import DayMoves
from booking_sync.domain.return_path.comparison import Agreement, Change, compare, last_agreed
from booking_sync.domain.return_path.missing import Missing
from booking_sync.domain.return_path.policy import (
    MAX_CANCELS_PER_DAY,
    MAX_MOVES_PER_DAY,
    Circumstances,
    Mode,
    MoveRuling,
    ReturnPolicy,
    rule,
    rule_deletion,
    still_proposes,
)
from booking_sync.domain.return_path.proposal import (
    AnswerVerdict,
    is_same,
    judge_answer,
    with_proposal,
    without_proposal,
)
from booking_sync.domain.return_path.side import OutlookSide, Proposal, ProposalKind, Returned
from booking_sync.domain.return_path.stamp import Stamp, read_stamp
from booking_sync.domain.return_path.times import Times
from booking_sync.domain.return_path.version import version_of
from booking_sync.domain.return_path.words import Told, tells, when, words
from booking_sync.errors import PermanentError
from booking_sync.ports.dataverse.bookings import Recorded

if TYPE_CHECKING:
    from datetime import date, tzinfo

    from booking_sync.domain.bookings.booking import Booking
    from booking_sync.domain.events.event import ContentPart, SeenEvent
    from booking_sync.domain.events.event_ref import EventRef
    from booking_sync.domain.plan import DesiredState, DesiredStateRule
    from booking_sync.domain.record import BookingRow
    from booking_sync.ports.dataverse.bookings import BookingRows
    from booking_sync.ports.dataverse.return_path import ReturnReads
    from booking_sync.ports.outlook.calendars import Calendar
    from booking_sync.ports.platform.clock import Clock
    from booking_sync.sync.booking.run import Run
    from booking_sync.sync.booking.task import SyncTask

_TEXTS: frozenset[ContentPart] = frozenset({"face", "body", "categories"})
_REJECTED = "a dispatcher said no"
_MANY_CANCELLED = "{} of the resource's bookings were cancelled from Outlook today"
NO_STATUS = "which booking status cancels is not known: set RETURN_CANCEL_STATUS_ID, or cancel it by hand"


@dataclass(frozen=True, slots=True)
class Turn:
    """What comes of looking at an event."""

    steps: Plan
    """What is to be done, with the times left alone or written."""
    side: OutlookSide | None = None
    """What the row is to hold then, if no times were written; None where there is no return path."""
    gone: bool = False
    """The event is gone, which may be somebody's wish."""
    again: bool = False
    """Another round is to follow: the event is another one than the row named."""
    makes_anew: bool = False
    """It is not to be: another event takes its place."""
    ends: str = ""
    """Why nothing more is to be done, in words for the log."""
    missing: str = ""
    """The mailbox that has to be swept before anything is concluded."""


class ReturnPath:
    """The way back from Outlook to Dynamics 365.

    Args:
        rows: the bookings.
        calendar: their events.
        desired_state: what Outlook should show of a booking.
        reads: what is known around a booking.
        policy: what is allowed.
        zone: whose days tell a near move from a far one.
        now: the time of day.
    """

    def __init__(
        self,
        rows: BookingRows,
        calendar: Calendar,
        desired_state: DesiredStateRule,
        reads: ReturnReads,
        policy: ReturnPolicy,
        *,
        zone: tzinfo,
        now: Clock,
    ) -> None:
        self._rows = rows
        self._calendar = calendar
        self._desired_state = desired_state
        self._reads = reads
        self._policy = policy
        self._zone = zone
        self._now = now

    def counts_deletion(self, run: Run, row: BookingRow, desired: DesiredState) -> bool:
        """Whether the end of the row's event would be a wish: the plan is what both sides had agreed on."""
        return not run.task.missing.is_no_wish and self._is_as_agreed(run, row, desired)

    @staticmethod
    def _is_as_agreed(run: Run, row: BookingRow, desired: DesiredState) -> bool:
        event, side = row.record.event, row.side
        if event is None or side is None or run.times is None:
            return False
        shows_there = isinstance(desired, Wanted) and desired.mailbox == event.mailbox
        agreed = side.base.agreement
        return shows_there and agreed is not None and run.times.same_as(agreed.times)

    async def turn(self, run: Run, row: BookingRow, desired: DesiredState, steps: Plan) -> Turn | None:
        """What is done about a booking's event; None when another round has to decide.

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
        steps = self._with_edits_kept(run, side, steps)
        event = _event_of(steps, row)
        if isinstance(desired, Unwanted) or isinstance(steps.write, CreateEvent):
            return Turn(steps, without_proposal(side))
        if event is None or run.times is None or not isinstance(desired, Wanted):
            return Turn(steps, without_proposal(side))
        accepted = self._verdict(side) is AnswerVerdict.ACCEPTED and self._still_proposes(run, side)
        if accepted and self._is_as_agreed(run, row, desired) and not run.refusal:
            return await self._accept(run, row, side)
        if event == row.record.event and not self._must_look(run, side):
            return Turn(self._with_times_kept(steps), side)
        return await self._look(run, row, desired, steps)

    async def _look(self, run: Run, row: BookingRow, desired: Wanted, steps: Plan) -> Turn | None:
        side, event = row.side or OutlookSide(), _event_of(steps, row)
        assert event  # noqa: S101 - there is one to look at
        seen = None if event in run.gone else await self._calendar.see(event)
        if seen is None:
            return self._not_there(run, steps, desired, row, side)
        run.saw(event, seen.state)
        if seen.state.reshaped:
            return Turn(_forced(steps, desired, row, event), without_proposal(side))
        if seen.state.attended:
            row, steps = _with_invited(row, steps)
        return await self._judge(run, row, desired, steps, seen)

    async def judge_gone(self, run: Run, row: BookingRow) -> Turn | None:
        """What is done about an event that is gone while the plan stands; None: another round has to decide.

        Raises:
            TransientError: not now.
        """
        assert run.times  # noqa: S101 - else nothing was agreed on
        side, now = row.side or OutlookSide(), self._now()
        scheduled = _is_scheduled(row.booking)
        ruling = rule_deletion(self._policy, run.times, now=now, scheduled=scheduled)
        verdict = self._verdict(side)
        rejected = verdict is AnswerVerdict.REJECTED
        decided = run.refusal or (_REJECTED if rejected and side.waits_for_cancellation else "")
        if decided or not self._policy.cancels:
            return self._made_anew(run, row, side, decided or ruling.reason)
        if rejected:  # what was refused is a move of an event that is gone since
            side = without_proposal(side)
        if side.waits_for_cancellation and ruling.mode >= Mode.PROPOSE:
            side = _with_stale_answer(side, verdict)
            return Turn(Plan(record=row.record), side, ends="a dispatcher has to decide")
        return await self._by_sweep(run, row, side, ruling)

    async def _by_sweep(
        self, run: Run, row: BookingRow, side: OutlookSide, ruling: MoveRuling
    ) -> Turn | None:
        """What a sweep of the whole mailbox makes of it; before one, nothing is concluded."""
        nothing = Plan(record=row.record)
        match run.task.missing:
            case Missing.UNKNOWN if not side.waits_for_cancellation:
                mailbox = row.record.event.mailbox if row.record.event else ""
                return Turn(
                    nothing, side, ends="the event is gone; its mailbox is looked at", missing=mailbox
                )
            case Missing.WITHHELD:
                what = "the event is gone, with many others of its mailbox"
                told = words(self._now().date(), Told.WITHHELD, what, "so nothing is concluded from it")
                kept = side.told if tells(side.told, Told.WITHHELD) else told
                return Turn(nothing, replace(side, told=kept), ends="too many events are gone")
            case Missing.CONFIRMED if ruling.mode >= Mode.PROPOSE:
                return await self._cancel_or_propose(run, row, side, ruling)
        return self._made_anew(run, row, side, ruling.reason)

    def _made_anew(self, run: Run, row: BookingRow, side: OutlookSide, reason: str) -> Turn:
        """What is done where nobody may decide, or somebody did: as a move, it is put back so often a day."""
        today = self._now().date()
        side, moves = without_proposal(side), _moves(side, today)
        what, nothing = "the event was deleted in Outlook", Plan(record=row.record)
        if moves >= MAX_MOVES_PER_DAY:
            reason = f"something in Outlook moved or deleted this booking's event {moves} times today"
            return Turn(nothing, replace(side, told=words(today, Told.REFUSED, what, reason)), ends=reason)
        told = words(today, Told.REFUSED if run.refusal else Told.PUT_BACK, what, reason)
        base = replace(side.base, moves=DayMoves(today, moves + 1))
        return Turn(nothing, replace(side, base=base, told=told), makes_anew=True)

    async def _cancel_or_propose(
        self, run: Run, row: BookingRow, side: OutlookSide, ruling: MoveRuling
    ) -> Turn | None:
        today = self._now()
        resource = row.booking.resource
        reason = ""
        if ruling.mode is Mode.APPLY and resource:
            midnight = today.replace(hour=0, minute=0, second=0, microsecond=0)
            cancelled = await self._reads.cancelled_today(resource.id, midnight)
            status = await self._reads.cancel_status()
            if status and cancelled < MAX_CANCELS_PER_DAY:
                return await self._cancel(run, row, side, status)
            reason = _MANY_CANCELLED.format(cancelled) if status else NO_STATUS
        told = words(today.date(), Told.PROPOSED, "to cancel: the event was deleted in Outlook", reason)
        side = with_proposal(side, Proposal(ProposalKind.CANCEL), told, today)
        return Turn(Plan(record=row.record), side, ends="a dispatcher has to decide")

    def _not_there(self, run: Run, steps: Plan, desired: Wanted, row: BookingRow, side: OutlookSide) -> Turn:
        event = _event_of(steps, row)
        if run.deletion_counts and event == row.record.event:
            return Turn(steps, side, gone=True)
        assert event  # noqa: S101 - the caller saw it
        return Turn(_forced(steps, desired, row, event), self.overruled_deletion(run, side))

    def overruled_deletion(self, run: Run, side: OutlookSide) -> OutlookSide:
        """The side of a row whose event was gone while its plan was another one already, or the row away."""
        side = without_proposal(side)
        if side.base.agreement is None or run.task.missing.is_no_wish:
            return side
        what = "the event was deleted in Outlook"
        told = words(self._now().date(), Told.OVERRULED, what, "the booking was changed meanwhile")
        return replace(side, told=told)

    def _must_look(self, run: Run, side: OutlookSide) -> bool:
        unanswered = side.answered is None and (side.proposal is None or self._still_proposes(run, side))
        asked = _brings_news(run.task, side) or bool(run.task.missing) or not run.task.trusted
        at_rest = run.deletion_counts and unanswered and run.fresh
        return not at_rest or (asked and not run.looked)

    async def _judge(
        self, run: Run, row: BookingRow, desired: Wanted, steps: Plan, seen: SeenEvent
    ) -> Turn | None:
        event = _event_of(steps, row)
        assert event  # noqa: S101 - it was seen
        assert run.times  # noqa: S101 - the caller saw them
        run.versions[event] = version_of(seen.etag)
        side = row.side or OutlookSide()
        named = event == row.record.event
        stamp, shown = read_stamp(seen.stamp), Times(seen.start, seen.end)
        change = compare(run.times, shown, self._agreed(run, side, stamp, named=named))
        if change is Change.EVENT:
            assert stamp  # noqa: S101 - without one nothing counts as moved
            ruling = await self._rule(run, row, shown)
            if ruling.mode is Mode.APPLY:
                told = words(self._now().date(), Told.MOVED, f"to {when(shown)} in Outlook")
                return await self._grant(run, row, Agreement(shown, stamp.nonce), told)
            if ruling.mode is Mode.PROPOSE:
                return self._propose(steps, _agreed_on(side, run.times, stamp), shown, ruling)
            side = self._put_back(run, side, shown, ruling)
            if ruling.leaves_times:
                return Turn(self._with_times_kept(steps), side)
        else:
            side = self._after(change, side, shown)
        if shown.same_as(run.times) and stamp:
            return Turn(self._with_times_kept(steps), _agreed_on(side, run.times, stamp))
        if not await self._is_unchanged(row):
            return None
        forced = _forced(steps, desired, row, event)
        assert isinstance(forced.write, UpdateEvent)  # noqa: S101 - narrows
        return Turn(replace(forced, write=replace(forced.write, etag=seen.etag)), side)

    def _agreed(self, run: Run, side: OutlookSide, stamp: Stamp | None, *, named: bool) -> Times | None:
        """What both sides last agreed on; None where the event carries no wish.

        Only an event that the row names can carry one: who knows what people saw of any other.
        """
        del run  # the simulation's rivals of this rule decide by it
        return last_agreed(side.base.agreement, stamp) if named else None

    async def _is_unchanged(self, row: BookingRow) -> bool:
        """Whether the row is still as it was when the event was seen: else the two don't belong together."""
        again = await self._rows.read(row.booking.id)
        return again is not None and again.etag == row.etag

    def _verdict(self, side: OutlookSide) -> AnswerVerdict:
        return judge_answer(side, self._now())

    def _still_proposes(self, run: Run, side: OutlookSide) -> bool:
        proposal = side.proposal
        if proposal is None or run.times is None:
            return False
        return still_proposes(self._policy, run.times, proposal.times, self._zone)

    def _with_times_kept(self, steps: Plan) -> Plan:
        """The steps, whose write carries the groups that changed, and never times that did not."""
        if not isinstance(steps.write, UpdateEvent):
            return steps
        return replace(steps, write=replace(steps.write, kept=steps.write.kept | {"times"}))

    def _with_edits_kept(self, run: Run, side: OutlookSide, steps: Plan) -> Plan:
        """The steps, which leave what people may edit as long as the booking's own is what was written."""
        step = steps.write
        if self._policy.repairs_face or not isinstance(step, UpdateEvent) or not run.knowledge().trusted:
            return steps
        if side.base.face != step.content.face():
            return steps
        return replace(steps, write=replace(step, kept=step.kept | {"face"}))

    def _after(self, change: Change, side: OutlookSide, shown: Times) -> OutlookSide:
        """What the row is to hold when nobody's wish of times is open."""
        today = self._now().date()
        if change is Change.CONFLICT:
            reason = "the booking was changed in Dynamics 365 meanwhile, which counts"
            told = words(today, Told.OVERRULED, f"{when(shown)} was wanted in Outlook", reason)
            return replace(without_proposal(side), told=told)
        side = without_proposal(side, words(today, Told.WITHDRAWN, "nothing is proposed any more"))
        if tells(side.told, Told.WITHHELD):
            return replace(side, told=words(today, Told.WITHDRAWN, "the event is there again"))
        return side

    def _propose(self, steps: Plan, side: OutlookSide, shown: Times, ruling: MoveRuling) -> Turn:
        now = self._now()
        told = words(now.date(), Told.PROPOSED, f"to move it to {when(shown)}", ruling.reason)
        proposed = with_proposal(side, Proposal(ProposalKind.MOVE, shown), told, now)
        return Turn(self._with_times_kept(steps), _with_stale_answer(proposed, self._verdict(proposed)))

    def _put_back(self, run: Run, side: OutlookSide, shown: Times, ruling: MoveRuling) -> OutlookSide:
        """What the row is to hold when a wish is written over, or left where something repeats it all day."""
        today = self._now().date()
        side = without_proposal(side)
        if ruling.mode is not Mode.OFF:
            kind = Told.REFUSED if run.refused_times == shown else Told.PUT_BACK
            told = words(today, kind, f"{when(shown)} was wanted in Outlook", ruling.reason)
            side = replace(side, told=told)
        if ruling.leaves_times:
            return side
        return replace(side, base=replace(side.base, moves=DayMoves(today, _moves(side, today) + 1)))

    async def _accept(self, run: Run, row: BookingRow, side: OutlookSide) -> Turn | None:
        """A dispatcher's yes is a word about the row: the event need not be read."""
        assert side.proposal  # noqa: S101 - it was answered
        assert side.base.agreement  # noqa: S101 - the plan was seen to be what it says
        if side.proposal.kind is ProposalKind.CANCEL or side.proposal.times is None:
            status = await self._reads.cancel_status()
            if status:
                return await self._cancel(run, row, side, status)
            told = words(self._now().date(), Told.REFUSED, "to cancel", NO_STATUS)
            return Turn(Plan(record=row.record), replace(side, told=told), ends=NO_STATUS)
        what = f"to {when(side.proposal.times)}, as a dispatcher agreed"
        told = words(self._now().date(), Told.MOVED, what)
        return await self._grant(run, row, Agreement(side.proposal.times, side.base.agreement.nonce), told)

    async def _grant(self, run: Run, row: BookingRow, agreement: Agreement, told: str) -> Turn | None:
        """Grant a wish: one conditional write of the row. Another round sees what became of it."""
        side = without_proposal(row.side or OutlookSide())
        today = self._now().date()
        moves = DayMoves(today, _moves(side, today) + 1)
        version = run.versions.get(row.record.event, side.base.version) if row.record.event else ""
        base = replace(side.base, agreement=agreement, moves=moves, version=version)
        was, arrival = row.booking.start, row.booking.arrival
        arrival = arrival + (agreement.times.start - was) if was and arrival else None
        returned = Returned(replace(side, base=base, told=told), agreement.times, arrival)
        record = replace(row.record, fingerprint=self._fingerprint_at(row, agreement.times))
        if await self._return(run, row, record, returned):
            run.looked = True
        else:
            run.refused_times = agreement.times
        return None

    def _fingerprint_at(self, row: BookingRow, times: Times) -> str:
        """What to remember of an event's content once its booking has these times.

        Where nothing but the times changes, that is all as it will be planned, and nothing need be written.
        """
        recorded = row.record.fingerprint
        now = self._desired_state(row.booking)
        then = self._desired_state(
            replace(row.booking, start=times.start, end=times.end, awaits_dispatcher=False)
        )
        if not (isinstance(now, Wanted) and isinstance(then, Wanted)):
            return recorded
        known = now.content.fingerprint()
        alike = replace(then.content, start=now.content.start, end=now.content.end) == now.content
        if not (alike and recorded.startswith(known)):
            return recorded
        return then.content.fingerprint() + recorded.removeprefix(known)

    async def _cancel(self, run: Run, row: BookingRow, side: OutlookSide, status_id: str) -> Turn | None:
        """Cancel the booking, whose event is gone or is to go; another round sees to the rest."""
        told = words(self._now().date(), Told.CANCELLED, "the event was deleted in Outlook")
        side = without_proposal(side)
        leaving = side.base.leaving | {event for event in (row.record.event,) if event}
        base = replace(side.base, agreement=None, leaving=leaving)
        returned = Returned(replace(side, base=base, told=told), status_id=status_id)
        await self._return(run, row, SyncRecord(generation=row.record.generation), returned)
        return None

    async def _return(self, run: Run, row: BookingRow, record: SyncRecord, returned: Returned) -> bool:
        """Whether Dynamics 365 took it, or somebody was faster; False when it refused it."""
        try:
            ended = await self._rows.record(row.booking.id, row.etag, record, returned)
        except PermanentError as error:
            run.refusal = error.reason
            return False
        if ended is Recorded.DONE:
            run.stays_fresh = True
        return True

    async def _rule(self, run: Run, row: BookingRow, shown: Times) -> MoveRuling:
        assert run.times  # noqa: S101 - the caller saw them
        if run.refused_times == shown:
            return MoveRuling(Mode.REPORT, run.refusal)
        now, side = self._now(), row.side or OutlookSide()
        rejected = self._verdict(side) is AnswerVerdict.REJECTED
        if rejected and side.proposal and is_same(side.proposal.times, shown):
            return MoveRuling(Mode.REPORT, _REJECTED)
        known = Circumstances(now, scheduled=_is_scheduled(row.booking), moves_today=_moves(side, now.date()))
        ruling = rule(self._policy, run.times, shown, known, self._zone)
        if ruling.mode < Mode.APPLY:
            return ruling
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        around = await self._reads.surroundings(row.booking, shown, midnight)
        known = replace(
            known,
            overlaps=around.overlaps,
            outside_window=around.outside_window,
            time_locked=around.time_locked,
            crew=around.crew,
            moved_of_resource=around.moved_of_resource,
        )
        return rule(self._policy, run.times, shown, known, self._zone)


def settled(run: Run, event: EventRef | None, side: OutlookSide, steps: Plan) -> OutlookSide:
    """What the row is to hold of the return path after the writes of this round."""
    if event is None:
        return replace(side, base=replace(side.base, agreement=None, version=""))
    base, step = side.base, steps.write
    if step and not (isinstance(step, UpdateEvent) and "face" in step.kept):
        base = replace(base, face=step.content.face())
    base = replace(base, version=run.versions.get(event, base.version))
    nonce = run.stamped.get(event)
    if nonce is not None and run.times is not None:
        base = replace(base, agreement=Agreement(run.times, nonce))
    return replace(side, base=base)


def _brings_news(task: SyncTask, side: OutlookSide) -> bool:
    """Whether somebody may have changed the event since it was last written or seen."""
    return task.look and not (task.versions and task.versions <= {side.base.version})


def _moves(side: OutlookSide, today: date) -> int:
    return side.base.moves.on(today) if side.base.moves else 0


def _is_scheduled(booking: Booking) -> bool:
    status = booking.status.field_service_status if booking.status else None
    return status in {None, FieldServiceStatus.SCHEDULED}


def _agreed_on(side: OutlookSide, times: Times, stamp: Stamp) -> OutlookSide:
    """The side that remembers what both agreed on: whoever wrote that stamp may have died before it did."""
    return replace(side, base=replace(side.base, agreement=Agreement(times, stamp.nonce)))


def _with_stale_answer(side: OutlookSide, verdict: AnswerVerdict) -> OutlookSide:
    """The side without an answer that may be for an earlier proposal."""
    return replace(side, answered=None) if verdict is AnswerVerdict.STALE else side


def _event_of(steps: Plan, row: BookingRow) -> EventRef | None:
    return steps.write.event if isinstance(steps.write, UpdateEvent) else row.record.event


def _with_invited(row: BookingRow, steps: Plan) -> tuple[BookingRow, Plan]:
    """Row and steps that remember people at the event: the next write, by whatever run, has to look first."""
    record = replace(row.record, fingerprint=with_invited(row.record.fingerprint))
    if steps.write is None and record != row.record:
        told = replace(steps.record, fingerprint=with_invited(steps.record.fingerprint))
        steps = replace(steps, record=told, must_record=True)
    return replace(row, record=record), steps


def _forced(steps: Plan, desired: Wanted, row: BookingRow, event: EventRef) -> Plan:
    """The steps with a write of the times, also where nothing else is to be written."""
    if steps.write:
        return steps
    write = UpdateEvent(event, desired.content, row.record.generation, tag=False, kept=_TEXTS)
    return replace(steps, write=write, must_record=True)
