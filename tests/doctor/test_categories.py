"""What the doctor makes of mailboxes' lists of categories."""

from __future__ import annotations

import pytest

from booking_sync.doctor.categories import LATER, PERMISSION, judge_colours
from booking_sync.doctor.report import CheckStatus
from booking_sync.domain.events.event_text.colours import CategoryColour
from booking_sync.errors import Cause, PermanentError, SyncError, TransientError

COLOURS = (
    CategoryColour("Field Service: VIP", "preset15"),
    CategoryColour("Field Service: Traveling", "preset3"),
)
ALL = frozenset({"field service: vip", "field service: traveling", "mine"})
DENIED = PermanentError("the list is closed", cause=Cause.ACCESS_DENIED)


@pytest.mark.parametrize(
    ("found", "status", "words", "remedy"),
    [
        ({"a": ALL, "b": ALL}, CheckStatus.OK, "all 2 are in the lists of the 2 mailboxes looked into", ""),
        ({"a": ALL, "b": ALL - {"field service: vip"}}, CheckStatus.WARNING, "Field Service: VIP", LATER),
        (
            {"a": TransientError("down"), "b": DENIED},
            CheckStatus.WARNING,
            "2 of 2 lists could not be read: the",
            PERMISSION,
        ),
        (
            {"a": TransientError("down"), "b": ALL},
            CheckStatus.WARNING,
            "1 of 2 lists could not be read: down",
            LATER,
        ),
    ],
)
def test_what_is_missing_is_told_with_what_to_do(
    found: dict[str, frozenset[str] | SyncError], status: CheckStatus, words: str, remedy: str
) -> None:
    """A permission that is missing before anything else."""
    result = judge_colours(COLOURS, found)
    assert (result.status, result.remedy) == (status, remedy)
    assert words in result.words
