"""The composition root's part for the commands that look: `doctor` and `status`.

As in `wiring`, everything is made at its first use, so that a bad setting spoils only what needs it, and
closed in the end by the context manager that handed it out.
"""

from __future__ import annotations

import functools
import secrets
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from booking_sync.azure.sign_in import SignIn
from booking_sync.errors import SettingsError
from booking_sync.settings.loading import load_part, load_queue_settings, load_settings
from booking_sync.settings.table import (
    EnvironmentSettings,
    RegistrationSettings,
    VaultSettings,
)
from booking_sync.wiring.ambient import new_id, now
from booking_sync.wiring.machinery import checked_organization, desired_state_rule, make_prover
from booking_sync.wiring.sign_in import CLIENT_SECRET_VARIABLE, open_command_keyring, open_sign_in

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from booking_sync.azure.blob_texts import BlobTextStore
    from booking_sync.azure.clocks import HttpClockReads
    from booking_sync.azure.queue import StorageChangeQueue
    from booking_sync.azure.secrets import KeyVaultSecret
    from booking_sync.dataverse.doctor_reads import DataverseAppAccessReads, DataverseRegistrationReads
    from booking_sync.dataverse.web_api.client import DataverseClient
    from booking_sync.doctor.checks import DoctorChecks
    from booking_sync.doctor.options import DoctorOptions, Expectations
    from booking_sync.domain.columns import SupportColumns
    from booking_sync.outlook.calendar import OutlookCalendar
    from booking_sync.outlook.mailbox_access import OutlookMailboxAccessReads
    from booking_sync.ports.clock import Clock
    from booking_sync.ports.credentials import AppCredential
    from booking_sync.ports.diagnosis import Audience, QueueState, Timer, TimerRun, TokenFacts
    from booking_sync.settings.cautions import Caution
    from booking_sync.status.look import StatusSources

PUBLIC_AUTHORITY = "https://login.microsoftonline.com"
TIMEOUT_SECONDS = 30.0
"""How long Dataverse may take over one answer; the first one on its tables of steps takes a while."""


@dataclass(frozen=True, slots=True)
class GraphSettings:
    """Where Graph is; a part for `load_part`."""

    graph_url: str


@dataclass(frozen=True, slots=True)
class OwnUserSettings:
    """Who we should be to Dataverse; a part for `load_part`."""

    organization_id: str
    app_user_id: str


@dataclass(frozen=True, slots=True)
class CatchUpSettings:
    """How far the catch-up looks back; a part for `load_part`."""

    catch_up_look_back_minutes: float


@dataclass(frozen=True, slots=True)
class WebhookToExpect:
    """What is known of the webhook; empty where nobody said."""

    url: str = ""
    key: str = ""


@asynccontextmanager
async def open_doctor(
    environ: Mapping[str, str],
    auth: SignIn,
    options: DoctorOptions,
    tell: Callable[[str], None],
    *,
    webhook: WebhookToExpect | None = None,
    clock: Clock = now,
) -> AsyncIterator[DoctorChecks]:
    """What `doctor` runs; nothing is opened or loaded before it is asked.

    Args:
        environ: the settings.
        auth: who reads table definitions, steps and jobs.
        options: what the command line asks for.
        tell: hears what is looked at.
        webhook: what is known of it.
        clock: the time of day.
    """
    from booking_sync.doctor.checks import DoctorChecks, DoctorSources

    async with AsyncExitStack() as exits:
        practice = _Practice(environ, auth, webhook or WebhookToExpect(), clock, exits)
        sources = DoctorSources(
            check_settings=practice.check_settings,
            expectations=practice.expectations,
            storage=practice.storage,
            vault=practice.vault,
            tokens=lambda: practice.tokens,
            clocks=practice.clocks,
            app_access=lambda: practice.app_access,
            registration_reads=lambda: practice.registration_reads,
            calendar=lambda: practice.calendar,
            mailbox_access=practice.mailbox_access,
        )
        yield DoctorChecks(sources, options, clock, new_id, tell)


class _Practice:
    """Makes what an examination asks, each thing once.

    Args:
        environ: the settings.
        auth: who reads table definitions, steps and jobs.
        webhook: what is known of it.
        now: the time of day.
        exits: closes what was opened.
        as_app: who signs in where the app would.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        auth: SignIn,
        webhook: WebhookToExpect,
        now: Clock,
        exits: AsyncExitStack,
        *,
        as_app: SignIn = SignIn.APP,
    ) -> None:
        self._environ = environ
        self._auth = auth
        self._webhook = webhook
        self._now = now
        self._exits = exits
        self._as_app = as_app

    def check_settings(self) -> tuple[Caution, ...]:
        """Raise `SettingsError` if any setting can't be used."""
        from booking_sync.settings.cautions import cautions

        settings = load_settings(self._environ)
        desired_state_rule(settings)
        return cautions(settings, self._environ)

    def expectations(self) -> Expectations:
        from booking_sync.doctor.options import Expectations
        from booking_sync.provisioning.desired import NoCommonPrefixError, desired_customizations

        try:
            desired = desired_customizations(self.columns, self._webhook.url, has_key=bool(self._webhook.key))
        except NoCommonPrefixError as error:
            raise SettingsError(str(error)) from None
        minutes = load_part(self._environ, CatchUpSettings).catch_up_look_back_minutes
        return Expectations(desired, timedelta(minutes=minutes))

    def storage(self) -> _StorageReads:
        return _StorageReads(self.queue, self._text_store, self._now)

    def vault(self) -> KeyVaultSecret | None:
        return None if self._environ.get(CLIENT_SECRET_VARIABLE, "").strip() else self._vault

    @functools.cached_property
    def tokens(self) -> _TokenReads:
        client_id = load_part(self._environ, RegistrationSettings).client_id
        return _TokenReads(self._credential, client_id, self._audience_url)

    def clocks(self) -> HttpClockReads:
        from booking_sync.azure.clocks import HttpClockReads
        from booking_sync.ports.diagnosis import Audience

        app = load_part(self._environ, RegistrationSettings)
        authority = app.authority_host or PUBLIC_AUTHORITY
        addresses = {
            "Entra": f"{authority}/{app.tenant_id}/v2.0/.well-known/openid-configuration",
            "Graph": f"{self._audience_url(Audience.GRAPH)}/v1.0/$metadata",
            "Dataverse": f"{self._audience_url(Audience.DATAVERSE)}/api/data/v9.2/WhoAmI",
        }
        return HttpClockReads(addresses, self._now)

    @functools.cached_property
    def app_access(self) -> DataverseAppAccessReads:
        from booking_sync.dataverse.doctor_reads import DataverseAppAccessReads, ExpectedIdentity

        expected = load_part(self._environ, OwnUserSettings)
        return DataverseAppAccessReads(
            self.dataverse, self.columns, ExpectedIdentity(expected.app_user_id, expected.organization_id)
        )

    @functools.cached_property
    def registration_reads(self) -> DataverseRegistrationReads:
        from booking_sync.dataverse.doctor_reads import DataverseRegistrationReads
        from booking_sync.dataverse.webhook_key import WebhookKey

        client = self.dataverse
        if self._auth is not SignIn.APP:
            client = self._open_client(self._open_credential(self._auth))
        return DataverseRegistrationReads(
            client, self.columns, WebhookKey(self._webhook.key), secrets.token_bytes
        )

    @functools.cached_property
    def calendar(self) -> OutlookCalendar:
        from booking_sync.outlook.calendar import open_calendar

        made = open_calendar(
            load_part(self._environ, GraphSettings).graph_url, self._credential, "", self._now
        )
        self._exits.push_async_callback(made.aclose)
        return made

    def mailbox_access(self) -> OutlookMailboxAccessReads:
        from booking_sync.outlook.mailbox_access import OutlookMailboxAccessReads

        return OutlookMailboxAccessReads(self.calendar)

    # --- what several of them need ----------------------------------------------------------------------

    @functools.cached_property
    def columns(self) -> SupportColumns:
        return load_part(self._environ, EnvironmentSettings).columns

    @functools.cached_property
    def queue(self) -> StorageChangeQueue:
        from booking_sync.azure.queue import open_queue

        settings = load_queue_settings(self._environ)
        queue = open_queue(settings.storage, settings.queue_name, self._now)
        self._exits.push_async_callback(queue.aclose)
        return queue

    @functools.cached_property
    def _text_store(self) -> BlobTextStore | None:
        from booking_sync.azure.blob_texts import open_text_store

        text_store = open_text_store(load_queue_settings(self._environ).storage)
        if text_store is not None:
            self._exits.push_async_callback(text_store.aclose)
        return text_store

    @functools.cached_property
    def _vault(self) -> KeyVaultSecret:
        from booking_sync.azure.secrets import KeyVaultSecret

        part = load_part(self._environ, VaultSettings)
        vault = KeyVaultSecret(
            part.key_vault_url, part.client_secret_name, verify_challenge=part.key_vault_verify_challenge
        )
        self._exits.push_async_callback(vault.close)
        return vault

    @functools.cached_property
    def _credential(self) -> AppCredential:
        return self._open_credential(self._as_app)

    @functools.cached_property
    def dataverse(self) -> DataverseClient:
        return self._open_client(self._credential)

    def _open_credential(self, auth: SignIn) -> AppCredential:
        credential = open_sign_in(self._environ, auth)
        self._exits.push_async_callback(credential.close)
        return credential

    def _open_client(self, credential: AppCredential) -> DataverseClient:
        from booking_sync.dataverse.web_api.client import DataverseClient
        from booking_sync.dataverse.web_api.transport import Timeouts

        url = load_part(self._environ, EnvironmentSettings).dataverse_url
        client = DataverseClient(
            url, credential, self._now, workers=4, timeouts=Timeouts(read=TIMEOUT_SECONDS)
        )
        self._exits.push_async_callback(client.aclose)
        return client

    def _audience_url(self, audience: Audience) -> str:
        from booking_sync.ports.diagnosis import Audience

        if audience is Audience.GRAPH:
            return load_part(self._environ, GraphSettings).graph_url
        return load_part(self._environ, EnvironmentSettings).dataverse_url


@dataclass(frozen=True, slots=True)
class _StorageReads:
    """Fulfils `StorageReads`: queues and the timers' journal."""

    queue: StorageChangeQueue
    text_store: BlobTextStore | None
    now: Clock

    async def queues(self) -> QueueState:
        return await self.queue.inspection().state()

    async def last_run(self, timer: Timer) -> TimerRun | None:
        from booking_sync.operations.journal import RunKind
        from booking_sync.operations.journal_store import JournalStore
        from booking_sync.ports.diagnosis import TimerRun

        journal_store = JournalStore(lambda: self.text_store, "", self.now, dict)
        run = await journal_store.last(RunKind(timer.value))
        return None if run is None else TimerRun(run.finished, run.succeeded, run.problem)


@dataclass(frozen=True, slots=True)
class _TokenReads:
    """Fulfils `TokenReads`: the app's."""

    credential: AppCredential
    client_id: str
    url: Callable[[Audience], str]

    async def token(self, audience: Audience) -> TokenFacts:
        from booking_sync.azure.claims import read_claims

        token = await self.credential.get_token(f"{self.url(audience)}/.default")
        return read_claims(token.token, self.client_id)


@asynccontextmanager
async def open_status(environ: Mapping[str, str], auth: SignIn) -> AsyncIterator[StatusSources]:
    """Where `status` looks.

    Args:
        environ: the settings.
        auth: who reads Dataverse and calendars.

    Raises:
        SettingsError: a setting is missing or malformed, or the environment is not the one that they name.
        TransientError: Dataverse, Entra or Key Vault can't be reached.
        PermanentError: Dataverse refuses us, or nobody is signed in.
    """
    from booking_sync.dataverse.audit_reads import DataverseAuditReads
    from booking_sync.dataverse.bookings import DataverseBookings
    from booking_sync.dataverse.detail_reads import DataverseDetailReads
    from booking_sync.status.look import StatusSources

    settings = load_settings(environ)
    async with AsyncExitStack() as exits:
        practice = _Practice(environ, auth, WebhookToExpect(), now, exits, as_app=auth)
        client = practice.dataverse
        organization_id = await checked_organization(settings.organization_id, client)
        keyring = open_command_keyring(environ)
        exits.push_async_callback(keyring.close)
        await keyring.load()
        prover = make_prover(practice.calendar, organization_id, keyring, now)
        yield StatusSources(
            rows=DataverseBookings(client, practice.columns, prover.sealer, keyring),
            details=DataverseDetailReads(client, practice.columns),
            presence=DataverseAuditReads(client),
            events=practice.calendar,
            poison=practice.queue.inspection(),
            desired_state=desired_state_rule(settings),
            prover=prover,
        )
