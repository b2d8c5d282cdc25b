"""What counts as unwell, and what it costs to ask."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from booking_sync.domain.events.zones import ZoneDifference
from booking_sync.domain.findings.app import AppFacts, findings_of
from booking_sync.domain.findings.arrival import MISSED, SILENT
from booking_sync.domain.findings.finding import FindingTopic, Severity
from booking_sync.domain.timers import Timer, TimerRun, TimerSchedules
from booking_sync.errors import SettingsError, TransientError
from booking_sync.operations.health import FRESH_SECONDS, Health, HealthProbe, log_findings
from booking_sync.operations.journal.store import JournalStore
from booking_sync.ports.platform.queues import QueueState, QueueStates
from tests.operations.kit import SCHEDULES, START, FakeTextStore, HandClock

if TYPE_CHECKING:
    from collections.abc import Mapping

HOUR = timedelta(hours=1)
FAILED = TimerRun(START, {}, "Graph is down", START)
WELL = AppFacts(runs={Timer.CATCH_UP: TimerRun(START, {}, "", START)}, look_back=HOUR)


def ran(
    tally: Mapping[str, int] | None = None, problem: str = "", succeeded: datetime | None = START
) -> AppFacts:
    """An app that is well but for its last catch-up."""
    return replace(WELL, runs={Timer.CATCH_UP: TimerRun(START, tally or {}, problem, succeeded)})


def test_a_working_app_has_no_findings() -> None:
    """Waiting changes are no trouble, and neither is a catch-up that ran within its look-back."""
    assert findings_of(WELL, START + HOUR) == ()


def test_an_app_that_is_new_or_has_no_catch_up_works() -> None:
    """Nothing known of a catch-up is no finding: nothing was missed yet, or it is switched off."""
    assert findings_of(replace(WELL, runs={}), START) == ()
    assert findings_of(ran(succeeded=None), START + 9 * HOUR) == ()


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (replace(WELL, settings_problem="GRAPH_URL is missing"), "GRAPH_URL is missing"),
        (replace(WELL, start_problem="Entra refuses the secret"), "Entra refuses the secret"),
        (replace(WELL, queue_problem="The queues can't be reached"), "can't be reached"),
        (ran(succeeded=START - timedelta(seconds=1)), "No catch-up has succeed"),
        (ran({"waiting_minutes": 41, "worked": 64}), "waited on the queue for 41 minutes"),
        (replace(WELL, waiting_since=START + timedelta(minutes=49)), "waited on the queue for 11 minutes"),
    ],
    ids=["settings", "start", "queue", "catch-up", "listener", "waiting"],
)
def test_what_keeps_changes_from_arriving_fails(facts: AppFacts, words: str) -> None:
    """A probe is told of what an administrator must mend before bookings arrive."""
    problems = findings_of(facts, START + HOUR)
    assert [problem.severity for problem in problems] == [Severity.FAILING]
    assert words in problems[0].words
    assert not Health(START, None, problems).works


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (replace(WELL, given_up=1), "1 message was given up"),
        (replace(WELL, given_up=3), "3 messages were given up"),
        (ran(problem="Dataverse is down"), "Dataverse is down"),
        (replace(WELL, runs={**WELL.runs, Timer.AUDIT: FAILED}), "The last audit failed: Graph is down"),
        (replace(WELL, runs={**WELL.runs, Timer.NEAR_AUDIT: FAILED}), "The last near-audit failed"),
        (replace(WELL, journal_problem="no role"), "no role"),
        (ran({MISSED: 60, SILENT: 1}), "No change arrives by webhook: 60 bookings were behind"),
        (replace(WELL, secret_expires=START + timedelta(days=29)), "expires on 2026-03-31, in 29 days"),
        (replace(WELL, secret_expires=START - HOUR), "expired on 2026-03-02"),
    ],
    ids=[
        "one letter",
        "letters",
        "a failed catch-up",
        "audit",
        "near audit",
        "journal",
        "webhooks",
        "secret",
        "no secret",
    ],
)
def test_what_people_should_look_at_is_a_warning(facts: AppFacts, words: str) -> None:
    """A technician without a mailbox must not have the app restarted."""
    (problem,) = problems = findings_of(facts, START)
    assert problem.severity is Severity.WARNING
    assert words in problem.words
    assert Health(START, None, problems).works


class Gauge:
    """Queues that count how often they are asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.broken: Exception | None = None
        self.oldest: datetime | None = None

    async def state(self) -> QueueState:
        """See the port."""
        self.asked += 1
        if self.broken:
            raise self.broken
        return QueueState(1, 2, self.oldest)


class Harness:
    """A probe and all that it asks."""

    def __init__(self, earlier: Harness | None = None) -> None:
        self.clock: HandClock = earlier.clock if earlier else HandClock()
        self.text_store: FakeTextStore = earlier.text_store if earlier else FakeTextStore(self.clock)
        self.journal_store = JournalStore(lambda: self.text_store, "one", self.clock, dict)
        self.gauge = Gauge()
        self.settings_problem = ""
        self.start_problem = ""
        self.probe = HealthProbe(
            self._check, self._open, lambda: self.journal_store, lambda: self.start_problem, self.clock
        )

    def _check(self) -> TimerSchedules:
        if self.settings_problem:
            raise SettingsError(self.settings_problem)
        return SCHEDULES

    def _open(self) -> QueueStates:
        if "AzureWebJobsStorage" in self.settings_problem:
            raise SettingsError(self.settings_problem)
        return self.gauge

    async def words(self) -> list[str]:
        """What is found now, whatever was known."""
        self.clock.advance(FRESH_SECONDS + 1)
        return [problem.words for problem in (await self.probe.look()).findings]


async def test_asking_often_costs_one_look() -> None:
    """A probe that anybody may call can't be used to keep Storage busy."""
    harness = Harness()
    for _ in range(5):
        assert (await harness.probe.look()).queues == QueueState(1, 2)
    assert harness.gauge.asked == 1
    harness.clock.advance(FRESH_SECONDS + 1)
    await harness.probe.look()
    assert harness.gauge.asked == 2


async def test_each_trouble_is_told_once() -> None:
    """Settings that can't be used are named by themselves, not by all that they break."""
    harness = Harness()
    harness.gauge.broken = TransientError("the storage queue can't be reached")
    assert await harness.words() == ["The queues can't be reached: the storage queue can't be reached"]
    harness.gauge.broken = None
    harness.start_problem = harness.settings_problem = "1 app setting needs attention. GRAPH_URL is missing"
    assert (await harness.words())[0] == harness.settings_problem
    assert len(await harness.words()) == 2  # and the dead letters
    harness.settings_problem = "AzureWebJobsStorage is missing"
    assert await harness.words() == ["AzureWebJobsStorage is missing"]


async def test_another_instances_zone_difference_is_told_for_a_day() -> None:
    """What the worker's instance saw is on the page of the one that answers HTTP, and not for ever."""
    harness = Harness()
    worker = JournalStore(lambda: harness.text_store, "worker", harness.clock, dict)
    meant = datetime(2027, 3, 28, 9, tzinfo=UTC)
    worker.zone_differs(ZoneDifference("W. Europe Standard Time", meant, 60, harness.clock()))
    await worker.aclose()
    (words,) = [each for each in await harness.words() if "Exchange" in each]
    assert words.startswith("Exchange reads W. Europe Standard Time an hour differently on 2027-03-28 ")
    harness.clock.advance(24 * 3600)
    assert not [each for each in await harness.words() if "Exchange" in each]


async def test_timers_that_never_ran_become_overdue_whichever_instance_looks() -> None:
    """A timer that the host did not load is told once it should have run, also after a restart of the app."""
    harness = Harness()
    assert not any("overdue" in each for each in await harness.words())
    harness.clock.advance(26 * 3600)
    for each in (harness, Harness(harness)):
        health = await each.probe.look()
        overdue = [problem for problem in health.findings if "is overdue: it never ran" in problem.words]
        assert [problem.severity for problem in overdue] == [
            Severity.FAILING,
            Severity.WARNING,
            Severity.WARNING,
        ]
        assert [timer.is_overdue for timer in health.timers] == [True, True, True]


@pytest.mark.parametrize("timer", [Timer.AUDIT, Timer.NEAR_AUDIT])
async def test_an_audit_that_stopped_running_is_told_and_forgotten_once_it_ran(timer: Timer) -> None:
    """It is due by its schedule after its last run; an hour later it is overdue, and a run ends that."""
    harness = Harness()
    await harness.journal_store.ran(timer, {})
    assert not any(f"The {timer} is overdue" in each for each in await harness.words())
    harness.clock.advance(26 * 3600)
    assert any(f"The {timer} is overdue: it last ran" in each for each in await harness.words())
    await harness.journal_store.ran(timer, {})
    assert not any(f"The {timer} is overdue" in each for each in await harness.words())


async def test_the_catch_up_is_known_from_the_journal() -> None:
    """Whichever instance ran it, its age counts; a journal that can't be read is told."""
    harness = Harness()
    await harness.journal_store.ran(Timer.CATCH_UP, {})
    harness.clock.advance(2 * 3600)
    assert any("No catch-up has succeeded for 120 minutes" in each for each in await harness.words())
    harness.text_store.broken = TransientError("no role")
    assert "The journal can't be read: no role" in await harness.words()


async def test_a_change_that_nobody_takes_is_told_and_one_that_just_shows_is_not() -> None:
    """What was put back for long is old when it becomes visible; only what stays there for a minute waits."""
    harness = Harness()
    harness.gauge.oldest = START - HOUR
    assert not any("hands out no changes" in each for each in await harness.words())
    harness.gauge.oldest = START - HOUR / 2
    harness.clock.advance(60)
    assert not any("hands out no changes" in each for each in await harness.words())
    harness.clock.advance(60)
    assert any("hands out no changes" in each for each in await harness.words())
    health = await harness.probe.look()
    assert (health.findings[0].topic, health.findings[0].since) == (FindingTopic.STALLED, START - HOUR / 2)


async def test_the_secret_s_end_is_known_from_the_journal() -> None:
    """The instance that answers HTTP reads no vault; one without a date is no finding."""
    harness = Harness()
    assert not any("secret" in each for each in await harness.words())
    await harness.journal_store.note_secret(START + timedelta(days=3))
    assert any("The app registration's secret expires" in each for each in await Harness(harness).words())
    await harness.journal_store.note_secret(None)
    assert not any("secret" in each for each in await Harness(harness).words())


def test_missing_columns_are_a_finding_of_their_own() -> None:
    """With the command that makes them."""
    problem = "Dataverse refuses: the column «…» does not exist; run the provisioning command."
    (found,) = findings_of(ran(problem=problem), START)
    assert (found.topic, "booking-sync provision" in found.remedy) == (FindingTopic.COLUMNS, True)


def test_findings_are_logged_for_the_alerts(caplog: pytest.LogCaptureFixture) -> None:
    """By topic and severity, without what a reason quotes."""
    findings = findings_of(replace(ran(problem="no «Jane Doe» there"), given_up=1), START)
    with caplog.at_level("WARNING"):
        log_findings(Health(START, None, findings))
    lines = [json.loads(each.getMessage()) for each in caplog.records]
    assert [(each["event"], each["topic"], each["severity"]) for each in lines] == [
        ("finding", "catch-up", "warning"),
        ("finding", "given-up", "warning"),
    ]
    assert "Jane" not in caplog.text
