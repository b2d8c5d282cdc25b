"""A provisioned stack to examine, and ways to break it."""

from __future__ import annotations

import asyncio
import secrets
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest

from booking_sync.azure.queue import open_queue
from booking_sync.azure.sign_in import SignIn
from booking_sync.dataverse.provisioning import DataverseEnvironment, WebhookKey
from booking_sync.doctor.facts import Wishes
from booking_sync.doctor.findings import Finding, Report, Severity
from booking_sync.domain.columns import SupportColumns
from booking_sync.provisioning.actions import WidenColumn
from booking_sync.provisioning.converge import converge
from booking_sync.provisioning.desired import desire
from booking_sync.provisioning.plan import make_plan
from booking_sync.settings.loading import load_part
from booking_sync.settings.table import QueueSettings
from booking_sync.wiring.ambient import now
from booking_sync.wiring.doctor import open_examination
from booking_sync.wiring.sign_in import open_dataverse, open_provisioning
from local.day.world import WorldMaker, booking_row
from local.stack import NO_TIMERS, LocalStack, StackOptions
from tests.doctor import builders  # noqa: F401 - loads the Graph SDK's builders
from tests.e2e.office import BOOKINGS, Office

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

COLUMNS = SupportColumns()
NOWHERE = "https://localhost:9/api/dataverse/bookings"
"""Nothing listens on the discard port: webhooks of a stack without a host end as failed system jobs."""


@dataclass
class Clinic:
    """What tests do to the patient, and what the doctor says."""

    office: Office
    key: str = field(default_factory=lambda: secrets.token_urlsafe(16))

    @property
    def stack(self) -> LocalStack:
        """The patient."""
        return self.office.stack

    @property
    def environ(self) -> Mapping[str, str]:
        """The app's settings."""
        return self.stack.settings

    async def examine(
        self, wishes: Wishes | None = None, *, ahead: timedelta = timedelta(0), **settings: str
    ) -> Report:
        """Examine, with some other settings or a clock that is ahead."""
        return await self.examine_with({**self.environ, **settings}, wishes, ahead)

    async def examine_with(
        self, environ: Mapping[str, str], wishes: Wishes | None = None, ahead: timedelta = timedelta(0)
    ) -> Report:
        """Examine with these settings alone."""
        wanted = wishes or Wishes()
        async with open_examination(
            environ, SignIn.APP, wanted, lambda _: None, clock=lambda: now() + ahead
        ) as examination:
            examination.sleep = no_pause
            return await examination.run()

    async def provision(self, url: str = NOWHERE) -> None:
        """Make, or mend, what `provision` makes."""
        desired = desire(COLUMNS, url, has_key=True)
        async with open_provisioning(self.environ, SignIn.APP, self.key) as environment:
            report = await converge(
                environment,
                desired,
                partial(make_plan, desired=desired),
                dry_run=False,
                sleep=asyncio.sleep,
                tell=lambda _: None,
            )
        assert report.complete

    async def shrink(self, column: str, length: int) -> None:
        """Give one of our columns a length."""
        found = next(each for each in desire(COLUMNS).columns if each.name == column)
        async with open_dataverse(self.environ, SignIn.APP) as client:
            environment = DataverseEnvironment(client, WebhookKey(), secrets.token_bytes)
            await environment.carry_out(WidenColumn(desire(COLUMNS).table, replace(found, length=length)))

    async def poison(self, message: str, reason: str) -> None:
        """Lay a message on the poison queue."""
        settings = load_part(self.environ, QueueSettings)
        queue = open_queue(settings.storage, settings.queue_name, now)
        await queue.dead_letter(message, reason)
        await queue.aclose()

    async def book(self, **columns: str) -> str:
        """A booking that no webhook tells of."""
        plan = self.office.plan()
        await self.stack.dataverse.create(BOOKINGS, {**booking_row(plan), **columns}, webhooks=False)
        return plan.id

    async def until_there_is_an_event(self) -> None:
        """Wait for an event in any calendar, which another process makes."""
        async with asyncio.timeout(20):
            while not await self.stack.graph.events():  # noqa: ASYNC110 - no event of ours to wait for
                await asyncio.sleep(0.05)


@asynccontextmanager
async def open_clinic(folder: Path, *, hosts: int = 0) -> AsyncIterator[Clinic]:
    """A furnished, provisioned stack; while it lasts, this process trusts it as its app does."""
    maker = WorldMaker(seed=5)
    world = maker.make(technicians=2, bookings=1, day=date(2027, 3, 26))
    # The doctor warns of a catch-up that runs seldom; only a host needs one that does.
    settings = NO_TIMERS if hosts else {}
    options = StackOptions(folder, provisioned=False, hosts=hosts, settings=settings)
    with pytest.MonkeyPatch.context() as patch:
        async with LocalStack(options) as stack:
            for name, value in stack.settings.items():
                patch.setenv(name, value)
            # aiohttp reads SSL_CERT_FILE once, when it is imported, which was before there was a stack.
            trust = ssl.create_default_context(cafile=str(stack.certificates.authority))
            patch.setattr("aiohttp.connector._SSL_CONTEXT_VERIFIED", trust)
            office = Office(stack, maker, world)
            await office.furnish()
            clinic = Clinic(office)
            if hosts:
                clinic.key = stack.keys.function
            await clinic.provision(f"{stack.host_url}/api/dataverse/bookings" if hosts else NOWHERE)
            yield clinic


async def no_pause(_seconds: float) -> None:
    """Wait no longer than for others to have their turn."""
    await asyncio.sleep(0)


def bad(report: Report) -> list[Finding]:
    """What the doctor complains of."""
    return [each for each in report.findings if each.severity in (Severity.WARNING, Severity.ERROR)]


def the(report: Report, check: str) -> Finding:
    """The finding of a check."""
    (found,) = [each for each in report.findings if each.check == check]
    return found
