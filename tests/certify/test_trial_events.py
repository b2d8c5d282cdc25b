"""The events that a tenant check makes are told apart from those of every earlier run."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

from booking_sync.certify.trial_events import TrialEvents
from tests.doctor.deployment import no_pause
from tests.support.fakes import FakeCalendar
from tests.support.seals import prover

RUNS, EVENTS = 200, 10
NOW = datetime(2026, 7, 6, 8, 0, tzinfo=UTC)


def test_no_run_takes_a_transaction_id_of_an_earlier_one() -> None:
    """Hundreds of runs in one mailbox never meet a transactionId that Exchange may remember."""
    chance = Random(7).getrandbits  # noqa: S311 - no secret
    calendar = FakeCalendar()
    taken = [
        trial.new().transaction_id
        for trial in (
            TrialEvents(
                calendar,  # type: ignore[arg-type]  # nothing is written
                prover(calendar, "0a0b0c0d-0000-4000-8000-000000000001"),
                "mailbox",
                now=lambda: NOW,
                chance=chance,
                sleep=no_pause,
            )
            for _ in range(RUNS)
        )
        for _ in range(EVENTS)
    ]
    assert len(set(taken)) == RUNS * EVENTS
