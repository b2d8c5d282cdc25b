"""The fake Outlook as purge and adoption see it: every event of a mailbox, ids of both kinds, extensions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from booking_sync.domain.events.event import MarkedEvent
from booking_sync.domain.events.event_ref import EventRef
from booking_sync.ports.outlook.calendars import ExtendedEvent, ForeignEvent
from tests.support.fakes import FakeCalendar

if TYPE_CHECKING:
    from collections.abc import Sequence

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
REGULAR = "regular-"
"""Prefix that makes an event's regular id of its immutable one."""


class WholeCalendar(FakeCalendar):
    """Fulfils `MarkedAnywhere` and `ForeignEvents` as well."""

    def __init__(self) -> None:
        super().__init__()
        self.extensions: dict[EventRef, str] = {}
        """What the former sync's open extension holds."""

    async def list_all_marked(self, mailbox: str) -> Sequence[MarkedEvent]:
        """See the port."""
        await self._enter("list_all", mailbox)
        return [
            MarkedEvent(
                event.ref,
                event.marker,
                event.transaction_id,
                event.content.subject,
                START,
                START,
                event.content.show_as,
                frozenset(),
                "",
            )
            for event in self.of(mailbox)
            if event.marker
        ]

    async def look_up(self, event: EventRef) -> ForeignEvent | None:
        """See the port."""
        await self._enter("look_up", event.mailbox)
        known = self._known(event)
        return ForeignEvent(event, self.events[known].uid) if known else None

    async def claim(self, event: EventRef, marker: str) -> ForeignEvent | None:
        """See the port."""
        await self._enter("claim", event.mailbox)
        known = self._known(event)
        if known:
            self.events[known] = replace(self.events[known], marker=marker)
        return ForeignEvent(known, self.events[known].uid) if known else None

    async def list_extended(self, mailbox: str, extension: str, field: str) -> Sequence[ExtendedEvent]:
        """See the port."""
        assert (extension, field) == ("com.contoso.flow", "booking")
        await self._enter("list_extended", mailbox)
        return [
            ExtendedEvent(ForeignEvent(ref, self.events[ref].uid), value, START)
            for ref, value in self.extensions.items()
            if ref in self.events and ref.mailbox == mailbox
        ]

    def _known(self, event: EventRef) -> EventRef | None:
        immutable = EventRef(event.mailbox, event.event_id.removeprefix(REGULAR))
        return immutable if immutable in self.events else None
