"""A provisioned local stack for the doctor to check, and ways to break it."""

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

from booking_sync.azure.entra.sign_in import SignIn
from booking_sync.azure.storage.blob_texts import open_text_store
from booking_sync.azure.storage.queue import open_queue
from booking_sync.dataverse.customizations.environment import DataverseCustomizations
from booking_sync.dataverse.customizations.webhook_key import WebhookKey
from booking_sync.doctor.options import DoctorOptions
from booking_sync.doctor.report import CheckResult, CheckStatus, DoctorReport
from booking_sync.domain.environment.columns import ResourceColumns, SupportColumns
from booking_sync.operations.journal.store import JournalStore
from booking_sync.ports.dataverse.customization_actions import WidenColumn
from booking_sync.provisioning.converge import converge
from booking_sync.provisioning.desired import desired_customizations
from booking_sync.provisioning.plan import make_plan
from booking_sync.settings.loading import load_queue_settings
from booking_sync.wiring.basics import now
from booking_sync.wiring.commands.doctor import open_doctor
from booking_sync.wiring.commands.operating import open_provisioning
from booking_sync.wiring.services import Services
from local.day.world import WorldMaker, booking_row
from local.stack import NO_TIMERS, LocalStack, StackOptions
from local.standin.faults import Fault
from tests.e2e.office import BOOKINGS, Office
from tests.support import graph_builders  # noqa: F401 - loads the Graph SDK's builders

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from local.stack.options import CertificateForm, CredentialKind

COLUMNS = SupportColumns()
RESOURCE_COLUMNS = ResourceColumns("bsync_takespart", "bsync_mailbox")
READING_BACK = "booking-sync-doctor"
"""In the address of the request by which the doctor looks for its test event."""
NOWHERE = "https://localhost:9/api/dataverse/bookings"
"""Nothing listens on the discard port: webhooks of a stack without a host end as failed system jobs."""


@dataclass
class Deployment:
    """A provisioned stack: what tests break in it, and what the doctor reports then."""

    office: Office
    key: str = field(default_factory=lambda: secrets.token_urlsafe(16))

    @property
    def stack(self) -> LocalStack:
        """The local stack."""
        return self.office.stack

    @property
    def environ(self) -> Mapping[str, str]:
        """The app's settings."""
        return self.stack.settings

    async def run_doctor(
        self, options: DoctorOptions | None = None, *, ahead: timedelta = timedelta(0), **settings: str
    ) -> DoctorReport:
        """Run all checks, with some other settings or a clock that is ahead."""
        return await self.run_doctor_with({**self.environ, **settings}, options, ahead)

    async def run_doctor_with(
        self,
        environ: Mapping[str, str],
        options: DoctorOptions | None = None,
        ahead: timedelta = timedelta(0),
    ) -> DoctorReport:
        """Run all checks with these settings alone."""
        wanted = options or DoctorOptions()
        async with open_doctor(
            environ, SignIn.APP, wanted, lambda _: None, clock=lambda: now() + ahead
        ) as checks:
            checks.sleep = no_pause
            return await checks.run()

    async def provision(self, url: str = NOWHERE) -> None:
        """Make, or mend, what `provision` makes."""
        desired = desired_customizations(COLUMNS, url, of_resource=RESOURCE_COLUMNS, has_key=True)
        async with open_provisioning(self.environ, SignIn.APP, self.key) as provisioning:
            report = await converge(
                provisioning.customizations,
                desired,
                partial(make_plan, desired=desired),
                dry_run=False,
                sleep=asyncio.sleep,
                tell=lambda _: None,
            )
        assert report.complete

    async def shrink(self, column: str, length: int) -> None:
        """Give one of our columns a length."""
        found = next(each for each in desired_customizations(COLUMNS).columns if each.name == column)
        async with Services(self.environ, sign_in=SignIn.APP) as services:
            customizations = DataverseCustomizations(services.dataverse, WebhookKey(), secrets.token_bytes)
            await customizations.carry_out(WidenColumn(replace(found, length=length)))

    async def poison(self, message: str, reason: str) -> None:
        """Lay a message on the poison queue."""
        settings = load_queue_settings(self.environ)
        queue = open_queue(settings.storage, settings.queue_name, now)
        await queue.dead_letter(message, reason)
        await queue.aclose()

    async def note_seen(self) -> None:
        """Note that the app runs, as its first look at its health does."""
        text_store = open_text_store(load_queue_settings(self.environ).storage)
        assert text_store is not None
        await JournalStore(lambda: text_store, "the app", now, dict).note_seen()
        await text_store.aclose()

    async def book(self, **columns: str) -> str:
        """A booking that no webhook tells of."""
        plan = self.office.plan()
        await self.stack.dataverse.create(BOOKINGS, {**booking_row(plan), **columns}, webhooks=False)
        return plan.id

    async def hold(self, path: str, method: str) -> None:
        """Hold up one such request to Graph for longer than a test takes to interrupt it."""
        await self.stack.graph.add_fault(Fault(path=path, method=method, delay_seconds=5.0))

    async def until_held(self) -> None:
        """Wait for the request that is held up, which another task or process sends."""
        async with asyncio.timeout(20):
            while await self.stack.graph.pending_strikes():  # noqa: ASYNC110 - no event of ours to wait for
                await asyncio.sleep(0.05)


@asynccontextmanager
async def open_deployment(
    folder: Path,
    *,
    hosts: int = 0,
    credential: CredentialKind = "secret",
    certificate_form: CertificateForm = "pem",
    settings: Mapping[str, str] | None = None,
) -> AsyncIterator[Deployment]:
    """A furnished, provisioned stack; while it lasts, this process trusts it as its app does."""
    maker = WorldMaker(seed=5)
    world = maker.make(technicians=2, bookings=1, day=date(2027, 3, 26))
    # The doctor warns of a catch-up that runs seldom; only a host needs one that does.
    chosen = {**(NO_TIMERS if hosts else {}), **(settings or {})}
    options = StackOptions(
        folder,
        provisioned=False,
        hosts=hosts,
        settings=chosen,
        credential=credential,
        certificate_form=certificate_form,
    )
    with pytest.MonkeyPatch.context() as patch:
        async with LocalStack(options) as stack:
            for name, value in stack.settings.items():
                patch.setenv(name, value)
            # aiohttp reads SSL_CERT_FILE once, when it is imported, which was before there was a stack.
            trust = ssl.create_default_context(cafile=str(stack.certificates.authority))
            patch.setattr("aiohttp.connector._SSL_CONTEXT_VERIFIED", trust)
            office = Office(stack, maker, world)
            await office.furnish()
            deployment = Deployment(office)
            if hosts:
                deployment.key = stack.keys.function
            await deployment.provision(f"{stack.host_url}/api/dataverse/bookings" if hosts else NOWHERE)
            await deployment.note_seen()
            yield deployment


async def no_pause(_seconds: float) -> None:
    """Wait no longer than for others to have their turn."""
    await asyncio.sleep(0)


def bad(report: DoctorReport) -> list[CheckResult]:
    """What the doctor complains of."""
    return [each for each in report.results if each.status in (CheckStatus.WARNING, CheckStatus.ERROR)]


def the(report: DoctorReport, check: str) -> CheckResult:
    """The result of a check."""
    (found,) = [each for each in report.results if each.check == check]
    return found
