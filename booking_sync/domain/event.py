"""The Outlook event that a booking should show as, and the identities by which we know our own events."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Literal

from booking_sync.domain.ids import read_guid

if TYPE_CHECKING:
    from datetime import datetime

    from booking_sync.domain.booking import Address

ShowAs = Literal["free", "tentative", "busy", "oof", "workingElsewhere"]

_TRANSACTION_NAMESPACE = uuid.UUID("5f0f7c0e-3c9b-5b0a-9d0e-6f6b0d2f7a41")
_FINGERPRINT_BYTES = 16
_EVENT_ID = re.compile(r"[0-9A-Za-z_=+-]{1,1000}")


@dataclass(frozen=True, slots=True)
class EventRef:
    """Where an event is."""

    mailbox: str
    """Entra object id of the mailbox's user."""
    event_id: str
    """Immutable id; case-sensitive."""


def is_mailbox(text: str) -> bool:
    """Whether this can name a mailbox: an Entra object id, and nothing that leads elsewhere in a URL."""
    return read_guid(text) is not None


def is_event_id(text: str) -> bool:
    """Whether this can be an event's id.

    Graph's ids are URL-safe Base64. Columns can be edited, though, and a slash or dots in a URL would lead
    from the event to something else, even percent-encoded where a gateway decodes first.
    """
    return _EVENT_ID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class EventTime:
    """A wall-clock time and its zone, as Graph wants it."""

    date_time: str
    """Local, without offset: `2026-03-29T09:00:00`."""
    time_zone: str
    """A Windows zone name, or `UTC`."""


@dataclass(frozen=True, slots=True)
class EventContent:
    """All that we write of an event; nothing else of it is ours."""

    subject: str
    body_html: str
    start: EventTime
    end: EventTime
    show_as: ShowAs
    categories: tuple[str, ...] = ()
    location_name: str = ""
    location_address: Address | None = field(default=None)

    def fingerprint(self) -> str:
        """A short hash that changes with anything we would write."""
        canonical = json.dumps(asdict(self), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.blake2b(canonical.encode(), digest_size=_FINGERPRINT_BYTES).hexdigest()


@dataclass(frozen=True, slots=True)
class FoundEvent:
    """One of the events that a search by marker found."""

    ref: EventRef
    transaction_id: str | None


@dataclass(frozen=True, slots=True)
class MarkedEvent:
    """One event with our marker, as a calendar shows it; that it is ours, the marker does not prove."""

    ref: EventRef
    marker: str
    transaction_id: str | None
    subject: str
    start: datetime
    """Aware, UTC."""
    end: datetime
    """Aware, UTC."""
    show_as: str
    categories: frozenset[str]
    location_name: str


def transaction_id(mark: str, mailbox: str, generation: int) -> str:
    """The id under which a booking's n-th event is created, the same on every try.

    Graph answers a second creation with the same id by naming the first event instead of doubling it. A
    copied environment has the same bookings and must not be given the original's events: hence the marker.
    """
    return str(uuid.uuid5(_TRANSACTION_NAMESPACE, f"{mark}/{mailbox}/{generation}".lower()))


def own_generation(found: str | None, mark: str, mailbox: str, up_to_generation: int) -> int:
    """Which of the events of this `marker` in this mailbox a transactionId proves an event to be; 0 for none.

    A marker alone proves nothing: a user's own copy of an event may carry it along.
    """
    if found is None:
        return 0
    for generation in range(1, up_to_generation + 1):
        if found.lower() == transaction_id(mark, mailbox, generation):
            return generation
    return 0


def marker(organization_id: str, booking_id: str) -> str:
    """The value that every event of ours carries as an extended property."""
    return f"{organization_id}/{booking_id}".lower()


def marked_booking(found: str, organization_id: str) -> str | None:
    """The id of the booking that a marker names; None when it is not this organisation's."""
    organization, slash, booking_id = found.lower().partition("/")
    return booking_id if slash and booking_id and organization == organization_id.lower() else None
