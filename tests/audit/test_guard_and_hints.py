"""How many repairs are believed, and what becomes of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from booking_sync.audit.findings import Finding, Kind
from booking_sync.audit.guard import ALWAYS_ALLOWED, GuardDecision, Listed, count_guarded, split, weigh
from booking_sync.audit.hints import HINTS_PER_SECOND, make_hints
from booking_sync.domain.messages.change import decode_change, encode_change
from tests.support.bookings import ANNA, BERT, BOOKING_ID

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def some(kind: Kind, count: int, start: int = 0) -> list[Finding]:
    """Findings of one kind, each about a booking of its own."""
    return [Finding(kind, "words", f"booking-{start + number}", ANNA, "E") for number in range(count)]


@dataclass(frozen=True)
class Verdict(GuardDecision):
    """What becomes of all findings of an audit."""

    alarms: tuple[Finding, ...]


def judge(findings: list[Finding], listed: Listed, max_ratio: float) -> Verdict:
    """The guard's verdict where all is known at once."""
    stopped, alarms = weigh(count_guarded(findings), listed, max_ratio)
    decision = split(findings, stopped)
    return Verdict(decision.repairs, decision.withheld, alarms)


def test_whoever_was_taken_out_loses_their_events_without_force() -> None:
    """Somebody said so on the resource, which a bad read can't."""
    assert not judge(some(Kind.LEFT, 500), Listed(500, 500, 500), 0.2).withheld


@pytest.mark.parametrize(
    ("count", "events", "withheld"),
    [(10, 10, 0), (11, 50, 11), (11, 55, 0), (20, 100, 0), (21, 100, 21), (200, 1000, 0), (201, 1000, 201)],
)
@pytest.mark.parametrize("kind", [Kind.ORPHAN, Kind.DUPLICATE])
def test_removals_beyond_the_ratio_wait(kind: Kind, count: int, events: int, withheld: int) -> None:
    """More than ten removals, and more than a fifth of what was listed, are too many to be true."""
    verdict = judge(some(kind, count), Listed(100, events, events), 0.2)
    assert (len(verdict.withheld), len(verdict.repairs)) == (withheld, count - withheld)
    assert [alarm.kind for alarm in verdict.alarms] == [Kind.GUARD] * bool(withheld)


def test_orphans_and_duplicates_are_counted_together() -> None:
    """Both take events out of calendars."""
    found = [*some(Kind.ORPHAN, 6), *some(Kind.DUPLICATE, 6, start=6)]
    assert len(judge(found, Listed(50, 50, 50), 0.2).withheld) == 12


def test_other_repairs_go_on() -> None:
    """A withheld removal does not keep a drifted event of another booking from being mended."""
    found = [*some(Kind.ORPHAN, 11), *some(Kind.DRIFT, 3, start=100)]
    verdict = judge(found, Listed(50, 50, 50), 0.2)
    assert {each.kind for each in verdict.repairs} == {Kind.DRIFT}


def test_a_booking_with_a_withheld_finding_gets_no_hint() -> None:
    """A hint is about the whole booking, so its other findings wait as well."""
    found = [*some(Kind.DUPLICATE, 11), *some(Kind.DRIFT, 1)]
    assert judge(found, Listed(50, 50, 50), 0.2).repairs == ()


def test_missing_events_beyond_the_ratio_wait() -> None:
    """The guard works both ways: a listing that leaves out what it should hold is not believed either."""
    found = [*some(Kind.MISSING, 30), *some(Kind.ORPHAN, 1, start=50)]
    verdict = judge(found, Listed(100, 70, 100), 0.2)
    assert {each.kind for each in verdict.repairs} == {Kind.ORPHAN}
    assert len(verdict.alarms) == 1


def test_without_any_row_nothing_is_repaired() -> None:
    """Calendars with events and no row at all: then it is the rows that can't be seen."""
    verdict = judge([*some(Kind.ORPHAN, 1), *some(Kind.BEHIND, 1)], Listed(0, 1, 0), 0.2)
    assert verdict.repairs == ()
    assert len(verdict.alarms) == 1


def test_an_empty_office_is_fine() -> None:
    """No rows, no events: nothing to say."""
    assert judge([], Listed(0, 0, 0), 0.2).alarms == ()


def test_only_what_a_hint_would_take_away_or_make_anew_is_counted() -> None:
    """Neither what is harmless to repair, nor what nobody can."""
    stuck = replace(some(Kind.ORPHAN, 1)[0], retry=False)
    assert not stuck.repairable
    found = [*some(Kind.ORPHAN, 2), *some(Kind.MISSING, 3), *some(Kind.DRIFT, 4), stuck]
    assert count_guarded(found) == {Kind.ORPHAN: 2, Kind.MISSING: 3}


def test_what_is_not_ours_is_no_repair() -> None:
    """Whatever is believed, a copy stays."""
    found = [*some(Kind.ORPHAN, 30), *some(Kind.COPY, 5)]
    assert {each.kind for each in split(found, frozenset()).repairs} == {Kind.ORPHAN}


@pytest.mark.parametrize(
    ("kind", "doubts", "suspects"),
    [
        (Kind.ORPHAN, 1, {ANNA}),
        (Kind.DUPLICATE, 1, {ANNA}),
        (Kind.UNRECORDED, 1, {ANNA}),
        (Kind.MISSING, 1, {ANNA}),
        (Kind.DRIFT, 1, set()),
        (Kind.FAILING, 1, set()),
        (Kind.BEHIND, 0, set()),
    ],
)
def test_a_hint_says_what_the_worker_must_not_believe(kind: Kind, doubts: int, suspects: set[str]) -> None:
    """What no row names or shows nowhere costs a search, what the record hides costs distrust."""
    ((change, delay),) = make_hints([Finding(kind, "words", BOOKING_ID, ANNA)], "audit-1", NOW)
    assert (change.uncertain, set(change.suspects), delay) == (bool(doubts), suspects, 0)
    assert decode_change(encode_change(change)) == change
    assert not change.deleted


def test_one_hint_per_booking() -> None:
    """Several findings about one booking travel together."""
    found = [
        Finding(Kind.ORPHAN, "words", BOOKING_ID, ANNA),
        Finding(Kind.ORPHAN, "words", BOOKING_ID, BERT),
        Finding(Kind.BEHIND, "words", BOOKING_ID),
    ]
    ((change, _),) = make_hints(found, "audit-1", NOW)
    assert change.uncertain
    assert change.suspects == {ANNA, BERT}


def test_thousands_of_hints_are_spread() -> None:
    """Ordinary changes find room between them, the most urgent go first, and age counts from the delivery."""
    found = [*some(Kind.ORPHAN, 500), *some(Kind.MISSING, 500, start=500)]
    hints = list(make_hints(found, "audit-1", NOW))
    delays = [delay for _, delay in hints]
    assert delays == sorted(delays)
    assert max(delays) == pytest.approx(999 / HINTS_PER_SECOND)
    assert hints[0][0].booking_id == "booking-500"
    assert all(change.first_seen == NOW + timedelta(seconds=delay) for change, delay in hints)


def test_the_small_number_is_small() -> None:
    """What is believed without a ratio must stay what a person could undo by hand."""
    assert ALWAYS_ALLOWED == 10
