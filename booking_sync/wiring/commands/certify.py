"""What `certify` works with: the app's own requests, without its retries and translations."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from booking_sync.domain.ids import typed_guid
from booking_sync.errors import PermanentError
from booking_sync.wiring.basics import new_id, now
from booking_sync.wiring.commands.doctor import WebhookToExpect
from booking_sync.wiring.services import Services

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
    from datetime import datetime

    from booking_sync.azure.entra.sign_in import SignIn
    from booking_sync.certify.parts import CertifyOptions
    from booking_sync.certify.run import TenantCheck
    from booking_sync.domain.messages.change import BookingChange
    from booking_sync.ports.certification import OwnLine, Posted, ServiceAnswer
    from booking_sync.ports.platform.queues import QueueState


@dataclass(frozen=True, slots=True)
class WorkspaceReader:
    """Who reads the Log Analytics workspace, and where."""

    sign_in: SignIn
    url: str = ""
    """Of the query API; empty for the public cloud's."""


@asynccontextmanager
async def open_certify(
    environ: Mapping[str, str],
    sign_in: SignIn,
    options: CertifyOptions,
    tell: Callable[[str], None],
    ask_person: Callable[[str], Awaitable[None]],
    *,
    webhook: WebhookToExpect | None = None,
    reader: WorkspaceReader | None = None,
) -> AsyncIterator[TenantCheck]:
    """One tenant check, signed in as this command line says.

    Args:
        environ: the settings.
        sign_in: who signs in.
        options: what the command line asks for; mailboxes may still be sign-in names or addresses.
        tell: hears what is looked at.
        ask_person: says what to do in Outlook, and returns when it is done.
        webhook: the deployed app's, as far as it is known.
        reader: who reads the workspace that the options name; whoever has run `az login` when None.

    Raises:
        SettingsError: a setting is missing or malformed, or the environment is not the one that they name.
        TransientError: Dataverse, Entra or Key Vault can't be reached.
        PermanentError: Dataverse refuses us or does not know a mailbox's user, or nobody is signed in.
    """
    from booking_sync.azure.entra.sign_in import SignIn
    from booking_sync.certify.parts import Tenant
    from booking_sync.certify.run import TenantCheck
    from booking_sync.dataverse.trials import DataverseTrials
    from booking_sync.outlook.graph.client import GraphClient
    from booking_sync.outlook.trials import OutlookTrials
    from booking_sync.settings.parts import GraphSettings
    from booking_sync.wiring.sync import start_sync

    reader = reader or WorkspaceReader(SignIn.CLI)
    async with (
        Services(environ, sign_in=sign_in) as services,
        Services(environ, sign_in=reader.sign_in) as readers,
    ):
        sync = await start_sync(services)
        client = GraphClient(services.part(GraphSettings).graph_url, services.credential)
        calendar = OutlookTrials(client, services.credential, services.clock)
        try:
            tenant = Tenant(
                calendar,
                calendar,
                DataverseTrials(services.dataverse, services.columns, services.people.resource_columns),
                _DeployedApp(services, webhook or WebhookToExpect()),
                _Workspace(readers, options.workspace, reader.url),
                sync.events.renderer.style.zone,
                sync.events.renderer.render,
            )
            named = replace(
                options,
                mailbox=await _mailbox(services, options.mailbox),
                other_mailbox=await _mailbox(services, options.other_mailbox),
                address=_address(services),
            )
            yield TenantCheck(tenant, sync.prover, named, now, new_id, tell, ask_person)
        finally:
            await calendar.aclose()


def _address(services: Services) -> str:
    """Where the deployed app hears Graph; empty where it does not.

    Raises:
        SettingsError: a setting of the way back is malformed.
    """
    from booking_sync.domain.return_path.policy import Mode
    from booking_sync.settings.parts import ReturnSettings

    settings = services.part(ReturnSettings)
    return settings.notification_url if settings.return_policy.path is not Mode.OFF else ""


async def _mailbox(services: Services, name: str) -> str:
    """The Entra object id of a mailbox's user, who is named by it, or by a sign-in name or address.

    Raises:
        PermanentError: Dynamics 365 knows nobody of that name.
    """
    from booking_sync.dataverse.reads.doctor_reads import DataverseAppAccessReads, ExpectedIdentity

    identity = typed_guid(name)
    if identity is not None or not name:
        return identity or ""
    reads = DataverseAppAccessReads(services.dataverse, services.columns, ExpectedIdentity("", ""))
    found = await reads.mailbox_of(name)
    if not found:
        raise PermanentError("Dynamics 365: no user has the sign-in name or address given with --mailbox.")
    return found


@dataclass(frozen=True, slots=True)
class _DeployedApp:
    """Fulfils `AppTrials`."""

    services: Services
    webhook: WebhookToExpect

    async def post_webhooks(self, count: int) -> Posted:
        from booking_sync.azure.trials.webhooks import WebhookTrials

        return await WebhookTrials(self.webhook.url, self.webhook.key).post(count)

    async def queue_message(self, change: BookingChange) -> None:
        await self.services.storage.queue.send(change)

    async def queue(self) -> QueueState:
        return await self.services.storage.inspection.state()


@dataclass(frozen=True, slots=True)
class _Workspace:
    """Fulfils `TelemetryTrials`; nobody signs in before it is asked."""

    readers: Services
    workspace: str
    url: str

    async def telemetry(self, since: datetime, own: OwnLine | None) -> ServiceAnswer:
        from booking_sync.azure.trials.telemetry import PUBLIC_CLOUD, LogAnalyticsTrials

        trials = LogAnalyticsTrials(self.readers.credential, self.workspace, self.url or PUBLIC_CLOUD)
        return await trials.telemetry(since, own)
