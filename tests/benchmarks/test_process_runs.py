"""The benchmarks of one process run, on a small scale: no figure that a clock gives is judged here."""

from __future__ import annotations

from benchmarks.common.figures import Options
from benchmarks.scale import audit_at_scale, backfill, catch_up, near_audit
from benchmarks.speed import cold_start, webhook

QUICK = Options(quick=True, repeats=1)


def test_webhooks_go_through_the_function_and_are_measured() -> None:
    """Every part of the webhook benchmark has its figures."""
    result = webhook.run(QUICK)
    assert [len(table.rows) for table in result.tables] == [4, 3]
    assert len(result.targets) == 3


def test_a_first_booking_is_taken_apart() -> None:
    """The watched machinery still syncs, and the webhook's path stays free of what only the sync needs."""
    result = cold_start.run(QUICK)
    assert result.targets[1].met, result.targets[1].measured
    assert result.tables[-1].rows[-1][0] == "batching in all (linger and windows)"


def test_catch_up_asks_and_queues_no_more_than_it_must() -> None:
    """Requests and messages are exact, whatever the machine."""
    result = catch_up.run(QUICK)
    assert result.targets[0].met, result.targets[0].measured


def test_a_made_up_tenant_is_audited_and_found_in_step() -> None:
    """The services that are made up answer whatever an audit asks, of the whole and of these days."""
    for result in (audit_at_scale.run(QUICK), near_audit.run(QUICK)):
        assert [row[1] for row in result.tables[0].rows] == [1200, 2400]


def test_a_backfill_of_a_made_up_tenant_queues_every_booking() -> None:
    """Pages of 500 bookings, of which sixty and more start at the same moment."""
    result = backfill.run(QUICK)
    assert [row[:3] for row in result.tables[0].rows] == [(60, 1200, 3), (120, 2400, 5)]
