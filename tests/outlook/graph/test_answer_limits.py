"""Answers of Graph without bounds: in size, in pages, in bytes and shapes that nobody can read."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import httpx
import pytest

from booking_sync.errors import PermanentError, SyncError, TransientError
from booking_sync.outlook.bodies import MARKER_PROPERTY
from booking_sync.outlook.calendar import OutlookCalendar, open_calendar
from booking_sync.outlook.graph.client import GraphClient
from booking_sync.outlook.graph.wire import Answer, GraphRequest
from booking_sync.outlook.pages import MAX_PAGES
from booking_sync.plumbing.circuit import FAILURES_TO_OPEN, Circuit
from booking_sync.plumbing.http.bounded_body import MAX_BYTES
from local.stack.certificates import Certificates
from tests.outlook.kit import BOOKING, EXTENSION, MAILBOX, MARKER, OTHER_MAILBOX, LocalCredential, now
from tests.outlook.test_verdicts import OPERATIONS
from tests.support.raw_server import RawServer, http, raw_server


@pytest.fixture
async def wild(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[RawServer, OutlookCalendar]]:
    """A calendar on a server that answers as it likes."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))
    async with raw_server(certificates) as (server, url):
        circuit = Circuit("Graph", lambda: 0.0, lambda: 1.0)
        calendar = open_calendar(url, LocalCredential(b"k" * 32), "x", now, circuit=circuit)
        yield server, calendar
        await calendar.aclose()


@pytest.mark.parametrize(
    "answer",
    [
        http(gzip.compress(bytes(MAX_BYTES + 1)), b"Content-Encoding: gzip"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        + (b"100000\r\n" + b"x" * 2**20 + b"\r\n") * 33,
        http(b" " * (MAX_BYTES + 1)),
    ],
    ids=["a bomb", "chunks", "plain"],
)
async def test_too_much_is_not_kept(wild: tuple[RawServer, OutlookCalendar], answer: bytes) -> None:
    """Neither a bomb nor a body without end fills the memory; a service that sends them is there, though."""
    server, calendar = wild
    server.chunks = (answer,)
    for _ in range(FAILURES_TO_OPEN + 1):
        with pytest.raises(TransientError, match="BodyTooLargeError") as caught:
            await calendar.find(MAILBOX, MARKER)
        assert not caught.value.untried


@pytest.mark.parametrize(
    "answer",
    [
        b"hello\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: \xff\xfe\x80\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Type: \xff; charset=\xfe\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 1000 + b"Content-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\nContent-Length: 2\r\n\r\n{}",
        http(b"[" * 100_000),
        http(b'{"responses":' * 100_000),
        http(b'{"responses":[{"id":"0","status":' + b"9" * 100_000 + b"}]}"),
        http(b'{"responses":[{"id":"0","status":200,"body":{"value":NaN}}]}'),
        http(b"[" * 100_000, status=b"400 Bad Request"),
        http(b"\xff\xfe\x00"),
    ],
    ids=lambda answer: repr(answer[:40]) + str(len(answer)),
)
async def test_bytes_that_nobody_can_read_are_passing_trouble(
    wild: tuple[RawServer, OutlookCalendar], answer: bytes
) -> None:
    """Whatever the bytes are, one kind of error comes out, with a short reason."""
    server, calendar = wild
    server.chunks = (answer,)
    with pytest.raises(TransientError) as caught:
        await calendar.find(MAILBOX, MARKER)
    assert len(caught.value.reason) < 200


async def test_a_list_that_nobody_can_take_in_spoils_no_other() -> None:
    """Lists that are too much together are asked for in halves, until the large one stands alone."""

    def reply(request: httpx.Request) -> httpx.Response:
        items = json.loads(request.content)["requests"]
        if any(OTHER_MAILBOX in item["url"] for item in items):
            return httpx.Response(200, content=b" " * (MAX_BYTES + 1))
        entries = [{"id": item["id"], "status": 200, "body": {"value": []}} for item in items]
        return httpx.Response(200, json={"responses": entries})

    transport = httpx.MockTransport(reply)
    calendar = open_calendar("https://localhost:1", LocalCredential(b"k" * 32), "x", now, transport=transport)
    small, large = await asyncio.gather(
        calendar.find(MAILBOX, MARKER), calendar.find(OTHER_MAILBOX, MARKER), return_exceptions=True
    )
    await calendar.aclose()
    assert small == []
    assert isinstance(large, TransientError)
    assert "BodyTooLargeError" in large.reason


ENTRY: dict[str, Any] = {
    "id": "AAMkAGI2",
    "start": {"dateTime": "2026-03-02T09:00:00.0000000", "timeZone": "UTC"},
    "end": {"dateTime": "2026-03-02T10:00:00.0000000", "timeZone": "UTC"},
    "singleValueExtendedProperties": [{"id": MARKER_PROPERTY, "value": MARKER}],
    "categories": ["Field Service"],
    "location": {"displayName": "Main Street 1"},
}
LINK = "https://localhost:1/v1.0/users/x/events?$skip=50"
LISTS = [name for name in OPERATIONS if name.startswith("list")] + ["find"]
WRONG = [5, -1.5, True, "text", [], [[]], [5], {}, {"a": 1}, [None], [{}]]


class Pages:
    """Answers each request by its number, and the last answer for ever; fulfils the calendar's `Batches`."""

    def __init__(self, page: Callable[[int], Any]) -> None:
        self._page = page
        self.asked = 0

    async def submit(self, _request: GraphRequest) -> Answer:
        """The next page."""
        self.asked += 1
        return Answer(200, {}, self._page(self.asked))

    def closed(self) -> Mapping[str, float]:
        """Nobody."""
        return {}

    async def aclose(self) -> None:
        """Nothing is under way."""


@pytest.fixture(scope="module")
def client() -> GraphClient:
    """Builds requests; nothing is sent."""
    return GraphClient("https://localhost:1", LocalCredential(b""))


async def run(client: GraphClient, name: str, page: Callable[[int], Any]) -> tuple[Any, int]:
    """What an operation gives or raises, and how many pages it asked for."""
    pages = Pages(page)
    calendar = OutlookCalendar(client, pages, extension_name=EXTENSION, now=now)
    try:
        return await OPERATIONS[name](calendar), pages.asked
    except SyncError as error:
        return error, pages.asked


@pytest.mark.parametrize("name", LISTS)
async def test_a_link_that_is_none_is_no_end_of_the_list(client: GraphClient, name: str) -> None:
    """Half a list must not pass for a whole one."""
    for link in ["", *(wrong for wrong in WRONG if not isinstance(wrong, str))]:
        error, _ = await run(client, name, lambda _number, link=link: {"value": [], "@odata.nextLink": link})  # type: ignore[misc]
        assert isinstance(error, TransientError), link


@pytest.mark.parametrize("name", LISTS)
async def test_pages_that_never_end_are_given_up(client: GraphClient, name: str) -> None:
    """A circle, a page that comes again under a new address, and addresses without end."""
    error, asked = await run(client, name, lambda _number: {"value": [], "@odata.nextLink": LINK})
    assert (type(error), asked) == (TransientError, 2)
    error, asked = await run(
        client, name, lambda number: {"value": [ENTRY], "@odata.nextLink": f"{LINK}{number}"}
    )
    assert (type(error), asked) == (TransientError, 2)
    error, asked = await run(client, name, lambda number: {"value": [], "@odata.nextLink": f"{LINK}{number}"})
    assert (type(error), asked) == (TransientError, MAX_PAGES)


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/v1.0/users/x/events",
        "http://localhost:1/v1.0/users/x/events",
        "https://localhost:2/v1.0/users/x/events",
        "https://localhost:1/beta/users/x/events",
        "//evil.example/v1.0/",
        "https://[/",
        "events?$skip=50",
    ],
)
@pytest.mark.parametrize("name", LISTS)
async def test_a_link_that_leads_elsewhere_is_not_followed(client: GraphClient, name: str, link: str) -> None:
    """Our token goes to Graph only."""
    error, asked = await run(client, name, lambda _number: {"value": [], "@odata.nextLink": link})
    assert (type(error), asked) == (TransientError, 1)


@pytest.mark.parametrize("name", LISTS)
async def test_a_page_that_is_none_is_not_an_empty_one(client: GraphClient, name: str) -> None:
    """Nothing is missing from a calendar because its page can't be read."""
    for body in (None, *WRONG, {"value": None}, {"value": {}}, {"value": 5}, {"value": "x"}):
        error, _ = await run(client, name, lambda _number, body=body: body)  # type: ignore[misc]
        assert isinstance(error, TransientError), body


@pytest.mark.parametrize("name", ["list_marked", "list_all_marked"])
@pytest.mark.parametrize("field", ["id", "start", "end", "categories", "location", "subject", "showAs"])
async def test_a_field_of_another_type_makes_the_list_unreadable(
    client: GraphClient, name: str, field: str
) -> None:
    """An event that can't be compared must not be taken for another one, nor end the audit."""
    for wrong in WRONG:
        found, _ = await run(client, name, lambda _number, wrong=wrong: {"value": [{**ENTRY, field: wrong}]})  # type: ignore[misc]
        if isinstance(found, list):  # some of these are what the field may be
            assert isinstance(wrong, str | list | dict), wrong
        else:
            assert isinstance(found, TransientError), wrong


@pytest.mark.parametrize("wrong", [5, True, "text", [[]], [5], {}, {"a": 1}])
async def test_categories_of_another_type_are_no_categories(client: GraphClient, wrong: Any) -> None:
    """The case that ended whole audits."""
    found, _ = await run(client, "list_marked", lambda _number: {"value": [{**ENTRY, "categories": wrong}]})
    assert isinstance(found, TransientError)


@pytest.mark.parametrize("name", LISTS)
async def test_an_event_on_two_pages_is_one_event(client: GraphClient, name: str) -> None:
    """It slid to the next page while they were read; twice, it would be its own duplicate, and be removed."""

    def entry(event_id: str, **others: Any) -> dict[str, Any]:
        return {**ENTRY, "id": event_id, "extensions": [{"id": BOOKING}], **others}

    def page(number: int) -> Any:
        if number == 1:
            return {"value": [entry("A"), entry("B")], "@odata.nextLink": LINK}
        return {"value": [entry("B", subject="moved"), entry("C")]}

    found, _ = await run(client, name, page)
    refs = [each.event.ref if name == "list_extended" else each.ref for each in found]
    assert [each.event_id for each in refs] == ["A", "B", "C"]


async def test_events_without_end_that_carry_one_mark_are_not_all_looked_at(client: GraphClient) -> None:
    """Anybody can fill a calendar with them, and each would cost a request; no booking ever has as many."""

    def page(number: int) -> Any:
        entries = [{**ENTRY, "id": f"A{number}-{each}"} for each in range(50)]
        return {"value": entries, "@odata.nextLink": f"{LINK}{number}"}

    found, asked = await run(client, "find", page)
    assert isinstance(found, PermanentError)
    assert "more than 100 events carry the mark of one booking" in found.reason
    assert asked == 3


@pytest.mark.parametrize("name", LISTS)
async def test_ids_that_differ_in_case_or_in_two_signs_are_different_events(
    client: GraphClient, name: str
) -> None:
    """Outlook's ids are case-sensitive, and `-` and `_` are two letters of them."""
    ids = ["AAMkAGI2-x", "aamkagi2-x", "AAMkAGI2_x", "AAMkAGI2-X"]
    page = {"value": [{**ENTRY, "id": each, "extensions": [{"id": BOOKING}]} for each in ids]}
    found, _ = await run(client, name, lambda _number: page)
    refs = [each.event.ref if name == "list_extended" else each.ref for each in found]
    assert [each.event_id for each in refs] == ids
    assert len(set(refs)) == len(ids)
