"""Which forms of a GUID each entrance takes: people's many, and programs' one."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from booking_sync.audit.endpoint import read_audit_request
from booking_sync.cli.input.arguments import read_guid as read_argument
from booking_sync.cli.runner import UsageError
from booking_sync.dataverse.rows.booking_rows import to_booking_row
from booking_sync.domain.environment.columns import SupportColumns
from booking_sync.domain.events.event_ref import is_mailbox
from booking_sync.domain.messages.change import (
    BookingChange,
    MalformedChangeError,
    RelatedChange,
    decode_message,
)
from booking_sync.errors import PermanentError
from booking_sync.operations.requests import read_resync
from booking_sync.plumbing.http.orders import BadRequestError
from booking_sync.settings import values
from booking_sync.status.reading import read_booking_id
from booking_sync.sync.webhook.dynamics_webhook import Accepted, read_change
from tests.support.bookings import ORGANIZATION_ID
from tests.support.guids import CANONICAL, GUID, NOT_AT_ALL, TYPED
from tests.support.seals import sealer
from tests.support.webhook_bodies import POLICY, headers, updated

JSON = {"Content-Type": "application/json"}
Entrance = Callable[[str], str | None]
REST = {"correlationId": "c", "firstSeen": "2026-03-02T08:00:00+00:00"}


def from_setting(text: str) -> str | None:
    """An app setting."""
    return values.guid(text)


def from_argument(text: str) -> str | None:
    """An argument of the command line."""
    return read_argument(text, "--mailbox")


def from_audit_order(text: str) -> str | None:
    """The body of an audit on demand."""
    (mailbox,) = read_audit_request(JSON, json.dumps({"mailboxes": [text]}).encode()).mailboxes
    return mailbox


def from_resync_order(text: str) -> str | None:
    """The body of an operator's order."""
    order = json.dumps({"bookings": [text]}).encode()
    (booking_id,) = read_resync(JSON, order).bookings
    return booking_id


def from_message(text: str) -> str | None:
    """A queue message about a booking."""
    change = decode_message(json.dumps({"version": 1, "bookingId": text, **REST}))
    assert isinstance(change, BookingChange)
    return change.booking_id


def from_related_message(text: str) -> str | None:
    """A queue message about a work order."""
    moment = "2026-03-02T08:00:00+00:00"
    body = {
        "version": 2,
        "table": "msdyn_workorder",
        "rowId": text,
        "correlationId": "c",
        "firstSeen": moment,
    }
    change = decode_message(json.dumps(body))
    assert isinstance(change, RelatedChange)
    return change.row_id


def from_webhook(text: str) -> str | None:
    """A webhook's entity id."""
    body = json.dumps({**updated().context(), "PrimaryEntityId": text}).encode()
    read = read_change(body, headers(), POLICY)
    return read.booking_id if isinstance(read, Accepted) else None


def from_row(text: str) -> str | None:
    """A row that Dataverse answers."""
    row = {"@odata.etag": 'W/"1"', "bookableresourcebookingid": text, "statecode": 0}
    return to_booking_row(row, SupportColumns(), sealer(ORGANIZATION_ID)).booking.id


def from_mailbox(text: str) -> str | None:
    """The mailbox that a record or a message names."""
    return text.lower() if is_mailbox(text) else None


OF_PEOPLE: tuple[Entrance, ...] = (
    from_setting,
    from_argument,
    from_audit_order,
    from_resync_order,
    read_booking_id,
)
OF_PROGRAMS: tuple[Entrance, ...] = (from_message, from_related_message, from_webhook, from_row, from_mailbox)
REFUSALS = (
    ValueError,
    UsageError,
    BadRequestError,
    MalformedChangeError,
    PermanentError,
)


def taken(entrance: Entrance, text: str) -> str | None:
    """What it makes of the text; None when it refuses it, in whatever way it does that."""
    try:
        return entrance(text)
    except REFUSALS:
        return None


@pytest.mark.parametrize("text", CANONICAL)
@pytest.mark.parametrize("entrance", [*OF_PEOPLE, *OF_PROGRAMS])
def test_every_entrance_takes_the_canonical_form(entrance: Entrance, text: str) -> None:
    """In whatever case; behind it there is lower case only."""
    assert taken(entrance, text) == GUID


@pytest.mark.parametrize("text", TYPED)
@pytest.mark.parametrize("entrance", OF_PEOPLE)
def test_people_may_write_other_forms(entrance: Entrance, text: str) -> None:
    """With braces, without hyphens, with what comes along when it is pasted."""
    assert taken(entrance, text) == GUID


@pytest.mark.parametrize("text", TYPED)
@pytest.mark.parametrize("entrance", OF_PROGRAMS)
def test_programs_write_one_form(entrance: Entrance, text: str) -> None:
    """Another one in a message or an answer means that it is not what we take it for."""
    assert taken(entrance, text) is None


@pytest.mark.parametrize("text", NOT_AT_ALL)
@pytest.mark.parametrize("entrance", [*OF_PEOPLE, *OF_PROGRAMS])
def test_no_entrance_takes_what_is_none(entrance: Entrance, text: str) -> None:
    """Nor what Python's own parser would let pass."""
    assert taken(entrance, text) is None
