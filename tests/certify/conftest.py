"""A provisioned stack to try the tenant check on, in the process of the tests."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, is_dataclass
from typing import TYPE_CHECKING, Any

import pytest_asyncio

from booking_sync.azure.entra.sign_in import SignIn
from booking_sync.certify.parts import CertifyOptions
from booking_sync.certify.run import TenantCheck
from booking_sync.wiring.commands.certify import WorkspaceReader, open_certify
from booking_sync.wiring.commands.doctor import WebhookToExpect
from local.stack import WEBHOOK_ROUTE
from tests.doctor.deployment import Deployment, no_pause, open_deployment
from tests.support.addresses import Address, listening

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest

    from booking_sync.certify.results import AssumptionResult, CertifyReport


LONG_AGO = 5 * 3600
"""Seconds; a line of then is in the workspace also where what is new has not arrived."""


@dataclass
class CertifiedStack:
    """A deployment, and the tenant check of it."""

    deployment: Deployment
    booking: str
    address: Address
    """Answers Graph as the deployed app does."""

    @property
    def hearing(self) -> dict[str, str]:
        """Settings with which the deployed app hears Graph."""
        return {"RETURN_PATH": "report", "NOTIFICATION_URL": self.address.url.partition("?")[0]}

    @property
    def mailbox(self) -> str:
        """The test mailbox."""
        return self.deployment.office.anna.mailbox

    @property
    def options(self) -> CertifyOptions:
        """Everything but what needs a running app."""
        other = self.deployment.office.ben.mailbox
        return CertifyOptions(
            self.mailbox,
            other,
            self.booking,
            workspace=self.deployment.stack.identities.workspace_id,
            by_hand=True,
        )

    @asynccontextmanager
    async def open(
        self, options: CertifyOptions | None = None, **settings: str
    ) -> AsyncIterator[TenantCheck]:
        """The check, with a person who copies events when asked to."""
        stack = self.deployment.stack
        url = stack.host_url + WEBHOOK_ROUTE if stack.hosts else ""
        async with open_certify(
            {**self.deployment.environ, **settings},
            SignIn.APP,
            options or self.options,
            lambda _: None,
            self.copy_newest,
            webhook=WebhookToExpect(url, self.deployment.key),
            reader=WorkspaceReader(SignIn.APP, stack.logs.url),
        ) as check:
            check.sleep = no_pause
            yield check

    async def run(self, options: CertifyOptions | None = None, **settings: str) -> CertifyReport:
        """Make all checks but those that wait for an app which isn't there."""
        async with self.open(options, **settings) as check:
            if not self.deployment.stack.hosts:
                check.checks = [each for each in check.checks if "queue_wakes" not in each.names]
            return await check.run()

    async def copy_newest(self, _words: str) -> None:
        """What a person is asked for."""
        graph = self.deployment.stack.graph
        newest = (await graph.events(self.mailbox))[-1]
        await graph.user("copy", self.mailbox, id=newest["immutableId"])

    async def configure(self, service: str, **settings: Any) -> None:
        """Turn a stand-in's settings."""
        control = getattr(self.deployment.stack, service)
        await control.configure(**{name: _plain(value) for name, value in settings.items()})

    async def events(self) -> list[dict[str, Any]]:
        """What the calendars show, and what lies in Deleted Items."""
        graph = self.deployment.stack.graph
        return [*await graph.events(), *await graph.deleted_items()]

    async def clear(self) -> None:
        """Empty the test mailbox of what people put there."""
        graph = self.deployment.stack.graph
        for each in await graph.events(self.mailbox):
            await graph.user("delete", self.mailbox, id=each["immutableId"], forGood=True)
        await graph.empty_deleted_items(self.mailbox)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value


def the(report: CertifyReport, name: str) -> AssumptionResult:
    """The result of an assumption."""
    (found,) = [each for each in report.results if each.assumption.name == name]
    return found


MANY_RUNS = 1_000_000
"""Requests to one mailbox in ten minutes; Graph takes 10,000."""


@asynccontextmanager
async def open_certified(
    tmp_path_factory: pytest.TempPathFactory, hosts: int
) -> AsyncIterator[CertifiedStack]:
    """A stack with a booking."""
    async with open_deployment(tmp_path_factory.mktemp("stack"), hosts=hosts) as deployment:
        for age in (60, LONG_AGO):
            await deployment.stack.logs.call("POST", "lines", {"event": "catch_up", "ageSeconds": age})
        # A file makes as many runs in ten minutes as nobody makes of a tenant in a year.
        await deployment.stack.graph.configure(budget_requests=MANY_RUNS)
        async with listening() as address:
            yield CertifiedStack(deployment, await deployment.book(), address)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def certified(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[CertifiedStack]:
    """Without a Functions host."""
    async with open_certified(tmp_path_factory, 0) as made:
        yield made
