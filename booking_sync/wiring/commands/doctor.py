"""What the commands that look work with: `doctor` and `status`.

The doctor is handed openers and not what they open, so that a bad setting spoils only the checks that need
it.
"""

from __future__ import annotations

import secrets
from contextlib import asynccontextmanager
from dataclasses import astuple, dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

from booking_sync.azure.entra.sign_in import SignIn
from booking_sync.errors import SettingsError
from booking_sync.settings.loading import load_settings
from booking_sync.settings.parts import (
    EnvironmentSettings,
    GraphSettings,
    RegistrationSettings,
    ReturnSettings,
)
from booking_sync.wiring.basics import new_id, now
from booking_sync.wiring.services import ClientOptions, Services

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from datetime import datetime

    from booking_sync.azure.clocks import HttpClockReads
    from booking_sync.dataverse.reads.doctor_reads import DataverseAppAccessReads, DataverseRegistrationReads
    from booking_sync.doctor.checks import DoctorChecks
    from booking_sync.doctor.options import DoctorOptions, Expectations
    from booking_sync.domain.bookings.booking import Booking
    from booking_sync.domain.events.event import EventContent
    from booking_sync.domain.events.event_text.columns import EventColumn
    from booking_sync.domain.timers import Timer, TimerRun
    from booking_sync.event_file.content import Problem
    from booking_sync.outlook.mailboxes.access import OutlookMailboxAccessReads
    from booking_sync.ports.diagnosis import Audience, TokenFacts
    from booking_sync.ports.platform.clock import Clock
    from booking_sync.ports.platform.queues import QueueState
    from booking_sync.settings.cautions import Caution
    from booking_sync.status.look import StatusSources
    from booking_sync.wiring.status import NameSources
    from booking_sync.wiring.storage import StorageServices

PUBLIC_AUTHORITY = "https://login.microsoftonline.com"
LOOKING = ClientOptions(for_sync=False, dataverse_requests=4, dataverse_seconds=30.0)
"""Dataverse's first answer on its tables of steps takes a while."""


@dataclass(frozen=True, slots=True)
class OwnUserSettings:
    """Who we should be to Dataverse; a part for `load_part`."""

    organization_id: str
    app_user_id: str


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
        auth: who reads table definitions, steps and jobs; all else is asked as the app.
        options: what the command line asks for.
        tell: hears what is looked at.
        webhook: what is known of it.
        clock: the time of day.
    """
    from booking_sync.doctor.asking.sources import DoctorSources
    from booking_sync.doctor.checks import DoctorChecks

    async with (
        Services(environ, sign_in=SignIn.APP, options=LOOKING, clock=clock) as app,
        Services(environ, sign_in=auth, options=LOOKING, clock=clock) as person,
    ):
        reads = _DoctorReads(app, app if auth is SignIn.APP else person, webhook or WebhookToExpect())
        sources = DoctorSources(
            check_settings=reads.check_settings,
            expectations=reads.expectations,
            storage=lambda: _StorageReads(app.storage),
            vault=app.checked_secret,
            credential_kind=lambda: app.credential_kind,
            seal_keys=lambda: None if app.given_seal_key else app.seal_keys,
            tokens=lambda: reads.tokens,
            clocks=reads.clocks,
            app_access=lambda: reads.app_access,
            people=lambda: app.resources,
            participation=lambda: app.people.participation,
            event_columns=reads.event_columns,
            idle_conditions=reads.idle_conditions,
            registration_reads=lambda: reads.registration_reads,
            administered_columns=reads.administered_columns,
            returns=lambda: app.part(ReturnSettings),
            way_back=lambda: _WayBackReads(app),
            colours=lambda: app.event_file().categories,
            category_lists=lambda: app.calendar.category_lists,
            calendar=lambda: app.calendar,
            render=reads.render,
            mailbox_access=lambda: reads.mailbox_access,
            readers=lambda: app.calendar.readers if app.event_file().from_reader else None,
        )
        yield DoctorChecks(sources, options, clock, new_id, tell)


class _DoctorReads:
    """Makes what only the doctor reads with.

    Args:
        app: signed in as the app.
        administrator: who may read table definitions, steps and jobs.
        webhook: what is known of it.
    """

    def __init__(self, app: Services, administrator: Services, webhook: WebhookToExpect) -> None:
        self._app = app
        self._administrator = administrator
        self._webhook = webhook

    def check_settings(self) -> tuple[Caution, ...]:
        """Raise `SettingsError` if any setting of the app can't be used."""
        from booking_sync.settings.cautions import cautions
        from booking_sync.wiring.sync import event_renderer

        settings = load_settings(self._app.environ)
        event_renderer(settings, self._app.event_file())
        return cautions(settings, self._app.environ)

    def render(self) -> Callable[[Booking, datetime, datetime], EventContent]:
        """Renders bookings by the app's settings; raises `SettingsError` if these can't be used."""
        from booking_sync.wiring.sync import event_renderer

        settings = load_settings(self._app.environ)
        renderer = event_renderer(settings, self._app.event_file())

        def render(booking: Booking, start: datetime, end: datetime) -> EventContent:
            return replace(renderer.render(booking, start, end), calendar=settings.calendars.current)

        return render

    def expectations(self) -> Expectations:
        from booking_sync.doctor.options import Expectations
        from booking_sync.provisioning.desired import NoCommonPrefixError, desired_customizations
        from booking_sync.settings.schedules import TimerSettings, timer_schedules

        desired = partial(
            desired_customizations,
            self._app.columns,
            self._webhook.url,
            of_resource=self._app.people.resource_columns,
            of_return=self._app.part(ReturnSettings).return_columns,
            has_key=bool(self._webhook.key),
        )
        try:
            desired()
        except NoCommonPrefixError as error:
            raise SettingsError(str(error)) from None
        return Expectations(
            lambda columns: desired(event_columns=columns), timer_schedules(self._app.part(TimerSettings))
        )

    async def event_columns(self) -> Sequence[EventColumn]:
        return await self._app.event_columns(self._app.event_file())

    def idle_conditions(self, columns: Sequence[EventColumn]) -> Sequence[Problem] | None:
        from booking_sync.event_file.conditions import idle_conditions

        file = self._app.event_file()
        return idle_conditions(file, columns) if file.rules else None

    async def administered_columns(self) -> Sequence[EventColumn]:
        return await self._administrator.event_columns(self._app.event_file())

    @cached_property
    def tokens(self) -> _TokenReads:
        return _TokenReads(self._app, self._app.part(RegistrationSettings).client_id)

    def clocks(self) -> HttpClockReads:
        from booking_sync.azure.clocks import HttpClockReads
        from booking_sync.ports.diagnosis import Audience

        app = self._app.part(RegistrationSettings)
        authority = app.authority_host or PUBLIC_AUTHORITY
        addresses = {
            "Entra": f"{authority}/{app.tenant_id}/v2.0/.well-known/openid-configuration",
            "Graph": f"{_audience_url(self._app, Audience.GRAPH)}/v1.0/$metadata",
            "Dataverse": f"{_audience_url(self._app, Audience.DATAVERSE)}/api/data/v9.2/WhoAmI",
        }
        return HttpClockReads(addresses, self._app.clock)

    @cached_property
    def app_access(self) -> DataverseAppAccessReads:
        from booking_sync.dataverse.reads.doctor_reads import DataverseAppAccessReads, ExpectedIdentity

        expected = self._app.part(OwnUserSettings)
        return DataverseAppAccessReads(
            self._app.dataverse,
            self._app.columns,
            ExpectedIdentity(expected.app_user_id, expected.organization_id),
            self._app.people.resource_columns,
            self._app.part(ReturnSettings).return_columns,
        )

    @cached_property
    def registration_reads(self) -> DataverseRegistrationReads:
        from booking_sync.dataverse.customizations.webhook_key import WebhookKey
        from booking_sync.dataverse.reads.doctor_reads import DataverseRegistrationReads

        back = self._app.part(ReturnSettings).return_columns
        return DataverseRegistrationReads(
            self._administrator.dataverse,
            (*astuple(self._app.columns), *(back.names if back else ())),
            WebhookKey(self._webhook.key),
            secrets.token_bytes,
        )

    @cached_property
    def mailbox_access(self) -> OutlookMailboxAccessReads:
        from booking_sync.outlook.mailboxes.access import OutlookMailboxAccessReads

        return OutlookMailboxAccessReads(self._app.calendar)


@dataclass(frozen=True, slots=True)
class _WayBackReads:
    """Fulfils `WayBackReads`: booking statuses, and the vault's key of notifications."""

    app: Services

    async def canceled_statuses(self) -> Mapping[str, str]:
        reads = self.app.return_reads
        return await reads.canceled_statuses() if reads else {}

    async def notification_keys(self) -> int:
        from booking_sync.settings.parts import NotificationSettings
        from booking_sync.wiring.from_outlook import notification_keys

        keyring = notification_keys(self.app.part(NotificationSettings), self.app.clock)
        try:
            return len((await keyring.keys()).accepted)
        finally:
            await keyring.close()

    async def subscriptions(self) -> int:
        from booking_sync.sync.from_outlook.watch import notifying

        url = self.app.part(ReturnSettings).notification_url
        found = notifying(await self.app.calendar.subscriptions.list_all(), url)
        return len({each.mailbox for each in found})


@dataclass(frozen=True, slots=True)
class _StorageReads:
    """Fulfils `StorageReads`: queues and the timers' journal."""

    storage: StorageServices

    async def queues(self) -> QueueState:
        return await self.storage.inspection.state()

    async def last_run(self, timer: Timer) -> TimerRun | None:
        return await self.storage.journal().last(timer)

    async def seen_since(self) -> datetime | None:
        return await self.storage.journal().seen_since()


@dataclass(frozen=True, slots=True)
class _TokenReads:
    """Fulfils `TokenReads`: the app's."""

    app: Services
    client_id: str

    async def token(self, audience: Audience) -> TokenFacts:
        from booking_sync.azure.entra.claims import read_claims

        token = await self.app.credential.get_token(f"{_audience_url(self.app, audience)}/.default")
        return read_claims(token.token, self.client_id)


def _audience_url(app: Services, audience: Audience) -> str:
    from booking_sync.ports.diagnosis import Audience

    if audience is Audience.GRAPH:
        return app.part(GraphSettings).graph_url
    return app.part(EnvironmentSettings).dataverse_url


@dataclass(frozen=True, slots=True)
class Looking:
    """Where a command looks that changes nothing."""

    status: StatusSources
    names: NameSources


@asynccontextmanager
async def open_looking(environ: Mapping[str, str], auth: SignIn) -> AsyncIterator[Looking]:
    """Where `status` looks, and where names are found.

    Args:
        environ: the settings.
        auth: who reads Dataverse and calendars.

    Raises:
        SettingsError: a setting is missing or malformed, or the environment is not the one that they name.
        TransientError: Dataverse, Entra or Key Vault can't be reached.
        PermanentError: Dataverse refuses us, or nobody is signed in.
    """
    from booking_sync.wiring.status import name_sources, status_sources
    from booking_sync.wiring.sync import start_sync

    async with Services(environ, sign_in=auth, options=LOOKING) as services:
        sync = await start_sync(services)
        yield Looking(status_sources(sync), name_sources(sync))
