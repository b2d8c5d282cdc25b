"""The bound: each term by hand, and never above what a brute-force search of tiny cases finds."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from functools import cache

import pytest

from benchmarks.common.bound import (
    HostLimits,
    MailboxWork,
    Work,
    bound,
    host_bound,
    host_in_outlook,
    in_outlook,
    mailbox_time,
    records_time,
)
from benchmarks.common.figures import Latency

LATENCY = Latency(0.02, 0.08)
STEP = 0.02 + 0.08


def creations(count: int, mailboxes: int = 1, *, tags: bool = True) -> Work:
    """So many bookings, spread evenly."""
    each = count // mailboxes
    return Work(count, count, (MailboxWork(each, each if tags else 0),) * mailboxes)


def test_nothing_to_do_takes_no_time() -> None:
    """No change, no time, with or without the host."""
    nothing = Work(0, 0, ())
    assert bound(nothing, LATENCY).seconds == 0
    assert host_bound(nothing, LATENCY, HostLimits(32, 68), 0.02) == 0


def test_events_are_in_outlook_after_a_read_and_the_writes_of_the_busiest_mailbox() -> None:
    """Ten events of one mailbox are three waves; records and extensions come later."""
    least = STEP + 0.02 + 3 * 0.08
    assert in_outlook(creations(100, 10), LATENCY) == pytest.approx(least)
    assert host_in_outlook(creations(100, 10), LATENCY, HostLimits(32, 68), 0.01) == pytest.approx(
        0.01 + least
    )
    assert in_outlook(Work(0, 0, ()), LATENCY) == 0


def test_the_last_fetch_is_followed_by_a_read_and_a_write() -> None:
    """1,000 changes are 32 fetches: with a slow queue they set the least time until all is in Outlook."""
    least = host_in_outlook(creations(1_000, 500), LATENCY, HostLimits(32, 1_968), 0.1)
    assert least == pytest.approx(32 * 0.1 + 2 * STEP)


@pytest.mark.parametrize("tags", [False, True])
def test_one_change_is_a_chain_of_three(tags: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Read, write, record: the extension goes beside the record."""
    least = bound(creations(1, tags=tags), LATENCY)
    assert least.seconds == pytest.approx(3 * STEP)


def test_a_deletion_is_a_chain_of_two() -> None:
    """There is no row to record on."""
    assert bound(Work(1, 0, (MailboxWork(0, unrecorded=1),)), LATENCY).seconds == pytest.approx(2 * STEP)


def test_a_mailbox_works_in_waves_of_four_and_batches_of_twenty() -> None:
    """300 creations with extensions: 600 operations in 150 waves and 30 batches, after the first read."""
    assert mailbox_time(MailboxWork(300, tags=300), LATENCY) == pytest.approx(STEP + 30 * 0.02 + 150 * 0.08)


def test_without_extensions_the_last_write_is_followed_by_its_record() -> None:
    """21 writes: two batches, six waves, and then one record."""
    assert mailbox_time(MailboxWork(21), LATENCY) == pytest.approx(STEP + 2 * 0.02 + 6 * 0.08 + STEP)


def test_dataverse_takes_52_at_a_time() -> None:
    """53 records are two waves."""
    assert records_time(creations(53, 53), LATENCY) == pytest.approx(2 * STEP + 0.02 + 2 * 0.08)


def test_the_greatest_term_is_the_bound_and_named() -> None:
    """Many mailboxes leave Dataverse, few leave the mailbox, one change leaves the round trips."""
    assert bound(creations(1_000, 50), LATENCY).binding == "Dataverse"
    assert bound(creations(300), LATENCY).binding == "mailbox"
    assert bound(creations(1, tags=False), LATENCY).binding in ("round trips", "mailbox")


def test_the_host_adds_a_fetch_and_a_deletion() -> None:
    """One change through the host: both are storage round trips."""
    assert host_bound(creations(1), LATENCY, HostLimits(32, 68), 0.01) == pytest.approx(3 * STEP + 0.02)


def test_the_host_takes_only_so_many_at_a_time() -> None:
    """1,000 changes, 10 in work at a time, each for its chain and its deletion."""
    least = host_bound(creations(1_000, 500), LATENCY, HostLimits(8, 2), 0.01)
    assert least == pytest.approx(1_000 * (3 * STEP + 0.01) / 10 + 0.01)


# --- brute force ------------------------------------------------------------------------------------------


@cache
def fastest_batches(operations: int, largest: int, round_trip: Fraction, service: Fraction) -> Fraction:
    """The best way to cut a mailbox's operations into batches one after the other, by trying all."""
    if not operations:
        return Fraction(0)
    return min(
        round_trip
        + math.ceil(Fraction(size, 4)) * service
        + fastest_batches(operations - size, largest, round_trip, service)
        for size in range(1, min(operations, largest) + 1)
    )


@pytest.mark.parametrize("latency", [(2, 8), (8, 2), (0, 5), (5, 0)])
@pytest.mark.parametrize("operations", [1, 3, 4, 5, 19, 20, 21, 40, 41, 59])
def test_no_way_to_cut_batches_beats_the_mailbox_term(operations: int, latency: tuple[int, int]) -> None:
    """Whatever batches a mailbox's operations are cut into, they take at least what the bound says."""
    round_trip, service = latency
    found = fastest_batches(operations, 20, Fraction(round_trip), Fraction(service))
    step = round_trip + service
    assert mailbox_time(MailboxWork(0, unrecorded=operations), Latency(round_trip, service)) <= step + found


def best_makespan(records: int, places: int, service: int) -> int:
    """Records dealt to requests in every way, parts in order: the shortest longest request."""
    deals = itertools.combinations_with_replacement(range(places), records)
    return min(max(deal.count(place) for place in range(places)) for deal in deals) * service


@pytest.mark.parametrize("records", [1, 2, 3, 4, 5, 6, 7])
def test_no_way_to_deal_records_beats_the_records_term(records: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With three places instead of 52 all deals can be tried."""
    monkeypatch.setattr("benchmarks.common.bound.DATAVERSE_PLACES", 3)
    least = records_time(creations(records), Latency(2, 8))
    assert least == 2 * 10 + 2 + best_makespan(records, 3, 8)
