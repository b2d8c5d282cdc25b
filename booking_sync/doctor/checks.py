"""Which check comes when. Each asks a service once and judges the answer.

A check that needs what a failed check would have told is skipped, and its result says so.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeVar

from booking_sync.doctor import (
    app_access,
    categories,
    credentials,
    event_columns,
    mailboxes,
    people,
    registration,
    storage,
    trial,
    way_back,
)
from booking_sync.doctor.report import Area, CheckResult, CheckStatus, DoctorReport
from booking_sync.domain.bookings.participation import calendar_of
from booking_sync.domain.bookings.reader import Reader
from booking_sync.domain.environment.rights import NEEDED, needed
from booking_sync.domain.events.event_ref import is_mailbox
from booking_sync.domain.timers import Timer, timer_state
from booking_sync.errors import Cause, PermanentError, SettingsError, SyncError, TransientError
from booking_sync.ports.diagnosis import Audience, MailboxAccess

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime

    from booking_sync.doctor.options import DoctorOptions, Expectations
    from booking_sync.domain.bookings.booking import Booking
    from booking_sync.domain.bookings.participation import Participation
    from booking_sync.domain.events.event import EventContent
    from booking_sync.domain.events.event_text.colours import CategoryColour
    from booking_sync.domain.events.event_text.columns import EventColumn
    from booking_sync.event_file.content import Problem
    from booking_sync.ports.dataverse.bookings import NamedResource
    from booking_sync.ports.diagnosis import (
        AppAccessReads,
        ClockReads,
        Identity,
        MailboxAccessReads,
        PeopleReads,
        RegistrationReads,
        SecretReads,
        StorageReads,
        TokenFacts,
        TokenReads,
        WayBackReads,
    )
    from booking_sync.ports.outlook.calendars import Calendar
    from booking_sync.ports.outlook.categories import CategoryLists
    from booking_sync.ports.outlook.readers import Readers
    from booking_sync.ports.platform.clock import Clock
    from booking_sync.ports.platform.keys import OpenKeyring
    from booking_sync.settings.cautions import Caution
    from booking_sync.settings.parts import ReturnSettings
    from booking_sync.settings.values import CredentialKind

Facts = TypeVar("Facts")

JOB_DAYS: Final = 7
MARK_DAYS: Final = 14
_SETTINGS = "needs correct settings"
_TOKEN = "needs a token"  # noqa: S105 - words, no token
_IDENTITY = "needs to know who the app is to Dataverse"
_NETWORK = (
    "No answer came: check this machine's network, its proxy and its name resolution, and the host names in "
    "the settings; then run it again."
)
_STORAGE = (
    "Check AzureWebJobsStorage; with an identity, that whoever runs this command has the role Storage Queue "
    "Data Contributor on the account, as the app does."
)
_JOURNAL = (
    "The operator's page shows them; or give yourself the role Storage Blob Data Reader on the account."
)
_AS_YOURSELF = (
    "Run `booking-sync doctor --auth cli` as somebody who may customize the environment; the app need not."
)


@dataclass(frozen=True, slots=True)
class DoctorSources:
    """Where facts come from. Each opens at its call and may raise `SettingsError`; the caller closes them."""

    check_settings: Callable[[], Sequence[Caution]]
    """Raises `SettingsError` with all that is wrong; returns settings that are valid but likely unwanted."""
    expectations: Callable[[], Expectations]
    storage: Callable[[], StorageReads]
    vault: Callable[[], SecretReads | None]
    """None when the secret does not come from a vault."""
    credential_kind: Callable[[], CredentialKind]
    """How the app registration signs in here; `secret` also for one that was given by hand."""
    seal_keys: Callable[[], OpenKeyring | None]
    """None when the key does not come from a vault."""
    tokens: Callable[[], TokenReads]
    clocks: Callable[[], ClockReads]
    app_access: Callable[[], AppAccessReads]
    people: Callable[[], PeopleReads]
    participation: Callable[[], Participation]
    event_columns: Callable[[], Awaitable[Sequence[EventColumn]]]
    """Those of the event file, as the app finds them; raises `SettingsError` where a path leads nowhere."""
    idle_conditions: Callable[[Sequence[EventColumn]], Sequence[Problem] | None]
    """What rules ask for that no booking has; None without rules."""
    registration_reads: Callable[[], RegistrationReads]
    administered_columns: Callable[[], Awaitable[Sequence[EventColumn]]]
    """The event file's columns, as whoever sets the app up finds them."""
    returns: Callable[[], ReturnSettings]
    """Of the way back from Outlook."""
    way_back: Callable[[], WayBackReads]
    colours: Callable[[], Sequence[CategoryColour]]
    """Of the event file."""
    category_lists: Callable[[], CategoryLists]
    calendar: Callable[[], Calendar]
    render: Callable[[], Callable[[Booking, datetime, datetime], EventContent]]
    """Renders bookings by the app's settings."""
    mailbox_access: Callable[[], MailboxAccessReads]
    readers: Callable[[], Readers | None]
    """None where the event file takes nothing from readers."""


@dataclass(slots=True)
class DoctorChecks:
    """One run of all checks.

    Args:
        sources: where the facts come from.
        options: what the command line asks for.
        now: the time of day.
        new_id: a fresh GUID's text.
        tell: called with what is looked at, and with what can't wait for the report.
        sleep: waits so many seconds.
    """

    sources: DoctorSources
    options: DoctorOptions
    now: Clock
    new_id: Callable[[], str]
    tell: Callable[[str], None]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _results: list[CheckResult] = field(default_factory=list, init=False)

    async def run(self) -> DoctorReport:
        """Make every check that can be made."""
        self.tell("looking at settings")
        self._settings()
        self.tell("looking at storage")
        await self._storage()
        self.tell("looking at secret, seal key, sign-in and clocks")
        await self._secret()
        await self._seal_key()
        graph = await self._token(Audience.GRAPH)
        dataverse = await self._token(Audience.DATAVERSE)
        await self._clocks()
        self.tell("looking at Dataverse")
        known = await self._dataverse() if dataverse else None
        if not dataverse:
            self._skip(Area.DATAVERSE, "all", _TOKEN)
        self.tell("looking at columns, webhook and steps")
        await self._registration(reachable=bool(known))
        await self._way_back(graph, known=bool(known))
        await self._people(graph, known=bool(known))
        self.tell("looking at mailboxes")
        await self._mailboxes(graph, names_known=bool(known))
        return DoctorReport(tuple(self._results))

    def _settings(self) -> None:
        try:
            cautions = self.sources.check_settings()
        except SettingsError as error:
            remedy = "Correct the app's settings (docs/settings.md), or the file given with --settings."
            self._note(CheckResult(Area.SETTINGS, "all", CheckStatus.ERROR, str(error), remedy))
        else:
            self._note(CheckResult(Area.SETTINGS, "all", CheckStatus.OK, "complete and well-formed"))
            for each in cautions:
                self._note(
                    CheckResult(Area.SETTINGS, each.setting, CheckStatus.WARNING, each.words, each.remedy)
                )

    async def _storage(self) -> None:
        state = await self._ask(Area.STORAGE, "queues", lambda: self.sources.storage().queues(), _STORAGE)
        if state is None:
            self._skip(Area.STORAGE, "timers", "needs the queues")
            return
        self._note(*storage.judge_queues(state, self.now()))
        for timer in Timer:
            await self._timer(timer)

    async def _timer(self, timer: Timer) -> None:
        try:
            schedules = self.sources.expectations().schedules
            run = await self.sources.storage().last_run(timer)
            since = await self.sources.storage().seen_since()
        except SettingsError:
            self._skip(Area.STORAGE, f"last {timer}", _SETTINGS)
        except SyncError as error:
            # Who runs this may read queues and no blobs: the journal is the app's own.
            self._skip(Area.STORAGE, f"last {timer}", f"the journal can't be read: {error.reason}", _JOURNAL)
        else:
            if next_run := schedules.next_runs.get(timer):  # else there is none by these settings
                now = self.now()
                state = timer_state(timer, next_run, run, since, now=now)
                self._note(storage.judge_timer(state, run, now, schedules.look_back))

    async def _secret(self) -> None:
        try:
            vault = self.sources.vault()
            kind = self.sources.credential_kind()
        except SettingsError:
            self._skip(Area.SECRET, "Key Vault", _SETTINGS)
            return
        if vault is None:
            self._skip(Area.SECRET, "Key Vault", credentials.NO_VAULT_SECRET[kind])
            return
        state = await self._ask(Area.SECRET, "Key Vault", vault.state, credentials.VAULT)
        if state:
            self._note(credentials.judge_secret(state, self.now()))

    async def _seal_key(self) -> None:
        try:
            keyring = self.sources.seal_keys()
        except SettingsError:
            self._skip(Area.SEAL_KEY, "versions", _SETTINGS)
            return
        if keyring is None:
            words = "the key was given in BOOKING_SYNC_SEAL_KEY; the function app needs it in the vault"
            self._skip(Area.SEAL_KEY, "versions", words)
            return
        keys = await self._ask(Area.SEAL_KEY, "versions", keyring.load, credentials.SEAL_VAULT)
        if keys:
            self._note(credentials.judge_seal_keys(keys))

    async def _token(self, audience: Audience) -> TokenFacts | None:
        check = f"token for {audience}"
        if self._failed(Area.SECRET):
            self._skip(Area.SIGN_IN, check, "needs the client secret")
            return None
        token = await self._ask(
            Area.SIGN_IN, check, lambda: self.sources.tokens().token(audience), credentials.SIGN_IN
        )
        if token:
            self._note(credentials.judge_token(audience, token))
        return token

    async def _clocks(self) -> None:
        readings = await self._ask(Area.CLOCK, "services", lambda: self.sources.clocks().read(), "")
        self._note(*(credentials.judge_clock(reading) for reading in readings or ()))

    # --- Dataverse, as the app --------------------------------------------------------------------------

    async def _dataverse(self) -> Identity | None:
        dataverse = self._open(Area.DATAVERSE, self.sources.app_access)
        if dataverse is None:
            return None
        who = await self._ask(
            Area.DATAVERSE, "application user", dataverse.identity, app_access.APPLICATION_USER
        )
        if who is None:
            self._skip(Area.DATAVERSE, "everything else", _IDENTITY)
            return None
        self._note(*app_access.judge_identity(who))
        await self._privileges(dataverse, who)
        await self._event_columns(dataverse)
        await self._rows(dataverse)
        return who

    async def _privileges(self, dataverse: AppAccessReads, who: Identity) -> None:
        held = await self._ask(
            Area.DATAVERSE, "privileges", lambda: dataverse.privileges(who.user_id), app_access.ROLE
        )
        if held is not None:
            self._note(app_access.judge_privileges(held, needed(cancels=self._cancels())))
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

        result = await self._ask(Area.DATAVERSE, f"reading {table}", ask, app_access.READ)
        self._note(*([result] if result else []))

    async def _event_columns(self, dataverse: AppAccessReads) -> None:
        if self._failed(Area.SETTINGS):
            return  # which tells of the file as well
        check, remedy = event_columns.CHECK, event_columns.ROLE
        try:
            columns = await self.sources.event_columns()
            if columns:
                await dataverse.read_columns(columns)
                self._note(event_columns.judge_columns(columns))
            idle = self.sources.idle_conditions(columns)
            if idle is not None:
                self._note(event_columns.judge_rules(idle))
        except SettingsError as error:
            self._note(event_columns.judge_unusable(error))
        except SyncError as error:
            self._note(CheckResult(Area.DATAVERSE, check, CheckStatus.ERROR, error.reason, remedy))

    async def _rows(self, dataverse: AppAccessReads) -> None:
        if any(each.check == "reading bookableresourcebooking" and _is_bad(each) for each in self._results):
            self._skip(Area.DATAVERSE, "failing bookings, Microsoft's own sync", "needs to read bookings")
            return
        failing = await self._ask(Area.DATAVERSE, "failing bookings", dataverse.failing, app_access.READ)
        if failing:
            self._note(app_access.judge_failing(failing))
        since = self.now() - timedelta(days=MARK_DAYS)
        check = "Microsoft's own sync"
        marks = await self._ask(
            Area.DATAVERSE, check, lambda: dataverse.foreign_marks(since), app_access.READ
        )
        if marks:
            self._note(app_access.judge_foreign_marks(marks, MARK_DAYS))

    async def _people(self, graph: TokenFacts | None, *, known: bool) -> None:
        if not known:
            self._skip(Area.PEOPLE, people.CHECK, _IDENTITY)
            return
        self.tell("looking at who takes part")
        everybody = await self._ask(
            Area.PEOPLE, people.CHECK, lambda: self.sources.people().everybody(), people.READ
        )
        participation = self._open(Area.PEOPLE, self.sources.participation)
        if everybody is None or participation is None:
            return
        self._note(*people.judge_participants(everybody, participation))
        inside = people.taking_part(everybody, participation)
        if graph is None:
            self._skip(Area.PEOPLE, people.CALENDARS, _TOKEN)
        elif inside:
            await self._calendars(inside, participation)
            await self._readers(inside)

    async def _calendars(self, inside: Sequence[NamedResource], participation: Participation) -> None:
        """Ask for the calendars of those that take part; who can't be asked just now is left out."""
        reads = self._open(Area.PEOPLE, self.sources.mailbox_access)
        if reads is None:
            return
        calendars = list(dict.fromkeys(filter(None, (calendar_of(each.resource) for each in inside))))
        asked = calendars[: people.MOST_TRIED]
        self.tell(f"asking for {len(asked)} calendars")
        answers = await asyncio.gather(*(reads.access(each) for each in asked), return_exceptions=True)
        found = {
            mailbox: answer
            for mailbox, answer in zip(asked, answers, strict=True)
            if isinstance(answer, MailboxAccess)
        }
        for answer in answers:
            if isinstance(answer, BaseException) and not isinstance(answer, SyncError):
                raise answer
        unknown = [answer for answer in answers if isinstance(answer, SyncError)]
        if unknown:
            words = f"{len(unknown)} could not be asked for: {unknown[0].reason}"
            self._note(
                CheckResult(Area.PEOPLE, people.CALENDARS, CheckStatus.WARNING, words, mailboxes.LATER)
            )
        if found:
            self._note(people.judge_calendars(inside, found, participation))
        open_ones = [each for each, access in found.items() if access is MailboxAccess.ALLOWED]
        await self._colours(open_ones[: categories.MOST_TRIED])

    async def _colours(self, mailboxes: Sequence[str]) -> None:
        """Look into some lists of categories, where the event file names colours."""
        colours = self._open(Area.PEOPLE, self.sources.colours)
        if not colours or not mailboxes:
            return
        lists = self.sources.category_lists()
        answers = await asyncio.gather(*(lists.names(each) for each in mailboxes), return_exceptions=True)
        found: dict[str, frozenset[str] | SyncError] = {}
        for mailbox, answer in zip(mailboxes, answers, strict=True):
            if not isinstance(answer, frozenset | SyncError):
                raise answer
            found[mailbox] = answer
        self._note(categories.judge_colours(colours, found))

    async def _readers(self, inside: Sequence[NamedResource]) -> None:
        """Ask how people read, where the event file wants to know; others' mailboxes are left out."""
        if self._failed(Area.SETTINGS):
            return
        reads = self._open(Area.PEOPLE, self.sources.readers)
        if reads is None:
            return
        boxes = list(dict.fromkeys(filter(None, (calendar_of(each.resource) for each in inside))))
        asked = boxes[: people.MOST_TRIED]
        self.tell(f"asking for the languages of {len(asked)} people")
        answers = await asyncio.gather(*(reads.reader(each) for each in asked), return_exceptions=True)
        told: dict[str, Reader] = {}
        refused: set[str] = set()
        for mailbox, answer in zip(asked, answers, strict=True):
            if isinstance(answer, Reader):
                told[mailbox] = answer
            elif isinstance(answer, PermanentError):
                refused |= {mailbox} if answer.cause is Cause.ACCESS_DENIED else set()
            elif not isinstance(answer, SyncError):
                raise answer
        self._note(people.judge_readers(inside, len(asked), told, refused))

    # --- Dataverse's own tables, as whoever signs in ----------------------------------------------------

    async def _registration(self, *, reachable: bool) -> None:
        if self.options.signed_in_as_app and not reachable:
            self._skip(Area.REGISTRATION, "all", _IDENTITY)
            return
        registration_reads = self._open(Area.REGISTRATION, self.sources.registration_reads)
        expectations = self._open(Area.REGISTRATION, self.sources.expectations)
        if registration_reads is None or expectations is None:
            return
        columns = await self._administered_columns()
        if columns is None:
            return
        desired = expectations.desired(columns)
        table = await self._administer("table definition", registration_reads.table)
        self._note(*(registration.judge_definition(table) if table else ()))
        actual = await self._administer("columns and steps", lambda: registration_reads.registration(desired))
        if actual is None:
            self._skip(Area.REGISTRATION, "failed webhooks", "needs the steps")
            return
        self._note(*registration.judge_registration(actual, desired))
        since = self.now() - timedelta(days=JOB_DAYS)
        steps = registration.our_steps(actual, desired)
        if not steps:
            self._skip(Area.REGISTRATION, "failed webhooks", "there is no step whose jobs could fail")
            return
        jobs = await self._administer("failed webhooks", lambda: registration_reads.failed_jobs(steps, since))
        self._note(*([registration.judge_jobs(jobs, JOB_DAYS)] if jobs else []))

    async def _administered_columns(self) -> Sequence[EventColumn] | None:
        """The event file's columns, whose steps differ from those without; None where they can't be told."""
        try:
            return await self._administer("event file", self.sources.administered_columns)
        except SettingsError:
            self._skip(Area.REGISTRATION, "all", "needs an event file that can be used")
        return None

    async def _administer(self, check: str, question: Callable[[], Awaitable[Facts]]) -> Facts | None:
        """Ask as whoever signs in. A refusal of the app itself is no error: it needs no such right."""
        try:
            return await question()
        except PermanentError as error:
            status = CheckStatus.SKIPPED if self.options.signed_in_as_app else CheckStatus.ERROR
            self._note(CheckResult(Area.REGISTRATION, check, status, error.reason, _AS_YOURSELF))
        except SyncError as error:
            self._note(CheckResult(Area.REGISTRATION, check, CheckStatus.ERROR, error.reason, _AS_YOURSELF))
        return None

    # --- the way back from Outlook ----------------------------------------------------------------------

    async def _way_back(self, graph: TokenFacts | None, *, known: bool) -> None:
        settings = self._open(Area.WAY_BACK, self.sources.returns)
        if settings is None:
            return
        policy = settings.return_policy
        self._note(way_back.judge_policy(policy))
        if settings.return_columns is None:
            return
        reads = self.sources.way_back()
        if not known:
            self._skip(Area.WAY_BACK, way_back.STATUS, _IDENTITY)
        elif policy.cancels:
            there = await self._ask(Area.WAY_BACK, way_back.STATUS, reads.canceled_statuses, way_back.READ)
            if there is not None:
                self._note(way_back.judge_status(settings.cancel_status_id, there))
        if not settings.notification_url:
            self._note(way_back.judge_without_notifications())
            return
        versions = await self._ask(Area.WAY_BACK, way_back.KEY, reads.notification_keys, way_back.VAULT)
        self._note(*([way_back.judge_key(versions)] if versions else []))
        if graph is None:
            self._skip(Area.WAY_BACK, way_back.SUBSCRIPTIONS, _TOKEN)
            return
        count = await self._ask(
            Area.WAY_BACK, way_back.SUBSCRIPTIONS, reads.subscriptions, way_back.GRAPH_REPORTS
        )
        self._note(*([way_back.judge_subscriptions(count)] if count is not None else []))

    # --- mailboxes --------------------------------------------------------------------------------------

    async def _mailboxes(self, graph: TokenFacts | None, *, names_known: bool) -> None:
        if not self.options.mailboxes:
            self._note(mailboxes.not_asked())
        if graph is None:
            for name in (*self.options.mailboxes, *self.options.outside):
                self._skip(Area.MAILBOXES, name, _TOKEN)
            return
        for name in self.options.mailboxes:
            await self._inside(name, names_known=names_known)
        refused = [await self._outside(name, names_known=names_known) for name in self.options.outside]
        outside_refused = bool(refused) and all(refused)
        self._note(mailboxes.judge_scope(graph.roles, outside_refused=outside_refused))

    async def _inside(self, name: str, *, names_known: bool) -> None:
        if self.options.dry_run:
            self._note(trial.announce(name, self.now()))
            return
        mailbox = await self._find(name, names_known=names_known)
        calendar = self._open(Area.MAILBOXES, self.sources.calendar) if mailbox else None
        if mailbox and calendar:
            made = trial.Trial(calendar, self.now(), self.new_id, self.sleep, self.tell, self._render())
            self._note(*await made.run(name, mailbox))

    def _render(self) -> Callable[[Booking, datetime, datetime], EventContent] | None:
        """None where the settings can't be used, which has been told by then."""
        try:
            return self.sources.render()
        except SettingsError:
            return None

    async def _outside(self, name: str, *, names_known: bool) -> bool:
        mailbox = await self._find(name, names_known=names_known)
        reads = self._open(Area.MAILBOXES, self.sources.mailbox_access) if mailbox else None
        if mailbox is None or reads is None:
            return False
        found = await self._ask(Area.MAILBOXES, f"outside: {name}", lambda: reads.access(mailbox), "")
        if found:
            self._note(mailboxes.judge_outside(name, found))
        return found is MailboxAccess.DENIED

    async def _find(self, name: str, *, names_known: bool) -> str | None:
        """The mailbox's id; None, with a finding, when it can't be had."""
        if is_mailbox(name):
            return name.lower()
        if not names_known:
            self._skip(Area.MAILBOXES, name, "needs Dataverse, which knows people by name")
            return None
        nobody = mailboxes.unknown(name)
        mailbox = await self._ask(
            Area.MAILBOXES, name, lambda: self.sources.app_access().mailbox_of(name), nobody.remedy
        )
        if mailbox == "":
            self._note(nobody)
        return mailbox or None

    # --- what checks have in common ---------------------------------------------------------------------

    async def _ask(
        self,
        area: Area,
        check: str,
        question: Callable[[], Awaitable[Facts]],
        remedy: str,
    ) -> Facts | None:
        """The facts; None, with a finding, when they can't be had."""
        try:
            return await question()
        except SettingsError:
            self._skip(area, check, _SETTINGS)
        except SyncError as error:
            unreached = isinstance(error, TransientError) and error.unreached
            told = _NETWORK if unreached else remedy
            self._note(CheckResult(area, check, CheckStatus.ERROR, error.reason, told))
        return None

    def _open(self, area: Area, opener: Callable[[], Facts]) -> Facts | None:
        try:
            return opener()
        except SettingsError:
            self._skip(area, "all", _SETTINGS)
            return None

    def _skip(self, area: Area, check: str, words: str, remedy: str = "") -> None:
        self._note(CheckResult(area, check, CheckStatus.SKIPPED, words, remedy))

    def _note(self, *results: CheckResult) -> None:
        self._results += results

    def _failed(self, area: Area) -> bool:
        return any(each.area is area and _is_bad(each) for each in self._results)


def _is_bad(result: CheckResult) -> bool:
    return result.status is CheckStatus.ERROR
