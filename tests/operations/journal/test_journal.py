"""What the journal remembers, and what it never holds."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from booking_sync.domain.timers import TimerRun
from booking_sync.operations.journal.values import (
    MAX_ENTRIES,
    ClosedMailbox,
    Entry,
    Journal,
    decode_journal,
    decode_run,
    encode,
    make_entry,
    make_run,
    merge,
)
from tests.operations.kit import START
from tests.support.bookings import ANNA, BOOKING_ID

ENTRY = Entry(START, BOOKING_ID, "failed", "No mailbox.", "correlation-1", 2)
JOURNAL = Journal("one", (ENTRY,), (ClosedMailbox(ANNA, START + timedelta(minutes=1)),))
RUN = TimerRun(START, {"behind": 2}, "Dataverse is down", START - timedelta(minutes=5))


def test_what_a_reason_quotes_is_left_out() -> None:
    """The journal holds our own words only, as the log does, and not too many."""
    entry = make_entry(
        START,
        BOOKING_ID,
        outcome="failed",
        reason="Graph refuses «Anna's flu»: " + "x" * 999,
        correlation_id="c" * 999,
        attempt=0,
    )
    assert "Anna" not in entry.reason
    assert entry.reason.startswith("Graph refuses «…»: x")
    assert len(entry.reason) <= 300
    assert len(entry.correlation_id) <= 100


def test_a_journal_is_read_as_it_was_written() -> None:
    """Nothing gets lost between instances."""
    assert decode_journal(encode(JOURNAL)) == JOURNAL
    assert decode_run(encode(RUN)) == RUN


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{}",
        '{"instance": "x", "entries": 5, "closed": []}',
        '{"instance": "x", "entries": [{"moment": "2026-01-01"}], "closed": []}',
        encode(JOURNAL).replace("+00:00", ""),
        '{"finished": "2026-01-01T00:00:00+00:00", "tally": [], "problem": "", "succeeded": null}',
        '{"finished": 7, "tally": {}, "problem": "", "succeeded": null}',
        "[" * 100_000,
    ],
)
def test_what_is_no_journal_is_passed_over(text: str) -> None:
    """A blob of another version, or of somebody else, costs itself only."""
    assert decode_journal(text) is None
    assert decode_run(text) is None


def test_all_instances_together_show_the_newest_first() -> None:
    """The entries of all are one bounded list, whoever made them."""

    def entries(first: int) -> tuple[Entry, ...]:
        moments = (START + timedelta(seconds=second) for second in range(first, 200, 2))
        return tuple(Entry(moment, BOOKING_ID, "synced", "", "") for moment in reversed(list(moments)))

    merged = merge([Journal("even", entries(0)), Journal("odd", entries(1))], START)
    assert [(entry.moment - START).seconds for entry in merged.entries] == list(range(199, 99, -1))
    assert len(merged.entries) == MAX_ENTRIES


def test_a_mailbox_is_closed_until_the_last_instance_may_ask_it_again() -> None:
    """Pauses that are over are not shown, and the longest of several counts."""

    def closed(instance: str, **minutes: int) -> Journal:
        until = (ClosedMailbox(each, START + timedelta(minutes=span)) for each, span in minutes.items())
        return Journal(instance, (), tuple(until))

    merged = merge([closed("one", anna=1, ben=5, over=0), closed("two", anna=3)], START)
    assert [(each.mailbox, each.until) for each in merged.closed] == [
        ("anna", START + timedelta(minutes=3)),
        ("ben", START + timedelta(minutes=5)),
    ]


def test_a_failed_run_remembers_the_last_good_one() -> None:
    """How long nothing has succeeded is told by the last run, whatever became of it."""
    good = make_run(START, {"rows": 3}, "")
    bad = make_run(START + timedelta(hours=1), {}, "Dataverse is down", good)
    assert (good.succeeded, bad.succeeded, bad.problem) == (START, START, "Dataverse is down")
    assert make_run(START, {}, "down").succeeded is None
    assert json.loads(encode(bad))["tally"] == {}
