"""Whether the app works, found out cheaply: from settings, queues and memory, without Dataverse and Graph.

Platforms restart an app whose probe fails, and a restart gives no technician a mailbox. So only what keeps
changes from arriving at all is `failing`; the rest is a warning for people.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from booking_sync.domain.findings.app import AppFacts, findings_of
from booking_sync.domain.findings.finding import AppFinding, Severity
from booking_sync.domain.text import without_quotes
from booking_sync.domain.timers import Timer, timer_state
from booking_sync.errors import SettingsError, SyncError
from booking_sync.plumbing import telemetry
from booking_sync.plumbing.log import log_event
from booking_sync.plumbing.telemetry import Attribute, Metric

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from booking_sync.domain.events.zones import ZoneDifference
    from booking_sync.domain.timers import TimerRun, TimerSchedules, TimerState
    from booking_sync.operations.journal.store import JournalStore
    from booking_sync.ports.platform.clock import Clock
    from booking_sync.ports.platform.queues import QueueState, QueueStates

FRESH_SECONDS = 5.0
"""How long an answer is reused: the probe is open to everybody, who must not keep Storage busy by it."""
_logger = logging.getLogger(__name__)

LOOK_AGAIN: Final = timedelta(minutes=1)
"""How long a message has to stay the oldest visible one until it counts as waiting."""


@dataclass(frozen=True, slots=True)
class Health:
    """What is wrong at a moment."""

    moment: datetime
    queues: QueueState | None
    """None when they can't be looked at."""
    findings: tuple[AppFinding, ...]
    """The worst first."""
    timers: tuple[TimerState, ...] = ()
    secret_expires: datetime | None = None
    """Aware, UTC; None when the vault has no date, or the app reads no secret."""

    @property
    def works(self) -> bool:
        """Whether changes arrive."""
        return all(each.severity is not Severity.FAILING for each in self.findings)


@dataclass(frozen=True, slots=True)
class _JournalFacts:
    """What is read of the journal."""

    runs: Mapping[Timer, TimerRun] = field(default_factory=dict)
    """The last run of each timer that is known to have run."""
    seen_since: datetime | None = None
    """None when it could not be read."""
    zones: tuple[ZoneDifference, ...] = ()
    secret_expires: datetime | None = None
    problem: str = ""


class OldestChange:
    """Tells a change that nobody takes from one that was put back for long, and is taken as it shows.

    Storage tells when a message was put on the queue, not since when it is visible. So one counts as waiting
    only when it is still the oldest visible one at a later look.
    """

    def __init__(self) -> None:
        self._oldest: datetime | None = None
        self._first_seen: datetime | None = None

    def waiting_since(self, oldest: datetime | None, now: datetime) -> datetime | None:
        """When the oldest change that nobody takes was put on the queue; None when they are taken.

        Args:
            oldest: when the oldest visible message was put there; None when none is visible.
            now: aware.
        """
        if oldest is None or oldest != self._oldest or self._first_seen is None:
            self._oldest, self._first_seen = oldest, now
        return oldest if oldest and now - self._first_seen >= LOOK_AGAIN else None


def _timers(schedules: TimerSchedules, journal: _JournalFacts, now: datetime) -> tuple[TimerState, ...]:
    """How the timers stand; none where the journal can't be read, which is told by itself."""
    if journal.seen_since is None:
        return ()
    return tuple(
        timer_state(timer, next_run, journal.runs.get(timer), journal.seen_since, now=now)
        for timer, next_run in schedules.next_runs.items()
    )


def tell_depths(depths: QueueState) -> None:
    """Tell the metrics how full the queues are."""
    telemetry.observe(Metric.QUEUE_DEPTH, depths.changes, {Attribute.QUEUE: "changes"})
    telemetry.observe(Metric.QUEUE_DEPTH, depths.poison, {Attribute.QUEUE: "poison"})


def log_findings(health: Health) -> None:
    """Tell the log what is wrong, for the alerts. Quotations may hold what people wrote, and are left out."""
    for each in health.findings:
        log_event(
            _logger,
            "finding",
            level=logging.ERROR if each.severity is Severity.FAILING else logging.WARNING,
            topic=each.topic.value,
            severity=each.severity.value,
            words=without_quotes(each.words),
        )


class HealthProbe:
    """Looks at settings, queues and journal, at most once in `FRESH_SECONDS`.

    Args:
        check_settings: returns what the settings say of the timers; raises `SettingsError`.
        open_queues: opens the queues; raises `SettingsError`.
        journal_store: opens the journal, which knows the last catch-up.
        start_problem: why the sync could not be started when it was last tried; empty when it could.
        now: the time of day.
    """

    def __init__(
        self,
        check_settings: Callable[[], TimerSchedules],
        open_queues: Callable[[], QueueStates],
        journal_store: Callable[[], JournalStore],
        start_problem: Callable[[], str],
        now: Clock,
    ) -> None:
        self._check_settings = check_settings
        self._open_queues = open_queues
        self._oldest_change = OldestChange()
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
                self._known = await self._look(now)
            return self._known

    async def _look(self, now: datetime) -> Health:
        schedules, settings_problem = None, ""
        try:
            schedules = self._check_settings()
        except SettingsError as error:
            settings_problem = str(error)
        (queues, queue_problem), journal = await asyncio.gather(self._queues(), self._journal())
        facts = AppFacts(
            settings_problem=settings_problem,
            # Bad settings are a problem of their own, and the reason why the sync could not be started.
            start_problem="" if settings_problem else self._start_problem(),
            queue_problem=queue_problem,
            given_up=queues.poison if queues else 0,
            oldest_given_up=queues.oldest_poison if queues else None,
            waiting_since=self._oldest_change.waiting_since(queues.oldest_change if queues else None, now),
            runs=journal.runs,
            timers=_timers(schedules, journal, now) if schedules else (),
            look_back=schedules.look_back if schedules else None,
            secret_expires=journal.secret_expires,
            zones=journal.zones,
            journal_problem=journal.problem,
        )
        return Health(now, queues, findings_of(facts, now), facts.timers, facts.secret_expires)

    async def _queues(self) -> tuple[QueueState | None, str]:
        try:
            state = await self._open_queues().state()
        except SettingsError:
            return None, ""  # already among the findings
        except SyncError as error:
            return None, f"The queues can't be reached: {error.reason}"
        tell_depths(state)
        return state, ""

    async def _journal(self) -> _JournalFacts:
        runs: dict[Timer, TimerRun] = {}
        try:
            store = self._journal_store()
            for timer in Timer:
                if run := await store.last(timer):
                    runs[timer] = run
            return _JournalFacts(
                runs,
                await store.note_seen(),
                (await store.zones()).differences,
                await store.secret_expires(),
            )
        except SettingsError:
            return _JournalFacts()
        except SyncError as error:
            return _JournalFacts(runs, problem=error.reason)
