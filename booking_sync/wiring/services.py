"""Every client and adapter, made here and nowhere else.

    StorageServices    queues and journal: all that a webhook needs
    Services           signing in, Dataverse, Graph

Each is a property that makes its thing at its first use and keeps it; `aclose` closes whatever was made. A
failure is not kept: the next use reads the settings again, so that what an administrator has mended counts
without a restart. Making one asks no service; what has to ask one first is in `sync`.

This module itself imports no SDK and nothing of ours that does, since every cold start imports it.
"""

from __future__ import annotations

import asyncio
import random
import uuid
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Self, TypeVar

from booking_sync.domain.text import trim
from booking_sync.errors import SettingsError
from booking_sync.plumbing.circuit import Circuit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    import httpx
    from _typeshed import DataclassInstance

    from booking_sync.azure.entra.proofs import Proof
    from booking_sync.azure.entra.sign_in import SignIn
    from booking_sync.azure.key_vault.notification_keys import VaultNotificationKeys
    from booking_sync.azure.key_vault.secrets import KeyVaultSecret
    from booking_sync.azure.storage.blob_texts import BlobTextStore
    from booking_sync.azure.storage.intake import StorageChangeIntake
    from booking_sync.azure.storage.poison import StoragePoisonQueue
    from booking_sync.azure.storage.queue import StorageChangeQueue
    from booking_sync.dataverse.addresses import MailboxAddresses
    from booking_sync.dataverse.reads.audit_reads import DataverseAuditReads
    from booking_sync.dataverse.reads.detail_reads import DataverseDetailReads
    from booking_sync.dataverse.reads.event_owners import DataverseEventOwners
    from booking_sync.dataverse.reads.failures import DataverseFailures
    from booking_sync.dataverse.reads.name_search import DataverseNameSearch
    from booking_sync.dataverse.reads.related import DataverseRelatedBookings
    from booking_sync.dataverse.reads.return_listing import DataverseReturnListing
    from booking_sync.dataverse.reads.return_reads import DataverseReturnReads
    from booking_sync.dataverse.resources import DataverseResources
    from booking_sync.dataverse.web_api.client import DataverseClient
    from booking_sync.dataverse.web_api.pause import Pause
    from booking_sync.dataverse.web_api.transport import Wire
    from booking_sync.domain.environment.columns import SupportColumns
    from booking_sync.domain.events.event_text.columns import EventColumn
    from booking_sync.event_file.content import EventFile
    from booking_sync.operations.journal.store import JournalStore
    from booking_sync.outlook.calendar import OutlookCalendar
    from booking_sync.plumbing.busy_time import BurstSizes
    from booking_sync.ports.platform.clock import Clock
    from booking_sync.ports.platform.credentials import AppCredential, SecretSource
    from booking_sync.ports.platform.keys import OpenKeyring
    from booking_sync.settings.parts import PeopleSettings
    from booking_sync.settings.table import Settings
    from booking_sync.settings.values import CredentialKind

    Part = TypeVar("Part", bound=DataclassInstance)

CLIENT_SECRET_VARIABLE = "ENTRA_CLIENT_SECRET"  # noqa: S105 - the variable's name, no secret
"""Holds the app registration's secret for the command line, where there is no vault to read it from."""

SEAL_KEY_VARIABLE = "BOOKING_SYNC_SEAL_KEY"
"""Holds the key that seals records for the command line, where there is no vault to read it from."""

_NO_VAULT = "https://no-vault.invalid"


def now() -> datetime:
    """The time of day, UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """A fresh GUID's text."""
    return str(uuid.uuid4())


def loop_time() -> float:
    """Seconds on the running event loop's clock."""
    return asyncio.get_running_loop().time()


class ClosedTogether:
    """What closes all that it has made, the last one first."""

    def __init__(self) -> None:
        self._closing = AsyncExitStack()

    async def aclose(self) -> None:
        """Close what was made; nothing of it may be used afterwards."""
        await self._closing.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()


class StorageServices(ClosedTogether):
    """What lies in the app's storage account.

    Args:
        environ: the settings.
        clock: the time of day.

    Raises:
        SettingsError: of each property, when the storage account's settings are missing or malformed.
    """

    def __init__(self, environ: Mapping[str, str], clock: Clock = now) -> None:
        super().__init__()
        self._environ = environ
        self._clock = clock

    @cached_property
    def queue(self) -> StorageChangeQueue:
        """The change queue, and the poison queue beside it."""
        from booking_sync.azure.storage.queue import open_queue
        from booking_sync.settings.loading import load_queue_settings

        settings = load_queue_settings(self._environ)
        queue = open_queue(settings.storage, settings.queue_name, self._clock)
        self._closing.push_async_callback(queue.aclose)
        return queue

    @cached_property
    def inspection(self) -> StoragePoisonQueue:
        """Both queues as people see them: how full they are, and what lies on the poison queue."""
        return self.queue.inspection()

    @cached_property
    def intake(self) -> StorageChangeIntake:
        """The change queue for whoever works its messages off."""
        return self.queue.intake()

    @cached_property
    def text_store(self) -> BlobTextStore | None:
        """Texts that all instances share; None when the settings name no blob service."""
        from booking_sync.azure.storage.blob_texts import open_text_store
        from booking_sync.settings.loading import load_queue_settings

        texts = open_text_store(load_queue_settings(self._environ).storage)
        if texts is not None:
            self._closing.push_async_callback(texts.aclose)
        return texts

    def journal(self, closed_mailboxes: Callable[[], Mapping[str, float]] = dict) -> JournalStore:
        """This process's journal, and a view of all instances'; the caller closes it, before the storage.

        Args:
            closed_mailboxes: those that Graph asked this process to leave alone, with the seconds left.
        """
        from booking_sync.operations.journal.store import JournalStore

        return JournalStore(lambda: self.text_store, new_id(), self._clock, closed_mailboxes)


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """How services are asked, which differs between the sync and a command that looks or customizes."""

    for_sync: bool = True
    """A circuit leaves a service alone that is down, and events get the open extension of the settings."""
    dataverse_requests: int | None = None
    """Requests to Dataverse at a time; None for as many as it allows one user."""
    dataverse_seconds: float | None = None
    """How long Dataverse may stay silent over one answer; None for the client's own patience."""


SYNC_OPTIONS = ClientOptions()


@dataclass(frozen=True, slots=True)
class Substitutes:
    """What simulations and benchmarks put before the network; None leaves the real one."""

    credential: AppCredential | None = None
    """Stays theirs to close, as the keyring does."""
    seal_keys: OpenKeyring | None = None
    dataverse_wire: Callable[[Pause], Wire] | None = None
    """Makes what requests to Dataverse travel on."""
    graph_transport: httpx.AsyncBaseTransport | None = None
    """What requests to Graph travel on."""
    burst: BurstSizes | None = None
    """What the batches of a burst hold."""


NO_SUBSTITUTES = Substitutes()


class Services(ClosedTogether):
    """Signing in, and the services that are asked with the tokens.

    Args:
        environ: the settings; each property needs those of its own kind only.
        storage: the storage account's, when somebody has them already, who also closes them.
        sign_in: how a command signs in; None for the function app, whose secret is in Key Vault and nowhere
            else.
        options: how services are asked.
        clock: the time of day.
        substitutes: put before the network by simulations and benchmarks.

    Raises:
        SettingsError: of each property, when a setting that it needs is missing or malformed.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        storage: StorageServices | None = None,
        sign_in: SignIn | None = None,
        options: ClientOptions = SYNC_OPTIONS,
        clock: Clock = now,
        substitutes: Substitutes = NO_SUBSTITUTES,
    ) -> None:
        super().__init__()
        self.environ = environ
        self.clock = clock
        self.storage = storage or StorageServices(environ, clock)
        if storage is None:
            self._closing.push_async_callback(self.storage.aclose)
        self._sign_in = sign_in
        self._options = options
        self._substitutes = substitutes

    # --- settings ---------------------------------------------------------------------------------------

    def settings(self) -> Settings:
        """All of them, read anew; a command that gets by without a vault need not name one.

        Raises:
            SettingsError: names every setting that is missing or malformed.
        """
        from booking_sync.settings.loading import load_settings

        if self._reads_vault or trim(self.environ.get("KEY_VAULT_URL", "")):
            return load_settings(self.environ)
        return load_settings({**self.environ, "KEY_VAULT_URL": _NO_VAULT})

    def part(self, part: type[Part]) -> Part:
        """Only the settings that the fields of a dataclass name; see `load_part`."""
        from booking_sync.settings.loading import load_part

        return load_part(self.environ, part)

    @property
    def columns(self) -> SupportColumns:
        """The support columns."""
        from booking_sync.settings.parts import EnvironmentSettings

        return self.part(EnvironmentSettings).columns

    @property
    def people(self) -> PeopleSettings:
        """Whose bookings show, and where."""
        from booking_sync.settings.parts import PeopleSettings

        return self.part(PeopleSettings)

    def event_file(self) -> EventFile:
        """What events show; raises `SettingsError`."""
        from booking_sync.event_file.reading import load_event_file

        return load_event_file(self.environ)

    async def event_columns(self, file: EventFile) -> tuple[EventColumn, ...]:
        """The file's columns, as the environment knows them; without any, nothing is asked.

        Raises:
            SettingsError: a path leads nowhere, or all of them to more tables than one question takes.
            TransientError: Dataverse can't answer now.
            PermanentError: Dataverse refuses.
        """
        if not file.columns:
            return ()
        from booking_sync.dataverse.event_columns.definitions import DataverseTableDefinitions
        from booking_sync.dataverse.queries import check_expands
        from booking_sync.event_file.content import EventFileError, Problem
        from booking_sync.event_file.resolving import resolve

        columns = await resolve(file, DataverseTableDefinitions(self.dataverse))
        if wrong := check_expands(columns):
            raise EventFileError(file.name, [Problem(f"[columns] {wrong}", file.positions.get("columns"))])
        return columns

    # --- secrets and signing in -------------------------------------------------------------------------

    @cached_property
    def vault_secret(self) -> KeyVaultSecret:
        """The app registration's secret or certificate in Key Vault."""
        from booking_sync.azure.key_vault.secrets import KeyVaultSecret
        from booking_sync.settings.parts import VaultSettings
        from booking_sync.settings.values import CredentialKind

        vault = self.part(VaultSettings)
        name, setting = vault.client_secret_name, "CLIENT_SECRET_NAME"
        if self.credential_kind is CredentialKind.CERTIFICATE:
            name, setting = vault.client_certificate_name, "CLIENT_CERTIFICATE_NAME"
        secret = KeyVaultSecret(
            vault.key_vault_url,
            name,
            setting=setting,
            verify_challenge=vault.key_vault_verify_challenge,
        )
        self._closing.push_async_callback(secret.close)
        return secret

    def checked_secret(self) -> KeyVaultSecret | None:
        """What of the vault the app registration signs in with; None when it is nothing there."""
        from booking_sync.settings.values import CredentialKind

        if self.given_secret or self.credential_kind is CredentialKind.FEDERATED:
            return None
        return self.vault_secret

    @property
    def credential_kind(self) -> CredentialKind:
        """How the app registration signs in; a secret that a command was given wins."""
        from booking_sync.settings.parts import RegistrationSettings
        from booking_sync.settings.values import CredentialKind

        return CredentialKind.SECRET if self.given_secret else self.part(RegistrationSettings).credential

    @cached_property
    def seal_keys(self) -> OpenKeyring:
        """The keys that seal records and events: Key Vault's, or one that a command was given; not read yet.

        Raises:
            SettingsError: the key that was given can't be used, or the vault's settings can't.
        """
        if self._substitutes.seal_keys is not None:
            return self._substitutes.seal_keys
        from booking_sync.azure.key_vault.seal_keys import GivenSealKeys, VaultSealKeys
        from booking_sync.domain.events.ownership import make_key
        from booking_sync.settings.parts import SealKeySettings

        if self.given_seal_key:
            try:
                return GivenSealKeys(make_key(self.given_seal_key))
            except ValueError as error:
                raise SettingsError(f"{SEAL_KEY_VARIABLE} {error}.") from None
        vault = self.part(SealKeySettings)
        keys = VaultSealKeys(
            vault.key_vault_url,
            vault.seal_key_name,
            self.clock,
            verify_challenge=vault.key_vault_verify_challenge,
        )
        self._closing.push_async_callback(keys.close)
        return keys

    @cached_property
    def notification_keys(self) -> VaultNotificationKeys:
        """The keys that prove what Graph reports; not read yet."""
        from booking_sync.settings.parts import NotificationSettings
        from booking_sync.wiring.from_outlook import notification_keys

        keys = notification_keys(self.part(NotificationSettings), self.clock)
        self._closing.push_async_callback(keys.close)
        return keys

    @property
    def given_secret(self) -> str:
        """The app registration's secret when a command was given it in its environment; else empty."""
        return self._given(CLIENT_SECRET_VARIABLE)

    @property
    def given_seal_key(self) -> str:
        """The key that seals, when a command was given it in its environment; else empty."""
        return self._given(SEAL_KEY_VARIABLE)

    def _given(self, variable: str) -> str:
        """What a command's environment holds; the function app takes no secret from there."""
        return "" if self._sign_in is None else trim(self.environ.get(variable, ""))

    @cached_property
    def credential(self) -> AppCredential:
        """Tokens of whoever signs in; connects at the first one."""
        if self._substitutes.credential is not None:
            return self._substitutes.credential
        person = self._person
        credential = self._app_credential() if person is None else self._personal_credential(person)
        self._closing.push_async_callback(credential.close)
        return credential

    def _app_credential(self) -> AppCredential:
        """The app registration's credential. It is made here only, for the function app and for commands."""
        from booking_sync.azure.entra.credential import AppRegistrationCredential
        from booking_sync.azure.entra.proofs import Registration
        from booking_sync.settings.parts import RegistrationSettings

        app = self.part(RegistrationSettings)
        registration = Registration(app.tenant_id, app.client_id, app.authority_host)
        return AppRegistrationCredential(registration, self.proof_source(), self._proof())

    def _proof(self) -> Proof:
        from booking_sync.azure.entra.proofs import CertificateProof, IdentityProof, SecretProof
        from booking_sync.settings.values import CredentialKind

        if self.given_secret:
            return SecretProof(f"correct {CLIENT_SECRET_VARIABLE}")
        if self.credential_kind is CredentialKind.CERTIFICATE:
            return CertificateProof()
        return IdentityProof() if self.credential_kind is CredentialKind.FEDERATED else SecretProof()

    def proof_source(self) -> SecretSource:
        """Where the text comes from that the app registration proves itself with."""
        from booking_sync.azure.entra.proofs import AssertionSource
        from booking_sync.azure.entra.sign_in import GivenSecret
        from booking_sync.ports.platform.credentials import SecretText
        from booking_sync.settings.parts import AuthoritySettings
        from booking_sync.settings.values import CredentialKind

        if self.given_secret:
            return GivenSecret(SecretText(self.given_secret))
        if self.credential_kind is CredentialKind.FEDERATED:
            return AssertionSource(self.part(AuthoritySettings).authority_host)
        return self.vault_secret

    def _personal_credential(self, person: SignIn) -> AppCredential:
        from booking_sync.azure.entra.sign_in import open_person
        from booking_sync.settings.loading import load_persons_tenant
        from booking_sync.settings.parts import AuthoritySettings

        authority = self.part(AuthoritySettings).authority_host
        return open_person(person, load_persons_tenant(self.environ), authority)

    @property
    def _person(self) -> SignIn | None:
        """How a person signs in; None when the app registration does."""
        if self._sign_in is None:
            return None
        from booking_sync.azure.entra.sign_in import SignIn

        return None if self._sign_in is SignIn.APP else self._sign_in

    @property
    def _reads_vault(self) -> bool:
        return self._person is None and not self.given_secret

    # --- Dataverse --------------------------------------------------------------------------------------

    @cached_property
    def dataverse(self) -> DataverseClient:
        """The environment's Web API, which everything that asks Dataverse shares."""
        from booking_sync.dataverse.web_api.client import PLACES, DataverseClient
        from booking_sync.dataverse.web_api.transport import Timeouts
        from booking_sync.settings.parts import EnvironmentSettings

        options, seconds = self._options, self._options.dataverse_seconds
        client = DataverseClient(
            self.part(EnvironmentSettings).dataverse_url,
            self.credential,
            self.clock,
            workers=options.dataverse_requests or PLACES,
            timeouts=Timeouts() if seconds is None else Timeouts(read=seconds),
            open_wire=self._substitutes.dataverse_wire,
            circuit=self.circuit("Dynamics 365"),
        )
        self._closing.push_async_callback(client.aclose)
        return client

    async def check_organization(self) -> str:
        """The environment's organisation, which must be the one that the settings name when they do.

        A copy of an environment keeps its webhooks, and its app's settings may be copied with it; it must
        not reach people's calendars.

        Raises:
            SettingsError: they differ.
            TransientError: the environment can't be asked now.
            PermanentError: it refuses us.
        """
        from booking_sync.settings.parts import EnvironmentSettings

        expected = self.part(EnvironmentSettings).organization_id
        actual = (await self.dataverse.who_am_i()).organization_id
        if expected and actual.lower() != expected:
            raise SettingsError(
                f"DATAVERSE_URL leads to organisation {actual}, but DATAVERSE_ORGANIZATION_ID is "
                f"{expected}; nothing is written until they agree."
            )
        return actual

    @cached_property
    def audit_reads(self) -> DataverseAuditReads:
        """Which bookings are gone, and who is whose mailbox."""
        from booking_sync.dataverse.reads.audit_reads import DataverseAuditReads

        return DataverseAuditReads(self.dataverse, self.settings().columns, self.resources)

    @cached_property
    def event_owners(self) -> DataverseEventOwners:
        """Which bookings events belong to."""
        from booking_sync.dataverse.reads.event_owners import DataverseEventOwners

        return DataverseEventOwners(self.dataverse, self.columns)

    @cached_property
    def related_bookings(self) -> DataverseRelatedBookings:
        """The bookings that show a work order or a resource."""
        from booking_sync.dataverse.reads.related import DataverseRelatedBookings

        return DataverseRelatedBookings(self.dataverse)

    @cached_property
    def return_reads(self) -> DataverseReturnReads | None:
        """What stands in the way of a move or a cancellation from Outlook; None where nothing comes back."""
        from booking_sync.dataverse.reads.return_reads import DataverseReturnReads
        from booking_sync.settings.parts import ReturnSettings

        settings = self.part(ReturnSettings)
        if settings.return_columns is None:
            return None
        return DataverseReturnReads(
            self.dataverse, settings.return_columns, settings.cancel_status_id, self.clock
        )

    @cached_property
    def return_listing(self) -> DataverseReturnListing | None:
        """What of the way back from Outlook an operator should know; None where nothing comes back."""
        from booking_sync.dataverse.reads.return_listing import DataverseReturnListing
        from booking_sync.settings.parts import ReturnSettings

        back = self.part(ReturnSettings).return_columns
        return None if back is None else DataverseReturnListing(self.dataverse, self.columns, back)

    @cached_property
    def failures(self) -> DataverseFailures:
        """The bookings whose row says that they can't be shown."""
        from booking_sync.dataverse.reads.failures import DataverseFailures

        return DataverseFailures(self.dataverse, self.columns.sync_error)

    @cached_property
    def details(self) -> DataverseDetailReads:
        """What of one booking only `status` shows."""
        from booking_sync.dataverse.reads.detail_reads import DataverseDetailReads

        return DataverseDetailReads(self.dataverse, self.columns)

    @cached_property
    def name_search(self) -> DataverseNameSearch:
        """Bookings and technicians by what people call them."""
        from booking_sync.dataverse.reads.name_search import DataverseNameSearch

        return DataverseNameSearch(self.dataverse, self.resources, self.clock)

    @cached_property
    def resources(self) -> DataverseResources:
        """Who takes part, and in which mailbox."""
        from booking_sync.dataverse.resources import DataverseResources

        people = self.people
        return DataverseResources(
            self.dataverse, people.resource_columns, people.participation, self.mailbox_addresses
        )

    @cached_property
    def mailbox_addresses(self) -> MailboxAddresses:
        """Looks up the mailboxes that bookable resources name by an address."""
        from booking_sync.dataverse.addresses import MailboxAddresses

        return MailboxAddresses(lambda: self.calendar.directory)

    # --- Graph ------------------------------------------------------------------------------------------

    @cached_property
    def calendar(self) -> OutlookCalendar:
        """The technicians' calendars."""
        from booking_sync.outlook.calendar import open_calendar
        from booking_sync.settings.parts import CalendarSettings, ExtensionSettings, GraphSettings

        extension = self.part(ExtensionSettings).open_extension_name if self._options.for_sync else ""
        calendar = open_calendar(
            self.part(GraphSettings).graph_url,
            self.credential,
            extension,
            self.clock,
            circuit=self.circuit("Graph"),
            transport=self._substitutes.graph_transport,
            in_burst=self.burst.events,
            calendars=self.part(CalendarSettings).calendars,
        )
        self._closing.push_async_callback(calendar.aclose)
        return calendar

    @property
    def burst(self) -> BurstSizes:
        """What the batches of a burst hold."""
        from booking_sync.plumbing.busy_time import BURST_SIZES

        return self._substitutes.burst or BURST_SIZES

    def circuit(self, service: str) -> Circuit | None:
        """A new circuit in front of a service; None for commands, which ask come what may."""
        return Circuit(service, loop_time, random.random) if self._options.for_sync else None
