"""The sentence on top of the operator's page."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from booking_sync.domain.findings.finding import AppFinding, FindingTopic, Severity
from booking_sync.operations.health import Health
from booking_sync.operations.overview.headline import Failures, Headline, headline

FAILING = AppFinding(FindingTopic.SETTINGS, Severity.FAILING, "DATAVERSE_URL is missing.")
WARNING = AppFinding(FindingTopic.AUDIT, Severity.WARNING, "The audit is overdue.")


def health(*problems: AppFinding) -> Health:
    """An app with these findings."""
    return Health(datetime(2026, 3, 2, tzinfo=UTC), None, problems)


def test_only_an_app_without_anything_to_do_is_green() -> None:
    """No finding, and no booking that fails."""
    said = headline(health(), Failures())
    assert said == Headline("ok", "In step: changes reach Outlook, and nothing needs you.")


def test_an_app_that_does_not_work_says_nothing_else() -> None:
    """Failing bookings and warnings are told below."""
    said = headline(health(FAILING, WARNING), Failures(9, 3))
    words = "Changes don't reach Outlook as they should. DATAVERSE_URL is missing."
    assert said == Headline("failing", words, step="Mend what it names.")


@pytest.mark.parametrize(
    ("problems", "failures", "words"),
    [
        ([], Failures(1, 1), "1 booking of 1 technician can't be shown."),
        ([], Failures(50, 7, more=True), "more than 50 bookings of 7 technicians can't be shown."),
        ([WARNING], Failures(), "1 finding needs a look. The audit is overdue."),
        (
            [WARNING, WARNING],
            Failures(10, 2),
            "10 bookings of 2 technicians can't be shown and 2 findings need a look.",
        ),
        ([], None, "the failing bookings can't be listed."),
    ],
)
def test_whatever_needs_somebody_is_counted(
    problems: list[AppFinding], failures: Failures | None, words: str
) -> None:
    """Bookings that fail, findings, and a list that can't be read are no green, and have a next step."""
    said = headline(health(*problems), failures)
    assert (said.severity, said.words) == ("warning", f"Changes reach Outlook, but {words}")
    assert said.step


def test_the_first_sentence_says_since_when_whom_and_what_next() -> None:
    """By the failing bookings where there are any, else by the worst finding."""
    failures = Failures(10, 2, since="2026-03-01T00:00:00+00:00", remedy="Give them a mailbox.")
    said = headline(health(WARNING), failures)
    assert (said.since, said.people, said.step) == (failures.since, 2, failures.remedy)
    moment = datetime(2026, 3, 2, tzinfo=UTC)
    late = replace(WARNING, since=moment, remedy="Look at its function.")
    said = headline(health(late), Failures())
    assert (said.since, said.people, said.step) == (moment.isoformat(), 0, late.remedy)
