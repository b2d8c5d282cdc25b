"""Removes every event that we made from mailboxes, and what the rows remember of them: off-boarding.

An event is ours when a booking's own sealed record names it, or when the event itself proves it
(`domain.events.ownership`). Everything else stays: people's copies, events of another organisation, events of
bookings that we may not read.

`survey` looks and changes nothing; `carry_out` does what a survey found; a second survey tells what is left.
What was found lies in a temporary file (`inventory`), since a tenant may have millions of bookings.
Events go first and records after them, so that a run which breaks off is completed by the next: removing an
event that is gone is fine, and a record that still names one leads to it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from booking_sync.bulk.inventory import CHUNK, Inventory, NamingRow
from booking_sync.domain.events.ownership import marked_booking
from booking_sync.domain.plan import Wanted
from booking_sync.domain.record import SyncRecord
from booking_sync.domain.return_path.base import Base
from booking_sync.domain.return_path.side import OutlookSide, Returned
from booking_sync.errors import PermanentError, SyncError
from booking_sync.ports.dataverse.bookings import BookingQuery, Presence, Recorded
from booking_sync.sync.sending import do_all

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from booking_sync.domain.events.event import MarkedEvent
    from booking_sync.domain.events.event_ref import EventRef
    from booking_sync.domain.plan import DesiredStateRule
    from booking_sync.domain.record import BookingRow
    from booking_sync.plumbing.patience import Patience
    from booking_sync.ports.dataverse.bookings import AuditReads, BookingListing, BookingRows
    from booking_sync.ports.outlook.calendars import Calendar, MarkedAnywhere
    from booking_sync.sync.booking.proof import EventProver

    _Rewritten = tuple[SyncRecord, Returned | None]
    """What a row is to hold."""

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
    events: int = 0
    """Provably ours."""
    bookings: int = 0
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
        return self.closed or not (self.events or self.bookings or self.withheld or self.problem)


@dataclass(frozen=True, slots=True)
class Survey:
    """What there is to do."""

    mailboxes: tuple[MailboxSurvey, ...]
    inventory: Inventory
    """Which events and rows."""

    @property
    def unreadable_rows(self) -> tuple[str, ...]:
        """Bookings whose rows may not be read completely, so that nothing is known of their events."""
        return self.inventory.unreadable()

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
        self._comes_back = False
        """A listed row has the columns of a way back."""

    async def survey(
        self,
        mailboxes: frozenset[str],
        progress: Callable[[int, int], None] = lambda _done, _total: None,
        listed: Callable[[int], None] = lambda _rows: None,
    ) -> Survey:
        """What there is to do.

        Args:
            mailboxes: Entra object ids; empty for those of all resources and all records.
            progress: told how many mailboxes were looked at, and of how many.
            listed: told how many rows were read, before any mailbox is looked at.

        Raises:
            SyncError: Dataverse can't be listed completely; without its rows nothing can be told.
        """
        wanted = frozenset(each.lower() for each in mailboxes)
        inventory = await self._patience.insist(partial(self._list_rows, wanted, listed))
        places = wanted | set(inventory.mailboxes())
        if not wanted:
            resources = await self._patience.insist(self._sources.reads.resources)
            places |= set(filter(None, resources.values()))

        async def look(mailbox: str) -> MailboxSurvey:
            found = await self._look(mailbox, inventory)
            return replace(found, closed=False) if mailbox in wanted else found

        surveys = await do_all(
            sorted(places),
            look,
            at_once=MAILBOXES_AT_ONCE,
            progress=lambda done: progress(done, len(places)),
        )
        return Survey(tuple(surveys), inventory)

    async def carry_out(
        self, survey: Survey, progress: Callable[[int, int], None] = lambda _done, _total: None
    ) -> list[Purged]:
        """Remove the events of a survey and clear the records; what fails is told, and the rest is done."""
        todo = [each.mailbox for each in survey.mailboxes if each.events or each.bookings]
        return await do_all(
            todo,
            partial(self._empty, survey.inventory),
            at_once=MAILBOXES_AT_ONCE,
            progress=lambda done: progress(done, len(todo)),
        )

    # --- looking --------------------------------------------------------------------------------------

    async def _list_rows(self, mailboxes: frozenset[str], listed: Callable[[int], None]) -> Inventory:
        """The rows that name one of these mailboxes, or any; and those that can't be read."""
        queries = [BookingQuery(mailbox=each) for each in sorted(mailboxes)]
        inventory, rows = Inventory(), 0
        for query in queries or [BookingQuery(names_event=True)]:
            async for page in self._sources.listing.list_bookings(query):
                inventory.add_rows(self._naming(row, query.mailbox) for row in page.rows)
                inventory.add_unreadable(row.booking_id for row in page.unreadable)
                rows += len(page.rows) + len(page.unreadable)
                listed(rows)
        return inventory

    def _naming(self, row: BookingRow, mailbox: str | None) -> NamingRow:
        event = row.record.event
        self._comes_back = self._comes_back or row.side is not None
        return NamingRow(
            row.booking.id,
            mailbox or _mailbox_of(row),
            event.event_id if event else None,
            isinstance(self._desired_state(row.booking), Wanted),
        )

    async def _look(self, mailbox: str, inventory: Inventory) -> MailboxSurvey:
        bookings, wanted = inventory.count_bookings(mailbox)
        found = MailboxSurvey(mailbox, inventory.count_events(mailbox), bookings, wanted)
        if not mailbox:
            return found
        try:
            listed = await self._patience.insist(partial(self._sources.events.list_all_marked, mailbox))
            return await self._prove(found, listed, inventory)
        except SyncError as error:
            closed = isinstance(error, PermanentError) and not bookings
            return replace(found, problem=error.reason, closed=closed)

    async def _prove(
        self, survey: MailboxSurvey, listed: Sequence[MarkedEvent], inventory: Inventory
    ) -> MailboxSurvey:
        """Tell our events in a list from what is not ours, or not to be touched."""
        unrecorded = {
            each.ref: marked_booking(each.marker, self._organization_id)
            for each in listed
            if not inventory.has(each.ref)
        }
        readable = await self._readable(filter(None, unrecorded.values()), inventory)
        proven: set[EventRef] = set()
        for some in _chunks(sorted(readable)):
            own = await asyncio.gather(*(self._own_events(each, survey.mailbox) for each in some))
            proven.update(event for events in own for event in events)
        # Of those that are listed: one that a search finds elsewhere is not in this calendar.
        inventory.add_events(proven & unrecorded.keys())
        copies = foreign = withheld = 0
        for ref, booking_id in unrecorded.items():
            if booking_id is None:
                foreign += 1
            elif booking_id not in readable:
                withheld += 1
            elif ref not in proven:
                copies += 1
        events = inventory.count_events(survey.mailbox)
        return replace(survey, events=events, copies=copies, foreign=foreign, withheld=withheld)

    async def _own_events(self, booking_id: str, mailbox: str) -> list[EventRef]:
        own = await self._patience.insist(partial(self._sources.prover.own_events, booking_id, mailbox))
        return [each.event for each in own]

    async def _readable(self, booking_ids: Iterable[str], inventory: Inventory) -> set[str]:
        """Those of the bookings that are gone or that we may read."""
        asked = set(booking_ids)
        readable = {each for each in asked if inventory.knows(each)}
        absent: list[str] = []
        for some in _chunks(sorted(asked - readable)):
            rows = dict(zip(some, await asyncio.gather(*map(self._read, some)), strict=True))
            absent += [each for each, row in rows.items() if row is None]
            readable |= {each for each, row in rows.items() if row and not isinstance(row, PermanentError)}
        if absent:
            # A list leaves out what we may not read; asked by its id, Dataverse tells gone from hidden.
            states = await self._patience.insist(partial(self._sources.reads.presence, absent))
            readable |= {each for each in absent if states.get(each) is Presence.GONE}
        return readable

    async def _read(self, booking_id: str) -> BookingRow | PermanentError | None:
        try:
            return await self._patience.insist(partial(self._sources.rows.read, booking_id))
        except PermanentError as error:
            return error

    # --- removing -------------------------------------------------------------------------------------

    async def _empty(self, inventory: Inventory, mailbox: str) -> Purged:
        purged = Purged(mailbox)
        staying: set[EventRef] = set()
        for bookings in inventory.bookings(mailbox) if self._comes_back else ():
            await asyncio.gather(*(self._disown(each, purged) for each in bookings))
        if purged.problems:
            return purged  # nothing may be removed that would look like a technician's deletion
        for events in inventory.events(mailbox):
            done = await asyncio.gather(*(self._remove(each, purged) for each in events))
            staying.update(event for event, removed in zip(events, done, strict=True) if not removed)
        for bookings in inventory.bookings(mailbox):
            await asyncio.gather(*(self._clear(each, inventory, staying, purged) for each in bookings))
        return purged

    async def _disown(self, booking_id: str, purged: Purged) -> None:
        """With a way back, have the row say that both sides agree on nothing any more.

        Its event is about to go. Should this run break off then, whoever looks finds the event gone and makes
        it anew, instead of taking that for somebody's wish.
        """

        async def disowned(row: BookingRow) -> _Rewritten | None:
            if not row.intact or row.side is None or row.side.base.agreement is None:
                return None
            base = replace(row.side.base, agreement=None)
            return row.record, Returned(replace(row.side, base=base))

        await self._rewrite(booking_id, purged, disowned)

    async def _rewrite(
        self,
        booking_id: str,
        purged: Purged,
        decide: Callable[[BookingRow], Awaitable[_Rewritten | None]],
    ) -> bool:
        """Record what is decided of a row, on condition that it did not change since; whether it was.

        Args:
            booking_id: the row's.
            purged: of the mailbox that is emptied; gets why it was not.
            decide: what the row is to hold, None for what it holds; may raise a `SyncError`.
        """
        try:
            for _ in range(MAX_ROUNDS):
                row = await self._patience.insist(partial(self._sources.rows.read, booking_id))
                decided = None if row is None else await decide(row)
                if row is None or decided is None:
                    return False
                ended = await self._patience.insist(
                    partial(self._sources.rows.record, booking_id, row.etag, *decided)
                )
                if ended is not Recorded.CONFLICT:
                    return ended is Recorded.DONE
        except SyncError as error:
            purged.fail(error.reason)
        else:
            purged.fail("A booking kept changing while its record was to be cleared: is the app running?")
        return False

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
        self, booking_id: str, inventory: Inventory, staying: AbstractSet[EventRef], purged: Purged
    ) -> None:
        """Have the row forget its event, on condition that it is the version that names it.

        Args:
            booking_id: the row's.
            inventory: events to remove.
            staying: those of them that could not be removed.
            purged: of the mailbox that is emptied; gets what was done.
        """

        async def cleared(row: BookingRow) -> _Rewritten | None:
            event = row.record.event
            event = event and replace(event, mailbox=event.mailbox.lower())
            if event and (event in staying or event.mailbox != purged.mailbox):
                return None  # still there, or another calendar's by now
            if event and not inventory.has(event):  # somebody recorded another one meanwhile
                await self._delete(event)
            # The generation stays, so that an event made later never meets the transactionId of this one.
            after = SyncRecord(generation=row.record.generation)
            return after, _emptied(row.side, inventory, staying) if row.side else None

        if await self._rewrite(booking_id, purged, cleared):
            purged.rows += 1


def _chunks(booking_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (booking_ids[first : first + CHUNK] for first in range(0, len(booking_ids), CHUNK))


def _emptied(side: OutlookSide, inventory: Inventory, staying: AbstractSet[EventRef]) -> Returned:
    """What a row keeps of the return path: former events that this run does not remove."""
    leaving = {replace(each, mailbox=each.mailbox.lower()) for each in side.base.leaving}
    kept = frozenset(each for each in leaving if each in staying or not inventory.has(each))
    return Returned(OutlookSide(Base(leaving=kept)))


def _mailbox_of(row: BookingRow) -> str:
    return row.record.event.mailbox.lower() if row.record.event else ""
