"""The support columns' names: which can be, and what is said of those that can't."""

from __future__ import annotations

from dataclasses import astuple

import pytest

from booking_sync.domain.environment.columns import (
    SupportColumns,
    column_problems,
    is_logical_name,
    publisher_prefix,
)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "logical name"),
        ("Bsync_Event", "logical name"),
        ("bsync_event id", "logical name"),
        ("bsync_a,b", "logical name"),
        ("bsync_a&$filter=1", "logical name"),
        ("bsync_\u0661", "logical name"),
        ("bsync_event\n", "logical name"),
        ("1a_event", "logical name"),
        ("bsync_" + "a" * 95, "at most 100 characters, and has 101"),
        ("name", "that you added"),
        ("starttime", "that you added"),
        ("statecode", "that you added"),
        ("msdyn_workorder", "that you added"),
        ("msdynce_x", "that you added"),
        ("mscrm_x", "that you added"),
        ("a_event", "that you added"),
        ("averylongprefix_event", "that you added"),
        ("bsync_", "that you added"),
    ],
)
def test_a_name_that_can_t_be_is_refused(name: str, words: str) -> None:
    """No setting can reshape a query, or have the sync write over a column of Dynamics 365's own."""
    (problem,) = column_problems({"EVENT_ID_COLUMN": name})
    assert problem.startswith("EVENT_ID_COLUMN must ")
    assert words in problem
    with pytest.raises(ValueError, match=r"event_id must .*" + words):
        SupportColumns(event_id=name)


@pytest.mark.parametrize("name", ["bsync_" + "a" * 94, "cr_a", "cr4a1b2c_x", "new_event_id", "msabc_event"])
def test_a_name_with_a_publisher_s_prefix_is_taken(name: str) -> None:
    """Names up to the longest, and prefixes as makers and publishers have them."""
    assert SupportColumns(event_id=name).event_id == name
    assert name.startswith(f"{publisher_prefix(name)}_")


def test_one_column_for_two_purposes_is_refused() -> None:
    """Two settings that name the same column would overwrite each other: both are named."""
    names = {"A": "cr_a", "B": "cr_b", "C": "cr_a", "D": "cr_b"}
    assert list(column_problems(names)) == [
        "A and C must be different columns",
        "B and D must be different columns",
    ]
    with pytest.raises(ValueError, match="event_id and sync_state must be different columns"):
        SupportColumns(event_id="cr_a", sync_state="cr_a")


def test_all_that_is_wrong_is_said_at_once() -> None:
    """Whoever mends the names does so once."""
    with pytest.raises(
        ValueError, match=r"event_id must .*original_resource must .*sync_state and sync_error must"
    ):
        SupportColumns("name", "B B", "cr_a", "cr_a")


def test_the_names_by_default_are_fine() -> None:
    """What a deployment gets that chooses none."""
    assert list(column_problems({name: name for name in astuple(SupportColumns())})) == []


def test_columns_of_others_need_no_prefix() -> None:
    """What is only read, as adoption does, may be any column."""
    assert is_logical_name("new_flow")
    assert is_logical_name("description")
    assert not is_logical_name("Description")
