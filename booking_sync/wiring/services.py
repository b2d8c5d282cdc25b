"""The clients and adapters of Dataverse and Graph, made here and nowhere else.

Each is a property that makes its thing at its first use and keeps it; `aclose` closes whatever was made. A
failure is not kept: the next use reads the settings again, so that what an administrator has mended counts
without a restart. Making one asks no service; what has to ask one first is in `sync`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from booking_sync.domain.text import trim
from booking_sync.errors import SettingsError
from booking_sync.plumbing.circuit import Circuit
from booking_sync.wiring.basics import loop_time, now
from booking_sync.wiring.signing_in import SigningIn
from booking_sync.wiring.storage import StorageServices

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import httpx

    from booking_sync.azure.entra.sign_in import SignIn
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
    from booking_sync.dataverse.web_api.transport import Timeouts, Wire
    from booking_sync.domain.environment.columns import SupportColumns
    from booking_sync.domain.events.event_text.columns import EventColumn
    from booking_sync.event_file.content import EventFile
    from booking_sync.outlook.calendar import OutlookCalendar
    from booking_sync.plumbing.busy_time import BurstSizes
    from booking_sync.ports.platform.clock import Clock
    from booking_sync.ports.platform.credentials import AppCredential
    from booking_sync.ports.platform.keys import OpenKeyring
    from booking_sync.settings.parts import PeopleSettings
    from booking_sync.settings.table import Settings

_NO_VAULT = "https://no-vault.invalid"


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """How services are asked, which differs between the sync and a command that looks or customizes."""

    for_sync: bool = True
    """A circuit leaves a service alone that is down, and events get the open extension of the settings."""
    dataverse_requests: int | None = None
    """Requests to Dataverse at a time; None for as many as it allows one user."""
    dataverse_seconds: float | None = None
    """How long Dataverse may stay silent over one answer; None for the client's own patience."""

    @property
    def timeouts(self) -> Timeouts:
        """How long Dataverse is waited for; a whole answer may take at least as long as silence may."""
        from booking_sync.dataverse.web_api.transport import Timeouts

        usual = Timeouts()
        if self.dataverse_seconds is None:
            return usual
        return replace(usual, read=self.dataverse_seconds, total=max(usual.total, self.dataverse_seconds))


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


class Services(SigningIn):
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
        super().__init__(environ, clock, sign_in, substitutes.credential, substitutes.seal_keys)
        self.storage = storage or StorageServices(environ, clock)
        if storage is None:
            self._closing.push_async_callback(self.storage.aclose)
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

    # --- Dataverse --------------------------------------------------------------------------------------

    @cached_property
    def dataverse(self) -> DataverseClient:
        """The environment's Web API, which everything that asks Dataverse shares."""
        from booking_sync.dataverse.web_api.client import PLACES, DataverseClient
        from booking_sync.settings.parts import EnvironmentSettings

        options = self._options
        client = DataverseClient(
            self.part(EnvironmentSettings).dataverse_url,
            self.credential,
            self.clock,
            workers=options.dataverse_requests or PLACES,
            timeouts=options.timeouts,
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
