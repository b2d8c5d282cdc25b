"""What Dataverse lets the app do, asked as the app."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from booking_sync.doctor import (
    app_access,
    event_columns,
)
from booking_sync.doctor.asking.findings import NEEDS_IDENTITY
from booking_sync.doctor.report import Area, CheckResult, CheckStatus
from booking_sync.domain.environment.rights import NEEDED, needed
from booking_sync.errors import SettingsError, SyncError

if TYPE_CHECKING:
    from booking_sync.doctor.asking.findings import Findings
    from booking_sync.doctor.asking.sources import DoctorSources
    from booking_sync.ports.diagnosis import (
        AppAccessReads,
        Identity,
    )
    from booking_sync.ports.platform.clock import Clock

MARK_DAYS: Final = 14


@dataclass(frozen=True, slots=True)
class DataverseChecks:
    """The checks of the app's rights and rows."""

    sources: DoctorSources
    findings: Findings
    now: Clock

    async def run(self) -> Identity | None:
        """Who the app is to Dataverse, once its rights are known too; None when it can't be told."""
        dataverse = self.findings.open(Area.DATAVERSE, self.sources.app_access)
        if dataverse is None:
            return None
        who = await self.findings.ask(
            Area.DATAVERSE, "application user", dataverse.identity, app_access.APPLICATION_USER
        )
        if who is None:
            self.findings.skip(Area.DATAVERSE, "everything else", NEEDS_IDENTITY)
            return None
        self.findings.note(*app_access.judge_identity(who))
        await self._privileges(dataverse, who)
        await self._event_columns(dataverse)
        await self._rows(dataverse)
        return who

    async def _privileges(self, dataverse: AppAccessReads, who: Identity) -> None:
        held = await self.findings.ask(
            Area.DATAVERSE, "privileges", lambda: dataverse.privileges(who.user_id), app_access.ROLE
        )
        if held is not None:
            self.findings.note(app_access.judge_privileges(held, needed(cancels=self._cancels())))
        for table in NEEDED:
            await self._read(dataverse, table)

    def _cancels(self) -> bool:
        try:
            return self.sources.returns().return_policy.cancels
        except SettingsError:
            return False  # which has been told by then

    async def _read(self, dataverse: AppAccessReads, table: str) -> None:
        async def ask() -> CheckResult:
            await dataverse.read_one(table)
            return app_access.judge_table(table)

        result = await self.findings.ask(Area.DATAVERSE, f"reading {table}", ask, app_access.READ)
        self.findings.note(*([result] if result else []))

    async def _event_columns(self, dataverse: AppAccessReads) -> None:
        if self.findings.failed(Area.SETTINGS):
            return  # which tells of the file as well
        check, remedy = event_columns.CHECK, event_columns.ROLE
        try:
            columns = await self.sources.event_columns()
            if columns:
                await dataverse.read_columns(columns)
                self.findings.note(event_columns.judge_columns(columns))
            idle = self.sources.idle_conditions(columns)
            if idle is not None:
                self.findings.note(event_columns.judge_rules(idle))
        except SettingsError as error:
            self.findings.note(event_columns.judge_unusable(error))
        except SyncError as error:
            self.findings.note(CheckResult(Area.DATAVERSE, check, CheckStatus.ERROR, error.reason, remedy))

    async def _rows(self, dataverse: AppAccessReads) -> None:
        if self.findings.failed_check("reading bookableresourcebooking"):
            self.findings.skip(
                Area.DATAVERSE, "failing bookings, Microsoft's own sync", "needs to read bookings"
            )
            return
        failing = await self.findings.ask(
            Area.DATAVERSE, "failing bookings", dataverse.failing, app_access.READ
        )
        if failing:
            self.findings.note(app_access.judge_failing(failing))
        since = self.now() - timedelta(days=MARK_DAYS)
        check = "Microsoft's own sync"
        marks = await self.findings.ask(
            Area.DATAVERSE, check, lambda: dataverse.foreign_marks(since), app_access.READ
        )
        if marks:
            self.findings.note(app_access.judge_foreign_marks(marks, MARK_DAYS))
