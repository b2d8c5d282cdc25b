"""What the doctor makes of the way back from Outlook."""

from __future__ import annotations

from datetime import timedelta

import pytest

from booking_sync.doctor.report import CheckStatus
from booking_sync.doctor.way_back import judge_policy, judge_status, judge_subscriptions
from booking_sync.domain.return_path.policy import Mode, ReturnPolicy

ONE, TWO = "5c7d2a90-2222-4222-8333-44445555abcd", "6c7d2a90-2222-4222-8333-44445555abcd"


def test_what_comes_back_is_told_by_the_lower_of_two_modes() -> None:
    """So that nobody has to read two settings together."""
    assert "RETURN_PATH is off" in judge_policy(ReturnPolicy()).words
    everything = ReturnPolicy(Mode.APPLY, freeze=timedelta(minutes=90))
    assert judge_policy(everything).words == (
        "a small move counts, another one is proposed, a deletion is proposed, "
        "until 90 minutes before the start"
    )
    careful = judge_policy(ReturnPolicy(Mode.REPORT, far=Mode.OFF)).words
    assert careful.startswith("a small move is put right, another one means nothing, a deletion is put right")


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (ReturnPolicy(), False),
        (ReturnPolicy(Mode.REPORT), False),
        (ReturnPolicy(Mode.PROPOSE), True),
        (ReturnPolicy(Mode.APPLY, delete=Mode.APPLY), True),
        (ReturnPolicy(Mode.APPLY, delete=Mode.REPORT), False),
    ],
)
def test_a_status_is_needed_as_soon_as_somebody_may_say_yes(policy: ReturnPolicy, *, expected: bool) -> None:
    """A proposal to cancel that is accepted needs one too."""
    assert policy.cancels is expected


@pytest.mark.parametrize(
    ("named", "there", "status", "words", "remedy"),
    [
        ("", {ONE: "Canceled"}, CheckStatus.OK, "Canceled, the only one", ""),
        (TWO, {ONE: "Canceled", TWO: "Called off"}, CheckStatus.OK, "Called off", ""),
        (TWO, {ONE: "Canceled"}, CheckStatus.ERROR, "names no active", f"Canceled ({ONE})"),
        (TWO, {}, CheckStatus.ERROR, "names no active", "Make one"),
        ("", {}, CheckStatus.ERROR, "there is no active", "Make one"),
        ("", {ONE: "Canceled", TWO: "x"}, CheckStatus.ERROR, f"x ({TWO})", "RETURN_CANCEL_STATUS_ID"),
    ],
)
def test_the_status_of_a_canceled_booking(
    named: str, there: dict[str, str], status: CheckStatus, words: str, remedy: str
) -> None:
    """None is guessed, and those that could be meant are named with their ids."""
    result = judge_status(named, there)
    assert result.status is status
    assert words in result.words
    assert remedy in result.remedy


def test_graph_reports_of_somebody_or_of_nobody() -> None:
    """Of nobody is worth a look: sweeps find everything, later."""
    assert judge_subscriptions(0).status is CheckStatus.WARNING
    assert judge_subscriptions(12).words == "Graph reports of 12 mailboxes"
