"""Bodies are bounded as they come in and as they are unpacked, and nothing but two errors comes out."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_sync.plumbing.http.bounded_body import BodyTooLargeError, BoundedBody, UnreadableBodyError

LIMIT = 1000


def read(chunks: list[bytes], encoding: str = "") -> bytes:
    """The body in these chunks."""
    body = BoundedBody(encoding, LIMIT)
    for chunk in chunks:
        body.feed(chunk)
    return body.whole()


def pieces(packed: bytes, size: int) -> list[bytes]:
    """The bytes as a wire would bring them."""
    return [packed[place : place + size] for place in range(0, len(packed), size)]


@given(st.binary(max_size=LIMIT), st.integers(1, 50), st.sampled_from(["", "identity", "gzip", "GZIP "]))
def test_a_body_comes_out_as_it_went_in(content: bytes, size: int, encoding: str) -> None:
    """Plain or packed, in chunks of any size, up to the bound."""
    packed = gzip.compress(content) if "gzip" in encoding.lower() else content
    assert read(pieces(packed, size), encoding) == content


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_the_bound_is_the_last_size_that_is_taken(encoding: str) -> None:
    """A byte more is too much."""
    content = b"x" * LIMIT
    pack = gzip.compress if encoding else bytes
    assert read([pack(content)], encoding) == content
    with pytest.raises(BodyTooLargeError):
        read([pack(content + b"x")], encoding)


def test_a_bomb_is_never_unpacked() -> None:
    """A gigabyte of zeros in one chunk, or one bomb behind the other, stops at the bound."""
    bomb = gzip.compress(bytes(50_000_000))
    with pytest.raises(BodyTooLargeError):
        read([bomb], "gzip")
    with pytest.raises(BodyTooLargeError):
        read([gzip.compress(b"x" * 400)] * 3, "gzip")


def test_endless_nothings_are_too_much() -> None:
    """Empty members, one behind the other, unpack to nothing for ever."""
    with pytest.raises(BodyTooLargeError):
        read([gzip.compress(b"")] * 1000, "gzip")


def test_members_may_follow_each_other() -> None:
    """Several packed pieces in one body are one body; empty ones count for nothing."""
    packed = gzip.compress(b"a") + gzip.compress(b"") * 20 + gzip.compress(b"b")
    for size in (1, 7, len(packed)):
        assert read(pieces(packed, size), "gzip") == b"ab"


def test_no_body_at_all_is_empty_whatever_it_is_said_to_be_packed_in() -> None:
    """An answer without a body may carry the header all the same."""
    assert read([], "gzip") == b""


@pytest.mark.parametrize("encoding", ["deflate", "br", "zstd", "gzip, gzip", "x"])
def test_what_was_not_asked_for_is_unreadable(encoding: str) -> None:
    """Only gzip is asked for; anything else, be it gzip twice, is not unpacked."""
    with pytest.raises(UnreadableBodyError):
        BoundedBody(encoding)


@pytest.mark.parametrize(
    "packed",
    [b"x", b"<html>", gzip.compress(b"hello")[:-1], gzip.compress(b"hello") + b"x", zlib.compress(b"hello")],
    ids=["a letter", "HTML", "cut short", "with something behind it", "deflate"],
)
def test_damaged_bodies_are_unreadable(packed: bytes) -> None:
    """Neither garbage nor a body that is cut short passes for a whole one."""
    with pytest.raises(UnreadableBodyError):
        read([packed], "gzip")


@given(st.lists(st.binary(max_size=60), max_size=5))
def test_nothing_else_comes_out(chunks: list[bytes]) -> None:
    """Any bytes: a body within the bound, or one of the two errors."""
    try:
        assert len(read(chunks, "gzip")) <= LIMIT
    except (BodyTooLargeError, UnreadableBodyError):
        return
