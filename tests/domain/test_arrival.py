"""Whether changes arrive by webhook, as far as the app can know."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from booking_sync.domain.findings.arrival import MISSED, SILENT, arrival, missed_words, needs_latest
from booking_sync.domain.findings.timers import missed
from booking_sync.domain.timers import TimerRun

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
LOOK_BACK = timedelta(minutes=20)
EARLIER = NOW - timedelta(minutes=5)


def tally(queued: int, latest: datetime | None, former: TimerRun | None = None) -> dict[str, int]:
    """What the run at NOW says."""
    return dict(arrival(queued, latest, former, now=NOW, look_back=LOOK_BACK))


def test_a_run_that_finds_nothing_says_nothing() -> None:
    """Neither after another one that found nothing, nor with no run before."""
    assert tally(0, None) == {}
    assert tally(0, None, TimerRun(EARLIER)) == {}
    assert not needs_latest(0, TimerRun(EARLIER))


@pytest.mark.parametrize("latest", [None, NOW - LOOK_BACK - timedelta(seconds=1)])
def test_missed_changes_without_any_webhook_are_silence(latest: datetime | None) -> None:
    """What was found was changed since, and no change came by webhook meanwhile."""
    assert tally(60, latest) == {MISSED: 60, SILENT: 1}
    words = missed_words(TimerRun(NOW, tally(60, latest)))
    assert words.startswith("No change arrives by webhook: 60 bookings were behind")
    (finding,) = missed(TimerRun(NOW, tally(60, latest)))
    assert (finding.words, "booking-sync doctor" in finding.remedy) == (words, True)


def test_a_single_webhook_that_got_lost_is_no_silence() -> None:
    """Others came."""
    run = TimerRun(NOW, tally(1, NOW - LOOK_BACK))
    assert run.tally == {MISSED: 1, SILENT: 0}
    assert missed_words(run).startswith("1 booking was behind")
    assert "No change arrives" not in missed_words(run)


def test_silence_lasts_until_a_webhook_comes() -> None:
    """A calm time in which nothing changes is no proof that webhooks arrive again."""
    silent = TimerRun(EARLIER, {MISSED: 3, SILENT: 1})
    assert needs_latest(0, silent)
    assert tally(0, None, silent) == {MISSED: 3, SILENT: 1}
    assert tally(2, None, silent) == {MISSED: 5, SILENT: 1}
    assert tally(0, EARLIER, silent) == {}
    assert missed_words(TimerRun(NOW)) == ""
    assert missed_words(None) == ""
