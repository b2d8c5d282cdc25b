"""Failing bookings together with those that fail alike, and what is to be done about them."""

from __future__ import annotations

from pathlib import Path

import pytest

from booking_sync.domain.record import ATTENDED_REASON
from booking_sync.operations.journal.order_tally import (
    MAX_REASONS,
    OTHERS,
    OrderTally,
    counted,
    read_tallies,
    together,
)
from booking_sync.operations.overview.failing import MAX_GROUPS, grouped, people_of
from booking_sync.operations.overview.failing import OTHERS as ALIKE_IN_NOTHING
from booking_sync.operations.overview.remedies import REMEDIES, remedy_for
from booking_sync.outlook.graph.errors import (
    ACCESS_DENIED_REASON,
    MAILBOX_FULL_REASON,
    NO_CALENDAR_REASON,
    NO_MAILBOX_REASON,
)
from booking_sync.ports.dataverse.bookings import FailingBooking
from tests.support.bookings import ANNA, BOOKING_ID

RUNBOOK = Path(__file__).parents[2] / "docs" / "operations.md"


def failing(error: str, resource: str = ANNA) -> FailingBooking:
    """A booking that fails so."""
    return FailingBooking(BOOKING_ID, "Boiler", None, None, error, resource)


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (NO_MAILBOX_REASON, "licence"),
        (NO_CALENDAR_REASON, "tries again for 4 hours"),
        (ACCESS_DENIED_REASON, "app's scope"),
        (MAILBOX_FULL_REASON, "Room has to be made"),
        (ATTENDED_REASON, "Somebody invited people"),
        ("The booking ends before it starts.", "Correct the booking's times"),
        ("The resource's user has no Microsoft Entra account, hence no Outlook calendar.", "Entra account"),
        (f"Given up after 24 hours of trying. The last reason: {NO_MAILBOX_REASON}", "licence"),
        ("Given up after 24 hours of trying. The last reason: throttled", "Try again"),
    ],
)
def test_each_reason_of_the_runbook_has_its_remedy(reason: str, words: str) -> None:
    """The last reason counts where there is one."""
    remedy = remedy_for(reason)
    assert remedy is not None
    assert words in remedy.words


def test_a_reason_that_nobody_knows_speaks_for_itself() -> None:
    """No remedy is better than a wrong one."""
    assert remedy_for("Outlook: 418 teapot.") is None


@pytest.mark.parametrize("remedy", REMEDIES, ids=lambda each: each.kind)
def test_the_runbook_has_the_heading_that_a_remedy_names(remedy: object) -> None:
    """Whoever wants to know more finds it there."""
    heading = getattr(remedy, "heading", "")
    assert f"### {heading}\n" in RUNBOOK.read_text(encoding="utf-8")


def test_the_same_trouble_of_two_people_is_one_group() -> None:
    """By what is to be done where that is known, else by the words but for quotations; largest first."""
    one = failing("Outlook: «Anna» can't.")
    groups = grouped(
        [
            failing("The booking ends before it starts."),
            one,
            failing("Outlook: «Ben» can't.", BOOKING_ID),
            failing("Outlook: something else."),
        ]
    )
    assert [len(each.bookings) for each in groups] == [2, 1, 1]
    assert (groups[0].reason, groups[0].people) == (one.error, 2)
    assert len({each.key for each in groups}) == 3
    assert people_of([one, one]) == 1


def test_reasons_that_all_differ_don_t_make_the_page_endless() -> None:
    """The largest groups stay, what is left stands together, and no booking is lost."""
    differ = [failing(f"Outlook: error {number}.") for number in range(1000)]
    alike = [failing(NO_MAILBOX_REASON)] * 5
    groups = grouped([*differ, *alike])
    assert (len(groups), groups[0].reason, groups[-1].reason) == (
        MAX_GROUPS,
        NO_MAILBOX_REASON,
        ALIKE_IN_NOTHING,
    )
    assert sum(len(each.bookings) for each in groups) == 1005


def test_an_order_s_reasons_are_bounded() -> None:
    """What fails for more reasons than people read counts together; all instances' counts add up."""
    tally = OrderTally("resync-1")
    for number in range(MAX_REASONS + 3):
        tally = counted(tally, "failed", f"reason {number}")
    tally = counted(counted(tally, "unchanged", "x"), "deferred", "reason 0")
    assert (tally.done, tally.failed, tally.put_back) == (1, MAX_REASONS + 3, 1)
    assert (tally.reasons[OTHERS], tally.reasons["reason 0"], len(tally.reasons)) == (3, 2, MAX_REASONS + 1)
    twice = together([tally, tally, OrderTally("resync-2", done=5)], "resync-1")
    assert (twice.done, twice.failed, twice.reasons[OTHERS]) == (2, 2 * (MAX_REASONS + 3), 6)
    assert read_tallies([{"order": 1}]) == ()
    assert read_tallies(7) == ()
