"""Answers of Key Vault, Entra and Storage without bounds, and bytes that nobody can read."""

from __future__ import annotations

import gc
import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from booking_sync.azure.connections import MAX_ANSWER_BYTES, MAX_PAGES
from booking_sync.errors import SyncError, TransientError
from booking_sync.plumbing.log import quiet_libraries
from local.stack.certificates import Certificates
from tests.azure.storage.operations import OPERATIONS
from tests.support.raw_server import RawServer, http, raw_server

# The SDK forgets the connection of a download whose first answer it can't read; garbage collection closes it,
# here and now.
pytestmark = [
    pytest.mark.usefixtures("library_levels"),
    pytest.mark.filterwarnings("ignore:Unclosed connection:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
JSON, XML = b"Content-Type: application/json", b"Content-Type: application/xml"
ROOM = b" " * MAX_ANSWER_BYTES
"""Allowed behind a JSON value, behind an XML document's root, and in a text."""
TOKEN = b'{"token_type":"Bearer","expires_in":3599,"ext_expires_in":3599,"access_token":"e.y.J"}'
SECRET = b'{"id":"https://localhost/secrets/s/1","value":"k","attributes":{"enabled":true}}'
SENT = (
    b"<QueueMessagesList><QueueMessage><MessageId>5</MessageId><PopReceipt>r</PopReceipt></QueueMessage>"
    b"</QueueMessagesList>"
)
WHOLE = {
    "token": (TOKEN, JSON, b"200 OK"),
    "secret": (SECRET, JSON, b"200 OK"),
    "send": (SENT, XML, b"201 Created"),
    "get_text": (b"text", b"Content-Range: bytes 0-3/4", b"206 Partial Content"),
}
"""For each service an operation, and an answer that it is content with, however much room is behind it."""


@pytest_asyncio.fixture
async def server(certificates: Certificates) -> AsyncIterator[tuple[RawServer, str]]:
    """A server that answers as a test likes; the libraries log what the app lets them."""
    quiet_libraries()
    async with raw_server(certificates) as found:
        yield found
    gc.collect()


async def told(name: str, url: str) -> Any:
    """What an operation gives, or the error of ours that it raises."""
    try:
        return await OPERATIONS[name](url)
    except SyncError as error:
        return error


@pytest.mark.parametrize("name", WHOLE)
async def test_too_much_is_not_kept(server: tuple[RawServer, str], name: str) -> None:
    """A good answer with more behind it than anybody meant is given up, with a length or without."""
    script, url = server
    body, kind, status = WHOLE[name]
    chunk = b"%x\r\n" % len(ROOM) + ROOM + b"\r\n0\r\n\r\n"
    for answer in (
        http(body + ROOM, kind, status=status),
        b"HTTP/1.1 " + status + b"\r\nTransfer-Encoding: chunked\r\n" + kind + b"\r\n\r\n"
        b"%x\r\n" % (len(body) + 1) + body + b" \r\n" + chunk,
    ):
        script.chunks = (answer,)
        assert isinstance(await told(name, url), TransientError)
    script.chunks = (http(body + ROOM[: MAX_ANSWER_BYTES // 2], kind, status=status),)
    assert not isinstance(await told(name, url), SyncError)


@pytest.mark.parametrize("name", WHOLE)
async def test_what_is_packed_was_not_asked_for(server: tuple[RawServer, str], name: str) -> None:
    """An answer that grows when it is unpacked is refused, however small it would be."""
    script, url = server
    body, kind, status = WHOLE[name]
    script.chunks = (http(gzip.compress(body), b"Content-Encoding: gzip", kind, status=status),)
    assert isinstance(await told(name, url), TransientError)


@pytest.mark.parametrize("name", ["seal_keys", "newest_texts", "drop_texts"])
async def test_a_list_that_does_not_end_is_given_up(server: tuple[RawServer, str], name: str) -> None:
    """A page that names itself as the next one is asked for a number of times that is known, and no more."""
    script, url = server
    nobody = json.dumps({"value": [], "nextLink": f"{url}/secrets/s/versions?api-version=7.5"}).encode()
    blobs = (
        b"<EnumerationResults ContainerName='c'><Blobs/><NextMarker>again</NextMarker></EnumerationResults>"
    )
    script.chunks = (http(nobody, JSON) if name == "seal_keys" else http(blobs, XML),)
    error = await told(name, url)
    assert isinstance(error, TransientError)
    assert "does not end" in error.reason
    assert len(script.requests) <= MAX_PAGES + 2


async def test_a_token_in_an_answer_that_can_t_be_read_is_not_logged(
    server: tuple[RawServer, str], caplog: pytest.LogCaptureFixture
) -> None:
    """azure-identity quotes such answers in its warnings, and in what it raises."""
    script, url = server
    broken = b'{"token_type":"Bearer","expires_in":3599,"access_token":"eyJhbGciOiJub25lIn0.secret"}x'
    script.chunks = (http(broken, b"Content-Type: application/json"),)
    error = await told("token", url)
    assert isinstance(error, TransientError)
    assert "no_token" in caplog.text
    assert "secret" not in caplog.text + error.reason


@pytest.mark.parametrize(
    "answer",
    [
        b"hello\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: \xff\xfe\x80\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Type: \xff; charset=\xfe\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 503 Busy\r\nRetry-After: " + b"9" * 400 + b"\r\nContent-Length: 0\r\n\r\n",
        http(b"[" * 100_000, b"Content-Type: application/json"),
        http(b'{"value":' * 100_000, b"Content-Type: application/json"),
        http(b"<a>" * 100_000, b"Content-Type: application/xml"),
        http(b"[" * 100_000, b"Content-Type: application/json", status=b"400 Bad Request"),
        http(b"<a>" * 100_000, b"Content-Type: application/xml", status=b"403 Forbidden"),
        http(b"\xff\xfe\x00", b"Content-Type: application/json"),
        http(b"\xff\xfe\x00", b"Content-Type: application/xml; charset=utf-7"),
        http(b"<html>Bad Gateway</html>", b"Content-Type: text/html", status=b"404 Not Found"),
        http(b"<html>Bad Gateway</html>", b"Content-Type: text/html", status=b"401 Unauthorized"),
        http(b"{}", b"Date: Sat, 01 Jan 99999999999999 00:00:00 GMT", b"Content-Type: application/json"),
    ],
    ids=lambda answer: repr(answer[:40]) + str(len(answer)),
)
@pytest.mark.parametrize("name", OPERATIONS)
async def test_bytes_that_nobody_can_read_are_one_kind_of_error(
    server: tuple[RawServer, str], name: str, answer: bytes
) -> None:
    """Whatever the bytes are, an error of ours or a result comes out, with a short reason."""
    script, url = server
    script.chunks = (answer,)
    found = await told(name, url)
    assert not isinstance(found, SyncError) or len(found.reason) < 300
