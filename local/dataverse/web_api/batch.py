"""$batch: reading and writing multipart/mixed as strictly as OData describes it.

Lines end with CRLF and an empty line ends each head. Microsoft documents at most 1,000 parts and part URLs of
up to 64 KB.
"""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import unquote

from local.dataverse.errors import bad_request, not_implemented
from local.dataverse.tables.payload import API_PATH

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from local.dataverse.calls import Answer

MAX_PARTS = 1000
MAX_PART_URL = 65_536

_BOUNDARY = re.compile(r'multipart/mixed\s*;\s*boundary=(?:"([^"]+)"|([^\s;"]+))\s*', re.IGNORECASE)
_REQUEST_LINE = re.compile(r"(GET|POST|PATCH|DELETE|PUT) (\S+) HTTP/1\.1")
_LONE_LF = re.compile(rb"(?<!\r)\n")


@dataclass(frozen=True)
class Part:
    """One operation of a batch."""

    method: str
    path: str
    """Decoded, relative to the service root."""
    raw_query: str
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes

    @property
    def log_path(self) -> str:
        """The path from the host on, with the query: what fault rules and the request log see."""
        return API_PATH + self.path + (f"?{self.raw_query}" if self.raw_query else "")


def read_batch(content_type: str, body: bytes, base_url: str) -> list[Part]:
    """The parts in order.

    Args:
        content_type: the request's header, which names the boundary.
        body: as received.
        base_url: own `https://host:port`; absolute part URLs must begin with it.

    Raises:
        DataverseError: 400 when the format is broken anywhere, 501 for change sets.
    """
    match = _BOUNDARY.fullmatch(content_type)
    if match is None:
        raise bad_request(
            f"The content type '{content_type}' of a batch must be multipart/mixed;boundary=..."
        )
    pieces = _split(body, (match[1] or match[2]).encode())
    if len(pieces) > MAX_PARTS:
        raise bad_request(f"A batch may hold {MAX_PARTS} requests at most; this one holds {len(pieces)}.")
    return [_part(piece, base_url) for piece in pieces]


def _split(body: bytes, boundary: bytes) -> list[bytes]:
    delimiter = b"\r\n--" + boundary
    sections = (b"\r\n" + body).split(delimiter)
    if sections[0].strip() or len(sections) < 2:
        raise bad_request("The batch does not begin with its boundary on a line of its own (CRLF).")
    *sections, last = sections[1:]
    if last.rstrip(b"\r\n") != b"--":
        raise bad_request("The batch does not end with its closing boundary (CRLF before it, -- after it).")
    for section in sections:
        if not section.startswith(b"\r\n"):
            raise bad_request("A boundary line of the batch does not end with CRLF.")
    if not sections:
        raise bad_request("The batch holds no request.")
    return [section.removeprefix(b"\r\n") for section in sections]


def _part(section: bytes, base_url: str) -> Part:
    envelope, content = _head(section, "part")
    fields = _fields(envelope)
    kind = fields.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/mixed":
        raise not_implemented("change sets in a batch")
    if kind != "application/http":
        raise bad_request(f"A batch part has the content type '{kind}' instead of application/http.")
    if fields.get("content-transfer-encoding", "").lower() != "binary":
        raise bad_request("A batch part lacks 'Content-Transfer-Encoding: binary'.")
    head, body = _head(content, "request in a part")
    first, *lines = head
    line = _REQUEST_LINE.fullmatch(first)
    if line is None:
        raise bad_request(f"A batch part begins with '{first[:80]}' instead of a request line.")
    path, raw_query = _target(line[2], base_url)
    return Part(line[1], path, raw_query, _fields(lines), body)


def _head(section: bytes, what: str) -> tuple[list[str], bytes]:
    head, blank, rest = section.partition(b"\r\n\r\n")
    if not blank:
        raise bad_request(f"The head of a {what} does not end with an empty line (CRLF CRLF).")
    if _LONE_LF.search(head):
        raise bad_request(f"The head of a {what} has lines that do not end with CRLF.")
    return head.decode("utf-8", "replace").split("\r\n"), rest


def _fields(lines: Iterable[str]) -> dict[str, str]:
    fields = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise bad_request(f"'{line[:80]}' in a batch part is no header line.")
        fields[name.lower()] = value.strip()
    return fields


def _target(url: str, base_url: str) -> tuple[str, str]:
    if len(url) > MAX_PART_URL:
        raise bad_request(f"The URL of a batch part is longer than {MAX_PART_URL} characters.")
    relative = url.removeprefix(base_url) if url.startswith(base_url + "/") else url
    if relative.startswith("/"):
        if not relative.startswith(API_PATH):
            raise bad_request(f"A batch part's address does not begin with {API_PATH}.")
        relative = relative.removeprefix(API_PATH)
    if "://" in relative.partition("?")[0]:
        raise bad_request("A batch part is addressed to another host.")
    path, _mark, raw_query = relative.partition("?")
    return unquote(path), raw_query


def write_batch(answers: Iterable[Answer], boundary: str = "") -> tuple[str, bytes]:
    """The content type and the body that answer a batch, parts in order.

    Args:
        answers: of its parts.
        boundary: between them; empty for one of its own, as the service makes them.
    """
    boundary = boundary or f"batchresponse_{uuid.uuid4()}"
    pieces = [f"--{boundary}\r\n{_answer(answer)}\r\n" for answer in answers]
    return f"multipart/mixed; boundary={boundary}", "".join([*pieces, f"--{boundary}--\r\n"]).encode()


def _answer(answer: Answer) -> str:
    headers = dict(answer.headers)
    body = ""
    if answer.body is not None:
        headers["Content-Type"] = "application/json; odata.metadata=minimal"
        body = json.dumps(answer.body)
    headers["OData-Version"] = "4.0"
    lines = [
        "Content-Type: application/http",
        "Content-Transfer-Encoding: binary",
        "",
        f"HTTP/1.1 {answer.status} {_phrase(answer.status)}",
        *(f"{name}: {value}" for name, value in headers.items()),
        "",
        body,
    ]
    return "\r\n".join(lines)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
