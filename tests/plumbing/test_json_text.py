"""JSON from services: whatever it is, a value or a `ValueError`."""

from __future__ import annotations

import json
import math
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
        b"\xff\xfe\x00",
        b'"\xff"',
        b"{'a':1}",
        b"{} {}",
    ],
    ids=lambda text: repr(text[:12]),
)
def test_what_is_no_json_is_one_kind_of_error(text: bytes) -> None:
    """Deep nesting and bytes that are no UTF included."""
    with pytest.raises(ValueError, match=r"."):
        read_json(text)


def test_an_odd_number_spoils_no_other_value() -> None:
    """What no reader takes for a number of its own stands beside values that are fine."""
    read = read_json(b"[1, NaN, -Infinity, " + b"9" * 100_000 + b", -" + b"9" * 100_000 + b', "x"]')
    assert (read[0], read[2:], math.isnan(read[1])) == (1, [-math.inf, math.inf, -math.inf, "x"], True)


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
