"""`Retry-After` as every service's answers are read: bounded, in each form, and nonsense is nothing."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_sync.plumbing.http.retry_after import LONGEST_SECONDS, read_retry_after

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)

TABLE: list[tuple[str | None, float | None]] = [
    (None, None),
    ("", None),
    ("  ", None),
    ("0", 0.0),
    ("7", 7.0),
    (" 7 ", 7.0),
    ("2.128", 2.128),
    ("007", 7.0),
    ("3600", LONGEST_SECONDS),
    ("86400", LONGEST_SECONDS),
    ("99999999", LONGEST_SECONDS),
    ("9" * 400, LONGEST_SECONDS),
    ("9" * 400 + ".5", LONGEST_SECONDS),
    ("9" * 100_000, LONGEST_SECONDS),
    ("-1", None),
    ("-0", None),
    ("+7", None),
    ("7s", None),
    ("7,5", None),
    ("7.", None),
    (".5", None),
    ("1_0", None),
    ("1e5", None),
    ("0x10", None),
    ("nan", None),
    ("inf", None),
    ("-inf", None),
    ("Infinity", None),
    ("\u0661\u0662", None),
    ("\uff17", None),
    ("\u00b2", None),
    ("7, 7", None),
    ("soon", None),
    (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
    (format_datetime(NOW - timedelta(seconds=90), usegmt=True), 0.0),
    (format_datetime(NOW + timedelta(days=90), usegmt=True), LONGEST_SECONDS),
    ("Monday, 02-Mar-26 08:00:30 GMT", 30.0),
    ("Mon Mar  2 08:00:30 2026", 30.0),
    ("Mon, 02 Mar 2026 08:00:30 -0000", 30.0),
    ("Mon, 02 Mar 2026 09:00:30 +0100", 30.0),
    ("Mon, 02 Mar 2026 09:00:30 +9999999999", None),
    ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_SECONDS),
    ("Fri, 31 Dec 9999 23:59:59 -1200", LONGEST_SECONDS),
    ("Sat, 01 Jan 10000 00:00:00 GMT", LONGEST_SECONDS),
    ("Sat, 01 Jan 99999999999999 00:00:00 GMT", LONGEST_SECONDS),
    ("Sat, 01 Jan 0001 00:00:00 GMT", 0.0),
    ("Sat, 01 Jan 0000 00:00:00 GMT", 0.0),
    ("Sat, 32 Jan 2026 00:00:00 GMT", None),
    ("Sat, 01 Jan 2026 25:00:00 GMT", None),
    ("2026-03-02T08:00:30Z", None),
    ("Mon, 02 Mar \u0662\u0660\u0662\u0666 08:00:30 GMT", None),
    ("Mon, 02 Mar 2026 08:00:30 " + "9" * 5000, None),
]


@pytest.mark.parametrize(("text", "seconds"), TABLE, ids=[repr(text)[:40] for text, _ in TABLE])
def test_every_form_is_read_within_bounds(text: str | None, seconds: float | None) -> None:
    """Whole and fractional seconds and HTTP dates are understood, however far away; the rest is nothing."""
    assert read_retry_after(text, NOW) == seconds


DATES = st.from_regex(
    r"\A(Mon|Sat)?,? ?[0-9-]{0,4}[ -](Jan|Feb|XYZ|)[ -][0-9]{0,20} ?[0-9:.]{0,12} ?([A-Z+-]?[0-9:A-Z]{0,8})\Z"
)


@given(st.text(max_size=80) | DATES)
def test_no_header_leads_out_of_bounds(text: str) -> None:
    """Whatever the header says, the wait is a finite number from zero to the longest, or none."""
    seconds = read_retry_after(text, NOW)
    assert seconds is None or (math.isfinite(seconds) and 0 <= seconds <= LONGEST_SECONDS)
