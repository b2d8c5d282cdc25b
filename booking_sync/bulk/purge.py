"""Removes every event that we made from mailboxes, and what the rows remember of them: off-boarding.

An event is ours when a booking's own sealed record names it, or when the event itself proves it
(`domain.ownership`). Everything else stays: people's copies, events of another organisation, events of
bookings that we may not read.

`survey` looks and changes nothing; `carry_out` does what a survey found; a second survey tells what is left.
Events go first and records after them, so that a run which breaks off is completed by the next: removing an
event that is gone is fine, and a record that still names one leads to it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from booking_sync.domain.ownership import marked_booking
from booking_sync.domain.plan import Wanted
from booking_sync.domain.record import SyncRecord
from booking_sync.errors import PermanentError, SyncError
from booking_sync.ports.bookings import BookingQuery, Presence, Recorded
from booking_sync.sync.sending import do_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from booking_sync.domain.event import EventRef, MarkedEvent
    from booking_sync.domain.plan import DesiredStateRule
    from booking_sync.domain.record import BookingRow
    from booking_sync.plumbing.patience import Patience
    from booking_sync.ports.bookings import AuditReads, BookingListing, BookingRows
    from booking_sync.ports.calendars import Calendar, MarkedAnywhere
    from booking_sync.sync.proof import EventProver

MAILBOXES_AT_ONCE = 20
"""Lists of a calendar's whole past are long; this leaves room for what the app does meanwhile."""
MAX_ROUNDS = 4
"""A row that changes more often than this while its record is cleared is left to the next run."""

ATTENDED_REASON = (
    "events stay, because people are invited to them and would get mail: ask the technicians to remove the "
    "people or the events in Outlook"
)
HIDDEN_REASON = (
    "events stay, because their bookings exist but may not be read: check the security role of the app's "
    "application user"
)


@dataclass(frozen=True, slots=True)
class PurgeSources:
    """Where it looks and what it changes."""

    listing: BookingListing
    rows: BookingRows
    reads: AuditReads
    events: MarkedAnywhere
    calendar: Calendar
    prover: EventProver


@dataclass(frozen=True, slots=True)
class MailboxSurvey:
    """What there is to do in one mailbox; an empty mailbox's name stands for rows without a usable record."""

    mailbox: str
    events: tuple[EventRef, ...] = ()
    """Provably ours."""
    booking_ids: tuple[str, ...] = ()
    """Rows whose record is to be cleared."""
    wanted: int = 0
    """Of these rows, how many should have an event: the app makes it anew while it runs."""
    copies: int = 0
    """People's own copies of our events; they stay."""
    foreign: int = 0
    """Events with the marker of another organisation; they stay."""
    withheld: int = 0
    """Events of bookings that we may not read; they stay."""
    problem: str = ""
    """Why the calendar could not be listed; what the rows name is seen to all the same."""
    closed: bool = False
    """That is for good, no row names the mailbox, and nobody asked for it: a resource without a mailbox, or
    outside the app's scope, where we never were or can't do anything any more."""

    @property
    def clean(self) -> bool:
        """Nothing of ours is left, as far as can be told."""
        return self.closed or not (self.events or self.booking_ids or self.withheld or self.problem)


@dataclass(frozen=True, slots=True)
class Survey:
    """What there is to do."""

    mailboxes: tuple[MailboxSurvey, ...]
    unreadable_rows: tuple[str, ...] = ()
    """Bookings whose rows may not be read completely, so that nothing is known of their events."""

    @property
    def clean(self) -> bool:
        """Nothing of ours is left anywhere."""
        return not self.unreadable_rows and all(each.clean for each in self.mailboxes)

    @property
    def closed(self) -> tuple[str, ...]:
        """Mailboxes that concern no booking and that we may not look into."""
        return tuple(each.mailbox for each in self.mailboxes if each.closed)

    @property
    def wanted(self) -> int:
        """Bookings whose events the app makes anew while it runs."""
        return sum(each.wanted for each in self.mailboxes)


@dataclass(slots=True)
class Purged:
    """What was done in one mailbox."""

    mailbox: str
    events: int = 0
    rows: int = 0
    problems: list[str] = field(default_factory=list)
    """Why something was not done, each reason once."""

    def fail(self, reason: str) -> None:
        """Note a reason."""
        if reason not in self.problems:
            self.problems.append(reason)


class Purge:
    """Surveys and empties mailboxes.

    Args:
        sources: where it looks and what it changes.
        desired_state: what Outlook should show of a booking.
        organization_id: of the Dataverse environment, for the marker.
        patience: with services that are busy.
    """

    def __init__(
        self,
        sources: PurgeSources,
        desired_state: DesiredStateRule,
        organization_id: str,
        patience: Patience,
    ) -> None:
        self._sources = sources
        self._desired_state = desired_state
        self._organization_id = organization_id
        self._patience = patience

    async def survey(
        self, mailboxes: frozenset[str], progress: Callable[[int, int], None] = lambda _done, _total: None
    ) -> Survey:
        """What there is to do.

        Args:
            mailboxes: Entra object ids; empty for those of all resources and all records.
            progress: told how many mailboxes were looked at, and of how many.

        Raises:
            SyncError: Dataverse can't be listed completely; without its rows nothing can be told.
        """
        wanted = frozenset(each.lower() for each in mailboxes)
        by_mailbox, unreadable = await self._patience.insist(partial(self._list_rows, wanted))
        if not wanted:
            resources = await self._patience.insist(self._sources.reads.resources)
            for each in filter(None, resources.values()):
                by_mailbox.setdefault(each, [])
        known = {row.booking.id: row for rows in by_mailbox.values() for row in rows}

        async def look(mailbox: str) -> MailboxSurvey:
            found = await self._look(mailbox, by_mailbox[mailbox], known)
            return replace(found, closed=False) if mailbox in wanted else found

        surveys = await do_all(
            sorted(by_mailbox),
            look,
            at_once=MAILBOXES_AT_ONCE,
            progress=lambda done: progress(done, len(by_mailbox)),
        )
        return Survey(tuple(surveys), tuple(unreadable))

    async def carry_out(
        self, survey: Survey, progress: Callable[[int, int], None] = lambda _done, _total: None
    ) -> list[Purged]:
        """Remove the events of a survey and clear the records; what fails is told, and the rest is done."""
        todo = [each for each in survey.mailboxes if each.events or each.booking_ids]
        return await do_all(
            todo,
            self._empty,
            at_once=MAILBOXES_AT_ONCE,
            progress=lambda done: progress(done, len(todo)),
        )

    # --- looking --------------------------------------------------------------------------------------

    async def _list_rows(self, mailboxes: frozenset[str]) -> tuple[dict[str, list[BookingRow]], list[str]]:
        """By mailbox the rows that name it, usably or not; and the rows that can't be read."""
        queries = [BookingQuery(mailbox=each) for each in sorted(mailboxes)]
        rows: dict[str, list[BookingRow]] = {each: [] for each in mailboxes}
        unreadable: list[str] = []
        for query in queries or [BookingQuery(names_event=True)]:
            async for page in self._sources.listing.list_bookings(query):
                for row in page.rows:
                    rows.setdefault(query.mailbox or _mailbox_of(row), []).append(row)
                unreadable += [row.booking_id for row in page.unreadable]
        return rows, unreadable

    async def _look(
        self, mailbox: str, rows: Sequence[BookingRow], known: Mapping[str, BookingRow]
    ) -> MailboxSurvey:
        recorded = {row.booking.id: row.record.event for row in rows if row.record.event}
        found = MailboxSurvey(
            mailbox,
            tuple(recorded.values()),
            tuple(row.booking.id for row in rows),
            sum(isinstance(self._desired_state(row.booking), Wanted) for row in rows),
        )
        if not mailbox:
            return found
        try:
            listed = await self._patience.insist(partial(self._sources.events.list_all_marked, mailbox))
            return await self._prove(found, listed, known)
        except SyncError as error:
            closed = isinstance(error, PermanentError) and not rows
            return replace(found, problem=error.reason, closed=closed)

    async def _prove(
        self, survey: MailboxSurvey, listed: Sequence[MarkedEvent], known: Mapping[str, BookingRow]
    ) -> MailboxSurvey:
        """Tell our events in a list from what is not ours, or not to be touched."""
        ours = dict.fromkeys(survey.events)
        named = {each.ref: marked_booking(each.marker, self._organization_id) for each in listed}
        unrecorded = {each for ref, each in named.items() if each and ref not in ours}
        readable = await self._readable(unrecorded, known)
        own = await asyncio.gather(*(self._own_events(each, survey.mailbox) for each in sorted(readable)))
        proven = {event for events in own for event in events}
        copies = foreign = withheld = 0
        for event in listed:
            booking_id = named[event.ref]
            if event.ref in ours:
                continue
            if booking_id is None:
                foreign += 1
            elif booking_id not in readable:
                withheld += 1
            elif event.ref in proven:
                ours[event.ref] = None
            else:
                copies += 1
        return replace(survey, events=tuple(ours), copies=copies, foreign=foreign, withheld=withheld)

    async def _own_events(self, booking_id: str, mailbox: str) -> list[EventRef]:
        own = await self._patience.insist(partial(self._sources.prover.own_events, booking_id, mailbox))
        return [each.event for each in own]

    async def _readable(self, booking_ids: Iterable[str], known: Mapping[str, BookingRow]) -> set[str]:
        """Those of the bookings that are gone or that we may read."""
        asked = sorted(booking_ids)
        rows = await asyncio.gather(*(self._read(each, known) for each in asked))
        by_id = dict(zip(asked, rows, strict=True))
        absent = [each for each, row in by_id.items() if row is None]
        readable = {each for each, row in by_id.items() if row and not isinstance(row, PermanentError)}
        if absent:
            # A list leaves out what we may not read; asked by its id, Dataverse tells gone from hidden.
            states = await self._patience.insist(partial(self._sources.reads.presence, absent))
            readable |= {each for each in absent if states.get(each) is Presence.GONE}
        return readable

    async def _read(
        self, booking_id: str, known: Mapping[str, BookingRow]
    ) -> BookingRow | PermanentError | None:
        if booking_id in known:
            return known[booking_id]
        try:
            return await self._patience.insist(partial(self._sources.rows.read, booking_id))
        except PermanentError as error:
            return error

    # --- removing -------------------------------------------------------------------------------------

    async def _empty(self, survey: MailboxSurvey) -> Purged:
        purged = Purged(survey.mailbox)
        done = await asyncio.gather(*(self._remove(each, purged) for each in survey.events))
        removed = dict(zip(survey.events, done, strict=True))
        await asyncio.gather(
            *(self._clear(each, survey.mailbox, removed, purged) for each in survey.booking_ids)
        )
        return purged

    async def _remove(self, event: EventRef, purged: Purged) -> bool:
        try:
            await self._delete(event)
        except SyncError as error:
            purged.fail(error.reason)
            return False
        purged.events += 1
        return True

    async def _delete(self, event: EventRef) -> None:
        """Remove it, unless people are invited, who would get mail; raises as the calendar does."""
        found = await self._patience.insist(partial(self._sources.calendar.look, event))
        if found and found.state.attended:
            raise PermanentError(ATTENDED_REASON)
        await self._patience.insist(partial(self._sources.calendar.delete, event))

    async def _clear(
        self, booking_id: str, mailbox: str, removed: Mapping[EventRef, bool], purged: Purged
    ) -> None:
        """Have the row forget its event, on condition that it is the version that names it.

        Args:
            booking_id: the row's.
            mailbox: the one that is emptied.
            removed: by event, whether it could be removed.
            purged: gets what was done.
        """
        try:
            for _ in range(MAX_ROUNDS):
                row = await self._patience.insist(partial(self._sources.rows.read, booking_id))
                if row is None:
                    return
                event = row.record.event
                if event and (not removed.get(event, True) or event.mailbox.lower() != mailbox):
                    return  # still there, or another calendar's by now
                if event and event not in removed:  # somebody recorded another one meanwhile
                    await self._delete(event)
                # The generation stays, so that an event made later never meets the transactionId of this one.
                after = SyncRecord(generation=row.record.generation)
                ended = await self._patience.insist(
                    partial(self._sources.rows.record, booking_id, row.etag, after)
                )
                if ended is not Recorded.CONFLICT:
                    purged.rows += ended is Recorded.DONE
                    return
        except SyncError as error:
            purged.fail(error.reason)
        else:
            purged.fail("A booking kept changing while its record was to be cleared: is the app running?")


def _mailbox_of(row: BookingRow) -> str:
    return row.record.event.mailbox.lower() if row.record.event else ""
