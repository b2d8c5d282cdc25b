"""What a row says to a dispatcher: the reason, then whose it is, what to do and when it is tried again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from booking_sync.domain.environment.columns import SYNC_ERROR_LENGTH
from booking_sync.domain.record import ATTENDED_REASON, MAILED_REASON, SyncRecord, left_behind
from booking_sync.domain.row_words import NEXT_STEP, TRIED_AGAIN, reason_in, row_words
from booking_sync.outlook.graph.errors import (
    ACCESS_DENIED_REASON,
    GRANTS_ARRIVE_WITHIN,
    MAILBOX_FULL_REASON,
    NO_CALENDAR_REASON,
    NO_MAILBOX_REASON,
    ROOM_IS_MADE_WITHIN,
)
from booking_sync.outlook.mailboxes.directory import DENIED_REASON, NOBODY_REASON, SEVERAL_REASON

TELLING = (ATTENDED_REASON, MAILED_REASON, ACCESS_DENIED_REASON, DENIED_REASON, NOBODY_REASON, SEVERAL_REASON)
"""Reasons that say themselves what to do."""
SHORT = (NO_MAILBOX_REASON, NO_CALENDAR_REASON, MAILBOX_FULL_REASON, left_behind(["m"], "No."))


def test_a_dispatcher_reads_who_what_to_do_and_when() -> None:
    """One line each, below the reason."""
    assert row_words(NO_MAILBOX_REASON, "Anna Berg").split("\n") == [
        NO_MAILBOX_REASON,
        "Technician: Anna Berg",
        "What to do: ask an administrator for a mailbox, or give the booking to somebody else.",
        "Tried again: when the booking changes, and by the audit every night.",
    ]


def test_nothing_is_said_where_all_is_well() -> None:
    """A row without an error stays empty, whoever its technician is."""
    assert row_words("", "Anna Berg") == ""


@pytest.mark.parametrize("reason", TELLING)
def test_what_a_reason_says_is_not_said_twice(reason: str) -> None:
    """A reason with a next step of its own gets none below, but is told when it is tried again."""
    words = row_words(reason, "")
    assert NEXT_STEP not in words
    assert TRIED_AGAIN in words


@pytest.mark.parametrize("reason", SHORT)
def test_every_short_reason_gets_its_own_next_step(reason: str) -> None:
    """None of them is left to "show this to an administrator"."""
    assert NEXT_STEP in row_words(reason, "")
    assert "show this" not in row_words(reason, "")


@pytest.mark.parametrize(
    ("reason", "patience"),
    [(ACCESS_DENIED_REASON, GRANTS_ARRIVE_WITHIN), (MAILBOX_FULL_REASON, ROOM_IS_MADE_WITHIN)],
)
def test_the_hours_are_those_of_the_worker_s_patience(reason: str, patience: timedelta) -> None:
    """What the row promises is how long the worker tries."""
    hours = patience // timedelta(hours=1)
    assert f"for the next {hours} hours" in row_words(reason, "")


@settings(max_examples=50)
@given(reason=st.text(min_size=1, max_size=1200), name=st.text(max_size=300))
def test_the_words_fit_the_column_and_give_the_reason_back(reason: str, name: str) -> None:
    """Whatever somebody is called, at most the column's length; a reason that fits is read as it was."""
    words = row_words(reason, name)
    assert len(words.encode("utf-16-le", "replace")) // 2 <= SYNC_ERROR_LENGTH
    if len(reason) < 300:
        assert reason_in(words) == reason_in(reason)


def test_people_who_are_invited_are_still_recognized() -> None:
    """The mailbox that the row names is read from the reason, the lines below change nothing."""
    mailbox = "0d7c1f57-3b1e-4c8e-9a55-2f6f0d6b1a01"
    words = row_words(left_behind([mailbox], ATTENDED_REASON), "Anna. Berg")
    assert SyncRecord(error=reason_in(words)).left_in == {mailbox}
