"""Queues bookings to be written whatever their records say: events may have changed behind our back.

The hints are uncertain (`BookingChange.uncertain`), so the worker believes no fingerprint and looks for
events that an earlier try may have left. They are ordered (`Missing.ORDERED`), so that an event that is gone
is made anew, and is nobody's wish to cancel.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from booking_sync.domain.messages.change import BookingChange
from booking_sync.domain.return_path.missing import Missing
from booking_sync.errors import PermanentError
from booking_sync.ports.dataverse.bookings import BookingQuery

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from booking_sync.domain.record import BookingRow
    from booking_sync.plumbing.patience import Patience
    from booking_sync.ports.dataverse.bookings import BookingListing, BookingRows, Resources
    from booking_sync.ports.platform.clock import Clock
    from booking_sync.sync.sending import PacedSender


@dataclass(frozen=True, slots=True)
class Chosen:
    """The bookings to bring in step again."""

    booking_ids: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    """Asked for by id, but there is no such booking."""
    unreadable: int = 0
    """Of the bookings, how many can't be read completely; they are queued all the same, to say so."""


@dataclass(frozen=True, slots=True)
class ResyncSources:
    """Where bookings are found."""

    rows: BookingRows
    listing: BookingListing
    resources: Resources


class Resync:
    """Finds bookings and queues them.

    Args:
        sources: where they are found.
        patience: with Dataverse and the queue.
    """

    def __init__(self, sources: ResyncSources, patience: Patience) -> None:
        self._sources = sources
        self._patience = patience

    async def by_id(self, booking_ids: Sequence[str]) -> Chosen:
        """These bookings, each once.

        Raises:
            SyncError: Dataverse can't be asked.
        """
        asked = tuple(dict.fromkeys(booking_ids))
        found = await asyncio.gather(*(self._read(each) for each in asked))
        return Chosen(
            tuple(each for each, row in zip(asked, found, strict=True) if row is not None),
            tuple(each for each, row in zip(asked, found, strict=True) if row is None),
            sum(isinstance(row, PermanentError) for row in found),
        )

    async def by_mailbox(self, mailbox: str, starts_from: datetime) -> Chosen:
        """Every booking whose event is recorded in the mailbox, or whose resource is its user.

        Args:
            mailbox: Entra object id.
            starts_from: aware; earlier bookings are history.

        Raises:
            SyncError: Dataverse can't list them completely.
        """
        mailbox = mailbox.lower()
        whose = await self._patience.insist(self._sources.resources.mailboxes)
        resource_ids = tuple(sorted(each for each, owner in whose.items() if owner == mailbox))
        queries = [BookingQuery(starts_from=starts_from, mailbox=mailbox)]
        if resource_ids:
            queries.append(BookingQuery(starts_from=starts_from, resource_ids=resource_ids))
        chosen: dict[str, None] = {}
        unreadable: set[str] = set()
        for query in queries:
            rows, odd = await self._patience.insist(partial(self._list, query))
            chosen |= dict.fromkeys((*rows, *odd))
            unreadable |= set(odd)
        return Chosen(tuple(chosen), unreadable=len(unreadable))

    async def queue(
        self,
        chosen: Chosen,
        sender: PacedSender,
        correlation_id: str,
        now: Clock,
        progress: Callable[[int], None] = lambda _more: None,
    ) -> None:
        """Queue them all; may be repeated, since a hint too many does no harm.

        Raises:
            SyncError: the queue can't take them all; some may be on it.
        """
        size = sender.pace.handful
        for first in range(0, len(chosen.booking_ids), size):
            moment = now()
            hints = [
                BookingChange(each, correlation_id, moment, uncertain=True, missing=Missing.ORDERED)
                for each in chosen.booking_ids[first : first + size]
            ]
            await self._patience.insist(partial(sender.send, hints))
            progress(len(hints))

    async def _read(self, booking_id: str) -> BookingRow | PermanentError | None:
        try:
            return await self._patience.insist(partial(self._sources.rows.read, booking_id))
        except PermanentError as error:
            return error

    async def _list(self, query: BookingQuery) -> tuple[list[str], list[str]]:
        rows: list[str] = []
        unreadable: list[str] = []
        async for page in self._sources.listing.list_bookings(query):
            rows += [row.booking.id for row in page.rows]
            unreadable += [row.booking_id for row in page.unreadable]
        return rows, unreadable
