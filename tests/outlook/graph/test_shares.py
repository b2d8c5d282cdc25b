"""How many items of a batch a mailbox gets, by what Graph refused."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from booking_sync.outlook.graph.shares import BATCHES_TO_GROW, SMALLEST, MailboxShares
from booking_sync.outlook.graph.wire import MAX_BATCH_ITEMS


def test_a_mailbox_that_was_never_refused_may_fill_a_batch() -> None:
    """Batches that pass change nothing about that."""
    shares = MailboxShares()
    shares.note("anna", 20, 0)
    assert shares.most("anna") == MAX_BATCH_ITEMS


def test_a_share_shrinks_at_once_to_what_passed_but_not_below_the_documented_limit() -> None:
    """Of this mailbox alone."""
    shares = MailboxShares()
    shares.note("anna", 20, 8)
    assert (shares.most("anna"), shares.most("bert")) == (12, MAX_BATCH_ITEMS)
    shares.note("anna", 12, 11)
    assert shares.most("anna") == SMALLEST


def test_a_share_grows_by_one_after_many_filled_batches() -> None:
    """Batches that it did not fill prove nothing; a refusal begins the count anew."""
    shares = MailboxShares()
    shares.note("anna", 20, 16)
    for _ in range(BATCHES_TO_GROW - 1):
        shares.note("anna", SMALLEST, 0)
    shares.note("anna", SMALLEST - 1, 0)
    assert shares.most("anna") == SMALLEST
    shares.note("anna", SMALLEST, 0)
    assert shares.most("anna") == SMALLEST + 1
    for _ in range(BATCHES_TO_GROW * MAX_BATCH_ITEMS):
        shares.note("anna", shares.most("anna"), 0)
    assert shares.most("anna") == MAX_BATCH_ITEMS


@given(st.lists(st.tuples(st.integers(1, 20), st.integers(0, 20)), max_size=60))
def test_a_share_stays_between_the_documented_limit_and_a_whole_batch(batches: list[tuple[int, int]]) -> None:
    """Whatever is answered."""
    shares = MailboxShares()
    for items, refused in batches:
        shares.note("anna", items, min(items, refused))
        assert SMALLEST <= shares.most("anna") <= MAX_BATCH_ITEMS
