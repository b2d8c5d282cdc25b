"""The technicians' Outlook calendars."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from booking_sync.domain.events.event import EventState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from booking_sync.domain.events.event import ContentPart, EventContent, FoundEvent, MarkedEvent, SeenEvent
    from booking_sync.domain.events.event_ref import EventRef


@dataclass(frozen=True, slots=True)
class Written:
    """What the answer to a write says of the event."""

    event_id: str
    """Immutable id."""
    uid: str = ""
    """Its iCalUId; empty when the answer did not tell."""
    created: datetime | None = None
    """Aware, UTC: when Exchange made the event; None when the answer did not tell."""
    start: datetime | None = None
    """Aware, UTC: when the event begins, as Exchange read it; None when the answer did not tell."""
    end: datetime | None = None
    """Aware, UTC."""
    state: EventState = field(default_factory=EventState)
    calendar: str = ""
    """Id of the calendar or folder that it lies in; empty when the answer did not tell."""
    etag: str = ""
    """Its version; empty when the answer did not tell."""
    cancelled: bool = False
    """It says of itself that it was called off, as what lies in Deleted Items may."""


@dataclass(frozen=True, slots=True)
class AlreadyCreated:
    """There is an event with this transactionId already: an earlier try's, or somebody's copy of it."""

    event_id: str | None
    """The one that the service named, if it named one."""


class Calendar(Protocol):
    """The technicians' Outlook calendars."""

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
        """Create an event without attendees, with our marks and the stamp of its times from the first on."""

    async def update(
        self,
        event: EventRef,
        content: EventContent,
        kept: frozenset[ContentPart] = frozenset(),
        *,
        stamp: str = "",
        etag: str = "",
    ) -> Written | None:
        """Write our content, but for the kept parts; None when the event is gone.

        The stamp goes with the times, and nowhere without them. With an etag, which a service may ignore,
        only the version that it names is written.

        Raises:
            OvertakenError: the event has another version by now.
        """

    async def see(self, event: EventRef) -> SeenEvent | None:
        """The event's times as they are now, with our stamp on them; None when it is gone."""

    async def delete(self, event: EventRef) -> bool:
        """Remove the event; False when there is none under this id."""

    async def tag(self, event: EventRef, booking_id: str, seal: str) -> bool:
        """Write the open extension, the booking's id and the event's seal; False when the event is gone.

        One that is there already is overwritten. A deployment without an extension keeps the seal otherwise.
        """

    async def find(self, mailbox: str, marker: str) -> Sequence[FoundEvent]:
        """Every event in the mailbox that carries the marker, completely listed; tags may be left out."""

    async def look(self, event: EventRef) -> FoundEvent | None:
        """One event by its id; its tag may be left out. None when it is gone."""

    async def read_tag(self, event: EventRef) -> str:
        """The seal in the event's open extension; empty when there is none, or the event is gone."""


class EventReads(Protocol):
    """Events of the calendars, read one at a time."""

    async def find(self, mailbox: str, marker: str) -> Sequence[FoundEvent]:
        """As `Calendar.find`."""

    async def read(self, event: EventRef) -> MarkedEvent | None:
        """The event as it is now, whoever made it; None when it is gone."""


class MarkedEvents(Protocol):
    """Our events in a calendar, listed by time."""

    async def list_marked(self, mailbox: str, first: datetime, last: datetime) -> Sequence[MarkedEvent]:
        """Every event with a marker of ours that touches this time.

        The list is complete: one that fails or breaks off raises, and is never returned shortened.
        """


class MarkedAnywhere(Protocol):
    """All our events in a calendar."""

    async def list_all_marked(self, mailbox: str) -> Sequence[MarkedEvent]:
        """Every event with a marker of ours, whenever it is; raises as `list_marked`."""


@dataclass(frozen=True, slots=True)
class ForeignEvent:
    """An event that another program made."""

    ref: EventRef
    uid: str
    """Its iCalendar UID, which is the same whatever kind of id the event is named by."""
    attended: bool = field(default=False, compare=False)
    """Somebody is invited."""


@dataclass(frozen=True, slots=True)
class ExtendedEvent:
    """An event with an open extension that another program put there."""

    event: ForeignEvent
    value: str
    """What the extension holds."""
    start: datetime
    """Aware, UTC."""


class ForeignEvents(Protocol):
    """Events of another program, which `adopt` makes ours."""

    async def look_up(self, event: EventRef) -> ForeignEvent | None:
        """The event with its immutable id, or with the given one when Graph can't tell it; None when gone."""

    async def claim(self, event: EventRef, marker: str) -> ForeignEvent | None:
        """Put our marker on the event; it under its immutable id, or None when it is gone."""

    async def list_extended(self, mailbox: str, extension: str, field: str) -> Sequence[ExtendedEvent]:
        """Every event with this open extension, completely listed."""
