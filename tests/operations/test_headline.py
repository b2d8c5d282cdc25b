"""The sentence on top of the operator's page."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from booking_sync.domain.findings.finding import AppFinding, FindingTopic, Severity
from booking_sync.operations.headline import Headline, headline
from booking_sync.operations.health import Health

FAILING = AppFinding(FindingTopic.SETTINGS, Severity.FAILING, "DATAVERSE_URL is missing.")
WARNING = AppFinding(FindingTopic.AUDIT, Severity.WARNING, "The audit is overdue.")


def health(*problems: AppFinding) -> Health:
    """An app with these findings."""
    return Health(datetime(2026, 3, 2, tzinfo=UTC), None, problems)


def test_only_an_app_without_anything_to_do_is_green() -> None:
    """No finding, and no booking that fails."""
    assert headline(health(), 0) == Headline("ok", "In step: changes reach Outlook, and nothing needs you.")


def test_an_app_that_does_not_work_says_nothing_else() -> None:
    """Failing bookings and warnings are told below."""
    said = headline(health(FAILING, WARNING), 9)
    assert said == Headline("failing", "Changes don't reach Outlook as they should: see the first finding.")


@pytest.mark.parametrize(
    ("problems", "failing", "more", "words"),
    [
        ([], 1, False, "1 booking can't be shown."),
        ([], 50, True, "more than 50 bookings can't be shown."),
        ([WARNING], 0, False, "1 finding needs a look."),
        ([WARNING, WARNING], 10, False, "10 bookings can't be shown and 2 findings need a look."),
        ([], None, False, "the failing bookings can't be listed."),
    ],
)
def test_whatever_needs_somebody_is_counted(
    problems: list[AppFinding], failing: int | None, *, more: bool, words: str
) -> None:
    """Bookings that fail, findings, and a list that can't be read are no green."""
    assert headline(health(*problems), failing, more=more) == Headline(
        "warning", f"Changes reach Outlook, but {words}"
    )
