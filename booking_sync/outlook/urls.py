"""Addresses at Graph, relative to its version, composed of ids that were checked.

Ids come from columns that people can edit. Every function raises `PermanentError` for a mailbox that is no
Entra object id, or what is no event id.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from booking_sync.domain.events.event_ref import is_event_id, is_mailbox
from booking_sync.errors import PermanentError

if TYPE_CHECKING:
    from booking_sync.domain.events.event_ref import EventRef
    from booking_sync.outlook.graph.wire import GraphRequest


def check_mailbox(mailbox: str) -> None:
    """Refuse what can't name a mailbox; raises `PermanentError`."""
    if not is_mailbox(mailbox):
        raise PermanentError("Outlook: what should name a mailbox is no Entra object id.")


def check_event(event: EventRef) -> None:
    """Refuse what can't name an event; raises `PermanentError`."""
    if not is_event_id(event.event_id):
        raise PermanentError("Outlook: what should name an event is no event id.")


def events_url(mailbox: str) -> str:
    """Of a mailbox's events."""
    check_mailbox(mailbox)
    return f"/users/{mailbox}/events"


def categories_url(mailbox: str) -> str:
    """Of its own list of categories."""
    check_mailbox(mailbox)
    return f"/users/{mailbox}/outlook/masterCategories"


def event_url(event: EventRef) -> str:
    """Of one event."""
    check_event(event)
    return f"{events_url(event.mailbox)}/{quote(event.event_id, safe='')}"


def extension_url(event: EventRef, name: str) -> str:
    """Of an event's open extension."""
    return f"{event_url(event)}/extensions/{quote(name, safe='')}"


def calendar_url(mailbox: str, calendar_id: str) -> str:
    """Of one calendar; raises `PermanentError` for what can't be a calendar's id."""
    check_mailbox(mailbox)
    if not is_event_id(calendar_id):
        raise PermanentError("Outlook: what should name a calendar is no calendar's id.")
    return f"/users/{mailbox}/calendars/{quote(calendar_id, safe='')}"


def in_calendar(request: GraphRequest, mailbox: str, calendar_id: str | None) -> GraphRequest:
    """The same list of one calendar; as it is where none is named."""
    if calendar_id is None:
        return request
    place = calendar_url(mailbox, calendar_id) if calendar_id else f"/users/{mailbox}/calendar"
    return replace(request, url=place + request.url.removeprefix(f"/users/{mailbox}"))
