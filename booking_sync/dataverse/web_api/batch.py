"""Bodies of `$batch`: several requests in one, as multipart/mixed (OData 4.0, part 1, 11.7).

Each part is a whole HTTP message. Answers come in the order of the requests (Dataverse: "Execute batch
operations"), without anything else to match them by.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import compat32
from typing import TYPE_CHECKING

from booking_sync.dataverse.web_api.reply import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from email.message import Message

_CRLF = "\r\n"
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3})\b")
MAX_ANSWER_BYTES = 2 * 1024 * 1024
"""Fifty parts' answers are some ten kilobytes; what reads them needs a second for each ten megabytes."""
_MAX_HEADERS, _MAX_HEADER_BYTES = 100, 65_536
_SAFE = re.compile(r"[\x20-\x7e]*")


class MalformedBatchError(ValueError):
    """An answer that is not the multipart it should be; nothing can be said of any part."""


class _MalformedPartError(ValueError):
    """A part that is no HTTP answer; the others may be."""


@dataclass(frozen=True, slots=True)
class Part:
    """One request of a batch."""

    method: str
    path: str
    """Absolute path on the same host, encoded."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


def content_type(boundary: str) -> str:
    """The header that goes with a composed body."""
    return f"multipart/mixed; boundary={boundary}"


def is_answer(content_type_header: str) -> bool:
    """Whether an answer speaks of the parts, whatever its status: that of the part which ended the batch."""
    return content_type_header.lstrip().lower().startswith("multipart/mixed")


def compose(parts: Sequence[Part], boundary: str) -> bytes:
    """The batch's body.

    Raises:
        ValueError: a part's head would break the framing, or a body contains the boundary.
    """
    delimiter = f"--{boundary}".encode()
    pieces: list[bytes] = []
    for part in parts:
        if delimiter in part.body:
            raise ValueError("the boundary occurs in a part's body")
        pieces += [delimiter, b"\r\n", _head(part).encode("ascii"), part.body, b"\r\n"]
    return b"".join([*pieces, delimiter, b"--\r\n"])


def parse(content_type_header: str, body: bytes) -> list[Reply | None]:
    """The answers in an answer to a batch, in their order; None in the place of one that can't be read.

    Raises:
        MalformedBatchError: not multipart, too long, or cut short.
    """
    if len(body) > MAX_ANSWER_BYTES:
        raise MalformedBatchError("the answer to a batch is too long")
    head = f"Content-Type: {content_type_header}\r\n\r\n".encode("latin-1", "replace")
    try:
        message = BytesParser(policy=compat32).parsebytes(head + body)
    except (ValueError, LookupError, RecursionError):  # parts in parts in parts
        raise MalformedBatchError("the answer to a batch can't be read") from None
    if message.get_content_type() != "multipart/mixed" or not message.is_multipart() or message.defects:
        raise MalformedBatchError("the answer to a batch is not a complete multipart/mixed")
    return [_reply_or_none(part) for part in message.get_payload() if not isinstance(part, str)]


def _head(part: Part) -> str:
    lines = [
        "Content-Type: application/http",
        "Content-Transfer-Encoding: binary",
        "",
        f"{part.method} {part.path} HTTP/1.1",
        *(f"{name}: {value}" for name, value in part.headers.items()),
        "",
        "",
    ]
    if not all(_SAFE.fullmatch(line) for line in lines):
        raise ValueError("a part's head may hold printable ASCII only")
    return _CRLF.join(lines)


def _reply_or_none(part: Message) -> Reply | None:
    try:
        return _reply(part)
    except (ValueError, LookupError):
        return None


def _reply(part: Message) -> Reply:
    payload = part.get_payload(decode=True)
    if part.get_content_type() != "application/http" or not isinstance(payload, bytes):
        raise _MalformedPartError
    stream = io.BytesIO(payload)
    status = _STATUS_LINE.match(stream.readline())
    if status is None:
        raise _MalformedPartError
    return Reply(int(status[1]), _headers(stream), stream.read())


def _headers(stream: io.BytesIO) -> dict[str, str]:
    """The header lines up to the empty one, names in lower case; Python's own parser makes mail of them."""
    headers: dict[str, str] = {}
    for number, line in enumerate(iter(stream.readline, b"")):
        if not line.strip():
            break
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon or number == _MAX_HEADERS or len(line) > _MAX_HEADER_BYTES:
            raise _MalformedPartError
        headers[name.strip().lower()] = value.strip()
    return headers
