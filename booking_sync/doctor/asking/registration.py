"""Columns, webhook and steps: Dataverse's own tables, asked as whoever signs in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeVar

from booking_sync.doctor import (
    registration,
)
from booking_sync.doctor.asking.findings import NEEDS_IDENTITY
from booking_sync.doctor.report import Area, CheckResult, CheckStatus
from booking_sync.errors import PermanentError, SettingsError, SyncError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from booking_sync.doctor.asking.findings import Findings
    from booking_sync.doctor.asking.sources import DoctorSources
    from booking_sync.domain.events.event_text.columns import EventColumn
    from booking_sync.ports.platform.clock import Clock

Facts = TypeVar("Facts")

JOB_DAYS: Final = 7
_AS_YOURSELF = (
    "Run `booking-sync doctor --auth cli` as somebody who may customize the environment; the app need not."
)


@dataclass(frozen=True, slots=True)
class RegistrationChecks:
    """The checks of what provisioning made."""

    sources: DoctorSources
    findings: Findings
    now: Clock
    signed_in_as_app: bool

    async def run(self, *, reachable: bool) -> None:
        """Compare what is there with what the settings ask for.

        Args:
            reachable: whether Dataverse answers the app.
        """
        if self.signed_in_as_app and not reachable:
            self.findings.skip(Area.REGISTRATION, "all", NEEDS_IDENTITY)
            return
        registration_reads = self.findings.open(Area.REGISTRATION, self.sources.registration_reads)
        expectations = self.findings.open(Area.REGISTRATION, self.sources.expectations)
        if registration_reads is None or expectations is None:
            return
        columns = await self._administered_columns()
        if columns is None:
            return
        desired = expectations.desired(columns)
        table = await self._administer("table definition", registration_reads.table)
        self.findings.note(*(registration.judge_definition(table) if table else ()))
        actual = await self._administer("columns and steps", lambda: registration_reads.registration(desired))
        if actual is None:
            self.findings.skip(Area.REGISTRATION, "failed webhooks", "needs the steps")
            return
        self.findings.note(*registration.judge_registration(actual, desired))
        since = self.now() - timedelta(days=JOB_DAYS)
        steps = registration.our_steps(actual, desired)
        if not steps:
            self.findings.skip(Area.REGISTRATION, "failed webhooks", "there is no step whose jobs could fail")
            return
        jobs = await self._administer("failed webhooks", lambda: registration_reads.failed_jobs(steps, since))
        self.findings.note(*([registration.judge_jobs(jobs, JOB_DAYS)] if jobs else []))

    async def _administered_columns(self) -> Sequence[EventColumn] | None:
        """The event file's columns, whose steps differ from those without; None where they can't be told."""
        try:
            return await self._administer("event file", self.sources.administered_columns)
        except SettingsError:
            self.findings.skip(Area.REGISTRATION, "all", "needs an event file that can be used")
        return None

    async def _administer(self, check: str, question: Callable[[], Awaitable[Facts]]) -> Facts | None:
        """Ask as whoever signs in. A refusal of the app itself is no error: it needs no such right."""
        try:
            return await question()
        except PermanentError as error:
            status = CheckStatus.SKIPPED if self.signed_in_as_app else CheckStatus.ERROR
            self.findings.note(CheckResult(Area.REGISTRATION, check, status, error.reason, _AS_YOURSELF))
        except SyncError as error:
            self.findings.note(
                CheckResult(Area.REGISTRATION, check, CheckStatus.ERROR, error.reason, _AS_YOURSELF)
            )
        return None
