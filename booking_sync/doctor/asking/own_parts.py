"""Settings, storage, secret, key and tokens: what the app has before it asks Dynamics 365 or Outlook."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from booking_sync.doctor import (
    credentials,
    storage,
)
from booking_sync.doctor.asking.findings import NEEDS_SETTINGS
from booking_sync.doctor.report import Area, CheckResult, CheckStatus
from booking_sync.domain.timers import Timer, timer_state
from booking_sync.errors import SettingsError, SyncError

if TYPE_CHECKING:
    from booking_sync.doctor.asking.findings import Findings
    from booking_sync.doctor.asking.sources import DoctorSources
    from booking_sync.ports.diagnosis import (
        Audience,
        TokenFacts,
    )
    from booking_sync.ports.platform.clock import Clock

_STORAGE = (
    "Check AzureWebJobsStorage; with an identity, that whoever runs this command has the role Storage Queue "
    "Data Contributor on the account, as the app does."
)
_JOURNAL = (
    "The operator's page shows them; or give yourself the role Storage Blob Data Reader on the account."
)


@dataclass(frozen=True, slots=True)
class OwnPartsChecks:
    """The checks of the app's own parts."""

    sources: DoctorSources
    findings: Findings
    now: Clock

    def settings(self) -> None:
        """Whether they can be used, and what of them will surprise."""
        try:
            cautions = self.sources.check_settings()
        except SettingsError as error:
            remedy = "Correct the app's settings (docs/settings.md), or the file given with --settings."
            self.findings.note(CheckResult(Area.SETTINGS, "all", CheckStatus.ERROR, str(error), remedy))
        else:
            self.findings.note(CheckResult(Area.SETTINGS, "all", CheckStatus.OK, "complete and well-formed"))
            for each in cautions:
                self.findings.note(
                    CheckResult(Area.SETTINGS, each.setting, CheckStatus.WARNING, each.words, each.remedy)
                )

    async def storage(self) -> None:
        """Both queues, and when each timer ran last."""
        state = await self.findings.ask(
            Area.STORAGE, "queues", lambda: self.sources.storage().queues(), _STORAGE
        )
        if state is None:
            self.findings.skip(Area.STORAGE, "timers", "needs the queues")
            return
        self.findings.note(*storage.judge_queues(state, self.now()))
        for timer in Timer:
            await self._timer(timer)

    async def secret(self) -> None:
        """The app registration's secret or certificate in the vault."""
        try:
            vault = self.sources.vault()
            kind = self.sources.credential_kind()
        except SettingsError:
            self.findings.skip(Area.SECRET, "Key Vault", NEEDS_SETTINGS)
            return
        if vault is None:
            self.findings.skip(Area.SECRET, "Key Vault", credentials.NO_VAULT_SECRET[kind])
            return
        state = await self.findings.ask(Area.SECRET, "Key Vault", vault.state, credentials.VAULT)
        if state:
            self.findings.note(credentials.judge_secret(state, self.now()))

    async def seal_key(self) -> None:
        """The key that seals records, in the vault."""
        try:
            keyring = self.sources.seal_keys()
        except SettingsError:
            self.findings.skip(Area.SEAL_KEY, "versions", NEEDS_SETTINGS)
            return
        if keyring is None:
            words = "the key was given in BOOKING_SYNC_SEAL_KEY; the function app needs it in the vault"
            self.findings.skip(Area.SEAL_KEY, "versions", words)
            return
        keys = await self.findings.ask(Area.SEAL_KEY, "versions", keyring.load, credentials.SEAL_VAULT)
        if keys:
            self.findings.note(credentials.judge_seal_keys(keys))

    async def token(self, audience: Audience) -> TokenFacts | None:
        """Sign in as the app; None, with a finding, when that fails."""
        check = f"token for {audience}"
        if self.findings.failed(Area.SECRET):
            self.findings.skip(Area.SIGN_IN, check, "needs the client secret")
            return None
        token = await self.findings.ask(
            Area.SIGN_IN, check, lambda: self.sources.tokens().token(audience), credentials.SIGN_IN
        )
        if token:
            self.findings.note(credentials.judge_token(audience, token))
        return token

    async def clocks(self) -> None:
        """Whether this machine's clock and the services' agree."""
        readings = await self.findings.ask(Area.CLOCK, "services", lambda: self.sources.clocks().read(), "")
        self.findings.note(*(credentials.judge_clock(reading) for reading in readings or ()))

    async def _timer(self, timer: Timer) -> None:
        try:
            schedules = self.sources.expectations().schedules
            run = await self.sources.storage().last_run(timer)
            since = await self.sources.storage().seen_since()
        except SettingsError:
            self.findings.skip(Area.STORAGE, f"last {timer}", NEEDS_SETTINGS)
        except SyncError as error:
            # Who runs this may read queues and no blobs: the journal is the app's own.
            self.findings.skip(
                Area.STORAGE, f"last {timer}", f"the journal can't be read: {error.reason}", _JOURNAL
            )
        else:
            if next_run := schedules.next_runs.get(timer):  # else there is none by these settings
                now = self.now()
                state = timer_state(timer, next_run, run, since, now=now)
                self.findings.note(storage.judge_timer(state, run, now, schedules.look_back))
