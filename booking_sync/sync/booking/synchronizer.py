"""The protocol for one booking: read, plan, apply, record; and round again when somebody else was faster.

1. Read the row and its etag. 2. `plan` what to do. 3. Apply it to Outlook. 4. Record it on the row under the
etag that was read: the commit point. A conflict there means that the row changed under us: nothing that was
read or recorded is trusted any more, and the booking is done afresh, taking along the event that only this
run knows of.

Why this needs no lock: whoever wrote stale content to Outlook fails to record it, and repairs it in the next
round; whoever crashes before that has its message delivered again, untrusted. docs/architecture.md has the
whole argument.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from booking_sync.domain.events.event import tells_of_nobody
from booking_sync.domain.events.event_calendars import MAIN, calendar_part
from booking_sync.domain.events.zones import UTC_NAME, event_zone
from booking_sync.domain.outcome import Outcome, OutcomeKind
from booking_sync.domain.plan import (
    DesiredState,
    Plan,
    Unwanted,
    UpdateEvent,
    Wanted,
    plan,
    shown_in,
)
from booking_sync.domain.record import (
    SyncRecord,
    read_fingerprint,
)
from booking_sync.domain.return_path.base import MOST_LEAVING
from booking_sync.domain.return_path.missing import Missing
from booking_sync.domain.return_path.proposal import without_proposal
from booking_sync.domain.return_path.side import OutlookSide, Returned
from booking_sync.domain.return_path.times import Times
from booking_sync.errors import OvertakenError, PermanentError, SyncError, TransientError
from booking_sync.ports.dataverse.bookings import Recorded
from booking_sync.sync.booking.applied import (
    Applied,
    after_refusal,
    after_write,
    for_people,
    outcome_of,
    with_unknown_content,
    with_unleft,
    with_unremoved,
)
from booking_sync.sync.booking.finding import EventFinder, adopted, under_another_id, where_it_was_found
from booking_sync.sync.booking.proof import ProvenAnswer
from booking_sync.sync.booking.removing import EventRemover, WithdrawFirstError
from booking_sync.sync.booking.return_path import Turn, settled
from booking_sync.sync.booking.run import Run
from booking_sync.sync.booking.task import SyncTask
from booking_sync.sync.booking.writing import EventWriter
from booking_sync.sync.booking.zone_differences import ZoneDifferences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from booking_sync.domain.bookings.booking import Booking
    from booking_sync.domain.events.event import FoundEvent
    from booking_sync.domain.events.event_ref import EventClaim, EventRef
    from booking_sync.domain.events.ownership import Own
    from booking_sync.domain.plan import DesiredStateRule
    from booking_sync.domain.record import BookingRow
    from booking_sync.ports.dataverse.bookings import BookingRows
    from booking_sync.ports.outlook.calendars import Calendar
    from booking_sync.ports.platform.clock import Clock
    from booking_sync.sync.booking.proof import EventProver
    from booking_sync.sync.booking.return_path import ReturnPath

MAX_ROUNDS = 6
"""A booking that changes faster than this many rounds is put back and tried a little later."""

MAX_ROUNDS_BOTH_WAYS = 12
"""With the return path a round may only withdraw, or only grant a wish."""


class Synchronizer:
    """Brings one booking at a time in step with Outlook; many may run at once.

    Args:
        rows: the bookings in Dataverse.
        calendar: the technicians' calendars.
        desired_state: what Outlook should show of a booking.
        prover: proves events to be ours.
        now: the time of day.
        zones: what is known of zones that Exchange reads otherwise; None compares nothing.
        chance: so many random bits, for the stamps of what is written.
        returns: the way back from Outlook; None where it is off.
    """

    remover = EventRemover
    """How it removes events; the simulation takes single rules away here and below."""
    writer = EventWriter
    """How it writes them."""

    def __init__(
        self,
        rows: BookingRows,
        calendar: Calendar,
        desired_state: DesiredStateRule,
        prover: EventProver,
        now: Clock,
        *,
        zones: ZoneDifferences | None = None,
        chance: Callable[[int], int] = secrets.randbits,
        returns: ReturnPath | None = None,
    ) -> None:
        self._rows = rows
        self._calendar = calendar
        self._desired_state = desired_state
        self._prover = prover
        self._returns = returns
        both_ways = returns is not None
        self._finder = EventFinder(calendar, prover, now)
        self._remover = self.remover(calendar, self._finder, both_ways=both_ways)
        self._writer = self.writer(
            calendar,
            prover,
            now,
            finder=self._finder,
            remover=self._remover,
            zones=zones or ZoneDifferences(event_zone(UTC_NAME), now),
            chance=chance,
            both_ways=both_ways,
        )
        self._max_rounds = MAX_ROUNDS if returns is None else MAX_ROUNDS_BOTH_WAYS

    async def sync(self, task: SyncTask) -> Outcome:
        """Bring the booking in step; never raises a `SyncError`, which becomes the outcome instead."""
        run = Run(task, set(task.suspects))
        try:
            while run.rounds < self._max_rounds:
                run.begin_round()
                outcome = await self._round_or_again(run)
                if outcome is not None:
                    return outcome
        except TransientError as error:
            return run.deferred(error)
        except PermanentError as error:
            run.refused([error])
            return run.end(OutcomeKind.FAILED, error.reason)
        return run.deferred(TransientError("the booking kept changing while it was written"))

    async def note_failure(self, booking_id: str, reason: str) -> None:
        """Write why a booking was given up to its row, for a person to read; best effort, never raises.

        The fingerprint is forgotten with it, so that the next change writes the event whatever it holds.
        """
        try:
            row = await self._rows.read(booking_id)
            if row is not None:
                run = Run(SyncTask(booking_id), set())
                row = await self._examine_claim(run, row, row.claim) if row.claim else row
                record = for_people(with_unknown_content(row.record, reason), row)
                await self._rows.record(booking_id, row.etag, record)
        except SyncError:
            return

    async def _round_or_again(self, run: Run) -> Outcome | None:
        try:
            return await self._round(run)
        except WithdrawFirstError as error:
            return await self._withdraw(run, error.events, error.side)
        except OvertakenError:
            if self._returns is None:
                raise
            return None

    async def _round(self, run: Run) -> Outcome | None:
        """One pass of the protocol; None asks for another."""
        row = run.row = await self._rows.read(run.task.booking_id)
        if row is None:
            return await self._finish_missing(run)
        if row.claim:
            row = run.row = await self._examine_claim(run, row, row.claim)
        desired = self._desired_state(row.booking)
        run.times = _times_of(row.booking)
        if self._returns is not None:
            run.deletion_counts = self._returns.counts_deletion(run, row, desired)
            row = await self._remove_leaving(run, row, desired)
        run.believe(row, desired)
        row, recovered = await self._recover(run, row, desired)
        steps = plan(row.record, desired, run.knowledge())
        if self._returns is None:
            return await self._carry_out(run, row, desired, Turn(steps), must_record=recovered)
        self._remover.may_remove(run, *steps.remove)
        try:
            turn = await self._returns.turn(run, row, desired, steps)
            if turn is not None and turn.gone:
                turn = await self._judge_gone(run, row, desired, steps)
        except PermanentError as error:
            return await self._note_unseen(run, row, steps, error)
        if turn is None:
            return None
        if turn.side and turn.side.waits_for_times != row.booking.awaits_dispatcher:
            turn = replace(turn, again=True)  # the event has to say so, or to say so no more
        return await self._carry_out(run, row, desired, turn, must_record=recovered)

    async def _judge_gone(self, run: Run, row: BookingRow, desired: DesiredState, steps: Plan) -> Turn | None:
        """What becomes of a booking whose event is gone, unless it is there under another id."""
        event = row.record.event
        assert self._returns  # noqa: S101 - narrows
        assert event  # noqa: S101 - the turn said that it is gone
        assert isinstance(desired, Wanted)  # noqa: S101 - else its end counts as nothing
        step = UpdateEvent(event, desired.content, row.record.generation, tag=True)
        if taken_over := await self._writer.taken_over(run, step):
            return Turn(replace(steps, write=taken_over, must_record=True), row.side, again=True)
        turn = await self._returns.judge_gone(run, row)
        if turn is not None and turn.makes_anew:
            raise WithdrawFirstError(event, side=turn.side)
        return turn

    async def _note_unseen(
        self, run: Run, row: BookingRow, steps: Plan, error: PermanentError
    ) -> Outcome | None:
        """Tell on the row why its event could not be looked at; nothing waits for a dispatcher meanwhile."""
        run.refused([error])
        applied = after_refusal(run, steps, row.record, {}, error.reason)
        side = without_proposal(row.side) if row.side else None
        ended = run.end(OutcomeKind.FAILED, error.reason)
        return await self._conclude(run, row, applied, side, ended)

    async def _carry_out(
        self, run: Run, row: BookingRow, desired: DesiredState, turn: Turn, *, must_record: bool
    ) -> Outcome | None:
        """Write to Outlook and record it; None asks for another round."""
        steps, side = turn.steps, turn.side
        applied = with_unleft(run, await self._apply(run, steps, row, desired), row.record)
        if applied.gone:
            run.gone |= {event for event in (row.record.event,) if event}
            return None
        if applied.refused and side is not None and side.proposal is None:
            side = without_proposal(row.side or side)  # nothing was put back, nor is anybody told so
        if side is not None:
            side = settled(run, applied.record.event, side, steps)
        again = applied.unfinished or turn.again
        ended = None if again else outcome_of(run, desired, turn, applied)
        return await self._conclude(run, row, applied, side, ended, must_record=must_record)

    async def _conclude(
        self,
        run: Run,
        row: BookingRow,
        applied: Applied,
        side: OutlookSide | None,
        ended: Outcome | None,
        *,
        must_record: bool = False,
    ) -> Outcome | None:
        """Record what came of the round where the row does not say so; how the run ends, None: once more."""
        before = run.row.side if run.row and side else None
        if not (applied.must_record or must_record or side != before or not row.intact):
            return ended
        tagged, recorded = await self._tag_and_record(run, row, applied, side)
        if recorded is Recorded.MISSING:
            return await self._finish_missing(run)
        if recorded is Recorded.CONFLICT or tagged is False:
            if self._returns is not None and run.own and run.own.event == run.taken_up:
                run.own = None  # another round takes it up again: to remove it might undo a person's move
            return None
        return await self._note_untagged(run, tagged) if isinstance(tagged, str) else ended

    async def _withdraw(
        self, run: Run, events: Sequence[EventRef], side: OutlookSide | None
    ) -> Outcome | None:
        """Take what is to be removed off the row first; another round removes it.

        So no row ever names an event that we may have removed, and one that is named and gone was removed by
        somebody else.
        """
        row = run.row
        assert row is not None  # noqa: S101 - of a booking that is gone everything may be removed at once
        side = side or row.side or OutlookSide()
        named = row.record.event
        listed = side.base.leaving - run.left
        leaving = listed | set(events[: MOST_LEAVING - len(listed)])
        gone = named in leaving
        base = replace(side.base, leaving=leaving, agreement=None if gone else side.base.agreement)
        used = max((row.record.generation, *run.burned.values()))
        if run.own and run.own.event in leaving:
            used = max(used, run.own.generation)
        record = replace(
            row.record,
            event=None if gone else named,
            fingerprint="" if gone else row.record.fingerprint,
            generation=used,
        )
        recorded = await self._record(run, row, record, replace(side, base=base))
        if recorded is Recorded.MISSING:
            return await self._finish_missing(run)
        if recorded is Recorded.DONE:
            run.withdrew = run.withdrew or gone
            run.stays_fresh = True
            self._forget_own(run, leaving)
        return None

    @staticmethod
    def _forget_own(run: Run, leaving: frozenset[EventRef]) -> None:
        if run.own and run.own.event in leaving:
            run.burn(run.own.event.mailbox, run.own.generation)
            run.own = None

    async def _remove_leaving(self, run: Run, row: BookingRow, desired: DesiredState) -> BookingRow:
        """Remove what was withdrawn; the row as it is to be once that is recorded."""
        run.leaving, run.left, run.unleft = frozenset(), set(), {}
        if row.side is None or not row.side.base.leaving:
            return row
        run.leaving = row.side.base.leaving
        if not run.fresh:  # somebody else may have met people at them since
            run.quiet -= run.leaving
        shows = shown_in(desired)
        for event in sorted(run.leaving, key=lambda each: (each.mailbox, each.event_id)):
            try:
                if event.mailbox == shows:
                    await self._remover.remove_former(run, event, row.record)
                else:
                    await self._remover.remove_all(run, event)
                run.left.add(event)
            except PermanentError as error:
                run.unleft[event] = error
                run.refused([error])
        base = replace(row.side.base, leaving=frozenset(run.unleft))
        return replace(row, side=replace(row.side, base=base))

    async def _examine_claim(self, run: Run, row: BookingRow, claim: EventRef) -> BookingRow:
        """The row with a record of the event that its columns name, if that event is proven to be its own.

        The columns hold no valid seal: they come from before there were seals, or somebody wrote into them.
        """
        try:
            answer = await self._prover.proven(row.booking.id, claim)
        except PermanentError as error:
            if error.patience:
                raise  # it may pass, and so would have the row's only trace of its event
            answer = ProvenAnswer(None)  # a mailbox that can't be read holds nothing that we could change
        for each in answer.others:
            run.found(each)  # what it is like now counts for more than what was heard before
        own = answer.own
        if own is None:
            run.left_alone = True
            return row
        run.found(own)
        place = calendar_part(own.calendar or MAIN)
        known = replace(row.record, event=own.event, generation=own.generation, fingerprint=place)
        return replace(row, record=known)

    async def _tag_and_record(
        self, run: Run, row: BookingRow, applied: Applied, side: OutlookSide | None = None
    ) -> tuple[bool | str, Recorded]:
        """Both at once, which saves a round trip: should only the record work, the message comes back.

        It comes back untrusted, and what is untrusted is written and tagged again.
        """
        tagged, recorded = await asyncio.gather(
            self._writer.tag(run, applied.untagged),
            self._record(run, row, applied.record, side),
            return_exceptions=True,
        )
        if isinstance(recorded, PermanentError):
            raise recorded
        _raise_worst([recorded, tagged])
        assert not isinstance(recorded, BaseException)  # noqa: S101 - raised above
        assert not isinstance(tagged, BaseException)  # noqa: S101 - raised above
        return tagged, recorded

    async def _note_untagged(self, run: Run, problem: str) -> Outcome | None:
        """Tell on the row that the open extension was refused; None asks for another round.

        Without a fingerprint the next change writes the event again, and tags it.
        """
        row = await self._rows.read(run.task.booking_id)
        if row is None:
            return await self._finish_missing(run)
        noted = await self._record(run, row, with_unknown_content(row.record, problem))
        if noted is Recorded.MISSING:
            return await self._finish_missing(run)
        return None if noted is Recorded.CONFLICT else run.end(OutcomeKind.FAILED, problem)

    async def _record(
        self, run: Run, row: BookingRow, record: SyncRecord, side: OutlookSide | None = None
    ) -> Recorded:
        returned = None if side is None else Returned(side)
        try:
            return await self._rows.record(row.booking.id, row.etag, for_people(record, row), returned)
        except PermanentError:
            # The row will never name the event that this run created: don't leave it behind. With the return
            # path another run may have had it named, and then its end would look like a person's wish.
            if run.own and self._returns is None:
                await self._remover.remove(run, run.own.event)
            raise

    async def _finish_missing(self, run: Run) -> Outcome:
        """The booking is gone: so must be every event known to be its own, and no row can list it first."""
        run.row = None
        for claim in sorted(run.task.deleted, key=lambda each: (each.event.mailbox, each.event.event_id)):
            own = await self._prove_claim(run, claim)
            if own:
                run.found(own)
            known = tells_of_nobody(read_fingerprint(claim.state))
            if own and own.state is None and run.task.trusted and known:
                run.expect_quiet(own.event)  # the row's own sealed record, as in `believe`
        for mailbox in sorted(run.suspects):
            for own in await self._finder.left_behind(run, mailbox):
                run.found(own)
        events = sorted(run.events, key=lambda event: (event.mailbox, event.event_id))
        results = await asyncio.gather(
            *(self._remover.remove_all(run, e) for e in events), return_exceptions=True
        )
        _raise_worst(results)
        for result in results:
            if isinstance(result, PermanentError):
                raise result
        if events:
            return run.end(OutcomeKind.SYNCED, "the booking was deleted, its event removed")
        return run.end(OutcomeKind.SKIPPED, "the booking no longer exists and had no event")

    async def _prove_claim(self, run: Run, claim: EventClaim) -> Own | None:
        try:
            own = await self._prover.claimed(run.task.booking_id, claim)
        except PermanentError:
            own = None  # as for a row's claim
        run.left_alone = run.left_alone or own is None
        return own

    # --- what an earlier, uncertain try may have left -------------------------------------------------

    async def _recover(self, run: Run, row: BookingRow, desired: DesiredState) -> tuple[BookingRow, bool]:
        """Find what an earlier try created without any row naming it: adopt what is wanted, remove the rest.

        Returns the row, which names no event any more if its own shows nowhere, and whether anything was
        removed or renamed: then the record must be written, even unchanged, since another worker may have
        been about to record the event.
        """
        waits = row.side is not None and row.side.waits_for_cancellation
        if (run.task.trusted and row.intact and not waits) or run.recovered:
            return row, False
        removed = False
        for mailbox in sorted(_to_search(run, row, desired)):
            found = await self._finder.search(run, mailbox)
            if found is None:
                continue  # a mailbox that can't be read can't have been written to
            lost, found = await self._judge_missed(run, row, mailbox, found)
            if lost:
                row, removed = _without_event(run, row), True
            for own in found:
                run.found(own)
            row = where_it_was_found(row, found)
            named = row.record.event
            # Whoever judges that the row's event is gone takes over what it has become.
            renamed = under_another_id(found, named, row.record) if named and named in run.gone else None
            found = [own for own in found if own.event != named and own != renamed]
            if isinstance(desired, Wanted) and row.record.event is None and desired.mailbox == mailbox:
                run.own = adopted(self._may_be_named(row, found), desired.content.calendar)
                found = [own for own in found if own is not run.own]
            removed = await self._remover.remove_surplus(run, mailbox, found) or removed
        run.recovered = True
        return row, removed

    def _may_be_named(self, row: BookingRow, found: Sequence[Own]) -> Sequence[Own]:
        """Those that the row may come to name: with the return path none that was withdrawn from it."""
        if self._returns is None:
            return found
        return [own for own in found if own.generation > row.record.generation]

    async def _judge_missed(
        self, run: Run, row: BookingRow, mailbox: str, found: list[Own]
    ) -> tuple[bool, list[Own]]:
        """Whether the row's id leads to no event that anybody sees; then one that was found takes its place.

        Whoever is uncertain concludes that: somebody missed it (the audit), or its row came back, or may be
        older than the calendar. The event has another id, or is gone, or lies in Deleted Items, where its id
        still answers: then it is buried. What was made a moment ago a search may not know yet.

        Returns the found events without the row's own, which may be shown under an id of the other kind.
        """
        event = row.record.event
        if event is None or event.mailbox != mailbox or any(own.event == event for own in found):
            return False, found
        waits = row.side is not None and row.side.waits_for_cancellation
        missed = not run.task.trusted or mailbox in run.task.suspects or waits
        if not found and not missed:
            return False, found
        kept = await self._calendar.look(event)
        others = [own for own in found if kept is None or not (own.uid and own.uid == kept.uid)]
        unseen = kept is None or (len(others) == len(found) and self._is_searched_for(run, kept))
        if not missed or not unseen:
            return False, others
        if run.deletion_counts:
            run.gone.add(event)
            return False, others
        if self._returns is not None:
            side = self._returns.overruled_deletion(run, row.side) if row.side else None
            raise WithdrawFirstError(event, side=side)
        if kept is None:
            run.removed.add(event)
        else:
            run.saw(event, kept.state)
            await self._remover.bury(run, event)
        return True, others

    def _is_searched_for(self, run: Run, kept: FoundEvent) -> bool:
        """Whether what answers by its id and is in no search is nowhere that people see."""
        # What left with its row may answer from Deleted Items, however young it is.
        return run.task.missing is Missing.ROW_RETURNED or self._finder.is_known_to_searches(kept)

    # --- carrying out a plan --------------------------------------------------------------------------

    async def _apply(self, run: Run, steps: Plan, row: BookingRow, desired: DesiredState) -> Applied:
        """Remove and write, side by side; a transient failure of either is raised once both have ended."""
        written, *removals = await asyncio.gather(
            self._writer.write(run, steps),
            *(
                self._remover.remove_all(run, event)
                if event == row.record.event
                else self._remover.remove(run, event)
                for event in steps.remove
            ),
            return_exceptions=True,
        )
        _raise_worst([written, *removals])
        run.refused([written, *removals])
        refused = {
            event: result
            for event, result in zip(steps.remove, removals, strict=True)
            if isinstance(result, PermanentError)
        }
        if steps.undone and steps.undone.event not in refused:
            run.burn(steps.undone.event.mailbox, steps.undone.generation)
            if run.own == steps.undone:  # not the one that was created beside the removal
                run.own = None
        if isinstance(written, PermanentError):
            return after_refusal(run, steps, row.record, refused, written.reason)
        assert isinstance(written, Applied)  # noqa: S101 - narrows what gather types as a base class
        applied = after_write(written, row.record, refused, desired)
        return with_unremoved(run, applied, steps, row.record) if run.unremoved else applied


def _times_of(booking: Booking) -> Times | None:
    return Times(booking.start, booking.end) if booking.start and booking.end else None


def _without_event(run: Run, row: BookingRow) -> BookingRow:
    """The row without its event, whose generation is used up."""
    assert row.record.event is not None  # noqa: S101 - the caller found it lost
    run.burn(row.record.event.mailbox, row.record.generation)
    return replace(row, record=replace(row.record, event=None, fingerprint=""))


def _to_search(run: Run, row: BookingRow, desired: DesiredState) -> set[str]:
    """The mailboxes in which an event may lie that no row names, or that nobody sees."""
    mailboxes = set(run.suspects)
    if row.record.event:
        mailboxes.add(row.record.event.mailbox)  # where its id may go on answering, though nobody sees it
    if isinstance(desired, Wanted) and (not row.intact or row.record.event is None):
        mailboxes.add(desired.mailbox)  # the record of its event may have been overwritten or emptied
    if isinstance(desired, Unwanted) and desired.mailbox and row.record.event is None:
        mailboxes.add(desired.mailbox)
    return mailboxes


def _raise_worst(results: Iterable[object]) -> None:
    """Raise what stands in the way of a conclusion: a bug first, else the longest wait that was asked for."""
    transient = None
    for result in results:
        if isinstance(result, TransientError):
            if transient is None or (result.retry_after or 0) > (transient.retry_after or 0):
                transient = result
        elif isinstance(result, BaseException) and not isinstance(result, PermanentError):
            raise result
    if transient:
        raise transient
