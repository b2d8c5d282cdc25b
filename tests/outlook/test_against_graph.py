"""The adapter on the real SDK against the strict stand-in: what goes over the wire, and how trouble ends."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import pytest

from booking_sync.domain.events.event_ref import EventRef
from booking_sync.errors import PermanentError, SyncError, TransientError
from booking_sync.outlook.bodies import EXTENSION_PROPERTY, SEAL_PROPERTY
from booking_sync.outlook.calendar import open_calendar
from booking_sync.outlook.graph import errors
from booking_sync.ports.outlook.calendars import AlreadyCreated, Written
from local.standin.faults import Fault
from tests.outlook.kit import (
    BIRTH,
    BOOKING,
    CHANGED,
    CONTENT,
    EXTENSION,
    MAILBOX,
    MARKER,
    MISSING_MAILBOX,
    OTHER_MAILBOX,
    OTHER_SEAL,
    SEAL,
    new_id,
    now,
)

if TYPE_CHECKING:
    from tests.outlook.kit import GraphHere

BATCH = r"\$batch$"
ITEM = "^/users/"


async def create(graph: GraphHere, mailbox: str = MAILBOX, transaction_id: str = "") -> EventRef:
    """A new event."""
    made = await graph.calendar.create(
        mailbox, CONTENT, marker=MARKER, transaction_id=transaction_id or new_id(), birth=BIRTH
    )
    assert isinstance(made, Written)
    return EventRef(mailbox, made.event_id)


async def fail_to_create(graph: GraphHere, mailbox: str = MAILBOX) -> TransientError:
    """The transient error that a creation ends with."""
    with pytest.raises(TransientError) as error:
        await create(graph, mailbox)
    return error.value


async def test_events_are_written_quietly(graph: GraphHere) -> None:
    """No reminder, attendees or mail; marker and birth are in from the start, the extension comes later."""
    ref = await create(graph)
    await graph.calendar.tag(ref, BOOKING, SEAL)
    stored = graph.standin.state.user(MAILBOX).events[ref.event_id]
    assert stored.content["isReminderOn"] is False
    assert stored.content["attendees"] == []
    assert list(stored.properties.values()) == [MARKER, BIRTH]
    assert stored.extensions[EXTENSION].values == {EXTENSION_PROPERTY: BOOKING, SEAL_PROPERTY: SEAL}
    assert graph.standin.state.mails == []


async def test_an_update_clears_the_location(graph: GraphHere) -> None:
    """A booking that lost its address loses it in Outlook too."""
    ref = await create(graph)
    await graph.calendar.update(ref, CHANGED)
    location = graph.events(MAILBOX)[0]["location"]
    assert location["displayName"] == ""
    assert "coordinates" not in location


async def test_ids_survive_a_users_move(graph: GraphHere) -> None:
    """Ids are immutable ones on every request, so an event that a user moved is still found by its id."""
    ref = await create(graph)
    mailbox = graph.standin.state.user(MAILBOX)
    graph.standin.state.move(mailbox, mailbox.events[ref.event_id])
    assert await graph.calendar.update(ref, CHANGED)
    assert [each.ref for each in await graph.calendar.find(MAILBOX, MARKER)] == [ref]
    await graph.calendar.delete(ref)
    assert graph.events(MAILBOX) == []


async def test_a_long_list_is_read_to_its_end(graph: GraphHere) -> None:
    """`find` follows Graph's pages to the last."""
    made = await asyncio.gather(*(create(graph) for _ in range(90)))
    found = await graph.calendar.find(MAILBOX, MARKER)
    assert {each.ref for each in found} == set(made)


async def test_half_a_list_is_no_list(graph: GraphHere) -> None:
    """When a later page can't be read, `find` raises instead of giving what it has."""
    await asyncio.gather(*(create(graph) for _ in range(60)))
    graph.standin.faults.add(Fault(path=r"\$skip=", status=503))
    with pytest.raises(TransientError):
        await graph.calendar.find(MAILBOX, MARKER)


async def test_a_copy_is_found_with_its_own_identity(graph: GraphHere) -> None:
    """A user's copy carries marker, birth and tag along, but has an id, an iCalUId and a time of its own."""
    ref = await create(graph, transaction_id="t-1")
    await graph.calendar.tag(ref, BOOKING, SEAL)
    mailbox = graph.standin.state.user(MAILBOX)
    copy = graph.standin.state.copy(mailbox, mailbox.events[ref.event_id])
    first, second = await graph.calendar.find(MAILBOX, MARKER)
    assert (first.ref, second.ref) == (ref, EventRef(MAILBOX, copy.immutable_id))
    assert (first.birth, second.birth) == (BIRTH, BIRTH)
    assert [await graph.calendar.read_tag(each.ref) for each in (first, second)] == [SEAL, SEAL]
    assert first.uid != second.uid
    assert first.created is not None
    assert second.created is not None
    assert first.created < second.created


async def test_a_tag_is_written_over_at_the_price_of_one_more_request(graph: GraphHere) -> None:
    """A tag that is there costs the refused POST and a PATCH, and what others keep in it stays."""
    ref = await create(graph)
    await graph.calendar.tag(ref, BOOKING, SEAL)
    values = graph.standin.state.user(MAILBOX).events[ref.event_id].extensions[EXTENSION].values
    values["note"] = "kept"
    before = len(graph.batches)
    assert await graph.calendar.tag(ref, BOOKING, OTHER_SEAL)
    methods = [item["method"] for batch in graph.batches[before:] for item in batch.items]
    assert methods == ["POST", "PATCH"]
    stored = graph.standin.state.user(MAILBOX).events[ref.event_id].extensions[EXTENSION].values
    assert stored == {EXTENSION_PROPERTY: BOOKING, SEAL_PROPERTY: OTHER_SEAL, "note": "kept"}


async def test_a_tag_that_vanishes_meanwhile_is_tried_again(graph: GraphHere) -> None:
    """Graph says that the extension is there, and then that it is not: no success is told."""
    ref = await create(graph)
    await graph.calendar.tag(ref, BOOKING, SEAL)
    mailbox = graph.standin.state.user(MAILBOX)
    graph.standin.faults.add(
        Fault(
            path="/extensions", method="POST", status=409, body={"error": {"code": "ErrorItemAlreadyExists"}}
        )
    )
    del mailbox.events[ref.event_id].extensions[EXTENSION]
    assert not await graph.calendar.tag(ref, BOOKING, OTHER_SEAL)


@pytest.mark.parametrize(
    "body",
    [{}, {"bookingSyncSeal": None}, {"bookingSyncSeal": 7}, {"bookingSyncSeal": ["2."]}, [], "text", None],
)
async def test_a_tag_that_is_no_text_is_none(graph: GraphHere, body: object) -> None:
    """Whatever somebody's software put into the extension, it proves nothing and breaks nothing."""
    ref = await create(graph)
    graph.standin.faults.add(Fault(path="/extensions", method="GET", status=200, body=body))
    assert await graph.calendar.read_tag(ref) == ""


@pytest.mark.parametrize("code", ["ErrorItemNotFound", "ResourceNotFound", "ExtensionNotFound"])
async def test_a_missing_tag_is_empty_whatever_its_code(graph: GraphHere, code: str) -> None:
    """How Graph says that an event has no such extension is not documented."""
    ref = await create(graph)
    fault = Fault(path="/extensions", method="GET", status=404, body={"error": {"code": code}})
    graph.standin.faults.add(fault)
    assert await graph.calendar.read_tag(ref) == ""


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (404, "UnknownError"),
        (404, "MailboxNotEnabledForRESTAPI"),
        (403, "x"),
        (429, "x"),
        (500, ""),
        (503, ""),
    ],
)
async def test_a_tag_that_can_t_be_read_is_not_taken_for_none(
    graph: GraphHere, status: int, code: str
) -> None:
    """Trouble is told: an event whose tag was not seen must not be judged without it."""
    ref = await create(graph)
    body = {"error": {"code": code}}
    graph.standin.faults.add(Fault(path="/extensions", method="GET", status=status, body=body))
    with pytest.raises(SyncError):
        await graph.calendar.read_tag(ref)


@pytest.mark.parametrize("status", [400, 409])
@pytest.mark.parametrize("named", [True, False])
async def test_an_earlier_creation_is_told(graph: GraphHere, status: int, named: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """A used transaction id gives the first event's id where Graph names it, at the price of one request."""
    graph.configure(duplicate_status=status, duplicate_names_existing=named)
    ref = await create(graph, transaction_id="t-1")
    again = await graph.calendar.create(MAILBOX, CHANGED, marker=MARKER, transaction_id="t-1", birth=BIRTH)
    assert again == AlreadyCreated(ref.event_id if named else None)
    assert len(graph.batches) == 2


async def test_an_earlier_creation_may_be_gone(graph: GraphHere) -> None:
    """When Graph remembers the transaction of a deleted event and does not name it, there is no id."""
    graph.configure(duplicate_names_existing=False, deleted_transactions="remembered")
    ref = await create(graph, transaction_id="t-1")
    await graph.calendar.delete(ref)
    again = await graph.calendar.create(MAILBOX, CHANGED, marker=MARKER, transaction_id="t-1", birth=BIRTH)
    assert again == AlreadyCreated(None)


@pytest.mark.parametrize("code", ["ErrorInvalidUser", "Request_ResourceNotFound"])
@pytest.mark.parametrize("mailbox", [MISSING_MAILBOX, "0a6c0000-0000-4000-8000-00000000beef"])
async def test_without_a_mailbox_nothing_is_written(graph: GraphHere, mailbox: str, code: str) -> None:
    """A person without mailbox, or none at all, is a permanent error; a deletion there is done already."""
    graph.configure(unknown_user_code=code)
    event = EventRef(mailbox, "AAMk=")
    with pytest.raises(PermanentError, match=re.escape(errors.NO_MAILBOX_REASON)):
        await create(graph, mailbox)
    with pytest.raises(PermanentError, match=re.escape(errors.NO_MAILBOX_REASON)):
        await graph.calendar.update(event, CONTENT)
    with pytest.raises(PermanentError, match=re.escape(errors.NO_MAILBOX_REASON)):
        await graph.calendar.find(mailbox, MARKER)
    await graph.calendar.delete(event)


async def test_what_graph_refuses_is_told(graph: GraphHere) -> None:
    """A zone that Exchange does not know is a permanent error with Graph's own words."""
    odd = type(CONTENT.start)("2026-03-02T09:00:00", "Mars/Olympus")
    content = type(CONTENT)("s", "b", odd, odd, "busy")
    with pytest.raises(PermanentError, match=r"^Outlook: .*TimeZoneNotSupportedException"):
        await graph.calendar.create(MAILBOX, content, marker=MARKER, transaction_id=new_id(), birth=BIRTH)


@pytest.mark.parametrize("status", [429, 503, 504])
async def test_nothing_is_tried_twice(graph: GraphHere, status: int) -> None:
    """The SDK's retries are off: a refused batch is one request on the wire."""
    graph.standin.faults.add(Fault(path=BATCH, times=-1, status=status))
    error = await fail_to_create(graph)
    assert error.maybe_applied is (status != 429)
    assert len(graph.batches) == 1


async def test_a_redirect_is_not_followed(graph: GraphHere) -> None:
    """A redirected batch is not sent elsewhere, neither as it is nor as a GET."""
    graph.standin.faults.add(Fault(path=BATCH, status=302, headers={"Location": f"{graph.url}/v1.0/x"}))
    assert (await fail_to_create(graph)).maybe_applied
    assert len(graph.batches) == 1


@pytest.mark.parametrize("challenge", ["Bearer", 'Bearer error="insufficient_claims", claims="e30="'])
async def test_a_token_refused_for_good_costs_two_requests(graph: GraphHere, challenge: str) -> None:
    """After a renewal in vain the caller is told; no challenge makes the SDK call again by itself."""
    fault = Fault(path=BATCH, times=-1, status=401, headers={"WWW-Authenticate": challenge})
    graph.standin.faults.add(fault)
    assert not (await fail_to_create(graph)).maybe_applied
    assert (len(graph.batches), graph.credential.renewals) == (2, 1)


async def test_an_expired_token_is_renewed(graph: GraphHere) -> None:
    """A token that Graph refuses is replaced, and the caller notices nothing."""
    graph.credential.bad_tokens = 1
    await create(graph)
    assert (len(graph.batches), graph.credential.renewals) == (2, 1)


async def test_an_item_refused_for_its_token_goes_again(graph: GraphHere) -> None:
    """A 401 of one item is repeated with a fresh token, and makes no second event of the others."""
    graph.standin.faults.add(Fault(path=ITEM, method="POST", status=401))
    await asyncio.gather(*(create(graph) for _ in range(5)))
    assert len(graph.events(MAILBOX)) == 5
    assert [len(each.items) for each in graph.batches] == [5, 1]


async def test_tokens_are_asked_for_this_service(graph: GraphHere) -> None:
    """The scope is the service's own URL with `/.default`."""
    await create(graph)
    assert set(graph.credential.scopes) == {(f"{graph.url}/.default",)}


async def test_a_throttled_mailbox_is_left_alone(graph: GraphHere) -> None:
    """Retry-After closes one mailbox: later items for it fail unsent, those of another go through."""
    graph.standin.limits.throttle(MAILBOX, 30)
    first = await fail_to_create(graph)
    later, _ = await asyncio.gather(fail_to_create(graph), create(graph, OTHER_MAILBOX))
    assert 0 < (later.retry_after or 0) <= (first.retry_after or 0) <= 30
    assert not later.maybe_applied
    assert [[item["status"] for item in batch.items] for batch in graph.batches] == [[429], [201]]


async def test_a_throttled_app_sends_nothing(graph: GraphHere) -> None:
    """An outer 429 with a time keeps every mailbox's items from being sent until it is over."""
    graph.standin.faults.add(Fault(path=BATCH, status=429, headers={"Retry-After": "20.5"}))
    assert (await fail_to_create(graph)).retry_after == 20.5
    later = await fail_to_create(graph, OTHER_MAILBOX)
    assert 0 < (later.retry_after or 0) <= 20.5
    assert len(graph.batches) == 1


async def test_a_lost_answer_leaves_doubt(graph: GraphHere) -> None:
    """When the connection breaks after the events were made, the error says so, and a replay finds them."""
    graph.standin.faults.add(Fault(path=BATCH, when="after", drop=True))
    with pytest.raises(TransientError) as error:
        await create(graph, transaction_id="t-1")
    assert error.value.maybe_applied
    ref = await create(graph, transaction_id="t-1")
    assert [event["id"] for event in graph.events(MAILBOX)] == [ref.event_id]


async def test_a_lying_503_leaves_doubt(graph: GraphHere) -> None:
    """An item's 503 after the event was made is in doubt."""
    fault = Fault(path=ITEM, when="after", status=503, body={"error": {"code": "ConcurrentItemSave"}})
    graph.standin.faults.add(fault)
    assert (await fail_to_create(graph)).maybe_applied
    assert len(graph.events(MAILBOX)) == 1


async def test_a_service_out_of_reach_leaves_no_doubt(graph: GraphHere) -> None:
    """Where nothing listens nothing was sent."""
    calendar = open_calendar("https://localhost:9", graph.credential, EXTENSION, now)
    with pytest.raises(TransientError) as error:
        await calendar.create(MAILBOX, CONTENT, marker=MARKER, transaction_id=new_id(), birth=BIRTH)
    await calendar.aclose()
    assert not error.value.maybe_applied


async def test_an_untrusted_certificate_is_refused(graph: GraphHere, monkeypatch: pytest.MonkeyPatch) -> None:
    """TLS is verified: to a server of an unknown authority nothing is sent, least of all a token."""
    monkeypatch.delenv("SSL_CERT_FILE")
    calendar = open_calendar(graph.url, graph.credential, EXTENSION, now)
    with pytest.raises(TransientError) as error:
        await calendar.find(MAILBOX, MARKER)
    await calendar.aclose()
    assert not error.value.maybe_applied
    assert graph.batches == []


async def test_logs_name_no_person_and_no_secret(graph: GraphHere, caplog: pytest.LogCaptureFixture) -> None:
    """At DEBUG a batch's id and status are logged, and nothing of content, mailbox or token."""
    caplog.set_level("DEBUG", logger="booking_sync")
    await create(graph)
    graph.credential.bad_tokens = 5
    await fail_to_create(graph)
    own = [each.getMessage() for each in caplog.records if each.name.startswith("booking_sync")]
    assert graph.batches[0].headers["client-request-id"] in own[0]
    assert not [line for line in own if CONTENT.subject in line or MAILBOX in line or "Bearer" in line]


async def test_without_a_name_the_seal_is_a_property(graph: GraphHere) -> None:
    """Without extension name the seal is a property, which comes with every search and is not read apart."""
    graph.configure(deleted_items="gone")
    calendar = open_calendar(graph.url, graph.credential, "", now)
    ref = await create(graph)
    assert await calendar.tag(ref, BOOKING, SEAL)
    assert await calendar.tag(ref, BOOKING, OTHER_SEAL)
    stored = graph.standin.state.user(MAILBOX).events[ref.event_id]
    assert (list(stored.properties.values()), stored.extensions) == ([MARKER, BIRTH, OTHER_SEAL], {})
    assert [each.tag for each in await calendar.find(MAILBOX, MARKER)] == [OTHER_SEAL]
    requests = len(graph.batches)
    assert await calendar.read_tag(ref) == ""
    assert len(graph.batches) == requests
    await graph.calendar.delete(ref)
    assert not await calendar.tag(ref, BOOKING, SEAL)
    await calendar.aclose()


async def test_a_thousand_creations_are_never_throttled(graph: GraphHere) -> None:
    """1,000 creations for 50 mailboxes take some 50 batches and meet no limit while items take their time."""
    graph.configure(item_seconds=0.001)
    mailboxes = [f"0a6c0000-0000-4000-8000-0000000001{number:02}" for number in range(50)]
    for mailbox in mailboxes:
        graph.standin.state.add_mailbox(mailbox)
    made = await asyncio.gather(*(create(graph, mailboxes[number % 50]) for number in range(1000)))
    assert len(set(made)) == 1000
    assert {item["status"] for batch in graph.batches for item in batch.items} == {201}
    assert graph.standin.limits.concurrency_rejections == 0
    assert 50 <= len(graph.batches) <= 55
