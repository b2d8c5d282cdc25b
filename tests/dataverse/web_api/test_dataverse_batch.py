"""Multipart bodies: what we compose can be read back, and no broken answer passes for a good one."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_sync.dataverse.web_api.batch import MalformedBatchError, Part, compose, content_type, parse
from booking_sync.dataverse.web_api.reply import Reply
from local.dataverse.web_api.batch import read_batch

BOUNDARY = "batch_0c6a7a3e"
ORIGIN = "https://localhost:1"
API = "/api/data/v9.2/"

header_values = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=30)
bodies = st.binary(max_size=200).filter(lambda body: b"batch" not in body)
parts = st.builds(
    Part,
    st.sampled_from(["PATCH", "GET", "DELETE"]),
    st.integers(0, 10**6).map(lambda number: f"{API}things({number})"),
    st.fixed_dictionaries({"If-Match": header_values}),
    bodies,
)
replies = st.builds(
    Reply,
    st.integers(100, 599),
    st.fixed_dictionaries({"odata-entityid": header_values}),
    bodies,
)


def answer(pieces: list[Reply], boundary: str = BOUNDARY) -> bytes:
    """A batch's answer, laid out as Dataverse does."""
    sections = []
    for piece in pieces:
        head = [
            f"--{boundary}",
            "Content-Type: application/http",
            "Content-Transfer-Encoding: binary",
            "",
            f"HTTP/1.1 {piece.status} Whatever",
            *(f"{name}: {value}" for name, value in piece.headers.items()),
            "",
            "",
        ]
        sections.append("\r\n".join(head).encode() + piece.body + b"\r\n")
    return b"".join([*sections, f"--{boundary}--\r\n".encode()])


@given(st.lists(parts, min_size=1, max_size=5))
def test_composed_requests_read_back(given_parts: list[Part]) -> None:
    """A strict reader finds in the body exactly the requests put into it, in their order."""
    found = read_batch(content_type(BOUNDARY), compose(given_parts, BOUNDARY), ORIGIN)
    assert [(part.method, API + part.path, part.body) for part in found] == [
        (part.method, part.path, part.body) for part in given_parts
    ]
    assert [part.headers["if-match"] for part in found] == [part.headers["If-Match"] for part in given_parts]


@given(st.lists(replies, min_size=1, max_size=5))
def test_answers_read_back(given_replies: list[Reply]) -> None:
    """Statuses, headers and bodies (any bytes) come out as they went in, in their order."""
    assert parse(content_type(BOUNDARY), answer(given_replies)) == given_replies


@given(st.lists(replies, min_size=1, max_size=3), st.data())
def test_answers_cut_short_are_refused(given_replies: list[Reply], data: st.DataObject) -> None:
    """An answer that ends before its closing boundary is malformed, wherever the cut is."""
    whole = answer(given_replies)
    cut = data.draw(st.integers(0, len(whole) - len("--\r\n") - 1))
    with pytest.raises(MalformedBatchError):
        parse(content_type(BOUNDARY), whole[:cut])


@pytest.mark.parametrize(
    ("header", "body"),
    [
        ("", answer([Reply(204, {}, b"")])),
        ("application/json", b"{}"),
        ("text/html", b"<html>"),
        ("multipart/mixed", answer([Reply(204, {}, b"")])),
        ("multipart/mixed; boundary=other", answer([Reply(204, {}, b"")])),
        ("multipart/mixed; boundary=b", b"--b\r\n\r\n" + b"x" * 2_200_000 + b"\r\n--b--"),
    ],
    ids=lambda each: repr(each[:60]),
)
def test_refuses_what_is_no_batch_answer(header: str, body: bytes) -> None:
    """Anything but a complete multipart of a bounded length is malformed."""
    with pytest.raises(MalformedBatchError):
        parse(header, body)


def nested(depth: int) -> bytes:
    """Multiparts in multiparts."""
    inner = b"x"
    for level in range(depth):
        boundary = f"n{level}".encode()
        inner = (
            b"Content-Type: multipart/mixed; boundary=" + boundary + b"\r\n\r\n--" + boundary + b"\r\n"
            b"" + inner + b"\r\n--" + boundary + b"--\r\n"
        )
    return inner


@pytest.mark.parametrize(
    "part",
    [
        b"Content-Type: text/plain\r\n\r\nHTTP/1.1 204 x\r\n\r\n",
        b"Content-Type: application/http\r\n\r\nhello",
        b"Content-Type: application/http\r\n\r\n",
        b"",
        b"Content-Type: application/http\r\n\r\nHTTP/1.1 2 x\r\n\r\n",
        b"Content-Type: application/http\r\n\r\nHTTP/9.9 204 x\r\n\r\n",
        b"Content-Type: application/http\r\n\r\nHTTP/1.1 204 x\r\n" + b"a: b\r\n" * 200 + b"\r\n",
        b"Content-Type: application/http\r\n\r\nHTTP/1.1 204 x\r\na: " + b"b" * 70_000 + b"\r\n\r\n",
        nested(1),
        nested(20),
    ],
    ids=lambda part: repr(part[:60]) + str(len(part)),
)
def test_a_part_that_is_no_answer_does_no_harm_to_its_neighbours(part: bytes) -> None:
    """In its place is nothing; the answers before and behind it come out as they are."""
    fine = Reply(204, {"odata-entityid": "x"}, b"")
    whole = answer([fine, fine])
    delimiter = f"--{BOUNDARY}\r\n".encode()
    first, second = whole.split(delimiter)[1:]
    body = b"".join([delimiter, first, delimiter, part, b"\r\n", delimiter, second])
    assert parse(content_type(BOUNDARY), body) == [fine, None, fine]


def test_parts_in_parts_without_end_are_malformed() -> None:
    """Nesting that no library can follow is no answer, and no other error."""
    body = f"--{BOUNDARY}\r\n".encode() + nested(3000) + f"\r\n--{BOUNDARY}--\r\n".encode()
    with pytest.raises(MalformedBatchError):
        parse(content_type(BOUNDARY), body)


def test_keeps_error_bodies_readable() -> None:
    """The JSON of a part that failed survives, whatever its script."""
    body = json.dumps({"error": {"message": "Zürich, 東京"}}, ensure_ascii=False).encode()
    (reply,) = parse(content_type(BOUNDARY), answer([Reply(404, {"content-type": "application/json"}, body)]))
    assert reply is not None
    assert json.loads(reply.body) == json.loads(body)


@pytest.mark.parametrize(
    "part",
    [
        Part("PATCH", "/a\r\nX: y"),
        Part("PATCH", "/a", {"If-Match": 'W/"1"\r\nX: y'}),
        Part("PATCH", "/ä"),
        Part("PATCH", "/a", {}, f"--{BOUNDARY}".encode()),
    ],
)
def test_refuses_parts_that_break_the_framing(part: Part) -> None:
    """No value can smuggle in a header, a part or an end."""
    with pytest.raises(ValueError, match=r"ASCII|boundary"):
        compose([part], BOUNDARY)
