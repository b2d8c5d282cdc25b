"""JSON from services: whatever it is, a value or a `ValueError`."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_sync.plumbing.json_text import read_json


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"<html>",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b"NaN",
        b"[Infinity]",
        b'{"a":-Infinity}',
        b"9" * 100_000,
        b"\xff\xfe\x00",
        b'"\xff"',
        b"{'a':1}",
        b"{} {}",
    ],
    ids=lambda text: repr(text[:12]),
)
def test_what_is_no_json_is_one_kind_of_error(text: bytes) -> None:
    """Deep nesting, endless numbers, bytes that are no UTF and constants of JavaScript's included."""
    with pytest.raises(ValueError, match=r"."):
        read_json(text)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
def test_json_is_read(value: Any) -> None:
    """What is JSON comes out as it went in."""
    assert read_json(json.dumps(value).encode()) == value


@given(st.binary())
def test_nothing_else_comes_out(text: bytes) -> None:
    """Any bytes: a value, or a `ValueError`."""
    try:
        read_json(text)
    except ValueError:
        return
