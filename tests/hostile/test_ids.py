"""Ids out of columns that people can edit: they address an event of that mailbox, or nothing at all."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_sync.domain.events.event_ref import EventRef
from booking_sync.domain.outcome import OutcomeKind
from booking_sync.domain.record import SyncRecord
from booking_sync.domain.row_words import reason_in
from booking_sync.errors import PermanentError
from booking_sync.event_file.content import EventFile
from booking_sync.outlook.graph.client import GraphClient
from booking_sync.outlook.requests import EventRequests
from booking_sync.ports.outlook.calendars import Written
from booking_sync.settings.loading import load_settings
from booking_sync.sync.booking.synchronizer import Synchronizer
from booking_sync.sync.booking.task import SyncTask
from booking_sync.wiring.sync import desired_state_rule, event_renderer
from local.dataverse.environment import DEFAULT_IDENTITY
from tests.dataverse.world import BOOKINGS
from tests.hostile.fuzz.budget import tries
from tests.outlook.kit import (
    BIRTH,
    BOOKING,
    CONTENT,
    EXTENSION,
    MAILBOX,
    MARKER,
    SEAL,
    LocalCredential,
    new_id,
)
from tests.support.bookings import BOOKING_ID, booking
from tests.support.fakes import events_clock
from tests.support.seals import prover

if TYPE_CHECKING:
    from tests.dataverse.world import DataverseWorld
    from tests.outlook.kit import GraphHere

GUID = "0d7c1f57-3b1e-4c8e-9a55-2f6f0d6b1a09"
HOSTILE_EVENTS = (
    ".",
    "..",
    "../..",
    "../../messages/A",
    "A/../../../users/" + GUID,
    "A/cancel",
    "A%2Fcancel",
    "%2e%2e",
    "A?$select=id",
    "A&$top=1",
    "A#fragment",
    "A;v=1",
    "A\r\nX-Injected: 1",
    "A\nDELETE /users/x",
    "A\x00",
    "A B",
    " ",
    "{event%2Did}",
    "A'B",
    'A"B',
    "\u2025",
    "\uff0e\uff0e",
    "é",
)
HOSTILE_MAILBOXES = (
    ".",
    "..",
    "me",
    "someone@contoso.com",
    f"{GUID}/messages",
    f"{GUID}%2Fmessages",
    f"{GUID}?x=1",
    f"{GUID}\r\nX-Injected: 1",
    f"{GUID} ",
    GUID.replace("-", ""),
    "{" + GUID + "}",
    "../groups/" + GUID,
)
anything = st.text(st.characters(codec=None, exclude_categories=()), max_size=40)
URLS = "https://graph.microsoft.com"
REQUESTS = EventRequests(GraphClient(URLS, LocalCredential(b"")))
"""Made once, since a client loads the trusted certificates."""


async def ask_all(graph: GraphHere, event: EventRef) -> None:
    """Try each operation on the event; all must be refused."""
    for call in (
        graph.calendar.update(event, CONTENT),
        graph.calendar.delete(event),
        graph.calendar.tag(event, BOOKING, SEAL),
        graph.calendar.read_tag(event),
        graph.calendar.look(event),
    ):
        with pytest.raises(PermanentError):
            await call


@pytest.mark.parametrize("event_id", HOSTILE_EVENTS)
async def test_a_hostile_event_id_reaches_no_wire(graph: GraphHere, event_id: str) -> None:
    """What is no event id is refused without a request."""
    await ask_all(graph, EventRef(MAILBOX, event_id))
    assert graph.batches == []


@pytest.mark.parametrize("mailbox", HOSTILE_MAILBOXES)
async def test_a_hostile_mailbox_reaches_no_wire(graph: GraphHere, mailbox: str) -> None:
    """What is no Entra object id is refused without a request."""
    await ask_all(graph, EventRef(mailbox, "A"))
    with pytest.raises(PermanentError):
        await graph.calendar.create(mailbox, CONTENT, marker=MARKER, transaction_id=new_id(), birth=BIRTH)
    with pytest.raises(PermanentError):
        await graph.calendar.find(mailbox, MARKER)
    assert graph.batches == []


@tries()
@given(anything | st.sampled_from(HOSTILE_EVENTS), anything | st.sampled_from((MAILBOX, *HOSTILE_MAILBOXES)))
def test_every_url_names_an_event_of_the_mailbox(event_id: str, mailbox: str) -> None:
    """Either no URL is made, or one whose segments are the mailbox and the event, and nothing else."""
    event, requests = EventRef(mailbox, event_id), REQUESTS
    try:
        made = [
            requests.update(event, CONTENT),
            requests.delete(event),
            requests.seal(event, SEAL),
            requests.tag(event, EXTENSION, "b", SEAL),
            requests.retag(event, EXTENSION, "b", SEAL),
            requests.read_tag(event, EXTENSION),
        ]
    except PermanentError:
        return
    for request in made:
        parts = urlsplit(request.url)
        segments = parts.path.split("/")
        assert [unquote(each) for each in segments[:5]] == ["", "users", mailbox, "events", event_id]
        assert segments[5:] in ([], ["extensions"], ["extensions", EXTENSION])
        assert not parts.query
        assert not parts.fragment
        assert not parts.netloc
        assert not {"..", "."} & set(segments)
        assert all(value.isprintable() for value in request.headers.values())


HOSTILE_ROWS = ("", "x", "..", f"{BOOKING_ID})/name", f"{BOOKING_ID}\r\nX: 1", "'; drop", "\ud800", "*")
HOSTILE_ETAGS = ("", "*", 'W/"1"\r\nX-Injected: 1', 'W/"1', "1", 'W/"1" ', 'W/"é"', "\ud800")


@pytest.mark.parametrize("booking_id", HOSTILE_ROWS)
async def test_a_hostile_booking_id_reaches_no_wire(dataverse: DataverseWorld, booking_id: str) -> None:
    """What is no GUID gets neither into a filter nor into an address."""
    with pytest.raises(PermanentError):
        await dataverse.rows.read(booking_id)
    with pytest.raises(PermanentError):
        await dataverse.rows.record(booking_id, 'W/"1"', SyncRecord())
    assert dataverse.requests == []


@pytest.mark.parametrize("etag", HOSTILE_ETAGS)
async def test_a_hostile_version_reaches_no_header(dataverse: DataverseWorld, etag: str) -> None:
    """If-Match holds one version of the row and no second header, and never any version."""
    with pytest.raises(PermanentError):
        await dataverse.rows.record(BOOKING_ID, etag, SyncRecord())
    assert dataverse.requests == []


@pytest.mark.parametrize("record_text", [*HOSTILE_EVENTS, "--batch", "\r\n--batch_x--\r\n"])
async def test_a_record_of_any_text_is_one_part_of_a_batch(
    dataverse: DataverseWorld, record_text: str
) -> None:
    """What is written to the row is JSON in the part's body, so that nothing in it ends the part."""
    dataverse.put(booking())
    row = await dataverse.rows.read(BOOKING_ID)
    assert row
    written = SyncRecord(EventRef(MAILBOX, "A"), 1, "f", record_text)
    await dataverse.rows.record(BOOKING_ID, row.etag, written)
    shown = str(dataverse.standin.state.rows(BOOKINGS)[BOOKING_ID]["bsync_outlooksyncerror"])
    assert reason_in(shown) == record_text
    assert [item["method"] for request in dataverse.requests for item in request.items] == ["PATCH"]


@pytest.mark.parametrize("column", ["bsync_outlookeventid", "bsync_originalresource"])
@pytest.mark.parametrize("state", ["", "3", "3:abc:def", "x"])
async def test_an_edited_record_leads_to_one_event_and_nowhere_else(
    graph: GraphHere, dataverse: DataverseWorld, column: str, state: str
) -> None:
    """A row whose record was edited into hostile text gets its event anew, in its own mailbox."""
    settings = {
        "AzureWebJobsStorage": "UseDevelopmentStorage=true",
        "KEY_VAULT_URL": "https://vault.example",
        "ENTRA_TENANT_ID": GUID,
        "ENTRA_CLIENT_ID": BOOKING_ID,
        "DATAVERSE_URL": "https://contoso.crm4.dynamics.com",
    }
    known = load_settings(settings)
    desired_state = desired_state_rule(known, event_renderer(known, EventFile()))
    synchronizer = Synchronizer(
        dataverse.rows,
        graph.calendar,
        desired_state,
        prover(graph.calendar, DEFAULT_IDENTITY.organization_id),
        events_clock,
    )
    hostile = HOSTILE_EVENTS if column == "bsync_outlookeventid" else HOSTILE_MAILBOXES
    dataverse.put(booking(mailbox=MAILBOX))
    for text in hostile:
        columns = {"bsync_outlookeventid": "A", "bsync_originalresource": MAILBOX, column: text}
        dataverse.standin.state.update(BOOKINGS, BOOKING_ID, {**columns, "bsync_outlooksyncstate": state})
        outcome = await synchronizer.sync(SyncTask(BOOKING_ID))
        assert outcome.kind is OutcomeKind.SYNCED
    assert len(graph.events(MAILBOX)) == 1
    paths = {item["path"] for batch in graph.batches for item in batch.items}
    assert paths
    assert all(path.startswith(f"/users/{MAILBOX}/events") and ".." not in path for path in paths)


async def test_an_id_of_every_character_it_may_have_is_found_again(graph: GraphHere) -> None:
    """The ids that Graph gives, with all their odd characters, lead to their event."""
    for _ in range(20):
        made = await graph.calendar.create(
            MAILBOX, CONTENT, marker=MARKER, transaction_id=new_id(), birth=BIRTH
        )
        assert isinstance(made, Written)
        assert await graph.calendar.update(EventRef(MAILBOX, made.event_id), CONTENT)
