"""Calendars around a calendar: one that passes everything on, and one that watches how times are written."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from booking_sync.domain.events.zones import UTC_NAME
from booking_sync.ports.outlook.calendars import Written
from tests.simulation.chance.clock import now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from booking_sync.domain.events.event import ContentPart, EventContent, FoundEvent, SeenEvent
    from booking_sync.domain.events.event_ref import EventRef
    from booking_sync.domain.events.zones import EventZone
    from booking_sync.ports.outlook.calendars import AlreadyCreated, Calendar


@dataclass(frozen=True)
class WrappedCalendar:
    """A calendar that passes everything on."""

    calendar: Calendar

    async def create(
        self,
        mailbox: str,
        content: EventContent,
        *,
        marker: str,
        transaction_id: str,
        birth: str,
        stamp: str = "",
    ) -> Written | AlreadyCreated:
        """See the port."""
        return await self.calendar.create(
            mailbox, content, marker=marker, transaction_id=transaction_id, birth=birth, stamp=stamp
        )

    async def update(
        self,
        event: EventRef,
        content: EventContent,
        kept: frozenset[ContentPart] = frozenset(),
        *,
        stamp: str = "",
        etag: str = "",
    ) -> Written | None:
        """See the port."""
        return await self.calendar.update(event, content, kept, stamp=stamp, etag=etag)

    async def delete(self, event: EventRef) -> bool:
        """See the port."""
        return await self.calendar.delete(event)

    async def tag(self, event: EventRef, booking_id: str, seal: str) -> bool:
        """See the port."""
        return await self.calendar.tag(event, booking_id, seal)

    async def see(self, event: EventRef) -> SeenEvent | None:
        """See the port."""
        return await self.calendar.see(event)

    async def look(self, event: EventRef) -> FoundEvent | None:
        """See the port."""
        return await self.calendar.look(event)

    async def read_tag(self, event: EventRef) -> str:
        """See the port."""
        return await self.calendar.read_tag(event)

    async def find(self, mailbox: str, marker: str) -> Sequence[FoundEvent]:
        """See the port."""
        return await self.calendar.find(mailbox, marker)


BELIEVED = timedelta(hours=23)
"""How long a process writes in UTC what it saw Exchange read otherwise: a day, less what a write may take."""


@dataclass(frozen=True)
class ZoneWatch(WrappedCalendar):
    """One process's writes: each that Exchange reads at another time costs one further write, and not again.

    A write that was misread has to be followed by one in UTC. From the answer to that on, the process knows:
    what it sends for the same day by the wall clock costs a second write for nothing.
    """

    zone: EventZone
    violations: list[tuple[str, str]]
    misread: dict[str, datetime] = field(default_factory=dict)
    """By event, the instant that was meant when it was last misread, until it is written in UTC."""
    learned: list[tuple[datetime, datetime]] = field(default_factory=list)
    """Which instants were written again in UTC, and when the answer came."""

    async def create(
        self,
        mailbox: str,
        content: EventContent,
        *,
        marker: str,
        transaction_id: str,
        birth: str,
        stamp: str = "",
    ) -> Written | AlreadyCreated:
        """See the port."""
        self._check(content)
        created = await super().create(
            mailbox, content, marker=marker, transaction_id=transaction_id, birth=birth, stamp=stamp
        )
        if isinstance(created, Written):
            self._note(created, content)
        return created

    async def update(
        self,
        event: EventRef,
        content: EventContent,
        kept: frozenset[ContentPart] = frozenset(),
        *,
        stamp: str = "",
        etag: str = "",
    ) -> Written | None:
        """See the port."""
        self._check(content)
        written = await super().update(event, content, kept, stamp=stamp, etag=etag)
        if written is not None:
            self._note(written, content)
        return written

    def _check(self, content: EventContent) -> None:
        meant = self.zone.instant(content.start)
        known = any(each.date() == meant.date() and now() < since + BELIEVED for each, since in self.learned)
        if known and content.start.time_zone != UTC_NAME:
            self.violations.append(("zone", f"{meant} is sent by the wall clock again, and so written twice"))

    def _note(self, written: Written, content: EventContent) -> None:
        meant = self.zone.instant(content.start)
        before = self.misread.pop(written.event_id, None)
        if written.start != meant:
            self.misread[written.event_id] = meant
        elif before == meant and content.start.time_zone == UTC_NAME:
            self.learned.append((meant, now()))
