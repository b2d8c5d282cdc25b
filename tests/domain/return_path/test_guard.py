"""When missing events are nobody's wish."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_sync.domain.return_path.guard import MAX_MISSING, MAX_MISSING_RATIO, weigh
from booking_sync.domain.return_path.missing import Missing


@pytest.mark.parametrize(
    ("missing", "expected", "listed", "means"),
    [
        (0, 10, 10, Missing.UNKNOWN),
        (0, 0, 0, Missing.UNKNOWN),
        (3, 3, 1, Missing.CONFIRMED),
        (3, 3, 0, Missing.WITHHELD),
        (4, 10, 6, Missing.WITHHELD),
        (4, 20, 16, Missing.CONFIRMED),
        (60, 300, 240, Missing.CONFIRMED),
        (61, 300, 239, Missing.WITHHELD),
    ],
)
def test_how_many_are_believed(missing: int, expected: int, listed: int, means: Missing) -> None:
    """Three, or a fifth of what should be there; nothing where the calendars show nothing at all."""
    assert weigh(missing, expected=expected, listed=listed) is means


@given(st.integers(1, 5000), st.integers(0, 5000), st.integers(0, 9999))
def test_a_sweep_confirms_its_share_at_most(missing: int, others: int, listed: int) -> None:
    """Whatever happened to a mailbox."""
    if weigh(missing, expected=missing + others, listed=listed) is Missing.CONFIRMED:
        assert listed
        assert missing <= max(MAX_MISSING, MAX_MISSING_RATIO * (missing + others))
