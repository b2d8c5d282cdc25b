"""Answers of Entra, Key Vault and Storage under fire: two kinds of error and no others."""

from __future__ import annotations

import asyncio
import gc
import json
import re
from collections.abc import Iterator
from functools import partial
from random import Random
from typing import Any

import pytest

from booking_sync.errors import SyncError
from booking_sync.plumbing.log import quiet_libraries
from local.stack.certificates import Certificates
from tests.azure.conftest import SECRET_NAME
from tests.azure.storage.operations import OPERATIONS
from tests.hostile.services import answers
from tests.support.raw_server import RawServer, http, raw_server

LANES = 16
"""Operations at a time, each with a server of its own: most of their time they wait for a second try."""
VERSION = "0123456789abcdef0123456789abcdef"
TOKEN = {"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": "e.y.J"}
ATTRIBUTES = {"enabled": True, "created": 1772438400, "updated": 1772438400, "exp": 1803974400}
REFUSED = {"error": "invalid_client", "error_description": "AADSTS7000215: no", "error_codes": [7000215]}
DENIED = {"error": {"code": "Forbidden", "message": "no", "innererror": {"code": "ForbiddenByRbac"}}}
DAY = "Mon, 02 Mar 2026 08:00:00 GMT"
MESSAGE = (
    f"<QueueMessage><MessageId>5e6f7a8b</MessageId><InsertionTime>{DAY}</InsertionTime><ExpirationTime>{DAY}"
    f"</ExpirationTime><PopReceipt>r</PopReceipt><TimeNextVisible>{DAY}</TimeNextVisible>"
    "<DequeueCount>1</DequeueCount><MessageText>e30=</MessageText></QueueMessage>"
)
MESSAGES = f"<?xml version='1.0' encoding='utf-8'?><QueueMessagesList>{MESSAGE * 2}</QueueMessagesList>"
BLOB = (
    f"<Blob><Name>n1</Name><Properties><Last-Modified>{DAY}</Last-Modified>"
    "<Content-Length>4</Content-Length><BlobType>BlockBlob</BlobType></Properties></Blob>"
)
BLOBS = (
    "<?xml version='1.0' encoding='utf-8'?><EnumerationResults ContainerName='c'>"
    f"<Blobs>{BLOB * 2}</Blobs><NextMarker/></EnumerationResults>"
)
XML = {"content-type": "application/xml", "x-ms-version": "2026-02-06", "x-ms-request-id": "1"}
DATES = {"last-modified": DAY, "etag": '"0x8D"', "date": DAY}
RANGE = {"content-type": "text/plain", "content-range": "bytes 0-3/4", **DATES}
ELEMENT = re.compile(r"<(?P<name>\w+)(?: [^>]*)?>.*?</(?P=name)>")
ODD_TEXTS = (
    *("", "0", "-1", "9" * 400, "nan", "true", "never", "x" * 70_000, "\u202e", "..", "e30", "again"),
    *("Sat, 01 Jan 99999999999999 00:00:00 GMT", "Mon, 01 Jan 0001 00:00:00 +2359", "BlockBlob"),
)
SPOILED_HEADERS = [
    ("retry-after", "9" * 400),
    ("retry-after", "Sat, 01 Jan 99999999999999 00:00:00 GMT"),
    ("content-range", "bytes x-y/z"),
    ("content-type", "application/json; charset=nowhere"),
    ("date", "Sat, 01 Jan 99999999999999 00:00:00 GMT"),
    ("last-modified", "never"),
    ("x-ms-approximate-messages-count", "many"),
    ("x-ms-error-code", "ServerBusy"),
    ("www-authenticate", 'Bearer authorization="https://evil.example", resource="https://evil.example"'),
    ("location", "https://evil.example/"),
]


def real(line: str, url: str) -> tuple[int, dict[str, str], Any]:
    """What the services answer to a request's first line: status, headers, and a JSON value or a text."""
    method, path, _ = line.split(" ")
    if path.startswith("/a/"):
        return _storage(method, path)
    secret = {"id": f"{url}/secrets/{SECRET_NAME}/{VERSION}", "attributes": ATTRIBUTES}
    body: Any = {**secret, "value": "k" * 64}
    if "/oauth2/" in path:
        body = TOKEN
    elif "/versions" in path:
        body = {"value": [secret], "nextLink": None}
    return 200, {"content-type": "application/json", **DATES}, body


def _storage(method: str, path: str) -> tuple[int, dict[str, str], str]:
    if "comp=list" in path:
        return 200, XML, BLOBS
    if "/messages" in path and method != "DELETE":
        return (201 if method == "POST" else 200), XML, MESSAGES
    if method == "GET" and "comp=metadata" in path:
        return 200, {**XML, "x-ms-approximate-messages-count": "7"}, ""
    if method == "GET":
        return 206, RANGE, "text"
    return {"PUT": 201, "DELETE": 204}.get(method, 200), {**XML, **DATES}, ""


def _respoken(document: str, random: Random) -> str:
    """A document with elements emptied, retyped, doubled or gone."""
    for _ in range(random.choice((0, 1, 1, 2, 4))):
        places = list(ELEMENT.finditer(document))
        if not places:
            return document
        found = random.choice(places)
        name = found["name"]
        odd = random.choice(ODD_TEXTS)
        changed = random.choice(
            ("", found[0] * 2, f"<{name}/>", f"<{name}>{odd}</{name}>", f"<{name}><x>{odd}</x></{name}>")
        )
        document = document[: found.start()] + changed + document[found.end() :]
    return document


def spoiled(line: str, url: str, random: Random) -> bytes:
    """The services' answer, with something wrong about it."""
    status, headers, body = real(line, url)
    if random.random() < 0.2:
        body = random.choice((REFUSED, DENIED))
        status = random.choice((400, 401, 403, 404, 429, 500))
    if isinstance(body, str):
        content = answers.text_bytes(_respoken(body, random).encode(), random)
    else:
        content = answers.text(answers.mutated(body, random), random)
    if random.random() < 0.2:
        status = random.choice([each for each in answers.STATUSES if 200 <= each <= 599])
    headers = dict(headers)
    for _ in range(random.randrange(3)):
        name, value = random.choice(SPOILED_HEADERS)
        headers[name] = value
    if random.random() < 0.2:
        headers.pop(random.choice(sorted(headers)))
    return http(
        content, *(f"{name}: {value}".encode() for name, value in headers.items()), status=b"%d x" % status
    )


@pytest.mark.filterwarnings("ignore:Unclosed connection:ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.timeout(0 if answers.is_soak() else 300)
@pytest.mark.usefixtures("library_levels")
async def test_no_answer_of_azures_breaks_an_adapter(certificates: Certificates) -> None:
    """Whatever Entra, Key Vault and Storage say, an error of ours or a result comes out, in time."""
    quiet_libraries()
    async with raw_server(certificates) as (server, url):
        for name, operation in OPERATIONS.items():
            server.respond = partial(whole, url)
            assert not isinstance(await told(operation(url)), SyncError), name
    numbers = iter(answers.rounds(0.04))
    async with asyncio.TaskGroup() as group:
        lanes = [group.create_task(try_answers(certificates, numbers)) for _ in range(LANES)]
    answers.tell(f"{sum(lane.result() for lane in lanes)} calls ended by their time limit")
    gc.collect()


async def try_answers(certificates: Certificates, numbers: Iterator[int]) -> int:
    """Operations with the spoiled answers of these numbers; how many were given up for their time."""
    late = 0
    async with raw_server(certificates) as (server, url):
        for number in numbers:
            late += await try_answer(number, server, url)
            server.requests.clear()
    return late


async def try_answer(number: int, server: RawServer, url: str) -> bool:
    """One operation, to which every answer is spoiled; whether it was given up for its time."""
    random = Random(f"azure {number}")  # noqa: S311 - no secret
    name = random.choice(list(OPERATIONS))
    given: list[bytes] = []

    def respond(line: str) -> bytes:
        given.append(spoiled(line, url, random))
        return given[-1]

    server.respond = respond
    try:
        result = await asyncio.wait_for(told(OPERATIONS[name](url)), answers.patience())
        assert not isinstance(result, SyncError) or len(result.reason) < 400
        return isinstance(result, SyncError) and "in time" in result.reason
    except Exception as error:
        raise AssertionError(f"{name} {number}: {type(error).__name__} by {given!r:.3000}") from error


async def told(call: Any) -> Any:
    """What a call gives, or the error of ours that it raises; any other error is the test's failure."""
    try:
        return await call
    except SyncError as error:
        return error


def whole(url: str, line: str) -> bytes:
    """The services' answer as it is."""
    status, headers, body = real(line, url)
    content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return http(
        content, *(f"{name}: {each}".encode() for name, each in headers.items()), status=b"%d x" % status
    )
