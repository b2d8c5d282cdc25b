"""What counts as unwell, and what it costs to ask."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from booking_sync.domain.arrival import MISSED, SILENT
from booking_sync.domain.timers import Timer, TimerRun, TimerSchedules
from booking_sync.domain.zones import ZoneDifference
from booking_sync.errors import SettingsError, TransientError
from booking_sync.operations.health import (
    FRESH_SECONDS,
    Health,
    HealthFacts,
    HealthProbe,
    HealthSeverity,
    judge,
)
from booking_sync.operations.journal_store import JournalStore
from booking_sync.ports.queues import QueueDepths, QueueGauge
from tests.operations.kit import SCHEDULES, START, FakeTextStore, HandClock

HOUR = timedelta(hours=1)
WELL = HealthFacts(depths=QueueDepths(7, 0), catch_up=TimerRun(START, {}, "", START), look_back=HOUR)


def test_a_working_app_has_no_findings() -> None:
    """Waiting changes are no trouble, and neither is a catch-up that ran within its look-back."""
    assert judge(WELL, START + HOUR) == ()


def test_an_app_that_is_new_or_has_no_catch_up_works() -> None:
    """Nothing known of a catch-up is no finding: nothing was missed yet, or it is switched off."""
    assert judge(replace(WELL, catch_up=None), START) == ()
    assert judge(replace(WELL, catch_up=TimerRun(START, {}, "", None)), START + 9 * HOUR) == ()


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (replace(WELL, settings_problem="GRAPH_URL is missing"), "GRAPH_URL is missing"),
        (replace(WELL, start_problem="Entra refuses the secret"), "Entra refuses the secret"),
        (replace(WELL, depths=None, queue_problem="The queues can't be reached"), "can't be reached"),
        (
            replace(WELL, catch_up=TimerRun(START, {}, "", START - timedelta(seconds=1))),
            "No catch-up has succeed",
        ),
        (
            replace(WELL, catch_up=TimerRun(START, {"waiting_minutes": 41, "worked": 64}, "", START)),
            "waited on the queue for 41 minutes",
        ),
    ],
    ids=["settings", "start", "queue", "catch-up", "listener"],
)
def test_what_keeps_changes_from_arriving_fails(facts: HealthFacts, words: str) -> None:
    """A probe is told of what an administrator must mend before bookings arrive."""
    problems = judge(facts, START + HOUR)
    assert [problem.severity for problem in problems] == [HealthSeverity.FAILING]
    assert words in problems[0].words
    assert not Health(START, None, problems).works


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (replace(WELL, depths=QueueDepths(0, 1)), "1 message was given up"),
        (replace(WELL, depths=QueueDepths(0, 3)), "3 messages were given up"),
        (replace(WELL, catch_up=TimerRun(START, {}, "Dataverse is down", START)), "Dataverse is down"),
        (replace(WELL, journal_problem="no role"), "no role"),
        (
            replace(WELL, catch_up=TimerRun(START, {MISSED: 60, SILENT: 1}, "", START)),
            "No change arrives by webhook: 60 bookings were behind",
        ),
    ],
    ids=["one letter", "letters", "a failed catch-up", "journal", "webhooks"],
)
def test_what_people_should_look_at_is_a_warning(facts: HealthFacts, words: str) -> None:
    """A technician without a mailbox must not have the app restarted."""
    (problem,) = problems = judge(facts, START)
    assert problem.severity is HealthSeverity.WARNING
    assert words in problem.words
    assert Health(START, None, problems).works


class Gauge:
    """Queues that count how often they are asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.broken: Exception | None = None

    async def depths(self) -> QueueDepths:
        """See the port."""
        self.asked += 1
        if self.broken:
            raise self.broken
        return QueueDepths(1, 2)


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

    def _open(self) -> QueueGauge:
        if "AzureWebJobsStorage" in self.settings_problem:
            raise SettingsError(self.settings_problem)
        return self.gauge

    async def words(self) -> list[str]:
        """What is found now, whatever was known."""
        self.clock.advance(FRESH_SECONDS + 1)
        return [problem.words for problem in (await self.probe.look()).problems]


async def test_asking_often_costs_one_look() -> None:
    """A probe that anybody may call can't be used to keep Storage busy."""
    harness = Harness()
    for _ in range(5):
        assert (await harness.probe.look()).depths == QueueDepths(1, 2)
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
        overdue = [problem for problem in health.problems if "is overdue: it never ran" in problem.words]
        assert [problem.severity for problem in overdue] == [
            HealthSeverity.FAILING,
            HealthSeverity.WARNING,
            HealthSeverity.WARNING,
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
