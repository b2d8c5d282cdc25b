"""The silence that Dataverse asks for."""

from __future__ import annotations

import pytest

from booking_sync.dataverse.web_api.pause import Pause
from booking_sync.dataverse.web_api.reply import Reply
from booking_sync.errors import TransientError
from tests.dataverse.world import FixedClock


def remaining(pause: Pause) -> float | None:
    """Seconds until sending is allowed; None when it is."""
    try:
        pause.check()
    except TransientError as error:
        return error.retry_after
    return None


@pytest.mark.parametrize(("status", "seconds"), [(200, None), (400, None), (429, 10), (500, None), (503, 10)])
def test_only_throttling_begins_a_pause(status: int, seconds: float | None) -> None:
    """A Retry-After of 429 and 503 silences the app; beside any other status it does not."""
    pause = Pause(FixedClock())
    pause.heed(Reply(status, {"retry-after": "10"}, b""))
    assert remaining(pause) == seconds


def test_throttling_without_a_time_begins_no_pause() -> None:
    """Without Retry-After there is nothing to obey."""
    pause = Pause(FixedClock())
    pause.heed(Reply(429, {}, b""))
    assert remaining(pause) is None


def test_late_answer_does_not_cut_a_pause_short() -> None:
    """Of several answers the longest wish holds, in whatever order they come."""
    pause = Pause(FixedClock())
    pause.heed(Reply(429, {"retry-after": "30"}, b""))
    pause.heed(Reply(429, {"retry-after": "5"}, b""))
    assert remaining(pause) == 30


def test_pause_ends() -> None:
    """When its time is over, sending is allowed again, to the second."""
    clock = FixedClock()
    pause = Pause(clock)
    pause.heed(Reply(429, {"retry-after": "30"}, b""))
    clock.advance(29)
    assert remaining(pause) == 1
    clock.advance(1)
    assert remaining(pause) is None
