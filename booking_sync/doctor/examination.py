"""The order of the checks: each is asked once, its answer judged; what hangs on a failed one is skipped."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeVar

from booking_sync.doctor import access, environment, mailboxes, registration, storage, trial
from booking_sync.doctor.facts import Audience, MailboxAccess, Timer
from booking_sync.doctor.findings import Area, Finding, Report, Severity
from booking_sync.domain.event import is_mailbox
from booking_sync.errors import PermanentError, SettingsError, SyncError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from booking_sync.doctor.facts import (
        Administration,
        Clocks,
        Environment,
        Expectations,
        Identity,
        MailboxAccessReads,
        Storage,
        TokenFacts,
        Tokens,
        Vault,
        Wishes,
    )
    from booking_sync.ports.calendars import Calendar
    from booking_sync.ports.clock import Clock
    from booking_sync.settings.cautions import Caution

Facts = TypeVar("Facts")

JOB_DAYS: Final = 7
MARK_DAYS: Final = 14
_SETTINGS = "hangs on the settings"
_TOKEN = "hangs on the token"  # noqa: S105 - words, no token
_IDENTITY = "hangs on who we are to Dataverse"
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
class Sources:
    """Where the facts come from: openers, which may raise `SettingsError`; closing is the caller's."""

    check_settings: Callable[[], Sequence[Caution]]
    """Raises `SettingsError`, which names all that is wrong; returns what can be used and will surprise."""
    expectations: Callable[[], Expectations]
    storage: Callable[[], Storage]
    vault: Callable[[], Vault | None]
    """None when the secret does not come from a vault."""
    tokens: Callable[[], Tokens]
    clocks: Callable[[], Clocks]
    environment: Callable[[], Environment]
    administration: Callable[[], Administration]
    calendar: Callable[[], Calendar]
    mailbox_access: Callable[[], MailboxAccessReads]


@dataclass(slots=True)
class Examination:
    """One run of all checks.

    Args:
        sources: where the facts come from.
        wishes: what the command line asks for.
        now: the time of day.
        new_id: a fresh GUID's text.
        tell: hears what is looked at, and what can't wait for the report.
        sleep: waits so many seconds.
    """

    sources: Sources
    wishes: Wishes
    now: Clock
    new_id: Callable[[], str]
    tell: Callable[[str], None]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _findings: list[Finding] = field(default_factory=list, init=False)

    async def run(self) -> Report:
        """Make every check that can be made."""
        self.tell("looking at settings")
        self._settings()
        self.tell("looking at storage")
        await self._storage()
        self.tell("looking at secret, sign-in and clocks")
        await self._secret()
        graph = await self._token(Audience.GRAPH)
        dataverse = await self._token(Audience.DATAVERSE)
        await self._clocks()
        self.tell("looking at Dataverse")
        known = await self._dataverse() if dataverse else None
        if not dataverse:
            self._skip(Area.DATAVERSE, "all", _TOKEN)
        self.tell("looking at columns, webhook and steps")
        await self._registration(reachable=bool(known))
        self.tell("looking at mailboxes")
        await self._mailboxes(graph, names_known=bool(known))
        return Report(tuple(self._findings))

    def _settings(self) -> None:
        try:
            cautions = self.sources.check_settings()
        except SettingsError as error:
            remedy = "Correct the app's settings (docs/settings.md), or the file given with --settings."
            self._note(Finding(Area.SETTINGS, "all", Severity.ERROR, str(error), remedy))
        else:
            self._note(Finding(Area.SETTINGS, "all", Severity.OK, "complete and well-formed"))
            for each in cautions:
                self._note(Finding(Area.SETTINGS, each.setting, Severity.WARNING, each.words, each.remedy))

    async def _storage(self) -> None:
        state = await self._ask(Area.STORAGE, "queues", lambda: self.sources.storage().queues(), _STORAGE)
        if state is None:
            self._skip(Area.STORAGE, "timers", "hangs on the queues")
            return
        self._note(*storage.judge_queues(state, self.now()))
        for timer in Timer:
            await self._timer(timer)

    async def _timer(self, timer: Timer) -> None:
        try:
            late = self.sources.expectations().catch_up_look_back if timer is Timer.CATCH_UP else None
            run = await self.sources.storage().last_run(timer)
        except SettingsError:
            self._skip(Area.STORAGE, f"last {timer}", _SETTINGS)
        except SyncError as error:
            # Who runs this may read queues and no blobs: the journal is the app's own.
            self._skip(Area.STORAGE, f"last {timer}", f"the journal can't be read: {error.reason}", _JOURNAL)
        else:
            self._note(storage.judge_timer(timer, run, self.now(), late))

    async def _secret(self) -> None:
        try:
            vault = self.sources.vault()
        except SettingsError:
            self._skip(Area.SECRET, "Key Vault", _SETTINGS)
            return
        if vault is None:
            words = "the secret was given in ENTRA_CLIENT_SECRET; the function app needs it in the vault"
            self._skip(Area.SECRET, "Key Vault", words)
            return
        state = await self._ask(Area.SECRET, "Key Vault", vault.state, access.VAULT)
        if state:
            self._note(access.judge_secret(state, self.now()))

    async def _token(self, audience: Audience) -> TokenFacts | None:
        check = f"token for {audience}"
        if self._failed(Area.SECRET):
            self._skip(Area.SIGN_IN, check, "hangs on the client secret")
            return None
        token = await self._ask(
            Area.SIGN_IN, check, lambda: self.sources.tokens().token(audience), access.SIGN_IN
        )
        if token:
            self._note(access.judge_token(audience, token))
        return token

    async def _clocks(self) -> None:
        readings = await self._ask(Area.CLOCK, "services", lambda: self.sources.clocks().read(), "")
        self._note(*(access.judge_clock(reading) for reading in readings or ()))

    # --- Dataverse, as the app --------------------------------------------------------------------------

    async def _dataverse(self) -> Identity | None:
        dataverse = self._open(Area.DATAVERSE, self.sources.environment)
        if dataverse is None:
            return None
        who = await self._ask(
            Area.DATAVERSE, "application user", dataverse.identity, environment.APPLICATION_USER
        )
        if who is None:
            self._skip(Area.DATAVERSE, "everything else", _IDENTITY)
            return None
        self._note(*environment.judge_identity(who))
        await self._privileges(dataverse, who)
        await self._rows(dataverse)
        return who

    async def _privileges(self, dataverse: Environment, who: Identity) -> None:
        held = await self._ask(
            Area.DATAVERSE, "privileges", lambda: dataverse.privileges(who.user_id), environment.ROLE
        )
        if held is not None:
            self._note(environment.judge_privileges(held))
        for table in environment.NEEDED:
            await self._read(dataverse, table)

    async def _read(self, dataverse: Environment, table: str) -> None:
        async def ask() -> Finding:
            await dataverse.read_one(table)
            return environment.judge_table(table)

        finding = await self._ask(Area.DATAVERSE, f"reading {table}", ask, environment.READ)
        self._note(*([finding] if finding else []))

    async def _rows(self, dataverse: Environment) -> None:
        if any(each.check == "reading bookableresourcebooking" and _is_bad(each) for each in self._findings):
            self._skip(Area.DATAVERSE, "failing bookings, Microsoft's own sync", "hangs on reading bookings")
            return
        failing = await self._ask(Area.DATAVERSE, "failing bookings", dataverse.failing, environment.READ)
        if failing:
            self._note(environment.judge_failing(failing))
        since = self.now() - timedelta(days=MARK_DAYS)
        check = "Microsoft's own sync"
        marks = await self._ask(
            Area.DATAVERSE, check, lambda: dataverse.foreign_marks(since), environment.READ
        )
        if marks:
            self._note(environment.judge_foreign_marks(marks, MARK_DAYS))

    # --- Dataverse's own tables, as whoever signs in ----------------------------------------------------

    async def _registration(self, *, reachable: bool) -> None:
        if self.wishes.signed_in_as_app and not reachable:
            self._skip(Area.REGISTRATION, "all", _IDENTITY)
            return
        administration = self._open(Area.REGISTRATION, self.sources.administration)
        expectations = self._open(Area.REGISTRATION, self.sources.expectations)
        if administration is None or expectations is None:
            return
        desired = expectations.desired
        table = await self._administer("table definition", administration.table)
        self._note(*(registration.judge_definition(table) if table else ()))
        actual = await self._administer("columns and steps", lambda: administration.registration(desired))
        if actual is None:
            self._skip(Area.REGISTRATION, "failed webhooks", "hangs on the steps")
            return
        self._note(*registration.judge_registration(actual, desired))
        since = self.now() - timedelta(days=JOB_DAYS)
        steps = registration.our_steps(actual, desired)
        if not steps:
            self._skip(Area.REGISTRATION, "failed webhooks", "there is no step whose jobs could fail")
            return
        jobs = await self._administer("failed webhooks", lambda: administration.failed_jobs(steps, since))
        self._note(*([registration.judge_jobs(jobs, JOB_DAYS)] if jobs else []))

    async def _administer(self, check: str, question: Callable[[], Awaitable[Facts]]) -> Facts | None:
        """Ask as whoever signs in; that the app itself may not is no fault."""
        try:
            return await question()
        except PermanentError as error:
            severity = Severity.SKIPPED if self.wishes.signed_in_as_app else Severity.ERROR
            self._note(Finding(Area.REGISTRATION, check, severity, error.reason, _AS_YOURSELF))
        except SyncError as error:
            self._note(Finding(Area.REGISTRATION, check, Severity.ERROR, error.reason, _AS_YOURSELF))
        return None

    # --- mailboxes --------------------------------------------------------------------------------------

    async def _mailboxes(self, graph: TokenFacts | None, *, names_known: bool) -> None:
        if not self.wishes.mailboxes:
            self._note(mailboxes.not_asked())
        if graph is None:
            for name in (*self.wishes.mailboxes, *self.wishes.outside):
                self._skip(Area.MAILBOXES, name, _TOKEN)
            return
        for name in self.wishes.mailboxes:
            await self._inside(name, names_known=names_known)
        refused = [await self._outside(name, names_known=names_known) for name in self.wishes.outside]
        outside_refused = bool(refused) and all(refused)
        self._note(mailboxes.judge_scope(graph.roles, outside_refused=outside_refused))

    async def _inside(self, name: str, *, names_known: bool) -> None:
        if self.wishes.dry_run:
            self._note(trial.announce(name, self.now()))
            return
        mailbox = await self._find(name, names_known=names_known)
        calendar = self._open(Area.MAILBOXES, self.sources.calendar) if mailbox else None
        if mailbox and calendar:
            made = trial.Trial(calendar, self.now(), self.new_id, self.sleep, self.tell)
            self._note(*await made.run(name, mailbox))

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
            self._skip(Area.MAILBOXES, name, "hangs on Dataverse, which knows people by name")
            return None
        nobody = mailboxes.unknown(name)
        mailbox = await self._ask(
            Area.MAILBOXES, name, lambda: self.sources.environment().mailbox_of(name), nobody.remedy
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
            self._note(Finding(area, check, Severity.ERROR, error.reason, remedy))
        return None

    def _open(self, area: Area, opener: Callable[[], Facts]) -> Facts | None:
        try:
            return opener()
        except SettingsError:
            self._skip(area, "all", _SETTINGS)
            return None

    def _skip(self, area: Area, check: str, words: str, remedy: str = "") -> None:
        self._note(Finding(area, check, Severity.SKIPPED, words, remedy))

    def _note(self, *findings: Finding) -> None:
        self._findings += findings

    def _failed(self, area: Area) -> bool:
        return any(each.area is area and _is_bad(each) for each in self._findings)


def _is_bad(finding: Finding) -> bool:
    return finding.severity is Severity.ERROR
