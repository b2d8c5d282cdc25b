"""What counts as a burst, and what as a flood."""

from __future__ import annotations

from booking_sync.plumbing.busy_time import BURST_SECONDS, CALM_SECONDS, BusyTime


def test_the_first_seconds_of_busy_time_are_a_burst() -> None:
    """Whoever has been busy for longer is in a flood, however many requests are under way."""
    busy = BusyTime()
    assert busy.is_burst(100.0)
    busy.begin(100.0)
    busy.begin(101.0)
    assert busy.is_burst(100.0 + BURST_SECONDS - 0.1)
    assert not busy.is_burst(100.0 + BURST_SECONDS)


def test_a_short_break_ends_no_flood() -> None:
    """Requests follow each other with gaps; only after a calm moment the next ones are a burst again."""
    busy = BusyTime()
    busy.begin(0.0)
    busy.end(5.0)
    assert not busy.is_burst(5.0 + CALM_SECONDS - 0.1)
    busy.begin(5.0 + CALM_SECONDS - 0.1)
    busy.end(7.0)
    assert not busy.is_burst(7.0)
    assert busy.is_burst(7.0 + CALM_SECONDS)
    busy.begin(7.0 + CALM_SECONDS)
    assert busy.is_burst(7.0 + CALM_SECONDS)


def test_it_is_busy_until_the_last_request_has_ended() -> None:
    """A request that takes long is no calm."""
    busy = BusyTime()
    busy.begin(0.0)
    busy.begin(0.0)
    busy.end(1.0)
    assert not busy.is_burst(1.0 + BURST_SECONDS + CALM_SECONDS)
