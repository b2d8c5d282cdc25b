"""Makes events of a former sync ours, so that nobody gets a second event for the same booking.

The former sync noted each event's id in a column of the booking, or put an open extension with the booking's
id onto the event, or both. For each booking that has no record of ours, this looks whether the event exists
in the mailbox where it should be, puts our marker and our seal on it, and records it on the row, with the
content unknown. From then on the protocol treats it as any other event: the next hint updates it in place,
moves it or removes it. The record is written on condition that the row is the version that was looked at.

It has to be done before the app runs: where the app was faster, the booking has two events, which is told.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from booking_sync.domain.bookings.participation import calendar_of
from booking_sync.domain.events.event_ref import EventRef, is_event_id, is_mailbox
from booking_sync.domain.ids import typed_guid
from booking_sync.domain.plan import Unwanted
from booking_sync.domain.record import SyncRecord
from booking_sync.domain.text import trim
from booking_sync.errors import PermanentError, SyncError
from booking_sync.ports.dataverse.bookings import Recorded
from booking_sync.sync.sending import do_all

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from booking_sync.domain.events.ownership import Sealer
    from booking_sync.domain.plan import DesiredStateRule
    from booking_sync.domain.record import BookingRow
    from booking_sync.plumbing.patience import Patience
    from booking_sync.ports.dataverse.bookings import BookingRows, FormerRecords, Resources
    from booking_sync.ports.outlook.calendars import Calendar, ExtendedEvent, ForeignEvent, ForeignEvents

BOOKINGS_AT_ONCE = 60
MAILBOXES_AT_ONCE = 20
MAX_ROUNDS = 4

ATTENDED_REASON = (
    "People are invited to the event and would get mail: ask the technician to remove the people from it, or "
    "to delete it in Outlook, and run the command again."
)


class Fate(StrEnum):
    """What became of a booking's former event."""

    ADOPTED = "adopted"
    """It is recorded; with a dry run: it would be."""
    RECORDED = "already ours"
    """The row names this very event already."""
    DOUBLE = "two events"
    """The row names another event of ours: the former one is a double that somebody has to remove."""
    SEVERAL = "several events"
    """More than one event claims to be the booking's, and the row notes none; a person has to choose."""
    WITHOUT_BOOKING = "no booking"
    """The booking does not exist, or may not be read; if it is gone, its event is to be removed by hand."""
    GONE = "event is gone"
    """The event does not exist where it should; the app makes one where it is wanted."""
    UNUSABLE = "not usable"
    """What was noted can't name an event or a mailbox."""
    FAILED = "failed"
    """A service refused, or was not to be had; another run may do."""


@dataclass(frozen=True, slots=True)
class Adoption:
    """What became of one booking's former event."""

    booking_id: str
    fate: Fate
    detail: str = ""
    event: EventRef | None = None
    """The booking's event from now on."""
    others: tuple[EventRef, ...] = ()
    """Further events that claim to be the booking's; they stay until somebody removes them."""
    removed_next: bool = False
    """Adopted, but the booking should not show: the sync removes the event with its next look at it."""

    @property
    def settled(self) -> bool:
        """Nobody has to do anything about it."""
        return not self.others and self.fate in (Fate.ADOPTED, Fate.RECORDED, Fate.GONE)


@dataclass(frozen=True, slots=True)
class Adoptions:
    """What became of all."""

    adoptions: tuple[Adoption, ...] = ()
    problems: tuple[str, ...] = ()
    """Mailboxes that could not be searched, and why."""

    def counts(self) -> dict[str, int]:
        """How many there are of each fate that occurred, in the order of `Fate`."""
        found = Counter(each.fate for each in self.adoptions)
        return {fate.value: found[fate] for fate in Fate if found[fate]}

    @property
    def complete(self) -> bool:
        """Nobody has to do anything."""
        return not self.problems and all(each.settled for each in self.adoptions)


@dataclass(frozen=True, slots=True)
class Extension:
    """The open extension that the former sync put on its events."""

    name: str
    field: str
    """Where it holds the booking's id."""


@dataclass(frozen=True, slots=True)
class AdoptionSources:
    """Where it looks, and what it changes."""

    rows: BookingRows
    events: ForeignEvents
    calendar: Calendar
    resources: Resources
    former: FormerRecords | None = None
    """None: the former sync noted nothing on the rows."""
    extension: Extension | None = None
    """None: the former sync put nothing on its events."""


@dataclass(slots=True)
class _Claim:
    """What speaks for a booking's event."""

    booking_id: str
    noted_event: str = ""
    """The event id that the row notes, of whatever kind."""
    noted_mailbox: str = ""
    """What the row notes beside: an Entra object id, a resource's id, or anything else."""
    found: list[ForeignEvent] = field(default_factory=list)
    """Events that carry the extension, under their immutable ids."""


class Adopter:
    """Adopts events.

    Args:
        sources: where it looks, and what it changes.
        desired_state: what Outlook should show of a booking.
        sealer: of the Dataverse environment's organisation.
        patience: with services that are busy.
        dry_run: look only.
    """

    def __init__(
        self,
        sources: AdoptionSources,
        desired_state: DesiredStateRule,
        sealer: Sealer,
        patience: Patience,
        *,
        dry_run: bool,
    ) -> None:
        self._sources = sources
        self._desired_state = desired_state
        self._sealer = sealer
        self._patience = patience
        self._dry_run = dry_run

    async def run(
        self, starts_from: datetime, progress: Callable[[int, int], None] = lambda _done, _total: None
    ) -> Adoptions:
        """Adopt what there is; may be repeated, and completes what an earlier run left.

        Args:
            starts_from: aware; bookings that start earlier are history, and so are events.
            progress: told how many bookings were seen to, and of how many.

        Raises:
            SyncError: Dataverse can't be listed completely; nothing was changed.
        """
        whose = await self._patience.insist(self._sources.resources.mailboxes)
        claims: dict[str, _Claim] = {}
        if self._sources.former:
            await self._patience.insist(
                partial(self._read_columns, self._sources.former, starts_from, claims)
            )
        problems: list[str] = []
        if self._sources.extension:
            mailboxes = sorted(set(whose.values()))
            problems = await self._search(self._sources.extension, mailboxes, starts_from, claims)
        adoptions = await do_all(
            sorted(claims.values(), key=lambda claim: claim.booking_id),
            lambda claim: self._see_to(claim, whose),
            at_once=BOOKINGS_AT_ONCE,
            progress=lambda done: progress(done, len(claims)),
        )
        return Adoptions(tuple(adoptions), tuple(problems))

    # --- what the former sync left ----------------------------------------------------------------------

    async def _read_columns(
        self, former: FormerRecords, starts_from: datetime, claims: dict[str, _Claim]
    ) -> None:
        async for page in former.list_former(starts_from):
            for each in page:
                claim = claims.setdefault(each.booking_id, _Claim(each.booking_id))
                claim.noted_event = trim(each.event_id)
                claim.noted_mailbox = trim(each.mailbox).lower()

    async def _search(
        self,
        extension: Extension,
        mailboxes: Sequence[str],
        starts_from: datetime,
        claims: dict[str, _Claim],
    ) -> list[str]:

        async def search(mailbox: str) -> Sequence[ExtendedEvent] | SyncError:
            try:
                return await self._patience.insist(
                    partial(self._sources.events.list_extended, mailbox, extension.name, extension.field)
                )
            except SyncError as error:
                return error

        problems: list[str] = []
        searched = await do_all(mailboxes, search, at_once=MAILBOXES_AT_ONCE)
        for mailbox, found in zip(mailboxes, searched, strict=True):
            if isinstance(found, SyncError):
                problems.append(f"The mailbox {mailbox} was not searched. {found.reason}")
                continue
            for event in found:
                booking_id = typed_guid(event.value)  # programs write them in whatever form
                if booking_id and event.start >= starts_from:
                    claims.setdefault(booking_id, _Claim(booking_id)).found.append(event.event)
        return problems

    # --- one booking ------------------------------------------------------------------------------------

    async def _see_to(self, claim: _Claim, whose: Mapping[str, str]) -> Adoption:
        try:
            for _ in range(MAX_ROUNDS):
                row = await self._patience.insist(partial(self._sources.rows.read, claim.booking_id))
                if row is None:
                    return Adoption(claim.booking_id, Fate.WITHOUT_BOOKING, others=_refs(claim.found))
                adoption = await self._settle(claim, row, whose)
                if adoption:
                    return adoption
        except SyncError as error:
            return Adoption(claim.booking_id, Fate.FAILED, error.reason)
        return Adoption(claim.booking_id, Fate.FAILED, "The booking kept changing; run the command again.")

    async def _settle(self, claim: _Claim, row: BookingRow, whose: Mapping[str, str]) -> Adoption | None:
        """What becomes of it; None when the row changed meanwhile."""
        noted, problem = await self._look_up(claim, row, whose)
        events = _distinct(noted, claim.found)
        # Without a seal the columns were filled by others, and are what is to be adopted.
        recorded = row.record.event
        if recorded:
            others = await self._others(recorded, events)
            fate = Fate.DOUBLE if others else Fate.RECORDED
            return Adoption(claim.booking_id, fate, event=recorded, others=others)
        if not events:
            return problem
        if noted is None and len(events) > 1:
            return Adoption(claim.booking_id, Fate.SEVERAL, others=_refs(events))
        return await self._adopt(row, events[0], _refs(events[1:]))

    async def _others(self, recorded: EventRef, events: Sequence[ForeignEvent]) -> tuple[EventRef, ...]:
        """Those of the events that are not the recorded one, under whatever id."""
        others = [each for each in events if not _same(each.ref, recorded)]
        if others:
            ours = await self._patience.insist(partial(self._sources.events.look_up, recorded))
            others = [each for each in others if not (ours and each.uid and each.uid == ours.uid)]
        return _refs(others)

    async def _adopt(
        self, row: BookingRow, found: ForeignEvent, others: tuple[EventRef, ...]
    ) -> Adoption | None:
        booking_id, event = row.booking.id, found.ref
        if found.attended:
            return Adoption(booking_id, Fate.FAILED, ATTENDED_REASON, event=event, others=others)
        done = Adoption(
            booking_id,
            Fate.ADOPTED,
            event=event,
            others=others,
            removed_next=isinstance(self._desired_state(row.booking), Unwanted),
        )
        if self._dry_run:
            return done
        mark = self._sealer.marker(booking_id)
        ours = await self._patience.insist(partial(self._sources.events.claim, event, mark))
        if ours is None:
            return Adoption(booking_id, Fate.GONE, others=others)
        generation = max(1, row.record.generation)
        seal = self._sealer.tag(booking_id, ours.ref, ours.uid, generation)
        if not await self._patience.insist(partial(self._sources.calendar.tag, ours.ref, booking_id, seal)):
            return Adoption(booking_id, Fate.GONE, others=others)
        record = SyncRecord(ours.ref, generation=generation)
        ended = await self._patience.insist(partial(self._sources.rows.record, booking_id, row.etag, record))
        return replace(done, event=ours.ref) if ended is Recorded.DONE else None

    async def _look_up(
        self, claim: _Claim, row: BookingRow, whose: Mapping[str, str]
    ) -> tuple[ForeignEvent | None, Adoption]:
        """The event that the row notes, under its immutable id if possible; if there is none, why."""
        gone = Adoption(claim.booking_id, Fate.GONE)
        if not claim.noted_event:
            return None, gone
        if not is_event_id(claim.noted_event):
            return None, replace(gone, fate=Fate.UNUSABLE, detail="What the column holds is no event id.")
        mailboxes = _candidates(claim.noted_mailbox, row, whose)
        if not mailboxes:
            detail = "Neither the column nor the booking's resource names a mailbox."
            return None, replace(gone, fate=Fate.UNUSABLE, detail=detail)
        problem = gone
        for mailbox in mailboxes:
            event = EventRef(mailbox, claim.noted_event)
            try:
                found = await self._patience.insist(partial(self._sources.events.look_up, event))
            except PermanentError as error:
                problem = replace(gone, fate=Fate.FAILED, detail=error.reason)
                continue
            if found:
                return found, gone
        return None, problem


def _candidates(noted: str, row: BookingRow, whose: Mapping[str, str]) -> list[str]:
    """Mailboxes to look into, the likeliest first: the noted one, by user or by resource; then today's.

    A resource's own mailbox shows its bookings today; its user's may have shown them before.
    """
    resource = row.booking.resource
    user = resource.user if resource else None
    shows = calendar_of(resource) if resource else None
    users = user.entra_object_id if user else None
    by_note = whose.get(noted, noted if is_mailbox(noted) else "")
    named = (by_note, (shows or "").lower(), (users or "").lower())
    return list(dict.fromkeys(each for each in named if each))


def _distinct(noted: ForeignEvent | None, found: Sequence[ForeignEvent]) -> list[ForeignEvent]:
    """Each event once, the noted one first; of two ids of one event the found one, which is immutable."""
    if noted is None:
        return list(dict.fromkeys(found))
    alike = [each for each in found if each.ref == noted.ref or (each.uid and each.uid == noted.uid)]
    return [*(alike[:1] or [noted]), *dict.fromkeys(each for each in found if each not in alike)]


def _refs(events: Sequence[ForeignEvent]) -> tuple[EventRef, ...]:
    return tuple(each.ref for each in events)


def _same(one: EventRef, other: EventRef) -> bool:
    return one.event_id == other.event_id and one.mailbox.lower() == other.mailbox.lower()
