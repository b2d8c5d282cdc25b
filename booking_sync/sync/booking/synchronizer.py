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
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from booking_sync.domain.events.event import (
    SHARED,
    EventRef,
    EventState,
    tells_content,
    without_content,
)
from booking_sync.domain.events.event_calendars import MAIN, calendar_part, is_same_calendar
from booking_sync.domain.events.ownership import CREATED_BEFORE_BIRTH, MAX_GENERATION, Own, transaction_id
from booking_sync.domain.events.zones import UTC_NAME, event_zone
from booking_sync.domain.outcome import Outcome, OutcomeKind
from booking_sync.domain.plan import (
    CreateEvent,
    DesiredState,
    Invalid,
    Plan,
    Unwanted,
    UpdateEvent,
    Wanted,
    plan,
    shown_in,
)
from booking_sync.domain.record import (
    ATTENDED_REASON,
    MAILED_REASON,
    SyncRecord,
    left_behind,
    read_fingerprint,
)
from booking_sync.domain.return_path.base import MOST_LEAVING
from booking_sync.domain.return_path.side import Missing, OutlookSide, Returned
from booking_sync.domain.return_path.stamp import NONCE_BITS, Stamp, format_stamp
from booking_sync.domain.return_path.times import Times
from booking_sync.domain.return_path.version import version_of
from booking_sync.errors import OvertakenError, PermanentError, SyncError, TransientError
from booking_sync.ports.dataverse.bookings import Recorded
from booking_sync.ports.outlook.calendars import Written
from booking_sync.sync.booking.main_calendars import MainCalendars
from booking_sync.sync.booking.proof import ProvenAnswer
from booking_sync.sync.booking.return_path import Turn, settled
from booking_sync.sync.booking.run import Run
from booking_sync.sync.booking.zone_differences import ZoneDifferences

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from booking_sync.domain.bookings.booking import Booking
    from booking_sync.domain.events.event import ContentPart, EventClaim, EventContent, FoundEvent
    from booking_sync.domain.events.zones import ZoneDifference
    from booking_sync.domain.plan import DesiredStateRule
    from booking_sync.domain.record import BookingRow
    from booking_sync.ports.dataverse.bookings import BookingRows
    from booking_sync.ports.outlook.calendars import Calendar
    from booking_sync.ports.platform.clock import Clock
    from booking_sync.sync.booking.proof import EventProver
    from booking_sync.sync.booking.return_path import ReturnPath

Result = TypeVar("Result")

MAX_ROUNDS = 6
"""A booking that changes faster than this many rounds is put back and tried a little later."""

SEARCH_KNOWS_AFTER = timedelta(minutes=10)
"""How long after its creation an event may be missing from a search; Graph promises nothing."""

MAX_ROUNDS_BOTH_WAYS = 12
"""With the return path a round may only withdraw, or only grant a wish."""

_NOTHING: frozenset[ContentPart] = frozenset()
_TIMES: frozenset[ContentPart] = frozenset({"times"})

MAX_GENERATIONS_PER_ROUND = 4
"""How many times one round creates anew because what it met was gone already."""


@dataclass(frozen=True, slots=True)
class SyncTask:
    """One booking to bring in step."""

    booking_id: str
    trusted: bool = True
    """First delivery of a certain past: the recorded fingerprint may be believed."""
    deleted: frozenset[EventClaim] = field(default_factory=frozenset)
    """Events that deletions of this booking's row named; each has to be proven."""
    suspects: frozenset[str] = field(default_factory=frozenset)
    """Mailboxes in which an earlier try may have left an event that no row names."""
    look: bool = False
    """Somebody may have changed the event in Outlook."""
    versions: frozenset[str] = field(default_factory=frozenset)
    """Only with a look: those of the event that it is about, see `version_of`; none: whatever there is."""
    missing: Missing = Missing.UNKNOWN
    """What a sweep of the mailbox concluded about the event."""

    def merge(self, other: SyncTask) -> SyncTask:
        """One task for two hints of the same booking."""
        looks = [each for each in (self, other) if each.look]
        return SyncTask(
            self.booking_id,
            self.trusted and other.trusted,
            self.deleted | other.deleted,
            self.suspects | other.suspects,
            bool(looks),
            # One that is about no version in particular makes the whole a look at whatever there is.
            frozenset().union(*(each.versions for each in looks))
            if all(e.versions for e in looks)
            else frozenset(),
            max(self.missing, other.missing, key=tuple(Missing).index),
        )


class _WithdrawFirstError(Exception):
    """Events are to be removed that the row does not list as leaving yet."""

    def __init__(self, *events: EventRef, side: OutlookSide | None = None) -> None:
        super().__init__(f"{len(events)} events are to be withdrawn")
        self.events = events
        self.side = side


@dataclass(frozen=True, slots=True)
class _Applied:
    """What became of a plan in Outlook, with the record that tells of it."""

    record: SyncRecord
    must_record: bool
    problem: str = ""
    """A permanent refusal, in words for a person."""
    gone: bool = False
    """The row's event is gone, which may be somebody's wish: nothing was written."""
    unfinished: bool = False
    """Nothing but events that are gone was met: another round goes on where the record says."""
    untagged: Own | None = None
    """An event that may lack its open extension."""


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
        self._sealer = prover.sealer
        self._now = now
        self._zones = zones or ZoneDifferences(event_zone(UTC_NAME), now)
        self._main_calendars = MainCalendars()
        self._chance = chance
        self._returns = returns
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
                record = _for_people(_with_unknown_content(row.record, reason), row)
                await self._rows.record(booking_id, row.etag, record)
        except SyncError:
            return

    async def _round_or_again(self, run: Run) -> Outcome | None:
        try:
            return await self._round(run)
        except _WithdrawFirstError as error:
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
        before = row.side
        if self._returns is not None:
            run.deletion_counts = self._returns.counts_deletion(run, row, desired)
            row = await self._remove_leaving(run, row, desired)
        run.believe(row, desired)
        row, recovered = await self._recover(run, row, desired)
        steps = plan(row.record, desired, run.knowledge())
        if self._returns is None:
            return await self._carry_out(run, row, desired, Turn(steps), must_record=recovered)
        self._may_remove(run, *steps.remove)
        turn = await self._returns.turn(run, row, desired, steps)
        if turn is not None and turn.gone:
            turn = await self._judge_gone(run, row, desired, steps)
        if turn is None:
            return None
        if turn.side and turn.side.waits_for_times != row.booking.awaits_dispatcher:
            turn = replace(turn, again=True)  # the event has to say so, or to say so no more
        return await self._carry_out(run, row, desired, turn, must_record=recovered or turn.side != before)

    async def _judge_gone(self, run: Run, row: BookingRow, desired: DesiredState, steps: Plan) -> Turn | None:
        """What becomes of a booking whose event is gone, unless it is there under another id."""
        event = row.record.event
        assert self._returns  # noqa: S101 - narrows
        assert event  # noqa: S101 - the turn said that it is gone
        assert isinstance(desired, Wanted)  # noqa: S101 - else its end counts as nothing
        step = UpdateEvent(event, desired.content, row.record.generation, tag=True)
        if taken_over := await self._taken_over(run, step):
            return Turn(replace(steps, write=taken_over, must_record=True), row.side, again=True)
        turn = await self._returns.judge_gone(run, row)
        if turn is not None and turn.makes_anew:
            raise _WithdrawFirstError(event, side=turn.side)
        return turn

    async def _carry_out(
        self, run: Run, row: BookingRow, desired: DesiredState, turn: Turn, *, must_record: bool
    ) -> Outcome | None:
        """Write to Outlook and record it; None asks for another round."""
        steps, side = turn.steps, turn.side
        applied = _with_unleft(run, await self._apply(run, steps, row, desired), row.record)
        if applied.gone:
            run.gone |= {event for event in (row.record.event,) if event}
            return None
        if side is not None:
            side = settled(run, applied.record.event, side, steps)
        again = applied.unfinished or turn.again
        ended = None if again else _outcome(run, desired, turn, applied)
        if applied.must_record or must_record or not row.intact or side != turn.side:
            return await self._record_all(run, row, applied, side, ended)
        return ended

    async def _record_all(
        self, run: Run, row: BookingRow, applied: _Applied, side: OutlookSide | None, ended: Outcome | None
    ) -> Outcome | None:
        """Record what was written; how the run ends when that is done, None to go round again."""
        tagged, recorded = await self._tag_and_record(run, row, applied, side)
        if recorded is Recorded.MISSING:
            return await self._finish_missing(run)
        if recorded is Recorded.CONFLICT or tagged is False:
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
        leaving = side.base.leaving | set(events[: MOST_LEAVING - len(side.base.leaving)])
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

    def _may_remove(self, run: Run, *events: EventRef) -> None:
        """Events may be removed once their row lists them as leaving.

        Raises:
            _WithdrawFirstError: it does not yet; the round begins anew when it does.
        """
        if self._returns is None or run.row is None:
            return
        if missing := [each for each in events if each not in run.leaving]:
            raise _WithdrawFirstError(*missing)

    async def _remove_leaving(self, run: Run, row: BookingRow, desired: DesiredState) -> BookingRow:
        """Remove what was withdrawn; the row as it is to be once that is recorded."""
        run.leaving, run.unleft = frozenset(), {}
        if row.side is None or not row.side.base.leaving:
            return row
        run.leaving = row.side.base.leaving
        shows = shown_in(desired)
        for event in sorted(run.leaving, key=lambda each: (each.mailbox, each.event_id)):
            remove = self._remove if event.mailbox == shows else self._remove_all
            try:
                await remove(run, event)
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
        self, run: Run, row: BookingRow, applied: _Applied, side: OutlookSide | None = None
    ) -> tuple[bool | str, Recorded]:
        """Both at once, which saves a round trip: should only the record work, the message comes back.

        It comes back untrusted, and what is untrusted is written and tagged again.
        """
        tagged, recorded = await asyncio.gather(
            self._tag(run, applied.untagged),
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
        noted = await self._record(run, row, _with_unknown_content(row.record, problem))
        if noted is Recorded.MISSING:
            return await self._finish_missing(run)
        return None if noted is Recorded.CONFLICT else run.end(OutcomeKind.FAILED, problem)

    async def _record(
        self, run: Run, row: BookingRow, record: SyncRecord, side: OutlookSide | None = None
    ) -> Recorded:
        returned = None if side is None else Returned(side)
        try:
            return await self._rows.record(row.booking.id, row.etag, _for_people(record, row), returned)
        except PermanentError:
            # The row will never name the event that this run created: don't leave it behind. With the return
            # path another run may have had it named, and then its end would look like a person's wish.
            if run.own and self._returns is None:
                await self._remove(run, run.own.event)
            raise

    async def _finish_missing(self, run: Run) -> Outcome:
        """The booking is gone: so must be every event known to be its own."""
        for claim in sorted(run.task.deleted, key=lambda each: (each.event.mailbox, each.event.event_id)):
            own = await self._prove_claim(run, claim)
            if own:
                run.found(own)
            known = tells_content(read_fingerprint(claim.state))
            if own and own.state is None and run.task.trusted and known:
                run.expect_quiet(own.event)  # the row's own sealed record, as in `believe`
        for mailbox in sorted(run.suspects):
            for own in await self._find_left_behind(run, mailbox):
                run.found(own)
        events = sorted(run.events, key=lambda event: (event.mailbox, event.event_id))
        results = await asyncio.gather(*(self._remove_all(run, e) for e in events), return_exceptions=True)
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
            found = await self._search(run, mailbox)
            if found is None:
                continue  # a mailbox that can't be read can't have been written to
            lost, found = await self._judge_missed(run, row, mailbox, found)
            if lost:
                row, removed = _without_event(run, row), True
            for own in found:
                run.found(own)
            row = _where_it_was_found(row, found)
            found = [own for own in found if own.event != row.record.event]
            if isinstance(desired, Wanted) and row.record.event is None and desired.mailbox == mailbox:
                run.own = _adopted(self._may_be_named(row, found), desired.content.calendar)
                found = [own for own in found if own is not run.own]
            removed = await self._remove_surplus(run, mailbox, found) or removed
        run.recovered = True
        return row, removed

    async def _remove_surplus(self, run: Run, mailbox: str, surplus: Sequence[Own]) -> bool:
        """Remove what other tries left, but for events to which people are invited; whether any went."""
        going = [own for own in surplus if own.event not in run.attended]
        if len(going) < len(surplus):
            run.unremoved.add(mailbox)
        for own in going:
            run.burn(mailbox, own.generation)
        self._may_remove(run, *(own.event for own in going))
        for own in going:
            await self._remove(run, own.event)
        return bool(going)

    def _may_be_named(self, row: BookingRow, found: Sequence[Own]) -> Sequence[Own]:
        """Those that the row may come to name: with the return path none that was withdrawn from it."""
        if self._returns is None:
            return found
        return [own for own in found if own.generation > row.record.generation]

    async def _search(self, run: Run, mailbox: str) -> list[Own] | None:
        """This booking's proven events in the mailbox, by generation; None if it can't be read."""
        try:
            return await self._prover.own_events(run.task.booking_id, mailbox)
        except PermanentError:
            return None

    async def _find_left_behind(self, run: Run, mailbox: str) -> list[Own]:
        return await self._search(run, mailbox) or []

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
        unseen = kept is None or (len(others) == len(found) and self._is_known_to_searches(kept))
        if not missed or not unseen:
            return False, others
        if run.deletion_counts:
            run.gone.add(event)
            return False, others
        if self._returns is not None:
            side = self._returns.overruled_deletion(row.side) if row.side else None
            raise _WithdrawFirstError(event, side=side)
        if kept is None:
            run.removed.add(event)
        else:
            run.saw(event, kept.state)
            await self._bury(run, event)
        return True, others

    def _is_known_to_searches(self, found: FoundEvent) -> bool:
        return found.created is None or found.created < self._now() - SEARCH_KNOWS_AFTER

    async def _is_listed(self, run: Run, event: EventRef, calendar: str | None = None) -> bool:
        """Whether a search by the booking's marker finds this very event, and so people see it.

        Args:
            run: of the booking.
            event: the event.
            calendar: the one that has to show it; None for any.
        """
        found = await self._calendar.find(event.mailbox, self._sealer.marker(run.task.booking_id))
        uid = run.uids.get(event)
        same = (each for each in found if each.ref.event_id == event.event_id or (uid and each.uid == uid))
        return any(
            calendar is None or each.calendar is None or is_same_calendar(each.calendar, calendar)
            for each in same
        )

    async def _bury(self, run: Run, event: EventRef) -> None:
        """Remove for good, as far as Outlook lets us, what a person deleted.

        Where people were invited it stays in Deleted Items: they were told already.
        """
        if run.deletion_counts and run.row and event == run.row.record.event:
            run.gone.add(event)
            return
        if event in run.quiet:
            self._may_remove(run, event)
            await _touching(run, self._calendar.delete(event))
        run.removed.add(event)

    # --- carrying out a plan --------------------------------------------------------------------------

    async def _apply(self, run: Run, steps: Plan, row: BookingRow, desired: DesiredState) -> _Applied:
        """Remove and write, side by side; a transient failure of either is raised once both have ended."""
        written, *removals = await asyncio.gather(
            self._write(run, steps),
            *(
                self._remove_all(run, event) if event == row.record.event else self._remove(run, event)
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
            return _not_written(run, steps, row.record, refused, written.reason)
        assert isinstance(written, _Applied)  # noqa: S101 - narrows what gather types as a base class
        applied = _written(written, row.record, refused, desired)
        return _with_unremoved(run, applied, steps, row.record) if run.unremoved else applied

    async def _write(self, run: Run, steps: Plan) -> _Applied:
        """Carry out the plan's write, creating anew where an event turns out to be gone."""
        step, record, unfinished = steps.write, steps.record, False
        for _ in range(MAX_GENERATIONS_PER_ROUND):
            match step:
                case None:
                    return _Applied(record, steps.must_record)
                case UpdateEvent(event, content, generation, tag, kept, etag, misplaced):
                    there = await self._update(run, event, content, kept, misplaced=misplaced, etag=etag)
                    written = event if there else None
                case CreateEvent(mailbox, content, generation):
                    written, tag = await self._create(run, mailbox, content, generation), True
            if written:
                record = replace(record, event=written, generation=max(record.generation, generation))
                shown = _shown(run, record, content, Own(written, generation) if tag else None)
                return replace(shown, unfinished=unfinished)
            mailbox = step.mailbox if isinstance(step, CreateEvent) else step.event.mailbox
            run.own = None
            if isinstance(step, UpdateEvent):
                if taken_over := await self._taken_over(run, step):
                    step, unfinished = taken_over, self._returns is not None
                    continue
                if run.deletion_counts and step.event not in run.discarded:
                    return _Applied(steps.record, must_record=False, gone=True)
            # The event is gone, by a user's hand or with an earlier try: the next generation takes its place,
            # of which this run removed nothing either.
            run.burn(mailbox, generation)
            if steps.undone and steps.undone.event.mailbox == mailbox:
                run.burn(mailbox, steps.undone.generation)  # which is removed beside this
            step = CreateEvent(mailbox, content, run.burned[mailbox] + 1)
        # The row must remember how far this came, or each try would begin at the same dead events again.
        far = replace(record, event=None, generation=max(record.generation, generation), fingerprint="")
        return _Applied(far, must_record=True, unfinished=True)

    async def _taken_over(self, run: Run, step: UpdateEvent) -> UpdateEvent | None:
        """The same write of the event that an import gave another id; None when there is none."""
        moved = await self._under_another_id(run, step.event)
        if moved is None:
            return None
        run.own = moved
        run.found(moved)
        misplaced = moved.is_misplaced(step.content.calendar)
        # Whether somebody moved it nobody has looked at yet.
        kept = _TIMES if self._returns is not None else _NOTHING
        return UpdateEvent(moved.event, step.content, moved.generation, True, kept, misplaced=misplaced)  # noqa: FBT003 - tagged

    async def _under_another_id(self, run: Run, gone: EventRef) -> Own | None:
        """The event that an import, an archive or a migration gave another id; None when there is none.

        Before an event counts as gone it is looked for by its marker. One that was removed just now is gone:
        what a search shows all the same may be a copy that nothing but the event told from it.

        Raises:
            TransientError: a search shows the very event, so that nobody knows.
        """
        if gone in run.discarded:
            return None
        found = await self._find_left_behind(run, gone.mailbox)
        if gone not in run.removed and any(own.event == gone for own in found):
            raise _listed_all_the_same()
        others = [own for own in found if own.event != gone]
        if self._returns is not None and run.row:  # what was withdrawn must not be named again
            others = [own for own in others if own.generation >= run.row.record.generation]
        return others[-1] if others else None

    async def _create(
        self, run: Run, mailbox: str, content: EventContent, generation: int
    ) -> EventRef | None:
        """The event of this generation, created now or by an earlier try; None when that one is gone."""
        if generation > MAX_GENERATION:
            raise PermanentError(
                f"This booking's event was made anew {MAX_GENERATION} times: something keeps removing it."
            )
        booking_id = run.task.booking_id
        mark = self._sealer.marker(booking_id)
        sent = self._zones.form(content)
        transaction = transaction_id(mark, mailbox, generation)
        try:
            created = await self._calendar.create(
                mailbox,
                sent,
                marker=mark,
                transaction_id=transaction,
                birth=self._sealer.birth(booking_id, mailbox, generation),
                stamp=_stamp(run, transaction),
            )
        except TransientError as error:
            if error.maybe_applied:
                run.suspects.add(mailbox)
                run.touched = True
            raise
        run.suspects.add(mailbox)
        run.touched = True
        if isinstance(created, Written) and run.knowledge().trusted and self._is_fresh(created):
            self._main_calendars.confirm(mailbox, content.calendar, created)
            run.own = Own(run.wrote(mailbox, created), generation)
            run.stamped[run.own.event] = transaction
            run.versions[run.own.event] = version_of(created.etag)
            if run.own.event in run.attended:  # so quickly, or the answer to an earlier try
                return run.own.event
            return run.own.event if await self._mend_times(run, run.own.event, sent, created) else None
        return await self._take_over_creation(run, mailbox, content, generation, created.event_id)

    async def _take_over_creation(
        self, run: Run, mailbox: str, content: EventContent, generation: int, event_id: str | None
    ) -> EventRef | None:
        """Write to what may be an earlier try's event: it may be overwritten, removed or copied since."""
        answer = await self._prover.proven_answer(
            run.task.booking_id,
            mailbox,
            event_id,
            generation,
            searchable_before=self._now() - SEARCH_KNOWS_AFTER,
        )
        if answer.own is None:
            return None
        run.own = answer.own
        run.found(run.own)
        for other in answer.others:  # of another try that died before it recorded
            run.found(other)
        await self._remove_surplus(run, mailbox, answer.others)
        if self._returns is not None:  # another run may have had its row name it, and somebody moved it since
            raise OvertakenError("an event that an earlier try made is to be looked at")
        misplaced = run.own.is_misplaced(content.calendar)
        if await self._update(run, run.own.event, content, misplaced=misplaced):
            return run.own.event
        if run.own.event not in run.removed and await self._is_listed(run, run.own.event):
            raise _listed_all_the_same()
        return None

    def _is_fresh(self, created: Written) -> bool:
        """Whether the event was made just now, and not by an earlier creation that is only answered again."""
        return created.created is None or created.created >= self._now() - CREATED_BEFORE_BIRTH

    async def _update(
        self,
        run: Run,
        event: EventRef,
        content: EventContent,
        kept: frozenset[ContentPart] = frozenset(),
        *,
        misplaced: bool = False,
        etag: str = "",
    ) -> bool:
        """Write the content; False when the event is gone, lies where nobody sees it, or was removed here.

        One that stays an all-day event or a series, whatever is written, is removed; so is a misplaced one,
        since Graph moves no event from one calendar to another.

        Raises:
            PermanentError: refused, or people are invited, who would get mail.
        """
        if not await self._may_touch(run, event):
            return False
        if misplaced:
            await self._discard(run, event)
            return False
        theirs = EventState(categories=run.own_categories.get(event, ())).own_categories(content)
        sent = self._zones.form(replace(content, categories=(*content.categories, *theirs)))
        written = await self._write_over(run, event, sent, kept, etag=etag)
        if written is None:
            return False
        if written.state.attended:
            run.mailed.add(event)  # nothing more, not even its times
            return True
        return await self._mend_times(run, event, sent, written, kept)

    async def _write_over(
        self,
        run: Run,
        event: EventRef,
        sent: EventContent,
        kept: frozenset[ContentPart],
        mends: ZoneDifference | None = None,
        *,
        etag: str = "",
    ) -> Written | None:
        """The answer to an update; None as `_update` is False.

        What the answer to an update that mends times tells of the zone is true whatever becomes of the event.
        """
        nonce = f"{self._chance(NONCE_BITS):016x}"
        try:
            written = await _touching(
                run, self._calendar.update(event, sent, kept, stamp=_stamp(run, nonce), etag=etag)
            )
        except PermanentError as error:
            if error.patience or not await self._may_be_replaced(run, event):
                raise
            await self._discard(run, event)
            return None
        if written is None:
            return None
        # What was written beside a move that nobody has seen yet is no version without news.
        known = "times" not in kept or _shows_known_times(run, written)
        run.versions[event] = version_of(written.etag) if known else ""
        if "times" not in kept:
            run.stamped[event] = nonce
        if mends:
            self._zones.learn(mends, sent, written)
        run.saw(event, written.state)
        if written.uid:
            run.uids[event] = written.uid
        if self._main_calendars.doubts(event.mailbox, sent.calendar, written):
            if not await self._is_listed(run, event, sent.calendar):
                await self._bury(run, event)
                return None
            self._main_calendars.confirm(event.mailbox, sent.calendar, written)
        if written.state.reshaped and not written.state.attended:
            await self._discard(run, event)
            return None
        return written

    async def _may_be_replaced(self, run: Run, event: EventRef) -> bool:
        """Whether an event whose update was refused is an all-day event or a series, or gone meanwhile.

        Raises:
            PermanentError: people are invited to it.
        """
        found = await self._calendar.look(event)
        if found is None:
            return True
        run.saw(event, found.state)
        if found.state.reshaped and found.state.attended:
            raise PermanentError(ATTENDED_REASON)
        return found.state.reshaped

    async def _discard(self, run: Run, event: EventRef) -> None:
        """Remove an event that no update makes an ordinary one: a new one is to take its place."""
        self._may_remove(run, event)
        if await _touching(run, self._calendar.delete(event)):
            run.discarded.add(event)
        run.removed.add(event)

    async def _may_touch(self, run: Run, event: EventRef) -> bool:
        """Whether the event is where people see it, as far as can be told without a request too many.

        Raises:
            PermanentError: people are invited to it.
        """
        if event in run.removed:
            return False
        if event in run.quiet:
            return True
        found = await self._calendar.look(event)
        if found is None:
            return False
        run.saw(event, found.state)
        if found.uid:
            run.uids[event] = found.uid
        if not found.state.attended:
            return True
        if self._is_known_to_searches(found) and not await self._is_listed(run, event):
            await self._bury(run, event)
            return False
        raise PermanentError(ATTENDED_REASON)

    async def _mend_times(
        self,
        run: Run,
        event: EventRef,
        sent: EventContent,
        written: Written,
        kept: frozenset[ContentPart] = frozenset(),
    ) -> bool:
        """Write the event again, in UTC, when Exchange read its times otherwise; False when it is gone."""
        if "times" in kept:
            return True  # they are where somebody put them, which tells nothing of the zone
        difference = self._zones.misread(sent, written)
        if difference is None:
            return True
        etag = written.etag if self._returns is not None else ""
        again = await self._write_over(run, event, self._zones.in_utc(sent), kept, difference, etag=etag)
        if again is None:
            return False
        if again.state.attended:
            run.mailed.add(event)
        return True

    async def _remove(self, run: Run, event: EventRef) -> None:
        """Remove an event; one that is gone already is fine.

        Raises:
            PermanentError: refused, or people are invited, who would get mail.
        """
        await self._was_removed(run, event)

    async def _was_removed(self, run: Run, event: EventRef) -> bool:
        """Remove an event as `_remove` does; False when there is none under its id."""
        there = await self._may_touch(run, event)
        if there:
            self._may_remove(run, event)
            there = await _touching(run, self._calendar.delete(event))
        known = event in run.removed
        run.removed.add(event)
        return there or known

    async def _remove_all(self, run: Run, event: EventRef) -> None:
        """Remove the event of a booking that shall show nothing in its mailbox, under whatever id.

        Raises:
            PermanentError: as `_remove`.
        """
        if not await self._was_removed(run, event):
            for own in await self._find_left_behind(run, event.mailbox):
                await self._remove(run, run.found(own))
                run.burn(own.event.mailbox, own.generation)

    async def _tag(self, run: Run, own: Own | None) -> bool | str:
        """True when tagged (or no need), False when the event is gone, else why it can't be tagged."""
        if own is None:
            return True
        booking_id = run.task.booking_id
        seal = self._sealer.tag(booking_id, own.event, run.uids.get(own.event, ""), own.generation)
        try:
            return await self._calendar.tag(own.event, booking_id, seal)
        except PermanentError as error:
            return f"The event was written, but not its open extension. {error.reason}"


def _times_of(booking: Booking) -> Times | None:
    return Times(booking.start, booking.end) if booking.start and booking.end else None


def _shows_known_times(run: Run, written: Written) -> bool:
    """Whether an event whose times were left alone is where the row says, or proposes."""
    if written.start is None or written.end is None:
        return False
    shown, side = Times(written.start, written.end), run.row.side if run.row else None
    proposed = side.proposal.times if side and side.proposal else None
    return any(each is not None and each.same_as(shown) for each in (run.times, proposed))


def _stamp(run: Run, nonce: str) -> str:
    """The stamp of a write of the row's times, as it was read last."""
    return format_stamp(Stamp(run.times, nonce)) if run.times else ""


def _with_unleft(run: Run, applied: _Applied, before: SyncRecord) -> _Applied:
    """The same, which also tells of events that were withdrawn and can't be removed."""
    if not run.unleft:
        return applied
    reason = next(iter(run.unleft.values())).reason
    problem = applied.problem or left_behind({each.mailbox for each in run.unleft}, reason)
    record = replace(applied.record, error=problem)
    must_record = applied.must_record or record != before
    return replace(applied, record=record, problem=problem, must_record=must_record)


def _without_event(run: Run, row: BookingRow) -> BookingRow:
    """The row without its event, whose generation is used up."""
    assert row.record.event is not None  # noqa: S101 - the caller found it lost
    run.burn(row.record.event.mailbox, row.record.generation)
    return replace(row, record=replace(row.record, event=None, fingerprint=""))


def _with_unknown_content(record: SyncRecord, reason: str) -> SyncRecord:
    """The record with this error, and without what the event holds; where it is stays known."""
    return replace(record, fingerprint=without_content(record.fingerprint), error=reason)


def _for_people(record: SyncRecord, row: BookingRow) -> SyncRecord:
    """The record, whose error names the technician whom it concerns."""
    return replace(record, technician=row.booking.resource.name if row.booking.resource else "")


def _where_it_was_found(row: BookingRow, found: Iterable[Own]) -> BookingRow:
    """The row, whose record tells in which calendar its event is: people may have dragged it elsewhere."""
    own = next((each for each in found if each.event == row.record.event), None)
    if own is None or own.calendar is None:
        return row
    place = calendar_part(own.calendar)
    if without_content(row.record.fingerprint) == place:
        return row
    return replace(row, record=replace(row.record, fingerprint=place))


def _adopted(found: Sequence[Own], calendar: str) -> Own | None:
    """The event that the booking takes for its own: the latest one, in the right calendar if there is any."""
    rightly = [own for own in found if not own.is_misplaced(calendar)]
    candidates = rightly or found
    return candidates[-1] if candidates else None


def _listed_all_the_same() -> TransientError:
    """A service that does not know whether an event is there must not have us make another one."""
    return TransientError("Outlook lists an event that it does not find by its id")


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


async def _touching(run: Run, call: Awaitable[Result]) -> Result:
    """Await a write to Outlook, noting whether it took or may have taken effect."""
    try:
        result = await call
    except TransientError as error:
        run.touched = run.touched or error.maybe_applied
        raise
    run.touched = True
    return result


def _written(
    applied: _Applied, before: SyncRecord, refused: Mapping[EventRef, PermanentError], desired: DesiredState
) -> _Applied:
    """What to remember after a write that worked, whatever became of the removals."""
    record = applied.record
    if before.event in refused and record.event is None:
        # Still there, and still ours to remove later.
        record = replace(record, event=before.event, fingerprint=without_content(before.fingerprint))
    problem = applied.problem or (desired.reason if isinstance(desired, Invalid) else "")
    for event, error in refused.items():
        if event == record.event:
            problem = f"The event could not be removed. {error.reason}"
        else:
            problem = left_behind([event.mailbox], error.reason)
    return replace(applied, record=replace(record, error=problem or record.error), problem=problem)


def _with_unremoved(run: Run, applied: _Applied, steps: Plan, before: SyncRecord) -> _Applied:
    """The same, which also tells of an event that stays."""
    problem = applied.problem or left_behind(run.unremoved, ATTENDED_REASON)
    record = replace(applied.record, error=problem)
    # The plan knows nothing of what the row tells already: where nothing else was done, that stays as it is.
    unchanged = not (steps.write or steps.remove) and record == before
    return replace(applied, record=record, problem=problem, must_record=not unchanged)


def _not_written(
    run: Run,
    steps: Plan,
    before: SyncRecord,
    refused: Mapping[EventRef, PermanentError],
    problem: str,
) -> _Applied:
    """What to remember when Outlook refused the write: which event still exists, and why it is not right."""
    event, fingerprint, generation = before.event, before.fingerprint, steps.record.generation
    if run.own:
        event, generation = run.own.event, max(generation, run.own.generation)
        fingerprint = _place_of(run.own, steps)
    elif event in steps.remove and event not in refused:
        event, fingerprint = None, ""
    if event in run.attended:
        # Then the next write looks first whether people are still invited.
        fingerprint = without_content(fingerprint)
    record = SyncRecord(event, generation, fingerprint, problem)
    return _Applied(record, bool(steps.remove) or record != before, problem)


def _shown(run: Run, record: SyncRecord, content: EventContent, untagged: Own | None) -> _Applied:
    """What to remember of an event that was written, unless people turn out to be invited to it."""
    written = record.event
    assert written  # noqa: S101 - it was written
    if written in run.attended:
        reason = MAILED_REASON if written in run.mailed else ATTENDED_REASON
        return _Applied(_with_unknown_content(record, reason), must_record=True, problem=reason)
    if EventState(categories=run.own_categories.get(written, ())).own_categories(content):
        record = replace(record, fingerprint=record.fingerprint + SHARED)
    return _Applied(record, must_record=True, untagged=untagged)


def _place_of(own: Own, steps: Plan) -> str:
    """What a record tells of where an event of this run is, whose content is not as it should be."""
    wanted = steps.write.content.calendar if steps.write else MAIN
    return calendar_part(wanted if own.calendar is None else own.calendar)


def _outcome(run: Run, desired: DesiredState, turn: Turn, applied: _Applied) -> Outcome:
    if applied.problem:
        return run.end(OutcomeKind.FAILED, applied.problem)
    if turn.ends:
        return replace(run.end(OutcomeKind.UNCHANGED, turn.ends), missing=turn.missing)
    if isinstance(desired, Unwanted):
        if turn.steps.remove or run.withdrew:
            return run.end(OutcomeKind.SYNCED, f"event removed: {desired.reason}")
        return run.end(OutcomeKind.SKIPPED, desired.reason)
    return run.end(*_written_end(run, turn.steps))


def _written_end(run: Run, steps: Plan) -> tuple[OutcomeKind, str]:
    match steps.write:
        case CreateEvent():
            moved = steps.remove or run.withdrew
            return OutcomeKind.SYNCED, "event moved" if moved else "event created"
        case UpdateEvent():
            return OutcomeKind.SYNCED, "event updated"
        case None:
            return OutcomeKind.UNCHANGED, "the event already shows this"


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
