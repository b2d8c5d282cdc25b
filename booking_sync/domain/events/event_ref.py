"""Where an event is: messages name events, and a webhook loads nothing else of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from booking_sync.domain.ids import read_guid

_EVENT_ID = re.compile(r"[0-9A-Za-z_=+-]{1,1000}")


@dataclass(frozen=True, slots=True)
class EventRef:
    """Where an event is."""

    mailbox: str
    """Entra object id of the mailbox's user."""
    event_id: str
    """Immutable id; case-sensitive."""


@dataclass(frozen=True, slots=True)
class EventClaim:
    """An event that a deleted row named, with the state that may prove it."""

    event: EventRef
    state: str = ""
    """The state column's text."""


def is_mailbox(text: str) -> bool:
    """Whether this can name a mailbox: an Entra object id, and nothing that leads elsewhere in a URL."""
    return read_guid(text) is not None


def is_event_id(text: str) -> bool:
    """Whether this can be an event's id.

    Graph's ids are URL-safe Base64. Columns can be edited, though, and a slash or dots in a URL would lead
    from the event to something else, even percent-encoded where a gateway decodes first.
    """
    return _EVENT_ID.fullmatch(text) is not None
