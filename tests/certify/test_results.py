"""What is pure: the moments at which a zone is tried, and what a report says is left to do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from booking_sync.certify.assumptions import ASSUMPTIONS
from booking_sync.certify.checks.rendering import AROUND, moments_to_try
from booking_sync.certify.results import (
    AssumptionResult,
    CertifyReport,
    Comparison,
    NotTried,
    Observation,
)
from booking_sync.domain.events.zones import EventZone, event_zone


def test_moments_around_every_transition() -> None:
    """Before and after each change of the clock for two years, and once a month, in order and in UTC."""
    now = datetime(2026, 11, 26, 8, 20, tzinfo=UTC)
    moments = list(moments_to_try(event_zone("Europe/Berlin"), now))
    for transition in ("2027-03-28T01:00", "2027-10-31T01:00", "2028-03-26T01:00", "2028-10-29T01:00"):
        change = datetime.fromisoformat(transition).replace(tzinfo=UTC)
        assert {change - AROUND, change + AROUND} <= set(moments)
    assert moments == sorted(set(moments))
    assert all(later - earlier <= timedelta(days=30) for earlier, later in pairwise(moments))
    assert moments[0] > now
    assert moments[-1] > now + timedelta(days=700)


def test_a_zone_without_transitions_is_tried_by_the_other_rule_book_too() -> None:
    """Where Exchange's zone changes its clock and ours does not, that moment counts."""
    zone = EventZone("W. Europe Standard Time", UTC, ZoneInfo("Europe/Berlin"))
    change = datetime(2027, 3, 28, 1, tzinfo=UTC)
    assert change + AROUND in set(moments_to_try(zone, datetime(2026, 11, 26, tzinfo=UTC)))


@pytest.mark.parametrize(
    ("finding", "outcome", "nothing_to_do"),
    [
        (Observation("view_expands", "expanded"), Comparison.AS_ASSUMED, True),
        (Observation("view_expands", "refused"), Comparison.OTHERWISE, False),
        (Observation("duplicate_status", "409"), Comparison.OTHERWISE, True),
        (Observation("duplicate_status", "422"), Comparison.UNKNOWN, False),
        (NotTried("view_expands", "no answer"), Comparison.NOT_TRIED, True),
    ],
)
def test_what_is_left_to_do(
    finding: Observation | NotTried,
    outcome: Comparison,
    nothing_to_do: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """An unforeseen answer, or one that asks for something; not one that the app copes with."""
    result = AssumptionResult(ASSUMPTIONS[finding.name], finding)
    report = CertifyReport((result,))
    assert (result.outcome, report.nothing_to_do) == (outcome, nothing_to_do)
    assert report.summary() == f"1 assumptions: 1 {outcome}."
    assert bool(result.means) == (outcome is not Comparison.NOT_TRIED)
