"""How long a put-back message waits, over the whole space of what a service may say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_sync.sync.back_off import CAP_SECONDS, SPREAD_SECONDS, BackOff, WaitingMessages

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
LOWEST, HIGHEST = BackOff(lambda: 0.0), BackOff(lambda: 1.0)


@pytest.mark.parametrize("nothing", [None, 0.0])
def test_where_nothing_was_said_delays_double_up_to_a_cap(nothing: float | None) -> None:
    """Half of each is random; a `Retry-After: 0` says nothing either: a refusing service is not hammered."""
    assert [LOWEST.delay(n, nothing) for n in range(3)] == [1.0, 2.0, 4.0]
    assert [HIGHEST.delay(n, nothing) for n in range(3)] == [2.0, 4.0, 8.0]
    assert HIGHEST.delay(1000, nothing) == CAP_SECONDS


@given(
    st.integers(0, 10_000), st.floats(0.001, 3600), st.integers(0, 100_000), st.floats(0, 1, exclude_max=True)
)
def test_what_a_service_asks_for_is_the_delay(attempt: int, asked: float, waiting: int, share: float) -> None:
    """Never less, never more than twice of it and a moment, however often it refused and how many wait."""
    delay = BackOff(lambda: share).delay(attempt, asked, waiting)
    assert asked <= delay <= 2 * asked + SPREAD_SECONDS
    assert delay == BackOff(lambda: share).delay(0, asked, waiting)


def test_many_are_spread_by_how_many_they_are() -> None:
    """A hundred a second come back, so that the service that has just recovered meets no second storm."""
    assert HIGHEST.delay(0, 60.0, 0) == 60.5
    assert HIGHEST.delay(0, 60.0, 500) == 65.5
    assert HIGHEST.delay(0, 2.0, 500) == 4.5


def test_messages_count_while_their_time_has_not_come() -> None:
    """In whatever order they become due."""
    waiting = WaitingMessages()
    for delay in (30.0, 10.0, 20.0):
        waiting.add(NOW, delay)
    assert [waiting.count(NOW + timedelta(seconds=each)) for each in (0, 10, 25, 30)] == [3, 2, 1, 0]
