"""Proves events to be ours: gathers what `domain.events.ownership` judges, and asks for no more."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from booking_sync.domain.events.event_ref import EventRef
from booking_sync.domain.events.ownership import Own, Seal, prove
from booking_sync.domain.record import read_record, seal_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from booking_sync.domain.events.event import FoundEvent
    from booking_sync.domain.events.event_ref import EventClaim
    from booking_sync.domain.events.ownership import Sealer
    from booking_sync.ports.outlook.calendars import Calendar
    from booking_sync.ports.platform.keys import OpenKeyring


@dataclass(frozen=True, slots=True)
class ProvenAnswer:
    """Whether an event that somebody names is ours, and what else a search showed on the way."""

    own: Own | None
    """The event; None when it is not proven, gone, or where nobody sees it."""
    others: tuple[Own, ...] = ()
    """This booking's other events that a search shows, by generation."""


@dataclass(frozen=True, slots=True)
class EventProver:
    """Tells our own events from all others.

    Every method raises `TransientError` and `PermanentError` as the calendar does.
    """

    calendar: Calendar
    sealer: Sealer
    keyring: OpenKeyring

    async def own_events(self, booking_id: str, mailbox: str) -> list[Own]:
        """Every event in this mailbox that is proven to be this booking's, by generation."""
        found = await self.calendar.find(mailbox, self.sealer.marker(booking_id))
        return await self._prove(booking_id, found)

    async def own_among(self, booking_id: str, found: Iterable[FoundEvent]) -> list[Own]:
        """Those of events with this booking's marker that are proven to be its own, by generation."""
        return await self._prove(booking_id, found)

    async def proven(self, booking_id: str, event: EventRef) -> ProvenAnswer:
        """The event with its generation, if it is proven to be this booking's.

        It is looked for among the events with the booking's marker, so that somebody else's is not even read.
        """
        found = await self.own_events(booking_id, event.mailbox)
        own = next((each for each in found if each.event == event), None)
        return ProvenAnswer(own, tuple(each for each in found if each != own))

    async def proven_answer(
        self,
        booking_id: str,
        mailbox: str,
        event_id: str | None,
        generation: int,
        *,
        searchable_before: datetime,
    ) -> ProvenAnswer:
        """The event of this creation, which Graph says exists already.

        What Graph names may be a copy of it, and a search may not find what was made a moment ago: so both
        are looked at. What was made earlier and is not found lies in Deleted Items, where its id answers.

        Args:
            booking_id: the booking.
            mailbox: where it was to be created.
            event_id: the event that Graph named, if it named one.
            generation: of the creation.
            searchable_before: a search knows every event that was created before this moment (aware).
        """
        found = list(await self.calendar.find(mailbox, self.sealer.marker(booking_id)))
        if event_id is not None and not any(each.ref.event_id == event_id for each in found):
            named = await self.calendar.look(EventRef(mailbox, event_id))
            same = [each for each in found if named and named.uid and each.uid == named.uid]
            if named and (same or not (named.created and named.created < searchable_before)):
                # One event under two kinds of ids stays one.
                found = [*(each for each in found if each not in same), named]
        proven = await self._prove(booking_id, found)
        ours = [each for each in proven if each.generation == generation]
        named_one = (each for each in ours if each.event.event_id == event_id)
        own = next(named_one, ours[0] if ours else None)
        return ProvenAnswer(own, tuple(each for each in proven if each != own))

    async def claimed(self, booking_id: str, claim: EventClaim) -> Own | None:
        """The event that a deleted row named, if the row's sealed state or the event itself proves it."""
        await self.keyring.learn(self.sealer.unknown_keys([seal_of(claim.state)]))
        read = read_record(
            booking_id,
            self.sealer,
            event_id=claim.event.event_id,
            mailbox=claim.event.mailbox,
            state=claim.state,
        )
        if read.seal is Seal.VALID:
            return Own(claim.event, read.record.generation)
        return (await self.proven(booking_id, claim.event)).own

    async def _prove(self, booking_id: str, found: Iterable[FoundEvent]) -> list[Own]:
        tagged = await asyncio.gather(*(self._with_tag(each) for each in found))
        await self.keyring.learn(
            self.sealer.unknown_keys(text for each in tagged for text in (each.tag, each.birth))
        )
        return prove(self.sealer, booking_id, tagged)

    async def _with_tag(self, found: FoundEvent) -> FoundEvent:
        return found if found.tag else replace(found, tag=await self.calendar.read_tag(found.ref))
