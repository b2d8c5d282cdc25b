"""Writes a booking's event: creates it, changes it, makes it anew where no change would do."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from booking_sync.domain.events.event import ContentPart, EventContent, EventState
from booking_sync.domain.events.ownership import CREATED_BEFORE_BIRTH, MAX_GENERATION, Own, transaction_id
from booking_sync.domain.plan import CreateEvent, Plan, UpdateEvent
from booking_sync.domain.record import ATTENDED_REASON
from booking_sync.domain.return_path.stamp import NONCE_BITS, Stamp, format_stamp
from booking_sync.domain.return_path.times import Times
from booking_sync.domain.return_path.version import version_of
from booking_sync.errors import OvertakenError, PermanentError, TransientError
from booking_sync.ports.outlook.calendars import Calendar, Written
from booking_sync.sync.booking.applied import Applied, as_written
from booking_sync.sync.booking.finding import EventFinder, listed_all_the_same, under_another_id
from booking_sync.sync.booking.main_calendars import MainCalendars
from booking_sync.sync.booking.removing import EventRemover, touching

if TYPE_CHECKING:
    from collections.abc import Callable

    from booking_sync.domain.events.event_ref import EventRef
    from booking_sync.domain.events.zones import ZoneDifference
    from booking_sync.ports.platform.clock import Clock
    from booking_sync.sync.booking.proof import EventProver
    from booking_sync.sync.booking.run import Run
    from booking_sync.sync.booking.zone_differences import ZoneDifferences

_NOTHING: frozenset[ContentPart] = frozenset()
_TIMES: frozenset[ContentPart] = frozenset({"times"})

MAX_GENERATIONS_PER_ROUND = 4
"""How many times one round creates anew because what it met was gone already."""


class EventWriter:
    """Carries out the write of a plan.

    Args:
        calendar: the technicians' calendars.
        prover: proves events to be ours.
        now: the time of day.
        finder: finds a booking's events.
        remover: removes those that can't be changed.
        zones: what is known of zones that Exchange reads otherwise.
        chance: so many random bits, for the stamps of what is written.
        both_ways: with a way back from Outlook, what was not seen yet is not written over.
    """

    def __init__(
        self,
        calendar: Calendar,
        prover: EventProver,
        now: Clock,
        *,
        finder: EventFinder,
        remover: EventRemover,
        zones: ZoneDifferences,
        chance: Callable[[int], int],
        both_ways: bool,
    ) -> None:
        self._calendar = calendar
        self._prover = prover
        self._sealer = prover.sealer
        self._now = now
        self._finder = finder
        self._remover = remover
        self._zones = zones
        self._main_calendars = MainCalendars()
        self._chance = chance
        self._both_ways = both_ways

    async def write(self, run: Run, steps: Plan) -> Applied:
        """Carry out the plan's write, creating anew where an event turns out to be gone."""
        step, record, unfinished = steps.write, steps.record, False
        for _ in range(MAX_GENERATIONS_PER_ROUND):
            match step:
                case None:
                    return Applied(record, steps.must_record)
                case UpdateEvent(event, content, generation, tag, kept, etag, misplaced):
                    there = await self._update(run, event, content, kept, misplaced=misplaced, etag=etag)
                    written = event if there else None
                case CreateEvent(mailbox, content, generation):
                    written, tag = await self._create(run, mailbox, content, generation), True
            if written:
                record = replace(record, event=written, generation=max(record.generation, generation))
                shown = as_written(run, record, content, Own(written, generation) if tag else None)
                return replace(shown, unfinished=unfinished)
            mailbox = step.mailbox if isinstance(step, CreateEvent) else step.event.mailbox
            run.own = None
            if isinstance(step, UpdateEvent):
                if taken_over := await self.taken_over(run, step):
                    step, unfinished = taken_over, self._both_ways
                    continue
                if run.deletion_counts and step.event not in run.discarded:
                    return Applied(steps.record, must_record=False, gone=True)
            # The event is gone, by a user's hand or with an earlier try: the next generation takes its place,
            # of which this run removed nothing either.
            run.burn(mailbox, generation)
            if steps.undone and steps.undone.event.mailbox == mailbox:
                run.burn(mailbox, steps.undone.generation)  # which is removed beside this
            step = CreateEvent(mailbox, content, run.burned[mailbox] + 1)
        # The row must remember how far this came, or each try would begin at the same dead events again.
        far = replace(record, event=None, generation=max(record.generation, generation), fingerprint="")
        return Applied(far, must_record=True, unfinished=True)

    async def taken_over(self, run: Run, step: UpdateEvent) -> UpdateEvent | None:
        """The same write of the event that an import gave another id; None when there is none."""
        moved = await self._under_another_id(run, step.event)
        if moved is None:
            return None
        run.own, run.taken_up = moved, moved.event
        run.found(moved)
        misplaced = moved.is_misplaced(step.content.calendar)
        # Whether somebody moved it nobody has looked at yet.
        kept = _TIMES if self._both_ways else _NOTHING
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
        found = await self._finder.left_behind(run, gone.mailbox)
        if gone not in run.removed and any(own.event == gone for own in found):
            raise listed_all_the_same()
        return under_another_id(found, gone, run.row.record if self._both_ways and run.row else None)

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
            searchable_before=self._finder.known_before(),
        )
        if answer.own is None:
            return None
        run.own = answer.own
        run.found(run.own)
        for other in answer.others:  # of another try that died before it recorded
            run.found(other)
        await self._remover.remove_surplus(run, mailbox, answer.others)
        if self._both_ways:  # another run may have had its row name it, and somebody moved it since
            raise OvertakenError("an event that an earlier try made is to be looked at")
        misplaced = run.own.is_misplaced(content.calendar)
        if await self._update(run, run.own.event, content, misplaced=misplaced):
            return run.own.event
        if run.own.event not in run.removed and await self._finder.is_listed(run, run.own.event):
            raise listed_all_the_same()
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
        if not await self._remover.may_touch(run, event):
            return False
        if misplaced:
            await self._remover.discard(run, event)
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
            written = await touching(
                run, self._calendar.update(event, sent, kept, stamp=_stamp(run, nonce), etag=etag)
            )
        except PermanentError as error:
            if error.patience or not await self._may_be_replaced(run, event):
                raise
            await self._remover.discard(run, event)
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
            if not await self._finder.is_listed(run, event, sent.calendar):
                await self._remover.bury(run, event)
                return None
            self._main_calendars.confirm(event.mailbox, sent.calendar, written)
        if written.state.reshaped and not written.state.attended:
            await self._remover.discard(run, event)
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
        etag = written.etag if self._both_ways else ""
        again = await self._write_over(run, event, self._zones.in_utc(sent), kept, difference, etag=etag)
        if again is None:
            return False
        if again.state.attended:
            run.mailed.add(event)
        return True

    async def tag(self, run: Run, own: Own | None) -> bool | str:
        """True when tagged (or no need), False when the event is gone, else why it can't be tagged."""
        if own is None:
            return True
        booking_id = run.task.booking_id
        seal = self._sealer.tag(booking_id, own.event, run.uids.get(own.event, ""), own.generation)
        try:
            return await self._calendar.tag(own.event, booking_id, seal)
        except PermanentError as error:
            return f"The event was written, but not its open extension. {error.reason}"


def _stamp(run: Run, nonce: str) -> str:
    """The stamp of a write of the row's times, as it was read last."""
    return format_stamp(Stamp(run.times, nonce)) if run.times else ""


def _shows_known_times(run: Run, written: Written) -> bool:
    """Whether an event whose times were left alone is where the row says, or proposes."""
    if written.start is None or written.end is None:
        return False
    shown, side = Times(written.start, written.end), run.row.side if run.row else None
    proposed = side.proposal.times if side and side.proposal else None
    return any(each is not None and each.same_as(shown) for each in (run.times, proposed))
