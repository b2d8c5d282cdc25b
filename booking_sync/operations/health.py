"""Whether the app works, found out cheaply: from settings, queues and memory, without Dataverse and Graph.

Platforms restart an app whose probe fails, and a restart gives no technician a mailbox. So only what keeps
changes from arriving at all is `failing`; the rest is a warning for people.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from booking_sync.domain.arrival import missed_words
from booking_sync.domain.timers import Timer, overdue_remedy, overdue_words, timer_state
from booking_sync.domain.zones import describe_differences
from booking_sync.errors import SettingsError, SyncError
from booking_sync.plumbing import telemetry
from booking_sync.plumbing.telemetry import Attribute, Metric

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from booking_sync.domain.timers import TimerRun, TimerSchedules, TimerState
    from booking_sync.domain.zones import ZoneDifference
    from booking_sync.operations.journal_store import JournalStore
    from booking_sync.ports.clock import Clock
    from booking_sync.ports.queues import QueueDepths, QueueGauge

FRESH_SECONDS = 5.0
"""How long an answer is reused: the probe is open to everybody, who must not keep Storage busy by it."""


class HealthSeverity(StrEnum):
    """How much a problem matters."""

    FAILING = "failing"
    """Changes do not arrive."""
    WARNING = "warning"
    """People should look at it."""


@dataclass(frozen=True, slots=True)
class HealthProblem:
    """Something that is not as it should be."""

    severity: HealthSeverity
    words: str


@dataclass(frozen=True, slots=True)
class HealthFacts:
    """What is known without asking any service but the storage account."""

    settings_problem: str = ""
    start_problem: str = ""
    """Why the sync could not be started when it was last tried."""
    depths: QueueDepths | None = None
    queue_problem: str = ""
    catch_up: TimerRun | None = None
    journal_problem: str = ""
    zones: tuple[ZoneDifference, ...] = ()
    """Where Exchange was seen to read the events' zone otherwise."""
    look_back: timedelta | None = None
    """How far back a catch-up looks; None when the settings don't tell."""
    timers: tuple[TimerState, ...] = ()
    """Empty where settings or journal don't tell."""


@dataclass(frozen=True, slots=True)
class Health:
    """The problems at a moment."""

    moment: datetime
    depths: QueueDepths | None
    problems: tuple[HealthProblem, ...]
    timers: tuple[TimerState, ...] = ()

    @property
    def works(self) -> bool:
        """Whether changes arrive."""
        return all(problem.severity is not HealthSeverity.FAILING for problem in self.problems)


@dataclass(frozen=True, slots=True)
class _JournalFacts:
    """What is read of the journal."""

    runs: Mapping[Timer, TimerRun] = field(default_factory=dict)
    """The last run of each timer that is known to have run."""
    seen_since: datetime | None = None
    """None when it could not be read."""
    zones: tuple[ZoneDifference, ...] = ()
    problem: str = ""


def judge(facts: HealthFacts, now: datetime) -> tuple[HealthProblem, ...]:
    """The problems, the worst first."""
    failing = [each for each in (facts.settings_problem, facts.start_problem, facts.queue_problem) if each]
    if overdue := _overdue(facts, now):
        failing.append(overdue)
    late = [each for each in facts.timers if each.is_overdue]
    failing += _waiting_words(facts.catch_up)
    if not overdue:
        failing += [_late_words(each) for each in late if each.timer is Timer.CATCH_UP]
    warnings = [
        *[_late_words(each) for each in late if each.timer is not Timer.CATCH_UP],
        *_poison_words(facts.depths),
        *_catch_up_words(facts.catch_up),
        *([words] if (words := missed_words(facts.catch_up)) else []),
        *describe_differences(facts.zones),
        *([f"The journal can't be read: {facts.journal_problem}"] if facts.journal_problem else []),
    ]
    return (
        *(HealthProblem(HealthSeverity.FAILING, words) for words in failing),
        *(HealthProblem(HealthSeverity.WARNING, words) for words in warnings),
    )


def _timers(schedules: TimerSchedules, journal: _JournalFacts, now: datetime) -> tuple[TimerState, ...]:
    """How the timers stand; none where the journal can't be read, which is told by itself."""
    if journal.seen_since is None:
        return ()
    return tuple(
        timer_state(timer, next_run, journal.runs.get(timer), journal.seen_since, now=now)
        for timer, next_run in schedules.next_runs.items()
    )


def _late_words(state: TimerState) -> str:
    return f"{overdue_words(state)} {overdue_remedy(state.timer)}"


def _overdue(facts: HealthFacts, now: datetime) -> str:
    """Why too few catch-ups succeed; empty when enough do. One that never did is judged by its schedule."""
    run, look_back = facts.catch_up, facts.look_back
    if run is None or run.succeeded is None or look_back is None or now - run.succeeded <= look_back:
        return ""
    age, reach = (span // timedelta(minutes=1) for span in (now - run.succeeded, look_back))
    return (
        f"No catch-up has succeeded for {age} minutes, and each looks back {reach} minutes only: changes "
        "whose webhooks were lost in between wait for the audit. Check the function catch_up."
    )


def _poison_words(depths: QueueDepths | None) -> list[str]:
    if depths is None or not depths.poison:
        return []
    count = "1 message was" if depths.poison == 1 else f"{depths.poison} messages were"
    return [f"{count} given up: see the poison queue."]


def _waiting_words(run: TimerRun | None) -> list[str]:
    minutes = run.tally.get("waiting_minutes", 0) if run else 0
    if not minutes:
        return []
    words = (
        f"The platform hands out no changes: the oldest has waited on the queue for {minutes} minutes. Each "
        "catch-up works off a few. Restart the app; if that does not help, look at the Functions host's log."
    )
    return [words]


def _catch_up_words(run: TimerRun | None) -> list[str]:
    return [f"The last catch-up failed: {run.problem}"] if run and run.problem else []


def tell_depths(depths: QueueDepths) -> None:
    """Tell the metrics how full the queues are."""
    telemetry.observe(Metric.QUEUE_DEPTH, depths.changes, {Attribute.QUEUE: "changes"})
    telemetry.observe(Metric.QUEUE_DEPTH, depths.poison, {Attribute.QUEUE: "poison"})


class HealthProbe:
    """Looks at settings, queues and journal, at most once in `FRESH_SECONDS`.

    Args:
        check_settings: returns what the settings say of the timers; raises `SettingsError`.
        open_gauge: opens the queues; raises `SettingsError`.
        journal_store: opens the journal, which knows the last catch-up.
        start_problem: why the sync could not be started when it was last tried; empty when it could.
        now: the time of day.
    """

    def __init__(
        self,
        check_settings: Callable[[], TimerSchedules],
        open_gauge: Callable[[], QueueGauge],
        journal_store: Callable[[], JournalStore],
        start_problem: Callable[[], str],
        now: Clock,
    ) -> None:
        self._check_settings = check_settings
        self._open_gauge = open_gauge
        self._journal_store = journal_store
        self._start_problem = start_problem
        self._now = now
        self._known: Health | None = None
        self._looking = asyncio.Lock()

    async def look(self) -> Health:
        """The health now, or as it was at most `FRESH_SECONDS` ago."""
        async with self._looking:
            now = self._now()
            if self._known is None or now - self._known.moment > timedelta(seconds=FRESH_SECONDS):
                facts = await self._gather()
                self._known = Health(now, facts.depths, judge(facts, now), facts.timers)
            return self._known

    async def _gather(self) -> HealthFacts:
        schedules, settings_problem = None, ""
        try:
            schedules = self._check_settings()
        except SettingsError as error:
            settings_problem = str(error)
        (depths, queue_problem), journal = await asyncio.gather(self._depths(), self._journal())
        return HealthFacts(
            settings_problem=settings_problem,
            # Bad settings are a problem of their own, and the reason why the sync could not be started.
            start_problem="" if settings_problem else self._start_problem(),
            depths=depths,
            queue_problem=queue_problem,
            catch_up=journal.runs.get(Timer.CATCH_UP),
            journal_problem=journal.problem,
            zones=journal.zones,
            look_back=schedules.look_back if schedules else None,
            timers=_timers(schedules, journal, self._now()) if schedules else (),
        )

    async def _depths(self) -> tuple[QueueDepths | None, str]:
        try:
            depths = await self._open_gauge().depths()
        except SettingsError:
            return None, ""  # already among the problems
        except SyncError as error:
            return None, f"The queues can't be reached: {error.reason}"
        tell_depths(depths)
        return depths, ""

    async def _journal(self) -> _JournalFacts:
        runs: dict[Timer, TimerRun] = {}
        try:
            store = self._journal_store()
            for timer in Timer:
                if run := await store.last(timer):
                    runs[timer] = run
            return _JournalFacts(runs, await store.note_seen(), (await store.zones()).differences)
        except SettingsError:
            return _JournalFacts()
        except SyncError as error:
            return _JournalFacts(runs, problem=error.reason)
