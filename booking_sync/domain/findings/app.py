"""Joins all findings in one order, so that page, probe, alerts and doctor tell the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from booking_sync.domain.events.zones import describe_differences
from booking_sync.domain.findings import queues, secret, timers
from booking_sync.domain.findings.finding import AppFinding, FindingTopic, Severity
from booking_sync.domain.timers import Timer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime, timedelta

    from booking_sync.domain.events.zones import ZoneDifference
    from booking_sync.domain.timers import TimerRun, TimerState


@dataclass(frozen=True, slots=True)
class AppFacts:
    """What is known without asking any service but the storage account; moments are aware, UTC."""

    settings_problem: str = ""
    start_problem: str = ""
    """Why the sync could not be started when it was last tried."""
    queue_problem: str = ""
    """Why the queues can't be looked at."""
    given_up: int = 0
    """Messages on the poison queue."""
    oldest_given_up: datetime | None = None
    waiting_since: datetime | None = None
    """When the oldest change that nobody takes was put on the queue; None when they are taken."""
    runs: Mapping[Timer, TimerRun] = field(default_factory=dict)
    """The last run of each timer that is known to have run."""
    timers: tuple[TimerState, ...] = ()
    """Empty where settings or journal don't tell."""
    look_back: timedelta | None = None
    """How far back a catch-up looks; None when the settings don't tell."""
    secret_expires: datetime | None = None
    """By the vault; None when it carries no date, or none is known."""
    zones: tuple[ZoneDifference, ...] = ()
    """Where Exchange was seen to read the events' zone otherwise."""
    journal_problem: str = ""


def findings_of(facts: AppFacts, now: datetime) -> tuple[AppFinding, ...]:
    """What is wrong, the worst first."""
    found = tuple(_all(facts, now))
    return (
        *(each for each in found if each.severity is Severity.FAILING),
        *(each for each in found if each.severity is Severity.WARNING),
    )


def _all(facts: AppFacts, now: datetime) -> Iterator[AppFinding]:
    yield from _out_of_order(facts)
    yield from queues.stalled(facts.waiting_since, facts.runs.get(Timer.CATCH_UP), now)
    yield from _of_timers(facts, now)
    yield from queues.given_up(facts.given_up, facts.oldest_given_up)
    yield from secret.ends(facts.secret_expires, now)
    for words in describe_differences(facts.zones):
        yield AppFinding(FindingTopic.TIME_ZONE, Severity.WARNING, words)
    if facts.journal_problem:
        words = f"The journal can't be read: {facts.journal_problem}"
        yield AppFinding(
            FindingTopic.JOURNAL, Severity.WARNING, words, "Check the role Storage Blob Data Owner."
        )


def _out_of_order(facts: AppFacts) -> Iterator[AppFinding]:
    for topic, problem in (
        (FindingTopic.SETTINGS, facts.settings_problem),
        (FindingTopic.START, facts.start_problem),
        (FindingTopic.QUEUES, facts.queue_problem),
    ):
        if problem:
            yield AppFinding(topic, Severity.FAILING, problem)


def _of_timers(facts: AppFacts, now: datetime) -> Iterator[AppFinding]:
    few = tuple(timers.too_few(facts.runs.get(Timer.CATCH_UP), facts.look_back, now))
    yield from few
    for state in facts.timers:
        if not (few and state.timer is Timer.CATCH_UP):  # told already, and better
            yield from timers.overdue(state)
    for timer in Timer:
        yield from timers.failed(timer, facts.runs.get(timer))
    yield from timers.missed(facts.runs.get(Timer.CATCH_UP))
