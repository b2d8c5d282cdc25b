"""Answers of Dataverse without bounds: in size, in time, in pages, in bytes that nobody can read."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from booking_sync.dataverse.web_api.client import DataverseClient
from booking_sync.dataverse.web_api.errors import OversizedAnswerError
from booking_sync.dataverse.web_api.transport import Timeouts
from booking_sync.errors import TransientError
from booking_sync.plumbing.circuit import FAILURES_TO_OPEN, Circuit
from booking_sync.plumbing.http.bounded_body import MAX_BYTES
from local.stack.certificates import Certificates
from tests.dataverse.world import FixedClock, LocalCredential, make_rows
from tests.support.bookings import BOOKING_ID
from tests.support.raw_server import RawServer, http, raw_server

OTHER_ID = "b00c0000-0000-4000-8000-000000000002"
TIMEOUTS = Timeouts(connect=5.0, read=30.0, total=30.0)
IMPATIENT = Timeouts(connect=5.0, read=30.0, total=0.6)
WHO = b'{"UserId":"' + BOOKING_ID.encode() + b'","OrganizationId":"' + BOOKING_ID.encode() + b'"}'


class Wild:
    """A client, and the server that it talks to."""

    def __init__(self, server: RawServer, url: str, timeouts: Timeouts) -> None:
        self.server = server
        self.url = url
        credential = LocalCredential()
        credential.audience = url
        circuit = Circuit("Dynamics 365", lambda: 0.0, lambda: 1.0)
        self.client = DataverseClient(
            url, credential, FixedClock(), workers=2, timeouts=timeouts, circuit=circuit
        )
        self.rows = make_rows(self.client)

    async def failure(self) -> TransientError:
        """How a question ends that can't be answered."""
        with pytest.raises(TransientError) as caught:
            await self.client.get("WhoAmI")
        return caught.value


@pytest.fixture
async def wild(certificates: Certificates, trust: None) -> AsyncIterator[Wild]:  # noqa: ARG001 - trust is wanted for its effect
    """A client of a server that answers as it likes."""
    async with raw_server(certificates) as (server, url):
        made = Wild(server, url, TIMEOUTS)
        yield made
        await made.client.aclose()


@pytest.fixture
async def dripping(certificates: Certificates, trust: None) -> AsyncIterator[Wild]:  # noqa: ARG001 - as above
    """A client with little time for a whole answer, and much for each part of it."""
    async with raw_server(certificates) as (server, url):
        made = Wild(server, url, IMPATIENT)
        server.pause, server.repeats = 0.05, 10_000
        yield made
        await made.client.aclose()


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"


@pytest.mark.parametrize(
    "chunks",
    [(HEAD, b"x"), (b"HTTP/1.1 200 OK\r\n", b"X-Long: header\r\n"), (b"HTTP/1.1 2", b"0")],
    ids=["body", "headers", "status line"],
)
async def test_an_answer_that_drips_in_holds_its_place_for_the_total_time_only(
    dripping: Wild, chunks: tuple[bytes, ...]
) -> None:
    """Each byte comes well within the time for the next one; all together they don't."""
    dripping.server.chunks = chunks
    first, second = await asyncio.gather(dripping.failure(), dripping.failure())
    assert "no answer in time" in first.reason
    assert "no answer in time" in second.reason
    dripping.server.chunks, dripping.server.repeats = (http(WHO),), 1
    assert (await dripping.client.who_am_i()).user_id == BOOKING_ID  # both places are free again


async def test_a_write_that_was_answered_too_slowly_is_in_doubt(dripping: Wild) -> None:
    """What the server did with it, nobody can tell."""
    dripping.server.chunks = (HEAD, b"x")
    with pytest.raises(TransientError) as caught:
        await dripping.client.send("PATCH", "x", body=b"{}")
    assert caught.value.maybe_applied


@pytest.mark.parametrize(
    "body",
    [
        http(gzip.compress(bytes(MAX_BYTES + 1)), b"Content-Encoding: gzip"),
        http(gzip.compress(gzip.compress(bytes(200_000_000))), b"Content-Encoding: gzip, gzip"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        + (b"100000\r\n" + b"x" * 2**20 + b"\r\n") * 33,
        http(b" " * (MAX_BYTES + 1)),
    ],
    ids=["a bomb", "a bomb in a bomb", "chunks", "plain"],
)
async def test_too_much_is_not_kept(wild: Wild, body: bytes) -> None:
    """Neither a bomb nor a body without end fills the memory; a service that sends them is there, though."""
    wild.server.chunks = (body,)
    for _ in range(FAILURES_TO_OPEN + 1):
        error = await wild.failure()
        assert isinstance(error, OversizedAnswerError) or b"gzip, gzip" in body
        assert not error.untried or b"gzip, gzip" in body


async def test_rows_that_are_too_much_together_are_asked_for_in_halves(wild: Wild) -> None:
    """A row that nobody can take in fails alone; the bookings beside it are read."""
    small: dict[str, Any] = {"@odata.etag": 'W/"1"', "statecode": 0, "starttime": None}

    def answer(line: str) -> bytes:
        rows = [
            {**small, "bookableresourcebookingid": each, "name": "x" * (MAX_BYTES if each == OTHER_ID else 1)}
            for each in (BOOKING_ID, OTHER_ID)
            if each in line
        ]
        return http(json.dumps({"value": rows}).encode())

    wild.server.respond = answer
    good, bad = await asyncio.gather(
        wild.rows.read(BOOKING_ID), wild.rows.read(OTHER_ID), return_exceptions=True
    )
    assert not isinstance(good, BaseException)
    assert good is not None
    assert good.booking.id == BOOKING_ID
    assert isinstance(bad, OversizedAnswerError)


@pytest.mark.parametrize(
    "answer",
    [
        b"hello\r\n\r\n",
        b"\r\n\r\n",
        b"HTTP/1.1 999 \xff\xff\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: \xff\xfe\x80\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://[\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nSet-Cookie: \xff=\xfe; expires=Thu, 99 Foo 99999\r\nContent-Length: 1\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 1000 + b"Content-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\nContent-Length: 2\r\n\r\n{}",
        http(b"[" * 100_000),
        http(b'{"a":' * 100_000),
        http(b"[" * 100_000, status=b"400 Bad Request"),
        http(b'{"error":' + b"[" * 100_000, status=b"403 Forbidden"),
        http(b'{"UserId":' + b"9" * 100_000 + b"}"),
        http(b'{"UserId":NaN}'),
        http(b"\xff\xfe\x00"),
        http(WHO.replace(b'":"', b'":"\xc2\xb2')),
    ],
    ids=lambda answer: repr(answer[:40]) + str(len(answer)),
)
async def test_bytes_that_nobody_can_read_are_passing_trouble(wild: Wild, answer: bytes) -> None:
    """Whatever the bytes are, one kind of error comes out, with a reason that quotes none of them."""
    wild.server.chunks = (answer,)
    with pytest.raises(TransientError) as caught:
        await wild.client.who_am_i()
    assert caught.value.reason.startswith("Dynamics 365: ")
    assert len(caught.value.reason) < 200
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def page(link: object, row: str = BOOKING_ID) -> bytes:
    """A page with one row."""
    rows = [{"bookableresourcebookingid": row}]
    return http(json.dumps({"value": rows, "@odata.nextLink": link}).encode())


async def test_a_list_that_runs_in_a_circle_ends(wild: Wild) -> None:
    """A link to a page that was read already, or the same page under a new address, is a fault."""
    for link in (f"{wild.url}/api/data/v9.2/x", f"{wild.url}/api/data/v9.2/bookings?$skiptoken=1"):
        wild.server.chunks = (page(link),)
        wild.server.requests.clear()
        with pytest.raises(TransientError, match="incomplete"):
            await wild.client.rows("x")
        assert len(wild.server.requests) <= 3


async def test_a_list_whose_addresses_are_always_new_ends_with_the_first_repeated_page(wild: Wild) -> None:
    """Ten thousand requests would be made for ten thousand addresses of one page."""
    wild.server.respond = lambda _line: page(f"{wild.url}/api/data/v9.2/x?{len(wild.server.requests)}")
    with pytest.raises(TransientError, match="incomplete"):
        await wild.client.rows("x")
    assert len(wild.server.requests) == 2


@pytest.mark.parametrize("link", [{}, [], 7, True, {"href": "x"}, ""])
async def test_a_link_that_is_none_is_no_end_of_the_list(wild: Wild, link: object) -> None:
    """Half a list must not pass for a whole one."""
    wild.server.chunks = (page(link),)
    with pytest.raises(TransientError):
        await wild.client.rows("x")
